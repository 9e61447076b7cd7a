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
_LAST_CODE = re.compile(r"\s[-\u2013]\s*([a-z0-9][a-z0-9/#.-]*\d[a-z0-9/#.-]*)\s*$")
_NUMBER = re.compile(r"\d+(?:\.\d+)?$")
_COUNTED = re.compile(r"\d{1,3}[a-z]{2,}$|\d{1,4}[a-z]$")
_STEM = re.compile(r"(.*\d)[a-z]{1,4}$")
_PURPOSE = re.compile(r"\b(for|fits|compatible with|works with|fuer|pour|para|voor)\b(.{2,80})")
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
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tokens:
    """What can be compared of one row or line; every text is lower case ASCII."""

    name: str
    words: frozenset[str]
    described: frozenset[str]
    codes: frozenset[str]
    stated: frozenset[str]
    forms: frozenset[str]
    stems: frozenset[str]
    purpose: frozenset[str]
    numbers: frozenset[str]
    colours: frozenset[str]
    brand: frozenset[str]
    lead: str


def normalise(text: str) -> str:
    """Returns the text in lower case ASCII with measures, versions and inches in one spelling."""
    text = text.lower()
    text = _MARKS.sub(" ", text)
    text = _INCHES.sub(r"\1in ", text)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    if _DIGIT.search(text):
        text = _THOUSANDS.sub("", text)
        text = _VERSION.sub(" ", text)
        text = _MEASURE.sub(_measure, text)
    return text


def _measure(found: re.Match[str]) -> str:
    unit = "cuft" if found[2] else _UNITS.get(found[3], found[3])
    return f"{_ZEROS.sub('', found[1])}{unit} "


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
    spelling = _Spelling()
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
    told.read(normalise(description[:DESCRIPTION_CHARS]))
    brand_words = frozenset(_PIECE.findall(normalise(brand)))
    purpose = _PURPOSE.search(text)
    lead = next(iter(_PIECE.findall(text)), "")
    return Tokens(
        name=text,
        words=frozenset(spelling.words),
        described=frozenset((told.words | told.codes | told.forms) - spelling.words),
        codes=frozenset(spelling.codes),
        stated=frozenset(stated),
        forms=frozenset(spelling.forms | spelling.codes),
        stems=frozenset(spelling.stems - spelling.forms - spelling.codes),
        purpose=frozenset(_PIECE.findall(purpose[2])) if purpose else frozenset(),
        numbers=frozenset(spelling.numbers),
        colours=frozenset(_COLOURS[word] for word in spelling.words | told.words if word in _COLOURS),
        brand=brand_words,
        lead=lead,
    )


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
