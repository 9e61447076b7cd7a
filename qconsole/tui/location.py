"""Where one is in the console, as text: `overview`, `jobs state:failed`, `dlq fp:7c1e9a`, `job email-17 queue:email`.

The text is what `--at` takes, what the palette accepts and what the title shows; it never holds anything but a kind,
a target
and a filter.
"""

import re
import shlex
from dataclasses import dataclass, replace
from typing import NamedTuple

from qconsole.admin.filter_terms import Pattern
from qconsole.errors import UsageError


class Mode(NamedTuple):
    """A numbered screen, with its title at three lengths; the eleven shortest fit 80 columns."""

    key: str
    kind: str
    title: str
    short: str
    shortest: str


MODES = (
    Mode("1", "overview", "Overview", "Overview", "Over"),
    Mode("2", "queues", "Queues", "Queues", "Queues"),
    Mode("3", "jobs", "Jobs", "Jobs", "Jobs"),
    Mode("4", "groups", "Dead letters", "DLQ", "DLQ"),
    Mode("5", "schedules", "Schedules", "Schedules", "Sched"),
    Mode("6", "flows", "Flows", "Flows", "Flows"),
    Mode("7", "workers", "Workers", "Workers", "Work"),
    Mode("8", "metrics", "Metrics", "Metrics", "Metr"),
    Mode("9", "operations", "Operations", "Ops", "Ops"),
    Mode("0", "audit", "Audit", "Audit", "Audit"),
    Mode(",", "settings", "Settings", "Settings", "Set"),
)
TARGETED = {
    # kind -> the mode it belongs to
    "queue": "queues",
    "job": "jobs",
    "dead-letter": "groups",
    "schedule": "schedules",
    "flow": "flows",
    "worker": "workers",
    "operation": "operations",
}
LISTED = {"dlq": "groups", "events": "audit", "trash": "operations", "doctor": "settings"}
_ALIASES = {
    "dead-letters": "dlq",
    "dead_letters": "dlq",
    "deadletters": "dlq",
    "dead_letter": "dead-letter",
    "ops": "operations",
    "config": "settings",
    "home": "overview",
}
KINDS = (*(mode.kind for mode in MODES), *TARGETED, *LISTED)


@dataclass(frozen=True, slots=True)
class Location:
    """A screen of the console with what it shows."""

    kind: str
    target: str | None = None
    filter: str = ""

    @property
    def mode(self) -> str:
        """Return the numbered mode this belongs to."""
        return TARGETED.get(self.kind) or LISTED.get(self.kind) or self.kind

    @property
    def queue(self) -> str | None:
        """Return the queue that the filter names, when it names exactly one."""
        found = re.findall(r'(?:^|\s)queue:("[^"]*"|[^\s,]+)(?=\s|$)', self.filter)
        return found[0].strip('"') if len(found) == 1 else None

    def with_filter(self, text: str) -> "Location":
        """Return the same place with another filter."""
        return replace(self, filter=text)

    def __str__(self) -> str:
        kind = self.kind
        target = "" if self.target is None else shlex.quote(self.target)
        return " ".join(part for part in (kind, target, self.filter) if part)


def parse_location(text: str) -> Location:
    """Read a location as a person types it; `dlq` alone means the groups.

    Raises:
        UsageError: the first word names no screen, or a target is missing; it says which words are known.
    """
    word, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    kind = _ALIASES.get(word.lower(), word.lower())
    if not kind:
        return Location("overview")
    if kind not in KINDS:
        known = ", ".join(sorted(KINDS))
        raise UsageError(f"A location must start with one of {known}, got {word!r}.", "For example: jobs state:failed")
    if kind == "dlq" and rest in {"", "groups"}:
        return Location("groups")
    if kind == "dlq" and rest == "entries":
        return Location("dlq")
    if kind not in TARGETED:
        return Location(kind, None, rest)
    target, rest = _first_word(rest)
    if not target:
        raise UsageError(f"{kind!r} must be followed by an id, got nothing.", f"For example: {kind} doc-17")
    return Location(kind, target, rest)


def quoted(value: str) -> str:
    """Return a value as a filter writes it."""
    return str(Pattern.of(value))


def _first_word(text: str) -> tuple[str, str]:
    match = re.match(r"'((?:[^']|'\"'\"')*)'|\"([^\"]*)\"|(\S+)", text)
    if match is None:
        return "", ""
    quoted, double, bare = match.groups()
    word = quoted.replace("'\"'\"'", "'") if quoted is not None else double if double is not None else bare
    return word, text[match.end() :].strip()
