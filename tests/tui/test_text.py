"""Pure pieces: cells, numbers, places, charts, payload trees, attempts, the terminal's facts."""

import io
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from qconsole.admin.views import AttemptView, ErrorView, FlowNode, Mark, PartitionView, Why
from qconsole.errors import UsageError
from qconsole.tui import format as fmt
from qconsole.tui.attempts import attempt_sections, timeline
from qconsole.tui.cells import cut, cut_middle, fit, plain, width, wrap
from qconsole.tui.charts import area, bar, histogram, sparkline
from qconsole.tui.document import DocLine, Folds, section, text_line
from qconsole.tui.drawn import Moment, clip_spans, paint
from qconsole.tui.facts import flow_lines, flow_sums
from qconsole.tui.job import why_lines
from qconsole.tui.live import pace
from qconsole.tui.location import KINDS, MODES, Location, parse_location
from qconsole.tui.payload import as_text, tree
from qconsole.tui.preview import halves
from qconsole.tui.queues import QUEUE_COLUMNS, queue_lines
from qconsole.tui.skin import DARK, LIGHT, AsciiOnly, Skin
from qconsole.tui.terminal import examine, require_terminal
from tests.tui.stage_clock import NOW_MS
from tests.tui.stage_jobs import EARLIER, ERROR, job_row, job_view
from tests.tui.stage_queues import queue_views

HOSTILE = (
    "\x1b[31mred\x1b]0;title\x07 [bold]x[/] \u202eexe.gpj\x00 漢字 e\u0301\u0301\u0301\u0301 "
    "👨‍👩‍👧 🇩🇪 👍🏽 \ue000 \ud800"
)


@given(st.text(max_size=80), st.integers(1, 40))
def test_any_text_fits_exactly_and_holds_nothing_that_steers(text: str, cells: int) -> None:
    shown = fit(plain(text), cells)
    assert cell_len(shown) == cells
    assert shown.isprintable()


@given(st.text(max_size=200), st.integers(2, 30))
def test_wrapped_lines_are_never_wider_than_asked(text: str, cells: int) -> None:
    for line in wrap(text, cells):
        assert cell_len(line) <= cells and line.isprintable()


@given(st.lists(st.text(max_size=20), max_size=6), st.integers(1, 30))
def test_a_painted_line_has_exactly_its_width(texts: list[str], cells: int) -> None:
    spans = [(plain(text), "text") for text in texts]
    strip = paint(clip_spans(spans, cells), cells, Skin(dark=True, ansi=False, production=False))
    assert strip.cell_length == cells


def test_hostile_text_is_written_out() -> None:
    shown = plain(HOSTILE)
    assert "\x1b" not in shown and "\u202e" not in shown and "\u200d" not in shown
    assert "␛[31mred" in shown and "[bold]" in shown and "DE" in shown and "漢字" in shown
    assert width(shown) == sum(cell_len(char) for char in shown)


def test_ids_keep_both_ends() -> None:
    assert cut_middle("document-processing-000123", 12) == "docume…00123"
    assert cut("漢字漢字", 5) == "漢字…"


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (fmt.duration(0), "0 ms"),
        (fmt.duration(999), "999 ms"),
        (fmt.duration(1_240), "1.2 s"),
        (fmt.duration(59_400), "59 s"),
        (fmt.duration(59_999), "1:00"),
        (fmt.duration(728_000), "12:08"),
        (fmt.duration(12_000_000), "3h 20m"),
        (fmt.duration(400_000_000), "4d 15h"),
        (fmt.duration(None), "–"),
        (fmt.coarse_age(NOW_MS - 59_000, NOW_MS), "59s"),
        (fmt.coarse_age(NOW_MS + 120_000, NOW_MS), "+2m"),
        (fmt.coarse_age(NOW_MS, NOW_MS), "now"),
        (fmt.short_count(9_999), "9,999"),
        (fmt.short_count(12_400), "12.4k"),
        (fmt.short_count(999_960), "1.0M"),
        (fmt.percent(0.99996), "99.9%"),
        (fmt.percent(1.0), "100.0%"),
        (fmt.size(812), "812 B"),
        (fmt.size(10 * 1024 * 1024), "10.0 MiB"),
        (fmt.plural(1, "job"), "1 job"),
        (fmt.instant(NOW_MS, NOW_MS), "03:12:00"),
        (fmt.instant(NOW_MS - 90_000_000, NOW_MS), "2026-11-23 02:12"),
    ],
)
def test_numbers_read_at_a_glance(made: str, wanted: str) -> None:
    assert made == wanted


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("", Location("overview")),
        ("dlq", Location("groups")),
        ("dlq fp:7c1e9a", Location("dlq", None, "fp:7c1e9a")),
        ("jobs state:failed queue:email", Location("jobs", None, "state:failed queue:email")),
        ("job 'a b' queue:email", Location("job", "a b", "queue:email")),
        ("dead_letters state:open", Location("dlq", None, "state:open")),
        ("JOBS", Location("jobs")),
    ],
)
def test_places_are_read_and_written(text: str, location: Location) -> None:
    assert parse_location(text) == location
    assert parse_location(str(location)) == location


