"""The command line: what it prints, what it writes, how it fails."""

import json
from pathlib import Path

import pytest

from tests.workers.documents.corpus.printed import press
from tests.workers.documents.corpus.sheets import workbook
from workers.documents.__main__ import main


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    made = [press(3), workbook(4)]
    for document in made:
        (tmp_path / document.name).write_bytes(document.data)
    return [str(tmp_path / document.name) for document in made]


def test_predictions_are_written_one_file_per_document(files: list[str], tmp_path: Path) -> None:
    assert main([*files, "--predictions", str(tmp_path / "out")]) == 0
    for file in files:
        found = json.loads((tmp_path / "out" / f"{Path(file).name}.json").read_text())
        assert set(found["lines"][0]) == {"description", "quantity", "unit", "part_number", "unit_price", "line_total"}
        assert isinstance(found["lines"][0]["quantity"], int | float)


def test_json_goes_to_stdout_with_page_and_review(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*files, "-o", "json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == files
    assert {"page", "confidence", "review"} <= set(printed[files[0]][0])


def test_an_unreadable_file_is_one_sentence_and_the_others_are_done(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.4 nothing")
    assert main([str(broken), str(tmp_path / "absent.pdf"), *files]) == 6
    captured = capsys.readouterr()
    assert [line.split(": ")[0] for line in captured.err.splitlines()] == [str(broken), str(tmp_path / "absent.pdf")]
    assert files[0] in captured.out


def test_no_file_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as raised:
        main([])
    assert raised.value.code == 2
