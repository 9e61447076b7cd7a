"""The nodes of a cluster: a pool for each, and the map of who owns which slot."""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from redis.exceptions import ConnectionError, RedisError, ResponseError

from qconsole.redis.line import QuickLine
from qconsole.redis.patience import Patience
from qconsole.redis.pool import Address, Insistence, Pool
from qconsole.redis.slots import ANY_NODE, SLOTS
from qconsole.redis.url import RedisUrl
from qconsole.redis.watch import Watch, ask_all

logger = logging.getLogger("qconsole.redis")

_SCOUTS_PER_POLL = 3


@dataclass(frozen=True, slots=True)
class Redirect:
    """A node's answer that another one owns the slot: for good (MOVED), or for this key while it moves (ASK)."""

    slot: int
    host: str
    port: int
    asking: bool

    @classmethod
    def of(cls, error: BaseException) -> "Redirect | None":
        """Parse "MOVED 3999 127.0.0.1:6381"; None for any other error."""
        kind, _, rest = str(error).partition(" ")
        if not isinstance(error, ResponseError) or kind not in ("MOVED", "ASK"):
            return None
        slot, _, address = rest.split(" (", 1)[0].strip().partition(" ")
        host, _, port = address.rpartition(":")
        return cls(int(slot), host, int(port), kind == "ASK")


class ClusterPool:
    """A pool for each node, and the map of who owns which slot.

    Args:
        make_pool: makes the pool of one node.
        make_scout: makes the pool of one connection that asks a node for the map.
    """

    def __init__(
        self,
        target: RedisUrl,
        *,
        patience: Patience,
        make_pool: Callable[[Address], Pool],
        make_scout: Callable[[Address], Pool],
    ) -> None:
        self.target = target
        self.insistence = Insistence(target, patience, self)
        self.connection_kwargs = {"protocol": 2}
        self._make_pool = make_pool
        self._pools: dict[Address, Pool] = {}
        self._lent: dict[QuickLine, Pool] = {}
        self._watch = ClusterWatch(target, make_scout, self._leave)

    def __repr__(self) -> str:
        return f"<ClusterPool {self.target}>"

    async def pool_of(self, slot: int) -> Pool:
        """Return the pool of the node that owns a slot, or of any primary for ANY_NODE."""
        self._watch.watch()
        owners = self._watch.owners
        if not any(owners):
            await self._watch.look()
            owners = self._watch.owners
        owner = random.choice([o for o in owners if o]) if slot == ANY_NODE else owners[slot]  # noqa: S311
        if owner is None:
            raise ConnectionError(f"no node of the cluster serves slot {slot}")
        return self.pool_at(owner)

    def pool_at(self, address: Address) -> Pool:
        """Return the pool of one node."""
        if address not in self._pools:
            self._pools[address] = self._make_pool(address)
        return self._pools[address]

    async def primaries(self) -> list[Pool]:
        """Return the pools of all primaries, ordered by their first slot."""
        await self.pool_of(ANY_NODE)
        return [self.pool_at(address) for address in dict.fromkeys(o for o in self._watch.owners if o)]

    def follow(self, redirect: Redirect, origin: Pool) -> Pool:
        """Return the pool that a node pointed to, and remember what is there for good."""
        address = (redirect.host or str(origin.connection_kwargs["host"]), redirect.port)
        if not redirect.asking:
            self._watch.owners[redirect.slot] = address
        return self.pool_at(address)

    async def look_again(self, error: RedisError) -> None:
        """Ask the nodes for the map."""
        await self._watch.look_again(error)

    async def get_connection(self, command_name: object = None, *keys: object, **options: object) -> QuickLine:
        """Return a connection to any primary (pub/sub crosses the whole cluster)."""
        pool = await self.pool_of(ANY_NODE)
        connection = await pool.get_connection()
        self._lent[connection] = pool
        return connection

    async def release(self, connection: QuickLine) -> None:
        """Take back what `get_connection` gave."""
        await self._lent.pop(connection).release(connection)

    def get_encoder(self) -> Any:
        """Return how values become bytes."""
        return self._make_pool(self.target.hosts[0]).get_encoder()  # type: ignore[no-untyped-call]

    async def disconnect(self, inuse_connections: bool = True) -> None:
        """Close the nodes' connections."""
        for pool in list(self._pools.values()):
            await pool.disconnect(inuse_connections)

    async def aclose(self) -> None:
        """Close everything and stop watching."""
        await self._watch.end_watch()
        await self.disconnect()

    async def _leave(self, address: Address) -> None:
        if (pool := self._pools.pop(address, None)) is not None:
            await pool.disconnect(inuse_connections=True)


