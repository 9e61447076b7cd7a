"""A part that is not installed is told of in a sentence when the worker starts, not by an import error."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workers.documents import ocr
from workers.extras import missing_extras

ROOT = Path(__file__).parents[2]
WITHOUT = {
    "ocr": ("rapidocr", "onnxruntime", "cv2"),
    "reports": ("reportlab", "matplotlib"),
    "postgres": ("asyncpg",),
}
SENTENCES = {
    "ocr": "the ocr extra is not installed: scanned documents and photos are refused (pip install 'qconsole[ocr]')",
    "reports": "the reports extra is not installed: reports as PDF and charts are refused "
    "(pip install 'qconsole[reports]')",
    "postgres": "the postgres extra is not installed: PostgreSQL cannot be used (pip install 'qconsole[postgres]')",
}
_WORKER = "\n".join(
    [
        "import sys",
        "sys.modules.update(dict.fromkeys(sys.argv.pop(1).split(',')))",  # a module that is None cannot be imported
        "from qconsole.cli.__main__ import main",
        "main()",
    ]
)


def _start(folder: Path, redis_url: str, database_url: str, *extras: str) -> subprocess.CompletedProcess[str]:
    """Starts the platform's worker as from the command line, where modules of these extras cannot be imported."""
    blocked = ",".join(module for extra in extras for module in WITHOUT[extra])
    words = [sys.executable, "-c", _WORKER, blocked, "worker", "workers.settings.WorkerSettings", "--burst"]
    environment = {
        **os.environ,
        "PATH": "",  # no tesseract
        "PLATFORM_DATABASE_URL": database_url,
        "PLATFORM_STORAGE_DIR": str(folder / "files"),
    }
    return subprocess.run(
        [*words, "--redis", redis_url], env=environment, cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize("extra", WITHOUT)
def test_each_missing_part_has_its_sentence(extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    whole = missing_extras("postgresql://127.0.0.1/x")
    for module in WITHOUT[extra]:
        monkeypatch.setitem(sys.modules, module, None)
    assert set(missing_extras("postgresql://127.0.0.1/x")) == {*whole, SENTENCES[extra]}
    assert ocr.available() is (extra != "ocr")


def test_a_worker_without_ocr_and_reports_starts_and_says_so(tmp_path: Path, redis_url: str) -> None:
    ended = _start(tmp_path, redis_url, f"sqlite:///{tmp_path / 'platform.db'}", "ocr", "reports")
    assert ended.returncode == 0, ended.stderr
    for extra in ("ocr", "reports"):
        assert ended.stderr.count(SENTENCES[extra]) == 1
    assert "Traceback" not in ended.stderr


def test_a_worker_without_postgres_ends_with_what_to_do(tmp_path: Path, redis_url: str) -> None:
    ended = _start(tmp_path, redis_url, "postgresql://127.0.0.1:1/platform", "postgres")
    assert ended.returncode != 0
    assert "PostgreSQL needs the postgres extra" in ended.stderr
    assert "pip install 'qconsole[postgres]'" in ended.stderr
    assert "Traceback" not in ended.stderr
