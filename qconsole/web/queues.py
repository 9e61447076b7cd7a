"""The queues, and one queue: its state tabs, jobs, limits, pause, and what empties it."""

import asyncio

from starlette.responses import Response

from qconsole.admin import filters
from qconsole.admin.commands import cli_command
from qconsole.admin.filters import Filter
from qconsole.admin.queues import UNSET
from qconsole.admin.views import Page
from qconsole.errors import FilterError, UsageError
from qconsole.web.jobs import STATES, bulk_verbs, listing
from qconsole.web.visit import Visit, action, page

PLAIN_STATES = frozenset({"waiting", "active", "delayed"})  # what plain arq lets be counted
LIMITS = frozenset({"concurrency", "rate_max", "rate_per_s"})


async def index(visit: Visit) -> Response:
    view = await visit.admin.queues.list()
    return visit.answer(
        "queues/list.html", view=view, schema="queues", title="Queues", section="queues", watch="queues"
    )


async def show(visit: Visit) -> Response:
    name, state = visit.path("queue"), visit.query("state")
    if state and state not in STATES:
        raise UsageError(f"state must be one of {', '.join(STATES)}, got {state[:40]!r}", field="state")
    if visit.wants_json:
        return visit.answer("", view=await visit.admin.queues.get(name), schema="queue", title=name)
    extra = visit.query("filter")
    whole, problem = _narrowed(name, state, extra)
    queue, jobs = await asyncio.gather(visit.admin.queues.get(name), listing(visit, whole))
    return visit.answer(
        "queues/page.html",
        view=jobs or Page(()),
        schema="jobs",
        title=f"{name} · {state.replace('_', ' ')}" if state else name,
        section="queues",
        queue=queue,
        fullest=max((part.counts.get("waiting", 0) for part in queue.partitions), default=0),
        state=state,
        states=STATES,
        counted=frozenset((*STATES, "dead_letters")) if queue.native else PLAIN_STATES,
        extra=extra,
        filter=str(whole) if whole is not None else "",
        filter_text=str(whole) if whole is not None else extra,
        problem=problem,
        verbs=bulk_verbs(whole),
        noun="jobs",
        list_path=("queues", name),
        command=cli_command("jobs", "list", filter=str(whole)) if whole is not None else "",
        pause_command=cli_command("queues", "pause", name),
        watch=f"queues|{name}",
        period_ms=2_000,
    )


def _narrowed(queue: str, state: str, extra: str) -> tuple[Filter | None, FilterError | None]:
    """Return the filter of the queue's listing, or what is wrong with the text."""
    try:
        parsed = filters.parse(extra)
    except FilterError as error:
        return None, error
    narrowed = Filter().and_is("queue", queue)
    if state:
        narrowed = narrowed.and_is("state", state)
    return Filter((*narrowed.terms, *parsed.terms)), None


async def pause(visit: Visit) -> Response:
    minutes = await visit.number("minutes")
    until_ms = None if minutes is None else visit.now_ms + int(minutes * 60_000)
    return visit.applied(
        await visit.admin.queues.pause(visit.path("queue"), reason=await visit.reason(), until_ms=until_ms)
    )


async def resume(visit: Visit) -> Response:
    return visit.applied(await visit.admin.queues.resume(visit.path("queue"), reason=await visit.reason()))


async def limit(visit: Visit) -> Response:
    """Set the limits; an empty field clears that one."""
    sent = await visit.fields()
    if not LIMITS & set(sent):
        raise UsageError(f"a limit must be named: {', '.join(sorted(LIMITS))}")
    return visit.applied(
        await visit.admin.queues.limit(
            visit.path("queue"),
            concurrency=await visit.whole("concurrency") if "concurrency" in sent else UNSET,
            rate_max=await visit.whole("rate_max") if "rate_max" in sent else UNSET,
            rate_per_s=await visit.number("rate_per_s") if "rate_per_s" in sent else UNSET,
            reason=await visit.reason(),
        )
    )


async def release_hold(visit: Visit) -> Response:
    return visit.applied(await visit.admin.queues.release_hold(visit.path("queue"), reason=await visit.reason()))


async def empty(visit: Visit) -> Response:
    """Remove everything of a queue, after its name was typed."""
    applied = await visit.admin.queues.empty(
        visit.path("queue"), confirm_name=await visit.text("confirm", "") or "", reason=await visit.reason()
    )
    return visit.applied(applied)


routes = [
    page("/queues", index),
    page("/queues/{queue:segment}", show),
    action("/queues/{queue:segment}/pause", pause),
    action("/queues/{queue:segment}/resume", resume),
    action("/queues/{queue:segment}/limit", limit),
    action("/queues/{queue:segment}/release-hold", release_hold),
    action("/queues/{queue:segment}/empty", empty, role="admin"),
]
