"""Describes the JSON side of the console's URLs; `python -m qconsole.web.openapi` writes `openapi.json`.

A test keeps the table equal to the routes and the file equal to the table.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qconsole.admin.schema import json_schema
from qconsole.admin.views import Verb

FILE = Path(__file__).with_name("openapi.json")

TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": ["number", "string", "null"]}
PAYLOAD: dict[str, Any] = {"type": ["object", "null"], "description": "the fields of the payload"}
REASON: dict[str, Any] = {"type": ["string", "null"], "maxLength": 500, "description": "kept in the audit"}
FILTER: dict[str, Any] = {"type": "string", "description": "text of the filter grammar"}
CURSOR: dict[str, Any] = {"type": "string", "description": "`next` or `previous` of an earlier page"}
LIMIT: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
WINDOW: dict[str, Any] = {"enum": ["1h", "6h", "24h", "7d"]}
PAGED = {"cursor": CURSOR, "limit": LIMIT}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One URL and method: the document it answers, its query and its body's fields."""

    method: str
    path: str
    summary: str
    schema: str
    query: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    required: tuple[str, ...] = ()
    status: str = "200"


def _get(path: str, summary: str, schema: str, **query: Any) -> Endpoint:
    return Endpoint("get", path, summary, schema, query)


def _post(path: str, summary: str, schema: str = "applied", *, needs: tuple[str, ...] = (), **body: Any) -> Endpoint:
    return Endpoint("post", path, summary, schema, {}, body, needs, "201" if schema == "plan" else "200")


QUEUE, JOB = "/queues/{queue}", "/jobs/{queue}/{job}"
ENTRY, SCHEDULE = "/dlq/entries/{entry}", "/schedules/{queue}/{schedule}"
WORKER, OPERATION = "/workers/{worker}", "/operations/{operation}"

ENDPOINTS = (
    _get("/", "the first screen", "overview"),
    _get("/queues", "every queue", "queues"),
    _get(QUEUE, "one queue", "queue"),
    _post("/queues/pause-all", "pause every queue", reason=REASON),
    _post("/queues/resume-all", "resume every queue", reason=REASON),
    _post(QUEUE + "/pause", "pause a queue", reason=REASON, minutes=NUMBER),
    _post(QUEUE + "/resume", "resume a queue", reason=REASON),
    _post(
        QUEUE + "/limit",
        "set or (with null) clear limits",
        reason=REASON,
        concurrency=NUMBER,
        rate_max=NUMBER,
        rate_per_s=NUMBER,
    ),
    _post(QUEUE + "/release-hold", "end a rate limit's hold", reason=REASON),
    _post(QUEUE + "/empty", "remove everything of a queue", needs=("confirm",), confirm=TEXT, reason=REASON),
    _get("/jobs", "jobs that fit a filter", "jobs", filter=FILTER, order={"enum": ["", "oldest"]}, **PAGED),
    _post(
        "/jobs/add",
        "add a job",
        needs=("job_type",),
        job_type=TEXT,
        payload=PAYLOAD,
        queue={"type": ["string", "null"]},
        priority=NUMBER,
        delay_s=NUMBER,
        job_id={"type": ["string", "null"]},
        reason=REASON,
    ),
    _get(JOB, "one job", "job"),
    _get(JOB + "/logs", "log lines after a position", "logs", after={"type": "integer", "minimum": 0}),
    _get(JOB + "/why", "why a job is not running", "why"),
    _post(JOB + "/retry", "retry an ended job", payload=PAYLOAD, delay_s=NUMBER, reason=REASON),
    _post(JOB + "/cancel", "cancel a job, running or not", reason=REASON),
    _post(JOB + "/remove", "move a job to the trash", reason=REASON),
    _post(JOB + "/promote", "run a delayed job now", reason=REASON),
    _post(JOB + "/reschedule", "give a job another due time", delay_s=NUMBER, due_ms=NUMBER, reason=REASON),
    _post(JOB + "/edit", "change a waiting job", payload=PAYLOAD, priority=NUMBER, attempts=NUMBER, reason=REASON),
    _post(JOB + "/reveal", "the job with nothing masked; audited", "job"),
    _get("/dlq", "open dead letters by error", "dead_letter_groups", filter=FILTER),
    _get("/dlq/entries", "dead letters that fit a filter", "dead_letters", filter=FILTER, **PAGED),
    _get("/dlq/groups/{fingerprint}", "one group", "dead_letter_groups"),
    _post("/dlq/groups/{fingerprint}/note", "write a note on a group", note=TEXT),
    _get(ENTRY, "one dead letter", "dead_letter"),
    _post(ENTRY + "/replay", "enqueue it again", payload=PAYLOAD, delay_s=NUMBER, reason=REASON),
    _post(ENTRY + "/discard", "close it without a replay", reason=REASON),
    _post(ENTRY + "/note", "write a note on it", note=TEXT),
    _post(ENTRY + "/reveal", "it with nothing masked; audited", "dead_letter"),
    _get("/schedules", "every schedule", "schedules", queue=TEXT),
    _get(SCHEDULE, "one schedule", "schedule"),
    _post(SCHEDULE + "/pause", "pause it", reason=REASON),
    _post(SCHEDULE + "/resume", "resume it", reason=REASON),
    _post(SCHEDULE + "/run", "run it now", reason=REASON),
    _post(
        SCHEDULE + "/edit",
        "change it",
        pattern=TEXT,
        tz=TEXT,
        overlap=TEXT,
        missed=TEXT,
        payload=PAYLOAD,
        reason=REASON,
    ),
    _post(SCHEDULE + "/revert", "take back what operators changed", reason=REASON),
    _post(SCHEDULE + "/remove", "remove it", reason=REASON),
    _get("/flows", "flows, newest first", "flows", **PAGED),
    _get("/flows/{queue}/{job}", "one flow as a tree", "flow"),
    _post("/flows/{queue}/{job}/retry", "retry a flow's failed jobs", reason=REASON),
    _get("/workers", "every worker", "workers"),
    _get(WORKER, "one worker", "worker"),
    _post(WORKER + "/quiet", "claim no more jobs", reason=REASON),
    _post(WORKER + "/resume", "claim again", reason=REASON),
    _post(WORKER + "/stop", "end after its jobs", reason=REASON),
    _get("/metrics", "columns over time", "metrics", queue=TEXT, type=TEXT, window=WINDOW),
    _get("/metrics/sla", "targets and how they were kept", "sla", window=WINDOW),
    _post("/metrics/mark", "put a mark on the charts", needs=("label",), label={"type": "string", "maxLength": 200}),
    _get("/operations", "operations, newest first", "operations", active={"enum": ["", "1"]}),
    _post(
        "/operations",
        "preview: freeze a selection and count it",
        "plan",
        needs=("verb",),
        verb={"enum": [verb.value for verb in Verb]},
        noun={"enum": ["jobs", "dlq", "trash"]},
        filter=FILTER,
        matching={"type": "boolean", "description": "all that match instead of `ids`"},
        ids={"type": "array", "items": TEXT},
        rate_per_s=NUMBER,
        spread_s=NUMBER,
        limit=NUMBER,
        max_affected=NUMBER,
        delay_s=NUMBER,
        reason=REASON,
    ),
    _get(OPERATION, "one operation", "operation"),
    _post(OPERATION + "/start", "run it", "operation", confirm={"type": ["string", "null"]}),
    _post(OPERATION + "/pause", "pause it", "operation"),
    _post(OPERATION + "/resume", "go on", "operation"),
    _post(OPERATION + "/abort", "stop for good", "operation"),
    _post(OPERATION + "/undo", "put back what it removed", "operation"),
    _get("/trash", "removed jobs", "trash", **PAGED),
    _post("/trash/{queue}/{job}/restore", "put a job back", reason=REASON),
    _get("/audit", "every change", "audit", filter=FILTER, **PAGED),
    _get("/events", "what happened", "events", queue=TEXT, **PAGED),
    _get("/settings", "what the doctor finds", "findings"),
    _post("/settings/doctor", "mend what can be mended", "findings", codes={"type": "array", "items": TEXT}),
)


