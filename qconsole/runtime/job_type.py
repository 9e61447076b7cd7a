"""Job types: the decorator that declares one, and the context a handler gets.

A declared job type's payload is checked against its annotation when it is enqueued and again before it runs.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar, get_type_hints

import orjson

from qconsole.errors import PayloadInvalid, UsageError
from qconsole.runtime.json_codec import decode_value, encode_value, has_tags
from qconsole.runtime.keys import check_queue_name
from qconsole.runtime.policy import Backoff, Dedup, Retention

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from qconsole.runtime.client import Client

R = TypeVar("R")
MAX_NAME: Final = 200
_TEXT: Final = frozenset((str,))
DEFAULT_TIMEOUT_S: Final = 300.0


class Executor(StrEnum):
    """Where a handler runs: on the event loop, in a thread, or in a process of its own pool."""

    ASYNC = "async"
    THREAD = "thread"
    PROCESS = "process"


class Severity(StrEnum):
    """How much a burial of this job type matters."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"


class Reporter(Protocol):
    """Where a running job's progress and log lines go."""

    def progress(self, value: Any) -> None: ...

    def log(self, line: str) -> None: ...

    async def children_results(self) -> dict[str, Any]: ...

    def read_children_results(self) -> dict[str, Any]: ...


@dataclass(slots=True)
class Context:
    """What a handler knows about the job it runs.

    `progress` and `log` return at once; what they say is sent with the worker's next round trip.
    """

    id: str
    queue: str
    job_type: str
    attempt: int
    attempts: int
    resources: dict[str, Any]
    reporter: Reporter
    client: "Client | None" = None
    cancelled: bool = False
    trace: str | None = None

    def progress(self, value: Any) -> None:
        """Say how far the job is: a number (per cent) or any plain value."""
        self.reporter.progress(value)

    def log(self, line: str) -> None:
        """Add a line to the job's log; the newest 1,000 are kept."""
        self.reporter.log(line)

    async def children_results(self) -> dict[str, Any]:
        """Return the results of the job's children by their id; a failed child's is its `JobFailed`."""
        return await self.reporter.children_results()

    def read_children_results(self) -> dict[str, Any]:
        """Return the same to a handler in a thread or a process, which waits for it.

        Raises:
            RuntimeError: called on the worker's event loop, which must not wait.
        """
        return self.reporter.read_children_results()


Handler = Callable[..., Awaitable[R]] | Callable[..., R]


@dataclass(frozen=True, slots=True, eq=False)
class JobType(Generic[R]):
    """A declared job type. Calling it calls the handler itself, which is how it is tested without a queue."""

    name: str
    handler: Callable[..., Any]
    queue: str
    payload_type: Any
    adapter: "TypeAdapter[Any] | None"
    attempts: int | None
    backoff: Backoff | None
    timeout_s: float | None
    dedup: Callable[[Any], Dedup | None] | None
    severity: Severity
    executor: Executor
    priority: int | None
    retention: Retention | None
    max_payload_bytes: int | None
    description: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.handler(*args, **kwargs)

    def encode(self, payload: Any) -> bytes:
        """Return the payload as JSON after checking it.

        Raises:
            PayloadInvalid: it breaks the job type's schema, or is no mapping; `field` names the first offender.
        """
        checked = self.check(payload)
        plain = checked.model_dump() if hasattr(checked, "model_dump") else checked
        if self.adapter is not None and not isinstance(plain, dict):
            plain = self.adapter.dump_python(checked)
        return encode_value(_mapping(plain, self.name))

    def check(self, payload: Any) -> Any:
        """Return the payload as the handler gets it.

        Raises:
            PayloadInvalid: it breaks the job type's schema.
        """
        if self.adapter is None:
            return _mapping({} if payload is None else payload, self.name)
        if isinstance(self.payload_type, type) and type(payload) is self.payload_type:
            return payload
        try:
            return self.adapter.validator.validate_python({} if payload is None else payload)
        except ValueError as error:
            raise _invalid(self.name, error) from error

    def decode(self, text: bytes) -> Any:
        """Return the payload of a stored JSON text as the handler gets it.

        Raises:
            Undecodable: not JSON.
            PayloadInvalid: it breaks the job type's schema (which may have changed since it was stored).
        """
        if self.adapter is None:
            return decode_value(text)
        if has_tags(text):
            return self.check(decode_value(text))
        try:
            return self.adapter.validator.validate_json(text)
        except ValueError as error:
            raise _invalid(self.name, error) from error

    def schema(self) -> dict[str, Any] | None:
        """Return the payload's JSON schema, None when anything goes."""
        return None if self.adapter is None else self.adapter.json_schema()

    def describe(self) -> bytes:
        """Return what workers write about the job type: queue, schema and policy as JSON."""
        return orjson.dumps(
            {
                "name": self.name,
                "queue": self.queue,
                "schema": self.schema(),
                "attempts": self.attempts,
                "timeout_s": self.timeout_s,
                "severity": self.severity,
                "executor": self.executor,
                "priority": self.priority,
                "description": self.description,
            }
        )


def _mapping(payload: Any, name: str) -> dict[str, Any]:
    if type(payload) is dict and _TEXT.issuperset(map(type, payload)):
        return payload
    if not isinstance(payload, dict) or not all(isinstance(key, str) for key in payload):
        raise PayloadInvalid(
            f"the payload of {name} must be an object with named fields, got {type(payload).__name__}", field="payload"
        )
    return payload


