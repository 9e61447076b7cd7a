"""The description of the JSON side is true: complete, up to date, and kept under random requests."""

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks
from starlette.testclient import TestClient

from qconsole.config import Settings
from qconsole.web import openapi
from qconsole.web.app import create_app
from qconsole.web.options import Auth, ConsoleOptions
from qconsole.web.serve import address, listen, server
from tests.web.conftest import JSON
from tests.web.stage import Furniture

NOT_JSON = {
    "/static", "/sign-in", "/sign-out", "/sign-out/everywhere", "/live", "/healthz", "/openapi.json",
    "/metrics/prometheus", "/settings/theme", "/complete", "/jobs/add",
}  # fmt: skip


def test_the_file_is_what_the_table_says() -> None:
    assert openapi.FILE.read_text(encoding="utf-8") == openapi.text(), "run: python -m qconsole.web.openapi"


def test_every_route_is_described_and_every_description_is_a_route() -> None:
    app = create_app(Settings(), options=ConsoleOptions())
    routes = {
        (method.lower(), re.sub(r":segment", "", route.path))  # type: ignore[attr-defined]
        for route in app.routes
        for method in (route.methods or ())  # type: ignore[attr-defined]
        if method in {"GET", "POST"}
    }
    described = {(endpoint.method, endpoint.path) for endpoint in openapi.ENDPOINTS}
    assert described <= routes
    left = {path for _, path in routes - described}
    assert all(path in NOT_JSON or path.startswith("/static") for path in left), left


def test_the_console_serves_its_description(web: TestClient) -> None:
    answer = web.get("/openapi.json", headers=JSON)
    assert answer.json()["openapi"] == "3.1.0"


schema = schemathesis.openapi.from_dict(openapi.document())
CHECKS = (
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
)


@pytest.fixture(scope="module")
def steady(furniture: Furniture) -> Iterator[str]:
    """The URL of one console for all random requests."""
    options = ConsoleOptions(auth=Auth.OFF, refresh_commands_per_s=10_000)
    made = server(Settings(redis_url=furniture.url), options=options)
    with listen("127.0.0.1", 0) as bound:
        thread = threading.Thread(target=made.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        yield address(bound)
        made.should_exit = True
        thread.join(15)


@schema.parametrize()
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_requests_get_what_is_described_or_a_sentence(steady: str, case: Any) -> None:
    case.call_and_validate(base_url=steady, headers=JSON, checks=CHECKS)
