"""Prints orders as PDFs in many layouts, seeded: columns in any order, ruled or not, wrapped, over several pages."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from decimal import Decimal

from reportlab.lib.colors import HexColor, black
from reportlab.lib.pagesizes import A4, LETTER, landscape
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from tests.workers.documents.corpus.goods import LANGUAGES, GoodsLine, Wording, goods
from tests.workers.documents.corpus.scorer import TruthLine

NUMERIC = ("quantity", "price", "discount", "tax", "total")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a document is laid out. `order` names the columns from left to right."""

    wording: Wording
    kind: str
    order: tuple[str, ...]
    titles: dict[str, str]
    page: tuple[float, float] = A4
    font: str = "Helvetica"
    size: float = 9
    rules: str = "header"  # none | header | rows | grid | zebra
    numbers: str = "right"  # right | left | center
    title_align: str = "same"  # same | left
    vertical: str = "top"  # top | middle | bottom
    row_gap: float = 6
    leading: float = 1.2
    money: str = "plain"  # plain | suffix | prefix | code
    grouping: bool = True
    quantity_places: int = 0
    unit_with_quantity: bool = False
    part_place: str = "column"  # column | bracket | prefix | label | none
    details: bool = True
    totals: bool = True
    letter: bool = True
    carried: bool = False
    repeat_titles: bool = True
    split_titles: bool = False
    numbers_below: bool = False
    rotated: int = 0
    position_step: int = 1
    position_width: int = 1


@dataclass(frozen=True, slots=True)
class Printed:
    """A file and the lines that stand on it."""

    name: str
    data: bytes
    truth: tuple[TruthLine, ...]


def shown(value: Decimal, wording: Wording, *, places: int = 2, grouping: bool = True) -> str:
    """Return a number in the language's way."""
    text = f"{value:,.{places}f}" if grouping else f"{value:.{places}f}"
    if wording.decimal == ",":
        separator = " " if wording.code == "fr" else "."
        text = text.replace(",", "_").replace(".", ",").replace("_", separator)
    return text


def _money(value: Decimal, layout: Layout, *, total: bool) -> str:
    text = shown(value, layout.wording, grouping=layout.grouping)
    sign = "$" if layout.wording.code == "en" else "€"
    if layout.money == "suffix" and total:
        return f"{text} {sign}"
    if layout.money == "prefix":
        return f"-{sign}{text[1:]}" if text.startswith("-") else f"{sign}{text}"
    if layout.money == "code" and total:
        return f"{text} EUR"
    return text


def _cells(line: GoodsLine, index: int, layout: Layout) -> dict[str, list[str]]:
    """Return the printed lines of each cell."""
    whole = line.quantity == line.quantity.to_integral_value()
    places = layout.quantity_places if whole else max(layout.quantity_places, 2)
    quantity = shown(line.quantity, layout.wording, places=places, grouping=layout.grouping)
    if layout.unit_with_quantity:
        quantity += f" {line.unit}"
    name = line.description
    details = list(line.wrapped) if layout.details else []
    if layout.part_place == "bracket":
        name = f"[{line.part_number}] {name}"
    elif layout.part_place == "label":
        label = {"de": "Art.-Nr.:", "fr": "Réf. :", "es": "Ref.:", "nl": "Artikelnr.:"}.get(
            layout.wording.code, "Item no.:"
        )
        details = [f"{label} {line.part_number}", *details]
    elif layout.part_place == "prefix":
        details = [name, *details]
        name = line.part_number
    return {
        "position": [str((index + 1) * layout.position_step).zfill(layout.position_width)],
        "part": [line.part_number],
        "description": [name, *details],
        "quantity": [quantity],
        "unit": [line.unit],
        "price": [_money(line.unit_price, layout, total=False)],
        "discount": [f"{line.discount} %" if line.discount else ""],
        "tax": [{"en": "20%", "de": "19 %", "fr": "20,00", "es": "21%", "nl": "21%"}[layout.wording.code]],
        "total": [_money(line.line_total, layout, total=True)],
        "date": [f"{12 + index % 15:02d}.05.2024"],
    }


def _face(font: str, *, bold: bool) -> str:
    if not bold:
        return font
    return "Times-Bold" if font == "Times-Roman" else f"{font}-Bold"


