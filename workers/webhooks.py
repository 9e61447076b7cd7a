"""Webhook jobs: events are sent on to the endpoints that want them, signed by the Standard Webhooks specification.

An event has one id for every endpoint and attempt; each attempt has a fresh timestamp and is signed with every valid
secret. An endpoint that says 410, or fails for days, is disabled; every attempt is logged and can be replayed.
"""

import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
from pydantic import BaseModel, Field
from standardwebhooks import Webhook

from qconsole.errors import JobError, RetryLater, Unrecoverable
from qconsole.runtime import Client, Context, Dedup, Enqueued
from workers.db.models import OutgoingEvent, WebhookDelivery, WebhookEndpoint
from workers.db.repositories.webhooks import (
    disable,
    endpoints_for,
    mark_sent,
    note_failure,
    note_success,
    pending_events,
)
from workers.http.guarded import Answer, ForbiddenAddress, GuardedHttp, Unreachable
from workers.platform import Platform, platform
from workers.policies import DAY_S, HOUR_S, Queue, declare, webhook_dedup

EVENTS_AT_ONCE = 200
EXCERPT_CHARS = 1_000
GIVE_UP_AFTER_MS = 3 * DAY_S * 1_000
GIVE_UP_FAILURES = 20
LONGEST_WAIT_S = HOUR_S
EVENT_LIFE_MS = DAY_S * 1_000
_SHELF = "webhooks.http"
_SECONDS = re.compile(r"\d{1,9}")


class SendEvents(BaseModel):
    """Nothing to say: every pending event is sent on."""


class DeliverWebhook(BaseModel):
    """One event for one endpoint; a replay is sent whatever was delivered before."""

    event_id: str = Field(min_length=1, max_length=64)
    endpoint_id: str = Field(min_length=1, max_length=64)
    replay: bool = False


class DeliveryFailed(JobError):
    """The endpoint did not take the event; another attempt follows."""

    code = "delivery_failed"


@declare("send_events", queue=Queue.WEBHOOKS, timeout_s=120, dedup=lambda _: Dedup("send_events", mode="keep_last"))
async def send_events(ctx: Context, payload: SendEvents) -> dict[str, int]:
    """Queue a delivery of each pending event for each endpoint that wants it."""
    here, client = platform(ctx), client_of(ctx)
    events = deliveries = 0
    while True:
        async with here.database.reading() as session:
            pending = await pending_events(session, limit=EVENTS_AT_ONCE)
            wanted = [(event, await endpoints_for(session, event)) for event in pending]
        for event, endpoints in wanted:
            for endpoint in endpoints:
                await client.enqueue(
                    deliver_webhook,
                    DeliverWebhook(event_id=event.id, endpoint_id=endpoint.id),
                    job_id=f"webhook-{event.id}-{endpoint.id}",
                )
                deliveries += 1
        # Only now: a crash before this queues the same ids again, which changes nothing.
        async with here.database.writing() as session:
            await mark_sent(session, [event.id for event in pending], at_ms=here.clock.now_ms())
        events += len(pending)
        if len(pending) < EVENTS_AT_ONCE:
            return {"events": events, "deliveries": deliveries}


@declare(
    "deliver_webhook",
    queue=Queue.WEBHOOKS,
    timeout_s=60,
    dedup=lambda payload: None if payload.replay else webhook_dedup(payload.event_id, payload.endpoint_id),
)
async def deliver_webhook(ctx: Context, payload: DeliverWebhook) -> dict[str, Any]:
    """Post one event to one endpoint."""
    here = platform(ctx)
    event, endpoint = await _found(here, payload)
    body = _body(event)
    now_ms = here.clock.now_ms()
    started = time.perf_counter()
    answer, problem = None, ""
    try:
        answer = await _http(here).post(
            endpoint.url, content=body, headers=signed_headers(event.id, body, endpoint.secrets, at_ms=now_ms)
        )
    except ForbiddenAddress as error:
        problem = str(error)
        await _failed(here, ctx, payload, None, problem, started, disable_for=problem)
        raise Unrecoverable(problem, endpoint=endpoint.id) from error
    except Unreachable as error:
        problem = f"no answer: {error}"
    if answer is not None and 200 <= answer.status < 300:
        return await _succeeded(here, ctx, payload, answer, started)
    problem = _problem(answer) if answer is not None else problem
    await _failed(here, ctx, payload, answer, problem, started, disable_for=_final_reason(answer))
    raise _outcome(event, answer, problem, now_ms=now_ms)


async def replay_webhook(client: Client, *, event_id: str, endpoint_id: str) -> Enqueued:
    """Queues an event for an endpoint once more: the same id, a fresh timestamp."""
    return await client.enqueue(
        deliver_webhook, DeliverWebhook(event_id=event_id, endpoint_id=endpoint_id, replay=True)
    )


def client_of(ctx: Context) -> Client:
    """Returns the client a handler queues with.

    Raises:
        Unrecoverable: the job runs without one.
    """
    if ctx.client is None:
        raise Unrecoverable(f"{ctx.job_type} queues jobs and has no client to do it with")
    return ctx.client


