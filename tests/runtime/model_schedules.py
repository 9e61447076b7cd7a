"""Schedules in the model: which instants fire, which are passed over, and what a pause does to them."""

from collections.abc import Callable
from dataclasses import dataclass

ON_TIME_MS = 60_000


@dataclass(slots=True)
class ScheduleModel:
    """One interval schedule."""

    id: str
    every_ms: int
    missed: str
    overlap: str
    due_ms: int | None = None
    is_paused: bool = False
    last_job_id: str = ""

    def _following(self, after_ms: int) -> int:
        return (after_ms // self.every_ms + 1) * self.every_ms

    def declare(self, now_ms: int) -> None:
        if self.due_ms is None and not self.is_paused:
            self.due_ms = self._following(now_ms)

    def pause(self) -> None:
        self.is_paused, self.due_ms = True, None

    def resume(self, now_ms: int) -> None:
        if self.is_paused:
            self.is_paused, self.due_ms = False, self._following(now_ms)

    def tick(self, now_ms: int, runs: Callable[[str], bool], fire: Callable[[str, int], None]) -> list[tuple[str, int]]:
        """Return the word and instant of each that is due: fired, skipped (the run before goes on) or passed.

        Args:
            now_ms: now.
            runs: whether a job has not ended.
            fire: queues the job of an instant.
        """
        if self.due_ms is None or self.due_ms > now_ms:
            return []
        passed = list(range(self.due_ms, now_ms + 1, self.every_ms))
        self.due_ms = passed[-1] + self.every_ms
        if self.missed != "all":
            late = now_ms - passed[-1] > ON_TIME_MS
            if self.missed == "skip" and late:
                return [("passed", passed[0])]
            passed = passed[-1:]
        words = []
        for instant in passed:
            if self.overlap == "skip" and runs(self.last_job_id):
                words.append(("skipped", instant))
                continue
            self.last_job_id = self.job_id(instant)
            fire(self.last_job_id, instant)
            words.append(("fired", instant))
        return words

    def job_id(self, instant_ms: int) -> str:
        return f"{self.id}:{instant_ms}"
