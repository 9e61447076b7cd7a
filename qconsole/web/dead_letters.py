"""Dead letters: groups of one error, the entries of a group or filter, one entry; replay, discard, note."""

import asyncio

from starlette.responses import Response

from qconsole.admin import filter_terms, filters
from qconsole.admin.commands import cli_command
from qconsole.admin.views import DeadLetterRow, Page, Rows
from qconsole.errors import FilterError, JobTypeNotFound, UsageError
from qconsole.web import payload_form, payload_tree, tracebacks
from qconsole.web.jobs import attempt_changes, sent_payload
from qconsole.web.visit import Visit, action, page


async def groups(visit: Visit) -> Response:
    text = visit.query("filter")
    try:
        filters.parse(text, noun=filter_terms.DEAD_LETTERS)
        view, problem = await visit.admin.dead_letters.groups(text), None
    except FilterError as error:
        if visit.wants_json:
            raise
        view, problem = Rows(), error
    return visit.answer(
        "dead_letters/groups.html",
        view=view,
        schema="dead_letter_groups",
        status=400 if problem else 200,
        title=f"Dead letters · {len(view)} groups",
        section="dlq",
        open_total=sum(group.count for group in view),
        filter=text,
        problem=problem,
        search_path=visit.link("dlq", "entries"),
        search_noun="dead letters",
        filter_text=text,
        only_plain=await visit.only_plain(view),
        command=cli_command("dlq", "groups", filter=text or None),
        watch="queues",
        period_ms=5_000,
    )


async def group(visit: Visit) -> Response:
    fingerprint = visit.path("fingerprint")
    wanted = filters.parse("", noun=filter_terms.DEAD_LETTERS).and_is("fp", fingerprint)
    cursor, limit = visit.query("cursor") or None, visit.limit()
    view, entries = await asyncio.gather(
        visit.admin.dead_letters.group(fingerprint),
        visit.admin.dead_letters.page(wanted, cursor=cursor, limit=limit),
    )
    sample = await visit.admin.dead_letters.get(entries.rows[0].id) if entries.rows and not visit.wants_json else None
    return visit.answer(
        "dead_letters/group.html",
        view=entries if not visit.wants_json else (view,),
        schema="dead_letter_groups" if visit.wants_json else "dead_letters",
        title=f"{view.error_type} · {fingerprint}",
        section="dlq",
        group=view,
        sample=sample,
        traceback=tracebacks.fold(sample.error.traceback or "") if sample else (),
        filter=str(wanted),
        search_path=visit.link("dlq", "entries"),
        search_noun="dead letters",
        filter_text=str(wanted),
        problem=None,
        list_path=("dlq", "groups", fingerprint),
        noun="dlq",
        command=cli_command("dlq", "list", filter=str(wanted)),
        watch="queues",
        period_ms=4_000,
    )


async def entries(visit: Visit) -> Response:
    text = visit.query("filter")
    view: Page[DeadLetterRow] = Page(())
    try:
        wanted = filters.parse(text, noun=filter_terms.DEAD_LETTERS)
        problem = None
        view = await visit.admin.dead_letters.page(wanted, cursor=visit.query("cursor") or None, limit=visit.limit())
    except FilterError as error:
        if visit.wants_json:
            raise
        problem = error
    return visit.answer(
        "dead_letters/entries.html",
        view=view,
        schema="dead_letters",
        status=400 if problem else 200,
        title="Dead letters",
        section="dlq",
        filter=text,
        search_path=visit.link("dlq", "entries"),
        search_noun="dead letters",
        filter_text=text,
        problem=problem,
        list_path=("dlq", "entries"),
        noun="dlq",
        only_plain=await visit.only_plain(view.rows),
        command=cli_command("dlq", "list", filter=text or None),
        watch="queues",
        period_ms=4_000,
    )


async def show(visit: Visit) -> Response:
    entry_id = visit.path("entry")
    view = await visit.admin.dead_letters.get(entry_id)
    if visit.wants_json:
        return visit.answer("", view=view, schema="dead_letter", title=entry_id)
    try:
        schema = await visit.admin.jobs.schema(view.row.job_type) if view.editable else None
    except JobTypeNotFound:
        schema = None
    is_preview = visit.query("preview") == "1"
    return visit.answer(
        "dead_letters/_preview.html" if is_preview else "dead_letters/page.html",
        view=view,
        schema="dead_letter",
        block="preview" if is_preview else "main",
        title=f"{view.row.error_type} · {view.row.job_id}",
        section="dlq",
        row=view.row,
        payload_tree=payload_tree.tree(view.payload, redacted=view.redacted),
        traceback=tracebacks.fold(view.error.traceback or ""),
        traceback_of=lambda error: tracebacks.fold(error.traceback or "") if error else (),
        changes=attempt_changes(view.attempts),
        form=payload_form.form(schema, view.payload) if view.editable else None,
        form_schema=schema,
        search_path=visit.link("dlq", "entries"),
        search_noun="dead letters",
        command=cli_command("dlq", "show", entry_id),
    )


async def replay(visit: Visit) -> Response:
    applied = await visit.admin.dead_letters.replay(
        visit.path("entry"),
        payload=await sent_payload(visit),
        delay_s=await visit.number("delay_s") or 0,
        reason=await visit.reason(),
    )
    return visit.applied(applied)


async def discard(visit: Visit) -> Response:
    return visit.applied(await visit.admin.dead_letters.discard(visit.path("entry"), reason=await visit.reason()))


async def note_entry(visit: Visit) -> Response:
    return await _note(visit, visit.path("entry"))


async def note_group(visit: Visit) -> Response:
    return await _note(visit, visit.path("fingerprint"))


async def _note(visit: Visit, target: str) -> Response:
    text = await visit.text("note", "") or ""
    if len(text) > 2_000:
        raise UsageError(f"a note may have at most 2,000 characters, got {len(text):,}", field="note")
    return visit.applied(await visit.admin.dead_letters.note(target, text))


async def reveal(visit: Visit) -> Response:
    """Answer the payload unmasked, once; the service writes the audit."""
    view = await visit.admin.dead_letters.get(visit.path("entry"), reveal=True)
    return visit.answer(
        "jobs/_payload.html",
        view=view,
        schema="dead_letter",
        title="Payload",
        block="payload",
        payload_tree=payload_tree.tree(view.payload),
        row=view.row,
    )


routes = [
    page("/dlq", groups),
    page("/dlq/entries", entries),
    page("/dlq/groups/{fingerprint:segment}", group),
    action("/dlq/groups/{fingerprint:segment}/note", note_group),
    page("/dlq/entries/{entry:segment}", show),
    action("/dlq/entries/{entry:segment}/replay", replay),
    action("/dlq/entries/{entry:segment}/discard", discard),
    action("/dlq/entries/{entry:segment}/note", note_entry),
    action("/dlq/entries/{entry:segment}/reveal", reveal, role="admin"),
]
