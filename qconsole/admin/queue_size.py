"""How much memory a queue takes, estimated from a few of its jobs: bounded work, whatever the queue holds."""

from collections.abc import Sequence
from typing import Final

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
    indexes = {
        keys.queue: (keys.job, keys.record),
        keys.waiting_children(): (keys.job, keys.record),
        keys.completed(): (keys.result, keys.record),
        keys.failed(): (keys.result, keys.record),
        keys.cancelled(): (keys.result, keys.record),
        keys.dlq(): (keys.dead_letter,),
        keys.dlq_done(): (keys.dead_letter,),
    }
    async with backend.redis.pipeline(transaction=False) as pipe:
        for index in indexes:
            pipe.zcard(index)
            pipe.memory_usage(index, samples=NESTED)
            pipe.zrange(index, -SAMPLED, -1)
        answers = await pipe.execute()
    sampled = list(zip(indexes.values(), answers[::3], answers[2::3], strict=True))
    async with backend.redis.pipeline(transaction=False) as pipe:
        for stored, _, ids in sampled:
            for member in ids:
                for key in stored:
                    pipe.memory_usage(key(member.decode("utf-8", "replace")), samples=NESTED)
        sizes = iter(await pipe.execute())
    total = sum(size or 0 for size in answers[1::3])
    for stored, count, ids in sampled:
        taken = sum(next(sizes) or 0 for _ in range(len(ids) * len(stored)))
        total += taken * count // len(ids) if ids else 0
    return int(total)
