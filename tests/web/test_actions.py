"""Every change: what it does, what it answers to a form, to a live page and to a program, and who may not do it."""

import asyncio
import re
import time
from collections.abc import Callable

import pytest
from redis import Redis
from starlette.testclient import TestClient

from qconsole.redis.embedded import EmbeddedServer
from qconsole.runtime.keys import GLOBAL, Keys
from qconsole.web.options import Auth
from tests.support import PATIENCE_S
from tests.web.conftest import HTML, JSON
from tests.web.stage import Furniture, work

FORM = {**HTML, "referer": "http://127.0.0.1/queues/email"}


def job(web: TestClient, path: str) -> dict[str, object]:
    answer = web.get(f"/jobs/{path}", headers=JSON)
    assert answer.status_code == 200, answer.text
    return answer.json()


def plan(web: TestClient, **body: object) -> dict[str, object]:
    answer = web.post("/operations", json=body, headers=JSON)
    assert answer.status_code == 201, answer.text
    return answer.json()


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def ended(web: TestClient, operation_id: str) -> dict[str, object]:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        view = web.get(f"/operations/{operation_id}", headers=JSON).json()
        if view["state"] in {"done", "aborted"}:
            return view
        time.sleep(0.02)
    raise AssertionError(f"operation {operation_id} did not end: {view}")


def test_a_form_goes_back_where_it_came_from_and_says_what_happened(fresh: Furniture, web: TestClient) -> None:
    answer = web.post("/queues/email/pause", data={"reason": "provider is down"}, headers=FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, "/queues/email")
    page = web.get("/queues/email", headers=HTML).text
    assert "provider is down" in page
    assert "qconsole queues pause" in page
    assert (
        "qconsole queues pause"
        not in web.get("/queues/webhooks", headers=HTML).text.split("<main")[1].split('id="page"')[0]
    )


def test_a_live_page_gets_the_sentence_and_is_told_to_refresh(fresh: Furniture, web: TestClient) -> None:
    answer = web.post("/queues/email/pause", data={}, headers={**FORM, "hx-request": "true"})
    assert answer.status_code == 200
    assert answer.headers["hx-trigger"] == "qconsole:changed"
    assert "<html" not in answer.text
    assert "email" in answer.text


def test_a_queue_is_paused_and_resumed_by_json(fresh: Furniture, web: TestClient) -> None:
    done = web.post("/queues/email/pause", json={"reason": "test", "minutes": 5}, headers=JSON).json()
    assert done["schema"] == "qconsole.applied/v1"
    pause = web.get("/queues/email", headers=JSON).json()["pause"]
    assert pause["reason"] == "test"
    assert pause["until_ms"] > time.time() * 1000
    web.post("/queues/email/resume", json={}, headers=JSON)
    assert web.get("/queues/email", headers=JSON).json()["pause"] is None


def test_all_queues_are_paused_and_resumed_together(fresh: Furniture, web: TestClient) -> None:
    assert "are paused" in web.post("/queues/pause-all", json={}, headers=JSON).json()["sentence"]
    assert all(queue["pause"] for queue in web.get("/queues", headers=JSON).json()["items"])
    web.post("/queues/resume-all", json={}, headers=JSON)
    assert not any(queue["pause"] for queue in web.get("/queues", headers=JSON).json()["items"])


def test_limits_are_set_by_a_form_and_cleared_by_empty_fields(fresh: Furniture, web: TestClient) -> None:
    web.post("/queues/email/limit", data={"concurrency": "3", "rate_max": "10", "rate_per_s": "2"}, headers=FORM)
    limits = web.get("/queues/email", headers=JSON).json()["limits"]
    assert (limits["concurrency"], limits["rate_max"]) == (3, 10)
    web.post("/queues/email/limit", data={"concurrency": "", "rate_max": "", "rate_per_s": ""}, headers=FORM)
    assert web.get("/queues/email", headers=JSON).json()["limits"]["concurrency"] != 3
    wrong = web.post("/queues/email/limit", data={"concurrency": "many"}, headers={**JSON})
    assert wrong.status_code == 400
    assert wrong.json()["error"]["message"] == "concurrency must be a number, got 'many'"


