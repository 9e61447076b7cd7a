"""Lines of a table cut into cells where its columns meet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from workers.documents.columns import COUNTED, Column
from workers.documents.headers import NUMERIC, Role
from workers.documents.model import Word
from workers.documents.numberline import Figure, figures, is_currency
from workers.documents.numbers import quantities
from workers.documents.page import Line, Measure

SUBJECT_TEXT = (Role.DESCRIPTION, Role.NAME)


@dataclass(frozen=True, slots=True)
class CellLine:
    """A line cut into the columns of a table, with the figures found in each numeric one."""

    line: Line
    cells: tuple[tuple[Word, ...], ...]
    figures: tuple[tuple[Figure, ...], ...]

    def filled(self, columns: Sequence[Column]) -> set[Role]:
        """Return the numeric roles whose cell holds a figure and next to nothing else."""
        return {
            column.role
            for column, cell, found in zip(columns, self.cells, self.figures, strict=True)
            if column.role in NUMERIC
            and any(not figure.is_percent for figure in found)
            and _mostly(column.role, cell, found)
        }

    def words_of(self, columns: Sequence[Column], *roles: Role) -> list[Word]:
        return [word for column, cell in zip(columns, self.cells, strict=True) if column.role in roles for word in cell]


def _mostly(role: Role, cell: Sequence[Word], found: Sequence[Figure]) -> bool:
    """Tell whether a cell is its figures and no more: a currency, a tax code, a unit behind a quantity or a price."""
    taken = {word for figure in found for word in figure.words}
    others = [word for word in cell if word not in taken and not is_currency(word.text) and len(word.text) > 1]
    before = [word for word in others if found[0].x0 - 1.5 * word.height < word.x1 <= found[0].x0 + 1]
    after = [word for word in others if word.x0 >= found[0].x1 - 1]
    allowed = 2 if role in (Role.QUANTITY, Role.PRICE, Role.QUANTITY_OTHER) else 1
    return not before and len(after) <= allowed


def cut(line: Line, columns: Sequence[Column], mark: str | None, measure: Measure) -> CellLine:
    """Cut `line` where the columns meet; a word, or a figure of several words, belongs where its middle is."""
    middles = {word: word.center for word in line.words}
    for figure in figures(line.words, mark, measure):
        middles.update(dict.fromkeys(figure.words, (figure.x0 + figure.x1) / 2))
    cells = [tuple(word for word in line.words if column.x0 <= middles[word] < column.x1) for column in columns]
    _move_counted(cells, [column.role for column in columns])
    found = tuple(
        tuple(figures(cell, mark, measure)) or (_counted(cell, mark) if column.role is Role.QUANTITY else ())
        if column.role in NUMERIC or column.role is Role.DISCOUNT
        else ()
        for column, cell in zip(columns, cells, strict=True)
    )
    return CellLine(line, tuple(cells), found)


def _move_counted(cells: list[tuple[Word, ...]], roles: Sequence[Role]) -> None:
    """Move a quantity glued to its unit ("12PCS"), or strayed to it, from beside its own column when that is empty."""
    if Role.QUANTITY not in roles or cells[place := roles.index(Role.QUANTITY)]:
        return
    for other in (place - 1, place + 1):
        if 0 <= other < len(cells) and cells[other]:
            edge = cells[other][-1 if other < place else 0]
            glued = COUNTED.fullmatch(edge.text) and (roles[other] is Role.UNIT or len(cells[other]) > 1)
            strayed = roles[other] is Role.UNIT and len(cells[other]) == 2 and re.fullmatch(r"-?\d[\d.,]*", edge.text)
            if glued or strayed:
                cells[other] = tuple(word for word in cells[other] if word is not edge)
                cells[place] = (edge,)
                return


def _counted(cell: Sequence[Word], mark: str | None) -> tuple[Figure, ...]:
    values = quantities(cell[0].text, mark)[0] if cell and COUNTED.fullmatch(cell[0].text) else []
    return (Figure((cell[0],), tuple(values)),) if values else ()


def cut_layers(line: Line, layers: Sequence[Sequence[Column]], mark: str | None, measure: Measure) -> CellLine:
    """Cut `line` by the one of several headings that fits it; the cells under the others stay empty.

    Each layer is the columns under one printed line of titles, where an item takes several lines with titles of
    their own. The layer with the most figures below its titles wins; words of a line without figures that does not
    begin where its layer does are all description.
    """
    cuts = [cut(line, columns, mark, measure) for columns in layers]
    if len(cuts) == 1:
        return cuts[0]
    filled = [len(made.filled(columns)) for made, columns in zip(cuts, layers, strict=True)]
    chosen = max(range(len(cuts)), key=lambda index: filled[index])
    if filled[chosen] < 2:
        chosen = next(
            (index for index, columns in enumerate(layers) if any(column.role in SUBJECT_TEXT for column in columns)), 0
        )
        described = next(
            (place for place, column in enumerate(layers[chosen]) if column.role in SUBJECT_TEXT and place > 0), None
        )
        if described is not None and not cuts[chosen].cells[0]:
            own = [line.words if place == described else () for place in range(len(layers[chosen]))]
            cuts[chosen] = CellLine(line, tuple(own), ((),) * len(own))
    cells: list[tuple[Word, ...]] = []
    found: list[tuple[Figure, ...]] = []
    for index, (made, columns) in enumerate(zip(cuts, layers, strict=True)):
        cells.extend(made.cells if index == chosen else ((),) * len(columns))
        found.extend(made.figures if index == chosen else ((),) * len(columns))
    return CellLine(line, tuple(cells), tuple(found))
