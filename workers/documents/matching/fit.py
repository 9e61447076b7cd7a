"""Fits the shipped coefficients: `python -m workers.documents.matching.fit [--labelled DIR]... [--out FILE]`.

Learns from generated catalogues and, when named, from folders with tableA.csv, tableB.csv and matches.csv. Every
source counts alike, so that no trade's habits win.
"""

import argparse
import csv
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson

from workers.documents.matching import features
from workers.documents.matching.calibration import (
    PAIR_NAMES,
    RIVAL_NAMES,
    Coefficients,
    Matrix,
    Pairs,
    Regression,
    fit,
    rivalry,
    with_losses,
)
from workers.documents.matching.catalogue import Catalogue
from workers.documents.matching.synthetic import Benchmark, Habits, Traps, generate, generate_harsh
from workers.documents.matching.tables import read_catalogue, read_lines

_RIDGE = 2.0


def training_sources(*, seed: int) -> list[Benchmark]:
    """Returns the generated catalogues the shipped coefficients are fitted on."""
    tidy = Habits(matched=0.97)
    mixed = Habits(matched=0.7, no_code=0.15, other_code=0.15)
    coded = Habits(matched=0.45, style="market", code_column=0.8, listed_twice=0.02, no_price=0.15)
    plain = Habits(matched=0.45, style="market", code_column=0.3, no_code=0.15, listed_twice=0.02, no_price=0.3)
    return [
        generate(seed=seed, lines=1_000, rows=1_000, habits=tidy),
        generate(seed=seed + 1, lines=700, rows=1_500, habits=replace(tidy, matched=0.85, drop_word=0.1)),
        generate(seed=seed + 2, lines=700, rows=1_000, habits=mixed),
        generate(seed=seed + 3, lines=700, rows=3_000, habits=replace(mixed, matched=0.3, no_price=0.2)),
        generate(seed=seed + 4, lines=700, rows=4_000, habits=coded),
        generate(seed=seed + 5, lines=700, rows=9_000, habits=replace(coded, matched=0.3)),
        generate(seed=seed + 6, lines=700, rows=4_000, habits=plain),
        generate(seed=seed + 7, lines=700, rows=2_000, habits=replace(plain, matched=0.9)),
        generate(seed=seed + 8, lines=1_000, rows=1_000, habits=tidy),
        generate(seed=seed + 9, lines=1_000, rows=600, habits=replace(tidy, matched=0.5)),
        generate(seed=seed + 10, lines=500, rows=1_000, habits=replace(tidy, no_description=1.0, no_price=0.8)),
        *harsh_sources(seed=seed + 100),
        *harsh_sources(seed=seed + 200),
    ]


def harsh_sources(*, seed: int) -> list[Benchmark]:
    """Returns generated catalogues of other trades, full of traps: see `Traps`."""
    tidy = Traps(matched=0.97)
    coded = Traps(matched=0.6, lower=True, column_left=0.8, code_column=0.8, code_left=0.5, code_right=0.55)
    many = Traps(matched=0.45, spare=0.1, bundle=0.05, refurbished=0.05)
    twice = Traps(matched=0.8, listed_twice=0.15, refurbished=0.1, bundle=0.1)
    keyed = Traps(matched=0.8, code_column=0.7, column_left=0.5)
    bare = replace(tidy, no_description=0.7, no_price=0.7, code_right=0.65)
    return [
        generate_harsh(seed=seed, lines=1_000, rows=1_000, traps=tidy),
        generate_harsh(seed=seed + 1, lines=1_000, rows=1_000, traps=bare),
        generate_harsh(seed=seed + 2, lines=800, rows=1_500, traps=Traps(matched=0.5)),
        generate_harsh(seed=seed + 3, lines=700, rows=5_000, traps=coded),
        generate_harsh(seed=seed + 4, lines=700, rows=5_000, traps=many),
        generate_harsh(seed=seed + 5, lines=700, rows=1_500, traps=twice),
        generate_harsh(seed=seed + 6, lines=500, rows=2_000, traps=keyed, stores=True),
        generate_harsh(seed=seed + 7, lines=500, rows=2_000, traps=Traps(matched=0.8), stores=True),
    ]


