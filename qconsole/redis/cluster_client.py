"""One client for a whole cluster: every command goes to the node that owns its key's slot.

redis-py's RedisCluster has no WATCH and no MULTI, and arq needs both. Here a client class keeps all it has: a
transaction or a script runs on the node of its keys (they must share a slot), a plain pipeline is split by node
and put together again, and what is about whole servers (SCAN, DBSIZE, SCRIPT LOAD, …) covers all primaries.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError, ResponseError

from qconsole.redis.client import Patient, PatientPipeline, patient_class
from qconsole.redis.cluster import ClusterPool, Redirect
from qconsole.redis.pool import Pool
from qconsole.redis.slots import ANY_NODE, EVERY_NODE, PER_KEY, route, slot_of, to_bytes, words

_REDIRECTS_MAX = 5
_ABORT_KEY: Final = b"arq:abort"
_CURSOR_NODES = 1024  # a SCAN cursor of ours is node cursor · this + node number


class ClusterPatient(Patient):
    """The client's half: single commands, each to its node."""

    connection_pool: ClusterPool
    clustered = True

    async def run_once(self, *args: Any, **options: Any) -> Any:
        """Run a command where it belongs, without trying again but for redirections."""
        args = tag_abort(args)
        name = words(args)[0]
        if name in PER_KEY and len({slot_of(key) for key in args[1:]}) > 1:
            return await self._per_key(name, args, options)
        if name == "SCAN":
            return await self._scan(args, options)
        slot = route(args)
        if slot == EVERY_NODE:
            pools = await self.connection_pool.primaries()
            return combined(args, [await pool.run(self.parse_response, args, options) for pool in pools])
        pool = await self.connection_pool.pool_of(slot)
        asking = False
        for _ in range(_REDIRECTS_MAX):
            try:
                return await pool.run(self.parse_response, args, options, asking=asking)
            except ResponseError as error:
                if (redirect := Redirect.of(error)) is None:
                    raise
                pool, asking = self.connection_pool.follow(redirect, pool), redirect.asking
        raise ConnectionError(f"the cluster's nodes point at each other for slot {slot}")

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> "ClusterPipeline":
        """Return a pipeline; with `transaction` all its keys must share a slot."""
        return ClusterPipeline(self, transaction, shard_hint)

    async def primaries(self) -> list[Redis]:
        """Return a client for each primary, in slot order; they need no closing."""
        clients = []
        for pool in await self.connection_pool.primaries():
            client: Redis = patient_class(Redis)(connection_pool=pool)
            clients.append(client)
        return clients

    async def _per_key(self, name: str, args: Sequence[Any], options: dict[str, Any]) -> Any:
        answers = await asyncio.gather(*(self.run_once(args[0], key, **options) for key in args[1:]))
        if name == "MGET":
            return [value for (value,) in answers]
        return sum(answers)

    async def _scan(self, args: Sequence[Any], options: dict[str, Any]) -> Any:
        pools = await self.connection_pool.primaries()
        cursor, number = divmod(int(args[1]), _CURSOR_NODES)
        if number >= len(pools):
            return 0, []
        following, keys = await pools[number].run(self.parse_response, (args[0], cursor, *args[2:]), options)
        if int(following):
            return int(following) * _CURSOR_NODES + number, keys
        return (number + 1 if number + 1 < len(pools) else 0), keys


