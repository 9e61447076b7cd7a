"""The command line in this process, over the test's own server."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from qconsole.cli.__main__ import run


@dataclass(frozen=True)
class Answer:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)

    def error(self) -> dict[str, Any]:
        """Return the error that it wrote under json, behind its talk."""
        error: dict[str, Any] = json.loads(self.err.splitlines()[-1])["error"]
        return error


Shell = Callable[..., Answer]


@pytest.fixture
def detached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Run a command where no setting is known: an empty folder, and standard input as given."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("QCONSOLE_REDIS_URL", "QCONSOLE_ENV", "QCONSOLE_CONFIG", "QCONSOLE_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    def call(*words: str, stdin: bytes | None = b"") -> Answer:
        source = None if stdin is None else TextIOWrapper(BytesIO(stdin), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", source)
        code = run(list(words))
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return call


@pytest.fixture
def shell(detached: Shell, monkeypatch: pytest.MonkeyPatch, redis_url: str) -> Shell:
    """Run a command over the emptied server."""
    monkeypatch.setenv("QCONSOLE_REDIS_URL", redis_url)
    return detached
