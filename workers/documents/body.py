"""Reads the body of a table: which lines start an item, which continue its description, where the table ends."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from workers.documents.asides import without_asides
from workers.documents.cells import SUBJECT_TEXT, CellLine, cut_layers
from workers.documents.columns import Column
from workers.documents.headers import NUMERIC, Role, fold
from workers.documents.model import Rule, Word
from workers.documents.numberline import Figure, is_currency
from workers.documents.numbers import UNITS, quantities
from workers.documents.page import Line, Measure, box_of, ruled, text_of
from workers.documents.rows import Row, choose_sums
from workers.documents.words import carries, closes, is_total, names_more, totals

_PART_OF_SUM = re.compile(
    r"(?:less |minus |abzgl |inkl |incl |dont |davon )?(?:net|gross|list|brutto|netto|discount|disc|rabatt|nachlass"
    r"|skonto|remise|descuento|dto|korting|surcharge|zuschlag|aufschlag|toeslag|recargo|eco|deposit|pfand)\b"
)
_SUM_OF = re.compile(r"\b(?:totals?|subtotal|totaal|summe|gesamt)$")  # "Merchandise total"
_PLAIN_CODE = re.compile(r"(?!(?:19|20)\d\d$)(?=(?:\S*\d){3})[A-Z\d][A-Z\d./-]{3,29}")
_COUNT_OF = re.compile(r"\d{1,4}\s*(?:[x×*]|of:)\s", re.IGNORECASE)  # an item's first line: "2 of: Cable"
_MONEY = (Role.PRICE, Role.TOTAL, Role.TOTAL_GROSS, Role.PRICE_GROSS, Role.PRICE_LIST)


@dataclass(frozen=True, slots=True)
class Body:
    """The rows read from one stretch of a page; `ended` says that a final total was met below them."""

    rows: tuple[Row, ...]
    ended: bool


def read_body(
    lines: Sequence[Line],
    layers: Sequence[Sequence[Column]],
    rules: Sequence[Rule],
    *,
    page: int,
    mark: str | None,
    measure: Measure,
) -> Body:
    """Return the rows that `lines` (below a heading, top to bottom) hold under the columns of `layers`, mostly one."""
    columns = [column for layer in layers for column in layer]
    cut_lines = [cut_layers(line, layers, mark, measure) for line in lines]
    kinds = _priced_alone(cut_lines, _classify(cut_lines, columns), columns)
    kinds = without_asides(cut_lines, kinds, columns, rules, measure)
    strong = (index for index, line in enumerate(cut_lines) if kinds[index] == "anchor" and _strong(line, columns))
    last = max(strong, default=0)
    kinds = [
        "skip" if kind == "end" and (index < last or _goes_on(cut_lines, kinds, index)) else kind
        for index, kind in enumerate(kinds)
    ]
    end = next((index for index, kind in enumerate(kinds) if kind == "end"), None)
    ended = end is not None
    table, kinds = cut_lines[:end], kinds[:end]
    starts = _starts(table, kinds, columns)
    groups = _groups(table, kinds, starts, rules, columns, measure)
    rows = [_row(group, anchor, columns, page) for group, anchor in groups]
    return Body(tuple(rows), ended)


def _goes_on(lines: Sequence[CellLine], kinds: Sequence[str], index: int) -> bool:
    """Tell whether the end at `index` is a subtotal of a part, for an item follows before any other sum."""
    if not carries(lines[index].line.text):
        return False
    return next((kind for kind in kinds[index + 1 :] if kind in ("anchor", "end")), "end") == "anchor"


def _classify(lines: Sequence[CellLine], columns: Sequence[Column]) -> list[str]:
    """Name each line: anchor (figures of an item), partial (some figures), text, skip (carried sums), or end."""
    numeric: set[Role] = {column.role for column in columns} & (NUMERIC - {Role.QUANTITY_OTHER})
    kinds: list[str] = []
    for line in lines:
        begun = any(
            kind == "anchor" or (kind == "partial" and bool(above.words_of(columns, *SUBJECT_TEXT)))
            for above, kind in zip(lines, kinds, strict=False)
        )
        kinds.append(_kind(line, columns, numeric, begun))
    return kinds


def _kind(line: CellLine, columns: Sequence[Column], numeric: set[Role], begun: bool) -> str:
    filled = line.filled(columns) & numeric
    text = line.line.text
    money = filled & set(_MONEY)
    complete = _complete(line, columns)
    counted = Role.QUANTITY in filled and names_more(text)
    if not complete and not counted and (carries(text) or (totals(text) and _label_apart(line, columns))):
        if carries(text) and not re.match(r"sub|zwischensumme|sous", fold(text)):
            return "skip"
        if begun and (money or _label_apart(line, columns)):
            return "skip" if carries(text) and not money else "end"
        return "skip" if money else "text"
    if filled and not complete and is_total(" ".join(_words_alone(line))):
        return "end" if begun else "skip"
    if begun and not complete and closes(text) and ":" in text:
        return "text"
    needed = 2 if len(numeric) >= 2 else 1
    if len(filled) >= needed and (
        line.words_of(columns, *SUBJECT_TEXT, Role.PART, Role.POSITION) or complete or len(filled) >= 3
    ):
        return "anchor"
    if len(filled) >= needed:
        return "anchor" if Role.QUANTITY in filled else "partial"
    if filled:
        positioned = bool(line.words_of(columns, Role.POSITION, Role.PART)) and bool(
            line.words_of(columns, *SUBJECT_TEXT)
        )
        if money and begun and not numeric & {Role.TOTAL, Role.TOTAL_GROSS} and not totals(text) and not closes(text):
            return "anchor" if line.words_of(columns, *SUBJECT_TEXT) else "partial"
        return "anchor" if positioned and (Role.QUANTITY in filled or money) and not totals(text) else "partial"
    return "text"


def _words_alone(line: CellLine) -> list[str]:
    taken = {word for found in line.figures for figure in found for word in figure.words}
    return [word.text for word in line.line.words if word not in taken and not is_currency(word.text)]


def _priced_alone(lines: Sequence[CellLine], kinds: Sequence[str], columns: Sequence[Column]) -> list[str]:
    """Make an item of each line that has a description and a total only, unless the item above still lacks a total."""
    totals_ = {Role.TOTAL, Role.TOTAL_GROSS}
    settled = list(kinds)
    summed = True
    for index, (line, kind) in enumerate(zip(lines, kinds, strict=True)):
        filled = line.filled(columns)
        words = text_of(line.words_of(columns, *SUBJECT_TEXT))
        if kind == "anchor":
            summed = bool(filled & totals_)
        elif kind == "partial" and filled & totals_ and not filled - totals_:
            named = len(re.findall(r"[^\W\d]", words)) >= 3
            text = line.line.text
            if (
                summed
                and named
                and not (_PART_OF_SUM.match(fold(text)) or _SUM_OF.search(fold(" ".join(_words_alone(line)))))
                and not (totals(text) or closes(text) or carries(text))
            ):
                settled[index] = "anchor"
            summed = True
    return settled


def _label_apart(line: CellLine, columns: Sequence[Column]) -> bool:
    """Tell whether the line's words stand where no description begins, or bring an amount of money with them."""
    if line.filled(columns) & set(_MONEY):
        return True
    first = line.line.words[0]
    subject = [column for column in columns if column.role in (*SUBJECT_TEXT, Role.PART, Role.POSITION)]
    return not any(column.x0 <= first.center < column.x1 for column in subject)


