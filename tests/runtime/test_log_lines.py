"""A worker's lines on stderr: what they say, and that a changing argument is written as it was."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from qconsole.runtime.log_lines import lines_to_stderr


@contextmanager
def bare_root() -> Iterator[None]:
    """Take pytest's own handlers off the root logger, as in a process that has set up nothing."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def test_lines_carry_their_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    with bare_root(), lines_to_stderr():
        logging.getLogger("qconsole.worker").info("job %s took %.2f s", "a", 1.5)
    assert capsys.readouterr().err.endswith(" INFO job a took 1.50 s\n")


def test_an_argument_that_changes_is_written_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    state = ["before"]
    with bare_root(), lines_to_stderr():
        logging.getLogger("app").info("state %s", state)
        state[0] = "after"
    assert "state ['before']" in capsys.readouterr().err


def test_errors_keep_their_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with bare_root(), lines_to_stderr():
        try:
            raise ValueError("no")
        except ValueError:
            logging.getLogger("app").exception("broken")
    told = capsys.readouterr().err
    assert "ERROR broken" in told
    assert "ValueError: no" in told


def test_an_app_that_has_set_up_logging_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with bare_root():
        logging.getLogger().addHandler(logging.NullHandler())
        with lines_to_stderr():
            logging.getLogger("app").warning("to the app's handler only")
    assert not capsys.readouterr().err
