import pytest

from qconsole.admin.views import Count
from qconsole.web import formats


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "–"),
        (0, "0 ms"),
        (830, "830 ms"),
        (4_100, "4.1 s"),
        (41_000, "41 s"),
        (59_600, "1 m 00 s"),
        (1_160_000, "19 m 20 s"),
        (11_040_000, "3 h 04 m"),
        (183_600_000, "2 d 3 h"),
        (-5_000, "-5.0 s"),
    ],
)
def test_a_duration_has_at_most_two_units(ms: int | None, text: str) -> None:
    assert formats.duration(ms) == text


def test_a_count_that_stopped_at_its_cap_says_so() -> None:
    assert formats.count(Count(100_000, exact=False)) == "100,000+"
    assert formats.count(Count(3)) == "3"
    assert formats.count(None) == "–"


def test_an_instant_carries_its_exact_utc_for_hovering() -> None:
    element = str(formats.at(1_700_000_000_123))
    assert 'datetime="2023-11-14T22:13:20.123Z"' in element
    assert 'title="2023-11-14 22:13:20.123 UTC"' in element


def test_an_impossible_instant_is_shown_as_the_number_it_is() -> None:
    assert formats.utc(10**18) == "1000000000000000000 ms"
    assert "ms" in str(formats.at(-(10**18)))


def test_ago_looks_both_ways() -> None:
    assert ">5 s ago<" in str(formats.ago(1_000_000, 1_005_000))
    assert ">in 2 m<" in str(formats.ago(1_120_000, 1_000_000))
    assert ">now<" in str(formats.ago(1_000_000, 1_000_400))


def test_hostile_text_is_written_out_and_cut() -> None:
    shown = formats.show("a\x1b[31m\u202eb" + "x" * 5_000)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert shown.endswith("characters more)")


@pytest.mark.parametrize(("size", "text"), [(None, "–"), (12, "12 B"), (1_536, "1.5 KB"), (3_000_000, "2.9 MB")])
def test_sizes(size: int | None, text: str) -> None:
    assert formats.size(size) == text


@pytest.mark.parametrize(("ratio", "text"), [(None, "–"), (0.0, "0%"), (1.0, "100%"), (0.971, "97.1%")])
def test_percentages(ratio: float | None, text: str) -> None:
    assert formats.percent(ratio) == text


def test_progress_of_any_shape_becomes_words() -> None:
    assert formats.progress_text(40) == "40%"
    assert formats.progress_text({"rows": 3, "of": 9}) == "rows 3, of 9"
    assert formats.progress_text("half") == "half"
    assert formats.progress_text(None) == ""


def test_a_message_that_stands_alone_begins_with_a_large_letter() -> None:
    assert formats.sentence("the endpoint answered") == "The endpoint answered"
    assert formats.sentence("") == ""


@pytest.mark.parametrize(("value", "found"), [(0, " zero"), (None, " zero"), (0.0, " zero"), (3, "")])
def test_a_count_of_nothing_is_marked_as_such(value: float | None, found: str) -> None:
    assert formats.zero(value) == found


def test_a_long_id_is_cut_in_its_middle_so_that_its_end_tells_it_from_others() -> None:
    assert formats.short_id("order-17") == "order-17"
    cut = formats.short_id("webhook-event-8a206a5bcfd546139e49810e92643d35")
    assert (len(cut), cut[:17], cut[17], cut[-11:]) == (34, "webhook-event-8a2", "…", "10e92643d35")
