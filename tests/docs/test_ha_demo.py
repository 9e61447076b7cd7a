"""The failover demo shows what it promises: a primary dies, another takes over, work goes on."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "docs" / "examples" / "ha_demo.py"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sentinel", "cluster"])
def test_one_failover_is_told_from_kill_to_return(kind: str) -> None:
    command = [sys.executable, str(DEMO), kind, "--once"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=110)
    assert ran.returncode == 0, ran.stderr
    resumed = re.search(r"work goes on, ([\d.]+) s after the kill", ran.stdout)
    assert resumed is not None, ran.stdout
    assert float(resumed[1]) < 15
    assert "is back, as a replica" in ran.stdout
