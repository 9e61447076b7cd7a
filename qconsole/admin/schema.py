"""The JSON form of every answer, the same in all faces, and the JSON Schema that describes it.

A list is `{"schema": "qconsole.jobs/v1", "items": […], "next": …}`, a single thing has its fields beside `schema`.
Fields are only ever added within a version. Integers beyond 64 bits travel as `{"$qc": "bigint", "v": "…"}`.
"""

import json
import sys
import types
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from qconsole.admin import views
from qconsole.admin.views import Count, Page, Rows

VERSION: Final = "v1"
_FLAT: Final = "row"  # a view's row stands beside its other fields
_MAX_INT: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One rule of `qconsole check` and whether it holds."""

    rule: str
    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class SlaRow:
    """One queue's targets."""

    queue: str
    sla: views.SlaView


@dataclass(frozen=True, slots=True)
class ErrorDocument:
    """What every face answers instead of data when it cannot."""

    code: str
    message: str
    hint: str | None = None
    fields: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ConfigDocument:
    """The settings in force by name, each with its value (secrets masked) and where it comes from."""

    environment: str
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PathDocument:
    """The configuration file that is read, if there is one."""

    path: str | None


LISTS: Final[dict[str, Any]] = {
    "queues": views.QueueView,
    "jobs": views.JobRow,
    "dead_letters": views.DeadLetterRow,
    "dead_letter_groups": views.DeadLetterGroup,
    "schedules": views.ScheduleView,
    "flows": views.FlowRow,
    "workers": views.WorkerView,
    "sla": SlaRow,
    "operations": views.OperationView,
    "trash": views.TrashRow,
    "audit": views.AuditRow,
    "events": views.EventRow,
    "findings": views.Finding,
    "check": CheckRow,
    "logs": views.LogLine,
    "users": views.UserView,
    "tokens": views.TokenView,
    "instants": int,
}
SINGLES: Final[dict[str, type]] = {
    "overview": views.Overview,
    "queue": views.QueueView,
    "job": views.JobView,
    "why": views.Why,
    "dead_letter": views.DeadLetterView,
    "schedule": views.ScheduleView,
    "flow": views.FlowNode,
    "worker": views.WorkerView,
    "metrics": views.Series,
    "operation": views.OperationView,
    "plan": views.Plan,
    "applied": views.Applied,
    "token": views.CreatedToken,
    "config": ConfigDocument,
    "path": PathDocument,
}
_NAME_OF: Final = {view: name for name, view in SINGLES.items()} | {views.DeadLetterGroup: "dead_letter_groups"}


def names() -> tuple[str, ...]:
    """Return the name of every document."""
    return (*LISTS, *SINGLES, "error")


def schema_id(name: str) -> str:
    """Return what a document's `schema` field says."""
    return f"qconsole.{name}/{VERSION}"


def to_json(answer: Any, name: str | None = None) -> dict[str, Any]:
    """Return an answer of the admin service as a document of plain values.

    Args:
        answer: a view, a `Page`, or a sequence of rows.
        name: the document's name; needed for sequences and pages, and for views that stand in several documents.

    Raises:
        ValueError: there is no document of this name.
    """
    if name is None:
        name = _NAME_OF.get(type(answer))
    if name is None or (name not in LISTS and name not in SINGLES):
        raise ValueError(f"a document's name must be one of {', '.join(names())}, got {name!r}")
    document: dict[str, Any] = {"schema": schema_id(name)}
    if name in SINGLES:
        document |= plain(answer)
        return document
    page = answer if isinstance(answer, Page) else None
    rows: Sequence[Any] = page.rows if page else answer if isinstance(answer, Sequence) else (answer,)
    document["items"] = [plain(_named(row, name)) for row in rows]
    document["next"] = page.next if page else None
    if page:
        document |= {
            "previous": page.previous,
            "total": plain(page.total),
            "scanned": page.scanned,
            "complete": page.complete,
            "as_of_ms": page.as_of_ms,
        }
    if isinstance(answer, Page | Rows):
        document["missing"] = plain(answer.missing)
    return document


