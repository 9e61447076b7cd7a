"""Writes the plain mails of people who order, and how mail travels: code pages, wrapping, quoting, attachments."""

from __future__ import annotations

import base64
import io
import quopri
import random
import zipfile
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP

from tests.workers.documents.corpus.printed import Printed, press
from tests.workers.documents.corpus.purchases import Basket, basket
from tests.workers.documents.corpus.scorer import TruthLine
from tests.workers.documents.corpus.sheets import separated, workbook

Family = Callable[[int], Printed]


def note(bought: Basket, *lines: str) -> str:
    """Return the text of a mail: a greeting, `lines`, a goodbye and a signature with numbers in it."""
    speech = bought.speech
    signature = (
        "--",
        "Ann Miller",
        "Nordlicht GmbH, Kai 7, 20457 Hamburg",
        "Tel. +49 40 123 45 67 | Fax 040 123 45 68",
    )
    return "\n".join((speech.hello, "", speech.please, "", *lines, "", speech.bye, *signature))


def posted(name: str, text: str, truth: tuple[TruthLine, ...]) -> Printed:
    """Return a plain mail."""
    return Printed(f"{name}.eml", _message(text).as_bytes(), truth)


def _message(text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Ann Miller <ann@example.org>"
    message["To"] = "sales@example.com"
    message["Subject"] = "Order 4711"
    message["Date"] = "Tue, 12 Mar 2024 09:30:00 +0100"
    message.set_content(text)
    return message


def untitled_columns(seed: int) -> Printed:
    """Columns made with spaces, no heading: number, name, count and unit, price, amount."""
    bought = basket(seed)
    lines = [
        f"{ware.code:<14}{ware.name:<42}{ware.count:>5} {bought.speech.piece:<6}"
        f"{bought.plain(ware.price):>10}{bought.plain(ware.amount):>12}"
        for ware in bought.wares
    ]
    return posted("untitled-columns", note(bought, *lines), bought.truth(price=True, total=True))


def tabbed(seed: int) -> Printed:
    """Cells pasted from a spreadsheet, parted by tabs, with a heading."""
    bought = basket(seed)
    speech = bought.speech
    lines = ["\t".join((speech.number, speech.product, speech.quantity, speech.price))]
    lines += [f"{ware.code}\t{ware.name}\t{ware.count}\t{bought.plain(ware.price)}" for ware in bought.wares]
    return posted("tabbed", note(bought, *lines), bought.truth(part=True, price=True))


def pasted_csv(seed: int) -> Printed:
    """Character-separated lines in the body of a mail."""
    bought = basket(seed)
    speech = bought.speech
    lines = [f"{speech.number};{speech.product};{speech.quantity}"]
    lines += [f"{ware.code};{ware.name};{ware.count}" for ware in bought.wares]
    return posted("pasted-csv", note(bought, *lines), bought.truth(part=True))


def piped(seed: int) -> Printed:
    """A table drawn with bars and dashes."""
    bought = basket(seed)
    speech = bought.speech
    lines = [
        f"| {speech.product:<40} | {speech.quantity:>8} | {speech.price:>10} |",
        f"|{'-' * 42}|{'-' * 10}|{'-' * 12}|",
    ]
    lines += [f"| {ware.name:<40} | {ware.count:>8} | {bought.plain(ware.price):>10} |" for ware in bought.wares]
    return posted("piped", note(bought, *lines), bought.truth(price=True))


def bulleted(seed: int) -> Printed:
    """Points: "- 4 pcs ABC @ 3.50", "* ABC (4711) - 4 pcs", "• 4x ABC"."""
    bought = basket(seed)
    speech = bought.speech
    style = seed // 5 % 3
    lines = [
        (
            f"- {ware.count} {speech.piece} {ware.name} @ {bought.plain(ware.price)}",
            f"* {ware.name} ({speech.number} {ware.code}) - {ware.count} {speech.piece}",
            f"• {ware.count}x {ware.name}",
        )[style]
        for ware in bought.wares
    ]
    truth = bought.truth(unit=None if style == 2 else speech.piece, part=style == 1, price=style == 0)
    return posted("bulleted", note(bought, *lines), truth)


def numbered(seed: int) -> Printed:
    """Numbered lines: "1. ABC, 4 pcs", "1) 4 pcs ABC"."""
    bought = basket(seed)
    piece = bought.speech.piece
    lines = [
        f"{index}. {ware.name}, {ware.count} {piece}" if seed // 5 % 2 else f"{index}) {ware.count} {piece} {ware.name}"
        for index, ware in enumerate(bought.wares, start=1)
    ]
    return posted("numbered", note(bought, *lines), bought.truth(unit=piece))


def bare(seed: int) -> Printed:
    """Lines without any mark: "10 pcs ABC", or "ABC: 10 pcs", or "ABC ..... 10"."""
    bought = basket(seed)
    piece = bought.speech.piece
    style = seed // 5 % 3
    lines = [
        (
            f"{ware.count} {piece} {ware.name}",
            f"{ware.name}: {ware.count} {piece}",
            f"{ware.name} {'.' * (50 - len(ware.name))} {ware.count} {piece}",
        )[style]
        for ware in bought.wares
    ]
    return posted("bare", note(bought, *lines), bought.truth(unit=piece))


def coded(seed: int) -> Printed:
    """A number, a dash, a name, and how many: "AB-1200 - ABC - 4 pcs"."""
    bought = basket(seed)
    lines = [f"{ware.code} - {ware.name} - {ware.count} {bought.speech.piece}" for ware in bought.wares]
    return posted("coded", note(bought, *lines), bought.truth(unit=bought.speech.piece))


def blocks(seed: int) -> Printed:
    """A block of labelled fields for each ware."""
    bought = basket(seed)
    speech = bought.speech
    lines = [
        line
        for ware in bought.wares
        for line in (
            f"{speech.product}: {ware.name}",
            f"{speech.number}: {ware.code}",
            f"{speech.quantity}: {ware.count}",
            f"{speech.price}: {bought.money(ware.price)}",
            "",
        )
    ]
    return posted("blocks", note(bought, *lines), bought.truth(part=True, price=True))


def shop_text(seed: int) -> Printed:
    """What a shop sends as text: "ABC × 2 = €24.00", "2x ABC - €24.00", a name above its count and amount."""
    bought = basket(seed)
    speech = bought.speech
    style = seed // 5 % 3
    lines = []
    for ware in bought.wares:
        if style == 0:
            lines.append(f"{ware.name} (#{ware.code}) × {ware.count} = {bought.money(ware.amount)}")
        elif style == 1:
            lines.append(f"{ware.count}x {ware.name} - {bought.money(ware.amount)}")
        else:
            lines += [ware.name, f"  {speech.quantity}: {ware.count}", f"  {bought.money(ware.amount)}", ""]
    lines += ["", "-" * 20, *(f"{label}: {value}" for label, value in bought.sums()), "Payment method: Visa •••• 4242"]
    return posted("shop-text", note(bought, *lines), bought.truth(total=True))


def _listed(bought: Basket) -> str:
    return note(bought, *(f"- {ware.count} {bought.speech.piece} {ware.name}" for ware in bought.wares))


def quoted(seed: int) -> Printed:
    """A short answer above the quoted order; or an answer that repeats the lines it quotes."""
    bought = basket(seed)
    original = _listed(bought)
    again = original if seed // 5 % 2 else "Thanks, will be shipped on 14.03.2024.\nOrder no. 2 x confirmed."
    text = "\n".join(
        (again, "", "On 12/03/2024 10:02, Ann Miller wrote:", *(f"> {line}" for line in original.splitlines()))
    )
    return posted("quoted", text, bought.truth(unit=bought.speech.piece))


def forwarded(seed: int) -> Printed:
    """An order passed on within the text of a mail."""
    bought = basket(seed)
    head = (
        "FYI",
        "",
        "---------- Forwarded message ---------",
        "Von: Ann Miller <ann@example.org>",
        "Date: Di., 12. März 2024 um 09:30 Uhr",
    )
    text = "\n".join((*head, "Subject: Order 4711", "To: <sales@example.com>", "", _listed(bought)))
    return posted("forwarded", text, bought.truth(unit=bought.speech.piece))


def encoded(seed: int) -> Printed:
    """One order in the code pages and transfer encodings that mail programs use."""
    bought = basket(seed)
    charset, transfer = (
        ("iso-8859-1", "quoted-printable"),
        ("windows-1252", "8bit"),
        ("utf-8", "base64"),
        ("utf-16", "base64"),
        ("iso-8859-15", "base64"),
        ("unknown-8bit", "8bit"),
    )[seed % 6]
    text = _listed(bought).replace("\n", "\r\n")
    data = text.encode("cp1252" if charset == "unknown-8bit" else charset, errors="replace")
    body = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring, "8bit": bytes}[transfer](data)
    head = "From: Ann <ann@example.org>\r\nTo: sales@example.com\r\nSubject: =?utf-8?q?Bestellung_M=C3=A4rz?=\r\n"
    head += "MIME-Version: 1.0\r\n"
    head += f'Content-Type: text/plain; charset="{charset}"\r\nContent-Transfer-Encoding: {transfer}\r\n\r\n'
    return Printed(f"encoded-{charset}.eml", head.encode() + body, bought.truth(unit=bought.speech.piece))