def test_a_waiting_job_is_edited_with_exact_integers_and_hostile_text(fresh: Furniture, web: TestClient) -> None:
    text = '{"to": "new@example.com", "count": 98765432109876543210, "note": "<b>hi</b>"}'
    answer = web.post("/jobs/email/mail-waiting/edit", data={"payload": text, "priority": "1"}, headers=FORM)
    assert answer.status_code == 303, answer.text
    page = web.get("/jobs/email/mail-waiting", headers=HTML).text
    assert "98765432109876543210" in page
    assert "&lt;b&gt;hi&lt;/b&gt;" in page
    assert job(web, "email/mail-waiting")["priority"] == 1


def test_an_edit_that_breaks_the_schema_names_the_field_and_changes_nothing(fresh: Furniture, web: TestClient) -> None:
    answer = web.post("/jobs/email/mail-waiting/edit", json={"payload": {"to": 7}}, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"]["field"] == "to"
    assert web.post("/jobs/email/mail-waiting/edit", data={"payload": "{"}, headers=JSON).status_code == 400


def test_a_delayed_job_is_promoted_rescheduled_and_cancelled(fresh: Furniture, web: TestClient) -> None:
    assert web.post("/jobs/email/mail-later/reschedule", json={"delay_s": 60}, headers=JSON).status_code == 200
    assert web.post("/jobs/email/mail-later/reschedule", json={}, headers=JSON).status_code == 400
    assert web.post("/jobs/email/mail-later/promote", json={}, headers=JSON).status_code == 200
    assert job(web, "email/mail-later")["state"] == "waiting"
    assert web.post("/jobs/email/mail-later/cancel", json={}, headers=JSON).status_code == 200
    assert job(web, "email/mail-later")["state"] == "cancelled"


def test_a_removed_job_lies_in_the_trash_and_comes_back(fresh: Furniture, web: TestClient) -> None:
    answer = web.post("/jobs/email/mail-waiting/remove", data={"reason": "wrong"}, headers=FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, "/queues/email")
    assert web.get("/jobs/email/mail-waiting", headers=JSON).status_code == 404
    assert "mail-waiting" in web.get("/trash", headers=HTML).text
    planned = plan(web, verb="restore", noun="trash", ids=["email/mail-waiting"])
    operation = planned["operation"]["id"]
    web.post(f"/operations/{operation}/start", json={"confirm": planned["confirm_text"]}, headers=JSON)
    assert ended(web, operation)["done"] == 1
    assert job(web, "email/mail-waiting")["state"] == "waiting"


def test_a_failed_job_is_retried_and_a_completed_one_duplicated(fresh: Furniture, web: TestClient) -> None:
    assert web.post("/jobs/billing/charge-000/retry", json={}, headers=JSON).status_code == 200
    form = web.get("/jobs/add?like=mail-000&queue=email", headers=HTML).text
    assert "user0@example.com" in form
    added = web.post(
        "/jobs/add", data={"job_type": "send_email", "field:to": "copy@example.com", "job_id": "copy-1"}, headers=JSON
    )
    assert added.status_code == 200, added.text
    assert job(web, "email/copy-1")["state"] == "waiting"


def test_a_job_of_an_unknown_type_needs_its_queue(fresh: Furniture, web: TestClient) -> None:
    answer = web.post("/jobs/add", json={"job_type": "never_heard_of", "payload": {}}, headers=JSON)
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]["message"]


def test_a_dead_letter_is_noted_replayed_and_another_discarded_with_a_reason(fresh: Furniture, web: TestClient) -> None:
    entries = web.get("/dlq/entries?filter=queue:billing", headers=JSON).json()["items"]
    first, second = entries[0]["id"], entries[1]["id"]
    assert web.post(f"/dlq/entries/{first}/note", data={"note": "asked the bank"}, headers=JSON).status_code == 200
    assert "asked the bank" in web.get(f"/dlq/entries/{first}", headers=HTML).text
    assert web.post(f"/dlq/entries/{first}/replay", json={"reason": "fixed"}, headers=JSON).status_code == 200
    assert web.get(f"/dlq/entries/{first}", headers=JSON).json()["state"] == "replayed"
    assert web.post(f"/dlq/entries/{second}/discard", json={}, headers=JSON).status_code == 400
    assert web.post(f"/dlq/entries/{second}/discard", json={"reason": "test data"}, headers=JSON).status_code == 200
    assert web.get(f"/dlq/entries/{second}", headers=JSON).json()["state"] == "discarded"


