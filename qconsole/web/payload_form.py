"""Builds a form from a job type's JSON Schema, and reads it back into a payload with exact numbers. Pure.

Simple fields become inputs; anything nested stays one JSON field, so every schema can be filled in.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qconsole.errors import UsageError
from qconsole.text import printable_json

PREFIX = "field:"
SIMPLE = frozenset({"string", "integer", "number", "boolean"})


@dataclass(frozen=True, slots=True)
class FormField:
    """One input: `kind` is string, integer, number, boolean, choice or json."""

    name: str
    kind: str
    required: bool
    text: str
    hint: str = ""
    choices: tuple[str, ...] = ()
    example: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a schema, or one JSON text when there is no schema for it."""

    fields: tuple[FormField, ...]
    json_text: str


def to_text(value: Any) -> str:
    """Return a value as indented JSON with every digit of its integers; what would reorder its letters is escaped."""
    return printable_json(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def exact(text: str) -> Any:
    """Read JSON, keeping integers of any length exact.

    Raises:
        UsageError: it is no JSON, or nested too deeply.
    """
    try:
        return json.loads(text, parse_int=_integer)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UsageError(f"the payload must be JSON: {error}", field="payload") from error


def _integer(digits: str) -> int:
    if len(digits) > 4_000:
        raise UsageError(f"an integer may have at most 4,000 digits, got {len(digits):,}", field="payload")
    return int(digits)


def form(schema: Mapping[str, Any] | None, payload: Any) -> Form:
    """Return the form of a schema filled from a payload (`{"args": …, "kwargs": …}` or the fields themselves)."""
    values: Any = payload
    if isinstance(payload, Mapping) and set(payload) == {"args", "kwargs"}:
        values = payload["kwargs"] if not payload["args"] else payload
    values = {} if values is None else values
    properties = (schema or {}).get("properties")
    fits = isinstance(properties, Mapping) and isinstance(values, Mapping) and set(values) <= set(properties)
    if not schema or not fits or not isinstance(properties, Mapping):
        return Form((), to_text(values))
    required = frozenset(schema.get("required", ()))
    definitions = schema.get("$defs", {})
    fields = tuple(
        _field(name, _resolved(rule, definitions), name in required, values) for name, rule in properties.items()
    )
    return Form(fields, to_text(values))


def _resolved(rule: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow one reference, and see through "this or null"."""
    if "$ref" in rule:
        found = definitions.get(str(rule["$ref"]).rpartition("/")[2], {})
        return {**found, **{key: value for key, value in rule.items() if key != "$ref"}}
    options = [option for option in rule.get("anyOf", ()) if option.get("type") != "null"]
    if len(options) == 1:
        return {**_resolved(options[0], definitions), **{k: v for k, v in rule.items() if k != "anyOf"}}
    return rule


def _field(name: str, rule: Mapping[str, Any], required: bool, values: Mapping[str, Any]) -> FormField:
    known = name in values
    value = values[name] if known else rule.get("default")
    kind = str(rule.get("type", "json"))
    choices: tuple[str, ...] = ()
    if "enum" in rule and all(isinstance(choice, str) for choice in rule["enum"]):
        kind, choices = "choice", tuple(rule["enum"])
    elif kind not in SIMPLE or (value is not None and not _is_kind(value, kind)):
        kind = "json"
    if value is None:
        text = "null" if kind == "json" and known else ""
    elif kind in {"json", "number", "boolean"}:
        text = to_text(value)
    else:
        text = str(value)
    return FormField(
        name=name,
        kind=kind,
        required=required,
        text=text,
        hint=str(rule.get("description", "")),
        choices=choices,
        example=_EXAMPLES.get(str(rule.get("type")), "JSON"),
    )


def _is_kind(value: Any, kind: str) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    wanted = {"string": str, "integer": int, "number": (int, float)}[kind]
    return isinstance(value, wanted)  # type: ignore[arg-type]


def read(schema: Mapping[str, Any] | None, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the payload that a filled-in form means; empty optional fields are left out.

    Raises:
        UsageError: a field does not read as its kind.
    """
    payload: dict[str, Any] = {}
    shape = form(schema, {})
    kinds = {known.name: known for known in shape.fields}
    for name, value in sent.items():
        if not name.startswith(PREFIX):
            continue
        key = name.removeprefix(PREFIX)
        text = value[-1] if isinstance(value, list) else value
        if not isinstance(text, str):
            payload[key] = text
            continue
        kind = str(sent.get(f"kind:{key}") or (kinds[key].kind if key in kinds else "json"))
        required = key in kinds and kinds[key].required
        if text == "" and not (required and kind == "string"):
            continue
        payload[key] = _value(key, kind, text)
    return payload


def _value(name: str, kind: str, text: str) -> Any:
    if kind in {"string", "choice"}:
        return text
    try:
        value = exact(text)
    except UsageError as error:
        raise UsageError(f"{name} must be {_KINDS.get(kind, 'JSON')}, got {text[:60]!r}", field=name) from error
    if kind != "json" and not _is_kind(value, kind):
        raise UsageError(f"{name} must be {_KINDS[kind]}, got {text[:60]!r}", field=name)
    return value


_EXAMPLES = {"array": '["…", "…"]', "object": '{"…": "…"}'}
_KINDS = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}