class ClusterPipeline(PatientPipeline):
    """A pipeline over several nodes, or a transaction on one."""

    def __init__(self, client: ClusterPatient, transaction: bool, shard_hint: str | None) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, transaction, shard_hint, client.insistence)
        self._client = client
        self._nodes = client.connection_pool

    async def send_once(self, raise_on_error: bool) -> list[Any]:
        """Send each command to its node, and give the answers in the order of the commands."""
        if self.connection is not None:  # a WATCH has settled where
            return await super().send_once(raise_on_error)
        for script in self.scripts:
            await self._client.execute_command("SCRIPT LOAD", script.script)
        stack = [(tag_abort(args), options) for args, options in self.command_stack]
        try:
            if self.is_transaction or self.explicit_transaction:
                return await self._send_transaction(stack, raise_on_error)
            answers = await self._send_split(stack)
        finally:
            await self.reset()  # type: ignore[no-untyped-call]
        if raise_on_error:
            self.raise_first_error(stack, answers)
        return answers

    async def immediately_once(self, *args: Any, **options: Any) -> Any:
        """Run a command at once, on the node of its key when it is the first one."""
        if self.connection is None:
            self.connection_pool = await self._nodes.pool_of(route(args))
        try:
            return await super().immediately_once(*args, **options)
        except ResponseError as error:
            if (redirect := Redirect.of(error)) is None or self.watching:
                raise
            self._nodes.follow(redirect, self.connection_pool)
            await self.reset()  # type: ignore[no-untyped-call]
            raise ConnectionError("the slot has moved") from error

    async def _send_transaction(self, stack: list[Any], raise_on_error: bool) -> list[Any]:
        slots = {slot for args, _ in stack if (slot := route(args)) not in (ANY_NODE, EVERY_NODE)}
        if len(slots) > 1:
            raise ResponseError(
                f"CROSSSLOT the keys of a transaction must share a slot, got {len(slots)} slots; on a cluster a job id "
                "starts with its queue in braces, as in {email}17"
            )
        pool = await self._nodes.pool_of(next(iter(slots), ANY_NODE))
        for _ in range(_REDIRECTS_MAX):
            try:
                return await self._on(pool, stack, transaction=True, raise_on_error=raise_on_error)
            except ResponseError as error:
                if (redirect := Redirect.of(error)) is None:
                    raise
                if redirect.asking:  # half of the slot's keys are still here
                    raise ConnectionError("the slot is moving") from error
                pool = self._nodes.follow(redirect, pool)
        raise ConnectionError("the cluster's nodes point at each other")

    async def _send_split(self, stack: list[Any]) -> list[Any]:
        groups: dict[Pool, list[int]] = {}
        everywhere: list[int] = []
        pool: Pool | None = None
        for index, (args, _) in enumerate(stack):
            slot = route(args)
            if slot == EVERY_NODE:
                everywhere.append(index)
                continue
            if slot != ANY_NODE or pool is None:  # WAIT and its like follow the command before them
                pool = await self._nodes.pool_of(slot)
            groups.setdefault(pool, []).append(index)
        parts = await asyncio.gather(
            *(self._on(node, [stack[i] for i in indexes]) for node, indexes in groups.items()), return_exceptions=True
        )
        answers: list[Any] = [None] * len(stack)
        for (node, indexes), part in zip(groups.items(), parts, strict=True):
            if isinstance(part, BaseException):
                raise part
            for index, answer in zip(indexes, part, strict=True):
                if isinstance(answer, ResponseError) and (redirect := Redirect.of(answer)) is not None:
                    self._nodes.follow(redirect, node)
                    args, options = stack[index]
                    answer = await self._client.run_once(*args, **options)
                answers[index] = answer
        for index in everywhere:
            args, options = stack[index]
            answers[index] = await self._client.run_once(*args, **options)
        return answers

    async def _on(
        self, pool: Pool, stack: list[Any], *, transaction: bool = False, raise_on_error: bool = False
    ) -> list[Any]:
        part = PatientPipeline(pool, self.response_callbacks, transaction, None, self.insistence)
        part.command_stack = stack
        return await Pipeline.execute(part, raise_on_error)


def tag_abort(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return arq's `ZADD arq:abort <ms> {queue}id` aimed at the queue's own set of aborts, in the queue's slot."""
    if len(args) == 4 and to_bytes(args[1]) == _ABORT_KEY and str(args[0]).upper() == "ZADD":
        member = to_bytes(args[3])
        if member.startswith(b"{") and b"}" in member:
            return (args[0], _ABORT_KEY + b":" + member[: member.index(b"}") + 1], *args[2:])
    return args


def combined(args: Sequence[Any], answers: list[Any]) -> Any:
    """Return one answer for a command that all primaries ran."""
    match words(args)[:2]:
        case ["DBSIZE"]:
            return sum(answers)
        case ["KEYS", *_]:
            return [key for keys in answers for key in keys]
        case ["SCRIPT", "EXISTS"]:
            return [all(each) for each in zip(*answers, strict=True)]
        case _:
            return answers[0]
