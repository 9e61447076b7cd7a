"""Every colour and shape of the terminal console: two themes, a production skin, 16 colours, no colour and ASCII.

Widgets name styles ("muted", "bad"); only this file knows what they look like. A state is always a word with a shape.
"""

from dataclasses import dataclass
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme

Span = tuple[str, str]  # text, style name

DARK = {
    "ground": "#0f1316",
    "raised": "#171c21",
    "line": "#2c333a",
    "text": "#e4e7ea",
    "muted": "#98a2ad",
    "faint": "#7e8994",
    "accent": "#7cb3ff",
    "bad": "#ff8a84",
    "warn": "#e3b04b",
    "good": "#6fcf97",
    "chart": "#4478b5",
    "cursor": "#22354c",
    "mark": "#2b2b17",
    "match": "#6b5300",
    "alarm": "#7d1a1a",
    "alarm_text": "#ffffff",
}
LIGHT = {
    "ground": "#ffffff",
    "raised": "#f3f5f7",
    "line": "#cfd6dc",
    "text": "#15191d",
    "muted": "#56616b",
    "faint": "#66707a",
    "accent": "#0b5cad",
    "bad": "#b3261e",
    "warn": "#8a5300",
    "good": "#1b6e3c",
    "chart": "#6ba1dd",
    "cursor": "#d5e4f5",
    "mark": "#fdf3d0",
    "match": "#ffe08a",
    "alarm": "#a31515",
    "alarm_text": "#ffffff",
}
ANSI = {
    "ground": "default",
    "raised": "default",
    "line": "bright_black",
    "text": "default",
    "muted": "default",
    "faint": "bright_black",
    "accent": "blue",
    "bad": "red",
    "warn": "yellow",
    "good": "green",
    "chart": "blue",
    "cursor": "default",
    "mark": "default",
    "match": "default",
    "alarm": "red",
    "alarm_text": "white",
}

SHAPES: dict[str, tuple[str, str]] = {
    # word -> shape, style. A word that is not here gets a plain dot.
    "waiting": ("○", "text"),
    "delayed": ("◌", "muted"),
    "active": ("▶", "accent"),
    "waiting_children": ("◇", "muted"),
    "completed": ("●", "good"),
    "failed": ("▲", "bad"),
    "cancelled": ("■", "muted"),
    "failing": ("▲", "bad"),
    "no workers": ("✖", "bad"),
    "stalled": ("◆", "bad"),
    "saturated": ("▲", "warn"),
    "paused": ("■", "warn"),
    "ok": ("●", "good"),
    "idle": ("○", "muted"),
    "open": ("▲", "bad"),
    "replayed": ("●", "good"),
    "discarded": ("■", "muted"),
    "planned": ("○", "muted"),
    "running": ("▶", "accent"),
    "aborted": ("■", "warn"),
    "interrupted": ("◆", "bad"),
    "done": ("●", "good"),
    "quiet": ("■", "warn"),
    "stopping": ("◇", "warn"),
    "lost": ("✖", "bad"),
    "plain arq": ("○", "muted"),
    "warn": ("▲", "warn"),
    "bad": ("✖", "bad"),
    "retry": ("◆", "warn"),
    "given back": ("◇", "muted"),
    "on schedule": ("●", "good"),
    "critical": ("▲", "bad"),
    "breached": ("▲", "bad"),
}


def badge(word: str) -> Span:
    """Return a state as shape and word, in its colour: `▲ failed`."""
    shape, style = SHAPES.get(word, ("·", "text"))
    return f"{shape} {word.replace('_', ' ')}", style


# Stock widgets refer to these where a theme uses the terminal's own colours.
_ANSI_VARIABLES = {
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "border-blurred": "ansi_default",
    "block-cursor-foreground": "ansi_black",
    "block-cursor-background": "ansi_white",
    "input-cursor-background": "ansi_default",
    "input-cursor-foreground": "ansi_default",
    "input-cursor-text-style": "reverse",
    "input-selection-background": "ansi_blue",
    "input-selection-foreground": "ansi_default",
    "screen-selection-background": "ansi_blue",
    "screen-selection-foreground": "ansi_default",
}


