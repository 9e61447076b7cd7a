"""Every command and every option explains itself, in lines that fit a terminal of 80 columns."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from typer.main import get_group

from qconsole.cli.__main__ import GROUPS, SINGLE, root_help


def tree() -> Iterator[tuple[str, Any]]:
    """Yield the path and the command of every group and command."""
    for name, (module, _) in GROUPS.items():
        group: Any = get_group(import_module(f"qconsole.cli.{module}").app)
        if name in SINGLE:
            yield name, group.commands[name]
        else:
            yield name, group
            yield from ((f"{name} {verb}", command) for verb, command in group.commands.items())


@pytest.mark.parametrize(("path", "command"), [pytest.param(*pair, id=pair[0]) for pair in tree()])
def test_help_is_whole(path: str, command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    context = command.make_context(f"qconsole {path}", [], resilient_parsing=True)
    lines = command.get_help(context).splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert [line for line in lines if line.endswith("...") and not line.startswith("Usage")] == [], "a sentence is cut"
    assert "{" not in lines[0] and "range>" not in "\n".join(lines)
    assert command.help.splitlines()[0].endswith(".")
    for parameter in command.params:
        hidden = getattr(parameter, "hidden", False) or parameter.name == "help"
        assert hidden or (parameter.help or "").endswith((".", "FILTER")), parameter.name


def test_the_roots_help_fits_too() -> None:
    assert [line for line in root_help().splitlines() if len(line) > 80] == []
    assert all(text.endswith(".") or "qconsole " in text for _, text in GROUPS.values())
