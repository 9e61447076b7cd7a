"""A token index over the catalogue: how rare each token is, and which rows share a line's rare tokens.

Postings are flat numpy arrays; one lookup costs a bincount over the rows that share a token.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from workers.documents.matching.tokens import Tokens

DESCRIBED_WEIGHT = 0.35
FORM_WEIGHT = 0.8
STEM_WEIGHT = 0.7
_COMMON_SHARE = 0.1
_COMMON_ROWS = 1_000
_FEWEST_ROWS = 100


def token_weights(tokens: Tokens) -> dict[str, float]:
    """Returns each token with the weight of the place it was read from."""
    weights = dict.fromkeys(tokens.described, DESCRIBED_WEIGHT)
    weights.update(dict.fromkeys(tokens.stems, STEM_WEIGHT))
    weights.update(dict.fromkeys(tokens.fits, FORM_WEIGHT))
    weights.update(dict.fromkeys(tokens.forms, FORM_WEIGHT))
    weights.update(dict.fromkeys(tokens.words, 1.0))
    for brand in tokens.brand:
        weights.setdefault(brand, 1.0)
    return weights


class Rarity(dict[str, float]):
    """The weight of a token: near 0 for one on every row, about 1 for one on a single row, a little more for none."""

    def __init__(self, documents: Iterable[Iterable[str]]) -> None:
        self._found: dict[str, int] = {}
        count = 0
        for document in documents:
            count += 1
            for token in document:
                self._found[token] = self._found.get(token, 0) + 1
        rows = max(count, _FEWEST_ROWS) + 1
        scale = math.log(rows)
        super().__init__(
            (token, max(0.02, math.log(rows / (found + 0.5)) / scale)) for token, found in self._found.items()
        )

    def __missing__(self, token: str) -> float:
        return 1.0

    def found_on(self, token: str) -> int:
        """Returns how many rows carry the token."""
        return self._found.get(token, 0)


class TokenIndex:
    """Finds the rows that share the most, and the rarest, tokens with a line."""

    def __init__(self, documents: Sequence[Mapping[str, float]], *, rarity: Rarity) -> None:
        self._rarity = rarity
        self._size = len(documents)
        ceiling = max(_COMMON_ROWS, int(_COMMON_SHARE * self._size))
        postings: dict[str, tuple[list[int], list[float]]] = {}
        norms = np.zeros(self._size)
        for row, document in enumerate(documents):
            total = 0.0
            for token, weight in document.items():
                value = weight * rarity[token]
                total += value * value
                if rarity.found_on(token) > ceiling:
                    continue
                rows, values = postings.setdefault(token, ([], []))
                rows.append(row)
                values.append(value)
            norms[row] = total
        self._scale = 1.0 / np.sqrt(np.maximum(norms, 0.25))
        self._postings = {
            token: (np.array(rows, dtype=np.int32), np.array(values)) for token, (rows, values) in postings.items()
        }

    def nearest(self, document: Mapping[str, float], count: int) -> npt.NDArray[np.int64]:
        """Returns up to `count` row numbers, best first; only rows that share at least one token."""
        rows, values = [], []
        for token, weight in document.items():
            posting = self._postings.get(token)
            if posting is not None:
                rows.append(posting[0])
                values.append(posting[1] * (weight * self._rarity[token]))
        if not rows:
            return np.zeros(0, dtype=np.int64)
        scores = np.bincount(np.concatenate(rows), weights=np.concatenate(values), minlength=self._size)
        touched = np.flatnonzero(scores)
        likeness = scores[touched] * self._scale[touched]
        best = np.argpartition(-likeness, count)[:count] if count < len(touched) else np.arange(len(touched))
        ordered: npt.NDArray[np.int64] = touched[best[np.argsort(-likeness[best], kind="stable")]]
        return ordered
