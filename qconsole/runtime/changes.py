"""What a change of many jobs came to: which were changed, and why the others were not."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar

CHUNK: Final = 200  # jobs one script call changes: a few milliseconds of the server's time

T = TypeVar("T")

DONE: Final = "done"
REQUESTED: Final = "requested"


@dataclass(frozen=True, slots=True)
class Changes:
    """`done` in the order asked for; `skipped` says for each other one the state or word that kept it."""

    done: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(self.done + other.done, self.skipped + other.skipped)


def chunks(members: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Cut an iterable into lists of at most `size`."""
    rest = iter(members)
    while chunk := list(islice(rest, size)):
        yield chunk


def read_words(names: Sequence[str], words: Sequence[Any], count: Callable[[str], bool] = DONE.__eq__) -> Changes:
    """Pair a script's words with what they are about."""
    said = [(name, word.decode()) for name, word in zip(names, words, strict=True)]
    return Changes(tuple(n for n, w in said if count(w)), tuple((n, w) for n, w in said if not count(w)))
