"""Writes the HTML mails of shops and of people who paste tables: with headings and without, nested, stacked, quoted."""

from __future__ import annotations

import html
import random
from collections.abc import Callable, Iterable, Sequence
from email.message import EmailMessage

from tests.workers.documents.corpus.printed import Printed
from tests.workers.documents.corpus.purchases import Basket, basket
from tests.workers.documents.corpus.scorer import TruthLine

Family = Callable[[int], Printed]


def sent(name: str, markup: str, truth: tuple[TruthLine, ...], *, text: str = "") -> Printed:
    """Return an HTML mail, with a plain version when `text` is given."""
    message = EmailMessage()
    message["From"] = "Nordshop <service@nordshop.example>"
    message["To"] = "tom@example.org"
    message["Subject"] = "Your order 100045"
    message["Date"] = "Tue, 12 Mar 2024 09:30:00 +0100"
    page = f"<html><head><title>Order</title><style>td {{color: #333}}</style></head><body>{markup}</body></html>"
    if text:
        message.set_content(text)
        message.add_alternative(page, subtype="html")
    else:
        message.set_content(page, subtype="html")
    return Printed(f"{name}.eml", message.as_bytes(), truth)


def _rows(rows: Iterable[Sequence[str]], tag: str = "td") -> str:
    return "".join("<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in row) + "</tr>" for row in rows)


def _table(*rows: str, style: str = 'cellpadding="4" width="100%"') -> str:
    return f"<table {style}>{''.join(rows)}</table>"


def _outer(bought: Basket, inner: str) -> str:
    """Wrap the order the way shops do: a logo, a greeting, the order, an address, small print."""
    speech = bought.speech
    parts = (
        '<img src="logo.png" alt="Nordshop" width="120">',
        f"<h1>{speech.thanks}</h1><p>{speech.hello}</p><p>#100045 &middot; 12.03.2024</p>",
        inner,
        "<p>Tom Weber<br>Kai 7<br>20457 Hamburg</p>",
        '<p style="font-size:10px">&copy; 2024 Nordshop GmbH, Am Markt 12, 20095 Hamburg<br>Tel. 040 123 45 67</p>',
    )
    return _table(
        *(f"<tr><td>{part}</td></tr>" for part in parts), style='width="600" align="center" role="presentation"'
    )


def _sums(bought: Basket, span: int) -> str:
    return "".join(f'<tr><td colspan="{span}">{label}</td><td>{value}</td></tr>' for label, value in bought.sums())


def times_before(seed: int) -> Printed:
    """Rows without heading: a picture, "2 x Name" with its number below, the amount."""
    bought = basket(seed)
    rows = _rows(
        (
            '<img src="p.jpg" alt="">',
            f"{ware.count} x {html.escape(ware.name)}<br><small>{bought.speech.number} {ware.code}</small>",
            bought.money(ware.amount),
        )
        for ware in bought.wares
    )
    return sent("times-before", _outer(bought, _table(rows, _sums(bought, 2))), bought.truth(part=True, total=True))


def times_after(seed: int) -> Printed:
    """Rows without heading: "Name × 2" and a variant below, the amount; sums in a table of their own."""
    bought = basket(seed)
    rows = _rows(
        (
            '<img src="p.jpg">',
            f"<span>{html.escape(ware.name)}&nbsp;&times;&nbsp;{ware.count}</span><br/><span>{bought.speech.colour}</span>",
            f"<p>{bought.money(ware.amount)}</p>",
        )
        for ware in bought.wares
    )
    return sent("times-after", _outer(bought, _table(rows) + _table(_rows(bought.sums()))), bought.truth(total=True))


def table_each(seed: int) -> Printed:
    """Each ware in a table of its own inside a table for layout, its count and price below its name."""
    bought = basket(seed)
    speech = bought.speech
    tables = "".join(
        _table(
            f'<tr><td rowspan="3"><img src="p.jpg"></td><td><b>{html.escape(ware.name)}</b></td></tr>',
            f"<tr><td>{speech.quantity}: {ware.count}</td></tr>",
            f"<tr><td>{speech.price}: {bought.money(ware.price)}</td></tr>",
        )
        for ware in bought.wares
    )
    return sent("table-each", _outer(bought, tables + _table(_rows(bought.sums()))), bought.truth(price=True))


def with_footer(seed: int) -> Printed:
    """A heading of product, quantity, price; the price is the amount; sums and the way of payment as further rows."""
    bought = basket(seed)
    speech = bought.speech
    rows = _rows(
        (
            f"{html.escape(ware.name)} <ul><li><strong>{speech.colour}</strong></li></ul> (#{ware.code})",
            f"{ware.count}",
            f'<span class="amount"><span>{bought.sign}</span>{bought.plain(ware.amount)}</span>',
        )
        for ware in bought.wares
    )
    foot = "".join(
        f'<tr><th scope="row" colspan="2">{label}:</th><td>{value}</td></tr>'
        for label, value in (*bought.sums()[:2], ("Payment method", "PayPal"), bought.sums()[2])
    )
    table = _table(_rows([(speech.product, speech.quantity, speech.price)], "th"), rows, foot)
    return sent("with-footer", _outer(bought, table), bought.truth(total=True))


def number_below(seed: int) -> Printed:
    """A heading, and the ware's number in a second paragraph of its cell."""
    bought = basket(seed)
    speech = bought.speech
    rows = _rows(
        (
            f"<p>{html.escape(ware.name)}</p><p>{speech.number}: {ware.code}</p>",
            f"{ware.count}",
            bought.money(ware.price),
            bought.money(ware.amount),
        )
        for ware in bought.wares
    )
    head = _rows([(speech.product, speech.quantity, speech.price, speech.total)], "th")
    table = _table(head, rows, _sums(bought, 3))
    return sent("number-below", _outer(bought, table), bought.truth(part=True, price=True, total=True))


def stacked(seed: int) -> Printed:
    """No tables at all: blocks, one below the other, as builders of mails for phones make them."""
    bought = basket(seed)
    speech = bought.speech
    blocks = "".join(
        f'<div class="row"><div class="name">{html.escape(ware.name)}</div><div>{speech.number}: {ware.code}</div>'
        f"<div>{speech.quantity}: {ware.count}</div><div>{bought.money(ware.amount)}</div></div>"
        for ware in bought.wares
    )
    sums = "".join(f"<div><span>{label}</span> <span>{value}</span></div>" for label, value in bought.sums())
    truth = bought.truth(part=True, total=True)
    return sent("stacked", f"<div><h2>{speech.thanks}</h2>{blocks}<hr>{sums}<p>{speech.bye}</p></div>", truth)


def menu(seed: int) -> Printed:
    """Rows of count, name and amount in cells of their own, without heading: "2×", "Pizza", "€19.00"."""
    bought = basket(seed)
    sign = random.Random(seed).choice(("&times;", "x"))
    rows = _rows((f"{ware.count}{sign}", html.escape(ware.name), bought.money(ware.amount)) for ware in bought.wares)
    return sent("menu", _outer(bought, _table(rows, _sums(bought, 2))), bought.truth(total=True))


def bullets(seed: int) -> Printed:
    """A list of points by a person: "2 pcs Name @ 3.50"."""
    bought = basket(seed)
    speech = bought.speech
    style = seed // 5 % 3
    points = []
    for ware in bought.wares:
        name = html.escape(ware.name)
        points.append(
            (
                f"{ware.count} {speech.piece} {name} @ {bought.plain(ware.price)}",
                f"{name} &ndash; {ware.count} {speech.piece}",
                f"{ware.count}x {name} ({speech.number} {ware.code})",
            )[style]
        )
    markup = f"<p>{speech.hello}</p><p>{speech.please}</p><ul>{''.join(f'<li>{point}</li>' for point in points)}</ul>"
    markup += f"<p>{speech.bye}<br>Ann Miller<br>Nordlicht GmbH | Kai 7 | 20457 Hamburg<br>T +49 40 123 45-67</p>"
    truth = bought.truth(unit=None if style == 2 else speech.piece, part=style == 2, price=style == 0)
    return sent("bullets", markup, truth)


def pasted(seed: int) -> Printed:
    """A range of a spreadsheet pasted into a mail: paragraphs in cells, empty columns, hard spaces."""
    bought = basket(seed)
    speech = bought.speech

    def cell(text: str) -> str:
        return f'<p class="MsoNormal" style="margin:0"><span lang="DE">{text or "&nbsp;"}<o:p></o:p></span></p>'

    rows = [(speech.number, speech.product, "", speech.quantity, "", speech.price)]
    rows += [
        (ware.code, html.escape(ware.name), "", str(ware.count), speech.piece, bought.plain(ware.price))
        for ware in bought.wares
    ]
    table = _table(_rows([[cell(text) for text in row] for row in rows]), style='class="MsoNormalTable" border="0"')
    signature = _table(_rows([("Ann Miller", "Purchasing"), ("Phone", "+49 40 123 45 67"), ("Room", "2.14")]))
    top, bottom = f"{cell(speech.hello)}{cell('')}{cell(speech.please)}", f"{cell(speech.bye)}{signature}"
    markup = f'<div class="WordSection1">{top}{table}{bottom}</div>'
    return sent("pasted", markup, bought.truth(part=True, price=True))


def answered(seed: int) -> Printed:
    """An offer above the request it quotes: the same lines twice, priced once."""
    bought = basket(seed)
    speech = bought.speech
    offered = _rows(
        (html.escape(ware.name), str(ware.count), bought.money(ware.price), bought.money(ware.amount))
        for ware in bought.wares
    )
    asked = _rows((html.escape(ware.name), f"{ware.count} {speech.piece}") for ware in bought.wares)
    head = _rows([(speech.product, speech.quantity, speech.price, speech.amount)], "th")
    markup = (
        f"<p>{speech.hello}</p>{_table(head, offered)}<p>{speech.bye}</p>"
        f'<div class="gmail_quote"><div>On Mon, 11 Mar 2024 at 10:02, Tom wrote:<br></div><blockquote type="cite">'
        f"<p>{speech.please}</p>{_table(_rows([(speech.product, speech.quantity)], 'th'), asked)}</blockquote></div>"
    )
    return sent("answered", markup, bought.truth(price=True, total=True))


def receipted(seed: int) -> Printed:
    """The receipt of a payment service: a name, "Qty 2" below it, the amount beside it, sums in further rows."""
    bought = basket(seed)
    speech = bought.speech
    rows = "".join(
        f"<tr><td><span>{html.escape(ware.name)}</span><br><span>{speech.quantity} {ware.count}</span></td>"
        f'<td></td><td align="right">{bought.money(ware.amount)}</td></tr>'
        for ware in bought.wares
    )
    frame = _table(
        _rows([("Receipt number", "2411-3391"), ("Invoice number", "77A0-0001"), ("Payment method", "•••• 4242")])
    )
    return sent("receipted", _outer(bought, frame + _table(rows, _sums(bought, 2))), bought.truth(total=True))


def both_ways(seed: int) -> Printed:
    """The same order as HTML and as text, which must count once."""
    bought = basket(seed)
    speech = bought.speech
    rows = _rows((f"{ware.count} &times; {html.escape(ware.name)}", bought.money(ware.amount)) for ware in bought.wares)
    lines = [f"{ware.count} x {ware.name}  {bought.money(ware.amount)}" for ware in bought.wares]
    lines += [f"{label}: {value}" for label, value in bought.sums()]
    text = "\n".join([speech.hello, "", speech.thanks, "", *lines, "", speech.bye])
    return sent("both-ways", _outer(bought, _table(rows, _sums(bought, 1))), bought.truth(total=True), text=text)


def advertised(seed: int) -> Printed:
    """A newsletter: tiles of wares with prices and a button. Nothing is ordered."""
    bought = basket(seed, least=2)
    tiles = "".join(
        f'<td><img src="p.jpg"><p>{html.escape(ware.name)}</p><p><s>{bought.money(ware.price * 2)}</s> '
        f'<b>{bought.money(ware.price)}</b></p><a href="#">Shop now</a></td>'
        for ware in bought.wares
    )
    markup = _outer(bought, f"<h2>-50 % &ndash; 3 for 2</h2>{_table(f'<tr>{tiles}</tr>')}<p>Offer ends 31.03.2024</p>")
    return sent("advertised", markup, ())


def shipped(seed: int) -> Printed:
    """A notice of dispatch: numbers of parcels and a link. Nothing is ordered."""
    bought = basket(seed)
    rows = [
        ("Order", "100045"),
        ("Parcel", "00340434161094015902"),
        ("Weight", "2.4 kg"),
        ("Parcels", "1"),
        ("Delivery", "14.03.2024"),
    ]
    return sent("shipped", _outer(bought, f"<p>On its way.</p>{_table(_rows(rows))}"), ())


def each_priced(seed: int) -> Printed:
    """A small table for each ware: its picture, its name with the seller and the count below, the price of one."""
    bought = basket(seed, least=2)
    cards = "".join(
        _table(
            f'<tr><td><img src="cid:{ware.code}"></td><td><a href="#">{html.escape(ware.name)}</a><br>'
            f"<span>Nordshop GmbH</span><br>{bought.speech.quantity}: {ware.count}</td>"
            f'<td align="right">{bought.money(ware.price)}</td></tr>'
        )
        for ware in bought.wares
    )
    sums = _table(_rows(bought.sums()))
    return sent("each_priced", _outer(bought, cards + sums), bought.truth(price=True))


def overdue(seed: int) -> Printed:
    """A reminder with a table of open invoices. Nothing is ordered."""
    bought = basket(seed, least=2)
    rows = [("Invoice", "Date", "Due", "Amount", "Open")]
    rows += [
        (
            f"RE-{1000 + index}",
            f"{index + 1:02d}.02.2024",
            f"{index + 1:02d}.03.2024",
            bought.money(ware.amount),
            bought.money(ware.amount),
        )
        for index, ware in enumerate(bought.wares)
    ]
    rows.append(("Total", "", "", "", bought.money(bought.sum)))
    return sent("overdue", f"<p>{bought.speech.hello}</p>{_table(_rows(rows))}<p>{bought.speech.bye}</p>", ())


FAMILIES: tuple[Family, ...] = (
    times_before, times_after, table_each, with_footer, number_below, stacked, menu, bullets, pasted, answered,
    receipted, both_ways, advertised, shipped, each_priced, overdue,
)  # fmt: skip
