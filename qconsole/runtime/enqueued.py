"""What the enqueueing scripts are asked about an id, and what they answer."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What became of a job that was to be queued."""

    CREATED = "created"
    EXISTS = "exists"  # a job or a kept result has this id
    DUPLICATE = "duplicate"  # another job stands for its dedup id
    REPLACED = "replaced"  # the standing job has the new payload
    FOLLOWS = "follows"  # keep_last: it is queued when the standing job has ended


@dataclass(frozen=True, slots=True)
class Enqueued:
    """The answer to `enqueue`: `id` is the job that stands for the call, new or not."""

    id: str
    queue: str
    created: bool
    verdict: Verdict = Verdict.CREATED


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A payload of a bulk that made no job of its own: its position, and the job that answers for it."""

    index: int
    id: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class EnqueuedMany:
    """The answer to `enqueue_many`: the jobs that stand for the payloads, in their order."""

    ids: tuple[str, ...]
    duplicates: tuple[Duplicate, ...]


class Check(StrEnum):
    """What a script has to find out about a new job's id."""

    FRESH = "fresh"  # nothing: it is new and random
    OWN = "own"  # whether it is taken
    AGAIN = "again"  # whether an earlier try of the same call took it
