"""Reads the lines of electronic invoices and orders: CII (ZUGFeRD 1 and 2, Factur-X, Order-X, XRechnung) and UBL,
and of the national invoices of Italy (FatturaPA 1.2) and Spain (Facturae 3.2).

Elements are found by local name, so the namespace of any version will do.
Entities and external references are never followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree  # type: ignore[import-untyped]

from workers.documents.errors import UnreadableBroken, UnreadableKind, UnreadableTooLarge
from workers.documents.limits import MAX_LINE_ITEMS, MAX_XML_BYTES
from workers.documents.model import LineItem
from workers.documents.purchasexml import lines_called_so

_UBL_LINES = (
    "InvoiceLine",
    "CreditNoteLine",
    "OrderLine",
    "DespatchLine",
    "QuotationLine",
    "RequestForQuotationLine",
    "DebitNoteLine",
)
_UBL_QUANTITIES = ("InvoicedQuantity", "CreditedQuantity", "Quantity", "DeliveredQuantity", "DebitedQuantity")
_CII_QUANTITIES = ("BilledQuantity", "RequestedQuantity", "AgreedQuantity", "DespatchedQuantity")


@dataclass(frozen=True, slots=True)
class _Flat:
    """How a format names its lines and the elements directly inside them."""

    line: str
    description: str
    quantity: str
    unit: str
    price: str
    total: str
    part: tuple[str, ...]


_FLAT = {
    "FatturaElettronica": _Flat(
        "DettaglioLinee",
        "Descrizione",
        "Quantita",
        "UnitaMisura",
        "PrezzoUnitario",
        "PrezzoTotale",
        ("CodiceArticolo", "CodiceValore"),
    ),
    "Facturae": _Flat(
        "InvoiceLine",
        "ItemDescription",
        "Quantity",
        "UnitOfMeasure",
        "UnitPriceWithoutTax",
        "TotalCost",
        ("ArticleCode",),
    ),
}


def read_einvoice(data: bytes) -> list[LineItem]:
    """Return the lines that an electronic invoice or order states.

    Raises:
        UnreadableKind: The XML is of another kind.
        UnreadableBroken: It is not well formed, or declares entities.
        UnreadableTooLarge: It exceeds the limits.
    """
    root = _root(data)
    names = {_local(element) for element in root.iter() if isinstance(element.tag, str)}
    if "IncludedSupplyChainTradeLineItem" in names:
        lines = [_cii_line(element) for element in _all(root, "IncludedSupplyChainTradeLineItem")]
    elif _local(root) in _FLAT:
        flat = _FLAT[_local(root)]
        lines = [_flat_line(element, flat) for element in _all(root, flat.line)]
    elif names & set(_UBL_LINES):
        lines = [_ubl_line(element) for name in _UBL_LINES for element in _all(root, name)]
    elif _local(root) in ("CrossIndustryInvoice", "CrossIndustryDocument", "SCRDMCCBDACIOMessageStructure"):
        return []
    else:
        lines = list(lines_called_so(root))
        if not lines:
            raise UnreadableKind(f"the XML must be an invoice or an order, such as CII or UBL, got <{_local(root)}>")
    return [line for line in lines if line is not None][:MAX_LINE_ITEMS]


def _root(data: bytes) -> Any:
    if len(data) > MAX_XML_BYTES:
        raise UnreadableTooLarge(f"the XML must be at most {MAX_XML_BYTES} bytes, got {len(data)}")
    try:
        root = etree.fromstring(data.strip(), _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        if not _misdeclared(data):
            raise UnreadableBroken(f"the XML is not well formed ({error})") from error
        root = _as_windows_text(data)
    document_type = root.getroottree().docinfo.internalDTD
    if document_type is not None and any(True for _ in document_type.iterentities()):
        raise UnreadableBroken("the XML declares entities in its document type, which an invoice or an order must not")
    return root


def _parser(encoding: str | None = None) -> Any:
    return etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, recover=False, encoding=encoding
    )


def _misdeclared(data: bytes) -> bool:
    """Tell whether bytes that say or imply that they are UTF-8 are not."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def _as_windows_text(data: bytes) -> Any:
    try:
        return etree.fromstring(data.strip(), _parser("cp1252"))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableBroken(f"the XML is not well formed ({error})") from error


def _local(element: Any) -> str:
    return str(etree.QName(element).localname) if isinstance(element.tag, str) else ""


