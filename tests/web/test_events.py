"""The list of events: what one job reports of its progress is one line."""

from qconsole.admin.views import EventRow
from qconsole.web.events import lines


def _event(number: int, kind: str, job_id: str | None) -> EventRow:
    return EventRow(id=f"{number}-0", ms=number, queue="email", kind=kind, job_id=job_id, text=f"at {number}", data={})


def test_reports_of_progress_in_a_row_are_the_newest_one_and_their_number() -> None:
    newest_first = [
        _event(9, "progress", "a"),
        _event(8, "progress", "b"),
        _event(7, "progress", "a"),
        _event(6, "stalled", "a"),
        _event(5, "progress", "a"),
        _event(4, "progress", "b"),
        _event(3, "paused", None),
    ]
    found = [(line.event.ms, line.count) for line in lines(newest_first)]
    assert found == [(9, 2), (8, 2), (6, 1), (5, 1), (3, 1)]
