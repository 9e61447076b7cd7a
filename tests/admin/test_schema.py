"""The JSON of every answer fits its schema, and the schema files of the package are those of the code."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from redis.asyncio import Redis

from qconsole.admin import Admin
from qconsole.admin.schema import error_json, json_schema, names, to_json
from qconsole.errors import JobNotFound
from qconsole.runtime.client import Client
from qconsole.runtime.flow import Flow
from tests.admin.stock import failed_jobs
from tests.runtime.hand import Hand


def fits(document: dict[str, object], name: str) -> None:
    assert document["schema"] == f"qconsole.{name}/v1"
    text = json.dumps(document)
    Draft202012Validator(json_schema(name)).validate(json.loads(text))


@pytest.mark.parametrize("name", names())
def test_the_schema_file_in_the_package_is_that_of_the_code(name: str) -> None:
    schema = json_schema(name)
    Draft202012Validator.check_schema(schema)
    path = Path(str(files("qconsole.admin") / "schemas" / f"{name}.json"))
    assert path.is_file(), f"write it with: python -m qconsole.admin.schema {path.parent}"
    assert json.loads(path.read_text(encoding="utf-8")) == schema


def test_there_is_no_schema_file_of_something_else() -> None:
    folder = Path(str(files("qconsole.admin") / "schemas"))
    assert {path.stem for path in folder.glob("*.json")} == set(names())


async def test_what_the_service_answers_fits_its_schema(admin: Admin, redis: Redis, client: Client, hand: Hand) -> None:
    await failed_jobs(redis, 5)
    await client.enqueue("send", {"to": "a", "big": 10**30}, queue="email", job_id="waits")
    root = await client.add_flow(Flow("report", {}, queue="email", children=[Flow("send", {}, queue="email")]))
    fits(to_json(await admin.jobs.page(limit=3), "jobs"), "jobs")
    fits(to_json(await admin.jobs.get("job0000001")), "job")
    fits(to_json(await admin.jobs.get("waits")), "job")
    fits(to_json(await admin.jobs.why("waits")), "why")
    fits(to_json(await admin.queues.list(), "queues"), "queues")
    fits(to_json(await admin.queues.get("email"), "queue"), "queue")
    fits(to_json(await admin.queues.overview()), "overview")
    fits(to_json(await admin.dead_letters.groups(), "dead_letter_groups"), "dead_letter_groups")
    letters = await admin.dead_letters.page()
    fits(to_json(letters, "dead_letters"), "dead_letters")
    fits(to_json(await admin.dead_letters.get(letters.rows[0].id)), "dead_letter")
    fits(to_json(await admin.flows.page(), "flows"), "flows")
    fits(to_json(await admin.flows.tree(root.id)), "flow")
    fits(to_json(await admin.metrics.series(), "metrics"), "metrics")
    plan = await admin.operations.plan("retry", "queue:email")
    fits(to_json(plan), "plan")
    fits(to_json(await admin.operations.start(plan.operation.id, confirm=plan.confirm_text), "operation"), "operation")
    fits(to_json(await admin.operations.list(), "operations"), "operations")
    fits(to_json(await admin.jobs.remove("waits")), "applied")
    fits(to_json(await admin.trash.page(), "trash"), "trash")
    fits(to_json(await admin.audit.page(), "audit"), "audit")
    fits(to_json(await admin.events.page(), "events"), "events")
    fits(to_json(await admin.doctor.examine(), "findings"), "findings")
    fits(to_json(await admin.check([("dlq_max", None, 0)]), "check"), "check")
    fits(to_json(await admin.metrics.sla(), "sla"), "sla")
    fits(to_json(await admin.workers.list(), "workers"), "workers")
    await admin.users.add("bob", password="long enough")
    fits(to_json(await admin.users.list(), "users"), "users")
    fits(to_json(await admin.tokens.create("ci"), "token"), "token")
    fits(to_json(await admin.tokens.list(), "tokens"), "tokens")
    fits(to_json(await admin.schedules.preview("0 2 * * *"), "instants"), "instants")


def test_errors_have_a_document_too() -> None:
    fits(error_json(JobNotFound("there is no job 'x'", job_id="x").as_dict()), "error")
    fits(error_json(JobNotFound("gone", "look elsewhere").as_dict()), "error")


def test_big_integers_survive_as_text() -> None:
    document = to_json((10**30, 1), "instants")
    assert document["items"] == [{"$qc": "bigint", "v": str(10**30)}, 1]


def test_a_wrong_name_says_which_there_are() -> None:
    with pytest.raises(ValueError, match="must be one of queues, jobs"):
        to_json((), "nonsense")
    with pytest.raises(ValueError, match="must be one of"):
        json_schema("nonsense")
