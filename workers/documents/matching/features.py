"""Turns a line and a catalogue row into numbers that say how alike they are; no decision is taken here.

Every feature lies in about 0..1 and is relative to the catalogue's own rarities, so that one set of coefficients
serves small and large catalogues of any trade.
"""

import math
from collections.abc import Collection

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from workers.documents.matching.index import Rarity
from workers.documents.matching.tokens import Tokens

NAMES = (
    "cosine", "line_covered", "row_covered", "full_covered", "token_set", "ratio", "rarest_shared",
    "rarest_line_only", "rarest_row_only", "nothing_left", "left_on_one_side",
    "code_exact", "code_both", "code_variant", "code_sibling", "code_foreign", "code_only_one", "code_described",
    "stated_equal", "stated_differs", "code_ending_differs",
    "colour_agrees", "colour_differs", "numbers_shared", "numbers_differ", "numbers_extra",
    "numbers_same",
    "price_close", "price_near", "price_far", "brand_agrees", "brand_differs", "accessory",
    "own_code_fitted", "fits_shared", "size_agrees", "size_differs", "condition_differs", "parts_differ",
    "exact_colour", "exact_size", "exact_condition", "exact_parts",
    "exact_covered", "plain_covered", "plain_cosine", "foreign_covered", "sibling_covered", "differ_covered",
)  # fmt: skip

_ABBREVIATION_CREDIT = 0.7
_VOWELS = frozenset("aeiou")
_CODE_FLOOR = 0.55
_NONE: frozenset[str] = frozenset()


def compare(
    line: Tokens, row: Tokens, *, rarity: Rarity, line_price: float | None, row_price: float | None
) -> list[float]:
    """Returns the features of one pair, in the order of NAMES."""
    text = _text(line, row, rarity)
    codes = _codes(line, row, rarity)
    rest = _attributes(line, row, rarity)
    covered = min(text[1], text[2])
    code_exact, sibling, foreign, differ = codes[0], codes[3], codes[4], rest[3]
    plain = 1.0 if codes[0] == 0 and codes[2] == 0 and sibling == 0 and foreign == 0 else 0.0
    marks = _marks(line, row, rarity)
    crossed = [
        code_exact * rest[1], code_exact * marks[3], code_exact * marks[4], code_exact * marks[5],
        code_exact * covered, plain * covered, plain * text[0], foreign * covered, sibling * covered, differ * covered,
    ]  # fmt: skip
    return [*text, *codes, *rest, *_prices(line_price, row_price), *_brands(line, row), *marks, *crossed]


def _text(line: Tokens, row: Tokens, rarity: Rarity) -> list[float]:
    shared = line.words & row.words
    line_only = line.words - shared
    row_only = row.words - shared
    common = _mass(shared, rarity)
    # A word that the other side has joined into a code or keeps in its description is not missing.
    line_known = line_only & (row.forms | row.described | row.brand)
    row_known = row_only & (line.forms | line.described | line.brand)
    soft, line_left, row_left = _abbreviations(line_only - line_known, row_only - row_known, rarity)
    line_mass = common + _mass(line_only, rarity)
    row_mass = common + _mass(row_only, rarity)
    near = common + soft
    return [
        near / math.sqrt(line_mass * row_mass) if near else 0.0,
        (near + _mass(line_known, rarity)) / line_mass if line_mass else 0.0,
        (near + _mass(row_known, rarity)) / row_mass if row_mass else 0.0,
        _mass(line.described & (row.words | row.described), rarity) / (1e-9 + _mass(line.described, rarity)),
        fuzz.token_set_ratio(line.name, row.name) / 100,
        fuzz.ratio(line.name, row.name) / 100,
        max((rarity[word] for word in shared), default=0.0),
        max((rarity[word] for word in line_left if word not in line.codes), default=0.0),
        max((rarity[word] for word in row_left if word not in row.codes), default=0.0),
        1.0 if shared and not line_left and not row_left else 0.0,
        1.0 if shared and (not line_left) != (not row_left) else 0.0,
    ]


def _mass(words: Collection[str], rarity: Rarity) -> float:
    return sum([rarity[word] for word in words])


def _abbreviations(
    line_only: set[str] | frozenset[str], row_only: set[str] | frozenset[str], rarity: Rarity
) -> tuple[float, set[str], set[str]]:
    """Pairs leftover words of which one shortens or misspells the other: (credit, line's rest, row's rest)."""
    line_left, row_left = set(line_only), set(row_only)
    credit = 0.0
    candidates = [word for word in row_only if word.isalpha()]
    for word in line_only:
        if not word.isalpha():
            continue
        for other in candidates:
            if word[0] == other[0] and other in row_left and _same_word(word, other):
                credit += _ABBREVIATION_CREDIT * min(rarity[word], rarity[other])
                line_left.discard(word)
                row_left.discard(other)
                break
    return credit, line_left, row_left


def _same_word(left: str, right: str) -> bool:
    short, full = (left, right) if len(left) <= len(right) else (right, left)
    if len(short) >= 3 and full.startswith(short):
        return True
    if len(short) >= 5 and Levenshtein.distance(short, full, score_cutoff=1) <= 1:
        return True
    if len(full) - len(short) < 2 or len(short) < 2 or (len(short) < 4 and not _VOWELS.isdisjoint(short)):
        return False
    letters = iter(full)
    return all(letter in letters for letter in short)


