"""`qconsole completion SHELL`: the script that completes commands, options and ids."""

from typing import Annotated

import typer

from qconsole.cli.command import Session, command
from qconsole.errors import UsageError

app = typer.Typer(rich_markup_mode=None)

_BASH = """\
_qconsole() {
  local IFS=$'\\n'
  COMPREPLY=($(qconsole completion --words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _qconsole qconsole"""
_ZSH = """\
#compdef qconsole
_qconsole() {
  local -a found
  found=("${(@f)$(qconsole completion --words -- "${words[@]:1:$((CURRENT-1))}" 2>/dev/null)}")
  compadd -a found
}
compdef _qconsole qconsole"""
_FISH = """\
complete -c qconsole -f -a '(qconsole completion --words -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


@command(app, "completion")
async def completion(
    session: Session,
    words: Annotated[list[str] | None, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")] = None,
    complete: Annotated[bool, typer.Option("--words", hidden=True)] = False,
) -> None:
    """Print the completion script of a shell; add it to the shell's start-up file."""
    given = words or []
    if complete:
        for candidate in candidates(given):
            session.output.text(candidate)
        return
    if len(given) != 1 or given[0] not in _SCRIPTS:
        raise UsageError(
            f"the shell must be bash, zsh or fish, got {' '.join(given) or 'nothing'}",
            hint='For example: eval "$(qconsole completion bash)"',
        )
    session.output.text(_SCRIPTS[given[0]])


def candidates(words: list[str]) -> list[str]:
    """Return what may stand in place of the last word, given those before it."""
    from importlib import import_module

    from typer.main import get_group

    from qconsole.cli.__main__ import GROUPS, SINGLE

    before, last = words[:-1], words[-1] if words else ""
    if not before:
        return [name for name in GROUPS if name.startswith(last)]
    if before[0] not in GROUPS:
        return []
    node: object = get_group(import_module(f"qconsole.cli.{GROUPS[before[0]][0]}").app)
    commands = getattr(node, "commands", {})
    if before[0] in SINGLE:
        node, rest = commands.get(before[0], node), before[1:]
    elif len(before) == 1:
        return [name for name in commands if name.startswith(last)]
    else:
        node, rest = commands.get(before[1], node), before[2:]
    del rest
    options = [option for parameter in getattr(node, "params", []) for option in getattr(parameter, "opts", [])]
    return [option for option in options if option.startswith("--") and option.startswith(last)]
