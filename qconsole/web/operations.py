"""Operations: preview, confirm, watch, pause, abort, resume and undo whatever touches more than one job."""

from typing import Any

from starlette.responses import RedirectResponse, Response

from qconsole.admin.commands import cli_command
from qconsole.admin.schema import to_json
from qconsole.admin.views import OperationState, OperationView, Verb
from qconsole.errors import UsageError
from qconsole.web.visit import Visit, action, json_response, page

NOUNS = ("jobs", "dlq", "trash")
LIVELY = frozenset({OperationState.RUNNING})


async def index(visit: Visit) -> Response:
    active = visit.query("active") == "1"
    view = await visit.admin.operations.list(active=active)
    return visit.answer(
        "operations/list.html",
        view=view,
        schema="operations",
        title="Operations",
        section="operations",
        active=active,
        command=cli_command("operations", "list"),
        watch="operations",
        period_ms=3_000,
    )


async def plan(visit: Visit) -> Response:
    """Preview: freeze a selection and count it, without touching anything."""
    verb = await visit.text("verb") or ""
    noun = await visit.text("noun", "jobs") or "jobs"
    if verb not in set(Verb):
        raise UsageError(f"verb must be one of {', '.join(Verb)}, got {verb[:40]!r}", field="verb")
    if noun not in NOUNS:
        raise UsageError(f"noun must be one of {', '.join(NOUNS)}, got {noun[:40]!r}", field="noun")
    ids = await visit.list("ids")
    matching = await visit.flag("matching")
    if not ids and not matching:
        raise UsageError("nothing is selected", "Mark some rows, or choose all that match.", field="ids")
    reason = await visit.reason()
    if verb == Verb.DISCARD and reason is None and not visit.wants_json:
        return await _ask_reason(visit, verb, noun)
    view = await visit.admin.operations.plan(
        verb,
        (await visit.text("filter", "") or "") if matching else "",
        noun=noun,
        ids=None if matching else ids,
        **await _limits(visit),
        reason=reason,
    )
    if visit.wants_json:
        return json_response(to_json(view, "plan"), 201)
    return visit.go(visit.link("operations", view.operation.id))


async def _ask_reason(visit: Visit, verb: str, noun: str) -> Response:
    """Ask for the reason that a discard needs, keeping everything else that was sent."""
    sent = await visit.fields()
    kept = [
        (name, value)
        for name, values in sent.items()
        if name not in {"reason", "form_token"}
        for value in (values if isinstance(values, list) else [values])
    ]
    return visit.console.pages.respond(
        visit, "operations/reason.html", title="Why?", section="operations", verb=verb, what=noun, kept=kept
    )


async def _limits(visit: Visit) -> dict[str, Any]:
    """Return the options that were sent and not empty."""
    sent = {
        "rate_per_s": await visit.number("rate_per_s"),
        "spread_s": await visit.number("spread_s"),
        "limit": await visit.whole("limit"),
        "max_affected": await visit.whole("max_affected"),
        "delay_s": await visit.number("delay_s"),
    }
    return {name: value for name, value in sent.items() if value is not None}


async def show(visit: Visit) -> Response:
    operation_id = visit.path("operation")
    view = await visit.admin.operations.get(operation_id)
    if visit.wants_json:
        return visit.answer("", view=view, schema="operation", title=operation_id)
    return visit.answer(
        "operations/page.html",
        view=view,
        schema="operation",
        title=f"{view.verb.value} · {view.state.value}",
        section="operations",
        plan=await visit.admin.operations.planned(operation_id) if view.state is OperationState.PLANNED else None,
        share=share(view),
        steps=offered(view),
        command=cli_command("operations", "show", operation_id),
        watch="at_ms" if view.state in LIVELY else "operations",
        period_ms=1_000,
    )


def share(view: OperationView) -> float:
    """Return how much of the operation is done, 0…1."""
    return min((view.done + view.skipped + view.failed) / view.matched, 1.0) if view.matched else 0.0


def offered(view: OperationView) -> frozenset[str]:
    """Return the steps that make sense now."""
    table = {
        OperationState.PLANNED: {"start", "abort"},
        OperationState.RUNNING: {"pause", "abort"},
        OperationState.PAUSED: {"resume", "abort"},
        OperationState.INTERRUPTED: {"resume", "abort"},
    }
    found = set(table.get(view.state, set()))
    if view.undo_until_ms is not None and view.undone_by is None:
        found.add("undo")
    return frozenset(found)


async def start(visit: Visit) -> Response:
    operation_id = visit.path("operation")
    view = await visit.admin.operations.start(operation_id, confirm=await visit.text("confirm"))
    return _driven(visit, view)


async def pause(visit: Visit) -> Response:
    return _stepped(visit, await visit.admin.operations.pause(visit.path("operation")))


async def resume(visit: Visit) -> Response:
    return _driven(visit, await visit.admin.operations.resume(visit.path("operation")))


async def abort(visit: Visit) -> Response:
    return _stepped(visit, await visit.admin.operations.abort(visit.path("operation")))


async def undo(visit: Visit) -> Response:
    """Start the operation that puts back what this one removed."""
    return _driven(visit, await visit.admin.operations.undo(visit.path("operation")))


def _driven(visit: Visit, view: OperationView) -> Response:
    visit.console.runner.drive(view.id, visit.admin)
    return _stepped(visit, view)


def _stepped(visit: Visit, view: OperationView) -> Response:
    if visit.wants_json:
        return json_response(to_json(view, "operation"))
    to = visit.link("operations", view.id)
    return visit.go(to) if visit.is_fragment else RedirectResponse(to, 303)


routes = [
    page("/operations", index),
    action("/operations", plan),
    page("/operations/{operation:segment}", show),
    action("/operations/{operation:segment}/start", start),
    action("/operations/{operation:segment}/pause", pause),
    action("/operations/{operation:segment}/resume", resume),
    action("/operations/{operation:segment}/abort", abort),
    action("/operations/{operation:segment}/undo", undo),
]