def _codes(line: Tokens, row: Tokens, rarity: Rarity) -> list[float]:
    both = _rarest(line.codes & row.codes, rarity)
    exact = max(both, _rarest((line.codes & row.forms) | (line.forms & row.codes), rarity))
    described = _rarest((line.codes & row.described) | (line.described & row.codes), rarity)
    line_codes = _rare(line.codes, rarity)
    row_codes = _rare(row.codes, rarity)
    variant = sibling = foreign = only_one = 0.0
    if exact < _CODE_FLOOR:
        if line_codes and row_codes:
            variant, sibling = _relation(line_codes, row_codes)
            foreign = 1.0 if variant == 0 and sibling == 0 else 0.0
        elif line_codes or row_codes:
            only_one = 1.0
    stated_equal = 1.0 if line.stated & row.stated else 0.0
    stated_differs = 1.0 if line.stated and row.stated and not stated_equal else 0.0
    ending = _ending_differs(line.codes, row.codes) if exact >= _CODE_FLOOR else 0.0
    return [exact, both, variant, sibling, foreign, only_one, described, stated_equal, stated_differs, ending]


def _ending_differs(line_codes: frozenset[str], row_codes: frozenset[str]) -> float:
    """Tells whether the shared code is only the stem of two codes that end differently, as `AB12-3` and `AB12-25`."""
    for stem in line_codes & row_codes:
        line_longer = [code for code in line_codes if len(code) > len(stem) and code.startswith(stem)]
        if line_longer:
            row_longer = [code for code in row_codes if len(code) > len(stem) and code.startswith(stem)]
            if row_longer and not set(line_longer) & set(row_longer):
                return 1.0
    return 0.0


def _rare(codes: Collection[str], rarity: Rarity) -> list[str]:
    return [code for code in codes if rarity[code] >= _CODE_FLOOR]


def _rarest(codes: Collection[str], rarity: Rarity) -> float:
    return min(1.0, max((rarity[code] for code in codes), default=0.0))


def _relation(line_codes: Collection[str], row_codes: Collection[str]) -> tuple[float, float]:
    """Returns how much two sets of codes look like spellings of one code, and how much like sibling models."""
    variant = sibling = 0.0
    for left in line_codes:
        for right in row_codes:
            short, full = (left, right) if len(left) <= len(right) else (right, left)
            if len(short) >= 4 and (full.startswith(short) or full.endswith(short)):
                variant = max(variant, len(short) / len(full))
                continue
            distance = Levenshtein.distance(short, full, score_cutoff=3)
            if distance <= 3 and len(short) >= 4:
                sibling = max(sibling, 1.0 - distance / len(short))
    return (variant, 0.0) if variant else (0.0, sibling)


def _attributes(line: Tokens, row: Tokens, rarity: Rarity) -> list[float]:
    agrees = differs = 0.0
    if line.colours and row.colours:
        agrees = 1.0 if line.colours & row.colours else 0.0
        differs = 1.0 - agrees
    line_known = row.words | row.forms | row.described
    row_known = line.words | line.forms | line.described
    line_numbers = line.numbers - line_known
    row_numbers = row.numbers - row_known
    shared = _rarest(line.numbers & row.numbers, rarity)
    conflict = extra = 0.0
    if line_numbers and row_numbers:
        conflict = min(_rarest(line_numbers, rarity), _rarest(row_numbers, rarity))
    elif line_numbers or row_numbers:
        extra = _rarest(line_numbers or row_numbers, rarity)
    same = 1.0 if line.numbers and line.numbers == row.numbers else 0.0
    return [agrees, differs, shared, conflict, extra, same]


def _marks(line: Tokens, row: Tokens, rarity: Rarity) -> list[float]:
    """Returns what tells a product from its spare part, its sibling of another size and its used or bundled copy."""
    fitted = _rarest((line.codes & row.fits) | (line.fits & row.codes), rarity)
    shared = _rarest(line.fits & row.fits, rarity)
    agrees = differs = 0.0
    for unit, values in line.sizes.items():
        others = row.sizes.get(unit)
        if not others:
            continue
        if values & others:
            agrees = 1.0
        elif not (values & row.told_sizes.get(unit, _NONE) or others & line.told_sizes.get(unit, _NONE)):
            differs = 1.0
    parts = 1.0 if (line.parts - row.words - row.described) or (row.parts - line.words - line.described) else 0.0
    return [fitted, shared, agrees, differs, 1.0 if line.condition != row.condition else 0.0, parts]


def _prices(line_price: float | None, row_price: float | None) -> list[float]:
    if not line_price or not row_price:
        return [0.0, 0.0, 0.0]
    distance = abs(math.log(line_price / row_price))
    return [math.exp(-12 * distance), math.exp(-2.5 * distance), min(2.0, max(0.0, distance - 0.4))]


def _brands(line: Tokens, row: Tokens) -> list[float]:
    line_brand = line.brand or {line.lead}
    row_brand = row.brand or {row.lead}
    line_all = line.brand | line.words
    row_all = row.brand | row.words
    accessory = 1.0 if _is_part_of(line, row) or _is_part_of(row, line) else 0.0
    if line_brand & row_all or row_brand & line_all:
        return [1.0, 0.0, accessory]
    return [0.0, 1.0, accessory]


def _is_part_of(part: Tokens, whole: Tokens) -> bool:
    """Whether one product is made for something the other one is."""
    if not part.purpose:
        return False
    named = part.purpose & (whole.codes | whole.brand | {whole.lead} | whole.numbers)
    return bool(named - whole.purpose)
