"""Flows: trees of jobs across queues. A parent waits for its children and can read their results.

A plan lists a flow's jobs parents first, so that no child can end before its parent is there to hear of it.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from redis.asyncio import Redis

from qconsole.errors import JobFailed, UsageError
from qconsole.runtime.codec import decode_result
from qconsole.runtime.job_type import JobType
from qconsole.runtime.keys import Keys
from qconsole.runtime.options import Options
from qconsole.runtime.policy import Exponential, Fixed

MAX_MEMBERS: Final = 20_000
PART_MEMBERS: Final = 100
STAGED_FROM: Final = 500  # a root with more children has their names written before it, so that no script takes long


class OnFail(StrEnum):
    """What a child's failure means for its parent."""

    FAIL_PARENT = "fail_parent"  # the parent fails at once, with the child's error linked, and so on upwards
    CONTINUE = "continue"  # the parent runs when all children have ended, and sees the failure
    IGNORE = "ignore"  # the parent runs when all children have ended, as if there had been no such child


@dataclass(frozen=True, slots=True)
class Flow:
    """A job and the jobs it waits for.

    Args:
        job_type, payload, queue, job_id: as for `Client.enqueue`.
        children: jobs that end before this one runs.
        on_fail: what this job's failure means for the one above it.
        priority, delay_s, expires_s, attempts, backoff, timeout_s: see `Options`; a job with children has no delay.
    """

    job_type: JobType[Any] | str
    payload: Any = None
    children: Sequence["Flow"] = ()
    queue: str | None = field(default=None, kw_only=True)
    job_id: str | None = field(default=None, kw_only=True)
    on_fail: OnFail | str = field(default=OnFail.FAIL_PARENT, kw_only=True)
    priority: int | None = field(default=None, kw_only=True)
    delay_s: float = field(default=0, kw_only=True)
    expires_s: float | None = field(default=None, kw_only=True)
    attempts: int | None = field(default=None, kw_only=True)
    backoff: Fixed | Exponential | None = field(default=None, kw_only=True)
    timeout_s: float | None = field(default=None, kw_only=True)

    def options(self) -> Options:
        """Return what is asked of this one job."""
        if self.children and self.delay_s:
            raise UsageError("a job that waits for children cannot have a delay of its own", field="delay_s")
        return Options(
            priority=self.priority,
            delay_s=self.delay_s,
            expires_s=self.expires_s,
            attempts=self.attempts,
            backoff=self.backoff,
            timeout_s=self.timeout_s,
        )


@dataclass(slots=True, kw_only=True)  # not frozen: one is made for every job, and that would triple its cost
class Prepared:
    """A checked job on its way into a queue; `id` is the wire id."""

    keys: Keys
    id: str
    call: bytes
    priority: int
    due_ms: int
    fields: list[str | bytes | int]
    declared: JobType[Any] | None
    now_ms: int

    @property
    def link(self) -> str:
        """How other jobs of a flow name this one."""
        return f"{self.keys.queue}\n{self.id}"


class Prepare(Protocol):
    """`Client.prepare`."""

    def __call__(
        self, job_type: Any, payload: Any, options: Options, *, queue: str | None = None, job_id: str | None = None
    ) -> Awaitable[Prepared]: ...


class JobRef(Protocol):
    """Names a job by its bare id and queue: an `Enqueued`, a handler's `Context`, …"""

    @property
    def id(self) -> str: ...

    @property
    def queue(self) -> str: ...


@dataclass(slots=True)
class Part:
    """Members that go into one queue in one step; `args` as lua/lib_flow_add.lua reads them."""

    keys: Keys
    depth: int
    members: int = 0
    args: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """A flow as it is added.

    Args:
        parts: the first of them is the root's, and begins with it; parents come before children.
        staged: names of the root's children when they are many; the root's own arguments hold one of them then.
    """

    parts: list[Part]
    staged: list[str] = field(default_factory=list)

    def args(self) -> list[Any]:
        """Return the parts as lua/add_flow.lua takes them."""
        first, *others = self.parts
        args = [len(first.args), *first.args]
        for part in others:
            args += (part.keys.queue, pack_texts(part.args))
        return args


@dataclass(slots=True)
class _Member:
    flow: Flow
    job: Prepared
    parent: "_Member | None"
    depth: int
    children: list[str] = field(default_factory=list)

    def args(self) -> list[Any]:
        return member_args(self.job, self.parent.job.link if self.parent else None, self.flow.on_fail, self.children)