@pytest.mark.parametrize("text", ["jobz", "job", "rm -rf /"])
def test_a_place_that_there_is_not_is_refused_with_those_that_there_are(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_location(text)
    assert caught.value.hint


@given(st.sampled_from(KINDS), st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=20))
def test_any_target_comes_back(kind: str, target: str) -> None:
    location = Location(kind, target)
    if location.mode != kind and kind not in {"dlq", "events", "trash", "doctor"}:
        assert parse_location(str(location)) == location


def test_a_location_names_its_queue() -> None:
    assert Location("jobs", None, 'state:failed queue:"a b"').queue == "a b"
    assert Location("jobs", None, "queue:a,b").queue is None


def test_sparklines_show_little_and_nothing_apart() -> None:
    assert sparkline([0, 1, 1000], 3) == "▁▂▇"
    assert sparkline([None, 5], 4) == "   ▇"
    assert bar(0.001, 4) == "▏   " and bar(1, 4) == "████" and bar(0, 4) == "    "


def test_a_few_failures_among_many_are_seen() -> None:
    at = [NOW_MS + n * 60_000 for n in range(60)]
    lines = area(at, [10_000.0] * 60, [0.0] * 59 + [1.0], cells=80, rows=4, marks=[Mark(at[30], "deploy", "a41f2c")])
    text = ["".join(part for part, _ in line) for line in lines]
    assert any("█" in part for part, style in lines[4] if style == "bad")
    assert "deploy a41f2c" in text[-1] and all(cell_len(line) <= 80 for line in text)


def test_histograms_join_buckets_and_mark_breaches() -> None:
    buckets = [(2.0**n, n) for n in range(30)] + [(math.inf, 3)]
    lines = histogram(buckets, 60, limit=1_000)
    assert len(lines) <= 12 and any(style == "bad" for line in lines for _, style in line)
    assert "no jobs" in histogram([], 60)[0][0][0]


def text_of(lines: list) -> list[str]:  # type: ignore[type-arg]
    return [line.text for line in lines]


def test_a_payload_tree_is_exact_and_folds_what_is_large() -> None:
    value = {
        "n": 12345678901234567890123,
        "huge": 10**5000,
        "list": list(range(100_000)),
        "text": "x" * 10_000_000,
        "deep": {},
    }
    lines = text_of(tree(value, 80, Folds()))
    assert "  n  12345678901234567890123" in lines
    assert any("0x" in line for line in lines)
    assert any("▸ list  [100,000]" in line for line in lines)
    assert any("more of 9.5 MiB" in line for line in lines)
    assert len(lines) < 30
    opened = text_of(tree(value, 80, Folds(turned={"$.list", "$.list…100"})))
    assert any("99,800 more" in line for line in opened) and len(opened) > 200


def test_a_payload_of_any_depth_or_kind_is_shown() -> None:
    deep: object = "bottom"
    for _ in range(1_000):
        deep = {"k": [deep]}
    assert text_of(tree(deep, 80, Folds(all_open=True)))
    hostile = {HOSTILE: HOSTILE, "f": float("nan"), "b": True, "none": None, "e": "", "l": [], "m": {}}
    for line in text_of(tree(hostile, 60, Folds())):
        assert line.isprintable()
    assert as_text({"ü": 1}) == '{\n  "ü": 1\n}'