class ClusterWatch(Watch):
    """Keeps the slot map, believing the node with the newest epoch that calls the cluster healthy."""

    def __init__(
        self, target: RedisUrl, make_scout: Callable[[Address], Pool], on_leave: Callable[[Address], Any]
    ) -> None:
        super().__init__(make_scout)
        self.owners: list[Address | None] = [None] * SLOTS
        self._target = target
        self._nodes: set[Address] = set(target.hosts)
        self._epoch = -1
        self._on_leave = on_leave
        self._in_doubt = True

    async def look_again(self, error: RedisError) -> None:
        """Ask every node this time."""
        self._in_doubt = True
        await super().look_again(error)

    async def look_once(self) -> None:
        """Ask some nodes (all of them when in doubt) for the map.

        Raises:
            ConnectionError: none of them answers, and there is no map from before.
        """
        everyone = sorted(self._nodes | set(self._target.hosts))
        asked = everyone if self._in_doubt else random.sample(everyone, min(_SCOUTS_PER_POLL, len(everyone)))
        answers = await ask_all({address: self._ask(address) for address in asked})
        views = [answer for answer in answers.values() if not isinstance(answer, Exception)]
        if not views:
            self._in_doubt = True
            if any(self.owners):
                return
            for error in answers.values():
                if isinstance(error, Exception):
                    raise error
            raise ConnectionError(f"none of the {len(asked)} cluster nodes answers")
        best = max(views, key=lambda view: (view.healthy, view.epoch))
        self._in_doubt = not best.healthy
        if best.epoch >= self._epoch:
            await self._take_over(best)

    async def _take_over(self, view: "_View") -> None:
        before = {owner for owner in self.owners if owner}
        self._epoch, self.owners = view.epoch, list(view.owners)
        for address in self._nodes - view.nodes - set(self._target.hosts):
            await self.retire_scout(address)
        self._nodes = set(view.nodes)
        now = {owner for owner in self.owners if owner}
        if before and before != now:
            logger.warning(
                "the primaries of %s are now %s", self._target, ", ".join(f"{h}:{p}" for h, p in sorted(now))
            )
        for address in before - now:
            await self._on_leave(address)

    async def _ask(self, address: Address) -> "_View":
        pipe = self.scout(address).pipeline(transaction=False)
        pipe.execute_command("CLUSTER INFO")
        pipe.execute_command("CLUSTER SLOTS")
        info, ranges = await pipe.execute()
        owners: list[Address | None] = [None] * SLOTS
        nodes: set[Address] = set()
        for first, last, *servers in ranges:  # a node that does not know a host name sends none: it means itself
            primary, *replicas = [((server[0] or b"").decode() or address[0], int(server[1])) for server in servers]
            owners[first : last + 1] = [primary] * (last - first + 1)
            nodes.update((primary, *replicas))
        return _View(
            healthy=info["cluster_state"] == "ok",
            epoch=int(info["cluster_current_epoch"]),
            owners=tuple(owners),
            nodes=frozenset(nodes),
        )


@dataclass(frozen=True, slots=True)
class _View:
    """The cluster as one node sees it."""

    healthy: bool
    epoch: int
    owners: tuple[Address | None, ...]
    nodes: frozenset[Address]