def _adapter(payload_type: Any) -> "TypeAdapter[Any] | None":
    if payload_type in (None, Any, dict):
        return None
    # Here, as the console names job types without ever checking a payload: pydantic is a third of its start-up.
    from pydantic import TypeAdapter

    return TypeAdapter(payload_type)


def _invalid(name: str, error: ValueError) -> PayloadInvalid:
    """Return what a payload's `pydantic.ValidationError` says; all errors of its validators arrive as that."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        raise error
    first = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "payload"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return PayloadInvalid(f"{field} of {name}: {_sentence(first['msg'])}{more}", field=field, job_type=name)


def job_type(
    name: str,
    *,
    queue: str,
    attempts: int | None = None,
    backoff: Backoff | None = None,
    timeout_s: float | None = DEFAULT_TIMEOUT_S,
    dedup: Callable[[Any], Dedup | None] | None = None,
    severity: Severity | str = Severity.NORMAL,
    executor: Executor | str = Executor.ASYNC,
    priority: int | None = None,
    retention: Retention | None = None,
    max_payload_bytes: int | None = None,
) -> Callable[[Callable[..., Any]], JobType[Any]]:
    """Declare a job type; the decorated function is its handler `(ctx, payload)`.

    Args:
        name: how jobs name it; 1 to 200 printable characters.
        queue: where its jobs go unless the producer says otherwise.
        attempts: runs before a job is buried; None takes the queue's.
        backoff: pause between attempts; None takes the queue's.
        timeout_s: of one attempt; None for no limit.
        dedup: from the payload, which jobs are the same.
        severity: of a burial: low, normal, high or critical.
        executor: async (a coroutine function), thread or process (plain functions). A process imports the handler by
            its module and name, and has neither the worker's resources nor its client.
        priority: 0 (first) … 100 (last); None for the default.
        retention: overrides the queue's for the ends of this job type.
        max_payload_bytes: above it a payload is refused or put elsewhere, as the client is told.
    """
    _check_name(name)
    executor, severity = Executor(executor), Severity(severity)
    if timeout_s is not None and not timeout_s > 0:
        raise UsageError(f"timeout_s of {name} must be above 0, got {timeout_s!r}")
    if attempts is not None and attempts < 1:
        raise UsageError(f"attempts of {name} must be at least 1, got {attempts!r}")

    def declare(handler: Callable[..., Any]) -> JobType[Any]:
        if (executor is Executor.ASYNC) is not inspect.iscoroutinefunction(handler):
            wanted = "a coroutine function (async def)" if executor is Executor.ASYNC else "a plain function (def)"
            raise UsageError(f"the handler of {name} must be {wanted} for executor={executor.value!r}")
        if executor is Executor.PROCESS and "<locals>" in handler.__qualname__:
            raise UsageError(
                f"the handler of {name} must stand at the top of its module for executor='process', "
                f"got {handler.__qualname__}"
            )
        payload_type = _payload_type(name, handler)
        return JobType(
            name=name,
            handler=handler,
            queue=check_queue_name(queue),
            payload_type=payload_type,
            adapter=_adapter(payload_type),
            attempts=attempts,
            backoff=backoff,
            timeout_s=timeout_s,
            dedup=dedup,
            severity=severity,
            executor=executor,
            priority=priority,
            retention=retention,
            max_payload_bytes=max_payload_bytes,
            description=(inspect.getdoc(handler) or "").partition("\n\n")[0],
        )

    return declare


def _check_name(name: str) -> None:
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME or not name.isprintable() or "|" in name:
        raise UsageError(f"a job type's name must be 1 to {MAX_NAME} printable characters without '|', got {name!r}")


def _payload_type(name: str, handler: Callable[..., Any]) -> Any:
    parameters = list(inspect.signature(handler).parameters.values())
    if len(parameters) != 2:
        raise UsageError(f"the handler of {name} must take two parameters (ctx, payload), got {len(parameters)}")
    try:
        return get_type_hints(handler).get(parameters[1].name)
    except NameError as error:
        raise UsageError(f"the payload's annotation of {name} cannot be resolved: {error}") from error


class Registry:
    """Job types by name; two with one name are refused."""

    __slots__ = ("_types",)

    def __init__(self, types: Iterable[JobType[Any]] = ()) -> None:
        self._types: dict[str, JobType[Any]] = {}
        for member in types:
            self.add(member)

    def add(self, member: JobType[Any]) -> None:
        """Add a job type.

        Raises:
            UsageError: not a job type, or the name is taken by another one.
        """
        if not isinstance(member, JobType):
            raise UsageError(f"job_types must hold functions declared with @job_type, got {member!r}")
        if self._types.setdefault(member.name, member) is not member:
            raise UsageError(f"two job types are named {member.name!r}")

    def get(self, name: str) -> JobType[Any] | None:
        """Return the job type of this name, or None."""
        return self._types.get(name)

    def __iter__(self) -> Iterator[JobType[Any]]:
        return iter(self._types.values())

    def __len__(self) -> int:
        return len(self._types)


def _sentence(text: str) -> str:
    # Only the first letter: the rest may quote a value.
    text = text.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]
