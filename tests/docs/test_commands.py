"""Every `qconsole` command in the documentation is one that the command line takes."""

import re
import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_group

from qconsole.cli.__main__ import GROUPS, SINGLE

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = re.compile(r"^\s*qconsole (?P<fenced>[a-z].*)$|`qconsole (?P<inline>[a-z][^`]*)`", re.MULTILINE)


def commands() -> list[tuple[str, str]]:
    """Return page and command line of each; pipes, redirections and comments are the shell's."""
    found = []
    for page in PAGES:
        for match in COMMAND.finditer(page.read_text()):
            text = match["fenced"] or match["inline"]
            line = re.split(r"\s#\s|\s[|>&]\s|\s{2,}", text)[0].rstrip("&\\ ")
            found.append((str(page.relative_to(ROOT)), line))
    return found


@pytest.mark.parametrize(("page", "line"), commands())
def test_the_documented_command_exists(page: str, line: str) -> None:
    name, *rest = shlex.split(line.replace("…", "x"))
    assert name in GROUPS, f"{page}: qconsole {line}"
    group: Any = get_group(import_module(f"qconsole.cli.{GROUPS[name][0]}").app)
    if name in SINGLE:
        command = group.commands[name]
    elif not rest:
        return
    else:
        command = group.commands[rest.pop(0)]
    command.make_context(name, rest, resilient_parsing=line.count(" ") < 2)


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = []
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text()):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)} -> {target}")
    assert broken == []
