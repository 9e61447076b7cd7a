"""Writes mails with orders in them: HTML tables, plain text columns, lists, attachments, forwarded mails."""

from __future__ import annotations

import html
import random
from decimal import Decimal
from email.message import EmailMessage

from tests.workers.documents.corpus.goods import LANGUAGES, GoodsLine, Wording, goods
from tests.workers.documents.corpus.printed import Printed, press, shown
from tests.workers.documents.corpus.scorer import TruthLine
from tests.workers.documents.corpus.sheets import separated, workbook


def _truth(lines: list[GoodsLine], *, unit: bool, part: bool, price: bool = True) -> tuple[TruthLine, ...]:
    return tuple(
        TruthLine(
            line.description,
            line.quantity,
            line.unit if unit else None,
            line.part_number if part else None,
            line.unit_price if price else None,
            line.line_total if price else None,
        )
        for line in lines
    )


def _message(wording: Wording, body: str, *, markup: str | None = None) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Einkauf <einkauf@example.org>"
    message["To"] = "orders@example.com"
    message["Subject"] = f"{wording.document['order']} 4500012345"
    message["Date"] = "Tue, 12 Mar 2024 09:30:00 +0100"
    message["Message-ID"] = "<1@example.org>"
    message.set_content(body)
    if markup is not None:
        message.add_alternative(markup, subtype="html")
    return message


def _table(rng: random.Random, wording: Wording, lines: list[GoodsLine]) -> str:
    keys = ("part", "description", "quantity", "unit", "price", "total")
    cells = "".join(f"<th>{html.escape(wording.titles[key][0])}</th>" for key in keys)
    rows = [f"<tr>{cells}</tr>"]
    for line in lines:
        places = 0 if line.quantity == int(line.quantity) else 2
        values = (
            line.part_number,
            f"<b>{html.escape(line.description)}</b>",
            shown(line.quantity, wording, places=places),
            line.unit,
            shown(line.unit_price, wording),
            shown(line.line_total, wording) + " &euro;",
        )
        rows.append("<tr>" + "".join(f'<td style="padding:4px">{value}</td>' for value in values) + "</tr>")
    total = sum((line.line_total for line in lines), Decimal(0))
    rows.append(f'<tr><td colspan="5" align="right">{wording.total}</td><td>{shown(total, wording)} &euro;</td></tr>')
    inner = f'<table border="1">{"".join(rows)}</table>'
    if rng.random() < 0.5:
        rows = "".join(
            f"<tr><td>{cell}</td></tr>" for cell in (html.escape(wording.letter[1]), inner, wording.footer[0])
        )
        return f'<table width="600">{rows}</table>'
    return f"<p>{html.escape(wording.letter[1])}</p>{inner}<p>{wording.footer[0]}</p>"


def html_table(seed: int) -> Printed:
    """Return a mail whose order is an HTML table, perhaps inside a table for layout."""
    rng = random.Random(seed)
    wording = rng.choice(LANGUAGES)
    lines = goods(rng, wording, rng.choice((1, 3, 8)))
    markup = f"<html><head><style>td {{color:#333}}</style></head><body>{_table(rng, wording, lines)}</body></html>"
    message = _message(wording, wording.letter[1], markup=markup)
    return Printed(f"html-{wording.code}-{seed}.eml", message.as_bytes(), _truth(lines, unit=True, part=True))


def text_columns(seed: int) -> Printed:
    """Return a mail whose order is set in columns with spaces."""
    rng = random.Random(seed)
    wording = rng.choice(LANGUAGES)
    lines = goods(rng, wording, rng.choice((1, 3, 8)))
    titles = (
        wording.titles["part"][0],
        wording.titles["description"][0],
        wording.titles["quantity"][0],
        wording.titles["price"][0],
        wording.titles["total"][0],
    )
    body = [
        wording.letter[0],
        "",
        wording.letter[1],
        "",
        f"{titles[0]:<16}{titles[1]:<40}{titles[2]:>10}{titles[3]:>15}{titles[4]:>15}",
    ]
    if rng.random() < 0.5:
        body.append("-" * 96)
    for line in lines:
        left = f"{line.part_number:<16}{line.description:<40}{shown(line.quantity, wording):>10}"
        body.append(f"{left}{shown(line.unit_price, wording):>15}{shown(line.line_total, wording):>15}")
    total = sum((line.line_total for line in lines), Decimal(0))
    body += ["-" * 96, f"{wording.total:<81}{shown(total, wording):>15}", "", *wording.footer[:3]]
    message = _message(wording, "\n".join(body))
    return Printed(f"text-{wording.code}-{seed}.eml", message.as_bytes(), _truth(lines, unit=False, part=True))


def with_attachment(seed: int) -> Printed:
    """Return a mail that only points to the order attached to it."""
    rng = random.Random(seed)
    attached = rng.choice((press, workbook, separated))(seed)
    wording = rng.choice(LANGUAGES)
    message = _message(wording, "\n".join((*wording.letter, *wording.footer)))
    kinds = {"pdf": ("application", "pdf"), "xlsx": ("application", "octet-stream"), "csv": ("text", "csv")}
    maintype, subtype = kinds[attached.name.rsplit(".", 1)[1]]
    message.add_attachment(attached.data, maintype=maintype, subtype=subtype, filename=attached.name)
    if rng.random() < 0.4:
        outer = _message(wording, "FYI, see below.")
        outer.add_attachment(message)
        message = outer
    return Printed(f"attached-{seed}.eml", message.as_bytes(), attached.truth)


def without_order(seed: int) -> Printed:
    """Return a mail that orders nothing."""
    rng = random.Random(seed)
    wording = rng.choice(LANGUAGES)
    body = "\n".join((*wording.letter, "Unsere Rechnung 4711 über 1.234,50 EUR ist offen.", "", *wording.footer))
    return Printed(f"nothing-{seed}.eml", _message(wording, body).as_bytes(), ())