def read_labelled(folder: Path) -> Benchmark:
    """Returns a labelled pair of tables; matches.csv has a header and two columns, line id and row id."""
    with (folder / "matches.csv").open(encoding="utf-8", newline="") as file:
        truth = {(line[0], line[1]) for line in list(csv.reader(file))[1:]}
    return Benchmark(lines=read_lines(folder / "tableA.csv"), rows=read_catalogue(folder / "tableB.csv"), truth=truth)


def fit_sources(sources: Sequence[Benchmark]) -> Coefficients:
    """Returns coefficients fitted on all sources, each of them with the same say."""
    found = [candidates(source) for source in sources]
    labels = np.concatenate([truth for _, truth in found])
    weights = np.concatenate([np.full(len(truth), 1_000 / truth.sum()) for _, truth in found])
    seen = np.concatenate([pairs.matrix for pairs, _ in found])
    glance = fit(seen, labels, weights, ridge=_RIDGE, names=features.NAMES)
    known = [with_losses(pairs, glance) for pairs, _ in found]
    pair = fit(np.concatenate(known), labels, weights, ridge=_RIDGE, names=PAIR_NAMES)
    scores = [pair.logit(matrix) for matrix in known]

    def judge(scores: Sequence[Matrix], *, competing: bool) -> Regression:
        rivals = [rivalry(own, pairs, competing=competing) for own, (pairs, _) in zip(scores, found, strict=True)]
        return fit(np.concatenate(rivals), labels, weights, ridge=_RIDGE, names=RIVAL_NAMES)

    competing = judge(scores, competing=True)
    settling = [
        competing.logit(rivalry(own, pairs, competing=True)) for own, (pairs, _) in zip(scores, found, strict=True)
    ]
    return Coefficients(
        glance=glance,
        pair=pair,
        competing=competing,
        settled=judge(settling, competing=True),
        alone=judge(scores, competing=False),
    )


def candidates(source: Benchmark) -> tuple[Pairs, Matrix]:
    """Returns the source's candidate pairs and which of them are true."""
    blank = Regression(features.NAMES, np.zeros(len(features.NAMES)), 0.0)
    pairs = Catalogue(source.rows, coefficients=Coefficients(blank, blank, blank, blank, blank)).pairs(source.lines)
    labels = [
        (source.lines[line].line_id, source.rows[row].row_id) in source.truth
        for line, row in zip(pairs.lines.tolist(), pairs.rows.tolist(), strict=True)
    ]
    return pairs, np.array(labels, dtype=np.float64)


def as_json(coefficients: Coefficients) -> bytes:
    """Returns the coefficients as they are shipped."""
    parts = {
        name: {
            **dict(zip(part.names, (round(float(weight), 4) for weight in part.weights), strict=True)),
            "bias": round(part.bias, 4),
        }
        for name, part in (
            ("glance", coefficients.glance),
            ("pair", coefficients.pair),
            ("competing", coefficients.competing),
            ("settled", coefficients.settled),
            ("alone", coefficients.alone),
        )
    }
    return orjson.dumps(parts, option=orjson.OPT_INDENT_2) + b"\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Fits and writes the coefficients."""
    parser = argparse.ArgumentParser(prog="python -m workers.documents.matching.fit", description=__doc__)
    parser.add_argument("--labelled", type=Path, action="append", default=[], help="folder with labelled tables")
    parser.add_argument("--seed", type=int, default=7, help="seed of the generated catalogues")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("coefficients.json"))
    options = parser.parse_args(arguments)
    sources = [*training_sources(seed=options.seed), *(read_labelled(folder) for folder in options.labelled)]
    options.out.write_bytes(as_json(fit_sources(sources)))
    sys.stderr.write(f"Fitted on {len(sources)} sources, written to {options.out}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
