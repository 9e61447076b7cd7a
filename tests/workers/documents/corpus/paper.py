"""A page written top to bottom, and what stands on business papers: a head, sums, a foot, the truth of the lines."""

from __future__ import annotations

import io
import random
from decimal import Decimal

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from tests.workers.documents.corpus.goods import GoodsLine, Wording
from tests.workers.documents.corpus.printed import shown
from tests.workers.documents.corpus.scorer import TruthLine


class Paper:
    """A page written top to bottom; `put` places texts at given x, right-aligned where x is negative."""

    def __init__(self, size: tuple[float, float] = A4, font: str = "Helvetica", points: float = 9) -> None:
        self.buffer = io.BytesIO()
        self.width, self.height = size
        self.canvas = Canvas(self.buffer, pagesize=size, invariant=True)
        self.font, self.points = font, points
        self.y = self.height - 50

    def put(self, *cells: tuple[float, str], bold: bool = False, down: float = 13, points: float | None = None) -> None:
        face = {"Helvetica": "Helvetica-Bold", "Courier": "Courier-Bold", "Times-Roman": "Times-Bold"}[self.font]
        self.canvas.setFont(face if bold else self.font, points or self.points)
        for x, text in cells:
            if x < 0:
                self.canvas.drawRightString(-x, self.y, text)
            else:
                self.canvas.drawString(x, self.y, text)
        self.y -= down

    def rule(self, x0: float = 40, x1: float | None = None) -> None:
        self.canvas.line(x0, self.y + 9, x1 or self.width - 40, self.y + 9)

    def skip(self, points: float) -> None:
        self.y -= points

    def turn(self, margin: float = 120) -> bool:
        if self.y > margin:
            return False
        self.canvas.showPage()
        self.y = self.height - 60
        return True

    def done(self) -> bytes:
        self.canvas.showPage()
        self.canvas.save()
        return self.buffer.getvalue()


def head(paper: Paper, title: str, rng: random.Random) -> None:
    paper.put((40, "Nordlicht Maritime Supply"), (-paper.width + 40, title), bold=True, points=14, down=20)
    paper.put((40, "Kai 7, 20457 Hamburg"), (-paper.width + 40, f"{rng.randint(10**6, 10**7)} / 12.03.2024"))
    paper.put((40, "Customer 10045"), (-paper.width + 40, "Your ref.: 4500012345 of 01.03.2024"))
    paper.skip(30)


def end(paper: Paper, lines: list[GoodsLine], wording: Wording, right: float) -> None:
    net = sum((line.line_total for line in lines), Decimal(0))
    paper.skip(8)
    for label, value in ((wording.subtotal, net), (wording.tax, net / 5), (wording.total, net * 6 / 5)):
        paper.put((right - 190, label), (-right, shown(value, wording)))
    paper.skip(20)
    for line in wording.footer:
        paper.put((40, line), points=8, down=11)


def truth_of(
    lines: list[GoodsLine],
    *,
    unit: bool = True,
    part: bool = True,
    price: bool = True,
    total: bool = True,
    quantity: bool = True,
    details: bool = True,
) -> tuple[TruthLine, ...]:
    return tuple(
        TruthLine(
            " ".join((line.description, *(line.wrapped if details else ()))),
            line.quantity if quantity else None,
            line.unit if unit else None,
            line.part_number if part else None,
            line.unit_price if price else None,
            line.line_total if total else None,
        )
        for line in lines
    )
