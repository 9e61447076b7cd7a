"""Matches one CSV file against another.

`python -m workers.documents.matching --catalogue B.csv --queries A.csv --out matches.csv`
writes one row for each query: its id, the catalogue row's id or nothing, the confidence and the five likeliest rows.
"""

import argparse
import gc
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from workers.documents.matching.catalogue import ALTERNATIVES, Catalogue, Match
from workers.documents.matching.tables import TableError, read_catalogue, read_lines, write_table

HEADER = ("query_id", "catalogue_id", "confidence", *(f"alternative_{place}" for place in range(1, ALTERNATIVES + 1)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns 0, or 2 for a file that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m workers.documents.matching", description=__doc__.splitlines()[0])
    parser.add_argument("--catalogue", type=Path, required=True, help="CSV file of the products that can be named")
    parser.add_argument("--queries", type=Path, required=True, help="CSV file of the products to look for")
    parser.add_argument("--out", type=Path, required=True, help="CSV file to write")
    parser.add_argument(
        "--repeats", action="store_true", help="several queries may be the same product (by default they compete)"
    )
    options = parser.parse_args(arguments)
    try:
        if options.out.exists() and any(options.out.samefile(path) for path in (options.catalogue, options.queries)):
            raise TableError(f"--out must be another file than the two that are read, got {options.out}.")
        rows, lines = read_catalogue(options.catalogue), read_lines(options.queries)
        _warn_of_repeated(options.catalogue, [row.row_id for row in rows])
        _warn_of_repeated(options.queries, [line.line_id for line in lines])
        matches = Catalogue(rows).match(lines, competing=not options.repeats)
        write_table(options.out, HEADER, _written(matches))
    except TableError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    named = sum(match.row_id is not None for match in matches)
    sys.stderr.write(f"{len(matches)} queries, {named} with a match, written to {options.out}\n")
    return 0


def _warn_of_repeated(path: Path, ids: Sequence[str]) -> None:
    repeated = [row_id for row_id, times in Counter(ids).items() if times > 1]
    if repeated:
        named = ", ".join(repeated[:3]) + (", ..." if len(repeated) > 3 else "")
        sys.stderr.write(f"{path} has several rows with the id {named}; give each its own to tell matches apart.\n")


def _written(matches: Sequence[Match]) -> Iterator[list[str]]:
    for match in matches:
        others = [f"{other.row_id}:{other.confidence:.4f}" for other in match.alternatives]
        others += [""] * (ALTERNATIVES - len(others))
        yield [match.line_id, match.row_id or "", f"{match.confidence:.4f}", *others]


if __name__ == "__main__":
    # Millions of small objects live until the end; looking for cycles among them costs a fifth of the run.
    gc.disable()
    raise SystemExit(main())
