"""`qconsole completion SHELL`: the script that completes commands, options and their values.

The script asks the program itself, which asks Redis for names, not for long: where nothing answers, nothing is offered.
"""

import asyncio
import os
import shlex
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Annotated, Any

import typer

from qconsole.cli.command import Session, command
from qconsole.errors import QConsoleError, UsageError

app = typer.Typer(rich_markup_mode=None)

# bash takes a word to begin behind `:` and the like, so what stands before the last of them is cut off the answers.
_BASH = """\
_qconsole() {
  local IFS=$'\\n' typed=${COMP_LINE:0:COMP_POINT} before=
  local found=($(qconsole completion --line "$typed" 2>/dev/null))
  typed=${typed##*[[:space:]]}
  [[ $typed == *[:=\\<\\>]* ]] && before=${typed%"${typed##*[:=<>]}"}
  COMPREPLY=("${found[@]#"$before"}")
  [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[.:=~\\<\\>] ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -o default -F _qconsole qconsole"""
_ZSH = """\
#compdef qconsole
_qconsole() {
  local -a found
  found=("${(@f)$(qconsole completion --words -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -S '' -- ${(M)found:#*[.:=~<>]}
  compadd -- ${found:#*[.:=~<>]}
}
compdef _qconsole qconsole"""
_FISH = """\
complete -c qconsole -f -a '(qconsole completion --words -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
_ASKING_S = 3.0
_NEWEST = 20


@command(app, "completion")
async def completion(
    session: Session,
    words: Annotated[list[str] | None, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")] = None,
    complete: Annotated[bool, typer.Option("--words", hidden=True)] = False,
    line: Annotated[str | None, typer.Option("--line", hidden=True)] = None,
) -> None:
    """Print the completion script of a shell; add it to its start-up file."""
    given = words or []
    if complete or line is not None:
        for candidate in await candidates(given if line is None else split_line(line), session):
            session.output.text(candidate)
        return
    if len(given) != 1 or given[0] not in _SCRIPTS:
        raise UsageError(
            f"the shell must be bash, zsh or fish, got {' '.join(given) or 'nothing'}",
            hint='For example: eval "$(qconsole completion bash)"',
        )
    session.output.text(_SCRIPTS[given[0]])


def split_line(line: str) -> list[str]:
    """Return the words of a half-written command line behind the program's name; the last one is being written."""
    for ending in ("", "'", '"'):
        try:
            words = shlex.split(line + ending)
            break
        except ValueError:  # a quote is open
            continue
    else:
        return []
    if not ending and (not line or line[-1].isspace()):
        words.append("")
    return words[1:]


async def candidates(words: list[str], session: Session) -> list[str]:
    """Return what may stand in place of the last word, given those before it."""
    from qconsole.cli.__main__ import GROUPS, SINGLE

    before, last = words[:-1], words[-1] if words else ""
    if not before:
        return _starting(GROUPS, last)
    if before[0] not in GROUPS:
        return []
    from typer.main import get_group

    group: Any = get_group(import_module(f"qconsole.cli.{GROUPS[before[0]][0]}").app)
    if before[0] in SINGLE:
        node, rest = group.commands[before[0]], before[1:]
    elif len(before) == 1:
        return _starting([*group.commands, "--help"], last)
    else:
        node, rest = group.commands.get(before[1]), before[2:]
    if node is None:
        return []
    options = {name: option for option in node.params for name in (*option.opts, *option.secondary_opts)}
    asked = options.get(rest[-1]) if rest else None
    if asked is not None and asked.param_type_name == "option" and not asked.is_flag:
        return await _values(session, before, str(asked.metavar), rest[-1], last)
    if last.startswith("-"):
        return _starting([name for name in options if name.startswith("--")], last)
    arguments = [each for each in node.params if each.param_type_name == "argument"]
    if not arguments:
        return []
    return await _values(session, before, str(arguments[0].metavar).strip("[].{}"), "", last)


def _starting(names: Any, last: str) -> list[str]:
    return [name for name in names if name.startswith(last)]


