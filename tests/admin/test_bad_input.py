"""Whatever is typed gives an answer, or a refusal of ours that says where and what and changes nothing."""

import string
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from qconsole.admin import Admin
from qconsole.admin.cursors import encode_cursor
from qconsole.admin.filters import Filter
from qconsole.admin.views import Page
from qconsole.errors import CursorError, FilterError, PayloadInvalid, QConsoleError, UsageError
from qconsole.runtime.client import Client
from qconsole.runtime.keys import GLOBAL, Keys
from tests.admin.stock import failed_jobs
from tests.admin.test_filters import terms, words

Call = Callable[..., Awaitable[Any]]
LISTINGS: Final = ("jobs", "dead_letters", "audit", "events", "flows", "trash", "operations")
NAMES: Final = {
    "jobs": "jobs:0:",
    "dead_letters": "dlq:0:",
    "audit": "audit:0:",
    "events": "events:",
    "flows": "flows",
    "trash": "trash",
    "operations": "operations",
}
PATIENT: Final = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
SHORT: Final = settings(max_examples=25, deadline=None, suppress_health_check=PATIENT)
LONG: Final = settings(max_examples=1_000, deadline=None, suppress_health_check=PATIENT)

filters = words | st.lists(terms(), max_size=3).map(lambda drawn: str(Filter(tuple(drawn))))
scalars = st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False) | st.text(max_size=8)
pieces = st.sampled_from(
    [0, 6, 99, True, 1.5, "email", "failed", "", "1.5", "inf", "nan", "1_0", "0-1", "9" * 30 + "-0"]
)
places = st.recursive(scalars, lambda inner: st.lists(inner, max_size=8), max_leaves=12) | st.lists(pieces, max_size=8)
right = st.tuples(st.integers(0, 1), st.integers(0, 6), *[st.sampled_from(["email", "1e9", "-1.5", "x~1"])] * 5).map(
    list
)


@pytest.fixture
async def stocked(admin: Admin, redis: Redis, client: Client) -> Admin:
    """The service with some of everything that is paged."""
    await failed_jobs(redis, 8)
    await client.enqueue_many("send", [{"to": "a@b.c", "n": n} for n in range(8)], queue="email")
    for number in range(3):
        await admin.queues.pause("email", reason=str(number))
        await admin.jobs.remove(f"job000000{number}")
        await admin.operations.plan("retry", "state:failed")
    return admin


async def is_answered(call: Awaitable[Any], text: str) -> None:
    """Await an answer, or a refusal that says where the text is wrong."""
    try:
        await call
    except FilterError as error:
        assert error.position is not None and 0 <= error.position <= len(text)
        assert error.message and error.fields["expected"]
    except UsageError as error:  # a plan whose filter names no state the verb can act on
        assert error.field == "filter", error


async def any_filter(admin: Admin, text: str) -> None:
    for call in (admin.jobs.page, admin.jobs.count, admin.dead_letters.page, admin.audit.page):
        await is_answered(call(text), text)
    await is_answered(admin.dead_letters.groups(text), text)
    await is_answered(admin.operations.plan("retry", text), text)


@SHORT
@given(filters)
async def test_any_filter_is_answered_or_refused_with_its_position(stocked: Admin, text: str) -> None:
    await any_filter(stocked, text)


@pytest.mark.slow
@LONG
@given(filters)
async def test_any_filter_is_answered_or_refused_with_its_position_at_length(stocked: Admin, text: str) -> None:
    await any_filter(stocked, text)


async def any_cursor(admin: Admin, text: str, place: Any) -> None:
    for name in LISTINGS:
        page: Call = getattr(admin, name).page
        if text:
            with pytest.raises(CursorError, match="damaged or belongs to another listing"):
                await page(cursor=text)
        try:
            assert isinstance(await page(cursor=encode_cursor(NAMES[name], place)), Page)
        except CursorError as error:
            assert "Start again" in (error.hint or "")


cursors = st.text(max_size=60) | st.text(alphabet=string.ascii_letters + string.digits + "-_", max_size=80)


@SHORT
@given(cursors, places | right)
async def test_any_cursor_is_a_place_or_refused(stocked: Admin, text: str, place: Any) -> None:
    await any_cursor(stocked, text, place)


