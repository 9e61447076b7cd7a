"""Writes electronic invoices and orders: CII of both generations, Order-X and UBL, alone or attached to a PDF."""

from __future__ import annotations

import io
import random
from xml.sax.saxutils import escape

import pypdfium2 as pdfium  # type: ignore[import-untyped]

from tests.workers.documents.corpus.goods import LANGUAGES, GoodsLine, goods
from tests.workers.documents.corpus.printed import Printed, press
from tests.workers.documents.corpus.scorer import TruthLine

_RAM2 = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
_RAM1 = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:12"
_CODES = ("H87", "C62", "KGM", "MTR", "HUR")


def _cii(line: GoodsLine, unit: str, *, first: bool, ordered: bool) -> str:
    trade = "SupplyChainTrade" if first else "LineTrade"
    summation = "TradeSettlementMonetarySummation" if first else "TradeSettlementLineMonetarySummation"
    quantity = "RequestedQuantity" if ordered else "BilledQuantity"
    return f"""<ram:IncludedSupplyChainTradeLineItem>
<ram:SpecifiedTradeProduct><ram:GlobalID schemeID="0160">4012345001235</ram:GlobalID>
<ram:SellerAssignedID>{line.part_number}</ram:SellerAssignedID><ram:Name>{escape(line.description)}</ram:Name>
</ram:SpecifiedTradeProduct>
<ram:Specified{trade}Agreement><ram:GrossPriceProductTradePrice><ram:ChargeAmount>999.00</ram:ChargeAmount>
</ram:GrossPriceProductTradePrice><ram:NetPriceProductTradePrice><ram:ChargeAmount>{line.unit_price}</ram:ChargeAmount>
</ram:NetPriceProductTradePrice></ram:Specified{trade}Agreement>
<ram:Specified{trade}Delivery><ram:{quantity} unitCode="{unit}">{line.quantity}</ram:{quantity}>
</ram:Specified{trade}Delivery>
<ram:Specified{trade}Settlement><ram:Specified{summation}><ram:LineTotalAmount>{line.line_total}</ram:LineTotalAmount>
</ram:Specified{summation}></ram:Specified{trade}Settlement></ram:IncludedSupplyChainTradeLineItem>"""


def _ubl(line: GoodsLine, unit: str) -> str:
    return f"""<cac:InvoiceLine><cbc:ID>1</cbc:ID>
<cbc:InvoicedQuantity unitCode="{unit}">{line.quantity}</cbc:InvoicedQuantity>
<cbc:LineExtensionAmount currencyID="EUR">{line.line_total}</cbc:LineExtensionAmount>
<cac:Item><cbc:Description>a longer text</cbc:Description><cbc:Name>{escape(line.description)}</cbc:Name>
<cac:SellersItemIdentification><cbc:ID>{line.part_number}</cbc:ID></cac:SellersItemIdentification></cac:Item>
<cac:Price><cbc:PriceAmount currencyID="EUR">{line.unit_price * 100}</cbc:PriceAmount>
<cbc:BaseQuantity unitCode="{unit}">100</cbc:BaseQuantity></cac:Price></cac:InvoiceLine>"""


def _document(seed: int) -> tuple[str, list[GoodsLine], list[str]]:
    rng = random.Random(seed)
    lines = goods(rng, rng.choice(LANGUAGES), rng.choice((1, 3, 12)))
    units = [rng.choice(_CODES) for _ in lines]
    kind = rng.choice(("cii1", "cii2", "order", "ubl"))
    pairs = list(zip(lines, units, strict=True))
    if kind == "ubl":
        body = "".join(_ubl(line, unit) for line, unit in pairs)
        xml = f"""<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">{body}</Invoice>"""
    else:
        body = "".join(_cii(line, unit, first=kind == "cii1", ordered=kind == "order") for line, unit in pairs)
        root = {"cii1": "CrossIndustryDocument", "cii2": "CrossIndustryInvoice"}.get(
            kind, "SCRDMCCBDACIOMessageStructure"
        )
        space = _RAM1 if kind == "cii1" else _RAM2
        xml = f'<rsm:{root} xmlns:rsm="urn:x:{root}" xmlns:ram="{space}"><a>{body}</a></rsm:{root}>'
    return f'<?xml version="1.0" encoding="UTF-8"?>{xml}', lines, units


def _truth(lines: list[GoodsLine], units: list[str]) -> tuple[TruthLine, ...]:
    return tuple(
        TruthLine(line.description, line.quantity, unit, line.part_number, line.unit_price, line.line_total)
        for line, unit in zip(lines, units, strict=True)
    )


def alone(seed: int) -> Printed:
    """Return an electronic invoice as an XML file."""
    xml, lines, units = _document(seed)
    return Printed(f"einvoice-{seed}.xml", xml.encode(), _truth(lines, units))


def attach(pdf: bytes, name: str, content: bytes) -> bytes:
    """Return a PDF with a file attached."""
    document = pdfium.PdfDocument(pdf)
    document.new_attachment(name).set_data(content)
    buffer = io.BytesIO()
    document.save(buffer)
    document.close()
    return buffer.getvalue()


def embedded(seed: int) -> Printed:
    """Return a PDF that shows something else than the electronic invoice attached to it, which counts."""
    xml, lines, units = _document(seed)
    name = random.Random(seed).choice(
        ("factur-x.xml", "ZUGFeRD-invoice.xml", "zugferd-invoice.xml", "order-x.xml", "xrechnung.xml")
    )
    return Printed(f"embedded-{seed}.pdf", attach(press(seed).data, name, xml.encode()), _truth(lines, units))


def without_lines(seed: int) -> Printed:
    """Return a PDF whose electronic invoice states no line (the MINIMUM profile), so the page counts."""
    shown = press(seed)
    xml = (
        b'<CrossIndustryInvoice xmlns="urn:x"><ExchangedDocument><ID>1</ID></ExchangedDocument></CrossIndustryInvoice>'
    )
    return Printed(f"minimum-{seed}.pdf", attach(shown.data, "factur-x.xml", xml), shown.truth)