def _complete(line: CellLine, columns: Sequence[Column]) -> bool:
    """Tell whether the line alone has quantity, price and total that agree."""
    values = {
        column.role: list(found[-1].values)
        for column, found in zip(columns, line.figures, strict=True)
        if column.role in NUMERIC and found and not found[-1].is_percent
    }
    price = values.get(Role.PRICE) or values.get(Role.PRICE_GROSS) or []
    total = values.get(Role.TOTAL) or values.get(Role.TOTAL_GROSS) or []
    discounts = [
        figure.values[0]
        for column, found in zip(columns, line.figures, strict=True)
        if column.role is Role.DISCOUNT
        for figure in found
    ]
    return choose_sums(values.get(Role.QUANTITY, []), price, total, discounts[0] if discounts else None).agree is True


def _strong(line: CellLine, columns: Sequence[Column]) -> bool:
    """Tell whether a line is surely an item, so that a sum above it was only one of several."""
    words = line.words_of(columns, *SUBJECT_TEXT, Role.PART)
    return _complete(line, columns) and bool(re.search(r"[^\W\d]{3}", text_of(words))) and not totals(line.line.text)


def _starts(table: Sequence[CellLine], kinds: Sequence[str], columns: Sequence[Column]) -> list[int]:
    """Return the lines where an item starts: numbered positions or counts where the table has them, else anchors."""
    anchors = [index for index, kind in enumerate(kinds) if kind == "anchor"]
    positions = [index for index, line in enumerate(table) if kinds[index] != "skip" and _position(line, columns)]
    if positions and len(positions) >= 0.6 * len(anchors) and _rising(table, positions, columns):
        placed = [index for index in positions if _has_figures(table, kinds, index, positions)]
        extra = [index for index in anchors if not placed or index < placed[0]] if anchors else []
        return sorted({*placed, *extra})
    counted = [index for index, line in enumerate(table) if kinds[index] == "text" and _COUNT_OF.match(line.line.text)]
    paired = zip(counted, anchors, [*counted[1:], len(table)], strict=True) if len(counted) == len(anchors) else []
    return counted if anchors and all(one < anchor < after for one, anchor, after in paired) and paired else anchors


