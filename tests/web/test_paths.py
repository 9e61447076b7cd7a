from hypothesis import given
from hypothesis import strategies as st

from qconsole.web.paths import segment, unsegment


@given(st.text(min_size=1))
def test_any_name_comes_back_from_its_path_segment(name: str) -> None:
    assert unsegment(segment(name)) == name


@given(st.text(min_size=1))
def test_a_segment_has_nothing_that_routing_or_a_proxy_would_change(name: str) -> None:
    written = segment(name)
    assert not set(written) & set("/%?#\\ ")
    assert not written.startswith(".")
    assert written.isascii()


def test_text_that_was_typed_by_hand_is_read_as_it_is() -> None:
    assert unsegment("email") == "email"
    assert unsegment("job-1~1795500508987") == "job-1~1795500508987"
