"""Orders to print: seeded lines with truth, and the words of five languages around them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class GoodsLine:
    """The truth of one line."""

    description: str
    quantity: Decimal
    unit: str
    part_number: str
    unit_price: Decimal
    line_total: Decimal
    discount: Decimal = Decimal(0)
    wrapped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wording:
    """What a language calls things; each column title has several spellings."""

    code: str
    titles: dict[str, tuple[str, ...]]
    document: dict[str, str]
    units: tuple[str, ...]
    products: tuple[str, ...]
    details: tuple[str, ...]
    subtotal: str
    tax: str
    total: str
    shipping: str
    carried: str
    letter: tuple[str, ...]
    decimal: str = ","
    footer: tuple[str, ...] = field(default=())


ENGLISH = Wording(
    "en",
    {
        "position": ("Item", "No.", "#", "Line", "Pos", "Ln", "S.No"),
        "part": ("Part Number", "Item Code", "SKU", "Product Code", "Part No.", "Stock Code", "IMPA Code", "Article"),
        "description": (
            "Description",
            "Item Description",
            "Product",
            "Item & Description",
            "Description of Goods",
            "Details",
            "Product / Service",
        ),
        "quantity": ("Qty", "Quantity", "QTY", "Qty Ordered", "Qty.", "Ordered", "Qty Shipped"),
        "unit": ("Unit", "UoM", "U/M", "UOM"),
        "price": ("Unit Price", "Price", "Rate", "Price Each", "Unit Cost", "Unit Price (USD)", "Price/Unit"),
        "discount": ("Discount", "Disc. %", "Disc"),
        "tax": ("VAT", "Tax", "VAT %", "Tax Rate"),
        "total": (
            "Amount",
            "Total",
            "Line Total",
            "Extended Price",
            "Net Amount",
            "Ext. Price",
            "Amount (USD)",
            "Total Price",
        ),
        "date": ("Delivery Date", "Date", "Required"),
    },
    {
        "invoice": "INVOICE",
        "order": "PURCHASE ORDER",
        "quote": "Quotation",
        "delivery": "Delivery Note",
        "requisition": "Requisition",
    },
    ("pcs", "EA", "box", "kg", "m", "set", "ltr", "roll", "pair", "Units"),
    (
        "Hex bolt M8x40 zinc plated",
        "Gate valve DN50 PN16",
        "Safety helmet white",
        "Manila rope 24 mm",
        "LED floodlight 50 W",
        "Grease cartridge EP2 400 g",
        "Stainless washer A2",
        "Hydraulic hose 1/2 inch",
        "Paint brush flat 50 mm",
        "Bearing 6204-2RS",
        "Consulting services March",
        "Printer paper A4 80 gsm",
        "USB-C cable 2 m",
        "Cotton rags",
        "Cordless drill 18V",
        "O-ring NBR 70",
        "Office chair Aurora",
        "Cleaning detergent",
        "iPad Mini",
        "Web hosting premium",
        "Total station tripod",
        "Tin opener",
    ),
    (
        "Colour: blue",
        "incl. certificate 3.1",
        "Made in Italy",
        "for pump P-101, deck 2",
        "Warranty 24 months",
        "as per drawing 4711 rev. B",
        "serial 2231-77",
        "with mounting set",
    ),
    "Subtotal",
    "VAT 20%",
    "Total",
    "Shipping",
    "Carried forward",
    (
        "Dear Sir or Madam,",
        "thank you for your order. We are pleased to confirm the following.",
        "Please quote our reference in all correspondence.",
    ),
    ".",
    (
        "Bank: First Bank IBAN GB29 NWBK 6016 1331 9268 19",
        "VAT No. GB123456789",
        "Tel. +44 20 7946 0958",
        "Payment terms: 30 days net",
        "Authorised signature ____________",
    ),
)
GERMAN = Wording(
    "de",
    {
        "position": ("Pos.", "Pos", "Nr.", "Position", "Lfd. Nr."),
        "part": ("Artikel-Nr.", "Art.-Nr.", "Artikelnummer", "Artikel", "Materialnummer", "Bestell-Nr.", "Art.Nr."),
        "description": (
            "Bezeichnung",
            "Beschreibung",
            "Artikelbezeichnung",
            "Leistung",
            "Text",
            "Produktbezeichnung",
            "Artikelbeschreibung",
        ),
        "quantity": ("Menge", "Anzahl", "Anz.", "Bestellmenge", "Liefermenge", "Stück"),
        "unit": ("Einheit", "ME", "Einh.", "Eh."),
        "price": (
            "Einzelpreis",
            "E-Preis",
            "Preis",
            "EP",
            "Stückpreis",
            "Einzelpreis €",
            "Preis/Einheit",
            "Netto-Preis",
        ),
        "discount": ("Rabatt", "Rab. %", "Rabatt %"),
        "tax": ("MwSt.", "USt.", "MwSt. %", "USt. (%)"),
        "total": (
            "Gesamtpreis",
            "Gesamt",
            "Betrag",
            "G-Preis",
            "Summe",
            "Gesamt €",
            "Betrag (EUR)",
            "Gesamtpreis netto",
            "Nettobetrag",
        ),
        "date": ("Liefertermin", "Datum", "Lieferdatum"),
    },
    {
        "invoice": "Rechnung",
        "order": "Bestellung",
        "quote": "Angebot",
        "delivery": "Lieferschein",
        "requisition": "Bedarfsanforderung",
    },
    ("Stk", "Stück", "St", "kg", "m", "Paar", "Satz", "Rolle", "Std.", "VE"),
    (
        "Sechskantschraube M8x40 verzinkt",
        "Absperrventil DN50",
        "Schutzhelm weiß",
        "Drehstrommotor 4 kW",
        "Kugellager 6204-2RS",
        "Montagearbeiten vor Ort",
        "Druckerpapier A4 80 g",
        "Kabelbinder schwarz 200 mm",
        "Hydraulikschlauch 1/2 Zoll",
        "Bürostuhl Aurora",
        "Schmierfett EP2 Kartusche",
        "Unterlegscheibe A2",
        "Softwarewartung jährlich",
        "Arbeitshandschuhe Größe 9",
        "Dichtung EPDM",
        "Fahrtkostenpauschale",
    ),
    (
        "Farbe: blau",
        "inkl. Werkszeugnis 3.1",
        "gemäß Zeichnung 4711 Rev. B",
        "für Pumpe P-101",
        "Garantie 24 Monate",
        "Ursprungsland: Italien",
        "Ihre Artikelnummer 88-12",
        "mit Befestigungssatz",
    ),
    "Zwischensumme",
    "MwSt. 19 %",
    "Gesamtbetrag",
    "Versandkosten",
    "Übertrag",
    (
        "Sehr geehrte Damen und Herren,",
        "vielen Dank für Ihren Auftrag. Wir liefern wie folgt:",
        "Bitte geben Sie bei Zahlung die Rechnungsnummer an.",
    ),
    ",",
    (
        "Bankverbindung: Sparkasse Musterstadt IBAN DE89 3704 0044 0532 0130 00",
        "USt-IdNr. DE123456789",
        "Tel. 0341 / 123 45-0",
        "Zahlbar innerhalb von 14 Tagen ohne Abzug",
        "Geschäftsführer: A. Muster, Amtsgericht Leipzig HRB 1234",
    ),
)
FRENCH = Wording(
    "fr",
    {
        "position": ("N°", "Ligne", "Pos."),
        "part": ("Référence", "Réf.", "Code article", "Réf. article"),
        "description": ("Désignation", "Description", "Libellé", "Désignation des articles", "Produit"),
        "quantity": ("Qté", "Quantité", "Qté cdée", "Qté livrée", "Quant."),
        "unit": ("Unité", "U.", "Un."),
        "price": ("Prix unitaire", "P.U. HT", "PU HT", "Prix unit. HT", "Prix U. HT", "P.U."),
        "discount": ("Remise", "Rem. %", "% Rem"),
        "tax": ("TVA", "TVA %", "Taux TVA"),
        "total": ("Montant HT", "Total HT", "Montant", "Prix total HT", "Total", "Montant net HT"),
        "date": ("Date livraison", "Date"),
    },
    {
        "invoice": "FACTURE",
        "order": "BON DE COMMANDE",
        "quote": "Devis",
        "delivery": "Bon de livraison",
        "requisition": "Demande d'achat",
    },
    ("pce", "U", "kg", "m", "lot", "boîte", "h", "paire"),
    (
        "Vis à tête hexagonale M8x40",
        "Vanne papillon DN50",
        "Casque de sécurité blanc",
        "Câble électrique 3G2,5",
        "Roulement à billes 6204",
        "Papier imprimante A4 80 g",
        "Prestation de conseil",
        "Gants de travail taille 9",
        "Peinture antirouille grise",
        "Joint torique NBR",
        "Chaise de bureau",
        "Huile moteur 15W40",
        "Hébergement web annuel",
    ),
    (
        "Couleur : bleu",
        "garantie 24 mois",
        "selon plan 4711 rév. B",
        "avec certificat 3.1",
        "pour pompe P-101",
        "livraison sur palette",
    ),
    "Sous-total",
    "TVA 20 %",
    "Total TTC",
    "Frais de port",
    "A reporter",
    (
        "Madame, Monsieur,",
        "nous vous remercions de votre commande et vous prions de trouver ci-dessous le détail.",
        "Veuillez rappeler le numéro de facture lors du règlement.",
    ),
    ",",
    (
        "IBAN FR76 3000 6000 0112 3456 7890 189 BIC AGRIFRPP",
        "SIRET 123 456 789 00012 - TVA intra FR12345678901",
        "Tél. 01 23 45 67 89",
        "Conditions de paiement : 30 jours fin de mois",
        "Pas d'escompte pour paiement anticipé",
    ),
)
SPANISH = Wording(
    "es",
    {
        "position": ("Pos.", "Línea", "Nº"),
        "part": ("Código", "Referencia", "Ref.", "Cód. artículo"),
        "description": ("Descripción", "Concepto", "Artículo", "Descripción del artículo", "Detalle"),
        "quantity": ("Cantidad", "Cant.", "Uds.", "Unidades", "Ctd."),
        "unit": ("Unidad", "Ud.", "U.M."),
        "price": ("Precio", "Precio unitario", "P. Unitario", "Precio ud.", "Precio Unit."),
        "discount": ("Dto.", "Descuento", "% Dto."),
        "tax": ("IVA", "% IVA", "IVA %"),
        "total": ("Importe", "Total", "Precio total", "Importe neto", "Importe €"),
        "date": ("Fecha", "Fecha entrega"),
    },
    {
        "invoice": "FACTURA",
        "order": "PEDIDO DE COMPRA",
        "quote": "Presupuesto",
        "delivery": "Albarán",
        "requisition": "Solicitud de material",
    },
    ("ud", "uds", "kg", "m", "caja", "h", "par"),
    (
        "Tornillo hexagonal M8x40",
        "Válvula de compuerta DN50",
        "Casco de seguridad blanco",
        "Cable eléctrico 3x2,5 mm",
        "Rodamiento 6204-2RS",
        "Papel de impresora A4",
        "Servicios de consultoría",
        "Guantes de trabajo talla 9",
        "Pintura antioxidante gris",
        "Junta tórica NBR",
        "Silla de oficina",
        "Aceite de motor 15W40",
    ),
    ("Color: azul", "garantía 24 meses", "según plano 4711", "con certificado 3.1", "para bomba P-101"),
    "Subtotal",
    "IVA 21 %",
    "TOTAL",
    "Portes",
    "Suma y sigue",
    (
        "Estimados señores:",
        "gracias por su pedido. A continuación les detallamos los artículos.",
        "Rogamos indiquen el número de factura en el pago.",
    ),
    ",",
    (
        "IBAN ES91 2100 0418 4502 0005 1332",
        "NIF B12345678 - Registro Mercantil de Madrid",
        "Tel. 91 123 45 67",
        "Forma de pago: transferencia a 30 días",
        "Vencimiento 30/06/2024",
    ),
)
DUTCH = Wording(
    "nl",
    {
        "position": ("Nr.", "Regel", "Pos."),
        "part": ("Artikelnr.", "Artikelnummer", "Artikelcode", "Productcode", "Bestelnummer"),
        "description": ("Omschrijving", "Artikelomschrijving", "Beschrijving", "Product"),
        "quantity": ("Aantal", "Hoeveelheid", "Besteld", "Geleverd"),
        "unit": ("Eenheid", "Eenh."),
        "price": ("Prijs", "Stukprijs", "Prijs per stuk", "Eenheidsprijs", "Prijs excl. btw"),
        "discount": ("Korting", "Korting %"),
        "tax": ("BTW", "BTW %", "Btw-tarief"),
        "total": ("Bedrag", "Totaal", "Totaalprijs", "Bedrag excl.", "Totaal excl. btw"),
        "date": ("Leverdatum", "Datum"),
    },
    {
        "invoice": "Factuur",
        "order": "Inkooporder",
        "quote": "Offerte",
        "delivery": "Pakbon",
        "requisition": "Bestelaanvraag",
    },
    ("st", "stuks", "kg", "m", "doos", "uur", "paar", "rol"),
    (
        "Zeskantbout M8x40 verzinkt",
        "Afsluiter DN50",
        "Veiligheidshelm wit",
        "Kogellager 6204-2RS",
        "Printpapier A4 80 grams",
        "Advieswerkzaamheden",
        "Werkhandschoenen maat 9",
        "Roestwerende verf grijs",
        "O-ring NBR",
        "Bureaustoel Aurora",
        "Motorolie 15W40",
        "Hydrauliekslang half inch",
    ),
    ("Kleur: blauw", "garantie 24 maanden", "volgens tekening 4711", "met certificaat 3.1", "voor pomp P-101"),
    "Subtotaal",
    "BTW 21%",
    "Totaal te betalen",
    "Verzendkosten",
    "Transporteren",
    (
        "Geachte heer, mevrouw,",
        "hartelijk dank voor uw bestelling. Hieronder vindt u de artikelen.",
        "Vermeld bij betaling het factuurnummer.",
    ),
    ",",
    (
        "IBAN NL91 ABNA 0417 1643 00 - KvK 12345678",
        "BTW-nr. NL123456789B01",
        "Tel. 020 123 4567",
        "Betaling binnen 30 dagen",
        "Op al onze leveringen zijn de algemene voorwaarden van toepassing",
    ),
)
LANGUAGES = (ENGLISH, GERMAN, FRENCH, SPANISH, DUTCH)


def part_number(rng: random.Random) -> str:
    """Return a code of one of the sorts that suppliers print."""
    kind = rng.randrange(6)
    if kind == 0:
        return f"{rng.randint(100000, 999999)}"
    if kind == 1:
        return f"{rng.choice('ABCDEFGHKLM')}{rng.choice('ABCDEFGHKLM')}-{rng.randint(1000, 9999)}"
    if kind == 2:
        return f"{rng.randint(10, 99)}.{rng.randint(100, 999)}.{rng.randint(10, 99)}"
    if kind == 3:
        return f"{rng.choice(('VLV', 'BRG', 'SKR', 'TB', 'ART'))}{rng.randint(100, 9999)}{rng.choice(('', 'A4', 'X'))}"
    if kind == 4:
        return f"{rng.randint(1000, 9999)}-{rng.randint(10, 99)}-{rng.choice('ABC')}"
    return f"{rng.randint(10000000, 99999999)}"


def goods(
    rng: random.Random, wording: Wording, count: int, *, discounts: bool = False, credits_: bool = False
) -> list[GoodsLine]:
    """Return `count` lines with unlike descriptions."""
    names = rng.sample(wording.products, min(count, len(wording.products)))
    while len(names) < count:
        names.append(f"{rng.choice(wording.products)} {rng.choice('ABCDEFGH')}{rng.randint(10, 99)}")
    lines = []
    for name in names:
        quantity = Decimal(rng.choice((1, 1, 2, 3, 4, 5, 6, 8, 10, 12, 20, 25, 45, 100, 250)))
        unit = rng.choice(wording.units)
        if unit in ("kg", "m", "ltr") and rng.random() < 0.5:
            quantity += Decimal(rng.choice(("0.5", "0.25", "0.75")))
        price = Decimal(rng.choice((rng.randint(5, 999), rng.randint(1000, 30000), rng.randint(30000, 400000)))) / 100
        if credits_ and rng.random() < 0.2:
            quantity = -quantity
        discount = Decimal(rng.choice((0, 5, 10, 15))) if discounts else Decimal(0)
        total = (quantity * price * (100 - discount) / 100).quantize(CENT, ROUND_HALF_UP)
        details = tuple(rng.sample(wording.details, rng.choice((0, 0, 1, 1, 2, 3))))
        lines.append(GoodsLine(name, quantity, unit, part_number(rng), price, total, discount, details))
    return lines
