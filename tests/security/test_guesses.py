"""Whatever is put into an address gets an answer or a sentence, never a failure: queries, filters, cursors."""

import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from starlette.testclient import TestClient

from qconsole.admin import Actor, Admin
from qconsole.errors import QConsoleError
from qconsole.runtime.client import Client
from qconsole.web.paths import segment
from tests.web.conftest import HTML, JSON
from tests.web.stage import Furniture

NAMES = [
    "filter", "cursor", "limit", "state", "queue", "type", "window", "at", "text", "noun", "pattern", "tz", "count",
    "preview", "reverse", "sort", "matching", "id", "after", "step", "job_type",
]  # fmt: skip
ODD = ["-1", "0", "1e999", "NaN", "9" * 40, "..", "a:b:c", "state:", '"', "(", "age>", "\x00", "%", "🙂" * 9]
TEXTS = st.one_of(st.text(max_size=40), st.sampled_from(ODD))
QUERIES = st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_address_gets_a_page_or_a_sentence(picture: Furniture, web: TestClient, data: st.DataObject) -> None:
    routes = [route.path for route in web.app.routes if "GET" in (route.methods or ())]  # type: ignore[attr-defined]
    path = data.draw(st.sampled_from([path for path in routes if path not in ("/live", "/static/{digest}/{name}")]))
    path = re.sub(r"{\w+(:segment)?}", lambda _: segment(data.draw(st.text(min_size=1, max_size=20))), path)
    query = {name: text.encode("utf-8", "surrogatepass") for name, text in data.draw(QUERIES).items()}
    html = data.draw(st.booleans())
    answer = web.get(path, params=query, headers=HTML if html else JSON)
    assert answer.status_code < 500, (path, query)
    if answer.status_code >= 400 and not html:
        assert answer.json()["error"]["message"], (path, query)
    elif answer.status_code >= 400:
        assert "</html>" in answer.text, (path, query)


@pytest.fixture
async def admin(redis_url: str, redis: Redis) -> AsyncIterator[Admin]:
    client = Client(redis=redis)
    for queue in ("email", "reports"):
        await client.enqueue_many("send", [{}] * 4, queue=queue)
    async with await Admin.open(redis_url, actor=Actor("ann", "admin", "cli")) as found:
        for job in (await admin_rows(found))[:5]:
            await found.jobs.remove(job.id, queue=job.queue)
        for _ in range(3):
            await found.queues.pause("email")
            await found.queues.resume("email")
            await found.operations.plan("cancel", "queue:email")
        yield found


async def admin_rows(admin: Admin) -> tuple[Any, ...]:
    return (await admin.jobs.page(limit=50)).rows


async def test_a_cursor_that_was_changed_is_refused_or_a_place(admin: Admin) -> None:
    chance = random.Random(7)
    pages: dict[str, Callable[[str | None], Awaitable[Any]]] = {
        "jobs": lambda cursor: admin.jobs.page(cursor=cursor, limit=1),
        "trash": lambda cursor: admin.trash.page(cursor, 1),
        "operations": lambda cursor: admin.operations.page(cursor, 1),
        "audit": lambda cursor: admin.audit.page(cursor=cursor, limit=1),
        "events": lambda cursor: admin.events.page(cursor, 1),
    }
    for name, page in pages.items():
        cursor = (await page(None)).next
        assert cursor, name
        changed = {cursor[:at] + chance.choice("Aa0_-=.~ é\x00") + cursor[at + 1 :] for at in range(len(cursor))}
        for other in [*changed, cursor[:-1], cursor * 2, cursor * 2000, "", " ", "null", "W10", *pages]:
            try:
                assert len((await page(other)).rows) <= 1
            except QConsoleError as refused:
                assert refused.message
