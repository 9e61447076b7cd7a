"""What `qconsole worker workers.settings.WorkerSettings` runs: every job type of the platform on its nine queues."""

import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, ClassVar

from qconsole.runtime import JobType, QueuePolicy
from workers.config import PlatformSettings
from workers.documents.jobs import process_document
from workers.extras import missing_extras
from workers.platform import RESOURCE, opened
from workers.policies import QUEUES

_STACK = "platform.stack"

logger = logging.getLogger(__name__)


async def open_platform(resources: dict[str, Any]) -> None:
    """Opens database, storage and readers, and says which optional parts are missing."""
    settings = PlatformSettings()
    for sentence in missing_extras(settings.database_url):
        logger.warning(sentence)
    stack = AsyncExitStack()
    resources[RESOURCE] = await stack.enter_async_context(opened(settings))
    resources[_STACK] = stack


async def close_platform(resources: dict[str, Any]) -> None:
    """Closes what `open_platform` opened."""
    stack: AsyncExitStack | None = resources.pop(_STACK, None)
    if stack is not None:
        await stack.aclose()


class WorkerSettings:
    """The platform's worker."""

    job_types: ClassVar[list[JobType[Any]]] = [process_document]
    queues: ClassVar[Mapping[str, QueuePolicy]] = QUEUES
    on_startup = open_platform
    on_shutdown = close_platform
