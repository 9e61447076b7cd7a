"""Makes pairs of product catalogues with a known truth: two shops that name the same goods in their own way.

Families of near-identical models (next number, other letter, colour or size), accessories that name another
product's code, dropped and foreign codes, abbreviations, typing errors, missing prices. Seeded, so repeatable.
"""

import random
import string
from collections.abc import Callable
from dataclasses import dataclass, replace

from workers.documents.matching.catalogue import CatalogueRow, Line


@dataclass(frozen=True, slots=True)
class Trade:
    """A kind of goods: its names (usual first), features, sizes, colours, price range and share of coded names."""

    names: tuple[str, ...]
    features: tuple[str, ...]
    sizes: tuple[str, ...]
    colours: tuple[str, ...]
    prices: tuple[float, float]
    series: bool = False


_APPLIANCE = ("White", "Black", "Stainless Steel", "Bisque")
_GADGET = ("Black", "Silver", "White", "Blue", "Red", "Pink")
_TRADES: tuple[Trade, ...] = (
    Trade(("Digital Camera", "Compact Camera", "Digital Still Camera", "Point and Shoot Camera"),
          ("3x Optical Zoom", "Image Stabilization", "2.5' LCD", "Face Detection", "ISO 1600", "Lithium-Ion Battery"),
          ("7.2 Megapixel", "8.1 Megapixel", "10.1 Megapixel", "12.1 Megapixel"), _GADGET, (90, 600)),
    Trade(("LCD HDTV", "Flat Panel LCD TV", "LCD Television", "Widescreen LCD HDTV"),
          ("1080p", "720p", "HDMI", "16:9", "120Hz", "8ms Response", "NTSC", "Built-In ATSC Tuner"),
          ("19'", "26'", "32'", "37'", "40'", "42'", "46'", "52'"), ("Black", "Silver"), (250, 2800)),
    Trade(("Over-The-Range Microwave Oven", "Microwave", "Microwave Oven", "Countertop Microwave"),
          ("1000 Watts", "10 Power Levels", "Sensor Cooking", "Turntable", "Auto Defrost", "Child Lock"),
          ("0.7 Cu. Ft.", "1.2 Cu. Ft.", "1.5 Cu. Ft.", "2.0 Cu. Ft."), _APPLIANCE, (70, 500)),
    Trade(("Refrigerator", "Side By Side Refrigerator", "Top Freezer Refrigerator", "Bottom Mount Refrigerator"),
          ("Energy Star", "Ice Maker", "Glass Shelves", "Humidity Crisper", "Reversible Doors", "Adjustable Shelves"),
          ("18.2 Cu. Ft.", "20.6 Cu. Ft.", "25.5 Cu. Ft.", "22 Cu. Ft."), _APPLIANCE, (450, 2600)),
    Trade(("Dishwasher", "Built-In Dishwasher", "Tall Tub Dishwasher", "Full Console Dishwasher"),
          ("Quiet Operation", "5 Wash Cycles", "Nylon Racks", "Energy Star", "Hidden Controls", "Delay Start"),
          ("24'", "18'"), _APPLIANCE, (250, 1200)),
    Trade(("Front Load Washer", "Washing Machine", "High-Efficiency Washer", "Washer"),
          ("1200 RPM", "6 Wash Cycles", "Stainless Steel Drum", "Energy Star", "Delay Wash", "LED Display"),
          ("3.3 Cu. Ft.", "3.7 Cu. Ft.", "4.0 Cu. Ft."), ("White", "Titanium", "Cherry", "Blue"), (400, 1500)),
    Trade(("Bookshelf Speakers", "Speaker System", "Speaker Pair", "2-Way Loudspeaker"),
          ("100 Watts", "5.25' Woofer", "Magnetically Shielded", "1' Tweeter", "8 Ohms", "Wall Mountable"),
          ("", "5.1-Channel"), ("Black", "White", "Cherry", "Maple"), (80, 900), True),
    Trade(("Headphones", "Noise Canceling Headphones", "In-Ear Headphones", "Stereo Headset"),
          ("Noise Cancelling", "Foldable", "40mm Drivers", "In-Line Volume", "Carry Case", "Neodymium"),
          ("",), ("Black", "White", "Silver", "Pink"), (15, 300), True),
    Trade(("Cordless Telephone", "Expandable Cordless Phone", "DECT 6.0 Phone System", "Cordless Phone"),
          ("Caller ID", "Digital Answering System", "Speakerphone", "Call Waiting", "Intercom", "Wall Mountable"),
          ("5.8GHz", "2.4GHz", "1.9GHz"), ("Black", "Silver", "White"), (30, 200)),
    Trade(("GPS Navigator", "Portable GPS", "GPS Receiver", "Automotive Navigation System"),
          ("3.5' Touchscreen", "Text-To-Speech", "Bluetooth", "MP3 Player", "Preloaded Maps", "Traffic Receiver"),
          ("", "4.3'"), ("Black", "Silver"), (120, 700), True),
    Trade(("Camcorder", "Digital Camcorder", "Flash Memory Camcorder", "HD Camcorder"),
          ("40x Optical Zoom", "2.7' LCD", "16:9", "Image Stabilizer", "USB", "Hard Disk Drive"),
          ("60GB", "30GB", "8GB", "4GB"), ("Silver", "Black", "Blue", "Red"), (200, 1100)),
    Trade(("CD Receiver", "In-Dash CD Player", "Car Stereo", "CD/MP3 Car Receiver"),
          ("50 Watts x 4", "Detachable Face", "AM/FM Tuner", "Rear USB", "iPod Ready", "Wireless Remote"),
          ("",), ("Black",), (80, 400)),
    Trade(("A/V Receiver", "Home Theater Receiver", "Audio/Video Receiver", "AV Receiver"),
          ("HDMI Repeater", "Dolby Digital", "DTS", "Auto Calibration", "100W Per Channel", "FM Tuner"),
          ("5.1-Channel", "7.1-Channel"), ("Black", "Silver"), (180, 1600)),
    Trade(("Ethernet Switch", "Fast Ethernet Switch", "Gigabit Switch", "Desktop Switch"),
          ("10/100Base-TX", "Auto-Negotiation", "Plug and Play", "Rack-Mountable", "QoS", "Full Duplex"),
          ("5 Port", "8 Port", "16 Port", "24 Port"), ("",), (25, 500), True),
    Trade(("Wireless Router", "Broadband Router", "Wireless-G Router", "Wi-Fi Router"),
          ("802.11g", "802.11n", "4 Port Switch", "WPA2", "Firewall", "54Mbps"), ("",), ("",), (35, 200), True),
    Trade(("Ink Cartridge", "Inkjet Print Cartridge", "Ink Tank", "Ink Cart"),
          ("350 Pages", "OEM", "Inkjet", "High Yield", "Vivera Ink", "Photo Quality"),
          ("", "2 Pack"), ("Black", "Cyan", "Magenta", "Yellow", "Tri-Color"), (9, 60), True),
    Trade(("Toner Cartridge", "Laser Toner", "Print Cartridge", "Toner"),
          ("5000 Pages", "High Yield", "Laser", "Return Program", "OEM", "Smart Chip"),
          ("",), ("Black", "Cyan", "Magenta", "Yellow"), (50, 250), True),
    Trade(("Notebook", "Laptop Computer", "Notebook PC", "Laptop"),
          ("Intel Core 2 Duo", "DVD Burner", "Windows 7", "Webcam", "Wi-Fi", "2GB Memory", "4GB Memory"),
          ("10.1'", "13.3'", "14'", "15.6'", "17.3'"), ("Black", "Silver", "Blue", "Red"), (300, 1700), True),
    Trade(("External Hard Drive", "Portable Hard Drive", "Desktop Hard Drive", "USB Hard Drive"),
          ("USB 2.0", "7200rpm", "FireWire", "Backup Software", "8MB Cache", "eSATA"),
          ("250GB", "320GB", "500GB", "1TB", "2TB"), ("Black", "Silver", "Red", "Blue"), (60, 300), True),
    Trade(("SDHC Memory Card", "Flash Memory Card", "SD Card", "Memory Card"),
          ("Class 4", "Class 6", "High Speed", "Lifetime Warranty", "Adapter Included", "20MB/s"),
          ("2GB", "4GB", "8GB", "16GB", "32GB"), ("",), (8, 90), True),
    Trade(("Carrying Case", "Leather Case", "Protective Sleeve", "Soft Case", "Camera Bag"),
          ("Belt Loop", "Nylon", "Padded", "Shoulder Strap", "Zippered Pocket", "Neoprene"),
          ("", "15.4'", "17'"), ("Black", "Brown", "Pink", "Blue", "Gray"), (10, 80), True),
    Trade(("Vacuum Cleaner", "Upright Vacuum", "Canister Vacuum", "Bagless Upright Vacuum"),
          ("HEPA Filter", "12 Amps", "Pet Hair Tool", "Bagless", "25' Cord", "Height Adjustment"),
          ("",), ("Red", "Blue", "Silver", "Green"), (60, 500), True),
    Trade(("Coffee Maker", "Coffeemaker", "Drip Coffee Maker", "Programmable Coffee Maker"),
          ("Auto Shut-Off", "Thermal Carafe", "Gold Tone Filter", "24-Hour Timer", "Brew Pause"),
          ("12 Cup", "10 Cup", "4 Cup"), ("Black", "White", "Stainless Steel", "Red"), (20, 200)),
    Trade(("Wall Mount", "TV Mount", "Flat Panel Mount", "Tilting Wall Mount"),
          ("VESA Compliant", "130 lbs Capacity", "Tilt", "Full Motion", "Steel", "Low Profile"),
          ("23' - 46'", "32' - 60'", "10' - 26'"), ("Black", "Silver"), (30, 300), True),
    Trade(("HDMI Cable", "Audio Cable", "USB Cable", "Speaker Cable", "Network Patch Cable"),
          ("Gold Plated", "Triple Shielded", "High Speed", "Snagless", "24AWG", "Male to Male"),
          ("3 ft", "6 ft", "10 ft", "25 ft", "50 ft"), ("", "Black", "White", "Blue"), (6, 120), True),
    Trade(("Surge Protector", "Power Conditioner", "Battery Backup UPS", "Surge Suppressor"),
          ("2160 Joules", "Coax Protection", "6 ft Cord", "LED Indicator", "EMI/RFI Filter"),
          ("6 Outlet", "8 Outlet", "10 Outlet", "750VA"), ("Black", "White", ""), (15, 250)),
    Trade(("LCD Monitor", "Widescreen Monitor", "Flat Panel Display", "LED Monitor"),
          ("5ms Response", "VGA", "DVI", "1000:1", "Built-In Speakers", "1680 x 1050"),
          ("17'", "19'", "20'", "22'", "24'"), ("Black", "Silver"), (120, 700)),
    Trade(("MP3 Player", "Digital Media Player", "Portable Media Player", "MP3 Audio Player"),
          ("FM Tuner", "Color Display", "Video Playback", "USB 2.0", "Voice Recorder"),
          ("2GB", "4GB", "8GB", "16GB", "30GB"), _GADGET, (30, 300), True),
    Trade(("Subwoofer", "Powered Subwoofer", "Active Subwoofer", "Car Subwoofer"),
          ("300 Watts", "Front Firing", "Dual Voice Coil", "MDF Enclosure", "Phase Control"),
          ("8'", "10'", "12'"), ("Black", "Cherry", "White"), (90, 800)),
    Trade(("Film Camera Lens", "Zoom Lens", "Telephoto Lens", "Camera Lens"),
          ("Image Stabilizer", "Autofocus", "Ultrasonic Motor", "Macro", "58mm Filter"),
          ("18-55mm f/3.5", "70-300mm f/4", "50mm f/1.8", "28-135mm f/3.5"), ("",), (90, 1500), True),
)  # fmt: skip
_SERIES = (
    "Pro", "Elite", "Active", "Nova", "Titan", "Vista", "Delta", "Aura", "Quiet", "Signature", "Prestige", "Essential",
    "Ultra", "Studio", "Metro", "Wave", "Fusion", "Summit", "Orbit", "Classic", "Tango", "Cruze", "Ranger", "Pulse",
    "Vector", "Zenith", "Lumina", "Profile", "Heritage", "Access", "Reference", "Freedom", "Evolve", "Passport",
)  # fmt: skip
_SERIES_ENDS = ("", "", "", "II", "III", "2", "3", "5", "10", "20", "100", "500", "X", "XL", "HD")
_SYLLABLES = (
    "ac", "ou", "sti", "mass", "com", "pan", "ion", "ether", "fast", "pix", "ma", "power", "shot", "cy", "ber", "vid",
    "link", "wa", "ve", "book", "stream", "sky", "line", "core", "vo", "lta", "tri", "max", "nex", "us", "al", "pha",
    "dri", "ve", "star", "go", "soni", "que", "opti", "plex", "ru", "na", "lo", "gi", "tra", "ven", "ture",
)  # fmt: skip
_MARKETING = (
    "New", "Factory Sealed", "with Remote", "Retail", "OEM", "Home", "Series", "Premium", "Deluxe", "Professional",
    "Compatible", "with Free Shipping", "Kit", "Black Friday", "System", "by", "Bundle", "High Performance", "Digital",
)  # fmt: skip
_SHORT = {
    "Black": ("Blk", "BK"), "White": ("Wht", "WH"), "Silver": ("Slv", "Silv"), "Stainless Steel": ("SS", "Stainless"),
    "Professional": ("Pro",), "Refrigerator": ("Refrig", "Fridge"), "Television": ("TV",), "Cartridge": ("Cart", "Ctg"),
    "Wireless": ("Wrls",), "Microwave": ("Micro",), "System": ("Sys",), "Receiver": ("Rcvr",), "Camera": ("Cam",),
    "Headphones": ("Headphone",), "Speakers": ("Spkrs", "Speaker"), "Portable": ("Port",), "External": ("Ext",),
}  # fmt: skip
_COLOUR_LETTERS = {
    "Black": "B", "White": "W", "Silver": "S", "Blue": "L", "Red": "R", "Pink": "P", "Stainless Steel": "SS",
    "Bisque": "Q", "Titanium": "T", "Cherry": "C", "Maple": "M", "Green": "G", "Brown": "N", "Gray": "G", "Cyan": "C",
    "Magenta": "M", "Yellow": "Y", "Tri-Color": "T",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Product:
    """One thing as it is, before a shop names it."""

    brand: str
    trade: Trade
    prefix: str
    number: str
    suffix: str
    colour: str
    size: str
    series: str
    kinds: tuple[str, str]
    features: tuple[str, ...]
    price: float
    mpn: str
    coded: bool
    coloured_code: bool

    def code(self, *, hyphen: str) -> str:
        """Returns the model code with the given sign between letters and digits."""
        ending = self.suffix + (_COLOUR_LETTERS.get(self.colour, "") if self.coloured_code else "")
        return f"{self.prefix}{hyphen}{self.number}{ending}" if self.prefix else f"{self.number}{ending}"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Two catalogues and the truth between them: (line id, row id)."""

    lines: list[Line]
    rows: list[CatalogueRow]
    truth: set[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Habits:
    """How untidy a pair of shops is; each a chance between 0 and 1."""

    matched: float
    no_code: float = 0.06
    other_code: float = 0.08
    code_column: float = 0.0
    typo: float = 0.02
    drop_word: float = 0.06
    no_price: float = 0.5
    price_spread: float = 0.12
    no_description: float = 0.35
    accessory: float = 0.03
    listed_twice: float = 0.01
    style: str = "shop"


def generate(*, seed: int, lines: int, rows: int, habits: Habits) -> Benchmark:
    """Returns two catalogues of the given sizes whose common share is `habits.matched` of the lines."""
    chance = random.Random(seed)  # noqa: S311
    makers = _makers(chance, count=max(12, rows // 25))
    matched = min(round(lines * habits.matched), rows)
    products: list[Product] = []
    while len(products) < rows + lines:
        products.extend(_family(chance, makers))
    # Whole families stay together, so that siblings of a line are in the catalogue.
    head = products[: rows + lines - matched]
    numbers = list(range(len(head)))
    wanted = set(chance.sample(numbers, lines))
    common = set(chance.sample(sorted(wanted), matched))
    line_writer = _WRITERS["abt" if habits.style == "shop" else "market"]
    row_writer = _WRITERS["buy" if habits.style == "shop" else "market"]
    benchmark = Benchmark(lines=[], rows=[], truth=set())
    listed: list[tuple[int, Product]] = [
        (number, head[number]) for number in numbers if number in common or number not in wanted
    ]
    chance.shuffle(listed)
    row_ids: dict[int, str] = {}
    for number, product in listed[:]:
        row_id = str(10_000 + len(benchmark.rows))
        row_ids.setdefault(number, row_id)
        written = row_writer(chance, product, habits)
        benchmark.rows.append(replace(written, row_id=row_id))
        if chance.random() < habits.listed_twice:
            again = row_writer(chance, product, habits)
            benchmark.rows.append(replace(again, row_id=str(10_000 + len(benchmark.rows))))
        if chance.random() < habits.accessory:
            extra = _accessory(chance, product, habits)
            benchmark.rows.append(replace(extra, row_id=str(10_000 + len(benchmark.rows))))
    asked = sorted(wanted)
    chance.shuffle(asked)
    for number in asked:
        line_id = str(len(benchmark.lines))
        written = line_writer(chance, head[number], habits)
        benchmark.lines.append(
            Line(line_id=line_id, name=written.name, description=written.description, brand=written.brand,
                 codes=written.codes, price=written.price)
        )  # fmt: skip
        if number in common:
            benchmark.truth.add((line_id, row_ids[number]))
    return benchmark


def _makers(chance: random.Random, *, count: int) -> list[tuple[str, list[Trade]]]:
    starts = (
        "Pan",
        "Son",
        "Can",
        "Mit",
        "Ken",
        "Bel",
        "Gar",
        "Lin",
        "Tos",
        "Sam",
        "Yam",
        "Den",
        "Phi",
        "Fri",
        "Whi",
        "Hai",
        "Lex",
        "Net",
        "Log",
        "Sen",
        "Bos",
        "Del",
        "Ace",
        "Vik",
        "Ola",
        "Bra",
        "Moto",
        "Tri",
        "Nik",
        "Sha",
    )
    ends = (
        "sonic",
        "ra",
        "on",
        "tec",
        "wood",
        "kin",
        "min",
        "syd",
        "hiba",
        "tron",
        "aha",
        "nor",
        "lips",
        "gid",
        "pool",
        "er",
        "mark",
        "gear",
        "tech",
        "heis",
        "co",
        "max",
        "well",
        "ton",
        "ley",
        "rola",
        "plite",
        "or",
        "p",
    )
    names: set[str] = set()
    while len(names) < count:
        names.add(
            chance.choice(starts) + chance.choice(ends) + chance.choice(("", "", "", " USA", "ix", "a", "o", "e"))
        )
    makers = []
    for name in sorted(names):
        makers.append((name, chance.sample(_TRADES, chance.choice((1, 2, 3, 5, 8)))))
    return makers


def _family(chance: random.Random, makers: list[tuple[str, list[Trade]]]) -> list[Product]:
    """Returns one to eight models that differ by a digit, a letter, a colour or a size."""
    brand, trades = chance.choice(makers)
    trade = chance.choice(trades)
    letters = "".join(chance.choice(string.ascii_uppercase) for _ in range(chance.choice((1, 2, 2, 3, 3, 4))))
    digits = chance.choice((2, 3, 3, 3, 4, 4))
    first = chance.randrange(10 ** (digits - 1), 10**digits)
    kind = chance.choice(trade.names)
    first_product = Product(
        brand=brand, trade=trade, prefix=letters, number=str(first),
        suffix=chance.choice(("", "", "", "H", "S", "X", "U", "EK", "DA", "GT", "P1")),
        colour=chance.choice(trade.colours), size=chance.choice(trade.sizes),
        series=_series(chance) if trade.series or chance.random() < 0.15 else "",
        kinds=(kind, chance.choice((kind, kind, *trade.names))),
        features=tuple(chance.sample(trade.features, k=min(len(trade.features), chance.choice((2, 3, 4, 5))))),
        price=round(chance.uniform(*trade.prices)) - 0.01,
        mpn=_mpn(chance), coded=not trade.series or chance.random() < 0.55,
        coloured_code=chance.random() < 0.8,
    )  # fmt: skip
    family = [first_product]
    for _ in range(chance.choice((0, 0, 0, 0, 1, 1, 2, 3, 4))):
        family.append(_sibling(chance, chance.choice(family)))
    unique = {(one.code(hyphen=""), one.colour, one.size, one.series): one for one in family}
    return list(unique.values())


def _sibling(chance: random.Random, of: Product) -> Product:
    mpn = _mpn(chance) if chance.random() < 0.5 else _next_code(chance, of.mpn)
    price = round(of.price * chance.choice((1, 1, 0.8, 1.15, 1.3, 1.6)), 2)
    kind = chance.random()
    if kind < 0.35 and len(of.trade.colours) > 1:
        colour = chance.choice([colour for colour in of.trade.colours if colour != of.colour])
        return replace(of, colour=colour, mpn=mpn, price=of.price if chance.random() < 0.7 else price)
    if kind < 0.6 and len(of.trade.sizes) > 1:
        size = chance.choice([size for size in of.trade.sizes if size != of.size])
        return replace(of, size=size, number=_next_code(chance, of.number), mpn=mpn, price=price)
    if kind < 0.7:
        return replace(of, suffix=chance.choice("ABCDEHKLSX"), mpn=mpn, price=price)
    series = of.series
    if series and not of.coded:
        series = _series(chance)
    return replace(of, number=_next_code(chance, of.number), mpn=mpn, price=price, series=series,
                   features=tuple(chance.sample(of.trade.features, k=len(of.features))))  # fmt: skip


def _series(chance: random.Random) -> str:
    """Returns a name of a series: a common word, or one coined for this series alone."""
    coined = "".join(chance.choice(_SYLLABLES) for _ in range(chance.choice((2, 2, 3)))).capitalize()
    return f"{chance.choice((chance.choice(_SERIES), coined))} {chance.choice(_SERIES_ENDS)}".strip()


def _next_code(chance: random.Random, code: str) -> str:
    places = [place for place, letter in enumerate(code) if letter.isdigit() and (place or letter != "0")]
    place = chance.choice(places[-2:])
    digit = chance.choice([digit for digit in "123456789" if digit != code[place]])
    return code[:place] + digit + code[place + 1 :]


def _mpn(chance: random.Random) -> str:
    pattern = chance.choice(("99999", "9999A999", "999-99999-99", "A9A-99999", "AAA9999", "999999-999", "A9999A"))
    signs: dict[str, Callable[[], str]] = {
        "9": lambda: chance.choice(string.digits),
        "A": lambda: chance.choice(string.ascii_uppercase),
    }
    return "".join(signs[sign]() if sign in signs else sign for sign in pattern).replace("00", "10")


def _abt(chance: random.Random, product: Product, habits: Habits) -> CatalogueRow:
    colour = product.colour if chance.random() < 0.55 else ""
    size = product.size if chance.random() < 0.7 else ""
    series = product.series if product.coded is False or chance.random() < 0.8 else ""
    words = [product.brand, *chance.sample([colour, size, series], k=3), product.kinds[0]]
    code = product.code(hyphen="") if product.coded or chance.random() < 0.6 else product.mpn.replace("-", "")
    name = " ".join(_untidy(chance, words, habits))
    if chance.random() > habits.no_code * 0.3:
        name += f" - {code}"
    told = [name, *product.features]
    if product.colour and chance.random() < 0.8:
        told.append(f"{product.colour} Finish")
    if chance.random() < 0.2:
        told.append(f"Model {chance.choice((product.mpn, product.code(hyphen='-')))}")
    description = "/ ".join(told)
    return CatalogueRow("", name, description=description, price=_price(chance, product, habits))


def _buy(chance: random.Random, product: Product, habits: Habits) -> CatalogueRow:
    code = product.code(hyphen=chance.choice(("-", "-", "", " ")))
    kind = product.kinds[1]
    draw = chance.random()
    kind = product.kinds[0] if draw < habits.no_code + habits.other_code and chance.random() < 0.6 else kind
    size = product.size if chance.random() < 0.5 else ""
    colour = product.colour if chance.random() < 0.45 else ""
    if draw < habits.no_code:
        words = [product.brand, product.series, size, kind, colour]
    elif draw < habits.no_code + habits.other_code or not product.coded:
        words = [product.brand, product.series, size, kind, "-", product.mpn if chance.random() < 0.7 else code]
    elif chance.random() < 0.5:
        words = [
            product.brand,
            product.series if chance.random() < 0.6 else "",
            code,
            size,
            kind,
            colour and f"- {colour}",
        ]
    else:
        words = [product.brand, product.series, size, kind, colour, "-", product.code(hyphen=chance.choice(("", "-")))]
    description = ""
    if chance.random() > habits.no_description:
        told = list(product.features[: chance.choice((1, 2, 3))])
        if product.colour and chance.random() < 0.6:
            told.append(f"- {product.colour}")
        if chance.random() < 0.12:
            told.append(product.code(hyphen=chance.choice(("", "-"))))
        description = f"{product.size} {', '.join(told)}".strip()
    brand = product.brand if chance.random() < 0.95 else ""
    name = " ".join(_untidy(chance, words, habits))
    return CatalogueRow("", name, description=description, brand=brand, price=_price(chance, product, habits))


def _market(chance: random.Random, product: Product, habits: Habits) -> CatalogueRow:
    code = product.code(hyphen=chance.choice(("-", "", "", " ")))
    own = code if product.coded else product.mpn
    words = [product.brand]
    if chance.random() > habits.no_code + 0.25:
        words.append(own)
    words += [product.series, product.size if chance.random() < 0.7 else "", product.kinds[chance.randrange(2)]]
    words += chance.sample(product.features, k=min(len(product.features), chance.choice((0, 1, 2, 3))))
    if product.colour and chance.random() < 0.7:
        words.append(chance.choice((f"({product.colour})", product.colour)))
    if chance.random() < 0.3:
        words.insert(chance.randrange(1, len(words)), chance.choice(_MARKETING))
    codes: tuple[str, ...] = ()
    if chance.random() < habits.code_column:
        stated = product.mpn if chance.random() < habits.other_code else own
        codes = (
            stated.replace("-", "") if chance.random() < 0.3 else stated + chance.choice(("", "", "", "#140", "-R")),
        )
    name = " ".join(_untidy(chance, words, habits)).lower()
    brand = product.brand.lower() if chance.random() < 0.9 else ""
    return CatalogueRow("", name, description=product.trade.names[0].lower(), brand=brand, codes=codes,
                        price=_price(chance, product, habits))  # fmt: skip


def _accessory(chance: random.Random, product: Product, habits: Habits) -> CatalogueRow:
    kind = chance.choice(("Case for", "Battery for", "Remote Control for", "Charger for", "Replacement Filter for",
                          "Screen Protector for", "Stand for", "AC Adapter for"))  # fmt: skip
    maker = chance.choice((product.brand, "Generic", "Accessory Source", "Duracell"))
    name = f"{maker} {kind} {product.brand} {product.code(hyphen=chance.choice(('-', '')))} {product.kinds[0]}"
    price = round(chance.uniform(6, 60), 2) if chance.random() > habits.no_price else None
    return CatalogueRow("", name.lower() if habits.style == "market" else name, brand=maker, price=price)


_WRITERS: dict[str, Callable[[random.Random, Product, Habits], CatalogueRow]] = {
    "abt": _abt,
    "buy": _buy,
    "market": _market,
}


def _untidy(chance: random.Random, words: list[str], habits: Habits) -> list[str]:
    kept = []
    for place, word in enumerate(" ".join(word for word in words if word).split()):
        coded = any(letter.isdigit() for letter in word)
        if place and not coded and word != "-" and chance.random() < habits.drop_word:
            continue
        short = _SHORT.get(word)
        if short and chance.random() < 0.08:
            word = chance.choice(short)
        if not coded and len(word) > 5 and chance.random() < habits.typo:
            place_of_error = chance.randrange(1, len(word))
            word = word[:place_of_error] + word[place_of_error + 1 :]
        kept.append(word)
    return kept


def _price(chance: random.Random, product: Product, habits: Habits) -> float | None:
    if chance.random() < habits.no_price:
        return None
    if chance.random() < 0.3:
        return product.price
    return max(1.0, round(product.price * chance.lognormvariate(0, habits.price_spread), 2))
