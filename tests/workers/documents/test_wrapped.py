"""Lines inside other things: Outlook's envelopes, pictures in mails, XML that no standard names, and the same twice."""

import io
import struct
from collections.abc import Sequence
from email.message import EmailMessage

import pytest
from PIL import Image, ImageDraw, ImageFont

from workers.documents import UnreadableDocument, parse, read_line_items
from workers.documents.errors import UnreadableBroken
from workers.documents.ocr import available

ORDER = b"Code;Description;Qty;Price;Total\nT-9;Torque wrench;2;119.00;238.00\nS-4;Socket set;1;84.50;84.50\n"
RESTATED = b"Description,Qty,Total\nTorque wrench (new),2,238.00\nSocket set (new),1,84.50\n"
CXML = b"""<?xml version="1.0"?><!DOCTYPE cXML SYSTEM "http://xml.cxml.org/schemas/cXML/1.2.014/cXML.dtd"><cXML><Request>
<OrderRequest><ItemOut quantity="10" lineNumber="1"><ItemID><SupplierPartID>AM-2</SupplierPartID></ItemID><ItemDetail>
<UnitPrice><Money currency="USD">12.50</Money></UnitPrice><Description>Desk lamp</Description>
<UnitOfMeasure>EA</UnitOfMeasure></ItemDetail></ItemOut></OrderRequest></Request></cXML>"""
OPENTRANS = b"""<ORDER xmlns="http://www.opentrans.org/XMLSchema/2.1"
xmlns:b="http://www.bmecat.org/bmecat/2005"><ORDER_ITEM_LIST>
<ORDER_ITEM><LINE_ITEM_ID>1</LINE_ITEM_ID><PRODUCT_ID><b:SUPPLIER_PID>AM-2</b:SUPPLIER_PID><b:DESCRIPTION_SHORT>Desk
lamp
</b:DESCRIPTION_SHORT></PRODUCT_ID><QUANTITY>10</QUANTITY><b:ORDER_UNIT>EA</b:ORDER_UNIT><PRODUCT_PRICE_FIX>
<b:PRICE_AMOUNT>1250</b:PRICE_AMOUNT><b:PRICE_QUANTITY>100</b:PRICE_QUANTITY></PRODUCT_PRICE_FIX></ORDER_ITEM>
</ORDER_ITEM_LIST></ORDER>"""
EBINTERFACE = b"""<e:Invoice xmlns:e="http://www.ebinterface.at/schema/5p0/"><e:Details><e:ItemList><e:ListLineItem>
<e:Description>Desk lamp</e:Description><e:ArticleNumber>AM-2</e:ArticleNumber><e:Quantity e:Unit="EA">10</e:Quantity>
<e:UnitPrice>12.50</e:UnitPrice></e:ListLineItem></e:ItemList></e:Details></e:Invoice>"""


def mail(text: str, *files: tuple[str, bytes]) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", "b@example.com", "Order"
    message.set_content(text)
    for name, content in files:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def envelope(*files: tuple[str, bytes], text: bytes = b"") -> bytes:
    """Wrap files as Outlook does (MS-OXTNEF): attributes with a checksum each."""

    def attribute(level: int, name: int, kind: int, value: bytes) -> bytes:
        head = struct.pack("<BHHI", level, name, kind, len(value))
        return head + value + struct.pack("<H", sum(value) & 0xFFFF)

    parts = [struct.pack("<IH", 0x223E9F78, 1), attribute(1, 0x9007, 6, struct.pack("<II", 1252, 0))]
    if text:
        parts.append(attribute(1, 0x800C, 2, text + b"\0"))
    for name, content in files:
        wide = name.encode("utf-16-le") + b"\0\0"
        long_name = struct.pack("<IHHII", 1, 0x1F, 0x3707, 1, len(wide)) + wide + b"\0" * (-len(wide) % 4)
        parts.append(attribute(2, 0x9002, 6, b"\1\0" + b"\0" * 12))
        parts.append(attribute(2, 0x8010, 1, b"SHORT~1.CSV\0"))
        parts.append(attribute(2, 0x800F, 6, content))
        parts.append(attribute(2, 0x9005, 6, long_name))
    return b"".join(parts)