def _all(root: Any, name: str) -> Iterator[Any]:
    return (element for element in root.iter() if _local(element) == name)


def _first(element: Any | None, *path: str) -> Any | None:
    """Return the first descendant reached by direct children of the given local names."""
    for name in path:
        if element is None:
            return None
        element = next((child for child in element if _local(child) == name), None)
    return element


def _text(element: Any | None) -> str | None:
    text = " ".join((element.text or "").split()) if element is not None else ""
    return text or None


def _number(element: Any | None) -> Decimal | None:
    text = _text(element)
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _per_one(price: Decimal | None, basis: Decimal | None) -> Decimal | None:
    """Bring a price per 100 to a price per one."""
    if price is None or basis in (None, Decimal(0), Decimal(1)):
        return price
    return (price / basis).normalize() if basis is not None else price


def _cii_line(line: Any) -> LineItem | None:
    product = _first(line, "SpecifiedTradeProduct")
    trade = "SpecifiedSupplyChainTrade"
    agreement = _first(line, "SpecifiedLineTradeAgreement")
    agreement = agreement if agreement is not None else _first(line, f"{trade}Agreement")
    delivery = _first(line, "SpecifiedLineTradeDelivery")
    delivery = delivery if delivery is not None else _first(line, f"{trade}Delivery")
    settlement = _first(line, "SpecifiedLineTradeSettlement")
    settlement = settlement if settlement is not None else _first(line, f"{trade}Settlement")
    quantity = next((found for name in _CII_QUANTITIES if (found := _first(delivery, name)) is not None), None)
    net, gross = _first(agreement, "NetPriceProductTradePrice"), _first(agreement, "GrossPriceProductTradePrice")
    price = net if _number(_first(net, "ChargeAmount")) is not None else gross
    sums = _first(settlement, "SpecifiedTradeSettlementLineMonetarySummation")
    sums = sums if sums is not None else _first(settlement, "SpecifiedTradeSettlementMonetarySummation")
    total = _number(_first(sums, "LineTotalAmount"))
    if total is None:
        total = _number(_first(sums, "NetLineTotalAmount"))
    parts = [
        _text(_first(product, name))
        for name in ("SellerAssignedID", "BuyerAssignedID", "GlobalID", "ManufacturerAssignedID")
    ]
    part = next((found for found in parts if found), None)
    name, detail = _text(_first(product, "Name")), _text(_first(product, "Description"))
    note = _text(_first(line, "AssociatedDocumentLineDocument", "IncludedNote", "Content"))
    description = name or detail or note
    if description is None and part is None:
        return None
    if quantity is None and total is None and price is None:
        return None
    return LineItem(
        description or part or "",
        _number(quantity),
        quantity.get("unitCode") if quantity is not None else None,
        part,
        _per_one(_number(_first(price, "ChargeAmount")), _number(_first(price, "BasisQuantity"))),
        total,
    )


def _ubl_line(line: Any) -> LineItem | None:
    body = _first(line, "LineItem")
    body = body if body is not None else line
    thing = _first(body, "Item")
    quantity = next((found for name in _UBL_QUANTITIES if (found := _first(body, name)) is not None), None)
    price = _first(body, "Price")
    price = price if price is not None else _first(thing, "BasePrice")
    parts = [
        _text(_first(thing, "SellersItemIdentification", "ID")),
        _text(_first(thing, "BuyersItemIdentification", "ID")),
        _text(_first(thing, "StandardItemIdentification", "ID")),
        _text(_first(thing, "ManufacturersItemIdentification", "ID")),
    ]
    part = next((found for found in parts if found), None)
    description = _text(_first(thing, "Name")) or _text(_first(thing, "Description")) or part
    if description is None:
        return None
    return LineItem(
        description,
        _number(quantity),
        quantity.get("unitCode", quantity.get("quantityUnitCode")) if quantity is not None else None,
        part,
        _per_one(_number(_first(price, "PriceAmount")), _number(_first(price, "BaseQuantity"))),
        _number(_first(body, "LineExtensionAmount")),
    )


def _flat_line(line: Any, names: _Flat) -> LineItem | None:
    part = _text(_first(line, *names.part))
    description = _text(_first(line, names.description)) or part
    if description is None:
        return None
    return LineItem(
        description,
        _number(_first(line, names.quantity)),
        _text(_first(line, names.unit)),
        part,
        _number(_first(line, names.price)),
        _number(_first(line, names.total)),
    )
