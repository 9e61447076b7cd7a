"""What makes two failures the same."""

import pytest

from qconsole.errors import JobFailed
from qconsole.runtime.fingerprint import fingerprint, fingerprint_of, normalise
from qconsole.runtime.histogram import BOUNDS_MS, bucket_bounds_ms, bucket_of, percentile_ms


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("row 17 is bad", "row 4,211 is bad"),
        ("no file '/data/a b.pdf'", 'no file "/srv/c.pdf"'),
        ("user 3f2b8c1d-0000-4000-8000-000000000000 left", "user 11111111-2222-4333-8444-555555555555 left"),
        ("<Thing at 0x7f01>", "<Thing at 0xdeadbeef>"),
        ("GET https://a.example/1?x=2 gave 503", "GET http://b.example gave 500"),
        ("mail to ann@a.example bounced", "mail to bob.b@c.example bounced"),
        ("took  3.5\n seconds", "took 12 seconds"),
        (
            "commit 9fceb02d0ae598e95dc970b74767f19372d61af8 lost",
            "commit e83c5163316f89bfbde7d9ab23ca2e25604af290 lost",
        ),
    ],
)
def test_particulars_do_not_tell_failures_apart(first: str, second: str) -> None:
    assert normalise(first) == normalise(second)


def test_type_message_and_frame_do() -> None:
    marks = {
        fingerprint("A", "m").digest,
        fingerprint("B", "m").digest,
        fingerprint("A", "n").digest,
        fingerprint("A", "m", "f.py:g").digest,
    }
    assert len(marks) == 4


def test_the_frame_is_the_apps_own() -> None:
    try:
        int("x")
    except ValueError as error:
        mark = fingerprint_of(error)
    assert mark.frame == "test_fingerprint.py:test_the_frame_is_the_apps_own"


def test_an_exception_that_cannot_be_printed_still_has_one() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert "Broken.__str__" in fingerprint_of(Broken()).message
    assert fingerprint_of(JobFailed("no", "LookupError")).error_type == "LookupError"


def test_buckets_hold_their_bounds_and_percentiles_lie_in_them() -> None:
    for bucket in range(len(BOUNDS_MS)):
        low, high = bucket_bounds_ms(bucket)
        assert bucket_of(low) == bucket_of(high - 1) == bucket
    assert percentile_ms([], 0.5) is None
    counts = [(bucket_of(100), 99), (bucket_of(5_000), 1)]
    assert abs((percentile_ms(counts, 0.5) or 0) - 100) <= 20
    assert (percentile_ms(counts, 0.999) or 0) > 4_000
