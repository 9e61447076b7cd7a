"""Writes orders as Word files: a table under a letter, a list of points, a table within a table, a letter."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape

from tests.workers.documents.corpus.printed import Printed
from tests.workers.documents.corpus.purchases import basket
from tests.workers.documents.corpus.scorer import TruthLine

Family = Callable[[int], Printed]
_NAMES = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)


def _paragraph(text: str) -> str:
    """Return a paragraph whose words are cut into runs, as Word does while people type."""
    runs = "".join(
        f'<w:r><w:t xml:space="preserve">{escape(part)}</w:t></w:r>' for part in (text[:5], text[5:]) if part
    )
    return f"<w:p><w:pPr/>{runs}</w:p>"


def _table(rows: Sequence[Sequence[str]]) -> str:
    cells = ("".join(f"<w:tc><w:tcPr/>{_paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl><w:tblPr/>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def _file(name: str, body: str, truth: tuple[TruthLine, ...]) -> Printed:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("word/document.xml", f"<w:document {_NAMES}><w:body>{body}<w:sectPr/></w:body></w:document>")
    return Printed(f"{name}.docx", buffer.getvalue(), truth)


def tabled(seed: int) -> Printed:
    """A letter with a table that has a heading and sums."""
    bought = basket(seed)
    speech = bought.speech
    rows = [(speech.number, speech.product, speech.quantity, speech.price, speech.amount)]
    rows += [(w.code, w.name, f"{w.count}", bought.money(w.price), bought.money(w.amount)) for w in bought.wares]
    rows += [("", "", "", label, value) for label, value in bought.sums()]
    body = _paragraph(speech.hello) + _paragraph(speech.please) + _table(rows) + _paragraph(speech.bye)
    return _file("tabled", body, bought.truth(part=True, price=True, total=True))


def pointed(seed: int) -> Printed:
    """A letter with a paragraph for each ware."""
    bought = basket(seed)
    speech = bought.speech
    points = "".join(_paragraph(f"{w.count} {speech.piece} {w.name}") for w in bought.wares)
    body = _paragraph(speech.hello) + _paragraph(speech.please) + points + _paragraph(speech.bye) + _paragraph("Ann")
    return _file("pointed", body, bought.truth(unit=speech.piece))


def framed(seed: int) -> Printed:
    """A form whose outer table holds addresses and the table of wares."""
    bought = basket(seed)
    speech = bought.speech
    rows = [
        (speech.quantity, speech.product, speech.price),
        *((f"{w.count}", w.name, bought.plain(w.price)) for w in bought.wares),
    ]
    cell = f"<w:tc><w:tcPr/>{_paragraph('Halvorsen & Zoon')}{_table(rows)}{_paragraph('')}</w:tc>"
    return _file("framed", f"<w:tbl><w:tblPr/><w:tr>{cell}</w:tr></w:tbl>", bought.truth(price=True))


def written(seed: int) -> Printed:
    """A letter that orders nothing."""
    bought = basket(seed)
    texts = (bought.speech.hello, "your invoice 4711 of 12.03.2024 over 1,234.50 EUR is open.", bought.speech.bye)
    return _file("written", "".join(map(_paragraph, texts)), ())


FAMILIES: tuple[Family, ...] = (tabled, pointed, framed, written)