class _Press:
    """Draws one document."""

    def __init__(self, layout: Layout, lines: list[GoodsLine], rng: random.Random) -> None:
        self.layout, self.lines, self.rng = layout, lines, rng
        self.buffer = io.BytesIO()
        self.width, self.height = layout.page
        self.canvas = Canvas(self.buffer, pagesize=layout.page, invariant=True)
        self.margin = rng.choice((36, 50, 57))
        self.widths = self._widths()
        if self.widths[layout.order.index("description")] < 105:
            self.width, self.height = landscape(A4)
            self.canvas.setPageSize(landscape(A4))
            self.widths = self._widths()
        self.starts = [self.margin + sum(self.widths[:index]) for index in range(len(self.widths))]
        self.pitch = layout.size * layout.leading
        self.y = self.height - self.margin
        self.page_number = 1

    def _widths(self) -> list[float]:
        """Give every column the width of what it prints; the description takes the rest."""
        layout = self.layout
        widths: dict[str, float] = {}
        for key in layout.order:
            texts = [text for index, line in enumerate(self.lines) for text in _cells(line, index, layout)[key]]
            texts += layout.titles.get(key, "").split()
            bold = _face(layout.font, bold=True)
            widths[key] = max(stringWidth(text, bold, layout.size) for text in texts) + self.rng.choice((8, 12, 18))
        usable = self.width - 2 * self.margin
        widths["description"] = max(usable - sum(width for key, width in widths.items() if key != "description"), 90)
        scale = min(1.0, usable / sum(widths.values()))
        return [widths[key] * scale for key in layout.order]

    def text(
        self,
        x: float,
        text: str,
        *,
        size: float | None = None,
        bold: bool = False,
        align: str = "left",
        y: float | None = None,
    ) -> None:
        size = size or self.layout.size
        font = _face(self.layout.font, bold=bold)
        self.canvas.setFont(font, size)
        at = self.y if y is None else y
        if align == "right":
            self.canvas.drawRightString(x, at, text)
        elif align == "center":
            self.canvas.drawCentredString(x, at, text)
        else:
            self.canvas.drawString(x, at, text)

    def cell(self, index: int, text: str, y: float, *, align: str, bold: bool = False) -> None:
        x0, width = self.starts[index], self.widths[index]
        x = {"left": x0 + 2, "right": x0 + width - 4, "center": x0 + width / 2}[align]
        self.text(x, text, align=align, y=y, bold=bold)

    def align(self, key: str) -> str:
        return self.layout.numbers if key in NUMERIC else "left"

    def head(self) -> None:
        wording, layout = self.layout.wording, self.layout
        self.y -= 20
        self.text(self.margin, "Muster & Sons Trading Ltd.", size=15, bold=True)
        self.text(self.width - self.margin, wording.document[layout.kind], size=18, bold=True, align="right")
        for label in ("12 Harbour Street", "20457 Hamburg", "Tel. 040 555 12 34"):
            self.y -= 12
            self.text(self.margin, label)
        self.text(self.width - self.margin, f"No. {self.rng.randint(10000, 99999)}   Date 04.03.2024", align="right")
        self.y -= 26
        if layout.letter:
            for line in wording.letter:
                self.text(self.margin, line)
                self.y -= 14
        self.y -= 12

    def titles(self) -> None:
        layout = self.layout
        if layout.rules == "none" and layout.titles == {}:
            return
        split = {
            key: self._split_title(layout.titles.get(key, ""), self.widths[i]) for i, key in enumerate(layout.order)
        }
        rows = max(len(parts) for parts in split.values())
        top = self.y + layout.size + 2
        for row in range(rows):
            for index, key in enumerate(layout.order):
                parts = split[key]
                if row < len(parts):
                    align = "left" if layout.title_align == "left" else self.align(key)
                    self.cell(index, parts[row], self.y, align=align, bold=layout.font != "Courier")
            self.y -= self.pitch
        if layout.rules != "none":
            self.canvas.line(self.margin, self.y + self.pitch - 4, self.width - self.margin, self.y + self.pitch - 4)
        if layout.rules == "grid":
            self._grid(top, self.y + self.pitch - 4)
        self.y -= layout.row_gap

    def _split_title(self, title: str, width: float) -> list[str]:
        parts: list[str] = simpleSplit(title, self.layout.font, self.layout.size + 0.5, width - 4)
        return title.split() if self.layout.split_titles and len(title) > 9 else parts

    def _grid(self, top: float, bottom: float) -> None:
        self.canvas.rect(self.margin, bottom, self.width - 2 * self.margin, top - bottom)
        for x in self.starts[1:]:
            self.canvas.line(x, top, x, bottom)

    def row(self, line: GoodsLine, index: int) -> None:
        layout = self.layout
        cells = _cells(line, index, layout)
        place = layout.order.index("description")
        wrapped: list[str] = []
        for part in cells["description"]:
            wrapped.extend(simpleSplit(part, layout.font, layout.size, self.widths[place] - 4))
        cells["description"] = wrapped
        numbers_row = len(wrapped) if layout.numbers_below else 0
        depth = max(len(wrapped), 1) + (1 if layout.numbers_below else 0)
        height = depth * self.pitch
        if self.y - height < self.margin + 90:
            self.turn_page(index)
        top = self.y + layout.size
        if layout.rules == "zebra" and index % 2:
            self.canvas.setFillColor(HexColor("#eeeeee"))
            self.canvas.rect(
                self.margin,
                self.y - height + layout.size - 2,
                self.width - 2 * self.margin,
                height + 2,
                stroke=0,
                fill=1,
            )
            self.canvas.setFillColor(black)
        for column, key in enumerate(layout.order):
            texts = cells[key]
            lift = {"top": 0.0, "middle": (depth - len(texts)) / 2, "bottom": float(depth - len(texts))}[
                layout.vertical
            ]
            first = (
                numbers_row
                if layout.numbers_below and key in (*NUMERIC, "unit")
                else (lift if key != "description" else 0)
            )
            for offset, text in enumerate(texts):
                self.cell(column, text, self.y - (first + offset) * self.pitch, align=self.align(key))
        self.y -= height
        if layout.rules in ("rows", "grid"):
            base = self.y + layout.size - 2 - layout.row_gap / 2
            if layout.rules == "grid":
                self._grid(top + layout.row_gap / 2, base)
            else:
                self.canvas.line(self.margin, base, self.width - self.margin, base)
        self.y -= layout.row_gap

    def turn_page(self, index: int) -> None:
        wording = self.layout.wording
        running = sum((line.line_total for line in self.lines[:index]), Decimal(0))
        if self.layout.carried:
            self.text(self.margin + 40, wording.carried)
            self.text(self.width - self.margin, shown(running, wording), align="right")
        self.foot()
        self.canvas.showPage()
        self.page_number += 1
        self._turned()
        self.y = self.height - self.margin - 20
        self.text(self.margin, "Muster & Sons Trading Ltd.")
        self.y -= 30
        if self.layout.repeat_titles:
            self.titles()
        if self.layout.carried:
            self.text(self.margin + 40, wording.carried)
            self.text(self.width - self.margin, shown(running, wording), align="right")
            self.y -= self.pitch + self.layout.row_gap

    def foot(self) -> None:
        y = self.margin + 40.0
        for line in self.layout.wording.footer[:3]:
            self.text(self.margin, line, size=7, y=y)
            y -= 10
        self.text(self.width - self.margin, f"Page {self.page_number}", size=7, align="right", y=self.margin)

    def sums(self) -> None:
        wording = self.layout.wording
        net = sum((line.line_total for line in self.lines), Decimal(0))
        tax = (net / 5).quantize(Decimal("0.01"))
        self.y -= 8
        label_x = self.width - self.margin - self.rng.choice((120, 160, 200))
        rows = [(wording.subtotal, net), (wording.tax, tax), (wording.total, net + tax)]
        if self.rng.random() < 0.4:
            rows.insert(1, (wording.shipping, Decimal("9.90")))
        for label, value in rows:
            self.text(label_x, label, bold=label == wording.total)
            self.text(self.width - self.margin, _money(value, self.layout, total=True), align="right")
            self.y -= 14
        self.y -= 10

    def _turned(self) -> None:
        if self.layout.rotated:
            self.canvas.setPageRotation(self.layout.rotated)

    def run(self) -> bytes:
        self._turned()
        self.head()
        self.titles()
        for index, line in enumerate(self.lines):
            self.row(line, index)
        if self.y < self.margin + 170:
            self.foot()
            self.canvas.showPage()
            self._turned()
            self.page_number += 1
            self.y = self.height - self.margin - 40
        if self.layout.totals:
            self.sums()
        for line in self.layout.wording.footer[2:]:
            self.text(self.margin, line)
            self.y -= 13
        self.foot()
        self.canvas.showPage()
        self.canvas.save()
        return self.buffer.getvalue()


