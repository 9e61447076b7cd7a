"""Events reach a real receiver, signed; what it answers decides what happens next, and everything is logged."""

import ipaddress
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis.asyncio import Redis
from sqlalchemy import select
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from qconsole.errors import RetryLater, Unrecoverable
from qconsole.runtime import Client
from tests.workers.http_server import Receiver, http_server
from tests.workers.support import context, settings_in
from workers.db.models import OutgoingEvent, WebhookDelivery, WebhookEndpoint
from workers.db.repositories.webhooks import enable, rotate_secret
from workers.http.guarded import ForbiddenAddress, GuardedHttp, Unreachable, check_url, is_public
from workers.platform import Platform, opened
from workers.webhooks import (
    DeliverWebhook,
    DeliveryFailed,
    SendEvents,
    deliver_webhook,
    replay_webhook,
    retry_after_s,
    send_events,
)

OLD, NEW = "whsec_b2xkLXNlY3JldC1vbGQtc2VjcmV0", "whsec_bmV3LXNlY3JldC1uZXctc2VjcmV0"


class Now:
    """A clock the test sets."""

    def __init__(self) -> None:
        self.ms = int(datetime.now(UTC).timestamp() * 1_000)

    def now_ms(self) -> int:
        return self.ms


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with http_server() as found:
        yield found


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
async def hooks(tmp_path: Path, receiver: Receiver, now: Now) -> AsyncIterator[Platform]:
    settings = settings_in(
        tmp_path, webhook_allowed_networks=("127.0.0.0/8",), webhook_timeout_s=1.0, reader_processes=1
    )
    async with opened(settings, clock=now) as found:
        async with found.database.writing() as session:
            session.add(OutgoingEvent(id="e1", type="document.processed", payload={"id": "d1"}, created_ms=now.ms))
            session.add(
                WebhookEndpoint(id="p1", url=f"{receiver.url}/hook", secrets=[OLD], events=["*"], created_ms=now.ms)
            )
        yield found


ONE = DeliverWebhook(event_id="e1", endpoint_id="p1")


async def _log(platform: Platform) -> list[WebhookDelivery]:
    async with platform.database.reading() as session:
        return list((await session.execute(select(WebhookDelivery).order_by(WebhookDelivery.id))).scalars())


async def _endpoint(platform: Platform) -> WebhookEndpoint:
    async with platform.database.reading() as session:
        return await session.get_one(WebhookEndpoint, "p1")


async def test_a_delivery_can_be_verified_by_the_specifications_own_package(
    hooks: Platform, receiver: Receiver
) -> None:
    result = await deliver_webhook(context(hooks)[0], ONE)
    (got,) = receiver.got
    verified = Webhook(OLD).verify(got.body, got.headers)
    assert result["status"] == 200
    assert verified["data"] == {"id": "d1"}
    assert verified["type"] == "document.processed"
    assert got.headers["webhook-id"] == "e1"
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(got.body + b" ", got.headers)
    (delivery,) = await _log(hooks)
    assert (delivery.status_code, delivery.excerpt, delivery.error) == (200, "taken", None)


async def test_both_secrets_verify_while_rotating(hooks: Platform, receiver: Receiver) -> None:
    async with hooks.database.writing() as session:
        assert await rotate_secret(session, "p1", NEW)
    await deliver_webhook(context(hooks)[0], ONE)
    for secret in (OLD, NEW):
        assert json.loads(receiver.got[0].body) == Webhook(secret).verify(receiver.got[0].body, receiver.got[0].headers)


async def test_a_retry_has_the_same_id_and_a_fresh_timestamp(hooks: Platform, receiver: Receiver, now: Now) -> None:
    receiver.answers = [lambda: PlainTextResponse("oops", 500)]
    with pytest.raises(DeliveryFailed, match="answered 500"):
        await deliver_webhook(context(hooks)[0], ONE)
    now.ms += 10_000
    await deliver_webhook(context(hooks, attempt=2)[0], ONE)
    first, second = (got.headers for got in receiver.got)
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 10
    assert [(one.attempt, one.status_code) for one in await _log(hooks)] == [(1, 500), (2, 200)]
    assert (await _endpoint(hooks)).failures == 0


async def test_retry_after_is_obeyed_without_using_an_attempt(hooks: Platform, receiver: Receiver, now: Now) -> None:
    receiver.answers = [lambda: Response(status_code=429, headers={"retry-after": "7"})] * 2
    with pytest.raises(RetryLater) as caught:
        await deliver_webhook(context(hooks)[0], ONE)
    assert caught.value.after_s == 7
    now.ms += 2 * 86_400_000
    with pytest.raises(DeliveryFailed):
        await deliver_webhook(context(hooks)[0], ONE)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90),
        ("Wed, 31 Dec 1969 00:00:00 GMT", 0),
        ("soon", None),
        (None, None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value, now_ms=10_000) == seconds


async def test_410_disables_the_endpoint(hooks: Platform, receiver: Receiver) -> None:
    receiver.answers = [lambda: Response(status_code=410)]
    with pytest.raises(Unrecoverable, match="410 Gone"):
        await deliver_webhook(context(hooks)[0], ONE)
    with pytest.raises(Unrecoverable, match="is disabled: it answered 410 Gone"):
        await deliver_webhook(context(hooks)[0], ONE)
    assert len(receiver.got) == 1
    async with hooks.database.writing() as session:
        assert await enable(session, "p1")
    await deliver_webhook(context(hooks)[0], ONE)


