"""Every page answers a person, a live refresh and a program, from one URL."""

import asyncio
import re
import time
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator
from redis import Redis
from starlette.testclient import TestClient

from qconsole.admin.queues import Queues
from qconsole.admin.schema import json_schema
from qconsole.admin.views import QueueView
from qconsole.redis.embedded import EmbeddedServer
from qconsole.runtime import Client
from qconsole.runtime.keys import GLOBAL
from qconsole.web.guard import POLICY
from tests.web.conftest import HTML, JSON
from tests.web.stage import Furniture

PAGES = {
    "/": ("overview", "Overview"),
    "/queues": ("queues", "Queues"),
    "/queues/email": ("queue", "email"),
    "/jobs": ("jobs", "Jobs"),
    "/jobs?filter=state:completed": ("jobs", "Jobs"),
    "/jobs/email/mail-000": ("job", "mail-000"),
    "/jobs/email/mail-waiting": ("job", "mail-waiting"),
    "/jobs/email/mail-later": ("job", "mail-later"),
    "/jobs/billing/charge-000": ("job", "charge-000"),
    "/jobs/reports/report-001": ("job", "report-001"),
    "/jobs/email/mail-000/logs": ("logs", "mail-000"),
    "/jobs/email/mail-waiting/why": ("why", "Why"),
    "/dlq": ("dead_letter_groups", "CardDeclined"),
    "/dlq/entries": ("dead_letters", "charge-000"),
    "/schedules": ("schedules", "morning-digest"),
    "/schedules/email/morning-digest": ("schedule", "Next runs"),
    "/schedules/email/morning-digest?pattern=0+9+*+*+*": ("schedule", "Use this pattern"),
    "/flows": ("flows", "flow-root"),
    "/flows/reports/flow-root": ("flow", "Outline"),
    "/workers": ("workers", "Workers"),
    "/metrics": ("metrics", "Metrics"),
    "/metrics?queue=email&window=6h": ("metrics", "Metrics"),
    "/metrics/sla": ("sla", "Targets"),
    "/operations": ("operations", "Operations"),
    "/trash": ("trash", "Trash"),
    "/audit": ("audit", "Audit"),
    "/events": ("events", "Events"),
    "/settings": ("findings", "Doctor"),
}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole_for_people(furniture: Furniture, web: TestClient, path: str) -> None:
    answer = web.get(path, headers=HTML)
    assert answer.status_code == 200, answer.text[:2_000]
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["cache-control"] == "no-store"
    assert PAGES[path][1] in answer.text
    assert re.search(r"<title>[^<]+ · qconsole", answer.text)


@pytest.mark.parametrize("path", PAGES)
def test_the_same_url_answers_a_documented_json(furniture: Furniture, web: TestClient, path: str) -> None:
    answer = web.get(path, headers=JSON)
    assert answer.status_code == 200, answer.text[:2_000]
    document = answer.json()
    assert document["schema"] == f"qconsole.{PAGES[path][0]}/v1"
    Draft202012Validator(json_schema(PAGES[path][0])).validate(document)


@pytest.mark.parametrize("path", [path for path in PAGES if "/logs" not in path and "/why" not in path])
def test_a_live_refresh_gets_the_main_part_only(furniture: Furniture, web: TestClient, path: str) -> None:
    answer = web.get(path, headers={**HTML, "hx-request": "true"})
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "<h1" in answer.text


def test_a_lost_worker_counts_in_no_slots(fresh: Furniture, redis_server: EmbeddedServer, web: TestClient) -> None:
    with Redis.from_url(redis_server.url) as redis:
        redis.zadd(GLOBAL.workers(), {"dead-1": int(time.time() * 1_000) - 30_000})
        redis.hset(GLOBAL.worker("dead-1"), mapping={"slots": 57, "pid": 7, "queues": '{"email":57}'})
    text = web.get("/workers", headers=HTML).text
    assert "1 lost" in text
    assert "0 of 0 slots" in text