def truth_of(lines: list[GoodsLine], layout: Layout) -> tuple[TruthLine, ...]:
    """Return what is printed of `lines` in this layout."""
    keys = set(layout.order)
    has_unit = "unit" in keys or layout.unit_with_quantity
    has_part = "part" in keys or layout.part_place in ("bracket", "label")
    return tuple(
        TruthLine(
            " ".join((line.description, *(line.wrapped if layout.details else ()))),
            line.quantity if "quantity" in keys else None,
            line.unit if has_unit else None,
            line.part_number if has_part else None,
            line.unit_price if "price" in keys else None,
            line.line_total if "total" in keys else None,
        )
        for line in lines
    )


_ORDERS = (
    ("description", "quantity", "price", "total"),
    ("position", "description", "quantity", "price", "total"),
    ("position", "part", "description", "quantity", "unit", "price", "total"),
    ("part", "description", "quantity", "price", "total"),
    ("quantity", "description", "price", "total"),
    ("quantity", "unit", "part", "description", "price", "total"),
    ("position", "quantity", "unit", "description", "price", "total"),
    ("part", "description", "quantity", "unit", "price", "discount", "total"),
    ("description", "tax", "quantity", "price", "total"),
    ("description", "quantity", "price", "tax", "total"),
    ("position", "part", "description", "date", "quantity", "unit", "price", "total"),
    ("description", "price", "quantity", "total"),
    ("part", "description", "quantity", "unit", "price", "discount", "tax", "total"),
)
_BARE_ORDERS = (
    ("position", "part", "description", "quantity", "unit"),
    ("part", "description", "unit", "quantity"),
    ("quantity", "unit", "description"),
    ("position", "description", "quantity"),
)


