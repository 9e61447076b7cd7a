"""Completions for the filter box."""

from starlette.responses import Response

from qconsole.admin import filter_terms, filters
from qconsole.errors import UsageError
from qconsole.web.visit import Visit, json_response, page

NOUNS = {"jobs": filter_terms.JOBS, "dead letters": filter_terms.DEAD_LETTERS, "the audit": filter_terms.AUDIT}
MAX_TEXT = 2_000


async def complete(visit: Visit) -> Response:
    """Answer what may stand at the caret, each with the text that results."""
    text = visit.request.query_params.get("filter", "")[:MAX_TEXT]
    at = visit.query("at") or str(len(text))
    if not at.isascii() or not at.isdigit() or len(at) > 6:
        raise UsageError(f"at must be a position ≥ 0, got {at[:40]!r}", field="at")
    noun = NOUNS.get(visit.query("noun"), filter_terms.JOBS)
    known = {
        "queue": tuple(queue.name for queue in await visit.admin.queues.list()),
        "type": tuple(str(known["name"]) for known in await visit.admin.jobs.job_types()),
    }
    found = filters.complete(text, int(at), filters.Context(known, noun))
    suggestions = [
        {
            "text": suggestion.text,
            "detail": suggestion.detail,
            "result": text[: suggestion.start] + suggestion.text + text[suggestion.end :],
            "caret": suggestion.start + len(suggestion.text),
        }
        for suggestion in found[:12]
    ]
    if visit.wants_json:
        return json_response({"schema": "qconsole.suggestions/v1", "items": suggestions, "next": None})
    return visit.console.pages.respond(
        visit, "search/_suggestions.html", block="suggestions", title="Suggestions", suggestions=suggestions
    )


routes = [page("/complete", complete)]