def error_json(error: dict[str, Any]) -> dict[str, Any]:
    """Return the document of an error, from `QConsoleError.as_dict()`."""
    return {"schema": schema_id("error"), "error": plain(error)}


def _named(row: Any, name: str) -> Any:
    """Give the rows that the service answers as tuples their field names."""
    if isinstance(row, tuple) and name == "check":
        return CheckRow(*row)
    if isinstance(row, tuple) and name == "sla":
        return SlaRow(*row)
    return row


def plain(value: Any) -> Any:
    """Return views, tuples and enumerations as dictionaries, lists and texts."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | bool | float):
        return value
    if isinstance(value, int):
        return value if -_MAX_INT <= value <= _MAX_INT else {"$qc": "bigint", "v": str(value)}
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    if is_dataclass(value) and not isinstance(value, type):
        document: dict[str, Any] = {}
        for known in fields(value):
            entry = plain(getattr(value, known.name))
            if known.name == _FLAT:
                document |= entry
            else:
                document[known.name] = entry
        return document
    return str(value)


def json_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a document.

    Raises:
        ValueError: there is no document of this name.
    """
    if name not in names():
        raise ValueError(f"a document's name must be one of {', '.join(names())}, got {name!r}")
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {"schema": {"const": schema_id(name)}}
    if name == "error":
        properties["error"] = _object_schema(ErrorDocument, definitions, required=("code", "message", "hint"))
    elif name in SINGLES:
        properties |= _properties(SINGLES[name], definitions)
    else:
        properties |= {
            "items": {"type": "array", "items": _schema_of(LISTS[name], definitions)},
            "next": {"type": ["string", "null"]},
        }
    required = list(properties)
    if name in LISTS:
        properties |= {
            "previous": {"type": ["string", "null"]},
            "total": {"anyOf": [_schema_of(Count, definitions), {"type": "null"}]},
            "scanned": {"type": "integer"},
            "complete": {"type": "boolean"},
            "as_of_ms": {"type": "integer"},
            "missing": {"type": "object", "additionalProperties": {"type": "string"}},
        }
    document: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{schema_id(name).replace('/', ':')}",
        "title": schema_id(name),
        "type": "object",
        "properties": properties,
        "required": required,
    }
    if definitions:
        document["$defs"] = dict(sorted(definitions.items()))
    return document


_SCALARS: Final[dict[Any, str]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


def _schema_of(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if hint is Any:
        return {}
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        options = [_schema_of(argument, definitions) for argument in arguments]
        simple = all(set(option) == {"type"} for option in options)
        return {"type": [option["type"] for option in options]} if simple else {"anyOf": options}
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return {"type": "array", "items": _schema_of(arguments[0], definitions)}
    if origin is tuple:
        entries = [_schema_of(argument, definitions) for argument in arguments]
        return {"type": "array", "prefixItems": entries, "minItems": len(entries), "maxItems": len(entries)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema_of(arguments[1], definitions)}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [member.value for member in hint]}
    if not (isinstance(hint, type) and is_dataclass(hint)):
        raise TypeError(f"a view's field must be of a plain type, got {hint!r}")
    if hint.__name__ not in definitions:
        definitions[hint.__name__] = {}
        definitions[hint.__name__] = _object_schema(hint, definitions)
    return {"$ref": f"#/$defs/{hint.__name__}"}


def _object_schema(view: Any, definitions: dict[str, Any], required: Sequence[str] | None = None) -> dict[str, Any]:
    properties = _properties(view, definitions)
    return {"type": "object", "properties": properties, "required": list(properties if required is None else required)}


def _properties(view: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(view)
    properties: dict[str, Any] = {}
    for known in fields(view):
        if known.name == _FLAT:
            properties |= _properties(hints[known.name], definitions)
        else:
            properties[known.name] = _schema_of(hints[known.name], definitions)
    return properties


def write_schemas(folder: Path) -> None:
    """Write the schema of every document to `<folder>/<name>.json`."""
    for name in names():
        text = json.dumps(json_schema(name), indent=1, sort_keys=True)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
