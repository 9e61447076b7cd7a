"""The hierarchy holds together: codes are unique, exits are documented, job errors survive pickling."""

import pickle
from collections.abc import Iterator

import pytest

from qconsole import errors
from qconsole.errors import ExitCode, JobFailed, PayloadInvalid, QConsoleError, RateLimited, RetryLater, UsageError


def subclasses(root: type[QConsoleError]) -> Iterator[type[QConsoleError]]:
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from subclasses(child)


def test_every_class_is_drawn_in_the_tree_and_has_its_own_code() -> None:
    classes = list(subclasses(QConsoleError))
    assert all(cls.__name__ in (errors.__doc__ or "") for cls in classes)
    codes = [cls.code for cls in classes]
    assert len(set(codes)) == len(codes)
    assert all(isinstance(cls.exit_code, ExitCode) for cls in classes)


def test_an_error_tells_code_message_hint_and_fields() -> None:
    error = PayloadInvalid("payload.to must be an address, got 7", "Mend the payload.", field="payload.to")
    assert str(error) == "payload.to must be an address, got 7"
    assert error.as_dict() == {
        "code": "payload_invalid",
        "message": "payload.to must be an address, got 7",
        "hint": "Mend the payload.",
        "fields": {"field": "payload.to"},
    }
    assert UsageError("x", position=4).position == 4
    assert UsageError("x", field="--limit").field == "--limit"


@pytest.mark.parametrize(
    "error",
    [
        JobFailed("no such document", "LookupError", job_id="j1"),
        RetryLater(2.5, "busy"),
        RateLimited(30),
        PayloadInvalid("m", "h", field="f"),
    ],
)
def test_errors_survive_pickling(error: QConsoleError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert copy.as_dict() == error.as_dict()
    assert copy.args == error.args


def test_job_failed_is_built_from_message_and_type_alone() -> None:
    assert str(JobFailed("no such document", "LookupError")) == "LookupError: no such document"
    assert str(JobFailed("", "KeyError")) == "KeyError"


@pytest.mark.parametrize("after_s", [-1, float("nan")])
def test_retry_later_refuses_a_time_that_is_none(after_s: float) -> None:
    with pytest.raises(ValueError, match="after_s must be"):
        RetryLater(after_s)