async def test_days_of_failure_disable_the_endpoint(hooks: Platform, receiver: Receiver, now: Now) -> None:
    receiver.answers = [lambda: Response(status_code=500)] * 20
    for number in range(20):
        assert (await _endpoint(hooks)).disabled_ms is None, number
        with pytest.raises(DeliveryFailed):
            await deliver_webhook(context(hooks)[0], ONE)
        now.ms += 4 * 3_600_000
    assert "20 deliveries failed in a row over 3 days" in str((await _endpoint(hooks)).disabled_reason)


async def test_a_redirect_is_not_followed(hooks: Platform, receiver: Receiver) -> None:
    receiver.answers = [lambda: RedirectResponse("http://169.254.169.254/latest/meta-data")]
    with pytest.raises(DeliveryFailed, match="redirects are not followed"):
        await deliver_webhook(context(hooks)[0], ONE)
    assert len(receiver.got) == 1


async def test_a_slow_answer_is_given_up(hooks: Platform, receiver: Receiver) -> None:
    receiver.delay_s = 1.5
    with pytest.raises(DeliveryFailed, match="no answer"):
        await deliver_webhook(context(hooks)[0], ONE)
    assert (await _log(hooks))[0].error == "no answer: nothing whole came within 1 s"


async def test_a_long_answer_is_cut(hooks: Platform, receiver: Receiver) -> None:
    receiver.answers = [lambda: PlainTextResponse("\0<b>" + "x" * 5_000_000)]
    await deliver_webhook(context(hooks)[0], ONE)
    excerpt = (await _log(hooks))[0].excerpt
    assert len(excerpt) == 1_000
    assert "\0" not in excerpt


async def test_events_go_to_the_endpoints_that_want_them_and_a_replay_goes_again(
    hooks: Platform, receiver: Receiver, redis: Redis, now: Now
) -> None:
    async with hooks.database.writing() as session:
        session.add(WebhookEndpoint(id="p2", url=receiver.url, secrets=[OLD], events=["other"], created_ms=1))
        session.add(WebhookEndpoint(id="p3", url=receiver.url, secrets=[OLD], events=["*"], created_ms=1, customer="x"))
        session.add_all(
            OutgoingEvent(id=f"f{number}", type="order.sent", payload={}, created_ms=now.ms) for number in range(450)
        )
    client = Client(redis=redis)
    ctx, _ = context(hooks, client=client)
    assert await send_events(ctx, SendEvents()) == {"events": 451, "deliveries": 451}
    assert await redis.zcard("webhooks") == 451
    assert await send_events(ctx, SendEvents()) == {"events": 0, "deliveries": 0}
    replayed = await replay_webhook(client, event_id="e1", endpoint_id="p1")
    assert replayed.created
    await deliver_webhook(ctx, DeliverWebhook(event_id="e1", endpoint_id="p1", replay=True))
    assert (await _log(hooks))[-1].replay


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "https:///x", "https://user:pass@example.com/", "https://[::1",
        "x", "https://exa\nmple.com/", "https://example.com:99999/",
    ],
)  # fmt: skip
def test_what_is_no_public_https_url_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenAddress):
        check_url(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
        "::1", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "255.255.255.255",
        "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::7f00:1", "fec0::1", "3fff::1",
    ],
)  # fmt: skip
def test_addresses_of_the_inside_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


async def test_names_and_numbers_of_the_inside_are_refused_after_resolution(receiver: Receiver) -> None:
    guarded = GuardedHttp(timeout_s=2, allowed_networks=("203.0.113.0/24",))
    port = receiver.url.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", "0x7f000001", "2130706433", "[::ffff:127.0.0.1]"):
        with pytest.raises((ForbiddenAddress, Unreachable)) as caught:
            await guarded.post(f"http://{host}:{port}/", content=b"", headers={})
        assert isinstance(caught.value, ForbiddenAddress) or "resolved" in str(caught.value)
    assert receiver.got == []
    await guarded.close()


async def test_the_checked_address_is_the_one_connected_to(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that stands for a public address when asked first, and for loopback when asked again, gains nothing."""
    import asyncio

    answers = ["203.0.113.7", "127.0.0.1"]
    port = int(receiver.url.rpartition(":")[2])

    async def rebinding(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", (answers.pop(0) if len(answers) > 1 else answers[0], port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", rebinding)
    guarded = GuardedHttp(timeout_s=0.5, allowed_networks=("203.0.113.0/24",))
    with pytest.raises(Unreachable):
        await guarded.post(f"http://rebinding.example:{port}/", content=b"", headers={})
    with pytest.raises(ForbiddenAddress, match=r"127\.0\.0\.1"):
        await guarded.post(f"http://rebinding.example:{port}/", content=b"", headers={})
    assert receiver.got == []
    await guarded.close()


async def test_a_forbidden_endpoint_is_buried_and_disabled(hooks: Platform) -> None:
    async with hooks.database.writing() as session:
        (await session.get_one(WebhookEndpoint, "p1")).url = "https://10.0.0.7/hook"
    with pytest.raises(Unrecoverable, match="not a public address"):
        await deliver_webhook(context(hooks)[0], ONE)
    assert (await _endpoint(hooks)).disabled_ms is not None
