"""The command line's root: names every command, imports only the one that was asked for."""

import os
import sys
from importlib import import_module
from typing import Any, Final

# name -> (module, help); the order is the order of `--help`.
GROUPS: Final[dict[str, tuple[str, str]]] = {
    "demo": ("demo", "An embedded server, workers, documents and failures to play with."),
    "up": ("serve", "Redis (when none is set), workers and web console, in one go."),
    "serve": ("serve", "The web console."),
    "tui": ("serve", "The terminal console."),
    "worker": ("serve", "Run jobs, e.g. qconsole worker app.WorkerSettings"),
    "check": ("health", "For monitors: exit 7 when a rule is broken."),
    "doctor": ("health", "Find what is wrong with queues and Redis, and mend it."),
    "watch": ("health", "The overview, again and again."),
    "queues": ("queues", "Queues: list, show, pause, resume, limit, drain, empty."),
    "jobs": ("jobs", "Jobs: find, show, why, add, edit, retry, cancel, remove."),
    "dlq": ("dead_letters", "Dead letters: groups, show, replay, discard."),
    "schedules": ("schedules", "Schedules: list, show, preview, pause, run, edit."),
    "flows": ("flows", "Flows: list, show, retry."),
    "workers": ("workers", "Workers: list, show, quiet, resume, stop."),
    "metrics": ("metrics", "Metrics: show, export, sla."),
    "operations": ("operations", "Operations: list, show, pause, resume, abort, undo."),
    "trash": ("trash", "Trash: list, restore."),
    "users": ("users", "Users of the web console: list, add, passwd, role, remove."),
    "tokens": ("tokens", "API tokens: list, create, revoke."),
    "events": ("events", "Events: tail."),
    "audit": ("audit", "Audit: who did what, when, to how many jobs."),
    "config": ("config", "Configuration: show, path."),
    "schema": ("schema", "The JSON Schema of an answer: qconsole schema NAME"),
    "export": ("transfer", "Write everything in the queues as JSON lines."),
    "import": ("transfer", "Read what export wrote, resumable."),
    "completion": ("completion", "Shell completion: qconsole completion bash|zsh|fish"),
}
SINGLE: Final = frozenset(
    {"demo", "up", "serve", "tui", "worker", "check", "doctor", "watch", "schema", "export", "import", "completion"}
)


def root_help() -> str:
    """Return what `qconsole --help` prints."""
    room = max(len(name) for name in GROUPS)
    lines = [
        "Usage: qconsole COMMAND [ARGS]...",
        "",
        "  Background jobs on arq and Redis, and one console to see and steer them.",
        "",
        "Commands:",
    ]
    lines += [f"  {name:<{room}}  {text}" for name, (_, text) in GROUPS.items()]
    lines += [
        "",
        "Options:",
        "  --version  Show the version and exit.",
        "  --help     Show this and exit; every command has its own --help.",
        "",
        "Every command takes --redis URL, --env NAME, -o table|json|jsonl and -q.",
        "First steps: qconsole demo    qconsole queues list    qconsole tui",
    ]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit with the code that `qconsole.errors.ExitCode` documents."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        code = _answer(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        from qconsole.cli.output import pipe_closed

        code = pipe_closed()
    except KeyboardInterrupt:
        code = 130
    raise SystemExit(code)


def _answer(arguments: list[str]) -> int:
    # Answered before any import: the two that people and shells ask for most.
    if not arguments or arguments in (["--help"], ["-h"], ["help"]):
        print(root_help())
        return 0 if arguments else 2
    if arguments == ["--version"]:
        from importlib.metadata import version

        print(f"qconsole {version('qconsole')}")
        return 0
    return run(arguments)


def run(arguments: list[str]) -> int:
    """Run one command.

    Returns:
        The exit code.
    """
    for argument in arguments:
        if not argument.isascii() and any("\ud800" <= char <= "\udfff" for char in argument):
            return _usage(arguments, f"an argument must be UTF-8 text, got {argument!r}", None)
    name, *rest = _options_last(arguments)
    if name not in GROUPS:
        return _usage(arguments, _unknown(name))
    import typer
    from typer._click.exceptions import ClickException
    from typer.main import get_group

    module: Any = import_module(f"qconsole.cli.{GROUPS[name][0]}")
    app: typer.Typer = module.app
    group: Any = get_group(app)
    command: Any = group.commands[name] if name in SINGLE else group
    try:
        return int(command.main(args=rest, prog_name=f"qconsole {name}", standalone_mode=False) or 0)
    except ClickException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error.format_message())
            return 2
        context = getattr(error, "ctx", None)
        hint = f"See: {context.command_path} --help" if context else None
        return _usage(arguments, _worded(error.format_message()), hint)
    except typer.Abort:
        return 130
    except (SystemExit, KeyboardInterrupt, BrokenPipeError):
        raise
    except Exception as error:
        return _unexpected(arguments, error)


_VALUED: Final = ("--redis", "--env", "--config", "--output", "-o")
_BARE: Final = ("--json", "--quiet", "-q")


def _options_last(arguments: list[str]) -> list[str]:
    """Return the arguments with the options that every command takes moved from before the command to behind it."""
    at = 0
    while at < len(arguments) and arguments[at].partition("=")[0] in (*_VALUED, *_BARE):
        at += 2 if arguments[at] in _VALUED else 1
    leading, rest = arguments[:at], arguments[at:]
    if not leading or not rest:
        return arguments
    path = 1 if rest[0] in SINGLE else 2
    return [*rest[:path], *leading, *rest[path:]]


def _worded(message: str) -> str:
    """Return what the parser says of a number in words for people."""
    for kind, words in (("int", "a whole number"), ("float", "a number")):
        message = message.replace(f"is not a valid {kind} range.", f"is not {words}.")
        message = message.replace(f"is not a valid {kind}.", f"is not {words}.")
    return message


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, GROUPS, n=1)
    return f"there is no command {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def _unexpected(arguments: list[str], error: Exception) -> int:
    """Say that we failed, in a sentence; the traceback is for QCONSOLE_DEBUG."""
    if os.environ.get("QCONSOLE_DEBUG"):
        raise error
    message = f"unexpected {type(error).__name__}: {error}"
    hint = "This is a defect of qconsole. QCONSOLE_DEBUG=1 shows where; please report it."
    return _error(arguments, {"code": "unexpected", "message": message, "hint": hint}, 1)


def _usage(arguments: list[str], message: str, hint: str | None = "See: qconsole --help") -> int:
    return _error(arguments, {"code": "usage", "message": message, "hint": hint}, 2)


def _error(arguments: list[str], fields: dict[str, str | None], code: int) -> int:
    from qconsole.cli.output import Format, Output

    asked_json = "--json" in arguments or any(
        value in ("json", "jsonl", "--output=json", "--output=jsonl", "-ojson", "-ojsonl") for value in arguments
    )
    Output(format=Format.JSON if asked_json else Format.TABLE).error(fields)
    return code


if __name__ == "__main__":
    main()
