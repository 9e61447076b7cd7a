"""The catalogue a document's lines are matched against.

A remembered decision wins, then an exact code, then the best of the rows that share the line's rare tokens. The
confidence is a calibrated chance that the named row is the right one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import numpy as np

from workers.documents.matching import features, losses
from workers.documents.matching.calibration import Coefficients, Pairs, shipped
from workers.documents.matching.index import Rarity, TokenIndex, token_weights
from workers.documents.matching.tokens import Tokens, code_key, normalise, tokenise
from workers.documents.matching.units import conversion_factor

CANDIDATES = 20
ALTERNATIVES = 5
FLOOR = 0.1
CODE_CONFIDENCE = 0.99
_KEY_DIGITS = 6


class Source(StrEnum):
    """What a match rests on."""

    DECISION = "decision"
    CODE = "code"
    TEXT = "text"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """One product that can be ordered; `unit` is the unit it is sold in, `price` the price of one such unit."""

    row_id: str
    name: str
    description: str = ""
    brand: str = ""
    codes: tuple[str, ...] = ()
    unit: str = ""
    price: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """What somebody asked for, as they wrote it."""

    line_id: str
    name: str
    description: str = ""
    brand: str = ""
    codes: tuple[str, ...] = ()
    unit: str = ""
    price: float | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """A row and the chance that it is the one that was meant."""

    row_id: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Match:
    """The answer for one line: `row_id` is None when nothing is likely enough.

    `factor` is how many of the row's units one of the line's units is; None when the units cannot be compared.
    """

    line_id: str
    row_id: str | None
    confidence: float
    source: Source
    alternatives: tuple[Alternative, ...]
    factor: Decimal | None


Decisions = Mapping[tuple[str, str], str]
"""Reviewers' decisions: (customer, `decision_key` of the line) to the row's id."""


def decision_key(name: str) -> str:
    """Returns the form of a description under which a reviewer's decision is remembered."""
    return " ".join(normalise(name).split())


class Catalogue:
    """An index over catalogue rows, built once and asked for many lines."""

    def __init__(self, rows: Iterable[CatalogueRow], *, coefficients: Coefficients | None = None) -> None:
        self._rows = list(rows)
        self._coefficients = coefficients or shipped()
        self._by_id = {row.row_id: number for number, row in enumerate(self._rows)}
        self._tokens = [_tokens(row) for row in self._rows]
        documents = [token_weights(tokens) for tokens in self._tokens]
        self._rarity = Rarity(documents)
        self._index = TokenIndex(documents, rarity=self._rarity)
        self._exact = self._exact_codes()

    def __len__(self) -> int:
        return len(self._rows)

    def match(
        self,
        lines: Sequence[Line],
        *,
        competing: bool = False,
        customer: str = "",
        decisions: Decisions | None = None,
    ) -> list[Match]:
        """Returns one match for each line, in order.

        Args:
            lines: what to look for.
            competing: True when no two lines should be the same product, as when two catalogues are compared: a row
                then goes to the line that fits it best, and the others get the best of those that are left.
            customer: whose decisions count.
            decisions: what reviewers decided before, see `Decisions`.
        """
        found = self.pairs(lines)
        chances = self._coefficients.confidence(found, competing=competing)
        order = np.lexsort((-chances, found.lines))
        ranked: list[list[Alternative]] = [[] for _ in lines]
        for pair in order:
            ranked[found.lines[pair]].append(
                Alternative(row_id=self._rows[found.rows[pair]].row_id, confidence=float(chances[pair]))
            )
        if competing:
            _put_given_first(ranked)
        return [
            self._settle(line, alternatives, customer=customer, decisions=decisions or {})
            for line, alternatives in zip(lines, ranked, strict=True)
        ]

    def pairs(self, lines: Sequence[Line]) -> Pairs:
        """Returns the candidate pairs of the lines with their features."""
        line_numbers: list[int] = []
        row_numbers: list[int] = []
        vectors: list[list[float]] = []
        remainders: list[losses.Remainder] = []
        for number, line in enumerate(lines):
            tokens = _tokens(line)
            for row in self._index.nearest(token_weights(tokens), CANDIDATES).tolist():
                line_numbers.append(number)
                row_numbers.append(row)
                remainders.append(losses.remainder(tokens, self._tokens[row]))
                vectors.append(
                    features.compare(
                        tokens,
                        self._tokens[row],
                        rarity=self._rarity,
                        line_price=line.price,
                        row_price=self._rows[row].price,
                    )
                )
        return Pairs(
            lines=np.array(line_numbers, dtype=np.int64),
            rows=np.array(row_numbers, dtype=np.int64),
            matrix=np.array(vectors, dtype=np.float64).reshape(len(vectors), len(features.NAMES)),
            remainders=remainders,
        )

    def _exact_codes(self) -> dict[str, int | None]:
        """Returns the row of each stated code; None for a code that several rows state."""
        exact: dict[str, int | None] = {}
        for number, tokens in enumerate(self._tokens):
            for code in tokens.stated:
                exact[code] = None if code in exact else number
        return exact

    def _settle(self, line: Line, ranked: list[Alternative], *, customer: str, decisions: Decisions) -> Match:
        decided = decisions.get((customer, decision_key(line.name)))
        if decided is not None and decided in self._by_id:
            return self._answer(line, Alternative(decided, 1.0), ranked, Source.DECISION)
        number = self._row_of_key(line)
        if number is not None:
            return self._answer(line, Alternative(self._rows[number].row_id, CODE_CONFIDENCE), ranked, Source.CODE)
        if ranked and ranked[0].confidence >= FLOOR:
            return self._answer(line, ranked[0], ranked, Source.TEXT)
        best = ranked[0].confidence if ranked else 0.0
        return Match(line.line_id, None, best, Source.NONE, tuple(ranked[:ALTERNATIVES]), None)

    def _row_of_key(self, line: Line) -> int | None:
        """Returns the row whose stated key is the line's: an opaque six-digit key is exact, whatever the text says."""
        for code in line.codes:
            key = code_key(code)
            if len(key) == _KEY_DIGITS and key.isdigit():
                number = self._exact.get(key)
                if number is not None:
                    return number
        return None

    def _answer(self, line: Line, best: Alternative, ranked: list[Alternative], source: Source) -> Match:
        others = [other for other in ranked if other.row_id != best.row_id]
        row = self._rows[self._by_id[best.row_id]]
        return Match(
            line_id=line.line_id,
            row_id=best.row_id,
            confidence=best.confidence,
            source=source,
            alternatives=tuple([best, *others][:ALTERNATIVES]),
            factor=conversion_factor(line.unit, row.unit),
        )


def _put_given_first(ranked: list[list[Alternative]]) -> None:
    """Gives each row to the line that is surest of it, and puts the row that a line gets first among its own.

    A line that is left without a row keeps none that another one got.
    """
    claims = [(-one.confidence, line, one) for line, alternatives in enumerate(ranked) for one in alternatives]
    claims.sort(key=lambda claim: claim[:2])
    given: dict[str, int] = {}
    first: dict[int, Alternative] = {}
    for _, line, one in claims:
        if line not in first and one.row_id not in given:
            first[line] = one
            given[one.row_id] = line
    for line, alternatives in enumerate(ranked):
        best = first.get(line)
        ranked[line] = [] if best is None else [best, *(one for one in alternatives if one is not best)]


def _tokens(row: CatalogueRow | Line) -> Tokens:
    return tokenise(row.name, description=row.description, brand=row.brand, codes=row.codes)
