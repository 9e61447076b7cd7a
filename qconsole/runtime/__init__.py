"""The public names for job authors; what is heavy is imported when it is first asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from qconsole.errors import RateLimited, RetryLater, Unrecoverable

# At once: later, the submodule of this name would stand in the decorator's place.
from qconsole.runtime.job_type import Context, JobType, job_type

if TYPE_CHECKING:
    from qconsole.runtime.arq_worker import Worker
    from qconsole.runtime.client import Client
    from qconsole.runtime.enqueued import Enqueued, EnqueuedMany
    from qconsole.runtime.flow import Flow, OnFail
    from qconsole.runtime.policy import Dedup, Exponential, Fixed, QueuePolicy, Rate, Retention, Sla
    from qconsole.runtime.schedule import Schedule, cron, every

__all__ = [
    "Client",
    "Context",
    "Dedup",
    "Enqueued",
    "EnqueuedMany",
    "Exponential",
    "Fixed",
    "Flow",
    "JobType",
    "OnFail",
    "QueuePolicy",
    "Rate",
    "RateLimited",
    "Retention",
    "RetryLater",
    "Schedule",
    "Sla",
    "Unrecoverable",
    "Worker",
    "cron",
    "every",
    "job_type",
]

_HOMES: Final = {
    "arq_worker": ("Worker",),
    "client": ("Client",),
    "enqueued": ("Enqueued", "EnqueuedMany"),
    "flow": ("Flow", "OnFail"),
    "policy": ("Dedup", "Exponential", "Fixed", "QueuePolicy", "Rate", "Retention", "Sla"),
    "schedule": ("Schedule", "cron", "every"),
}
_HOME: Final = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
