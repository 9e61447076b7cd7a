"""Reads pickles without importing anything: what is no plain value becomes an opaque placeholder.

Its own interpreter of the opcodes rather than `pickle.Unpickler`, whose memo alone can be told to take gigabytes.
Every size, the number of values, the depth and the work are bounded; anything over a bound is `Undecodable`.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from qconsole.errors import Undecodable

MAX_BYTES: Final = 32 * 1024 * 1024
MAX_OPCODES: Final = 2_000_000
MAX_VALUES: Final = 1_000_000
MAX_DEPTH: Final = 200
MAX_DIGITS: Final = 4_000


@dataclass(frozen=True, slots=True, eq=False)
class Opaque:
    """A value of a class that was not imported.

    Attributes:
        name: its dotted name.
        args: what it was called with.
        state: what `__setstate__` would have got.
    """

    name: str
    args: tuple[Any, ...] = ()
    state: Any = field(default=None, compare=False)

    def __repr__(self) -> str:
        return f"<{self.name}>"


@dataclass(frozen=True, slots=True)
class _Global:
    name: str


_MARK: Final = object()
_LINES: Final = {b"00": False, b"01": True}  # protocol 0 writes booleans so
_OLD_NAMES: Final = {"__builtin__": "builtins", "copy_reg": "copyreg", "exceptions": "builtins"}


def load_pickle(data: bytes) -> Any:
    """Return the value of a pickle.

    Containers are plain and free of cycles and sharing; instances and functions are `Opaque`.

    Raises:
        Undecodable: it is no pickle, it is cut short, or it is larger or deeper than allowed.
    """
    if len(data) > MAX_BYTES:
        raise Undecodable(f"the pickle must be at most {MAX_BYTES:,} bytes, got {len(data):,}")
    try:
        value = _Machine(data).run()
    except Undecodable:
        raise
    except (IndexError, KeyError, TypeError, ValueError, ArithmeticError, struct.error) as error:
        raise Undecodable(f"the bytes are no pickle: {type(error).__name__}: {error}") from error
    return _Copy().of(value, 0)


class _Copy:
    """Copies the built graph as a tree, so that neither cycles nor shared parts surprise whoever walks it."""

    __slots__ = ("_left", "_path")

    def __init__(self) -> None:
        self._left = MAX_VALUES
        self._path: set[int] = set()

    def of(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0:
            raise Undecodable(f"the pickle must hold at most {MAX_VALUES:,} values")
        if isinstance(value, _Global):
            return Opaque(value.name)
        if value is _MARK:
            raise Undecodable("the bytes are no pickle: a mark in a value's place")
        if not isinstance(value, list | tuple | dict | set | frozenset | Opaque):
            return value
        if depth >= MAX_DEPTH:
            raise Undecodable(f"the pickle must be nested at most {MAX_DEPTH} deep")
        if id(value) in self._path:
            return Opaque("a value inside itself")
        self._path.add(id(value))
        try:
            return self._container(value, depth + 1)
        finally:
            self._path.discard(id(value))

    def _container(self, value: Any, depth: int) -> Any:
        if isinstance(value, dict):
            return {_hashable(self.of(k, depth)): self.of(v, depth) for k, v in value.items()}
        if isinstance(value, Opaque):
            return Opaque(value.name, tuple(self.of(a, depth) for a in value.args), self.of(value.state, depth))
        members = [self.of(member, depth) for member in value]
        if isinstance(value, list):
            return members
        return tuple(members) if isinstance(value, tuple) else {_hashable(member) for member in members}


def _hashable(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return Opaque(f"a {type(value).__name__} as a key")
    return value


class _Machine:
    """The pickle virtual machine, without `find_class`."""

    __slots__ = ("_at", "_data", "_memo", "_stack")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        for _ in range(MAX_OPCODES):
            opcode = self._take(1)
            if opcode == b".":
                return self._stack.pop()
            act = _OPCODES.get(opcode)
            if act is None:
                raise Undecodable(f"the bytes are no pickle: unknown opcode {opcode!r}")
            act(self)
        raise Undecodable(f"the pickle must have at most {MAX_OPCODES:,} opcodes")

    # bytes

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if size < 0 or end > len(self._data):
            raise Undecodable("the pickle is cut short")
        part, self._at = self._data[self._at : end], end
        return part

    def _line(self) -> bytes:
        end = self._data.find(b"\n", self._at)
        if end < 0:
            raise Undecodable("the pickle is cut short")
        line, self._at = self._data[self._at : end], end + 1
        return line

    def _unpack(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _sized(self, form: str) -> bytes:
        return self._take(self._unpack(form))

    # stack

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def _to_mark(self) -> list[Any]:
        for at in range(len(self._stack) - 1, -1, -1):
            if self._stack[at] is _MARK:
                members = self._stack[at + 1 :]
                del self._stack[at:]
                return members
        raise Undecodable("the bytes are no pickle: a mark is missing")

    def _fill(self, members: list[Any]) -> None:
        """Put members into the list, set or opaque value on top."""
        top = self._stack[-1]
        if isinstance(top, list):
            top.extend(members)
        elif isinstance(top, set):
            top.update(map(_key, members))
        elif not isinstance(top, Opaque):
            raise Undecodable("the bytes are no pickle: members without a container")

    def _fill_pairs(self, flat: list[Any]) -> None:
        top = self._stack[-1]
        if isinstance(top, dict):
            for key, value in zip(flat[0::2], flat[1::2], strict=True):
                top[_key(key)] = value
        elif not isinstance(top, Opaque):
            raise Undecodable("the bytes are no pickle: pairs without a mapping")

    def _global(self, module: Any, name: Any) -> None:
        module = _text(module)
        self.push(_Global(f"{_OLD_NAMES.get(module, module)}.{_text(name)}"))

    def _call(self, args: Any, made_by: Any) -> None:
        name = made_by.name if isinstance(made_by, _Global | Opaque) else "a value called as a class"
        self.push(_rebuild(name, args if isinstance(args, tuple) else (args,)))

    def _build(self) -> None:
        state = self._stack.pop()
        top = self._stack[-1]
        if isinstance(top, Opaque):
            self._stack[-1] = Opaque(top.name, top.args, state)

    def _long(self, raw: bytes) -> int:
        if len(raw) > MAX_DIGITS:
            raise Undecodable(f"an integer must be at most {MAX_DIGITS} bytes long")
        return int.from_bytes(raw, "little", signed=True)

    def _decimal_line(self) -> None:
        line = self._line().rstrip(b"L")
        if len(line) > MAX_DIGITS:
            raise Undecodable(f"an integer must have at most {MAX_DIGITS} digits")
        self.push(_LINES[line] if line in _LINES else int(line))

    def _recall(self, index: int) -> None:
        self.push(self._memo[index])

    def _remember(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    def _new(self, extra: int) -> None:
        """NEWOBJ and NEWOBJ_EX: class, args (and keywords) lie on the stack."""
        keywords = self._stack.pop() if extra else {}
        args, made_by = self._stack.pop(), self._stack.pop()
        self._call((*args, keywords) if keywords else args, made_by)

    def _obj(self) -> None:
        made_by, *args = self._to_mark()
        self._call(tuple(args), made_by)

    def _inst(self) -> None:
        name = f"{_text(self._line())}.{_text(self._line())}"
        self._call(tuple(self._to_mark()), _Global(name))

    def _tuple(self, size: int) -> None:
        members = self._stack[len(self._stack) - size :] if size else []
        if len(members) != size:
            raise Undecodable("the bytes are no pickle: a tuple lacks members")
        del self._stack[len(self._stack) - size :]
        self.push(tuple(members))

    def _persistent(self, key: Any) -> None:
        self.push(Opaque("a persistent reference", (key,)))


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else repr(type(value).__name__)


def _key(value: Any) -> Any:
    """Return a value as a key; containers stand for themselves by identity until they are copied."""
    try:
        hash(value)
    except TypeError:
        return Opaque(f"a {type(value).__name__} as a key")
    return value


_PLAIN: Final[dict[str, Callable[..., Any]]] = {
    "datetime.datetime": lambda *a: datetime(*_datetime_parts(a)),
    "datetime.date": lambda raw: date(raw[0] * 256 + raw[1], raw[2], raw[3]),
    "datetime.time": lambda raw: time(raw[0], raw[1], raw[2], int.from_bytes(raw[3:6], "big")),
    "datetime.timedelta": lambda d, s, u: timedelta(d, s, u),
    "datetime.timezone": lambda offset, *_: timezone(offset),
    "decimal.Decimal": lambda text: Decimal(text),
    "uuid.UUID": lambda *_: Opaque("uuid.UUID"),
    "builtins.set": lambda members=(): set(map(_key, members)),
    "builtins.frozenset": lambda members=(): frozenset(map(_key, members)),
    "builtins.bytearray": lambda *a: bytes(a[0]) if a and isinstance(a[0], bytes) else b"",
    "builtins.complex": lambda *a: complex(*a),
    "builtins.list": lambda members=(): list(members),
    "builtins.dict": lambda pairs=(): dict(pairs),
    "collections.OrderedDict": lambda pairs=(): dict(pairs),
    "_codecs.encode": lambda text, coding: text.encode("latin1") if coding == "latin1" else Opaque("_codecs.encode"),
}


def _datetime_parts(args: tuple[Any, ...]) -> list[Any]:
    raw = args[0]
    if not isinstance(raw, bytes) or len(raw) != 10:
        raise ValueError("not a datetime's state")
    year, month = raw[0] * 256 + raw[1], raw[2] & 127
    zone = args[1] if len(args) > 1 and isinstance(args[1], timezone) else None
    return [year, month, raw[3], raw[4], raw[5], raw[6], int.from_bytes(raw[7:10], "big"), zone]


def _rebuild(name: str, args: tuple[Any, ...]) -> Any:
    """Return the plain value a call stands for, or a placeholder."""
    make = _PLAIN.get(name)
    if make is not None:
        try:
            return make(*args)
        except (TypeError, ValueError, ArithmeticError, IndexError):
            return Opaque(name, args)
    if name == "copyreg._reconstructor" and args and isinstance(args[0], _Global):
        return Opaque(args[0].name, args[2:])
    return Opaque(name, args)


def _readable(value: Any) -> Any:
    """Return an opaque value as the plain one it stands for, when its state says all of it."""
    if isinstance(value, Opaque) and value.name == "uuid.UUID" and isinstance(value.state, dict):
        number = value.state.get("int")
        if isinstance(number, int) and 0 <= number < 2**128:
            return UUID(int=number)
    return value


def _build_readable(machine: _Machine) -> None:
    machine._build()
    machine._stack[-1] = _readable(machine._stack[-1])


def _float_line(machine: _Machine) -> None:
    machine.push(float(machine._line()))


def _quoted_line(machine: _Machine) -> None:
    line = machine._line()
    if len(line) < 2 or line[:1] not in b"'\"" or line[-1:] != line[:1]:
        raise Undecodable("the bytes are no pickle: a string without its quotes")
    machine.push(line[1:-1].decode("unicode_escape"))


def _stack_global(machine: _Machine) -> None:
    name, module = machine._stack.pop(), machine._stack.pop()
    machine._global(module, name)


def _dict(machine: _Machine) -> None:
    flat = machine._to_mark()
    machine.push({})
    machine._fill_pairs(flat)


def _utf8(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass").encode("utf-8", "replace").decode()


_Act = Callable[[_Machine], Any]

_OPCODES: Final[dict[bytes, _Act]] = {
    b"\x80": lambda m: m._take(1),
    b"\x95": lambda m: m._take(8),
    b"(": lambda m: m.push(_MARK),
    b"0": lambda m: m._stack.pop(),
    b"1": lambda m: m._to_mark(),
    b"2": lambda m: m.push(m._stack[-1]),
    b"N": lambda m: m.push(None),
    b"\x88": lambda m: m.push(True),
    b"\x89": lambda m: m.push(False),
    b"I": _Machine._decimal_line,
    b"L": _Machine._decimal_line,
    b"J": lambda m: m.push(m._unpack("<i")),
    b"K": lambda m: m.push(m._unpack("<B")),
    b"M": lambda m: m.push(m._unpack("<H")),
    b"\x8a": lambda m: m.push(m._long(m._sized("<B"))),
    b"\x8b": lambda m: m.push(m._long(m._sized("<i"))),
    b"F": _float_line,
    b"G": lambda m: m.push(m._unpack(">d")),
    b"S": _quoted_line,
    b"T": lambda m: m.push(m._sized("<i").decode("latin1")),
    b"U": lambda m: m.push(m._sized("<B").decode("latin1")),
    b"B": lambda m: m.push(m._sized("<I")),
    b"C": lambda m: m.push(m._sized("<B")),
    b"\x8e": lambda m: m.push(m._sized("<Q")),
    b"\x96": lambda m: m.push(m._sized("<Q")),
    b"V": lambda m: m.push(m._line().decode("raw_unicode_escape")),
    b"X": lambda m: m.push(_utf8(m._sized("<I"))),
    b"\x8c": lambda m: m.push(_utf8(m._sized("<B"))),
    b"\x8d": lambda m: m.push(_utf8(m._sized("<Q"))),
    b"]": lambda m: m.push([]),
    b"a": lambda m: m._fill([m._stack.pop()]),
    b"e": lambda m: m._fill(m._to_mark()),
    b"l": lambda m: m.push(m._to_mark()),
    b")": lambda m: m.push(()),
    b"t": lambda m: m.push(tuple(m._to_mark())),
    b"\x85": lambda m: m._tuple(1),
    b"\x86": lambda m: m._tuple(2),
    b"\x87": lambda m: m._tuple(3),
    b"}": lambda m: m.push({}),
    b"d": _dict,
    b"s": lambda m: (lambda value, key: m._fill_pairs([key, value]))(m._stack.pop(), m._stack.pop()),
    b"u": lambda m: m._fill_pairs(m._to_mark()),
    b"\x8f": lambda m: m.push(set()),
    b"\x90": lambda m: m._fill(m._to_mark()),
    b"\x91": lambda m: m.push(frozenset(map(_key, m._to_mark()))),
    b"g": lambda m: m._recall(int(m._line()[:20])),
    b"h": lambda m: m._recall(m._unpack("<B")),
    b"j": lambda m: m._recall(m._unpack("<I")),
    b"p": lambda m: m._remember(int(m._line()[:20])),
    b"q": lambda m: m._remember(m._unpack("<B")),
    b"r": lambda m: m._remember(m._unpack("<I")),
    b"\x94": lambda m: m._remember(len(m._memo)),
    b"c": lambda m: m._global(m._line(), m._line()),
    b"\x93": _stack_global,
    b"R": lambda m: (lambda args, made_by: m._call(args, made_by))(m._stack.pop(), m._stack.pop()),
    b"\x81": lambda m: m._new(0),
    b"\x92": lambda m: m._new(1),
    b"b": _build_readable,
    b"i": _Machine._inst,
    b"o": _Machine._obj,
    b"\x82": lambda m: m.push(Opaque(f"extension {m._unpack('<B')}")),
    b"\x83": lambda m: m.push(Opaque(f"extension {m._unpack('<H')}")),
    b"\x84": lambda m: m.push(Opaque(f"extension {m._unpack('<i')}")),
    b"P": lambda m: m._persistent(m._line().decode("latin1")),
    b"Q": lambda m: m._persistent(m._stack.pop()),
    b"\x97": lambda m: m.push(Opaque("an out-of-band buffer")),
    b"\x98": lambda m: None,
}
