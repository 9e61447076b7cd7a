"""What is bought, for the mails and papers of strangers: wares whose names hold numbers, and a shop's words."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal

from tests.workers.documents.corpus.goods import CENT, part_number
from tests.workers.documents.corpus.scorer import TruthLine


@dataclass(frozen=True, slots=True)
class Speech:
    """What a shop writes in one language."""

    code: str
    decimal: str
    quantity: str
    price: str
    product: str
    number: str
    amount: str
    subtotal: str
    shipping: str
    tax: str
    total: str
    piece: str
    hello: str
    thanks: str
    please: str
    bye: str
    colour: str
    wares: tuple[str, ...]


SPEECHES = (
    Speech(
        "en", ".", "Qty", "Price", "Product", "SKU", "Amount", "Subtotal", "Shipping", "VAT (20%)", "Total", "pcs",
        "Hi Tom,", "Thank you for your order!", "please supply the following:", "Best regards", "Colour: navy",
        ("12 V battery 7 Ah", "4-port gigabit switch", "Copier paper A4 (500 sheets)", "3M masking tape 48 mm",
         "Hex key set, 9 pieces", "Work gloves size 10", "USB-C to HDMI adapter", "LED tube T8 120 cm",
         "Stainless hose clamp 40-60 mm", "Nitrile gloves, box of 100", "Oil filter W 712/94", "Deck brush 30 cm"),
    ),
    Speech(
        "de", ",", "Menge", "Preis", "Artikel", "Art.-Nr.", "Betrag", "Zwischensumme", "Versand", "MwSt. 19 %",
        "Gesamtsumme", "Stk",
        "Hallo Herr Weber,", "Vielen Dank für Ihre Bestellung!", "bitte liefern Sie uns folgende Artikel:",
        "Viele Grüße",
        "Farbe: Schwarz",
        ("Batterie 12 V 7 Ah", "Kopierpapier A4 500 Blatt", "Gewindestange M10 x 1000",
        "Mantelleitung NYM-J 3x1,5 Ring 50 m",
         "Arbeitshandschuhe Gr. 10", "Ölfilter W 712/94", "Schleifscheibe 125 mm Korn 80", "Kaffeebohnen 1 kg",
         "LED-Röhre T8 120 cm", "Spanngurt 5 m, 2-teilig", "Silikon transparent 310 ml", "Fugenbürste"),
    ),
    Speech(
        "fr", ",", "Quantité", "Prix", "Produit", "Réf.", "Montant", "Sous-total", "Livraison", "TVA 20 %",
        "Total TTC", "pcs",
        "Bonjour Monsieur Martin,", "Merci pour votre commande !", "merci de nous livrer les articles suivants :",
        "Cordialement",
        "Couleur : noir",
        ("Batterie 12 V 7 Ah", "Ramette papier A4 500 feuilles", "Tige filetée M10", "Gants de travail taille 10",
         "Filtre à huile W 712/94", "Disque abrasif 125 mm", "Tube LED T8 120 cm", "Café en grains 1 kg",
         "Colle époxy 2 x 25 ml", "Collier de serrage 40-60 mm", "Brosse de pont", "Câble RJ45 cat. 6 de 5 m"),
    ),
    Speech(
        "es", ",", "Cantidad", "Precio", "Producto", "Referencia", "Importe", "Subtotal", "Envío", "IVA 21 %",
        "Total", "uds",
        "Hola, Luis:", "¡Gracias por tu pedido!", "rogamos nos suministren los siguientes artículos:", "Un saludo",
        "Color: negro",
        ("Batería 12 V 7 Ah", "Papel A4 500 hojas", "Varilla roscada M10", "Guantes de trabajo talla 10",
         "Filtro de aceite W 712/94", "Disco de lija 125 mm", "Tubo LED T8 120 cm", "Café en grano 1 kg",
         "Abrazadera 40-60 mm", "Cepillo de cubierta", "Cable RJ45 cat. 6 de 5 m", "Silicona neutra 310 ml"),
    ),
    Speech(
        "nl", ",", "Aantal", "Prijs", "Product", "Artikelnummer", "Bedrag", "Subtotaal", "Verzending", "BTW 21%",
        "Totaal", "stuks",
        "Beste Jan,", "Bedankt voor je bestelling!", "graag ontvangen wij de volgende artikelen:",
        "Met vriendelijke groet",
        "Kleur: zwart",
        ("Accu 12 V 7 Ah", "Kopieerpapier A4 500 vel", "Draadeind M10", "Werkhandschoenen maat 10",
         "Oliefilter W 712/94", "Schuurschijf 125 mm", "LED-buis T8 120 cm", "Koffiebonen 1 kg",
         "Slangklem 40-60 mm", "Dekborstel", "Netwerkkabel cat. 6, 5 m", "Siliconenkit 310 ml"),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bought:
    """One ware of an order."""

    name: str
    count: int
    code: str
    price: Decimal

    @property
    def amount(self) -> Decimal:
        return self.count * self.price


@dataclass(frozen=True, slots=True)
class Basket:
    """An order: in whose words, what, and the ways to print a sum of money."""

    speech: Speech
    wares: tuple[Bought, ...]
    sign: str

    @property
    def sum(self) -> Decimal:
        return sum((ware.amount for ware in self.wares), Decimal(0))

    def plain(self, value: Decimal) -> str:
        """Return an amount without currency."""
        text = f"{value:,.2f}"
        return text if self.speech.decimal == "." else text.translate(str.maketrans(",.", ".,"))

    def money(self, value: Decimal) -> str:
        """Return an amount with its currency, in front in English, behind elsewhere."""
        return f"{self.sign}{self.plain(value)}" if self.speech.decimal == "." else f"{self.plain(value)} {self.sign}"

    def sums(self) -> tuple[tuple[str, str], ...]:
        """Return what stands below the wares: labels and amounts."""
        freight = Decimal("5.90")
        shown = ((self.speech.subtotal, self.sum), (self.speech.shipping, freight))
        return tuple((label, self.money(value)) for label, value in (*shown, (self.speech.total, self.sum + freight)))

    def truth(
        self, *, part: bool = False, unit: str | None = None, price: bool = False, total: bool = False
    ) -> tuple[TruthLine, ...]:
        """Return the lines as far as they are printed."""
        return tuple(
            TruthLine(
                ware.name,
                Decimal(ware.count),
                unit,
                ware.code if part else None,
                ware.price if price else None,
                ware.amount if total else None,
            )
            for ware in self.wares
        )


def basket(seed: int, *, least: int = 1) -> Basket:
    """Return an order of one to seven wares in one of five languages."""
    rng = random.Random(seed)
    speech = SPEECHES[seed % len(SPEECHES)]
    names = rng.sample(speech.wares, rng.choice([count for count in (1, 2, 3, 4, 7) if count >= least]))
    wares = tuple(
        Bought(name, rng.choice((1, 1, 2, 3, 5, 10, 24)), part_number(rng), rng.randint(95, 30000) * CENT)
        for name in names
    )
    return Basket(speech, wares, "€" if speech.decimal == "," else rng.choice(("£", "$")))