def test_a_whole_group_is_previewed_confirmed_replayed_and_undone(
    fresh: Furniture, web: TestClient, console_of: Callable[..., TestClient]
) -> None:
    group = next(
        found for found in web.get("/dlq", headers=JSON).json()["items"] if found["error_type"] == "CardDeclined"
    )
    answer = web.post(
        "/operations",
        data={"verb": "replay", "noun": "dlq", "matching": "1", "filter": f"fp:{group['fingerprint']}"},
        headers=FORM,
    )
    assert answer.status_code == 303, answer.text
    page = web.get(answer.headers["location"], headers=HTML).text
    assert "Nothing has been touched yet" in page
    assert "5 samples" in page
    sister = console_of(auth=Auth.OFF).get(answer.headers["location"], headers=HTML).text
    assert "5 samples" in sister and "qconsole dlq replay" in sister, "a preview is known to every process"
    operation = answer.headers["location"].rpartition("/")[2]
    assert web.get(f"/dlq/groups/{group['fingerprint']}", headers=JSON).json()["items"][0]["count"] == 24
    assert web.post(f"/operations/{operation}/start", data={}, headers=FORM).status_code == 303
    assert ended(web, operation)["done"] == 24
    done = web.get(f"/operations/{operation}", headers=HTML).text
    assert "Undo" in done
    assert "discarded" not in done


def test_discarding_a_group_asks_for_a_reason_first(fresh: Furniture, web: TestClient) -> None:
    sent = {"verb": "discard", "noun": "dlq", "matching": "1", "filter": "queue:billing"}
    asked = web.post("/operations", data=sent, headers=FORM)
    assert asked.status_code == 200
    assert 'name="reason"' in asked.text
    assert 'name="filter" value="queue:billing"' in asked.text
    planned = web.post("/operations", data=sent | {"reason": "test data"}, headers=FORM)
    assert planned.status_code == 303
    operation = planned.headers["location"].rpartition("/")[2]
    web.post(f"/operations/{operation}/start", data={}, headers=FORM)
    assert ended(web, operation)["done"] == 24
    undone = web.post(f"/operations/{operation}/undo", json={}, headers=JSON)
    assert undone.status_code == 200, undone.text
    assert web.get("/dlq/entries?filter=queue:billing", headers=JSON).json()["total"]["value"] == 24


def test_marked_rows_and_nothing_else_are_selected(fresh: Furniture, web: TestClient) -> None:
    planned = plan(web, verb="remove", noun="jobs", ids=["email/mail-000", "email/mail-001"])
    assert planned["count"] == {"value": 2, "exact": True}
    assert planned["confirm"] == "click"
    nothing = web.post("/operations", data={"verb": "retry", "noun": "jobs", "filter": "queue:email"}, headers=JSON)
    assert nothing.status_code == 400
    assert nothing.json()["error"]["message"] == "nothing is selected"


def test_more_than_a_hundred_must_be_typed(redis_server: EmbeddedServer, web: TestClient) -> None:
    Furniture(redis_server.url, "emails=120", "charges=1").close()
    planned = plan(web, verb="remove", noun="jobs", matching=True, filter="queue:email state:completed")
    operation = planned["operation"]["id"]
    assert planned["confirm"] == "count"
    page = web.get(f"/operations/{operation}", headers=HTML).text
    assert f"<code>{planned['confirm_text']}</code>" in page
    refused = web.post(f"/operations/{operation}/start", json={"confirm": "7"}, headers=JSON)
    assert refused.status_code == 422
    assert refused.json()["error"]["code"] == "unconfirmed"
    started = web.post(f"/operations/{operation}/start", json={"confirm": "120"}, headers=JSON)
    assert started.status_code == 200, started.text
    assert ended(web, operation)["done"] == 120


def test_a_preview_is_dropped_and_an_ended_operation_cannot_be_paused(fresh: Furniture, web: TestClient) -> None:
    operation = plan(web, verb="retry", noun="jobs", matching=True, filter="queue:billing")["operation"]["id"]
    assert web.post(f"/operations/{operation}/abort", data={}, headers=FORM).status_code == 303
    assert web.post(f"/operations/{operation}/pause", json={}, headers=JSON).status_code == 409


def test_a_queue_is_emptied_only_by_its_name(fresh: Furniture, web: TestClient) -> None:
    refused = web.post("/queues/webhooks/empty", json={"confirm": "web", "reason": "x"}, headers=JSON)
    assert refused.status_code == 422
    assert (
        web.post("/queues/webhooks/empty", json={"confirm": "webhooks", "reason": "x"}, headers=JSON).status_code == 200
    )
    assert web.get("/queues/webhooks", headers=JSON).json()["counts"]["waiting"] == 0