def signed_headers(event_id: str, body: bytes, secrets: list[str], *, at_ms: int) -> dict[str, str]:
    """Returns the headers that prove who sent the body, and when, signed with each of the secrets."""
    at = datetime.fromtimestamp(at_ms // 1_000, UTC)
    signatures = [Webhook(secret).sign(msg_id=event_id, timestamp=at, data=body.decode()) for secret in secrets]
    return {
        "content-type": "application/json",
        "user-agent": "qconsole-webhooks/1",
        "webhook-id": event_id,
        "webhook-timestamp": str(at_ms // 1_000),
        "webhook-signature": " ".join(signatures),
    }


def retry_after_s(value: str | None, *, now_ms: int) -> float | None:
    """Returns how long a Retry-After header asks to wait, in seconds; None when it asks nothing we understand."""
    if value is None:
        return None
    if _SECONDS.fullmatch(value.strip()):
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now_ms / 1_000)


async def _found(here: Platform, payload: DeliverWebhook) -> tuple[OutgoingEvent, WebhookEndpoint]:
    async with here.database.reading() as session:
        event = await session.get(OutgoingEvent, payload.event_id)
        endpoint = await session.get(WebhookEndpoint, payload.endpoint_id)
    if event is None or endpoint is None:
        what = f"event {payload.event_id}" if event is None else f"endpoint {payload.endpoint_id}"
        raise Unrecoverable(f"there is no {what}")
    if endpoint.disabled_ms is not None and not payload.replay:
        raise Unrecoverable(f"endpoint {endpoint.id} is disabled: {endpoint.disabled_reason}", endpoint=endpoint.id)
    return event, endpoint


def _body(event: OutgoingEvent) -> bytes:
    at = datetime.fromtimestamp(event.created_ms / 1_000, UTC).isoformat(timespec="milliseconds")
    return orjson.dumps({"type": event.type, "timestamp": at.replace("+00:00", "Z"), "data": event.payload})


def _problem(answer: Answer) -> str:
    if 300 <= answer.status < 400:
        return f"answered {answer.status}; redirects are not followed, give the final address"
    return f"answered {answer.status}"


def _final_reason(answer: Answer | None) -> str | None:
    return "it answered 410 Gone" if answer is not None and answer.status == 410 else None


def _outcome(event: OutgoingEvent, answer: Answer | None, problem: str, *, now_ms: int) -> JobError:
    if answer is not None and answer.status == 410:
        return Unrecoverable("the endpoint answered 410 Gone and is disabled")
    if answer is not None and answer.status in (429, 503):
        wait_s = retry_after_s(answer.headers.get("retry-after"), now_ms=now_ms)
        if wait_s is not None and now_ms - event.created_ms < EVENT_LIFE_MS:
            return RetryLater(min(max(wait_s, 1.0), LONGEST_WAIT_S), f"the endpoint {problem}")
    return DeliveryFailed(f"the endpoint {problem}" if answer is not None else f"the endpoint gave {problem}")


async def _succeeded(
    here: Platform, ctx: Context, payload: DeliverWebhook, answer: Answer, started: float
) -> dict[str, Any]:
    delivery = _delivery(here, ctx, payload, answer, None, started)
    async with here.database.writing() as session:
        await note_success(session, delivery)
    return {"status": answer.status, "duration_ms": delivery.duration_ms}


async def _failed(
    here: Platform,
    ctx: Context,
    payload: DeliverWebhook,
    answer: Answer | None,
    problem: str,
    started: float,
    *,
    disable_for: str | None,
) -> None:
    delivery = _delivery(here, ctx, payload, answer, problem, started)
    async with here.database.writing() as session:
        endpoint = await note_failure(session, delivery)
        if endpoint is None or endpoint.disabled_ms is not None:
            return
        failing_ms = delivery.at_ms - (endpoint.failing_since_ms or delivery.at_ms)
        if disable_for is None and endpoint.failures >= GIVE_UP_FAILURES and failing_ms >= GIVE_UP_AFTER_MS:
            disable_for = f"{endpoint.failures} deliveries failed in a row over {failing_ms // 86_400_000} days"
        if disable_for is not None:
            disable(endpoint, reason=disable_for, at_ms=delivery.at_ms)


def _delivery(
    here: Platform, ctx: Context, payload: DeliverWebhook, answer: Answer | None, problem: str | None, started: float
) -> WebhookDelivery:
    body = answer.body if answer is not None else b""
    return WebhookDelivery(
        endpoint_id=payload.endpoint_id,
        event_id=payload.event_id,
        attempt=ctx.attempt,
        status_code=answer.status if answer is not None else None,
        duration_ms=round((time.perf_counter() - started) * 1_000),
        excerpt=body.decode(errors="replace").replace("\0", "")[:EXCERPT_CHARS],
        error=problem,
        replay=payload.replay,
        at_ms=here.clock.now_ms(),
    )


def _http(here: Platform) -> GuardedHttp:
    settings = here.settings
    return here.kept(
        _SHELF,
        lambda: GuardedHttp(timeout_s=settings.webhook_timeout_s, allowed_networks=settings.webhook_allowed_networks),
    )