def test_a_partitioned_queue_s_page_shows_every_part(
    fresh: Furniture, redis_server: EmbeddedServer, web: TestClient
) -> None:
    with Redis.from_url(redis_server.url) as redis:
        redis.hset(GLOBAL.partitions(), "email", "3")
    text = web.get("/queues/email", headers=HTML).text
    assert "3 partitions" in text
    for part in ("email", "email:1", "email:2"):
        assert f">{part}</a><meter" in text


def test_a_queue_that_cannot_be_read_says_why_and_shows_no_figures(
    furniture: Furniture, web: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Queues.list

    async def with_one_lost(self: Queues) -> tuple[QueueView, ...]:
        return tuple(
            replace(view, error="Redis at 10.0.0.7 does not answer") if view.name == "email" else view
            for view in await listed(self)
        )

    monkeypatch.setattr(Queues, "list", with_one_lost)
    page = web.get("/queues", headers=HTML).text
    assert "Redis at 10.0.0.7 does not answer" in page
    assert 'data-live="queues|email|waiting"' not in page
    assert 'data-live="queues|billing|waiting"' in page


def test_an_error_s_page_is_in_no_section(furniture: Furniture, web: TestClient) -> None:
    assert 'aria-current="page"' not in web.get("/nowhere", headers=HTML).text


def test_inline_script_and_style_never_appear(furniture: Furniture, web: TestClient) -> None:
    for path in PAGES:
        text = web.get(path, headers=HTML).text
        assert not re.search(r"<script(?![^>]*(src=|application/json))", text), path
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=\"|javascript:", text), path


def test_a_queue_lists_one_state_with_its_filter_shown(furniture: Furniture, web: TestClient) -> None:
    text = web.get("/queues/email?state=delayed", headers=HTML).text
    assert "mail-later" in text
    assert "mail-waiting" not in text
    assert 'value="queue:email state:delayed"' in text
    assert "qconsole jobs list --filter &#39;queue:email state:delayed&#39;" in text


def test_a_filter_s_mistake_is_underlined_where_it_stands(furniture: Furniture, web: TestClient) -> None:
    answer = web.get("/jobs?filter=queue:email+state:failde", headers=HTML)
    assert answer.status_code == 400
    assert "queue:email state:<mark>failde</mark>" in answer.text
    document = web.get("/jobs?filter=queue:email+state:failde", headers=JSON)
    assert document.status_code == 400
    assert document.json()["error"]["code"] == "filter"
    assert document.json()["error"]["fields"]["position"] == 18


@pytest.mark.parametrize(
    ("path", "verbs"),
    [
        ("/queues/billing?state=failed", ["retry", "remove"]),
        ("/jobs?filter=state:delayed,waiting", ["cancel", "promote", "remove"]),
        ("/jobs?filter=-state:delayed", ["retry", "cancel", "remove"]),
        ("/jobs?filter=state:failde", []),
    ],
)
def test_a_list_offers_the_verbs_of_its_states(
    furniture: Furniture, web: TestClient, path: str, verbs: list[str]
) -> None:
    assert re.findall(r'name="verb" value="(\w+)" data-act', web.get(path, headers=HTML).text) == verbs


def test_completions_replace_the_word_under_the_caret(furniture: Furniture, web: TestClient) -> None:
    found = web.get("/complete", params={"filter": "queue:em state:failed", "at": "8"}, headers=JSON).json()["items"]
    assert found[0]["result"] == "queue:email state:failed"
    assert found[0]["caret"] == len("queue:email")
    assert 'role="option"' in web.get("/complete?filter=sta", headers={**HTML, "hx-request": "true"}).text


def test_paging_goes_through_every_job_once(furniture: Furniture, web: TestClient) -> None:
    seen: list[str] = []
    cursor = ""
    for _ in range(10):
        document = web.get("/jobs", params={"filter": "queue:email", "limit": 7, "cursor": cursor}, headers=JSON).json()
        seen += [row["id"] for row in document["items"]]
        cursor = document["next"]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 37


def test_a_job_by_its_bare_id_is_found_in_its_queue(furniture: Furniture, web: TestClient) -> None:
    answer = web.get("/jobs?find=mail-000", headers=HTML)
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs/email/mail-000")


