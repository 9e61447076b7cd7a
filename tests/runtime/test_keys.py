"""Key names: their tags, their table, and what is refused."""

import inspect
import re

import pytest

from qconsole.errors import UsageError
from qconsole.runtime.keys import GLOBAL, Keys, key_table


def test_every_key_of_a_queue_lies_in_the_queues_slot() -> None:
    keys = Keys("email")
    for name, method in inspect.getmembers(keys, inspect.ismethod):
        if name.startswith("_") or name in ("wire_id", "bare_id"):
            continue
        key = method(*("x" for _ in inspect.signature(method).parameters))
        assert key.startswith("arq:") or "{email}" in key, name
    for name, method in inspect.getmembers(GLOBAL, inspect.ismethod):
        if name.startswith("_"):
            continue
        assert "{@}" in method(*("x" for _ in inspect.signature(method).parameters)), name


def test_the_table_has_every_key_with_its_pattern() -> None:
    rows = {row.name: row for row in key_table()}
    for owner in (Keys("q"), GLOBAL):
        for name, method in inspect.getmembers(owner, inspect.ismethod):
            if name.startswith("_") or name in ("wire_id", "bare_id"):
                continue
            key = method(*("x" for _ in inspect.signature(method).parameters))
            assert re.sub(r"<[^>]*>", "x", rows[name].pattern) == key, name


def test_on_a_cluster_ids_carry_the_tag_and_faces_do_not_see_it() -> None:
    keys = Keys("email", cluster=True)
    assert keys.wire_id("a1") == keys.wire_id("{email}a1") == "{email}a1"
    assert keys.bare_id("{email}a1") == "a1"
    assert keys.abort == "arq:abort:{email}"
    assert Keys("email").wire_id("a1") == "a1"


@pytest.mark.parametrize("name", ["", "@", "a{b", "a}b", "a\0b", "x" * 201])
def test_a_name_that_would_leave_the_slot_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="a queue's name must be"):
        Keys(name)