def member_args(
    job: Prepared, parent_link: str | None, on_fail: OnFail | str, children: Sequence[str] = ()
) -> list[Any]:
    """Return a member of a flow as lua/lib_flow_add.lua reads it.

    Args:
        job: the member.
        parent_link, children: as `Prepared.link` names them.
        on_fail: what its failure means for the parent.
    """
    fields = list(job.fields)
    if parent_link is not None:
        fields += ["parent", parent_link, "on_fail", checked_on_fail(on_fail)]
    return [job.id, job.call, job.priority, job.due_ms, len(fields) // 2, *fields, len(children), *children]


def checked_on_fail(on_fail: OnFail | str) -> OnFail:
    """Return what a child's failure means.

    Raises:
        UsageError: it is none of them.
    """
    if on_fail not in list(OnFail):
        raise UsageError(f"on_fail must be {' or '.join(OnFail)}, got {on_fail!r}", field="on_fail")
    return OnFail(on_fail)


def pack_texts(values: Sequence[str | bytes | int]) -> bytes:
    """Return values as a MessagePack array of byte strings, which scripts unpack in one call."""
    packed = [b"\xdd", len(values).to_bytes(4, "big")]
    for value in values:
        text = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        packed += (b"\xdb", len(text).to_bytes(4, "big"), text)
    return b"".join(packed)


async def plan_flow(flow: Flow, prepare: Prepare) -> Plan:
    """Return how a flow is added.

    Raises:
        UsageError: too many jobs, a job twice, or what `prepare` refuses.
    """
    members = await _members(flow, prepare)
    staged: list[str] = []
    if len(members[0].children) > STAGED_FROM:
        staged, members[0].children = members[0].children, members[0].children[:1]
    parts: list[Part] = [Part(members[0].job.keys, 0)]
    latest: dict[str, Part] = {members[0].job.keys.queue: parts[0]}
    for member in members:
        queue = member.job.keys.queue
        part = latest.get(queue)
        if part is None or not _may_join(part, member):
            part = latest[queue] = Part(member.job.keys, member.depth)
            parts.append(part)
        part.members += 1
        part.args += member.args()
    return Plan(parts, staged)


def _may_join(part: Part, member: _Member) -> bool:
    """Say whether the part can take the member without standing before the member's parent."""
    if part.members >= PART_MEMBERS:
        return False
    if part.depth == member.depth:
        return True
    above = member.parent
    while above is not None and above.depth >= part.depth:
        if above.job.keys.queue != part.keys.queue:
            return False
        above = above.parent
    return True


async def _members(root: Flow, prepare: Prepare) -> list[_Member]:
    """Return a flow's jobs by depth."""
    seen: set[str] = set()
    members: list[_Member] = []
    level: list[tuple[Flow, _Member | None]] = [(root, None)]
    depth = 0
    while level:
        below: list[tuple[Flow, _Member | None]] = []
        for flow, parent in level:
            _check(flow, len(members))
            job = await prepare(flow.job_type, flow.payload, flow.options(), queue=flow.queue, job_id=flow.job_id)
            if job.link in seen:
                raise UsageError(f"a flow cannot hold job {job.id!r} of queue {job.keys.queue!r} twice", field="job_id")
            seen.add(job.link)
            member = _Member(flow, job, parent, depth)
            members.append(member)
            if parent is not None:
                parent.children.append(job.link)
            below += ((child, member) for child in flow.children)
        level, depth = below, depth + 1
    return members


def _check(flow: Flow, before: int) -> None:
    if not isinstance(flow, Flow):
        raise UsageError(f"children must be Flow(…), got {type(flow).__name__}", field="children")
    if before >= MAX_MEMBERS:
        raise UsageError(f"a flow can hold at most {MAX_MEMBERS:,} jobs", field="children")
    checked_on_fail(flow.on_fail)


@dataclass(frozen=True, slots=True)
class Child:
    """A child as its parent knows it: pending, completed, failed, cancelled or ignored; `result` as settled."""

    queue: str
    id: str
    state: str
    result: bytes | None


async def read_children(redis: Redis, keys: Keys, flow_key: str) -> tuple[Child, ...]:
    """Return the children that a flow's hash names."""
    pipe = redis.pipeline(transaction=False)
    pipe.hgetall(flow_key)
    (stored,) = await pipe.execute()
    children = []
    for name, state in stored.items():
        if b"\n" in name and not name.startswith(b"="):
            queue, _, child_id = name.decode().partition("\n")
            child_keys = Keys(queue, cluster=keys.cluster)
            children.append(Child(queue, child_keys.bare_id(child_id), state.decode(), stored.get(b"=" + name)))
    return tuple(children)


async def children_results(redis: Redis, keys: Keys, parent_id: str) -> dict[str, Any]:
    """Return the results of a parent's children by their id; a failure is its `JobFailed`, an ignored one left out."""
    stored = await read_children(redis, keys, keys.flow(keys.wire_id(parent_id)))
    children = [c for c in stored if c.state not in ("pending", "ignored")]
    await _fetch_large(redis, keys, children)
    return {child.id: _value_of(child) for child in children}


async def _fetch_large(redis: Redis, keys: Keys, children: list[Child]) -> None:
    """Read results that were too large to be kept with the parent where the children left them."""
    for i, child in enumerate(children):
        if child.result is None:
            own = Keys(child.queue, cluster=keys.cluster)
            pipe = redis.pipeline(transaction=False)
            pipe.get(own.result(own.wire_id(child.id)))
            (result,) = await pipe.execute()
            children[i] = Child(child.queue, child.id, child.state, result)


def _value_of(child: Child) -> Any:
    result = decode_result(child.result) if child.result else None
    if child.state != "completed":
        error_type, message = result.error if result and result.error else (child.state, f"job {child.id}")
        return JobFailed(message, error_type, job_id=child.id, queue=child.queue)
    return result.result() if result else None
