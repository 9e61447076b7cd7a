import pytest

from qconsole.errors import UsageError
from qconsole.web import payload_form

SCHEMA = {
    "type": "object",
    "required": ["to"],
    "$defs": {"Line": {"type": "object"}},
    "properties": {
        "to": {"type": "string", "description": "Recipient"},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "count": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
        "fast": {"type": "boolean"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
    },
}


def test_simple_fields_become_inputs_and_nested_ones_json() -> None:
    form = payload_form.form(SCHEMA, {"args": [], "kwargs": {"to": "x@y", "count": 10**30, "lines": [{"a": 1}]}})
    assert [(field.name, field.kind, field.required) for field in form.fields] == [
        ("to", "string", True),
        ("kind", "choice", False),
        ("count", "integer", False),
        ("fast", "boolean", False),
        ("lines", "json", False),
    ]
    assert form.fields[2].text == str(10**30)


def test_a_filled_form_reads_back_exactly() -> None:
    sent = {
        "field:to": "x",
        "field:count": str(10**30),
        "field:fast": "true",
        "field:lines": '[{"n": 1}]',
        "field:kind": "",
    }
    assert payload_form.read(SCHEMA, sent) == {"to": "x", "count": 10**30, "fast": True, "lines": [{"n": 1}]}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("count", "many", "count must be a whole number, got 'many'"),
        ("count", "1.5", "count must be a whole number, got '1.5'"),
        ("fast", "yes", "fast must be true or false, got 'yes'"),
        ("lines", "[", "lines must be JSON, got '['"),
    ],
)
def test_a_field_that_does_not_read_is_named(name: str, text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        payload_form.read(SCHEMA, {f"field:{name}": text})
    assert caught.value.message == says
    assert caught.value.field == name


def test_a_payload_outside_the_schema_is_edited_as_json_so_that_nothing_is_lost() -> None:
    form = payload_form.form(SCHEMA, {"args": [1], "kwargs": {"to": "x"}})
    assert form.fields == ()
    assert '"args"' in form.json_text
    assert payload_form.form(SCHEMA, {"args": [], "kwargs": {"other": 1}}).fields == ()
    assert payload_form.form(None, {"a": 1}).fields == ()


def test_json_keeps_long_integers_and_refuses_absurd_ones() -> None:
    assert payload_form.exact("[123456789012345678901234567890]") == [123456789012345678901234567890]
    with pytest.raises(UsageError):
        payload_form.exact("9" * 5_000)
    with pytest.raises(UsageError):
        payload_form.exact("[" * 100_000)
