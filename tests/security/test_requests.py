"""Bodies that no browser sends: whatever is posted gets a change, a refusal or a sentence, never a failure."""

import json
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from qconsole.web.paths import segment
from tests.web.conftest import JSON
from tests.web.stage import Furniture

FIELDS = [
    "reason", "payload", "priority", "attempts", "delay_s", "due_ms", "filter", "verb", "noun", "ids", "matching",
    "confirm", "rate_per_s", "spread_s", "limit", "max_affected", "note", "job_type", "queue", "job_id", "pattern",
    "every_ms", "minutes", "concurrency", "label", "kind", "codes", "name", "password", "next", "theme", "field:x",
    "kind:x", "until_ms", "max", "per_s", "partition", "paused", "enabled", "misfire", "overlap", "tz",
]  # fmt: skip
DEEP: dict[str, object] = {}
for _ in range(900):
    DEEP = {"a": DEEP}
ODD = [
    "", "x", "email", "mail-waiting", "-1", "0", "1e999", "NaN", "9" * 400, "9" * 5000, "\x00", "\ud800", "🙂",
    "* * * * *", '{"a":1}',
    "[" * 5000, '{"a":' * 900 + "1" + "}" * 900, "null", "state:waiting", "x" * 70_000, "cancel", "jobs",
    -1, 0, 1, 2**31, 2**63, 2**64, 10**30, 1e14, 1e308, 0.5, True, None, [], {}, ["a"], [1], [[]], {"a": [None]}, DEEP,
]  # fmt: skip
NAMES = {
    "queue": ["email", "nowhere", "a/b"],
    "job": ["mail-waiting", "mail-000", "x"],
    "schedule": ["morning-digest", "x"],
}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_body_gets_a_change_or_a_sentence(picture: Furniture, web: TestClient, data: st.DataObject) -> None:
    routes = [route.path for route in web.app.routes if "POST" in (route.methods or ())]  # type: ignore[attr-defined]
    path = data.draw(st.sampled_from(routes))
    path = re.sub(
        r"{(\w+)(:segment)?}", lambda found: segment(data.draw(st.sampled_from(NAMES.get(found[1], ["x"])))), path
    )
    sent = data.draw(st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(ODD), max_size=5))
    if data.draw(st.booleans()):
        kind = {"content-type": "application/json"}
        answer = web.post(path, content=json.dumps(sent).encode(), headers=JSON | kind)
    else:
        form = {name: str(value).encode("utf-8", "surrogatepass") for name, value in sent.items()}
        answer = web.post(path, data=form, headers=JSON)
    assert answer.status_code < 500, (path, sent, answer.text)
    if answer.status_code >= 400:
        assert answer.json()["error"]["message"]
