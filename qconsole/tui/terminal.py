"""What the terminal is and can do: whether the console can run in it at all, its colours, its locale, ssh and tmux."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from qconsole.errors import UsageError

_DEEP = re.compile(r"256color|truecolor|direct|kitty|alacritty|ghostty|wezterm|foot|konsole|iterm|vte", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Terminal:
    """The facts that change how the console looks and how often it refreshes."""

    few_colors: bool  # 16 at most
    no_color: bool
    ascii_only: bool
    remote: bool  # over ssh
    light: bool  # the background is known to be light
    tmux: bool


def examine(environ: Mapping[str, str]) -> Terminal:
    """Return what the environment says about the terminal."""
    term, colors = environ.get("TERM", ""), environ.get("COLORTERM", "")
    no_color = bool(environ.get("NO_COLOR"))
    deep = colors.lower() in {"truecolor", "24bit"} or bool(_DEEP.search(term)) or bool(environ.get("TMUX"))
    return Terminal(
        few_colors=no_color or not deep,
        no_color=no_color,
        ascii_only=_ascii_only(environ),
        remote=any(name in environ for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT", "MOSH_IP")),
        light=_light_background(environ.get("COLORFGBG", "")),
        tmux=bool(environ.get("TMUX")),
    )


def _ascii_only(environ: Mapping[str, str]) -> bool:
    """A locale that names a character set other than UTF-8, or C, gets ASCII; one that says nothing gets UTF-8."""
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    if not locale:
        return False
    return "utf" not in locale.lower()


def _light_background(setting: str) -> bool:
    """Read `COLORFGBG`, which some terminals set to `foreground;background`."""
    ground = setting.rpartition(";")[2]
    return ground.isdigit() and (int(ground) == 7 or int(ground) >= 9)


def require_terminal(stdin: TextIO, stdout: TextIO, environ: Mapping[str, str]) -> None:
    """Refuse politely where no screen can be drawn.

    Raises:
        UsageError: one sentence, and what to use instead.
    """
    hint = "Use the commands instead, for example: qconsole queues list"
    if environ.get("TERM", "") in {"", "dumb"} and os.name != "nt":
        raise UsageError(
            f"The terminal console needs a terminal whose cursor moves, got TERM={environ.get('TERM') or 'nothing'}.",
            hint,
        )
    if not (stdin.isatty() and stdout.isatty()):
        which = "standard input" if not stdin.isatty() else "standard output"
        raise UsageError(f"The terminal console needs a terminal, but {which} is not one.", hint)
