"""Turns product text into comparable parts: words, model codes and their spellings, measures, colours.

A code is kept as written (without separators) and as every spelling the other side may use: its pieces, the
pieces joined with their neighbours, and its stem without trailing letters. Nothing here knows a catalogue.
"""

import re
import unicodedata
from dataclasses import dataclass

NAME_CHARS = 400
DESCRIPTION_CHARS = 700

_UNITS = {
    "gigabyte": "gb", "gigabytes": "gb", "megabyte": "mb", "megabytes": "mb", "terabyte": "tb", "terabytes": "tb",
    "inch": "in", "inches": "in", "foot": "ft", "feet": "ft", "watt": "w", "watts": "w", "volt": "v", "volts": "v",
    "megapixel": "mp", "megapixels": "mp", "lbs": "lb", "pound": "lb", "pounds": "lb", "ounce": "oz", "ounces": "oz",
    "ports": "port", "packs": "pack", "pk": "pack", "count": "ct", "cups": "cup", "discs": "disc", "disk": "disc",
    "disks": "disc", "channels": "ch", "channel": "ch", "users": "user", "usr": "user", "u": "user",
    "quart": "qt", "quarts": "qt", "speeds": "speed", "liter": "l", "liters": "l", "litre": "l", "litres": "l",
    "meter": "m", "meters": "m", "metre": "m", "metres": "m", "pcs": "pc", "pieces": "pc", "piece": "pc",
}  # fmt: skip
_UNIT_NAMES = sorted(
    {*_UNITS, *_UNITS.values(), "kb", "cm", "mm", "mah", "hz", "khz", "mhz", "ghz", "btu", "kg", "g", "ml", "x", "way"}
    - {"u"},
    key=len,
    reverse=True,
)
_CANONICAL = frozenset(_UNITS.get(unit, unit) for unit in _UNIT_NAMES) | {"cuft"}
_MEASURE = re.compile(
    r"(?<![a-z0-9.])(\d+(?:\.\d+)?)(?:[\s-]?(cu)(?:bic|\.)?[\s-]?(?:ft|feet|foot)|[\s-]?("
    + "|".join(_UNIT_NAMES)
    + r"))\b\.?"
)
_INCHES = re.compile(r"(\d)\s?(?:''|[\"'\u2033\u201d\u2019])+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_VERSION = re.compile(r"\bv(?:er(?:sion)?)?\.?\s?(?=\d+(?:\.\d+)*\b)")
_MARKS = re.compile(r"\((?:r|tm|c)\)|&(?:amp|quot|reg|trade|#\d+);|[\u2122\u00ae\u00a9]")
_CHUNK = re.compile(r"[a-z0-9]+(?:[-/.#_+]+[a-z0-9]+)*")
_PIECE = re.compile(r"\d+(?:\.\d+)+[a-z]*|[a-z0-9]+")
_SHADE = re.compile(r"\b(tri|multi|light)[ -](colou?r|cyan|magenta)\b")
_LAST_CODE = re.compile(r"\s[-\u2013]\s*([a-z0-9][a-z0-9/#.-]*\d[a-z0-9/#.-]*)\s*$")
_NUMBER = re.compile(r"\d+(?:\.\d+)?$")
_COUNTED = re.compile(r"\d{1,3}[a-z]{2,}$|\d{1,4}[a-z]$")
_STEM = re.compile(r"(.*\d)[a-z]{1,4}$")
_PURPOSE = re.compile(r"\b(?:for|fits|compatible with|works with|fuer|pour|para|voor)\b((?:(?! - ).){2,80})")
_FRACTION = re.compile(r"(?<![\d/.])(?:(\d{1,2})[- ])?(\d{1,2})/(\d{1,2})(?=\s?-?(?:''|[\"\u2033\u201d]|in\b|inch))")
_SIZED = re.compile(r"(\d+(?:\.\d+)?)([a-z]+)$")
_TOLD_CODE = re.compile(
    r"\b(?:model|part|item|mpn|mfr|manufacturer)\b\.?\s?(?:number|no|nr|#)?[.:#\s]{1,3}([a-z0-9][a-z0-9/#.-]*\d[a-z0-9/#-]*)"
)
_USED = re.compile(
    r"\b(?:refurb(?:ished)?|recondition(?:ed)?|renewed|remanufactured|open box|pre-?owned|second hand)\b"
)
_BUNDLED = re.compile(r"\b(?:bundle|combo|value (?:kit|pack)|accessory kit|starter kit|gift set|warranty)\b")
_DIGIT = re.compile(r"\d")
_ZEROS = re.compile(r"\.0+$")

_COLOURS = {
    "black": "black", "blk": "black", "bk": "black", "white": "white", "wht": "white", "wh": "white",
    "silver": "silver", "slv": "silver", "sil": "silver", "gray": "gray", "grey": "gray", "gry": "gray",
    "graphite": "gray", "charcoal": "gray", "red": "red", "blue": "blue", "blu": "blue", "navy": "blue",
    "green": "green", "grn": "green", "pink": "pink", "pnk": "pink", "purple": "purple", "violet": "purple",
    "orange": "orange", "org": "orange", "yellow": "yellow", "ylw": "yellow", "gold": "gold", "brown": "brown",
    "bronze": "bronze", "beige": "beige", "cream": "beige", "bisque": "beige", "biscuit": "beige", "ivory": "beige",
    "almond": "beige", "stainless": "stainless", "titanium": "titanium", "platinum": "platinum",
    "champagne": "champagne", "burgundy": "burgundy", "cherry": "cherry", "mahogany": "mahogany", "walnut": "walnut",
    "maple": "maple", "oak": "oak", "espresso": "espresso", "chrome": "chrome", "nickel": "nickel",
    "copper": "copper", "turquoise": "turquoise", "teal": "teal", "cyan": "cyan", "magenta": "magenta",
    "tricolor": "tricolor", "tricolour": "tricolor", "multicolor": "tricolor", "multicolour": "tricolor",
    "lightcyan": "lightcyan", "lightmagenta": "lightmagenta",
}  # fmt: skip
COLOUR_NAMES = frozenset(_COLOURS.values())
_PARTS = frozenset(
    [
        "adapter",
        "adaptor",
        "backpack",
        "bag",
        "bags",
        "battery",
        "batteries",
        "belt",
        "blade",
        "blades",
        "bracket",
        "bulb",
        "cable",
        "cables",
        "cap",
        "card",
        "carrier",
        "case",
        "cases",
        "charger",
        "cleaner",
        "clip",
        "cord",
        "cover",
        "covers",
        "cradle",
        "dock",
        "earpads",
        "faceplate",
        "filter",
        "filters",
        "gasket",
        "guard",
        "handle",
        "holder",
        "holster",
        "hose",
        "kit",
        "lamp",
        "lens",
        "manual",
        "mount",
        "pouch",
        "protector",
        "rack",
        "refill",
        "remote",
        "replacement",
        "shelf",
        "skin",
        "skins",
        "sleeve",
        "spare",
        "stand",
        "strap",
        "tray",
        "tripod",
        "wallet",
        "warranty",
    ]
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What can be compared of one row or line; every text is lower case ASCII. `plain` are the words but the codes."""

    name: str
    words: frozenset[str]
    plain: frozenset[str]
    described: frozenset[str]
    codes: frozenset[str]
    stated: frozenset[str]
    forms: frozenset[str]
    stems: frozenset[str]
    purpose: frozenset[str]
    fits: frozenset[str]
    sizes: dict[str, frozenset[str]]
    told_sizes: dict[str, frozenset[str]]
    condition: frozenset[str]
    parts: frozenset[str]
    numbers: frozenset[str]
    colours: frozenset[str]
    brand: frozenset[str]
    lead: str


def normalise(text: str) -> str:
    """Returns the text in lower case ASCII with measures, versions and inches in one spelling."""
    text = text.lower()
    text = _MARKS.sub(" ", text)
    if "/" in text:
        text = _FRACTION.sub(_decimal, text)
    text = _INCHES.sub(r"\1in ", text)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    text = _SHADE.sub(r"\1\2", text)
    if _DIGIT.search(text):
        text = _THOUSANDS.sub("", text)
        text = _VERSION.sub(" ", text)
        text = _MEASURE.sub(_measure, text)
    return text


def _measure(found: re.Match[str]) -> str:
    unit = "cuft" if found[2] else _UNITS.get(found[3], found[3])
    return f"{_ZEROS.sub('', found[1])}{unit} "


def _decimal(found: re.Match[str]) -> str:
    whole, upper, lower = int(found[1] or 0), int(found[2]), int(found[3])
    return f"{whole + upper / lower:g}" if 0 < upper < lower else found[0]


def code_key(text: str) -> str:
    """Returns a code without case and separators: `PS-LX350H` and `pslx 350h` have the same key."""
    return "".join(letter for letter in normalise(text) if letter.isalnum())


def tokenise(name: str, *, description: str = "", brand: str = "", codes: tuple[str, ...] = ()) -> Tokens:
    """Returns the comparable parts of one product text.

    Args:
        name: the product's name, codes in it included.
        description: longer text; only its words and codes are used.
        brand: the manufacturer, when it stands in a field of its own.
        codes: part numbers from fields of their own; each counts as a code whatever it looks like.
    """
    text = normalise(name[:NAME_CHARS])
    purpose = _PURPOSE.search(text)
    spelling = _Spelling()
    fitted = _Spelling()
    if purpose:
        spelling.read(text[: purpose.start()])
        spelling.read(text[purpose.end() :])
        fitted.read(purpose[0])
    else:
        spelling.read(text)
    last = _LAST_CODE.search(text)
    if last:
        spelling.add_code(last[1])
    stated = set()
    for code in codes:
        key = code_key(code)
        if len(key) >= 3:
            stated.add(key)
            spelling.add_code(normalise(code))
    told = _Spelling()
    described = normalise(description[:DESCRIPTION_CHARS])
    told.read(described)
    if not (spelling.codes or stated):
        for code in _TOLD_CODE.findall(described):
            spelling.add_code(code)
    brand_words = frozenset(_PIECE.findall(normalise(brand)))
    own = frozenset(spelling.codes | spelling.forms)
    fits = frozenset((fitted.codes | fitted.forms) - own)
    parts = _PARTS.intersection(spelling.words)
    spelling.words |= fitted.words
    spelling.numbers |= fitted.numbers
    lead = next(iter(_PIECE.findall(text)), "")
    return Tokens(
        name=text,
        words=frozenset(spelling.words),
        plain=frozenset(spelling.words - spelling.codes),
        described=frozenset((told.words | told.codes | told.forms) - spelling.words),
        codes=frozenset(spelling.codes),
        stated=frozenset(stated),
        forms=frozenset(spelling.forms | spelling.codes),
        stems=frozenset(spelling.stems - spelling.forms - spelling.codes),
        purpose=frozenset(_PIECE.findall(purpose[1])) if purpose else frozenset(),
        fits=fits,
        sizes=_sizes(spelling.numbers),
        told_sizes=_sizes(told.numbers),
        condition=_condition(text),
        parts=parts,
        numbers=frozenset(spelling.numbers),
        colours=frozenset(_COLOURS[word] for word in spelling.words | told.words if word in _COLOURS),
        brand=brand_words,
        lead=lead,
    )


def _sizes(numbers: set[str]) -> dict[str, frozenset[str]]:
    """Returns the measures among the numbers: unit to its values."""
    found: dict[str, set[str]] = {}
    for number in numbers:
        size = _SIZED.match(number)
        if size and size[2] in _CANONICAL:
            found.setdefault(size[2], set()).add(size[1])
    return {unit: frozenset(values) for unit, values in found.items()}


def _condition(text: str) -> frozenset[str]:
    """Returns what makes an offer another product than its plain kind: `used`, `bundled`."""
    marks = set()
    if _USED.search(text):
        marks.add("used")
    if _BUNDLED.search(text):
        marks.add("bundled")
    return frozenset(marks)


class _Spelling:
    """Collects the words, codes and spellings of one text."""

    __slots__ = ("codes", "forms", "numbers", "stems", "words")

    def __init__(self) -> None:
        self.words: set[str] = set()
        self.codes: set[str] = set()
        self.forms: set[str] = set()
        self.numbers: set[str] = set()
        self.stems: set[str] = set()

    def read(self, text: str) -> None:
        previous = ""
        for chunk in _CHUNK.findall(text):
            pieces = _PIECE.findall(chunk)
            squashed = "".join(pieces) if len(pieces) > 1 else chunk
            digits = _DIGIT.search(chunk) is not None
            for piece in pieces:
                self._add_piece(piece)
            if digits and len(pieces) > 1:
                self._add_chunk(squashed, pieces)
            if previous and len(previous) + len(squashed) <= 18 and (digits or previous[-1].isdigit()):
                self.forms.add((previous + squashed).replace(".", ""))
            previous = squashed

    def add_code(self, code: str) -> None:
        """Adds a code that is known to be one by its place."""
        pieces = _PIECE.findall(code)
        squashed = "".join(pieces).replace(".", "")
        if len(squashed) < 3:
            return
        self.codes.add(squashed)
        self._add_stem(squashed)
        for piece in pieces:
            self._add_piece(piece)

    def _add_piece(self, piece: str) -> None:
        if _NUMBER.match(piece):
            number = _ZEROS.sub("", piece)
            self.words.add(number)
            self.numbers.add(number)
            if len(piece) >= 5 and "." not in piece:
                self.codes.add(piece)
            return
        self.words.add(_COLOURS.get(piece, piece))
        if not piece.isalpha():
            if _COUNTED.match(piece):
                self.numbers.add(piece)
            elif len(piece) >= 4 and "." not in piece:
                self.codes.add(piece)
            self.forms.add(piece)
            self._add_stem(piece)

    def _add_chunk(self, squashed: str, pieces: list[str]) -> None:
        squashed = squashed.replace(".", "")
        worded = any(piece.isalpha() and len(piece) >= 4 for piece in pieces)
        looks_like_code = len(squashed) >= 5 and not worded and not _COUNTED.match(squashed)
        if looks_like_code and (not squashed.isdigit() or len(squashed) >= 8):
            self.codes.add(squashed)
            self._add_stem(squashed)
        else:
            self.forms.add(squashed)

    def _add_stem(self, code: str) -> None:
        stem = _STEM.match(code)
        if stem and len(stem[1]) >= 4:
            self.stems.add(stem[1])