def random_layout(rng: random.Random, wording: Wording | None = None) -> Layout:
    """Return any sensible layout."""
    wording = wording or rng.choice(LANGUAGES)
    kind = rng.choice(("invoice", "invoice", "order", "quote", "delivery", "requisition"))
    bare = kind in ("delivery", "requisition") and rng.random() < 0.8
    order = rng.choice(_BARE_ORDERS if bare else _ORDERS)
    titles = {key: rng.choice(wording.titles[key]) for key in order}
    places = ["column"] if "part" in order else ["none", "bracket", "label", "prefix", "none"]
    vertical = rng.choice(("top", "top", "top", "middle", "bottom"))
    rules = rng.choice(("none", "header", "header", "rows", "grid", "zebra"))
    if vertical != "top" and rules not in ("rows", "grid"):
        rules = "rows"
    return Layout(
        wording,
        kind,
        order,
        titles,
        page=rng.choice((A4, A4, LETTER, landscape(A4))),
        font=rng.choice(("Helvetica", "Helvetica", "Times-Roman", "Courier")) if rng.random() < 0.8 else "Helvetica",
        size=rng.choice((8, 9, 9, 10)),
        rules=rules,
        numbers=rng.choice(("right", "right", "right", "center", "left")),
        title_align=rng.choice(("same", "same", "left")),
        vertical=vertical,
        row_gap=rng.choice((3, 6, 10)),
        leading=rng.choice((1.15, 1.25, 1.4)),
        money=rng.choice(("plain", "plain", "suffix", "prefix", "code")),
        grouping=rng.random() < 0.7,
        quantity_places=rng.choice((0, 0, 2, 3)),
        unit_with_quantity="unit" not in order and rng.random() < 0.3,
        part_place=rng.choice(places),
        details=rng.random() < 0.7,
        totals=not bare,
        letter=rng.random() < 0.6,
        carried=rng.random() < 0.3 and not bare,
        repeat_titles=rng.random() < 0.8,
        split_titles=rng.random() < 0.15,
        position_step=rng.choice((1, 1, 1, 10)),
        position_width=rng.choice((1, 1, 2, 4)),
    )


def press(seed: int, layout: Layout | None = None, *, count: int | None = None) -> Printed:
    """Print one document; the same seed gives the same bytes."""
    rng = random.Random(seed)
    layout = layout or random_layout(rng)
    count = count if count is not None else rng.choice((1, 2, 3, 5, 8, 12, 30))
    lines = goods(rng, layout.wording, count, discounts="discount" in layout.order, credits_=rng.random() < 0.1)
    data = _Press(layout, lines, rng).run()
    return Printed(f"{layout.kind}-{layout.wording.code}-{seed}.pdf", data, truth_of(lines, layout))
