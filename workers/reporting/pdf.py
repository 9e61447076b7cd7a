"""Writes a report's figures as PDF on A4; needs the reports extra.

Its fonts are those that come with the drawing library, as PDF's own know neither Greek nor Cyrillic letters.
"""

import io
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from workers.reporting.chart import BLUE, GREY, draw_chart
from workers.reporting.figures import Figures
from workers.reporting.tables import CUSTOMER_HEADER, DAY_HEADER
from workers.wording import money

FONT, BOLD = "DejaVuSans", "DejaVuSans-Bold"
INK = "#1f2933"
_SIZE = 8.5


def write_pdf(figures: Figures, title: str) -> bytes:
    """Returns the report: key figures, chart, customers and days, with page numbers."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import CondPageBreak, Image, SimpleDocTemplate, Spacer

    _know_fonts()
    out = io.BytesIO()
    margins = dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), 18 * mm)
    document = SimpleDocTemplate(out, pagesize=A4, title=title, author="qconsole", **margins)
    width = A4[0] - 36 * mm - 12
    heading, plain, section = _style(18, bold=True), _style(_SIZE, colour=GREY), _style(11, bold=True, before=12)
    customers = [
        (_text(share.customer), f"{share.documents:,}", f"{share.lines:,}", money(share.amount, figures.currency))
        for share in figures.shown_customers
    ]
    days = [
        (f"{day.day:%a} {day.day.isoformat()}", *(f"{n:,}" for n in (day.documents, day.lines, day.matched, day.open)),
         f"{day.in_review:,}")
        for day in figures.days
    ]  # fmt: skip
    document.build(
        [
            _paragraph(title, heading),
            _paragraph(f"{figures.first} to {figures.last}, days in {figures.zone}", plain),
            Spacer(0, 5 * mm),
            _key_figures(figures, width),
            Spacer(0, 5 * mm),
            Image(io.BytesIO(draw_chart(figures)), width=width, height=width * 3 / 8),
            CondPageBreak(40 * mm),
            _paragraph("By customer", section),
            _table(CUSTOMER_HEADER, customers, [width * share for share in (0.5, 0.15, 0.15, 0.2)]),
            CondPageBreak(40 * mm),
            _paragraph("By day", section),
            _table(DAY_HEADER, days, [width / len(DAY_HEADER)] * len(DAY_HEADER)),
        ],
        onFirstPage=_footer,
        onLaterPages=_footer,
    )
    return out.getvalue()


def _know_fonts() -> None:
    import matplotlib
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name in (FONT, BOLD):
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, folder / f"{name}.ttf"))


def _style(size: float, *, bold: bool = False, colour: str = INK, before: float = 0) -> Any:
    from reportlab.lib.styles import ParagraphStyle

    return ParagraphStyle(
        f"{size}{bold}{colour}",
        fontName=BOLD if bold else FONT,
        fontSize=size,
        leading=size * 1.35,
        textColor=colour,
        spaceBefore=before,
        spaceAfter=3,
        splitLongWords=True,
    )


def _paragraph(text: str, style: Any) -> Any:
    from reportlab.platypus import Paragraph

    return Paragraph(escape(text), style)


def _text(text: str) -> Any:
    return _paragraph(text, _style(_SIZE))


def _key_figures(figures: Figures, width: float) -> Any:
    from reportlab.platypus import Table

    share = f"{figures.matched / figures.lines:.0%}" if figures.lines else "–"
    shown = {
        "documents": f"{figures.documents:,}",
        "lines": f"{figures.lines:,}",
        "lines matched": f"{figures.matched:,} ({share})",
        "amount": money(figures.amount, figures.currency),
    }
    rows = [
        [_paragraph(value, _style(12, bold=True)) for value in shown.values()],
        [_paragraph(label, _style(_SIZE, colour=GREY)) for label in shown],
    ]
    flat = [
        ("TOPPADDING", (0, 0), (-1, 0), 6),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ]
    widths = [width * part for part in (0.19, 0.19, 0.28, 0.34)]
    return Table(rows, colWidths=widths, style=[*flat, ("LINEABOVE", (0, 0), (-1, 0), 1.2, BLUE)])


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]], widths: Sequence[float]) -> Any:
    from reportlab.platypus import Table

    style = [
        ("FONTNAME", (0, 0), (-1, 0), BOLD),
        ("FONTNAME", (0, 1), (-1, -1), FONT),
        ("FONTSIZE", (0, 0), (-1, -1), _SIZE),
        ("TEXTCOLOR", (0, 0), (-1, -1), INK),
        ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ("LINEBELOW", (0, 0), (-1, 0), 0.7, GREY),
        ("ROWBACKGROUNDS", (0, 1), (-1, -1), ["#ffffff", "#f5f7fa"]),
    ]
    return Table(
        [[name.capitalize() for name in header], *map(list, rows)], colWidths=list(widths), repeatRows=1, style=style
    )


def _footer(canvas: Any, document: Any) -> None:
    canvas.saveState()
    canvas.setFont(FONT, 7)
    canvas.setFillColor(GREY)
    canvas.drawRightString(document.pagesize[0] - document.rightMargin - 6, 28, f"page {document.page}")
    canvas.restoreState()
