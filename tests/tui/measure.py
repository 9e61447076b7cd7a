"""Measures the terminal console on a million jobs in a real pseudo-terminal: `python -m tests.tui.measure [--jobs N]`.

Prints first paint, key latency and bytes a key (medians and worst), CPU at rest and memory before and after a long
walk.
"""

import argparse
import asyncio
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from qconsole.redis.embedded import EmbeddedServer
from qconsole.runtime import Client
from tests.benchmarks.raw import Raw

COLUMNS, LINES = 120, 40
_TICKS = os.sysconf("SC_CLK_TCK")


class Screen:
    """A console in a pseudo-terminal, with its bytes counted and timed."""

    def __init__(self, url: str, at: str) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "qconsole.cli", "tui", "--redis", url, "--at", at],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environ,
            start_new_session=True,
        )
        os.close(slave)

    def read(self, quiet_s: float) -> tuple[bytes, float | None]:
        """Read until nothing came for a while; returns the bytes and when the first came."""
        taken, first = b"", None
        while select.select([self.master], [], [], quiet_s)[0]:
            chunk = os.read(self.master, 1 << 16)
            first = time.monotonic() if first is None else first
            taken += chunk
        return taken, first

    def wait_for(self, pattern: bytes, deadline_s: float = 30.0) -> float:
        """Return the seconds since the start until the pattern was written."""
        taken, end = b"", time.monotonic() + deadline_s
        while time.monotonic() < end:
            if select.select([self.master], [], [], 0.05)[0]:
                taken += os.read(self.master, 1 << 16)
                if re.search(pattern, taken):
                    return time.monotonic() - self.started
        raise SystemExit(f"{pattern!r} was not drawn within {deadline_s:g} s")

    def key(self, keys: bytes) -> tuple[float, int] | None:
        """Press a key; returns milliseconds until the screen answered and the bytes it took."""
        self.read(0.03)
        pressed = time.monotonic()
        os.write(self.master, keys)
        taken, first = self.read(0.03)
        return None if first is None else ((first - pressed) * 1000, len(taken))

    def cpu_s(self) -> float:
        """Return the processor time used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_mib(self) -> float:
        """Return the resident memory."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * 4096 / 2**20

    def leave(self, deadline_s: float = 30.0) -> int:
        """Press q and read on until the program has ended, as a terminal does; returns its exit code."""
        os.write(self.master, b"q")
        end = time.monotonic() + deadline_s
        while self.process.poll() is None:
            assert time.monotonic() < end, f"still there {deadline_s:g} s after q"
            if select.select([self.master], [], [], 0.05)[0]:
                with contextlib.suppress(OSError):
                    os.read(self.master, 1 << 16)
        return self.process.returncode

    def close(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self.master)


async def fill(url: str, jobs: int) -> None:
    """Enqueue the jobs."""
    client = await Client.connect(url)
    for start in range(0, jobs, 50_000):
        payloads = [{"to": f"user{n}@example.com", "n": n} for n in range(start, min(jobs, start + 50_000))]
        await client.enqueue_many("send_email", payloads, queue="email")
    await client.aclose()


def measure(url: str) -> dict[str, float]:
    """Print and return the figures."""
    figures: dict[str, float] = {}
    screen = Screen(url, "settings")
    try:
        screen.wait_for(rb"Configuration")
        time.sleep(2)
        screen.read(0.3)
        screen.started = time.monotonic()
        os.write(screen.master, b"3")
        figures["list_s"] = screen.wait_for(rb"send_email")
        print(f"first paint of the list      {figures['list_s']:.2f} s")
    finally:
        screen.close()
    screen = Screen(url, "jobs")
    try:
        figures["shell_s"] = screen.wait_for(rb"send_email")
        print(f"first paint from the shell   {figures['shell_s']:.2f} s (Python and imports included)")
        time.sleep(2)
        for name, keys in (("j", b"j"), ("^d", b"\x04"), ("k", b"k")):
            answers = [answer for _ in range(60) if (answer := screen.key(keys)) is not None]
            times, sizes = sorted(a[0] for a in answers), [a[1] for a in answers]
            median, late = statistics.median(times), times[int(len(times) * 0.95)]
            figures |= {f"{name} p50 ms": median, f"{name} p95 ms": late}
            print(f"key {name:<3} median {median:5.1f} ms  p95 {late:5.1f} ms  {statistics.median(sizes):6.0f} bytes")
        before = screen.memory_mib()
        for _ in range(400):
            os.write(screen.master, b"\x04")
            screen.read(0.005)
        screen.key(b"G")
        screen.read(1.0)
        for _ in range(200):
            os.write(screen.master, b"\x15")
            screen.read(0.005)
        figures |= {"before_mib": before, "after_mib": screen.memory_mib()}
        print(f"memory {before:.0f} MiB, after 600 screens from both ends {figures['after_mib']:.0f} MiB")
        screen.read(1.0)
        used, start, size = screen.cpu_s(), time.monotonic(), 0
        while time.monotonic() - start < 15:
            size += len(screen.read(0.5)[0])
        figures["rest_core"] = (screen.cpu_s() - used) / 15
        print(f"at rest, live 1 s: {figures['rest_core']:.1%} of one core, {size / 15:.0f} bytes a second")
    finally:
        screen.close()
    return figures


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.tui.measure", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--raw", type=Path, help="also write the figures to this JSON file")
    asked = parser.parse_args()
    raw = Raw(asked.raw)
    with tempfile.TemporaryDirectory() as folder, EmbeddedServer(Path(folder)) as server:
        raw.note_server(server.url)
        started = time.monotonic()
        asyncio.run(fill(server.url, asked.jobs))
        print(f"{asked.jobs:,} jobs in {time.monotonic() - started:.0f} s")
        figures = measure(server.url)
    raw.save({"jobs": asked.jobs, **figures})


if __name__ == "__main__":
    main()
