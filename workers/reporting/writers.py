"""Writes a report's figures as HTML, XLSX or CSV; every text of a customer is escaped for its format."""

import base64
import csv
import io
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from workers.mail.rendering import mail_templates
from workers.reporting.chart import AMBER, BLUE, draw_chart
from workers.reporting.figures import Figures
from workers.reporting.tables import CUSTOMER_HEADER, DAY_HEADER, customer_rows, day_rows
from workers.wording import FILTERS


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
    writer.writerows(day_rows(figures))
    return out.getvalue().encode("utf-8-sig")


def write_xlsx(figures: Figures, title: str) -> bytes:
    """Returns a workbook with a sheet of days, one of customers, and a chart of its own."""
    import xlsxwriter

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(out, {**options, "default_date_format": "yyyy-mm-dd"})
    book.set_properties({"title": title, "subject": f"{figures.first} to {figures.last}, days in {figures.zone}"})
    bold = book.add_format({"bold": True})
    days = book.add_worksheet("Days")
    _sheet(days, DAY_HEADER, day_rows(figures), bold)
    chart = book.add_chart({"type": "column", "subtype": "stacked"})
    last = len(figures.days)
    for column, colour in ((3, BLUE), (4, AMBER)):
        chart.add_series(
            {
                "name": ["Days", 0, column],
                "categories": ["Days", 1, 0, last, 0],
                "values": ["Days", 1, column, last, column],
                "fill": {"color": colour},
                "gap": 40,
            }
        )
    chart.set_x_axis({"date_axis": True, "num_format": "d mmm"})
    chart.set_title({"name": "Lines by day", "overlay": False})
    chart.set_legend({"position": "top"})
    chart.set_size({"width": 820, "height": 340})
    days.insert_chart("H2", chart)
    customers = book.add_worksheet("Customers")
    header = (*CUSTOMER_HEADER[:-1], f"amount ({figures.currency})")
    _sheet(customers, header, customer_rows(figures), bold)
    customers.set_column(3, 3, 16, book.add_format({"num_format": "#,##0.00"}))
    book.close()
    return out.getvalue()


def _sheet(sheet: Any, header: Sequence[str], rows: Sequence[Sequence[Any]], bold: Any) -> None:
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, len(header) - 1, 13)
    sheet.write_row(0, 0, header, bold)
    for place, row in enumerate(rows, start=1):
        sheet.write_row(place, 0, row)