def _with_components(schema: Any, components: dict[str, Any]) -> Any:
    """Move a document's definitions into the shared components."""
    if isinstance(schema, list):
        return [_with_components(entry, components) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    for name, definition in schema.get("$defs", {}).items():
        components.setdefault(name, _with_components(definition, components))
    moved = {key: value for key, value in schema.items() if key not in {"$defs", "$schema", "$id"}}
    if "$ref" in moved:
        moved["$ref"] = moved["$ref"].replace("#/$defs/", "#/components/schemas/")
    return {key: _with_components(value, components) for key, value in moved.items()}


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    names = [part[1:-1] for part in endpoint.path.split("/") if part.startswith("{")]
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}} for name in names
    ] + [{"name": name, "in": "query", "schema": schema} for name, schema in endpoint.query.items()]
    answer = {"application/json": {"schema": {"$ref": f"#/components/schemas/{endpoint.schema}"}}}
    refusal = {"application/json": {"schema": {"$ref": "#/components/schemas/error"}}}
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": f"{endpoint.method} {endpoint.path}",
        "responses": {
            endpoint.status: {"description": endpoint.summary, "content": answer},
            "4XX": {"description": "refused, with a sentence that says why", "content": refusal},
            "503": {"description": "Redis cannot be reached", "content": refusal},
        },
    }
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        body: dict[str, Any] = {"type": "object", "properties": endpoint.body}
        if endpoint.required:
            body["required"] = list(endpoint.required)
        operation["requestBody"] = {
            "required": bool(endpoint.required),
            "content": {"application/json": {"schema": body}},
        }
    return operation


def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 description."""
    components: dict[str, Any] = {}
    for name in sorted({endpoint.schema for endpoint in ENDPOINTS} | {"error"}):
        components[name] = _with_components(json_schema(name), components)
    paths: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "qconsole",
            "version": "1",
            "description": "The console's pages as JSON: send `Accept: application/json` and an API token. "
            "A name in a path is written with `!XX` for each byte that is no letter, digit or one of `_.:@+=,~-`.",
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def text() -> str:
    """Return the file's content."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