def test_attempts_fold_libraries_and_show_what_differs() -> None:
    attempts = (AttemptView(1, 0, 10, "w", "failed", EARLIER), AttemptView(2, 20, 30, "w", "failed", ERROR))
    lines = text_of(attempt_sections(attempts, ERROR, 100, Folds(), fmt.UTC))
    assert any("lines of libraries" in line for line in lines) and not any("httpx" in line for line in lines)
    opened = text_of(attempt_sections(attempts, ERROR, 100, Folds(all_open=True), fmt.UTC))
    assert any("httpx" in line for line in opened)
    assert any(line.strip().startswith("+PaymentDeclined") and "ch_3PX9" in line for line in opened)
    same = (AttemptView(1, 0, 10, "w", "failed", ERROR), AttemptView(2, 20, 30, "w", "failed", ERROR))
    assert any("same error" in line for line in text_of(attempt_sections(same, ERROR, 100, Folds(), fmt.UTC)))


def test_the_traceback_of_the_last_error_stands_with_its_attempt() -> None:
    bare = replace(ERROR, traceback=None)  # as an attempt keeps it
    attempts = (AttemptView(1, 0, 10, "w", "failed", bare), AttemptView(2, 20, 30, "w", "failed", bare))
    lines = text_of(attempt_sections(attempts, ERROR, 100, Folds(), fmt.UTC))
    assert any("lines of libraries" in line for line in lines) and any("same error" in line for line in lines)


def test_a_hostile_error_is_text() -> None:
    error = ErrorView(HOSTILE, HOSTILE * 50, HOSTILE + "\n" + HOSTILE, None, None)
    for line in text_of(attempt_sections((), error, 80, Folds(), fmt.UTC)):
        assert line.isprintable()


def test_the_timeline_tells_waits_and_backoffs() -> None:
    lines = "\n".join(text_of(timeline(job_view(job_row(0)), 110, Moment(NOW_MS))))
    assert "waited 4.2 s" in lines and "again after 30 s" in lines and "attempt 3" in lines and "total 1:38" in lines
    failed = job_view(job_row(0))
    row = replace(failed.row, state="active", started_ms=NOW_MS - 5_000, finished_ms=None, worker="web-3")
    lines = "\n".join(text_of(timeline(replace(failed, row=row), 110, Moment(NOW_MS))))
    assert "attempt 4" in lines and "running" in lines and "web-3" in lines and "total" not in lines


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TERM": "xterm-256color", "LANG": "en_US.UTF-8"}, (False, False, False)),
        ({"TERM": "xterm"}, (True, False, False)),
        ({"TERM": "linux", "LANG": "C"}, (True, False, True)),
        ({"TERM": "xterm-256color", "NO_COLOR": "1", "LC_ALL": "de_DE.ISO-8859-1"}, (True, True, True)),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, (False, False, False)),
    ],
)
def test_the_environment_says_what_the_terminal_can(environ: dict[str, str], expected: tuple[bool, bool, bool]) -> None:
    found = examine(environ)
    assert (found.few_colors, found.no_color, found.ascii_only) == expected


def test_ssh_slows_the_pace_and_idleness_stops_it() -> None:
    now = pace(paused=False, idle_s=0, remote=False, answer_ms=3)
    assert (now.every_s, now.word) == (1.0, "live 1 s")
    assert pace(paused=False, idle_s=0, remote=True, answer_ms=3).every_s == 3.0
    assert pace(paused=False, idle_s=0, remote=False, answer_ms=60_000).every_s == 5.0
    assert pace(paused=False, idle_s=300, remote=False, answer_ms=3).every_s == 10.0
    assert pace(paused=False, idle_s=3_600, remote=False, answer_ms=3).every_s is None
    assert pace(paused=True, idle_s=0, remote=False, answer_ms=3).every_s is None
    assert pace(paused=False, idle_s=0, remote=False, answer_ms=3, lost=True).word == "reconnecting"


def test_a_pipe_is_no_terminal() -> None:
    with pytest.raises(UsageError, match="terminal"):
        require_terminal(io.StringIO(), io.StringIO(), {"TERM": "xterm"})
    with pytest.raises(UsageError, match="TERM=dumb"):
        require_terminal(io.StringIO(), io.StringIO(), {"TERM": "dumb"})


def test_ascii_replaces_cell_for_cell() -> None:
    for text in ("● ok ▲ failed", "▁▂▃█", "漢字", "├─ └─ │ ┃", "▸ 9.5 MiB – …"):
        shown = AsciiOnly()._ascii(text)
        assert shown.isascii() and len(shown) == cell_len(text)