def _has_figures(table: Sequence[CellLine], kinds: Sequence[str], index: int, positions: Sequence[int]) -> bool:
    end = next((other for other in positions if other > index), len(table))
    return any(kinds[other] in ("anchor", "partial") for other in range(index, end))


def _position(line: CellLine, columns: Sequence[Column]) -> int | None:
    words = line.words_of(columns, Role.POSITION)
    match = re.fullmatch(r"(\d{1,6})(?:\.\d{1,3})*[.:)]?", words[0].text) if words else None
    return int(match[1]) if match else None


def _rising(table: Sequence[CellLine], positions: Sequence[int], columns: Sequence[Column]) -> bool:
    numbers = [number for index in positions if (number := _position(table[index], columns)) is not None]
    steps = [after - before for before, after in pairwise(numbers)]
    return not steps or sum(1 for step in steps if step >= 0) >= 0.8 * len(steps)


Group = tuple[list[CellLine], CellLine]


def _groups(
    table: Sequence[CellLine],
    kinds: Sequence[str],
    starts: Sequence[int],
    rules: Sequence[Rule],
    columns: Sequence[Column],
    measure: Measure,
) -> list[Group]:
    """Give every text line to the item above or below it, by rules, by gaps, or by the habit of the table."""
    if not starts:
        return []
    pitch = _pitch(table, measure)
    before = _described_above(table, kinds, starts, columns)
    groups: list[Group] = []
    floor = 0
    for place, start in enumerate(starts):
        first = _reach_up(table, kinds, start, floor, pitch, columns, rules) if place == 0 else floor
        stop = starts[place + 1] if place + 1 < len(starts) else len(table)
        last = (
            _split(table, start, stop, rules, columns, before, pitch)
            if place + 1 < len(starts)
            else _reach_down(table, starts, stop, rules, pitch)
        )
        members = [table[index] for index in range(first, last) if kinds[index] != "skip"]
        anchor = next((table[i] for i in range(start, min(last, len(table))) if kinds[i] == "anchor"), table[start])
        groups.append((members, anchor))
        floor = last
    return groups


def _pitch(table: Sequence[CellLine], measure: Measure) -> float:
    gaps = [after.line.middle - before.line.middle for before, after in pairwise(table)]
    near = [gap for gap in gaps if gap < 2.2 * measure.height]
    return statistics.median(near) if near else 1.25 * measure.height


def _described_above(
    table: Sequence[CellLine], kinds: Sequence[str], starts: Sequence[int], columns: Sequence[Column]
) -> bool:
    """Tell whether descriptions are above their figures: the first item has text above and none, or a code, beside."""
    first = starts[0]
    if first == 0 or all(kind != "text" for kind in kinds[:first]):
        return False
    subjects = [text_of(table[start].words_of(columns, *SUBJECT_TEXT)) for start in starts]
    bare = sum(1 for text in subjects if not text or _PLAIN_CODE.fullmatch(text))
    return bare >= 0.5 * len(starts)


def _reach_up(
    table: Sequence[CellLine],
    kinds: Sequence[str],
    start: int,
    floor: int,
    pitch: float,
    columns: Sequence[Column],
    rules: Sequence[Rule],
) -> int:
    """Return the first line of the first item: words above it, and figures of it that were wrapped less."""
    first, taken = start, table[start].filled(columns)
    while first > floor:
        above, below = table[first - 1], table[first].line
        apart = below.middle - above.line.middle
        wrapped = (
            kinds[first - 1] == "partial"
            and apart < 0.9 * pitch + 0.1
            and not taken & above.filled(columns)
            and not ruled(above.line, below, rules)
        )
        if not wrapped and (kinds[first - 1] != "text" or apart >= 1.6 * pitch):
            break
        taken = taken | above.filled(columns)
        first -= 1
    return first