def test_what_was_done_stands_in_the_audit_with_its_face(fresh: Furniture, web: TestClient) -> None:
    web.post("/queues/email/pause", json={"reason": "audit me"}, headers=JSON)
    row = web.get("/audit", headers=JSON).json()["items"][0]
    assert (row["actor"], row["face"], row["reason"]) == ("local", "web", "audit me")
    assert "audit me" in web.get("/audit?filter=reason:audit*", headers=HTML).text


def test_masked_values_are_revealed_only_by_asking_and_the_audit_knows(fresh: Furniture, web: TestClient) -> None:
    assert "hunter2" not in web.get("/jobs/email/mail-waiting", headers=HTML).text
    assert "hunter2" not in web.get("/jobs/email/mail-waiting", headers=JSON).text
    assert "hunter2" not in web.get("/jobs?filter=queue:email", headers=HTML).text
    shown = web.post("/jobs/email/mail-waiting/reveal", data={}, headers={**FORM, "hx-request": "true"})
    assert "hunter2" in shown.text
    assert "reveal" in web.get("/audit", headers=JSON).json()["items"][0]["action"]


@pytest.mark.parametrize(
    "path", ["/queues/email/pause", "/jobs/email/mail-000/remove", "/operations", "/queues/pause-all"]
)
def test_no_get_changes_anything(fresh: Furniture, web: TestClient, path: str) -> None:
    before = web.get("/queues", headers=JSON).json()
    assert web.get(path, headers=JSON).status_code in {200, 404, 405}
    after = web.get("/queues", headers=JSON).json()
    assert [queue["counts"] for queue in before["items"]] == [queue["counts"] for queue in after["items"]]


def test_a_schedule_is_paused_run_edited_reverted_and_removed(fresh: Furniture, web: TestClient) -> None:
    base = "/schedules/email/morning-digest"
    assert web.post(f"{base}/pause", json={"reason": "holiday"}, headers=JSON).status_code == 200
    assert web.get(base, headers=JSON).json()["paused"]
    assert web.post(f"{base}/resume", json={}, headers=JSON).status_code == 200
    assert web.post(f"{base}/run", json={}, headers=JSON).status_code == 200
    edited = web.post(f"{base}/edit", data={"pattern": "0 9 * * *", "tz": "UTC"}, headers=FORM)
    assert (edited.status_code, edited.headers["location"]) == (303, base)
    view = web.get(base, headers=JSON).json()
    assert view["pattern"] == "0 9 * * *"
    assert "pattern" in view["differs"]
    assert web.post(f"{base}/revert", json={}, headers=JSON).status_code == 200
    assert web.get(base, headers=JSON).json()["pattern"] == "30 7 * * 1-5"
    wrong = web.post(f"{base}/edit", json={"pattern": "often"}, headers=JSON)
    assert wrong.status_code == 400
    assert web.post(f"{base}/edit", json={}, headers=JSON).status_code == 400
    assert web.post(f"{base}/remove", json={}, headers=JSON).status_code == 200
    assert web.get(base, headers=JSON).status_code == 404


def test_a_pattern_can_be_tried_without_changing_anything(fresh: Furniture, web: TestClient) -> None:
    page = web.get("/schedules/email/morning-digest?pattern=0+9+*+*+*&tz=UTC", headers=HTML).text
    assert "Use this pattern" in page
    bad = web.get("/schedules/email/morning-digest?pattern=often", headers=HTML)
    assert bad.status_code == 200
    assert 'role="alert"' in bad.text
    assert web.get("/schedules/email/morning-digest", headers=JSON).json()["pattern"] == "30 7 * * 1-5"


def test_a_mark_stands_on_the_charts(fresh: Furniture, web: TestClient) -> None:
    assert web.post("/metrics/mark", json={"label": "provider is back"}, headers=JSON).status_code == 200
    assert web.post("/metrics/mark", json={}, headers=JSON).status_code == 400
    labels = [mark["label"] for mark in web.get("/metrics", headers=JSON).json()["marks"]]
    assert "provider is back" in labels
    assert "provider is back" in web.get("/metrics", headers=HTML).text