def test_a_job_says_why_it_does_not_run_with_the_evidence_and_what_would_help() -> None:
    why = Why("The queue is paused.", "paused", (("paused by", "mara"),), "qconsole queues resume billing")
    lines = why_lines(why, 80)
    assert text_of(lines)[:3] == ["  The queue is paused.", "  paused by mara", "  $ qconsole queues resume billing"]
    assert lines[2].copy is not None and lines[2].copy() == "qconsole queues resume billing"
    assert lines[0].spans[1][1] == "warn"


def test_a_child_of_a_flow_that_is_gone_says_so_and_leads_nowhere() -> None:
    gone = FlowNode("doc-1", "documents", "?", "completed", "fail_parent")
    coming = FlowNode("doc-2", "documents", "?", "waiting", "fail_parent")
    failed = FlowNode("doc-3", "documents", "ocr", "failed", "fail_parent", error_message="no text")
    root = FlowNode("import-1", "imports", "load", "waiting_children", "fail_parent", (gone, coming, failed), 4)
    lines = flow_lines(root)
    assert "pruned" in lines[1].text and "not in its queue yet" in lines[2].text
    assert [line.link is None for line in lines] == [False, True, True, False, True]
    sums = flow_sums(root, 80)
    assert "4 more are not counted here" in sums[0].text and sums[-1].text == "  doc-3: no text"


def test_a_partitioned_queue_shows_its_parts() -> None:
    counts = {"waiting": 12_000, "active": 3, "failed": 0}
    parts = (PartitionView("email:0", counts, 9_000, False), PartitionView("email:1", counts, None, True))
    lines = text_of(queue_lines(replace(queue_views()[0], partitions=parts), 80, Moment(NOW_MS)))
    assert any("Partitions" in line and "2;" in line for line in lines)
    (first,), (second,) = ([line for line in lines if part.name in line] for part in parts)
    assert first.split() == ["email:0", "12.0k", "3", "0", "9.0", "s"] and "paused" in second


def test_a_preview_is_divided_between_two_sections_and_folds_do_not_move_the_place() -> None:
    def produce(_cells: int, folds: Folds) -> list[DocLine]:
        more = [text_line("more")] * (9 if folds.is_open("more", False) else 0)
        return [section("One"), text_line("a"), *more, section("Two"), text_line("b"), section("Three")]

    left, right = halves(produce)
    opened = Folds(turned={"more"})
    assert text_of(left(80, Folds())) == ["One", "  a"] and text_of(right(80, Folds()))[0] == "Two"
    assert len(left(80, opened)) == 11 and text_of(right(80, opened)) == ["Two", "  b", "Three"]
    assert text_of(halves(lambda _w, _f: [section("Only")])[1](80, Folds())) == []


def test_a_narrow_line_of_modes_has_all_keys() -> None:
    assert sum(len(f" {mode.key} {mode.shortest}") for mode in MODES) < 80


def test_a_small_share_is_not_nothing() -> None:
    lines = histogram([(1.0, 10_000), (2.0, 3)], 80)
    assert "<1%" in "".join(text for text, _ in lines[1])


@pytest.mark.parametrize("colors", [DARK, LIGHT], ids=["dark", "light"])
def test_every_ink_is_read_on_every_ground(colors: dict[str, str]) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1 for text."""

    def luminance(name: str) -> float:
        parts = (int(colors[name][place : place + 2], 16) / 255 for place in (1, 3, 5))
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    for ground in ("ground", "raised", "cursor", "mark"):
        for ink in (
            "text",
            "muted",
            "accent",
            "bad",
            "warn",
            "good",
            *(["faint"] if ground in {"ground", "raised"} else []),
        ):
            lower, higher = sorted((luminance(ground), luminance(ink)))
            assert (higher + 0.05) / (lower + 0.05) >= 4.5, f"{ink} on {ground}"


def test_a_queue_that_cannot_be_read_has_no_figures() -> None:
    lost = replace(queue_views()[0], error="cannot be read: Redis does not answer")
    cells = {column.key: column.cell(lost, Moment(NOW_MS)) for column in QUEUE_COLUMNS}
    assert {cells[name][0] for name in ("queued", "active", "failed", "dead", "rate", "throughput")} == {"–"}
