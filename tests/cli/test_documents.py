"""What each command writes under -o json fits the schema that it names, and every schema is written by some command."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from redis.asyncio import Redis

from qconsole.admin import Actor, Admin
from qconsole.admin.schema import json_schema, names
from qconsole.runtime.client import Client
from qconsole.runtime.flow import Flow
from qconsole.runtime.keys import GLOBAL, Keys
from qconsole.runtime.schedule import cron
from qconsole.runtime.scheduler import Scheduler
from tests.admin.stock import NOW, failed_jobs
from tests.cli.conftest import Answer, Shell
from tests.support import ManualClock

EMAIL = Keys("email")

# in this order: what one makes, a later one shows
COMMANDS = {
    "queues": "queues list",
    "jobs": "jobs list",
    "dead_letters": "dlq list",
    "dead_letter_groups": "dlq groups",
    "schedules": "schedules list",
    "flows": "flows list",
    "workers": "workers list",
    "sla": "metrics sla",
    "findings": "doctor",
    "check": "check --dlq-max 0 --max-wait 30s",
    "logs": "jobs logs job0000000",
    "instants": "schedules preview 15m",
    "overview": "watch --count 1",
    "queue": "queues show email",
    "job": "jobs show job0000000",
    "why": "jobs why waits",
    "dead_letter": f"dlq show job0000000~{NOW - 5}",
    "schedule": "schedules show nightly",
    "flow": "flows show root",
    "worker": "workers show w1",
    "metrics": "metrics show",
    "plan": "jobs retry --filter queue:email --dry-run",
    "operation": "jobs retry --filter queue:email --yes",
    "operations": "operations list",
    "applied": "jobs remove waits",
    "trash": "trash list",
    "token": "tokens create ci",
    "tokens": "tokens list",
    "users": "users list",
    "audit": "audit list",
    "events": "events tail",
    "config": "config show",
    "path": "config path",
    "error": "jobs show nope",
}


@pytest.fixture
async def stocked(redis: Redis, redis_url: str) -> None:
    """Something of every kind."""
    await failed_jobs(redis, 5)
    client = Client(redis=redis)
    await client.enqueue("send", {"to": "a", "big": 10**30}, queue="email", job_id="waits")
    await client.add_flow(Flow("report", {}, queue="email", job_id="root", children=[Flow("send", {}, queue="email")]))
    nightly = cron("nightly", "0 2 * * *", job_type="report", queue="email")
    await Scheduler("email", redis=redis, clock=ManualClock()).declare([nightly])
    await redis.rpush(EMAIL.log("job0000000"), json.dumps({"ms": 1, "attempt": 1, "line": "began"}))  # type: ignore[misc]
    worker = {"host": "h", "pid": 7, "queues": '{"email": 5}', "slots": 5, "started_ms": 1, "state": "running"}
    await redis.hset(GLOBAL.worker("w1"), mapping=worker)  # type: ignore[misc]
    await redis.zadd(GLOBAL.workers(), {"w1": 1})
    async with await Admin.open(redis_url, actor=Actor("ann", "admin", "cli")) as admin:
        await admin.users.add("bob", password="long enough")


def document_of(name: str, answer: Answer) -> dict[str, Any]:
    """Return the document that a command wrote; a tail writes the list's items, each on a line."""
    if name == "error":
        return json.loads(answer.err)  # type: ignore[no-any-return]
    if name == "events":
        return {"schema": "qconsole.events/v1", "items": [json.loads(line) for line in answer.out.splitlines()]}
    return answer.json()  # type: ignore[no-any-return]


@pytest.mark.usefixtures("stocked")
async def test_every_document_fits_its_schema(shell: Shell, tmp_path: Path) -> None:
    assert set(COMMANDS) == set(names())
    for name, line in COMMANDS.items():
        answer = await asyncio.to_thread(shell, *line.split(), "-o", "json")
        assert answer.code in (0, 3, 7) and not answer.err.startswith("qconsole"), (line, answer)
        document = document_of(name, answer)
        assert document["schema"] == f"qconsole.{name}/v1"
        told = json.loads((await asyncio.to_thread(shell, "schema", name)).out)
        assert told == json_schema(name)
        if name == "events":
            told = {**told, "required": ["schema", "items"]}
        Draft202012Validator(told).validate(document)
        assert document.get("items") != [] or name in ("sla", "logs", "events"), line
