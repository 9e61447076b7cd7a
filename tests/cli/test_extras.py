"""What somebody sees who installed the console alone."""

import subprocess
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from qconsole.cli import demo
from qconsole.cli.__main__ import run
from qconsole.cli.processes import MODULE
from qconsole.errors import ExitCode


def test_everything_that_the_demo_needs_is_installed_here() -> None:
    assert demo.missing_packages("workers") == []


def test_the_demo_says_what_is_missing_and_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = demo.distribution

    def without_some(name: str) -> object:
        if name in ("aiosqlite", "lxml"):
            raise PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(demo, "distribution", without_some)
    assert run(["demo", "--once"]) == ExitCode.USAGE
    told = capsys.readouterr().err
    assert "are not installed: aiosqlite, lxml" in told
    assert "pip install 'qconsole[workers,reports]'" in told


def test_a_stray_file_takes_no_module_s_place_in_what_we_start(tmp_path: Path) -> None:
    (tmp_path / "re.py").write_text("raise SystemExit('the stray file ran')")
    ran = subprocess.run([*MODULE, "qconsole.cli", "users", "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