def wrapped(seed: int) -> Printed:
    """Points whose long lines the mail program broke, with a mark for flowed text."""
    bought = basket(seed)
    piece = bought.speech.piece
    lines = [
        f"- {ware.count} {piece} {ware.name}, as offered in your letter of 1 March, \r\n  packed for sea"
        for ware in bought.wares
    ]
    message = _message(note(bought, *lines))
    message.set_param("format", "flowed")
    return Printed("wrapped.eml", message.as_bytes(), bought.truth(unit=piece))


def attached_and_said(seed: int) -> Printed:
    """The body repeats in a list what the attached file orders."""
    rng = random.Random(seed)
    attached = rng.choice((workbook, separated, press))(seed)
    lines = [f"- {line.quantity} x {line.description}" for line in attached.truth]
    message = _message("\n".join(("Hello,", "", "attached our order:", "", *lines, "", "Best regards")))
    message.add_attachment(attached.data, maintype="application", subtype="octet-stream", filename=attached.name)
    return Printed("attached-and-said.eml", message.as_bytes(), attached.truth)


def zipped(seed: int) -> Printed:
    """The order is in an archive, with terms of trade beside it."""
    attached = workbook(seed) if seed % 2 else press(seed)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(attached.name, attached.data)
        archive.writestr("terms.txt", "Our terms of trade apply. Payment within 30 days.")
    message = _message("Please find our order attached.\n\nBest regards\nAnn")
    message.add_attachment(buffer.getvalue(), maintype="application", subtype="zip", filename="order.zip")
    return Printed("zipped.eml", message.as_bytes(policy=SMTP), attached.truth)


