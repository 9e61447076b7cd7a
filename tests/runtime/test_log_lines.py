"""A worker's lines on stderr: what they say, and that a changing argument is written as it was."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from qconsole.runtime.log_lines import JobLog, lines_to_stderr


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


def test_a_jobs_line_reads_as_any_other_and_keeps_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("qconsole.worker")
    with bare_root(), lines_to_stderr():
        logger.info("%6.2fs → %s", 0.5, "first")
        JobLog(logger).info("%6.2fs → %s", 0.5, "second")
        logger.warning("last")
    lines = [line.split(" ", 1)[1] for line in capsys.readouterr().err.splitlines()]
    assert lines == ["INFO   0.50s → first", "INFO   0.50s → second", "WARNING last"]


@pytest.mark.parametrize("name", ["qconsole.worker", "qconsole", ""])
def test_a_jobs_line_reaches_every_handler_the_app_adds_later(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = heard.append  # type: ignore[method-assign]
    with bare_root(), lines_to_stderr():
        logging.getLogger(name).addHandler(handler)
        try:
            JobLog(logging.getLogger("qconsole.worker")).info("job %s", "a")
        finally:
            logging.getLogger(name).removeHandler(handler)
    assert [record.getMessage() for record in heard] == ["job a"]
    assert heard[0].filename == "test_log_lines.py"
    assert capsys.readouterr().err.endswith(" INFO job a\n")


def test_a_jobs_line_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    with bare_root(), lines_to_stderr():
        logging.getLogger().setLevel(logging.WARNING)
        JobLog(logging.getLogger("qconsole.worker")).info("job %s", "a")
    assert not capsys.readouterr().err