@pytest.mark.slow
@LONG
@given(cursors, places | right)
async def test_any_cursor_is_a_place_or_refused_at_length(stocked: Admin, text: str, place: Any) -> None:
    await any_cursor(stocked, text, place)


async def test_a_cursor_of_another_listing_or_filter_or_that_was_changed_is_refused(stocked: Admin) -> None:
    for name in ("jobs", "dead_letters", "audit", "trash", "operations"):
        cursor = (await getattr(stocked, name).page(limit=1)).next
        assert cursor is not None, name
        assert (await getattr(stocked, name).page(cursor=cursor, limit=1)).rows, name
        wrong: list[tuple[str, dict[str, Any]]] = [(other, {"cursor": cursor}) for other in LISTINGS if other != name]
        wrong += [(name, {"cursor": cursor[:-2]}), (name, {"cursor": cursor[:5] + "A" + cursor[5:]})]
        wrong += [(name, {"cursor": cursor.swapcase()}), (name, {"cursor": "é" + cursor})]
        if name in ("jobs", "dead_letters", "audit"):
            wrong += [(name, {"cursor": cursor, "filter": "queue:email"}), (name, {"cursor": cursor, "reverse": True})]
        for listing, asked in wrong:
            with pytest.raises(CursorError, match="damaged or belongs to another"):
                await getattr(stocked, listing).page(**asked)


@pytest.mark.parametrize("limit", [0, -1, 1_001, 2**70, True, 1.5, "5", None])
async def test_a_page_has_one_to_a_thousand_rows(admin: Admin, limit: Any) -> None:
    for name in LISTINGS:
        with pytest.raises(UsageError, match=r"limit must be a whole number from 1 to 1,000, got") as caught:
            await getattr(admin, name).page(limit=limit)
        assert caught.value.field == "limit"


SCHEMA: Final = {
    "type": "object",
    "properties": {"to": {"type": "string"}, "n": {"type": "integer"}},
    "required": ["to"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("payload", "field"),
    [({"to": 5}, "to"), ({"to": "a", "n": "five"}, "n"), ({"n": 1}, "to"), ({"to": "a", "too": 1}, "too")],
)
async def test_an_edit_that_breaks_the_schema_names_the_field_and_changes_nothing(
    stocked: Admin, redis: Redis, payload: dict[str, Any], field: str
) -> None:
    await redis.hset(GLOBAL.job_types(), "send", orjson.dumps({"queue": "email", "schema": SCHEMA}))  # type: ignore[misc]
    (waiting, *_), keys = (await stocked.jobs.page("state:waiting")).rows, Keys("email")
    letter = (await stocked.dead_letters.page("id:job0000005*")).rows[0]

    async def stored() -> tuple[Any, ...]:
        audit = (await stocked.audit.page()).rows
        return await redis.get(keys.job(waiting.id)), await redis.zrange("email", 0, -1), audit

    before = await stored()
    for call in (
        stocked.jobs.add("send", payload, queue="email"),
        stocked.jobs.edit(waiting.id, payload=payload),
        stocked.jobs.retry("job0000005", payload=payload),
        stocked.dead_letters.replay(letter.id, payload=payload),
    ):
        with pytest.raises(PayloadInvalid) as caught:
            await call
        assert field in caught.value.message and "send" in caught.value.message
    assert await stored() == before
    plan = await stocked.operations.plan("retry", ids=["job0000005"], payload_edit={"to": 5})
    await stocked.operations.start(plan.operation.id, confirm=plan.confirm_text)
    views = [view async for view in stocked.operations.run(plan.operation.id)]
    ((job, why),) = views[-1].failures
    assert (views[-1].done, views[-1].failed, job) == (0, 1, "email/job0000005")
    assert why.startswith("to of send: ")
    assert await redis.zrange("email", 0, -1) == before[1]


async def test_every_error_has_a_sentence_and_a_code(stocked: Admin) -> None:
    with pytest.raises(QConsoleError) as caught:
        await stocked.jobs.page("state:fialed")
    said = caught.value.as_dict()
    assert said["code"] == "filter" and said["fields"]["position"] == 6 and "failed" in (said["hint"] or "")