def _reach_down(
    table: Sequence[CellLine], starts: Sequence[int], stop: int, rules: Sequence[Rule], pitch: float
) -> int:
    """Return where the last item ends; in a table of single lines what follows is no part of it unless close."""
    start = starts[-1]
    last = start + 1
    steps = [table[after].line.middle - table[before].line.middle for before, after in pairwise(starts)]
    if len(starts) > 2 and starts[-1] - starts[0] == len(starts) - 1:
        pitch = min(pitch, min(steps) / 2)
    while last < stop:
        above, below = table[last - 1].line, table[last].line
        apart = below.middle - above.middle
        summed = totals(below.text) and not names_more(below.text) and re.search(r"\d", below.text)
        if apart > 1.9 * pitch or closes(below.text) or summed or ruled(above, below, rules):
            break
        last += 1
    return last


def _split(
    table: Sequence[CellLine],
    start: int,
    stop: int,
    rules: Sequence[Rule],
    columns: Sequence[Column],
    before: bool,
    pitch: float,
) -> int:
    """Return where, between two item starts, the second item begins."""
    if stop - start == 1:
        return stop
    for index in range(start + 1, stop + 1):
        if ruled(table[index - 1].line, table[index].line, rules):
            return index
    gaps = [table[index].line.middle - table[index - 1].line.middle for index in range(start + 1, stop + 1)]
    widest = max(gaps)
    if widest > 1.2 * min(gaps) and widest > 1.1 * pitch:
        return start + 1 + max(index for index, gap in enumerate(gaps) if gap >= 0.97 * widest)
    if before:
        return start + 1
    bare = not table[stop].words_of(columns, *SUBJECT_TEXT)
    return stop - 1 if bare and stop - start > 2 else stop


def _row(group: list[CellLine], anchor: CellLine, columns: Sequence[Column], page: int) -> Row:
    """Gather the cells of an item's lines; words that are no figures in a numeric column join the description."""
    texts: dict[Role, list[str]] = {}
    found: dict[Role, str] = {}
    ordered = [anchor, *(line for line in group if line is not anchor)]
    for line in ordered:
        for column, cell, values in zip(columns, line.cells, line.figures, strict=True):
            if column.role in NUMERIC and column.role not in found:
                text = _figure_text(column.role, cell, values)
                if text is not None:
                    found[column.role] = text
            elif column.role in (Role.UNIT, Role.DISCOUNT, Role.PRICE_PER) and cell and column.role not in found:
                found[column.role] = text_of(cell)
    for line in group:
        for column, cell, values in zip(columns, line.cells, line.figures, strict=True):
            if column.role in (*SUBJECT_TEXT, Role.PART, Role.MAKER_PART, Role.POSITION) and cell:
                texts.setdefault(column.role, []).append(text_of(cell))
            elif column.role in NUMERIC and not values and len(cell) > 1:
                spilled = [word for word in cell if not is_currency(word.text) and re.search(r"[^\W\d]{2}", word.text)]
                if spilled:
                    texts.setdefault(Role.DESCRIPTION, []).append(text_of(spilled))
    if Role.PART not in texts and (code := _leading_code(texts.get(Role.DESCRIPTION, []))) is not None:
        texts[Role.PART] = [code]
        texts[Role.DESCRIPTION] = texts[Role.DESCRIPTION][1:]
    _code_below_name(texts)
    _code_beside_position(texts)
    _one_code(texts)
    cells: dict[Role, str] = {**found, **{role: " ".join(parts) for role, parts in texts.items()}}
    words = [word for line in group for word in line.line.words] or list(anchor.line.words)
    _settle_subject(cells)
    return Row(cells, page, box_of(words), min(word.score for word in anchor.line.words))