def nested(seed: int) -> Printed:
    """A mail forwarded as an attachment, whose own attachment is the order."""
    attached = workbook(seed) if seed % 2 else separated(seed)
    inner = _message("see attachment")
    inner.add_attachment(attached.data, maintype="application", subtype="octet-stream", filename=attached.name)
    outer = _message("Please handle.\n-- \nAnn\n2 x daily: 9:00 and 15:00\nTel. 040 123 45 67")
    outer.add_attachment(inner)
    return Printed("nested.eml", outer.as_bytes(), attached.truth)


def parenthesised(seed: int) -> Printed:
    """Every name ends in its code: "2) Deck brush (4711-B) - 3 pcs @ 4,50 €"."""
    bought = basket(seed)
    unit = random.Random(seed).choice((bought.speech.piece, "par", "doos", "paire"))
    lines = (
        f"{place}) {ware.name} ({ware.code.replace(' ', '')}) - {ware.count} {unit} @ {bought.money(ware.price)}"
        for place, ware in enumerate(bought.wares, 1)
    )
    truth = (
        replace(line, part_number=(line.part_number or "").replace(" ", ""))
        for line in bought.truth(part=True, unit=unit, price=True)
    )
    return posted("parenthesised", note(bought, *lines), tuple(truth))


def chatted(seed: int) -> Printed:
    """Mails with numbers and nothing to order: a meeting, an absence, a question, a complaint."""
    text = (
        "Hi Tom,\n\nI am out of office from 12.03. to 18.03.2024. In urgent cases call 040 123 45 67 (9-17 h).\n\n"
        "2 x per day I read mail.\n",
        "Hallo,\n\nTermin am 14.03. um 10:00 Uhr, Raum 2.14. Tagesordnung:\n1. Umsatz Q1: 120.000 EUR\n"
        "2. Personal: 3 Stellen\n3. Sonstiges\n\nGruß\n",
        "Bonjour,\n\nvotre facture 4711 du 02.02.2024 d'un montant de 1.234,50 € reste impayée.\n"
        "Merci de payer sous 8 jours.\n\nCordialement\n",
        "Hola,\n\n¿tienen existencias del filtro W 712/94? Necesitaríamos precio y plazo de entrega.\n\n"
        "Un saludo\nTel. 91 123 45 67\n",
        "Beste,\n\n- levering was 2 dagen te laat\n- doos was beschadigd\n- factuur 2024-001 klopt niet\n\n"
        "Graag reactie voor 15 maart.\n",
        "Dear all,\n\nplease note our new bank details:\nIBAN DE12 3456 7890 1234 5678 90\nBIC ABCDEFGH\n"
        "Opening hours: Mon-Fri 8-17\n",
    )[seed % 6]
    return posted("chatted", text, ())


FAMILIES: tuple[Family, ...] = (
    untitled_columns, tabbed, pasted_csv, piped, bulleted, numbered, bare, coded, blocks, shop_text, quoted, forwarded,
    encoded, wrapped, attached_and_said, zipped, nested, parenthesised, chatted,
)  # fmt: skip
