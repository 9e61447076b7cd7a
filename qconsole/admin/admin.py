"""The admin service: the one way in for the command line, the terminal and the web. Nouns hang on it as attributes, and
are imported when first asked for: a command needs one or two of them.
"""

import asyncio
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from qconsole.admin.backend import Backend
from qconsole.admin.check import Rule, check
from qconsole.admin.session import Session, Shared
from qconsole.admin.views import Actor
from qconsole.clock import Clock
from qconsole.config import Settings
from qconsole.errors import QConsoleError, RedisUnavailable, Unauthenticated
from qconsole.redis.connect import connect, is_clustered, once
from qconsole.redis.patience import Patience, reason_of
from qconsole.redis.url import Topology, parse_url
from qconsole.runtime.keys import GLOBAL
from qconsole.runtime.server_clock import ServerClock

if TYPE_CHECKING:
    from qconsole.admin.accounts import Tokens, Users
    from qconsole.admin.audit import Audit
    from qconsole.admin.dead_letters import DeadLetterDesk
    from qconsole.admin.doctor import Doctor
    from qconsole.admin.events import Events
    from qconsole.admin.flows import Flows
    from qconsole.admin.jobs import Jobs
    from qconsole.admin.live import Live
    from qconsole.admin.metrics import Metrics
    from qconsole.admin.operations import Operations
    from qconsole.admin.queues import Queues
    from qconsole.admin.schedules import Schedules
    from qconsole.admin.sessions import Sessions
    from qconsole.admin.transfer import Transfer
    from qconsole.admin.trash import Trash
    from qconsole.admin.workers import Workers

FIRST_ANSWER_S: Final = 3.0
FIRST_TRIES: Final = Patience(deadline_s=2.5)  # ends before, so that it tells why
ALL = frozenset(
    {"list", "retry", "promote", "cancel", "remove", "pause", "limit", "logs", "progress", "history", "dead_letters"}
    | {"groups", "schedules", "flows", "metrics", "events", "trash", "priority", "edit"}
)
PLAIN = frozenset({"list", "retry", "promote", "cancel", "remove", "trash", "priority", "edit"})


