"""A name that changes its mind, asked for through the system's own resolver: python -m tests.security.test_rebinding
runs inside a network of its own, where a name server on loopback answers.
"""

import asyncio
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from qconsole.redis.process import die_with
from tests.faults.network import why_not
from tests.faults.stage import ROOT
from tests.workers.http_server import http_server
from workers.http.guarded import ForbiddenAddress, GuardedHttp, Unreachable

PUBLIC, INSIDE = "203.0.113.7", "127.0.0.1"


def answer(query: bytes, address: str) -> bytes:
    """Return a DNS answer without time to live to a query with one question (RFC 1035, section 4)."""
    end = query.index(b"\0", 12) + 5
    question = query[12:end]
    if question[-4:-2] != b"\0\1":  # only names of IPv4 exist here
        return query[:2] + b"\x81\x80\0\1\0\0\0\0\0\0" + question
    record = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton(address)
    return query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question + record


def serve_names(asked: list[str]) -> None:
    """Answer the first question with a public address and every later one with loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((INSIDE, 53))
        while True:
            query, client = server.recvfrom(512)
            address = INSIDE if PUBLIC in asked else PUBLIC
            if query[query.index(b"\0", 12) + 2] == 1:
                asked.append(address)
            server.sendto(answer(query, address), client)


async def attack() -> None:
    """Post to a name that stands for a public address first, then for the receiver on loopback."""
    asked: list[str] = []
    threading.Thread(target=serve_names, args=(asked,), daemon=True).start()
    guarded = GuardedHttp(timeout_s=2, allowed_networks=("203.0.113.0/24",))
    async with http_server() as receiver:
        url = f"http://rebinding.example:{receiver.url.rpartition(':')[2]}/"
        with pytest.raises(Unreachable):
            await guarded.post(url, content=b"", headers={})
        assert asked == [PUBLIC]  # it was asked for once: what was checked is what was connected to
        with pytest.raises(ForbiddenAddress, match=r"127\.0\.0\.1"):
            await guarded.post(url, content=b"", headers={})
        assert asked == [PUBLIC, INSIDE]
        assert receiver.got == []
    await guarded.close()


@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
def test_a_name_that_changes_its_mind_reaches_nothing_inside(tmp_path: Path) -> None:
    resolver = tmp_path / "resolv.conf"
    resolver.write_text(f"nameserver {INSIDE}\noptions attempts:1 timeout:1\n")
    inside = 'ip link set lo up && mount --bind "$1" /etc/resolv.conf && exec "$2" -m tests.security.test_rebinding'
    argv = ["unshare", "--net", "--mount", "sh", "-c", inside, "sh", str(resolver), sys.executable]
    ran = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, preexec_fn=die_with(os.getpid()), timeout=60)
    assert ran.returncode == 0, ran.stderr[-3000:]


if __name__ == "__main__":
    asyncio.run(attack())