def test_a_job_s_page_shows_its_attempts_error_and_log(furniture: Furniture, web: TestClient) -> None:
    text = web.get("/jobs/reports/report-001", headers=HTML).text
    assert "Attempt 4" in text
    assert "KeyError" in text
    assert "library frame" in text or "declared.py" in text
    log = web.get("/jobs/email/mail-000", headers=HTML).text
    assert "sending order_confirmation to user0@example.com" in log


def test_why_a_job_waits_is_said_in_a_sentence(furniture: Furniture, web: TestClient) -> None:
    document = web.get("/jobs/webhooks/hook-0/why", headers=JSON).json()
    assert document["code"] in {"no_worker", "unknown_type"}
    assert document["sentence"].endswith(".")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/queues/none", 404),
        ("/jobs/email/none", 404),
        ("/dlq/entries/none", 404),
        ("/workers/none", 404),
        ("/operations/none", 404),
        ("/schedules/email/none", 404),
        ("/jobs?cursor=nonsense", 400),
        ("/jobs?limit=0", 400),
        ("/jobs?limit=many", 400),
        ("/queues/email?state=lost", 400),
        ("/metrics?window=1y", 400),
        ("/jobs/email/mail-000/logs?after=-1", 400),
        ("/audit?filter=state:failed", 400),
    ],
)
def test_what_is_not_there_or_not_understood_is_said_in_both_forms(
    furniture: Furniture, web: TestClient, path: str, status: int
) -> None:
    page = web.get(path, headers=HTML)
    assert page.status_code == status
    assert page.headers["content-security-policy"] == POLICY
    assert 'aria-label="Sections"' in page.text, "a visitor who is known stays inside the console"
    document = web.get(path, headers=JSON)
    assert document.status_code == status
    assert document.json()["error"]["message"]


def test_static_files_are_hashed_cached_for_ever_and_nothing_else_is_served(web: TestClient) -> None:
    text = web.get("/", headers=HTML).text
    paths = re.findall(r'(?:src|href)="(/static/[^"]+)"', text)
    assert len(paths) >= 4
    for path in paths:
        answer = web.get(path, headers={"accept-encoding": "gzip"})
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert web.get("/static/000000000000/console.css").status_code == 404
    assert web.get("/static/..%2f..%2f/console.py").status_code == 404


def test_the_page_and_all_it_loads_weigh_at_most_60_kb(furniture: Furniture, web: TestClient) -> None:
    import gzip

    page = web.get("/", headers=HTML).text
    names = set(re.findall(r'(?:src|href|data-worker)="(/static/[^"]+)"', page))
    weights = {
        name: int(web.get(name, headers={"accept-encoding": "gzip"}).headers["content-length"]) for name in names
    }
    whole = sum(weights.values()) + len(gzip.compress(page.encode()))
    assert whole <= 60_000, weights
    assert len(names) + 2 <= 8  # the page itself and the live stream


def test_a_payload_of_ten_megabytes_is_shown_cut_by_every_answer(
    fresh: Furniture, web: TestClient, redis_server: EmbeddedServer
) -> None:
    payload = {"note": "x" * 10_000_000, "lines": list(range(100_000))}

    async def send() -> None:
        async with await Client.connect(redis_server.url, large_bytes=20_000_000) as client:
            await client.enqueue("deliver_webhook", payload, queue="webhooks", job_id="heavy")

    asyncio.run(send())
    shown = (
        "/jobs/webhooks/heavy",
        "/jobs/webhooks/heavy?preview=1",
        "/jobs?filter=queue:webhooks",
        "/queues/webhooks",
    )
    for path in shown:
        answer = web.get(path, headers=HTML)
        assert answer.status_code == 200
        assert "heavy" in answer.text
        assert len(answer.text) < 500_000, path
    document = web.get("/jobs/webhooks/heavy", headers=JSON)
    assert document.json()["payload_truncated"] is True
    assert document.json()["payload_bytes"] > 10_000_000
    assert len(document.content) < 1_000_000
