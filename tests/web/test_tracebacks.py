from qconsole.admin.views import AttemptView, ErrorView
from qconsole.web import tracebacks

TEXT = """Traceback (most recent call last):
  File "/app/.venv/lib/python3.11/site-packages/arq/worker.py", line 6, in run
    result = await f()
  File "/app/.venv/lib/python3.11/site-packages/httpx/client.py", line 9, in send
    return await go()
  File "/app/workers/billing.py", line 61, in charge
    raise Declined(1)
Declined: 1"""


def test_runs_of_library_frames_fold_and_our_own_stay() -> None:
    head, library, ours = tracebacks.fold(TEXT)
    assert head.lines == ("Traceback (most recent call last):",)
    assert (library.library, library.frames, len(library.lines)) == (True, 2, 4)
    assert ours.lines[0].endswith("in charge")
    assert ours.lines[-1] == "Declined: 1"


def test_a_very_long_traceback_keeps_its_ends() -> None:
    parts = tracebacks.fold("\n".join(f"line {i}" for i in range(100_000)))
    lines = [line for part in parts for line in part.lines]
    assert len(lines) <= tracebacks.MAX_LINES + 1
    assert lines[0] == "line 0"
    assert lines[-1] == "line 99999"


def attempt(number: int, message: str) -> AttemptView:
    return AttemptView(number, 0, 1, "w", "failed", ErrorView("Declined", message, TEXT))


def test_the_difference_of_two_attempts_names_what_changed() -> None:
    changed = tracebacks.compare(attempt(1, "card 1"), attempt(2, "card 2"))
    assert [(line.kind, line.text) for line in changed if line.kind != "same"] == [
        ("gone", "Declined: card 1"),
        ("new", "Declined: card 2"),
    ]
    assert tracebacks.compare(attempt(1, "same"), attempt(2, "same")) == ()


def test_the_frames_of_the_runtime_are_folded_like_a_library_s() -> None:
    text = 'Traceback:\n  File "/app/qconsole/runtime/declared.py", line 1, in run\n    await handler()\n'
    text += '  File "/app/shop/mail.py", line 2, in send\n    raise Refused\nRefused: no'
    assert [part.library for part in tracebacks.fold(text)] == [False, True, False]