def _code_below_name(texts: dict[Role, list[str]]) -> None:
    """Tell the code from the words printed above or below it in one column, where none is for the other."""
    for role in SUBJECT_TEXT:
        lines = texts.get(role, [])
        if Role.PART not in texts and len(lines) > 1 and _PLAIN_CODE.fullmatch(lines[-1]):
            texts[Role.PART], texts[role] = [lines[-1]], lines[:-1]
    printed = texts.get(Role.PART, [])
    codes = [text for text in printed if re.fullmatch(r"(?=\S*\d)\S{3,30}", text)]
    named = [text for text in printed if text not in codes and re.search(r"[^\W\d]{3}", text)]
    if len(codes) == 1 and named and not texts.keys() & {Role.DESCRIPTION, Role.NAME}:
        texts[Role.PART], texts[Role.DESCRIPTION] = codes, [text for text in printed if text not in codes]


def _code_beside_position(texts: dict[Role, list[str]]) -> None:
    """Take the code that stands without a title behind the running number for the part number."""
    match = re.fullmatch(r"\d{1,5}[.)]?\s+(?P<code>(?=\S*\d)\S{4,30})", " ".join(texts.get(Role.POSITION, [])))
    if match is not None and Role.PART not in texts:
        texts[Role.PART] = [match["code"]]


def _one_code(texts: dict[Role, list[str]]) -> None:
    """Join a part number broken at its hyphen; labelled lines below it ("Maker: Murata") describe the thing."""
    printed = texts.get(Role.PART, [])
    if len(printed) < 2:
        return
    kept, labelled = [printed[0]], False
    for text in printed[1:]:
        labelled = labelled or re.match(r"[^\W\d][^:]{1,20}:\s", text) is not None
        if labelled:
            texts.setdefault(Role.DESCRIPTION, []).append(text)
        elif kept[-1].endswith(("-", "/", "_")):
            kept[-1] += text
        else:
            kept.append(text)
    texts[Role.PART] = kept


def _leading_code(lines: Sequence[str]) -> str | None:
    """Return the first line of a description when it is a code by itself and more lines follow."""
    if len(lines) > 1 and re.fullmatch(r"(?=\S*\d)[\w./-]{4,30}", lines[0]):
        return lines[0]
    return None


def _settle_subject(cells: dict[Role, str]) -> None:
    """Keep the description whole when the table has no column for it but words stand beside the part number."""
    if cells.get(Role.DESCRIPTION) or cells.get(Role.NAME):
        if not cells.get(Role.DESCRIPTION):
            return
        name = cells.pop(Role.NAME, None)
        if name and not cells.get(Role.PART) and re.fullmatch(r"(?:[A-Z]{2,4} )?(?=\S*\d)\S{3,30}", name):
            cells[Role.PART] = name
        elif name:
            cells[Role.DESCRIPTION] = f"{name} {cells[Role.DESCRIPTION]}"
        return
    part = cells.get(Role.PART)
    if part and " " in part:
        head, _, tail = part.partition(" ")
        cells[Role.PART], cells[Role.DESCRIPTION] = (head, tail) if re.search(r"\d", head) else ("", part)


def _torn(left: Figure, right: Figure) -> bool:
    """Tell whether two figures of a cell are one whose thousands stand apart: "6 460,00"."""
    whole = re.fullmatch(r"-?\d{1,3}", text_of(left.words))
    return whole is not None and re.fullmatch(r"\d{3}(?:[.,]\d{1,4})?", text_of(right.words)) is not None


def _figure_text(role: Role, cell: Sequence[Word], values: Sequence[Figure]) -> str | None:
    if role is Role.QUANTITY and cell:
        joined = text_of(cell)
        if quantities(joined)[0]:
            return joined
    plain = [figure for figure in values if not figure.is_percent]
    if not plain:
        return None
    if role is Role.PRICE and "/" in text_of(cell):
        return text_of(cell)
    if role in _MONEY and len(plain) > 1 and _torn(plain[-2], plain[-1]):
        return f"{text_of(plain[-2].words)} {text_of(plain[-1].words)}"
    chosen = plain[0] if role is Role.QUANTITY else plain[-1]
    if role is Role.QUANTITY:
        after = [word for word in cell if word.x0 >= chosen.x1]
        tail = after[0].text if after and re.fullmatch(r"[^\W\d][\w.()²³]{0,11}", after[0].text) else ""
        if not after and cell[0] not in chosen.words and re.fullmatch(UNITS, cell[0].text, re.IGNORECASE):
            tail = cell[0].text
        return f"{text_of(chosen.words)} {tail}".strip()
    return text_of(chosen.words)
