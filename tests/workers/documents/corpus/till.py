"""Prints till receipts of six countries: counts before, behind, above or below their wares, weights, payments."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal

from tests.workers.documents.corpus.goods import CENT
from tests.workers.documents.corpus.paper import Paper
from tests.workers.documents.corpus.printed import Printed
from tests.workers.documents.corpus.scorer import TruthLine

Family = Callable[[int], Printed]
_RIGHT = -214.0
_FOODS = {
    "en": ("BANANAS LOOSE", "SEMI SKIMMED MILK 2L", "FREE RANGE EGGS 12", "WHITE BREAD 800G", "CHEDDAR", "TEA BAGS 80"),
    "de": ("BIO BANANEN", "H-MILCH 3,5%", "BUTTER 250G", "TOAST 500G", "GOUDA JUNG", "MINERALWASSER 1,5L"),
    "fr": ("LAIT DEMI ECREME 1L", "BEURRE DOUX 250G", "PAIN DE MIE", "CAFE MOULU", "EMMENTAL RAPE", "EAU 6X1,5L"),
    "es": ("LECHE ENTERA", "YOGUR NATURAL P-4", "PAN DE MOLDE", "ACEITE DE OLIVA 1L", "TOMATE FRITO", "CAFE MOLIDO"),
    "nl": ("HALFVOLLE MELK", "ROOMBOTER", "VOLKOREN BROOD", "JONG BELEGEN KAAS", "SINAASAPPELSAP", "KOFFIEPADS 36"),
}


def _bought(seed: int, language: str) -> list[tuple[str, int, Decimal]]:
    rng = random.Random(seed)
    foods = rng.sample(_FOODS[language], rng.choice((2, 3, 5)))
    return [(food, rng.choice((1, 1, 1, 2, 3)), rng.randint(49, 1299) * CENT) for food in foods]


def _comma(value: Decimal) -> str:
    return f"{value:.2f}".replace(".", ",")


def _slip(*head: str) -> Paper:
    paper = Paper((226, 640), font="Courier", points=8)
    for text in head:
        paper.put((60, text), down=11)
    paper.skip(8)
    return paper


def _line(name: str, count: int | None, price: Decimal | None, amount: Decimal) -> TruthLine:
    return TruthLine(name, None if count is None else Decimal(count), unit_price=price, line_total=amount)


def count_below(seed: int) -> Printed:
    """Germany: "2 Stk x 0,89" below the ware, a weight below another, letters for the tax, a table of taxes."""
    bought, paper = _bought(seed, "de"), _slip("KAUFMARKT", "Hauptstr. 12", "12345 Musterstadt", "UID Nr.: DE123456789")
    paper.put((-190, "EUR"), down=11)
    truth = []
    for food, count, price in bought:
        paper.put((12, food), (_RIGHT, f"{_comma(count * price)} B"), down=11)
        if count > 1:
            paper.put((40, f"{count} Stk x    {_comma(price)}"), down=11)
        truth.append(_line(food, count if count > 1 else None, None, count * price))
    weight = Decimal("0.436")
    cheese = (weight * Decimal("15.90")).quantize(CENT)
    paper.put((12, "BERGKAESE"), (_RIGHT, f"{_comma(cheese)} B"), down=11)
    paper.put((40, "0,436 kg x   15,90 EUR/kg"), down=11)
    truth.append(TruthLine("BERGKAESE", weight, None, None, Decimal("15.90"), cheese))
    total = sum((count * price for _, count, price in bought), cheese)
    paper.put((12, "-" * 38), down=11)
    paper.put((12, "SUMME"), (-150, "EUR"), (_RIGHT, _comma(total)), bold=True)
    paper.put((12, "Geg. BAR"), (-150, "EUR"), (_RIGHT, "100,00"), down=11)
    paper.put((12, "Rückgeld BAR"), (-150, "EUR"), (_RIGHT, _comma(100 - total)), down=20)
    paper.put((12, "Steuer  %   Netto   Steuer   Brutto"), down=11)
    net = (total / Decimal("1.07")).quantize(CENT)
    paper.put((12, f"B=  7,0%   {_comma(net)}   {_comma(total - net)}   {_comma(total)}"), down=20)
    paper.put((12, "14.03.2024  17:42  Bon-Nr.:4711"))
    return Printed("count-below.pdf", paper.done(), tuple(truth))


def count_inline(seed: int) -> Printed:
    """Germany: "Name  0,89 x 2   1,78 A" on one line."""
    bought, paper = _bought(seed, "de"), _slip("DISCOUNT 24", "Bahnhofstr. 3")
    for food, count, price in bought:
        if count > 1:
            paper.put((12, f"{food:<21}{_comma(price)} x {count}"), (_RIGHT, f"{_comma(count * price)} A"), down=11)
        else:
            paper.put((12, food), (_RIGHT, f"{_comma(price)} A"), down=11)
    total = sum((count * price for _, count, price in bought), Decimal(0))
    paper.put((12, "zu zahlen"), (_RIGHT, _comma(total)), bold=True)
    paper.put((12, "Karte"), (_RIGHT, _comma(total)), down=20)
    truth = tuple(
        _line(food, count if count > 1 else None, price if count > 1 else None, count * price)
        for food, count, price in bought
    )
    return Printed("count-inline.pdf", paper.done(), truth)


def american(seed: int) -> Printed:
    """United States: codes behind names, a letter behind amounts, "2 @ 1.28" above its ware."""
    bought, paper = _bought(seed, "en"), _slip("SUPERSTORE", "ST# 2041 OP# 9 TE# 12")
    rng = random.Random(seed)
    for food, count, price in bought:
        if count > 1:
            paper.put((20, f"{count} @ {price}"), down=11)
        paper.put((12, f"{food:<20} {rng.randint(10**9, 10**10 - 1)}"), (_RIGHT, f"{count * price} F"), down=11)
    total = sum((count * price for _, count, price in bought), Decimal(0))
    for label, value in (
        ("SUBTOTAL", total),
        ("TAX 1  0.000 %", Decimal("0.00")),
        ("TOTAL", total),
        ("VISA TEND", total),
    ):
        paper.put((60, label), (_RIGHT, f"{value:.2f}"), down=11)
    paper.put((12, f"# ITEMS SOLD {sum(count for _, count, _ in bought)}"))
    return Printed(
        "american.pdf", paper.done(), tuple(_line(food, None, None, count * price) for food, count, price in bought)
    )


def british(seed: int) -> Printed:
    """United Kingdom: the count before the name, "@" and the price inside, a saving below that is no ware."""
    bought, paper = _bought(seed, "en"), _slip("FRESHCO EXPRESS", "London SE1")
    for food, count, price in bought:
        text = f"{count} {food} @ £{price}" if count > 1 else f"1 {food}"
        paper.put((12, text), (_RIGHT, f"£{count * price}"), down=11)
    total = sum((count * price for _, count, price in bought), Decimal(0))
    paper.put((12, "TOTAL"), (_RIGHT, f"£{total}"), bold=True)
    paper.put((12, "Contactless"), (_RIGHT, f"£{total}"), down=11)
    paper.put((12, "Points earned  14"))
    return Printed(
        "british.pdf", paper.done(), tuple(_line(food, count, None, count * price) for food, count, price in bought)
    )


def french(seed: int) -> Printed:
    """France: a heading of few words, "3 x 0,99 €" below, paid by card."""
    bought, paper = _bought(seed, "fr"), _slip("SUPER U", "44000 NANTES", "Tel: 02 40 12 34 56")
    for food, count, price in bought:
        paper.put((12, food), *(((_RIGHT, f"{_comma(price)} €"),) if count == 1 else ()), down=11)
        if count > 1:
            paper.put((24, f"{count} x {_comma(price)} €"), (_RIGHT, f"{_comma(count * price)} €"), down=11)
    total = sum((count * price for _, count, price in bought), Decimal(0))
    paper.put((12, f"TOTAL {len(bought)} ARTICLE(S)"), (_RIGHT, f"{_comma(total)} €"), bold=True)
    paper.put((12, "CARTE BANCAIRE"), (_RIGHT, f"{_comma(total)} €"))
    truth = tuple(_line(food, count if count > 1 else None, None, count * price) for food, count, price in bought)
    return Printed("french.pdf", paper.done(), truth)


def spanish(seed: int) -> Printed:
    """Spain: a heading "Descripción  P. Unit  Importe", the count before the name, a price only when more than one."""
    bought, paper = _bought(seed, "es"), _slip("MERCASOL, S.A.", "A-46103834", "FACTURA SIMPLIFICADA: 2041-016-4711")
    paper.put((24, "Descripción"), (-165, "P. Unit"), (_RIGHT, "Importe"), down=12)
    for food, count, price in bought:
        cells = [
            (12.0, str(count)),
            (24.0, food),
            *([(-165.0, _comma(price))] if count > 1 else []),
            (_RIGHT, _comma(count * price)),
        ]
        paper.put(*cells, down=11)
    total = sum((count * price for _, count, price in bought), Decimal(0))
    paper.put((90, "TOTAL (€)"), (_RIGHT, _comma(total)), bold=True)
    paper.put((60, "TARJETA BANCARIA"), (_RIGHT, _comma(total)), down=14)
    paper.put((12, "IVA   BASE IMPONIBLE (€)   CUOTA (€)"), down=11)
    paper.put((12, f"10%        {_comma(total - 1)}         1,00"))
    return Printed(
        "spanish.pdf", paper.done(), tuple(_line(food, count, None, count * price) for food, count, price in bought)
    )


def dutch(seed: int) -> Printed:
    """Netherlands: "AANTAL OMSCHRIJVING PRIJS BEDRAG" in capitals, a bonus that is no ware."""
    bought, paper = _bought(seed, "nl"), _slip("BUURTWINKEL", "Dorpsstraat 1")
    paper.put((12, "AANTAL"), (48, "OMSCHRIJVING"), (-165, "PRIJS"), (_RIGHT, "BEDRAG"), down=12)
    for food, count, price in bought:
        cells = [
            (12.0, str(count)),
            (48.0, food),
            *([(-165.0, _comma(price))] if count > 1 else []),
            (_RIGHT, _comma(count * price)),
        ]
        paper.put(*cells, down=11)
    total = sum((count * price for _, count, price in bought), Decimal(0))
    paper.put((12, str(len(bought))), (48, "SUBTOTAAL"), (_RIGHT, _comma(total)), down=12)
    paper.put((12, "TOTAAL"), (_RIGHT, _comma(total)), bold=True)
    paper.put((12, "PINNEN"), (_RIGHT, _comma(total)))
    return Printed(
        "dutch.pdf", paper.done(), tuple(_line(food, count, None, count * price) for food, count, price in bought)
    )


def restaurant(seed: int) -> Printed:
    """A restaurant's bill: count, dish, price and amount without heading; a table, a waiter, a tip."""
    bought, paper = _bought(seed, "de"), _slip("Gasthaus Linde", "Tisch 12   Kellner 3")
    for food, count, price in bought:
        paper.put(
            (12, f"{count} x"), (36, food.title()), (-165, _comma(price)), (_RIGHT, _comma(count * price)), down=12
        )
    total = sum((count * price for _, count, price in bought), Decimal(0))
    paper.put((12, "Rechnungsbetrag"), (_RIGHT, _comma(total)), bold=True)
    paper.put((12, "inkl. MwSt 19%"), (_RIGHT, _comma(total * 19 / 119)))
    paper.put((12, "Trinkgeld ________"))
    truth = tuple(_line(food.title(), count, price, count * price) for food, count, price in bought)
    return Printed("restaurant.pdf", paper.done(), truth)


def hardware(seed: int) -> Printed:
    """A hardware store: a number above, the name, then "2 ST a 3,99" and the amount."""
    rng = random.Random(seed)
    bought, paper = _bought(seed, "de"), _slip("BAUCENTER", "Industriestr. 5")
    for food, count, price in bought:
        paper.put((12, f"{rng.randint(4 * 10**12, 5 * 10**12)}"), down=11)
        paper.put((12, food), down=11)
        paper.put((24, f"{count} ST a {_comma(price)}"), (_RIGHT, f"{_comma(count * price)} 1"), down=13)
    total = sum((count * price for _, count, price in bought), Decimal(0))
    paper.put((12, "Gesamt EUR"), (_RIGHT, _comma(total)), bold=True)
    paper.put((12, "EC-Karte"), (_RIGHT, _comma(total)))
    return Printed(
        "hardware.pdf", paper.done(), tuple(_line(food, count, price, count * price) for food, count, price in bought)
    )


FAMILIES: tuple[Family, ...] = (
    count_below, count_inline, american, british, french, spanish, dutch, restaurant, hardware,
)  # fmt: skip