def test_a_deploy_stands_on_the_charts_too(fresh: Furniture, redis_server: EmbeddedServer, web: TestClient) -> None:
    with Redis.from_url(redis_server.url) as redis:
        redis.zadd(GLOBAL.marks(), {"deploy:b52e3d": int(time.time() * 1_000) - 60_000})
    for path in ("/", "/metrics"):
        assert re.search(r"<title>deploy: b52e3d</title>", web.get(path, headers=HTML).text), path


def test_a_queue_is_drained_after_a_preview_and_refilled_from_the_trash(fresh: Furniture, web: TestClient) -> None:
    sent = {"noun": "jobs", "verb": "drain", "matching": "1", "filter": "queue:webhooks"}
    answer = web.post("/operations", data=sent, headers=FORM)
    assert "Nothing has been touched yet" in web.get(answer.headers["location"], headers=HTML).text
    operation = answer.headers["location"].rpartition("/")[2]
    web.post(f"/operations/{operation}/start", data={}, headers=FORM)
    assert ended(web, operation)["done"] == 3
    assert web.get("/queues/webhooks", headers=JSON).json()["counts"]["waiting"] == 0
    web.post(f"/operations/{ended(web, operation)['id']}/undo", json={}, headers=JSON)
    until(lambda: web.get("/queues/webhooks", headers=JSON).json()["counts"]["waiting"] == 3)


def test_a_running_operation_is_paused_resumed_and_aborted(fresh: Furniture, web: TestClient) -> None:
    planned = plan(web, verb="retry", noun="jobs", matching=True, filter="queue:billing", rate_per_s=0.05)
    operation = planned["operation"]["id"]  # type: ignore[index]
    for step, state in (("start", "running"), ("pause", "paused"), ("resume", "running"), ("abort", "aborted")):
        answer = web.post(f"/operations/{operation}/{step}", json={}, headers=JSON)
        assert answer.status_code == 200, answer.text
        until(lambda state=state: web.get(f"/operations/{operation}", headers=JSON).json()["state"] == state)
    assert web.get(f"/operations/{operation}", headers=JSON).json()["done"] < 24


def test_a_hold_is_shown_and_released(fresh: Furniture, redis_server: EmbeddedServer, web: TestClient) -> None:
    with Redis.from_url(redis_server.url) as redis:
        redis.set(Keys("webhooks").hold(), int(time.time() * 1_000) + 600_000, px=600_000)
    assert "Held by a rate limit" in web.get("/queues/webhooks", headers=HTML).text
    assert web.post("/queues/webhooks/release-hold", json={}, headers=JSON).status_code == 200
    assert "Held by a rate limit" not in web.get("/queues/webhooks", headers=HTML).text


def test_what_failed_in_a_flow_is_retried(fresh: Furniture, redis_server: EmbeddedServer, web: TestClient) -> None:
    for delayed in ("mail-later", "mail-bulk"):  # a worker in a burst waits for what is delayed
        assert web.post(f"/jobs/email/{delayed}/remove", json={}, headers=JSON).status_code == 200
    for _ in range(2):  # the queue of the parent may have been worked off before its children ended
        asyncio.run(asyncio.wait_for(work(redis_server.url), 60))
    assert re.search(r"Retry \d failed job", web.get("/flows/reports/flow-root", headers=HTML).text)
    assert web.post("/flows/reports/flow-root/retry", json={}, headers=JSON).status_code == 200
    assert job(web, "reports/flow-part")["state"] != "failed"


def test_a_flow_without_failures_has_nothing_to_retry(fresh: Furniture, web: TestClient) -> None:
    assert web.post("/flows/reports/flow-root/retry", json={}, headers=JSON).status_code == 409


def test_a_worker_that_is_gone_cannot_be_told_anything(fresh: Furniture, web: TestClient) -> None:
    for verb in ("quiet", "resume", "stop"):
        assert web.post(f"/workers/gone/{verb}", json={}, headers=JSON).status_code == 404


def test_the_theme_is_kept_in_a_cookie_and_any_other_word_forgets_it(fresh: Furniture, web: TestClient) -> None:
    web.post("/settings/theme", data={"theme": "dark"}, headers=FORM)
    assert 'data-theme="dark"' in web.get("/queues", headers=HTML).text
    web.post("/settings/theme", data={"theme": "<script>"}, headers=FORM)
    assert "data-theme=" not in web.get("/queues", headers=HTML).text