def told(data: bytes) -> list[tuple[str | None, str, str]]:
    return [(item.part_number, item.description, f"{item.quantity}") for item in read_line_items(data)]


def test_what_outlook_wraps_is_read_under_its_long_name() -> None:
    wrapped = mail("See attached.\n", ("winmail.dat", envelope(("Bestellung Mai.csv", ORDER), text=b"Please deliver.")))
    assert told(wrapped) == [("T-9", "Torque wrench", "2"), ("S-4", "Socket set", "1")]
    inside = parse(wrapped).attachments[0].attachments
    assert [document.name for document in inside] == [None, "Bestellung Mai.csv"]


def test_a_cut_envelope_says_that_it_is_damaged() -> None:
    with pytest.raises(UnreadableBroken, match=r"winmail\.dat is damaged"):
        read_line_items(envelope(("order.csv", ORDER))[:-150])


def test_two_attachments_that_state_the_same_lines_are_read_once() -> None:
    assert told(mail("Twice.\n", ("a.csv", RESTATED), ("b.csv", ORDER))) == [
        ("T-9", "Torque wrench", "2"),
        ("S-4", "Socket set", "1"),
    ]


@pytest.mark.parametrize("data", [CXML, OPENTRANS, EBINTERFACE], ids=["cxml", "opentrans", "ebinterface"])
def test_orders_in_other_xml_are_read_by_what_elements_are_called(data: bytes) -> None:
    (item,) = read_line_items(data)
    assert (item.description, item.part_number, item.unit) == ("Desk lamp", "AM-2", "EA")
    assert (str(item.quantity), str(item.unit_price)) in [("10", "12.50"), ("10", "12.5")]


def test_xml_that_is_not_in_the_encoding_it_names_is_read() -> None:
    data = EBINTERFACE.replace(b"Desk lamp", "Büroklammern".encode("cp1252"))
    assert read_line_items(data)[0].description == "Büroklammern"
    with pytest.raises(UnreadableDocument, match="an invoice or an order"):
        read_line_items(b"<catalog><book><title>A</title><price>3.00</price></book></catalog>")


def picture(rows: Sequence[Sequence[str]]) -> bytes:
    image = Image.new("RGB", (900, 20 + 46 * len(rows)), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(26)
    for index, row in enumerate(rows):
        for x, text in zip((20, 180, 560, 680), row, strict=True):
            pen.text((x, 20 + index * 46), text, fill="black", font=font)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.skipif(not available(), reason="text recognition is not installed")
def test_a_picture_of_a_table_inside_a_mail_is_read() -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", "b@example.com", "Order"
    message.set_content("<p>Please order:</p><img src='cid:one'>", subtype="html")
    rows = [
        ("Part no", "Description", "Qty", "Price"),
        ("FX-100", "Linear guide 400 mm", "4", "52.00"),
        ("FX-115", "Coupling 8x10", "6", "7.20"),
    ]
    message.add_related(picture(rows), "image", "png", cid="<one>", filename="image001.png")
    assert told(message.as_bytes()) == [("FX-100", "Linear guide 400 mm", "4"), ("FX-115", "Coupling 8x10", "6")]


def test_an_address_below_a_table_without_prices_moves_none_of_its_columns() -> None:
    text = (
        "Please order:\n\n  QTY  PART NUMBER     DESCRIPTION\n  ---  -----------     ------------\n"
        "    2  AX-4410-B       Actuator arm, left\n   10  FS-0099         Shear pin 3/16\n\n"
        "Ship to: 44 Dock Road, Unit 3, Baltimore MD 21224\nPO# 99812 - Net 30\n"
    )
    assert told(mail(text)) == [("AX-4410-B", "Actuator arm, left", "2"), ("FS-0099", "Shear pin 3/16", "10")]


def test_a_count_of_pieces_of_one_length_is_a_count() -> None:
    text = "Moin,\n\nbrauche fürs Lager:\n\nSchrumpfschlauch-Set     2 Stk\nNYM-J 3x1,5              3 Ringe a 50m\n"
    assert told(mail(text)) == [(None, "Schrumpfschlauch-Set", "2"), (None, "NYM-J 3x1,5 a 50m", "3")]
