from typing import Any

from qconsole.web import payload_tree
from qconsole.web.payload_tree import TreeNode


def size(node: TreeNode) -> int:
    return 1 + sum(size(child) for child in node.children)


def child(node: TreeNode, key: str) -> TreeNode:
    return next(found for found in node.children if found.key == key)


def test_integers_keep_every_digit() -> None:
    node = child(payload_tree.tree({"n": 12345678901234567890123}), "n")
    assert node.brief == "12345678901234567890123"


def test_an_integer_too_long_to_write_is_named_not_computed() -> None:
    assert "bits" in child(payload_tree.tree({"n": 1 << 100_000}), "n").brief


def test_words_are_json_s_own() -> None:
    node = payload_tree.tree({"a": None, "b": True, "c": False, "d": {}, "e": []})
    assert [found.brief for found in node.children] == ["null", "true", "false", "{}", "[]"]


def test_a_redacted_path_is_masked_wherever_it_stands() -> None:
    node = payload_tree.tree({"kwargs": {"token": "s3cret", "to": "x"}}, redacted=("kwargs.token",))
    assert child(child(node, "kwargs"), "token") == TreeNode("masked", payload_tree.MASK, "token")


def test_a_thousand_levels_stop_at_the_depth_limit() -> None:
    value: Any = "end"
    for _ in range(1_000):
        value = [value]
    assert size(payload_tree.tree(value)) <= payload_tree.MAX_DEPTH + 2


def test_a_hundred_thousand_keys_cost_a_bounded_tree_that_says_what_is_missing() -> None:
    node = payload_tree.tree({f"k{i}": i for i in range(100_000)})
    assert size(node) <= payload_tree.MAX_CHILDREN + 2
    assert node.children[-1].brief == "99,800 more, not shown"


def test_wide_and_deep_together_stay_within_the_total() -> None:
    node = payload_tree.tree([[["x"] * 200] * 200] * 200)
    assert size(node) <= payload_tree.MAX_NODES + 3 * payload_tree.MAX_CHILDREN


def test_long_text_is_folded_and_capped() -> None:
    node = payload_tree.tree("é" * 100_000)
    assert len(node.brief) == payload_tree.FOLD_TEXT + 1
    assert node.full is not None
    assert len(node.full) < payload_tree.MAX_TEXT + 100


def test_tagged_values_say_what_they_are() -> None:
    assert payload_tree.tree({"$qc": "decimal", "v": "12.50"}).brief == "12.50 (decimal)"


def test_a_payload_of_named_fields_is_shown_as_those_fields() -> None:
    node = payload_tree.tree({"args": [], "kwargs": {"token": "s3cret", "to": "x"}}, redacted=("kwargs.token",))
    assert [found.key for found in node.children] == ["token", "to"]
    assert child(node, "token").brief == payload_tree.MASK
    with_positional = payload_tree.tree({"args": [1], "kwargs": {}})
    assert [found.key for found in with_positional.children] == ["args", "kwargs"]