class Admin:
    """The service in the name of one actor. Made by `open` and `as_actor`.

    Attributes:
        queues, jobs, dead_letters, schedules, flows, workers, metrics, operations, trash, audit, events, doctor, live,
        users, tokens, sessions, transfer: the nouns.
    """

    def __init__(self, shared: Shared, actor: Actor) -> None:
        self._shared = shared
        self._session = Session(shared, actor)

    @classmethod
    async def open(cls, settings: Settings | str, *, actor: Actor, clock: Clock | None = None) -> Self:
        """Connect to an environment.

        Args:
            settings: the environment's, or a Redis URL.
            actor: in whose name.
            clock: where "now" comes from; by default the server's time.

        Raises:
            ConfigError, RedisUnavailable
        """
        if isinstance(settings, str):
            settings = Settings(redis_url=settings)
        redis = connect(settings.redis_url, name=f"qconsole-{actor.face}", timeout_s=settings.timeout_s)
        if clock is None:
            clock = ServerClock()
            try:
                await _measure(clock, redis, settings, actor)
            except BaseException as error:
                await redis.aclose()
                if isinstance(error, RedisError) and not isinstance(error, QConsoleError):
                    raise _unusable(settings, error) from error
                raise
        backend = Backend(redis=redis, clock=clock, settings=settings, cluster=is_clustered(redis))
        return cls(Shared(backend), actor)

    async def close(self) -> None:
        """Close the connections, of every actor of this service."""
        await self._shared.backend.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    def as_actor(self, actor: Actor) -> "Admin":
        """Return the same service in another actor's name; it shares the connections."""
        return Admin(self._shared, actor)

    @property
    def actor(self) -> Actor:
        """In whose name."""
        return self._session.actor

    @property
    def settings(self) -> Settings:
        """The environment's settings."""
        return self._shared.backend.settings

    @property
    def clock(self) -> Clock:
        """Where "now" comes from."""
        return self._shared.backend.clock

    async def capabilities(self, queue: str) -> frozenset[str]:
        """Return what a queue can do: what needs our runtime is missing where only plain arq has been.

        Raises:
            QueueNotFound: there is no such queue.
        """
        await self._session.known_queue(queue)
        is_ours = await self._shared.backend.redis.zscore(GLOBAL.queues(), queue) is not None
        return ALL if is_ours else PLAIN

    async def check(self, rules: Iterable[Rule]) -> tuple[tuple[str, bool, str], ...]:
        """Compare limits with the queues; see `qconsole.admin.check`."""
        return await check(self._session, rules)

    @cached_property
    def queues(self) -> "Queues":
        """Queues."""
        from qconsole.admin.queues import Queues

        return Queues(self._session)

    @cached_property
    def jobs(self) -> "Jobs":
        """Jobs."""
        from qconsole.admin.jobs import Jobs

        return Jobs(self._session)

    @cached_property
    def dead_letters(self) -> "DeadLetterDesk":
        """Dead letters."""
        from qconsole.admin.dead_letters import DeadLetterDesk

        return DeadLetterDesk(self._session)

    @cached_property
    def schedules(self) -> "Schedules":
        """Schedules."""
        from qconsole.admin.schedules import Schedules

        return Schedules(self._session)

    @cached_property
    def flows(self) -> "Flows":
        """Flows."""
        from qconsole.admin.flows import Flows

        return Flows(self._session)

    @cached_property
    def workers(self) -> "Workers":
        """Workers."""
        from qconsole.admin.workers import Workers

        return Workers(self._session)

    @cached_property
    def metrics(self) -> "Metrics":
        """Metrics."""
        from qconsole.admin.metrics import Metrics

        return Metrics(self._session)

    @cached_property
    def operations(self) -> "Operations":
        """Operations."""
        from qconsole.admin.operations import Operations

        return Operations(self._session)

    @cached_property
    def trash(self) -> "Trash":
        """The trash."""
        from qconsole.admin.trash import Trash

        return Trash(self._session)

    @cached_property
    def transfer(self) -> "Transfer":
        """Export and import."""
        from qconsole.admin.transfer import Transfer

        return Transfer(self._session)

    @cached_property
    def audit(self) -> "Audit":
        """The audit."""
        from qconsole.admin.audit import Audit

        return Audit(self._session)

    @cached_property
    def events(self) -> "Events":
        """Events."""
        from qconsole.admin.events import Events

        return Events(self._session)

    @cached_property
    def doctor(self) -> "Doctor":
        """The doctor."""
        from qconsole.admin.doctor import Doctor

        return Doctor(self._session)

    @cached_property
    def live(self) -> "Live":
        """The live snapshot."""
        from qconsole.admin.live import Live

        return Live(self._session)

    @cached_property
    def users(self) -> "Users":
        """Users of the web console."""
        from qconsole.admin.accounts import Users

        return Users(self._session)

    @cached_property
    def tokens(self) -> "Tokens":
        """API tokens."""
        from qconsole.admin.accounts import Tokens

        return Tokens(self._session)

    @cached_property
    def sessions(self) -> "Sessions":
        """The browsers signed in to the web console."""
        from qconsole.admin.sessions import Sessions

        return Sessions(self._session)


async def _measure(clock: ServerClock, redis: Redis, settings: Settings, actor: Actor) -> None:
    """Ask the server for its time. Who sits at a command line is told soon when a server does not answer; behind
    sentinels, in a cluster and to other faces a failover is given its time.
    """
    target = parse_url(settings.redis_url)
    if actor.face != "cli" or target.topology is not Topology.SINGLE:
        await clock.measure(redis)
        return
    try:
        async with asyncio.timeout(FIRST_ANSWER_S):
            await clock.measure(once(redis, FIRST_TRIES))
    except TimeoutError as error:
        raise RedisUnavailable(
            f"Redis at {target} cannot be used: it did not answer within {FIRST_ANSWER_S:g} s",
            "Check that it runs, and that the address is right (--redis URL or QCONSOLE_REDIS_URL).",
            url=str(target),
        ) from error


def _unusable(settings: Settings, error: RedisError) -> RedisUnavailable:
    """Return what to say of a server that answers, and not as the Redis that the URL promises."""
    url = str(parse_url(settings.redis_url))
    return RedisUnavailable(
        f"{url} cannot be used: {reason_of(error)}",
        "Check the address, the database's number, and that the scheme is right: a Sentinel is named as "
        "redis+sentinel://…, a Cluster as redis+cluster://….",
        url=url,
    )


async def authenticate_token(settings: Settings, secret: str, *, face: str) -> Actor:
    """Return the actor an API token stands for.

    Raises:
        Unauthenticated: it is none of ours.
    """
    async with await Admin.open(settings, actor=Actor("token check", "viewer", face)) as admin:
        actor = await admin.tokens.verify(secret, face=face)
    if actor is None:
        raise Unauthenticated("this API token is not valid", "Create one with: qconsole tokens create NAME")
    return actor