async def _values(session: Session, words: list[str], metavar: str, option: str, last: str) -> list[str]:
    """Return the values of an argument or option, told by its metavar."""
    fixed = {
        "ROLE": ("viewer", "operator", "admin"),
        "KIND": ("deploy", "operator"),
        "SHELL": tuple(_SCRIPTS),
        "HOW": ("skip", "once", "all") if option == "--missed" else ("skip", "queue", "allow"),
    }
    if option in ("-o", "--output"):
        return _starting(("table", "json", "jsonl"), last)
    if metavar in fixed:
        return _starting(fixed[metavar], last)
    try:
        async with asyncio.timeout(_ASKING_S):
            return await _known(_as_typed(session, words), words[0], metavar, last)
    except (QConsoleError, TimeoutError, OSError):
        return []


def _as_typed(session: Session, words: list[str]) -> Session:
    """Return a session of the environment that the line names."""
    named = {name: words[at + 1] for at, name in enumerate(words[:-1]) if name in ("--redis", "--env", "--config")}
    return Session(
        output=session.output, redis=named.get("--redis"), env=named.get("--env"), config=named.get("--config")
    )


async def _known(session: Session, noun: str, metavar: str, last: str) -> list[str]:
    if metavar == "NAME" and noun == "schema":
        from qconsole.admin.schema import names

        return _starting(sorted(names()), last)
    if metavar == "NAME" and noun not in ("users", "tokens", "worker"):
        from qconsole.config import environments

        return _starting(environments(config=os.environ.get("QCONSOLE_CONFIG")), last)
    try:
        if metavar == "FILTER":
            return await _filters(session, noun, last)
        ask = _ASKED.get(f"{noun} {metavar}") or _ASKED.get(metavar)
        return _starting(await ask(session), last) if ask else []
    finally:
        await session.close()


async def _filters(session: Session, noun: str, text: str) -> list[str]:
    from qconsole.admin import filter_terms, filters

    field = text.split(" ")[-1].lstrip("-").partition(":")[0]
    known = {field: tuple(await _ASKED[field](session))} if field in _ASKED else {}
    listing = {"dlq": filter_terms.DEAD_LETTERS, "audit": filter_terms.AUDIT}.get(noun, filter_terms.JOBS)
    found = filters.complete(text, len(text), filters.Context(known, listing), limit=50)
    return [text[: each.start] + each.text + text[each.end :] for each in found]


async def _queues(session: Session) -> list[str]:
    return [queue.name for queue in await (await session.admin()).queues.list()]


async def _workers(session: Session) -> list[str]:
    return [worker.id for worker in await (await session.admin()).workers.list()]


async def _groups(session: Session) -> list[str]:
    return [group.fingerprint[:8] for group in await (await session.admin()).dead_letters.groups()]


async def _schedules(session: Session) -> list[str]:
    return [schedule.id for schedule in await (await session.admin()).schedules.list()]


async def _operations(session: Session) -> list[str]:
    return [operation.id for operation in await (await session.admin()).operations.list(limit=_NEWEST)]


async def _job_types(session: Session) -> list[str]:
    return [str(each["name"]) for each in await (await session.admin()).jobs.job_types()]


async def _jobs(session: Session) -> list[str]:
    return [job.id for job in (await (await session.admin()).jobs.page(limit=_NEWEST)).rows]


async def _letters(session: Session) -> list[str]:
    return [letter.id for letter in (await (await session.admin()).dead_letters.page(limit=_NEWEST)).rows]


async def _removed(session: Session) -> list[str]:
    return [row.id for row in (await (await session.admin()).trash.page(limit=_NEWEST)).rows]


async def _flows(session: Session) -> list[str]:
    return [row.root_id for row in (await (await session.admin()).flows.page(limit=_NEWEST)).rows]


async def _users(session: Session) -> list[str]:
    return [user.name for user in await (await session.admin()).users.list()]


async def _tokens(session: Session) -> list[str]:
    return [token.id for token in await (await session.admin()).tokens.list()]


# by metavar, by noun and metavar, or by a filter's field
_ASKED: dict[str, Callable[[Session], Awaitable[list[str]]]] = {
    "QUEUE": _queues,
    "WORKER": _workers,
    "SCHEDULE": _schedules,
    "OPERATION": _operations,
    "TYPE": _job_types,
    "TOKEN": _tokens,
    "users NAME": _users,
    "dlq ID": _letters,
    "dlq ID|fp:FP": _letters,
    "trash ID": _removed,
    "flows ID": _flows,
    "ID": _jobs,
    "queue": _queues,
    "type": _job_types,
    "worker": _workers,
    "schedule": _schedules,
    "fp": _groups,
}
