"""Runs settings classes as a process: imports them, checks them, starts their workers in one event loop, stops them.

An unchanged arq settings class and one of ours are run by the same `Worker`, with its records kept.
"""

import asyncio
import inspect
import logging
import signal
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from traceback import extract_tb
from typing import Any

from redis.exceptions import RedisError

from qconsole.errors import ConfigError, ExitCode, RedisUnavailable
from qconsole.runtime.arq_worker import Worker
from qconsole.runtime.log_lines import lines_to_stderr

SHUTDOWN_S = 30.0

logger = logging.getLogger("qconsole.worker")


def run_settings(
    paths: Sequence[str],
    *,
    redis_url: str | None = None,
    burst: bool = False,
    name: str | None = None,
    deploy: str | None = None,
    metrics_port: int | None = None,
    payload_store: str | None = None,
) -> int:
    """Run one or more settings classes until a signal, or in burst mode until their queues are empty.

    Args:
        paths: dotted paths such as `app.WorkerSettings` or `app:WorkerSettings`.
        redis_url: counts before the class's own `redis_settings` or `redis_url`.
        burst: stop when the queues are empty.
        name: the workers' name; the host's by default.
        deploy: tag of the deployed version.
        metrics_port: serve Prometheus text here; several settings classes need one each, so it is for one only.
        payload_store: for classes that name none; see `open_payload_store`.

    Returns:
        The exit code.

    Raises:
        ConfigError: a class cannot be imported or is none; it says why.
        RedisUnavailable: there is no Redis when the workers start.
    """
    given: dict[str, Any] = {"burst": burst, "name": name, "deploy": deploy, "metrics_port": metrics_port}
    if redis_url is not None:
        given["redis_url"] = redis_url
    if metrics_port and len(paths) > 1:
        raise ConfigError("one metrics port serves one settings class", "Run the classes as two workers.")
    chosen = [(path, {"payload_store": payload_store} | _options(path, given)) for path in paths]
    with lines_to_stderr(), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.get_loop()
        return runner.run(_run(chosen))


def import_settings(path: str) -> type:
    """Return the settings class of a dotted path.

    Raises:
        ConfigError: there is no such module or class, or the module's code raises when it is imported.
    """
    module_name, _, class_name = path.replace(":", ".").rpartition(".")
    if not module_name:
        raise ConfigError(
            f"{path!r} must be a dotted path such as app.WorkerSettings", "Name the module and the class."
        )
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            hint = "Run it from the folder that holds the module, or install the package."
            raise ConfigError(f"there is no module {error.name!r} to import {path} from", hint) from error
        raise ConfigError(f"importing {module_name} failed: {error}", "Install what it needs.") from error
    except Exception as error:
        hint = f"It was raised {_raised_at(error)}; python -c 'import {module_name}' shows all of it."
        raise ConfigError(f"importing {module_name} failed: {type(error).__name__}: {error}", hint) from error
    found = getattr(module, class_name, None)
    if found is None:
        raise ConfigError(f"module {module_name} has no {class_name!r}", "Check the spelling of the settings class.")
    if not isinstance(found, type):
        raise ConfigError(f"{path} must be a class with functions or job_types, got {type(found).__name__}")
    return found


def _raised_at(error: Exception) -> str:
    """Return where an error arose, in the caller's code rather than in what it called of this package."""
    ours = str(Path(__file__).parents[1])
    frames = [f for f in extract_tb(error.__traceback__) if not f.filename.startswith((ours, "<frozen"))]
    return f"at {frames[-1].filename}:{frames[-1].lineno}" if frames else "while it was read"


def _options(path: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return a worker's keywords: the class's attributes, those of its bases included, under what was given."""
    settings = import_settings(path)
    known = inspect.signature(Worker).parameters
    attributes = {
        key: inspect.getattr_static(settings, key) for key in dir(settings) if key in known and not key.startswith("_")
    }
    options = {key: getattr(settings, key) for key in attributes} | {
        key: value for key, value in given.items() if value is not None
    }
    if not any(options.get(key) for key in ("functions", "cron_jobs", "job_types")):
        raise ConfigError(
            f"{path} has no functions, cron_jobs or job_types", "A settings class names at least one thing to run."
        )
    if "job_completion_wait" not in options:
        options.setdefault("shutdown_s", SHUTDOWN_S)
    return options | {"records": True, "handle_signals": False}


async def _run(chosen: list[tuple[str, dict[str, Any]]]) -> int:
    workers = []
    for path, options in chosen:
        try:
            workers.append(Worker(**options))
        except (RuntimeError, TypeError, ValueError) as error:
            raise ConfigError(f"{path} cannot be run: {error}", "See the settings class.") from error
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop, workers, number)
    try:
        async with asyncio.TaskGroup() as group:
            for worker in workers:
                group.create_task(_serve(worker))
    except* (RedisError, OSError) as broken:
        first = broken.exceptions[0]
        raise RedisUnavailable(f"the worker cannot use Redis: {first}", "Check --redis and the settings.") from first
    return ExitCode.OK


async def _serve(worker: Worker) -> None:
    try:
        await worker.async_run()
    except asyncio.CancelledError:
        logger.info("worker %s stopped", worker.worker_id)
    finally:
        await worker.close()


def _stop(workers: Sequence[Worker], number: signal.Signals) -> None:
    for worker in workers:
        worker.handle_sig_wait_for_completion(number)


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
