"""Writes a report's figures as HTML, PDF, XLSX or CSV; every text of a customer is escaped for its format."""

import base64
import csv
import io
from collections.abc import Sequence
from html import escape
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from workers.mail.rendering import mail_templates
from workers.reporting.chart import draw_chart
from workers.reporting.figures import Figures
from workers.safe_cells import safe_cell
from workers.wording import FILTERS, money

DAY_HEADER = ("day", "documents", "lines", "matched", "in review")
CUSTOMER_HEADER = ("customer", "documents", "lines", "amount")


def write_html(figures: Figures, title: str) -> bytes:
    """Returns one page that needs nothing else: its chart is in it."""
    environment = Environment(
        loader=FileSystemLoader(mail_templates().with_name("reports"), encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    chart = base64.b64encode(draw_chart(figures)).decode()
    return environment.get_template("documents.html").render(title=title, figures=figures, chart=chart).encode()


def write_csv(figures: Figures, title: str) -> bytes:
    """Returns the days as a table."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(DAY_HEADER)
    writer.writerows(_day_rows(figures))
    return out.getvalue().encode("utf-8-sig")


def write_xlsx(figures: Figures, title: str) -> bytes:
    """Returns a workbook with a sheet of days, one of customers, and a chart of its own."""
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    bold = book.add_format({"bold": True})
    days = book.add_worksheet("Days")
    _sheet(days, DAY_HEADER, _day_rows(figures), bold)
    chart = book.add_chart({"type": "column", "subtype": "stacked"})
    last = len(figures.days)
    chart.add_series({"name": "matched", "categories": ["Days", 1, 0, last, 0], "values": ["Days", 1, 3, last, 3]})
    chart.add_series({"name": "in review", "categories": ["Days", 1, 0, last, 0], "values": ["Days", 1, 4, last, 4]})
    days.insert_chart("G2", chart)
    customers = book.add_worksheet("Customers")
    _sheet(customers, CUSTOMER_HEADER, _customer_rows(figures), bold)
    book.close()
    return out.getvalue()


def write_pdf(figures: Figures, title: str) -> bytes:
    """Returns the report on A4 pages; needs the reports extra."""
    from reportlab.lib import colors
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.lib.units import mm
    from reportlab.platypus import Image, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

    out = io.BytesIO()
    style = getSampleStyleSheet()
    ruled = TableStyle(
        [
            ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold"),
            ("FONTSIZE", (0, 0), (-1, -1), 9),
            ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
            ("LINEBELOW", (0, 0), (-1, 0), 0.5, colors.grey),
            ("ROWBACKGROUNDS", (0, 1), (-1, -1), [colors.white, colors.whitesmoke]),
        ]
    )
    shares = [
        (
            Paragraph(escape(share.customer), style["BodyText"]),
            share.documents,
            share.lines,
            money(share.amount, figures.currency),
        )
        for share in figures.customers
    ]
    days = [(f"{row[0]}", *row[1:]) for row in _day_rows(figures)]
    story = [
        Paragraph(escape(title), style["Title"]),
        Paragraph(f"{figures.first} to {figures.last} ({escape(figures.zone)})", style["Normal"]),
        Spacer(0, 4 * mm),
        Paragraph(
            f"{figures.documents:,} documents, {figures.lines:,} lines, {figures.matched:,} matched, "
            f"{money(figures.amount, figures.currency)}",
            style["Heading3"],
        ),
        Image(io.BytesIO(draw_chart(figures)), width=170 * mm, height=63.75 * mm),
        Spacer(0, 4 * mm),
        _table(Table, CUSTOMER_HEADER, shares, ruled, [80 * mm, 25 * mm, 25 * mm, 40 * mm]),
        Spacer(0, 4 * mm),
        _table(Table, DAY_HEADER, days, ruled, [34 * mm] * 5),
    ]  # fmt: skip
    margins = dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), 20 * mm)
    SimpleDocTemplate(out, pagesize=A4, title=title, author="qconsole", **margins).build(story)
    return out.getvalue()


def _table(kind: Any, header: Sequence[str], rows: Sequence[Sequence[Any]], style: Any, widths: Sequence[float]) -> Any:
    return kind([list(header), *[list(row) for row in rows]], colWidths=list(widths), repeatRows=1, style=style)


def _sheet(sheet: Any, header: Sequence[str], rows: Sequence[Sequence[Any]], bold: Any) -> None:
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, 0, 24)
    sheet.write_row(0, 0, header, bold)
    for place, row in enumerate(rows, start=1):
        sheet.write_row(place, 0, row)


def _day_rows(figures: Figures) -> list[tuple[Any, ...]]:
    return [(day.day.isoformat(), day.documents, day.lines, day.matched, day.in_review) for day in figures.days]


def _customer_rows(figures: Figures) -> list[tuple[Any, ...]]:
    return [(safe_cell(s.customer), s.documents, s.lines, float(s.amount)) for s in figures.customers]
