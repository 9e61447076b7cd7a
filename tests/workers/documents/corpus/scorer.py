"""Scores extracted lines against truth: F1 of lines and the share of right values per field."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from workers.documents import LineItem

FIELDS = ("quantity", "unit_price", "line_total", "part_number", "unit")


@dataclass(frozen=True, slots=True)
class TruthLine:
    """What should be found. A field that the document does not print is None and not judged."""

    description: str
    quantity: Decimal | None = None
    unit: str | None = None
    part_number: str | None = None
    unit_price: Decimal | None = None
    line_total: Decimal | None = None


@dataclass(slots=True)
class Score:
    """Counts over any number of documents."""

    truth: int = 0
    found: int = 0
    paired: int = 0
    right: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FIELDS, 0))
    asked: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FIELDS, 0))
    faults: list[str] = field(default_factory=list)

    @property
    def f1(self) -> float:
        return 2 * self.paired / (self.truth + self.found) if self.truth + self.found else 1.0

    def accuracy(self, name: str) -> float:
        return self.right[name] / self.asked[name] if self.asked[name] else 1.0

    def add(self, label: str, found: Sequence[LineItem], truth: Sequence[TruthLine]) -> None:
        """Count one document."""
        pairs = pair(found, truth)
        self.truth += len(truth)
        self.found += len(found)
        self.paired += len(pairs)
        if len(pairs) != len(truth) or len(found) != len(truth):
            self.faults.append(f"{label}: truth {len(truth)}, found {len(found)}, paired {len(pairs)}")
        for item, line in pairs:
            for name in FIELDS:
                wanted, got = getattr(line, name), getattr(item, name)
                if wanted is None:
                    continue
                self.asked[name] += 1
                if _same(wanted, got):
                    self.right[name] += 1
                else:
                    self.faults.append(f"{label}: {name} of {line.description!r} must be {wanted}, got {got}")

    def summary(self) -> str:
        """Return one printable line."""
        fields = "  ".join(f"{name} {self.accuracy(name):.3f}" for name in FIELDS)
        return f"F1 {self.f1:.3f} (truth {self.truth}, found {self.found}, paired {self.paired})  {fields}"


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _same(wanted: object, got: object) -> bool:
    if isinstance(wanted, Decimal):
        return isinstance(got, Decimal) and abs(got - wanted) <= max(Decimal("0.005"), abs(wanted) * Decimal("0.0005"))
    return _plain(str(wanted)) == _plain(str(got or ""))


def likeness(one: str, other: str) -> float:
    """Return how alike two descriptions are, 0 to 1; one that contains the other's words counts as alike."""
    a, b = _plain(one), _plain(other)
    if not a or not b:
        return 0.0
    words_a, words_b = set(a.split()), set(b.split())
    fewer = min(len(words_a), len(words_b))
    shared = len(words_a & words_b) / fewer if fewer > 1 else 0.0
    return max(difflib.SequenceMatcher(None, a, b).ratio(), 0.95 * shared)


def pair(found: Iterable[LineItem], truth: Iterable[TruthLine]) -> list[tuple[LineItem, TruthLine]]:
    """Pair lines one to one, best first, where part numbers agree or descriptions are at least 0.6 alike."""
    found, truth = list(found), list(truth)
    scored = sorted(
        ((_pair_score(item, line), i, j) for i, item in enumerate(found) for j, line in enumerate(truth)), reverse=True
    )
    used_found: set[int] = set()
    used_truth: set[int] = set()
    pairs = []
    for score, i, j in scored:
        if score > 0 and i not in used_found and j not in used_truth:
            used_found.add(i)
            used_truth.add(j)
            pairs.append((found[i], truth[j]))
    return pairs


def _pair_score(item: LineItem, line: TruthLine) -> float:
    same_part = bool(item.part_number and line.part_number) and _same(line.part_number, item.part_number)
    alike = likeness(item.description, line.description)
    if not same_part and alike < 0.6:
        return 0.0
    numbers = sum(
        0.3 for name in ("quantity", "unit_price", "line_total") if _same(getattr(line, name), getattr(item, name))
    )
    return alike + (1.0 if same_part else 0.0) + numbers
