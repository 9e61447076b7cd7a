"""Files that cannot be read fail with a typed error that says why; hostile ones do no harm."""

import io
import zipfile

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pytest
import xlsxwriter

from tests.workers.documents.corpus.printed import press
from workers.documents import UnreadableDocument, limits, parse, read_line_items, spreadsheet
from workers.documents.errors import (
    UnreadableBlank,
    UnreadableBroken,
    UnreadableEncrypted,
    UnreadableKind,
    UnreadableTooLarge,
)

BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><Invoice><InvoiceLine><Item><Name>&c;</Name></Item></InvoiceLine></Invoice>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>
<Invoice><InvoiceLine><Item><Name>&e;</Name></Item></InvoiceLine></Invoice>"""


def encrypted() -> bytes:
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    canvas = Canvas(buffer, encrypt=StandardEncryption("secret", ownerPassword="owner"))
    canvas.drawString(50, 700, "Description Qty Price")
    canvas.save()
    return buffer.getvalue()


def zip_bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for index in range(20):
            archive.writestr(f"xl/{index}", b"0" * (limits.MAX_UNZIPPED_BYTES // 16))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"", UnreadableBlank, "empty"),
        (b"\x00" * 500, UnreadableBlank, "empty"),
        (press(1).data[:900], UnreadableBroken, "damaged"),
        (b"%PDF-1.7\nrubbish", UnreadableBroken, "damaged"),
        (b"\x89PNG\r\n\x1a\nrubbish", UnreadableBroken, "damaged"),
        (b"PK\x03\x04rubbish", UnreadableBroken, "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rubbish", UnreadableBroken, "damaged"),
        (bytes(range(256)) * 20, UnreadableKind, "must be"),
        (b"<?xml version='1.0'?><note>hello</note>", UnreadableKind, "CII or UBL"),
        (b"<?xml version='1.0'?><Invoice>", UnreadableBroken, "well formed"),
        (b'Item,Qty\n"' + b"x" * 1_100_000, UnreadableBroken, "character-separated"),
        (BOMB, UnreadableBroken, "document type"),
        (OUTSIDE, UnreadableBroken, "document type"),
        (encrypted(), UnreadableEncrypted, "password"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, error: type[UnreadableDocument], words: str) -> None:
    with pytest.raises(error, match=words) as raised:
        read_line_items(data, name="order.bin")
    assert str(raised.value).startswith("order.bin: ")


def test_an_archive_that_unpacks_to_too_much_is_refused_unopened() -> None:
    with pytest.raises(UnreadableTooLarge, match="unpack"):
        parse(zip_bomb())


def test_a_sheet_with_two_cells_far_apart_is_refused_before_its_reader_makes_room_for_all_between() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write("A1", "Description")
        sheet.write("XFD1048576", 2)
    with pytest.raises(UnreadableTooLarge, match="1048576 rows by 16384 columns"):
        parse(buffer.getvalue())


def test_a_pdf_of_too_many_pages_is_refused() -> None:
    document = pdfium.PdfDocument.new()
    for _ in range(limits.MAX_PDF_PAGES + 1):
        document.new_page(100, 100)
    buffer = io.BytesIO()
    document.save(buffer)
    with pytest.raises(UnreadableTooLarge, match="at most"):
        parse(buffer.getvalue())


def test_mails_nested_too_deeply_leave_a_note_and_no_crash() -> None:
    from email.message import EmailMessage

    message = EmailMessage()
    message.set_content("Nothing here.")
    message["From"], message["Subject"] = "a@example.org", "deep"
    for _ in range(limits.MAX_MAIL_DEPTH + 2):
        outer = EmailMessage()
        outer["From"], outer["Subject"] = "a@example.org", "deep"
        outer.set_content("See attached.")
        outer.add_attachment(message)
        message = outer
    assert read_line_items(message.as_bytes()) == []


def test_the_separator_of_a_sheet_is_the_one_that_cuts_evenly() -> None:
    assert spreadsheet.separator_of("Pos;Preis\n1;2,50\n2;3,50\n") == ";"
    assert spreadsheet.separator_of("a,b\n1,2\n") == ","
    assert spreadsheet.separator_of("only words\nhere\n") is None


def test_an_archive_gives_its_documents_and_notes_what_it_could_not_read() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("__MACOSX/._order.csv", b"\x00\x05\x16\x07")
        archive.writestr("order.csv", "Item;Qty;Price\nHose;2;1,50\nValve;3;2,00\n")
        archive.writestr("broken.pdf", b"%PDF-1.7\nrubbish")
    document = parse(buffer.getvalue(), name="order.zip")
    assert [line.quantity for line in read_line_items(buffer.getvalue())] == [2, 3]
    assert len(document.notes) == 1 and document.notes[0].startswith("broken.pdf: the PDF is damaged")


def test_an_archive_within_archives_without_end_is_refused() -> None:
    data = b"Item;Qty\nHose;2\nValve;3\n"
    for depth in range(limits.MAX_MAIL_DEPTH + 1):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(f"{depth}.zip", data)
        data = buffer.getvalue()
    with pytest.raises(UnreadableBlank, match="nested at most"):
        parse(data)