@dataclass(frozen=True, slots=True)
class Skin:
    """One look, resolved. Equal skins share their caches."""

    dark: bool
    ansi: bool
    production: bool

    @property
    def name(self) -> str:
        """Return the name of the matching Textual theme."""
        return "qconsole-ansi" if self.ansi else "qconsole-dark" if self.dark else "qconsole-light"

    @property
    def colors(self) -> dict[str, str]:
        """Return the palette: colour by role."""
        return ANSI if self.ansi else DARK if self.dark else LIGHT

    def style(self, name: str, ground: str = "ground") -> Style:
        """Return the Rich style of a named style on a named ground (`ground raised cursor mark alarm`)."""
        return _resolve(self, name, ground)

    def theme(self) -> Theme:
        """Return the Textual theme for stock widgets (inputs, text areas, scrollbars)."""
        colors = {role: f"ansi_{color}" if self.ansi else color for role, color in self.colors.items()}
        accent = colors["bad"] if self.production else colors["accent"]
        return Theme(
            name=self.name,
            dark=self.dark,
            ansi=self.ansi,
            primary=accent,
            secondary=colors["muted"],
            accent=accent,
            warning=colors["warn"],
            error=colors["bad"],
            success=colors["good"],
            foreground=colors["text"],
            background=colors["ground"],
            surface=colors["raised"],
            panel=colors["raised"],
            variables={
                "line": colors["line"],
                "edge": accent,
                "muted": colors["muted"],
                "scrollbar": colors["line"],
                "scrollbar-hover": colors["muted"],
                "scrollbar-active": accent,
                "scrollbar-background": colors["ground"],
                "scrollbar-background-hover": colors["ground"],
                "scrollbar-background-active": colors["ground"],
                "scrollbar-corner-color": colors["ground"],
                **(_ANSI_VARIABLES if self.ansi else {}),
            },
        )


_BOLD = {"title", "head", "key", "strong", "alarm", "bad_strong", "tab"}
_INKS = {
    # style name -> colour role, where they differ
    "title": "text",
    "strong": "text",
    "head": "muted",
    "key": "accent",
    "tab": "accent",
    "link": "accent",
    "bad_strong": "bad",
    "alarm": "alarm_text",
    "match": "text",
    "json_key": "accent",
    "json_text": "text",
    "json_number": "warn",
    "json_word": "muted",
    "added": "good",
    "removed": "bad",
    "ghost": "faint",
}


@lru_cache(maxsize=512)
def _resolve(skin: Skin, name: str, ground: str) -> Style:
    colors = skin.colors
    # Without backgrounds of our own the cursor is a line in reverse: of one colour, or it would be a patchwork.
    ink = "default" if skin.ansi and ground == "cursor" else colors[_INKS.get(name, name)]
    paper = colors["alarm" if name == "alarm" else "match" if name == "match" else ground]
    return Style(
        color=ink,
        bgcolor=paper,
        bold=name in _BOLD or (skin.ansi and ground == "mark"),
        reverse=skin.ansi and (ground == "cursor" or name == "match"),
        underline=name == "link",
        dim=skin.ansi and name in {"muted", "faint", "ghost"} and ground != "cursor",
    )


class AsciiOnly(LineFilter):
    """Replaces every character beyond ASCII by one that a plain locale can show, cell for cell."""

    _TABLE = str.maketrans(
        {
            **dict(zip("●○◌▶◇▲■✖◆·…–—→←↑↓⏎␊␛␀␡", "*o.>v!#xX..--><^v/////", strict=True)),
            **dict(zip("▁▂▃▄▅▆▇█›", "_.-=+oO#>", strict=True)),
            **dict(zip("─│┌┐└┘├┤┬┴┼━┃╭╮╰╯▏▎▍▌▋▊▉░▒▓╌▸▾≤≥×", "-|+++++++++-|++++||||||#..#->v<>x", strict=True)),
        }
    )

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments in ASCII, of the same width."""
        return [
            segment if segment.control or segment.text.isascii() else Segment(self._ascii(segment.text), segment.style)
            for segment in segments
        ]

    def _ascii(self, text: str) -> str:
        text = text.translate(self._TABLE)
        return text if text.isascii() else "".join(c if c.isascii() else "?" * cell_len(c) for c in text)
