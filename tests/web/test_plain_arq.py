"""On a Redis that only plain arq has used, what it does not keep is said to be missing, not shown as zero."""

import re

import pytest
from arq.constants import default_queue_name, job_key_prefix
from arq.jobs import serialize_job
from redis import Redis
from starlette.testclient import TestClient

from qconsole.redis.embedded import EmbeddedServer
from tests.web.conftest import HTML


@pytest.fixture
def plain(redis_server: EmbeddedServer) -> None:
    """One job of a plain arq producer, and nothing else."""
    with Redis.from_url(redis_server.url) as client:
        client.flushall()
        call = serialize_job("send_mail", ("ada@example.com",), {}, 1, 1_764_000_000_000)
        client.set(f"{job_key_prefix}one", call)
        client.zadd(default_queue_name, {"one": 1_764_000_000_000})


def test_what_plain_arq_does_not_keep_is_said_to_be_missing(plain: None, web: TestClient) -> None:
    for path in ("/", "/dlq", "/dlq/entries", "/schedules", "/flows", "/events", "/metrics"):
        assert "Only plain arq uses this Redis" in web.get(path, headers=HTML).text, path


def test_a_queue_of_plain_arq_counts_what_can_be_counted(plain: None, web: TestClient) -> None:
    text = web.get("/queues/arq:queue", headers=HTML).text
    tabs = text.split('aria-label="States"')[1].split("</nav>")[0]
    shown = dict(re.findall(r">([a-z ]+)<span[^>]*>([^<]*)</span>", tabs))
    assert (shown["waiting"], shown["active"], shown["delayed"]) == ("1", "0", "0")
    assert {shown[state] for state in ("failed", "completed", "cancelled", "dead letters")} == {"–"}


def test_a_filter_that_finds_nothing_leads_back_to_all_jobs(plain: None, web: TestClient) -> None:
    text = web.get("/jobs?filter=id:nope", headers=HTML).text
    assert 'No job matches. <a href="/jobs">All jobs</a>' in text
