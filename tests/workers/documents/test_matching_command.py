"""The command reads what people save as CSV and refuses the rest in one sentence."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from workers.documents.matching.__main__ import main
from workers.documents.matching.tables import TableError, parse_price, read_catalogue

CATALOGUE = "id,title,manufacturer,price\n7,Ortavo PR-LX350H Belt-Drive Turntable,Ortavo,$99.00\n8,Other lamp,Lumo,5\n"


def _run(folder: Path, *, catalogue: bytes, queries: bytes) -> tuple[int, list[list[str]]]:
    (folder / "b.csv").write_bytes(catalogue)
    (folder / "a.csv").write_bytes(queries)
    out = folder / "m.csv"
    code = main(["--catalogue", str(folder / "b.csv"), "--queries", str(folder / "a.csv"), "--out", str(out)])
    return code, list(csv.reader(out.read_text(encoding="utf-8").splitlines())) if out.exists() else []


def test_each_query_gets_one_row(tmp_path: Path) -> None:
    code, rows = _run(
        tmp_path, catalogue=CATALOGUE.encode(), queries=b"id,name\na,Ortavo Turntable - PRLX350H\nb,Zebra food\n"
    )
    assert code == 0
    assert rows[0][:3] == ["query_id", "catalogue_id", "confidence"]
    assert [row[0] for row in rows[1:]] == ["a", "b"]
    assert rows[1][1] == "7"
    assert rows[1][3].startswith("7:0.")
    assert rows[2][1] == ""


@pytest.mark.parametrize(
    "queries",
    [
        b"id;Name\na;Ortavo Turntable - PRLX350H\n",
        "\ufeffID\tProduct Name\r\na\tOrtavo Turntable - PRLX350H\r\n".encode(),
        "id,Bezeichnung\na,Ortavo Plattenspieler f\u00fcr PRLX350H\n".encode("cp1252"),
        "id,name\na,Ortavo Turntable - PRLX350H\n".encode("utf-16"),
        b'id,name,note\na,"Ortavo Turntable\n- PRLX350H"\n\n',
        "id,name\na,Ortavo Turntable - PRLX350H\n".encode("utf-16-le"),
        b"sep=;\nid;name\na;Ortavo Turntable - PRLX350H\n",
        "Article ID;D\u00e9signation;Prix\na;Ortavo Turntable - PRLX350H;99,00\n".encode(),
        b"vendor_name,left_id,left_title,description\nOrtavo,a,Ortavo Turntable &ndash; PRLX350H,belt\n",
        b"id,name,title\na,,Ortavo Turntable - PRLX350H\n",
    ],
)
def test_delimiters_encodings_and_headings_vary(tmp_path: Path, queries: bytes) -> None:
    code, rows = _run(tmp_path, catalogue=CATALOGUE.encode(), queries=queries)
    assert (code, rows[1][:2]) == (0, ["a", "7"])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"  \n \n", "is empty"),
        (b"id,name\n", "has a header and no rows"),
        (b"id,colour\n1,red\n", "must have a column called name or title"),
        (b"PK\x03\x04\x00\x00", "is not a text file"),
    ],
)
def test_a_useless_file_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, sentence: str
) -> None:
    code, _ = _run(tmp_path, catalogue=content, queries=b"id,name\na,x\n")
    said = capsys.readouterr().err
    assert code == 2
    assert sentence in said
    assert said.count("\n") == 1


def test_the_files_that_are_read_are_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "b.csv"
    path.write_text(CATALOGUE, encoding="utf-8")
    assert main(["--catalogue", str(path), "--queries", str(path), "--out", str(path)]) == 2
    assert "--out must be another file" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == CATALOGUE


def test_repeated_and_missing_ids_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, rows = _run(tmp_path, catalogue=(CATALOGUE + "7,Red rug,,\n").encode(), queries=b"id,name\n,Rug\n1,Lamp\n")
    assert (code, [row[0] for row in rows[1:]]) == (0, ["row-1", "1"])
    assert "b.csv has several rows with the id 7;" in capsys.readouterr().err


def test_a_missing_file_ends_the_process_with_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "workers.documents.matching", "--catalogue", str(tmp_path / "none.csv")]
    command += ["--queries", str(tmp_path / "none.csv"), "--out", str(tmp_path / "m.csv")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert "cannot be read" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_row_without_an_id_is_numbered_and_an_oversized_field_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("name\nfirst\nsecond\n", encoding="utf-8")
    assert [row.row_id for row in read_catalogue(path)] == ["1", "2"]
    path.write_text(f"name\n{'x' * 200_000}\n", encoding="utf-8")
    before = csv.field_size_limit(131_072)  # the process's own; reading documents raises it
    try:
        with pytest.raises(TableError, match="is not a CSV table"):
            read_catalogue(path)
    finally:
        csv.field_size_limit(before)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("$1,299.00", 1299.0), ("1.299,00 EUR", 1299.0), ("12,50", 12.5), ("1,299", 1299.0), ("", None), ("0.0", None),
     ("n/a", None), ("USD 5", 5.0), ("\u00a31\u00a0299", 1299.0), ("9" * 400, None), ("1'000.50", 1000.5)],
)  # fmt: skip
def test_prices_are_read_in_both_notations(text: str, amount: float | None) -> None:
    assert parse_price(text) == amount
