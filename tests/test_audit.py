"""The dependency audit: a known vulnerability fails, and where nothing could be asked nothing is called clean."""

import runpy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

Verdict = Callable[[Mapping[str, Any]], tuple[int, list[str]]]

CLEAN = {"name": "arq", "version": "0.28.0", "vulns": []}
UNKNOWN = {"name": "ours", "skip_reason": "not on PyPI"}
BAD = {"name": "jinja2", "version": "2.4", "vulns": [{"id": "PYSEC-2014-8", "fix_versions": ["2.7.3"], "aliases": []}]}


@pytest.fixture(scope="module")
def verdict() -> Verdict:
    found: Verdict = runpy.run_path(str(Path(__file__).parents[1] / ".ci" / "audit.py"))["verdict"]
    return found


def test_a_known_vulnerability_fails_and_says_what_mends_it(verdict: Verdict) -> None:
    status, said = verdict({"dependencies": [CLEAN, BAD, UNKNOWN]})
    assert (status, said[0]) == (1, "jinja2 2.4: PYSEC-2014-8, mended in 2.7.3")
    assert "make lock" in said[-1]


def test_clean_packages_pass_and_those_left_out_are_named(verdict: Verdict) -> None:
    assert verdict({"dependencies": [CLEAN]}) == (0, ["no known vulnerability in 1 packages"])
    assert verdict({"dependencies": [CLEAN, UNKNOWN]})[1] == [
        "no known vulnerability in 1 packages; it does not know ours"
    ]


def test_an_index_without_advisories_is_not_called_clean(verdict: Verdict) -> None:
    status, said = verdict({"dependencies": [UNKNOWN, UNKNOWN]})
    assert (status, said[0].startswith("NOT AUDITED")) == (0, True)
