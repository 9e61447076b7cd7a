"""How much memory a queue takes, estimated from a few of its jobs: bounded work, whatever the queue holds."""

from collections.abc import Sequence
from typing import Any, Final

from qconsole.admin.backend import Backend
from qconsole.runtime.keys import Keys

SAMPLED: Final = 8  # ids of each index, the newest
NESTED: Final = 5  # elements of a hash or set that the server looks at


async def estimate_bytes(backend: Backend, queues: Sequence[str]) -> int:
    """Return about how many bytes the jobs, results, records and dead letters of some queues take, with their indexes.

    Each index stands for as many jobs as it holds, and each of those for the average of the sampled ones.
    """
    return sum([await _of_queue(backend, backend.keys(queue)) for queue in queues])


async def _of_queue(backend: Backend, keys: Keys) -> int:
    call, result, record, dead_letter = keys.job(""), keys.result(""), keys.record(""), keys.dead_letter("")
    asked: list[Any] = [SAMPLED, NESTED]
    for index, prefixes in (
        (keys.queue, (call, record)),
        (keys.waiting_children(), (call, record)),
        (keys.completed(), (result, record)),
        (keys.failed(), (result, record)),
        (keys.cancelled(), (result, record)),
        (keys.dlq(), (dead_letter,)),
        (keys.dlq_done(), (dead_letter,)),
    ):
        asked += (index, len(prefixes), *prefixes)
    return int(await backend.read("queue_size", [keys.queue], asked))
