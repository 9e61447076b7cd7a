"""docs/runtime.md names every key as the code does. `python -m tests.runtime.test_docs` writes the table anew."""

import re
from pathlib import Path

from qconsole.runtime.flow import OnFail
from qconsole.runtime.job import JobState
from qconsole.runtime.keys import key_table
from qconsole.runtime.policy import DedupMode
from qconsole.runtime.schedule import Missed, Overlap
from tests.benchmarks import tables

PAGE = Path(__file__).parents[2] / "docs" / "runtime.md"
START = "<!-- keys: generated from qconsole/runtime/keys.py by tests/runtime/test_docs.py -->\n"
END = "<!-- end of keys -->"


def table() -> str:
    rows = ["| key | type | written by | expires | holds |", "|---|---|---|---|---|"]
    for row in key_table():
        cells = (f"`{row.pattern}`", row.type, row.writer, row.expiry, row.holds)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def rewritten(text: str) -> str:
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{table()}{END}{after}"


def test_the_page_has_the_key_table_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert rewritten(text) == text, "run: python -m tests.runtime.test_docs"


def test_the_tables_of_performance_are_those_of_the_measured_files() -> None:
    text = tables.PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"<!-- measured: (\S+) -->", text)) == set(tables.TABLES)
    assert tables.make(text, tables.MEASURED) == text


def test_the_page_names_every_state_mode_and_policy() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for words in (JobState, DedupMode, OnFail, Missed, Overlap):
        for word in words:
            assert str(word) in text, word


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
