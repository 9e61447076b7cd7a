"""`qconsole export --all` and `qconsole import` by the command line: every state, crashes half-way, nothing changed."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from redis.asyncio import Redis

from qconsole.admin import Actor, Admin
from qconsole.admin.export_place import is_record
from qconsole.clock import SystemClock
from qconsole.errors import Unrecoverable
from qconsole.redis.embedded import EmbeddedServer
from qconsole.redis.process import die_with
from qconsole.runtime.client import Client
from qconsole.runtime.flow import Flow
from qconsole.runtime.policy import QueuePolicy, Retention
from qconsole.runtime.queue import Queue
from qconsole.runtime.schedule import cron
from qconsole.runtime.scheduler import Scheduler
from tests.faults.stage import ROOT
from tests.runtime.hand import Hand
from tests.support import eventually, server_binary

STATES = {"waiting", "delayed", "waiting_children", "completed", "failed", "cancelled"}
CLOCK = SystemClock()
KEEP_ALL = QueuePolicy(retention=Retention(completed=None, failed=None))


def qconsole(url: str, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "qconsole.cli", *words, "--redis", url],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, preexec_fn=die_with(os.getpid()),
    )  # fmt: skip


async def said(process: "subprocess.Popen[str]") -> tuple[int, str]:
    _, stderr = await asyncio.to_thread(process.communicate)
    return process.returncode, stderr


async def stocked(redis: Redis, jobs: int) -> None:
    """Write jobs of every state into four queues."""
    client = Client(redis=redis)
    for queue in ("email", "reports", "webhooks"):
        hand = Hand(redis, CLOCK, queue, slots=500, policy=KEEP_ALL)
        share = jobs // 3
        await client.enqueue_many("send", [{"n": n, "to": "é\x00"} for n in range(share * 4 // 10)], queue=queue)
        for ended in range(0, share * 4 // 10 - 9, 500):
            for number, claimed in enumerate(await hand.claim()):
                endings = hand.endings(claimed)
                if number % 5 == 4:
                    endings.failed(Unrecoverable(f"went wrong {ended % 7}"))
                else:
                    endings.completed(b'{"ok":true}')
            await hand.settle()
        await client.enqueue_many("send", [{"n": n} for n in range(share // 10)], queue=queue, delay_s=86_400)
        doomed = await client.enqueue_many("send", [{"n": n} for n in range(share // 10)], queue=queue)
        await Queue(queue, redis=redis, clock=CLOCK).cancel(doomed.ids)
        await client.enqueue_many("send", [{"n": n} for n in range(share * 3 // 10)], queue=queue, priority=2)
        await Scheduler(queue, redis=redis, clock=CLOCK).add(
            cron(f"nightly-{queue}", "0 2 * * *", job_type="send", queue=queue), actor="ann"
        )
        for _ in range(share // 30 + 1):
            children = [Flow("send", {}, queue="flows", delay_s=86_400) for _ in range(2)]
            await client.add_flow(Flow("report", {}, queue=queue, children=children))
        await hand.claim(20)  # jobs that run: exported as waiting


def told(path: Path) -> list[str]:
    """A file's lines without what time changes, in one order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return sorted(re.sub(r'"(result_ttl_ms|at_ms)":\d+', "", line) for line in lines if is_record(line))


def counted(path: Path) -> Counter[str]:
    documents = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return Counter(document.get("state", document["kind"]) for document in documents if document["kind"] != "place")


@pytest.mark.parametrize("jobs", [1_000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
async def test_all_states_survive_an_export_and_a_crashed_import(tmp_path: Path, jobs: int) -> None:
    first, again = tmp_path / "first.jsonl", tmp_path / "again.jsonl"
    async with (
        EmbeddedServer(tmp_path / "redis", binary=server_binary()) as server,
        Redis.from_url(server.url) as redis,
    ):
        await stocked(redis, jobs)
        exporting = qconsole(server.url, "export", "--all", "--file", str(first))
        part = tmp_path / "first.jsonl.part"
        await eventually(lambda: first.exists() or (part.exists() and b'"kind":"place"' in part.read_bytes()))
        exporting.kill()
        await said(exporting)
        if first.exists():  # it was faster than its murderer: leave what a crash in the middle would have left
            os.truncate(first.rename(part), part.stat().st_size // 2)
        status, words = await said(qconsole(server.url, "export", "--all", "--file", str(first)))
        assert (status, "--resume" in words, part.stat().st_size > 0) == (2, True, True)
        status, words = await said(qconsole(server.url, "export", "--all", "--file", str(first), "--resume"))
        assert re.search(r"Going on behind [1-9][\d,]* records", words), words
        records = sum(map(is_record, first.read_text(encoding="utf-8").splitlines()))
        assert (status, words.splitlines()[-1]) == (0, f"Wrote {records:,} records to {first}.")
        kinds = counted(first)
        assert kinds.keys() >= STATES and min(kinds[state] for state in STATES) >= jobs // 100
        assert sum(kinds[state] for state in STATES) >= jobs
        assert (first.stat().st_mode & 0o777, part.exists()) == (0o600, False)
        await redis.flushall()

        importing = qconsole(server.url, "import", str(first))
        await eventually(lambda: redis.zcard("reports"))
        importing.kill()
        await said(importing)
        assert await redis.dbsize() > 0
        status, words = await said(qconsole(server.url, "import", str(first)))
        assert status == 0, words
        assert re.search(r"Imported [\d,]+ records, [1-9][\d,]* were there already, 0 failed\.", words)

        await said(qconsole(server.url, "export", "--all", "--file", str(again)))
        assert counted(again) == kinds
        assert told(again) == told(first)
        async with await Admin.open(server.url, actor=Actor("ann", "admin", "cli")) as admin:
            assert not [finding for finding in await admin.doctor.examine() if finding.level == "bad"]
            assert len(await admin.schedules.list()) == 3
            assert sum(group.count for group in await admin.dead_letters.groups()) == kinds["dead_letter"]
