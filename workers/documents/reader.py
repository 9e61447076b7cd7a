"""Reads documents in processes of their own, so that a heavy or hostile file takes down neither worker nor neighbours.

One document per process at a time; a read that is given up kills its process, and the next one gets a fresh one.
"""

import asyncio
import multiprocessing
import os
import resource
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from qconsole.errors import JobError
from workers.documents.extract import extract
from workers.documents.limits import MAX_READER_BYTES
from workers.documents.model import LineItem, ParsedDocument
from workers.documents.parse import parse

Answer = TypeVar("Answer")

_DOCUMENTS_PER_PROCESS = 100


class ReaderDied(JobError):
    """The process that read the document ended by itself, mostly for want of memory; another attempt may help."""

    code = "reader_died"


class Reader:
    """A few processes that parse and extract."""

    def __init__(self, *, processes: int) -> None:
        self._idle: asyncio.Queue[ProcessPoolExecutor | None] = asyncio.Queue()
        self._all: set[ProcessPoolExecutor] = set()
        for _ in range(processes):
            self._idle.put_nowait(None)

    async def parse(self, content: bytes, *, name: str | None) -> ParsedDocument:
        """Returns the parsed document.

        Raises:
            UnreadableDocument: it cannot be read; another attempt does not help.
            ReaderDied: the reading process died.
        """
        return await self._run(_parse, content, name)

    async def extract(self, document: ParsedDocument) -> list[LineItem]:
        """Returns the document's line items."""
        return await self._run(extract, document)

    async def close(self) -> None:
        """Ends every process."""
        for pool in list(self._all):
            self._end(pool)

    async def _run(self, work: Callable[..., Answer], *arguments: object) -> Answer:
        pool = await self._idle.get()
        try:
            if pool is None:
                pool = self._start()
            answer = await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)
        except BrokenProcessPool as error:
            self._end(pool)
            pool = None
            raise ReaderDied("the process that read the document died, probably for want of memory") from error
        except asyncio.CancelledError:
            self._end(pool)
            pool = None
            raise
        finally:
            self._idle.put_nowait(pool)
        return answer

    def _start(self) -> ProcessPoolExecutor:
        pool = ProcessPoolExecutor(
            max_workers=1,
            mp_context=multiprocessing.get_context("spawn"),
            max_tasks_per_child=_DOCUMENTS_PER_PROCESS,
            initializer=_prepare,
        )
        self._all.add(pool)
        return pool

    def _end(self, pool: ProcessPoolExecutor | None) -> None:
        if pool is None:
            return
        self._all.discard(pool)
        # Nothing public stops a task that runs; without the kill a hostile file would hold its process for ever.
        for process in list((pool._processes or {}).values()):
            process.kill()
        pool.shutdown(wait=True, cancel_futures=True)


def _parse(content: bytes, name: str | None) -> ParsedDocument:
    return parse(content, name=name)


def _prepare() -> None:
    """Bounds this process' memory, so that a hostile file takes none from the worker, and ends it with the worker."""
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    bound = MAX_READER_BYTES if most == resource.RLIM_INFINITY else min(most, MAX_READER_BYTES)
    resource.setrlimit(resource.RLIMIT_DATA, (bound, most))
    _end_with_worker()


def _end_with_worker() -> None:
    """Makes this process end with its worker; one that waits for work would not notice that the worker was killed."""
    worker = multiprocessing.parent_process()
    assert worker is not None  # noqa: S101

    def watch() -> None:
        worker.join()
        os._exit(1)

    threading.Thread(target=watch, name="watches the worker", daemon=True).start()
