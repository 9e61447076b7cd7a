"""What is read from the end of a result of plain arq is what the whole of it says, or nothing."""

from asyncio import CancelledError
from typing import Any

import pytest
from arq.jobs import serialize_result

from qconsole.admin.arq_ends import read_end
from qconsole.admin.payloads import read_result

MIMICS = [
    {"et": 1_700_000_000_000, "s": False, "r": None, "st": 1_700_000_000_001, "ft": 1_700_000_000_002, "q": "x"},
    {"et": 1_700_000_000_000, "note": b"\x8c\x02et\x94\x8a\x06123456\x8c\x01s\x94\x89\x8c\x01r\x94N"},
    {"text": "et s r st ft q id u."},
]


def stored(*, success: bool = True, result: Any = None, kwargs: dict[str, Any] | None = None) -> bytes:
    return serialize_result(
        "send", (1,), kwargs or {}, 1, 1_700_000_000_000, success, result, 1_700_000_000_100, 1_700_000_000_200, "ref",
        "arq:email", job_id="a" * 32,
    )  # fmt: skip


def whole(data: bytes) -> tuple[Any, ...]:
    end = read_result(data, len(data))
    assert end is not None
    return end.finished_ms, end.queue, end.state


@pytest.mark.parametrize("result", [None, True, 7, 70_000, -5, 1.5, "sent", "x" * 300])
def test_plain_results_are_read_from_their_end(result: Any) -> None:
    data = stored(result=result)
    assert read_end(data) == whole(data)


@pytest.mark.parametrize("error", [ValueError("no such user"), KeyError("é" * 300)])
def test_failures_are_read_from_their_end(error: Exception) -> None:
    data = stored(success=False, result=error)
    assert read_end(data) == whole(data)


@pytest.mark.parametrize("kwargs", MIMICS)
@pytest.mark.parametrize("result", [None, {"s": True}, MIMICS[1]["note"], [MIMICS[0]]])
def test_a_payload_or_result_that_looks_like_an_end_misleads_nobody(kwargs: dict[str, Any], result: Any) -> None:
    data = stored(kwargs=kwargs, result=result)
    assert read_end(data) in (None, whole(data))


@pytest.mark.parametrize("error", [CancelledError("aborted"), OSError(2, "gone"), ValueError()])
def test_other_errors_are_left_to_the_whole(error: BaseException) -> None:
    assert read_end(stored(success=False, result=error)) is None


def test_damaged_bytes_are_left_to_the_whole() -> None:
    data = stored()
    assert all(read_end(data[:size]) is None for size in range(len(data)))
    assert read_end(data + b"u.") is None
