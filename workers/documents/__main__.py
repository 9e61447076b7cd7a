"""Extracts line items from files without a queue: `python -m workers.documents FILE…`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from workers.documents.errors import UnreadableDocument
from workers.documents.extract import read_line_items
from workers.documents.model import LineItem

_log = logging.getLogger(__name__)

_FIELDS = ("description", "quantity", "unit", "part_number", "unit_price", "line_total")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: its lines, or the sentence that says why there are none."""

    path: Path
    items: tuple[LineItem, ...] = ()
    error: str | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0, 2 for wrong usage, 6 when a file could not be read."""
    options = _options().parse_args(arguments)
    if options.predictions is not None:
        options.predictions.mkdir(parents=True, exist_ok=True)
    outcomes: list[Outcome] = []
    for path in options.files:
        outcome = _read(path)
        outcomes.append(outcome)
        if outcome.error is not None:
            print(f"{outcome.path}: {outcome.error}", file=sys.stderr)
        elif options.predictions is not None:
            target = options.predictions / f"{outcome.path.name}.json"
            target.write_text(
                json.dumps({"lines": [plain(item) for item in outcome.items]}, ensure_ascii=False, indent=1)
            )
    if options.predictions is None or options.output is not None:
        _print(outcomes, options.output or "table")
    return 6 if any(outcome.error is not None for outcome in outcomes) else 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m workers.documents", description="Extract line items from documents."
    )
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="PDF, picture, workbook, CSV, e-invoice XML or mail"
    )
    parser.add_argument(
        "-o", "--output", choices=("table", "json"), help="how to print (table unless --predictions is given)"
    )
    parser.add_argument("--predictions", type=Path, metavar="DIR", help="write one FILE.json per document here")
    return parser


def _read(path: Path) -> Outcome:
    try:
        return Outcome(path, tuple(read_line_items(path.read_bytes())))
    except OSError as error:
        return Outcome(path, error=f"cannot be opened ({error.strerror})")
    except UnreadableDocument as error:
        return Outcome(path, error=error.reason)
    except Exception as error:
        # One document must not lose the others; what went wrong in here is for whoever mends it.
        _log.exception("reading %s failed", path)
        return Outcome(path, error=f"cannot be read, an error of this program ({type(error).__name__})")


def plain(item: LineItem) -> dict[str, str | int | float | None]:
    """Return the printed fields of `item` as JSON values."""
    return {name: _number(value) if isinstance(value := getattr(item, name), Decimal) else value for name in _FIELDS}


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _print(outcomes: Sequence[Outcome], output: str) -> None:
    read = [outcome for outcome in outcomes if outcome.error is None]
    if output == "json":
        print(
            json.dumps(
                {str(outcome.path): [_detailed(item) for item in outcome.items] for outcome in read},
                ensure_ascii=False,
                indent=1,
            )
        )
        return
    for outcome in read:
        print(f"{outcome.path}: {len(outcome.items)} line{'' if len(outcome.items) == 1 else 's'}")
        for item in outcome.items:
            print("  " + " | ".join(_shown(item)))


def _detailed(item: LineItem) -> dict[str, object]:
    return {
        **plain(item),
        "page": item.page,
        "confidence": item.confidence,
        "review": [str(reason) for reason in item.review],
    }


def _shown(item: LineItem) -> list[str]:
    cells = [item.description[:60], item.part_number, item.quantity, item.unit, item.unit_price, item.line_total]
    texts = ["" if cell is None else format(cell, "f") if isinstance(cell, Decimal) else cell for cell in cells]
    return [text.translate(dict.fromkeys(range(32), " ")) for text in texts] + [",".join(item.review)]


if __name__ == "__main__":
    sys.exit(main())
