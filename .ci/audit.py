"""Asks the Python Package Index which pinned packages have known vulnerabilities.

Ends with 1 when one has. Where the index cannot be asked (no network, a mirror without advisories) nothing is known:
it says so and ends with 0, for a build must not hang on somebody else's server. Words given are passed to pip-audit,
such as --ignore-vuln ID.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LISTS = ("requirements-run.txt", "requirements-dev.txt")
OPTIONS = ("--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off", "--timeout", "10")


def verdict(report: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Return the exit status and what to say about a report of pip-audit's JSON format."""
    packages = report["dependencies"]
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    said = [
        f"{package['name']} {package['version']}: {found['id']}, "
        f"mended in {', '.join(found['fix_versions']) or 'no version'}"
        for package in packages
        for found in package.get("vulns", ())
    ]
    if said:
        return 1, [*said, f"{len(said)} known vulnerabilities: raise the versions in pyproject.toml, then `make lock`"]
    if len(unknown) == len(packages):
        return 0, [f"NOT AUDITED: the package index here knows no advisories for any of the {len(unknown)} packages"]
    left_out = f"; it does not know {', '.join(unknown)}" if unknown else ""
    return 0, [f"no known vulnerability in {len(packages) - len(unknown)} packages{left_out}"]


def main(words: Sequence[str]) -> int:
    """Audit the pinned lists."""
    lists = [word for name in LISTS for word in ("--requirement", str(Path(__file__).parent / name))]
    command = [sys.executable, "-m", "pip_audit", *OPTIONS, *lists, *words]
    ran = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
    try:
        status, said = verdict(json.loads(ran.stdout))
    except json.JSONDecodeError:
        reason = (ran.stderr.strip().splitlines() or ["no answer"])[-1]
        unreachable = "requests.exceptions" in reason or "ServiceError" in reason or "ConnectionError" in reason
        status, said = (0 if unreachable else 1), [f"NOT AUDITED: {reason[:300]}"]
    print(*(f"audit: {line}" for line in said), sep="\n", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
