"""Which view shows which kind of place."""

from typing import Final

from qconsole.tui.audit import AuditView, EventsView
from qconsole.tui.dead_letter import DeadLetterDocument
from qconsole.tui.dead_letters import DeadLettersView, GroupsView
from qconsole.tui.doctor import DoctorView
from qconsole.tui.flow import FlowDocument
from qconsole.tui.flows import FlowsView
from qconsole.tui.job import JobDocument
from qconsole.tui.jobs import JobsView
from qconsole.tui.location import Location
from qconsole.tui.metrics import MetricsView
from qconsole.tui.operation import OperationDocument
from qconsole.tui.operations import OperationsView
from qconsole.tui.overview import OverviewView
from qconsole.tui.queue import QueueDocument
from qconsole.tui.queues import QueuesView
from qconsole.tui.schedule import ScheduleDocument
from qconsole.tui.schedules import SchedulesView
from qconsole.tui.settings import SettingsView
from qconsole.tui.trash import TrashView
from qconsole.tui.view import View
from qconsole.tui.worker import WorkerDocument
from qconsole.tui.workers import WorkersView

_VIEWS: Final[dict[str, type[View]]] = {
    "overview": OverviewView,
    "queues": QueuesView,
    "queue": QueueDocument,
    "jobs": JobsView,
    "job": JobDocument,
    "groups": GroupsView,
    "dlq": DeadLettersView,
    "dead-letter": DeadLetterDocument,
    "schedules": SchedulesView,
    "schedule": ScheduleDocument,
    "flows": FlowsView,
    "flow": FlowDocument,
    "workers": WorkersView,
    "worker": WorkerDocument,
    "metrics": MetricsView,
    "operations": OperationsView,
    "operation": OperationDocument,
    "audit": AuditView,
    "events": EventsView,
    "trash": TrashView,
    "settings": SettingsView,
    "doctor": DoctorView,
}


def view_for(location: Location) -> View:
    """Return a new view of a place."""
    return _VIEWS[location.kind](location)
