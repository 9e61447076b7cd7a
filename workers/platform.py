"""What the job types share: database, storage, settings, clock and the readers of documents; made once per worker.

Handlers get it by `platform(ctx)`; nothing here is global.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from qconsole.clock import Clock, SystemClock
from qconsole.errors import ConfigError
from workers.config import PlatformSettings
from workers.db import Database, upgrade
from workers.storage import Storage

if TYPE_CHECKING:
    from qconsole.runtime import Context
    from workers.documents.reader import Reader

RESOURCE: Final = "platform"


class Closable(Protocol):
    """Something that is closed with the worker."""

    async def close(self) -> None: ...


Kept = TypeVar("Kept", bound=Closable)


@dataclass(slots=True, kw_only=True)
class Platform:
    """The job types' collaborators.

    `shelf` keeps what a job type wants to use again, by a name of its own; `closing` is what ends it with the worker.
    """

    settings: PlatformSettings
    database: Database
    storage: Storage
    reader: "Reader"
    clock: Clock = field(default_factory=SystemClock)
    shelf: dict[str, Any] = field(default_factory=dict)
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    def kept(self, name: str, make: Callable[[], Kept]) -> Kept:
        """Returns what stands on the shelf under this name, made and put there the first time."""
        if name not in self.shelf:
            made = make()
            self.shelf[name] = made
            self.closing.append(made.close)
        found: Kept = self.shelf[name]
        return found


@asynccontextmanager
async def opened(settings: PlatformSettings, *, clock: Clock | None = None) -> AsyncIterator[Platform]:
    """Opens the platform with its database at the newest version, and closes it afterwards."""
    from workers.documents.reader import Reader

    here = Platform(
        settings=settings,
        database=Database(settings.database_url),
        storage=Storage(settings.storage_dir),
        reader=Reader(processes=settings.reader_processes),
        clock=clock or SystemClock(),
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(here.database.close)
        stack.push_async_callback(here.reader.close)
        stack.push_async_callback(_close_shelf, here)
        await upgrade(here.database)
        yield here


async def _close_shelf(here: Platform) -> None:
    while here.closing:
        await here.closing.pop()()


def platform(ctx: "Context") -> Platform:
    """Returns the worker's platform.

    Raises:
        ConfigError: the worker was started without the platform's settings.
    """
    return platform_of(ctx.resources)


def platform_of(resources: Mapping[str, Any]) -> Platform:
    """Returns the platform among a worker's resources.

    Raises:
        ConfigError: the worker was started without the platform's settings.
    """
    found = resources.get(RESOURCE)
    if not isinstance(found, Platform):
        raise ConfigError(
            "this job type needs the platform's resources and this worker has none",
            hint="start it with: qconsole worker workers.settings.WorkerSettings",
        )
    return found
