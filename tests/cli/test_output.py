"""Tables, JSON lines and errors as people and programs get them."""

import io

import orjson
import pytest

from qconsole.cli.output import Column, Format, Output, Progress, ago, duration, per_minute
from qconsole.text import clip, visible


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def columns() -> list[Column]:
    return [
        Column("id", lambda r: r[0]),
        Column("n", lambda r: r[1], "right"),
        Column("what", lambda r: r[2], grow=True),
    ]


def test_a_table_aligns_wide_and_combining_characters() -> None:
    out = io.StringIO()
    Output(format=Format.TABLE, stdout=out).table([("日本", 1, "x"), ("e\u0301", 1000, "y")], columns())
    assert out.getvalue().splitlines() == ["id        n  what", "日本      1  x", "e\u0301     1,000  y"]


def test_a_table_is_cut_to_the_terminal_but_never_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    row = [("a", 1, "long " * 30)]
    terminal, pipe = Terminal(), io.StringIO()
    Output(format=Format.TABLE, stdout=terminal).table(row, columns())
    Output(format=Format.TABLE, stdout=pipe).table(row, columns())
    assert max(len(line) for line in terminal.getvalue().splitlines()) <= 40
    assert "long " * 29 in pipe.getvalue()


@pytest.mark.parametrize(
    ("variables", "is_bold"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_escape_codes_are_for_terminals_that_want_them(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], is_bold: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    terminal, pipe = Terminal(), io.StringIO()
    for target in (terminal, pipe):
        Output(format=Format.TABLE, stdout=target).table([("a", 1, "x")], columns())
    assert ("\x1b[1m" in terminal.getvalue(), "\x1b" in pipe.getvalue()) == (is_bold, False)


def told(monkeypatch: pytest.MonkeyPatch, stderr: io.StringIO, *, quiet: bool = False) -> str:
    """Let an operation tell of its progress twice a second for twelve seconds."""
    now_s = 1_000.0
    monkeypatch.setattr("qconsole.cli.output.time.monotonic", lambda: now_s)
    progress = Progress(Output(format=Format.TABLE, stderr=stderr, quiet=quiet), verb="retry")
    for done in range(0, 2_400, 100):
        progress.update(done=done, total=2_400, skipped=1, failed=0, rate_per_s=200.0)
        now_s += 0.5
    progress.close()
    return stderr.getvalue()


def test_progress_is_a_plain_line_every_five_seconds_where_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = told(monkeypatch, io.StringIO()).splitlines()
    assert lines == [
        "retry:  42%  1,000 of 2,400 done, 1 skipped, 0 failed, 200/s",
        "retry:  83%  2,000 of 2,400 done, 1 skipped, 0 failed, 200/s",
    ]
    assert told(monkeypatch, io.StringIO(), quiet=True) == ""


def test_progress_is_one_line_drawn_again_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    drawn = told(monkeypatch, Terminal())
    assert drawn.count("\r\x1b[2K") == 25 and "\n" not in drawn
    assert drawn.endswith("\r\x1b[2K")
    monkeypatch.setenv("TERM", "dumb")
    assert len(told(monkeypatch, Terminal()).splitlines()) == 2


@pytest.mark.parametrize("hostile", ["\x1b[2Jx", "a\x00b", "\u202egpj.exe", "a\rb", "\x9b31m", "\ud800"])
def test_hostile_text_is_shown_and_never_obeyed(hostile: str) -> None:
    shown = visible(hostile)
    assert shown != hostile
    assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in shown)
    assert "\u202e" not in shown


def test_a_block_of_text_keeps_its_lines() -> None:
    assert visible("a\nb\x1b", keep_newlines=True) == "a\nb␛"


def test_clip_counts_cells_not_characters() -> None:
    assert clip("日本語", 5) == "日本…"
    assert clip("abc", 3) == "abc"


def test_jsonl_writes_one_document_a_line() -> None:
    out = io.StringIO()
    Output(format=Format.JSONL, stdout=out).data({"schema": "x", "items": [{"a": 1}, {"a": 2}]})
    assert [orjson.loads(line) for line in out.getvalue().splitlines()] == [{"a": 1}, {"a": 2}]


def test_an_error_under_json_is_an_object_on_stderr() -> None:
    out, err = io.StringIO(), io.StringIO()
    Output(format=Format.JSON, stdout=out, stderr=err).error({"code": "usage", "message": "no", "hint": None})
    assert out.getvalue() == ""
    assert orjson.loads(err.getvalue())["error"]["code"] == "usage"


def test_talk_is_suppressed_by_quiet_and_errors_are_not() -> None:
    err = io.StringIO()
    output = Output(format=Format.TABLE, stderr=err, quiet=True)
    output.say("hello")
    output.error({"message": "broken", "hint": None})
    assert err.getvalue() == "qconsole: broken\n"


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "–"),
        (850, "850 ms"),
        (12_400, "12.4 s"),
        (185_000, "3:05"),
        (7_800_000, "2 h 10 m"),
        (356_400_000, "4 d 3 h"),
    ],
)
def test_durations_read_well(ms: float | None, text: str) -> None:
    assert duration(ms) == text


@pytest.mark.parametrize(("cells", "lines"), [(40, ["x" * 30, f"{'':10}  {'waiting':7}  {'y' * 19}"]), (80, [])])
def test_a_long_id_has_a_line_of_its_own_where_the_rest_would_go(
    monkeypatch: pytest.MonkeyPatch, cells: int, lines: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(cells))
    columns = [
        Column("id", lambda r: r[0], most=10),
        Column("state", lambda r: r[1], gives=1),
        Column("what", lambda r: r[2], gives=2, grow=True),
    ]
    out = Terminal()
    row = ("x" * 30, "waiting", "y" * 19)
    Output(format=Format.TABLE, stdout=out, color=False).table([row], columns)
    assert out.getvalue().splitlines()[1:] == (lines or ["  ".join(row)])


@pytest.mark.parametrize(
    ("rate", "text"), [(0, "0"), (0.01, "<0.1"), (0.2, "0.2"), (9.94, "9.9"), (9.96, "10"), (1234.6, "1,235")]
)
def test_slow_rates_are_not_nothing(rate: float, text: str) -> None:
    assert per_minute(rate) == text


def test_ago_says_when_an_instant_is_ahead() -> None:
    assert ago(1_000, 3_000) == "2.0 s"
    assert ago(5_000, 3_000) == "in 2.0 s"
