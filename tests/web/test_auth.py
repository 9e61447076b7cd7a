"""Who may come in and what they may do: users, tokens, a proxy; sessions, throttling, forged requests, limits."""

import asyncio
import re
from collections.abc import Callable

import pytest
from redis import Redis
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient

from qconsole.admin.admin import Admin
from qconsole.admin.views import Actor
from qconsole.config import Settings
from qconsole.errors import ConfigError
from qconsole.redis.embedded import EmbeddedServer
from qconsole.runtime.keys import GLOBAL
from qconsole.web import stream
from qconsole.web.app import create_app
from qconsole.web.identity import COOKIE, Identities
from qconsole.web.options import Auth, ConsoleOptions
from tests.web.conftest import BASE, HTML, JSON, SAME
from tests.web.stage import Furniture

PASSWORD = "correct horse battery"
Make = Callable[..., TestClient]


def arrange(server: EmbeddedServer, work: Callable[[Admin], object]) -> object:
    """Do something as the local admin."""

    async def run() -> object:
        admin = await Admin.open(Settings(redis_url=server.url), actor=Actor("root", "admin", "cli"))
        try:
            return await work(admin)  # type: ignore[misc]
        finally:
            await admin.close()

    return asyncio.run(run())


@pytest.fixture(scope="module")
def registry(redis_server: EmbeddedServer) -> dict[bytes, bytes]:
    """A viewer, an operator and an admin as they are stored; hashing their passwords takes a while."""

    async def add(admin: Admin) -> None:
        for name, role in (("vera", "viewer"), ("olaf", "operator"), ("ada", "admin")):
            await admin.users.add(name, password=PASSWORD, role=role)

    with Redis.from_url(redis_server.url) as redis:
        redis.flushall()
        arrange(redis_server, add)
        stored: dict[bytes, bytes] = redis.hgetall(GLOBAL.users())
        return stored


@pytest.fixture
def people(registry: dict[bytes, bytes], fresh: Furniture, redis_server: EmbeddedServer) -> EmbeddedServer:
    """The server furnished, with its three users."""
    with Redis.from_url(redis_server.url) as redis:
        redis.hset(GLOBAL.users(), mapping=registry)
    return redis_server


def sign_in(web: TestClient, name: str, password: str = PASSWORD, **fields: str):  # type: ignore[no-untyped-def]
    return web.post("/sign-in", data={"name": name, "password": password, **fields}, headers=HTML)


def test_a_stranger_is_asked_to_sign_in_and_comes_back_where_they_wanted(
    people: EmbeddedServer, console_of: Make
) -> None:
    web = console_of(auth=Auth.USERS)
    asked = web.get("/queues/email?state=failed", headers=HTML)
    assert asked.status_code == 303
    assert asked.headers["location"] == "/sign-in?next=/queues/email%3Fstate%3Dfailed"
    assert "password" in web.get(asked.headers["location"], headers=HTML).text
    entered = sign_in(web, "olaf", next="/queues/email?state=failed")
    assert (entered.status_code, entered.headers["location"]) == (303, "/queues/email?state=failed")
    assert web.get("/queues/email", headers=HTML).status_code == 200


def test_a_program_without_a_token_is_told_so(people: EmbeddedServer, console_of: Make) -> None:
    answer = console_of(auth=Auth.USERS).get("/queues", headers=JSON)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["error"]["code"] == "unauthenticated"


@pytest.mark.parametrize(
    "wanted", ["//evil.test/x", "https://evil.test", "/\\evil.test", "javascript:alert(1)", "/a\r\nSet-Cookie: x=1", ""]
)
def test_the_way_back_never_leaves_the_console(people: EmbeddedServer, console_of: Make, wanted: str) -> None:
    assert sign_in(console_of(auth=Auth.USERS), "olaf", next=wanted).headers["location"] == "/"


@pytest.mark.parametrize("page", ["//evil.test/x", "/\\evil.test", "["])
def test_going_back_after_a_change_never_leaves_the_console(fresh: Furniture, web: TestClient, page: str) -> None:
    address = "http://[" if page == "[" else BASE + page
    answer = web.post("/queues/email/pause", data={}, headers={**HTML, "referer": address})
    assert answer.status_code == 303
    assert not answer.headers["location"].startswith(("//", "/\\", "http"))


def test_signing_in_answers_what_it_cannot_read(people: EmbeddedServer, console_of: Make) -> None:
    web = console_of(auth=Auth.USERS, body_limit_bytes=100_000)
    kind, form = "application/json", "application/x-www-form-urlencoded"
    for sent, body, status in (
        (kind, b"{", 400),
        (kind, b'{"name": "\\ud800"}', 400),
        ("text/plain", b"x", 400),
        (form, b"&".join(b"f%d=" % i for i in range(6_000)), 400),
        (form, iter([b"name=" + b"x" * 60_000] * 2), 413),
    ):
        answer = web.post("/sign-in", content=body, headers={**JSON, "content-type": sent})
        assert (answer.status_code, bool(answer.json()["error"]["message"])) == (status, True)


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(people: EmbeddedServer, console_of: Make) -> None:
    cookie = sign_in(console_of(auth=Auth.USERS), "olaf").headers["set-cookie"]
    assert "httponly" in cookie.lower()
    assert "samesite=lax" in cookie.lower()


def test_a_session_id_from_before_signing_in_is_never_taken_over(people: EmbeddedServer, console_of: Make) -> None:
    web = console_of(auth=Auth.USERS)
    sign_in(web, "vera")
    before = web.cookies[COOKIE]
    sign_in(web, "olaf")
    after = web.cookies[COOKIE]
    assert before != after
    web.cookies.clear()
    assert web.get("/queues", headers={**JSON, "cookie": f"{COOKIE}={before}"}).status_code == 401
    assert web.get("/queues", headers={**JSON, "cookie": f"{COOKIE}=forged.value"}).status_code == 401


def test_signing_out_ends_the_session_for_good(people: EmbeddedServer, console_of: Make) -> None:
    web = console_of(auth=Auth.USERS)
    sign_in(web, "vera")
    kept = web.cookies[COOKIE]
    assert web.post("/sign-out", headers=HTML).status_code == 303
    assert web.get("/queues", headers={**JSON, "cookie": f"{COOKIE}={kept}"}).status_code == 401


def test_signing_out_everywhere_ends_the_other_browsers_too(people: EmbeddedServer, console_of: Make) -> None:
    web = console_of(auth=Auth.USERS)
    sign_in(web, "vera")
    other = web.cookies[COOKIE]
    web.cookies.clear()
    sign_in(web, "vera")
    web.post("/sign-out/everywhere", headers=HTML)
    assert web.get("/queues", headers={**JSON, "cookie": f"{COOKIE}={other}"}).status_code == 401


def test_a_restarted_console_and_its_sisters_know_who_is_signed_in(people: EmbeddedServer, console_of: Make) -> None:
    first, second = console_of(auth=Auth.USERS), console_of(auth=Auth.USERS)
    sign_in(first, "olaf")
    page = first.get("/queues/email", headers=HTML).text
    token = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
    assert token is not None
    second.cookies.update(first.cookies)
    del second.headers["sec-fetch-site"]
    paused = second.post("/queues/email/pause", data={"form_token": token[1]}, headers={"accept": "text/html"})
    assert paused.status_code == 303
    second.post("/sign-out", data={"form_token": token[1]}, headers={"accept": "text/html"})
    assert first.get("/queues", headers=JSON).status_code == 401


def test_reading_redis_gives_nobody_a_session(people: EmbeddedServer, console_of: Make) -> None:
    web = console_of(auth=Auth.USERS)
    sign_in(web, "ada")
    with Redis.from_url(people.url) as redis:
        keys = redis.keys("qc:{@}:session*")
        words = {word for key in keys for word in re.findall(rb"[\w-]{20,}", key + redis.dump(key))}
    assert words
    web.cookies.clear()
    for word in words:
        assert web.get("/queues", headers={**JSON, "cookie": f"{COOKIE}={word.decode()}"}).status_code == 401


def test_a_console_reached_over_https_keeps_its_cookie_there(people: EmbeddedServer) -> None:
    app = create_app(
        Settings(redis_url=people.url, web_url="https://127.0.0.1/"), options=ConsoleOptions(auth=Auth.USERS)
    )
    with TestClient(app, base_url=BASE, headers=SAME, follow_redirects=False) as web:
        cookie = sign_in(web, "olaf").headers["set-cookie"]
        changed = web.post("/queues/email/pause", data={}, headers={**HTML, "cookie": cookie.partition(";")[0]})
        assert all("; secure" in set_cookie.lower() for set_cookie in (cookie, changed.headers["set-cookie"]))


def test_guesses_through_a_proxy_slow_the_guesser_and_not_the_others(people: EmbeddedServer, console_of: Make) -> None:
    web = console_of(auth=Auth.USERS, client=("10.1.2.3", 5), trusted_proxies=("10.0.0.0/8",))
    web.headers["x-forwarded-for"] = "198.51.100.1, 203.0.113.9"
    for i in range(6):
        last = sign_in(web, f"guess{i}", "wrong")
    assert last.status_code == 429
    web.headers["x-forwarded-for"] = "203.0.113.9, 198.51.100.1"
    assert sign_in(web, "olaf").status_code == 303


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        ("10.1.2.3", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", ["198.51.100.1", "203.0.113.9"], "203.0.113.9"),  # a proxy may add a header of its own
        ("10.1.2.3", ["203.0.113.9, 10.4.4.4"], "203.0.113.9"),
        ("10.1.2.3", [], "10.1.2.3"),
        ("192.0.2.1", ["198.51.100.1"], "192.0.2.1"),  # what a stranger says about its address does not count
    ],
)
def test_who_guesses_is_the_last_address_that_no_proxy_vouches_for(
    client: str, forwarded: list[str], address: str
) -> None:
    headers = [(b"x-forwarded-for", hops.encode()) for hops in forwarded]
    asking = HTTPConnection({"type": "http", "headers": headers, "client": (client, 5)})
    assert Identities(options=ConsoleOptions(trusted_proxies=("10.0.0.0/8",))).client_of(asking) == address


def test_the_trusted_proxies_come_from_the_settings() -> None:
    settings = Settings(web_auth="proxy", web_trusted_proxies=("10.0.0.7", "192.168.0.0/16"))
    assert [str(network) for network in ConsoleOptions.of(settings).networks()] == ["10.0.0.7/32", "192.168.0.0/16"]
    wrong = ConsoleOptions.of(Settings(web_auth="proxy", web_trusted_proxies=("my-proxy",)))
    with pytest.raises(ConfigError, match=r"web_trusted_proxies must be addresses or networks: 'my-proxy'"):
        wrong.networks()
    with pytest.raises(ConfigError, match="needs the addresses of the proxies"):
        ConsoleOptions.of(Settings(web_auth="proxy", web_trusted_proxies=())).refuse_unsafe("127.0.0.1")


def test_a_session_ends_by_age(people: EmbeddedServer, console_of: Make) -> None:
    web = console_of(auth=Auth.USERS, session_hours=0.0000001)
    sign_in(web, "vera")
    assert web.get("/queues", headers=JSON).status_code == 401


def test_a_removed_user_or_changed_password_or_role_counts_at_once(people: EmbeddedServer, console_of: Make) -> None:
    web = console_of(auth=Auth.USERS)
    sign_in(web, "olaf")
    arrange(people, lambda admin: admin.users.role("olaf", role="viewer"))
    assert web.post("/queues/email/pause", json={}, headers=JSON).status_code == 403
    arrange(people, lambda admin: admin.users.passwd("olaf", password="another long one"))
    assert web.get("/queues", headers=JSON).status_code == 401
    sign_in(web, "vera")
    arrange(people, lambda admin: admin.users.remove("vera"))
    assert web.get("/queues", headers=JSON).status_code == 401


def test_guessing_is_slowed_and_says_nothing_about_names(people: EmbeddedServer, console_of: Make) -> None:
    web = console_of(auth=Auth.USERS)
    unknown, known = sign_in(web, "nobody", "wrong"), sign_in(web, "olaf", "wrong")
    assert unknown.status_code == known.status_code == 401
    assert re.sub("nobody|olaf", "", unknown.text) == re.sub("nobody|olaf", "", known.text)
    for _ in range(5):
        last = sign_in(web, "olaf", "wrong")
    assert last.status_code == 429
    assert int(last.headers["retry-after"]) >= 1
    assert sign_in(web, "olaf").status_code == 429


def paths(web: TestClient) -> list[str]:
    """Every changing path of the console, its parameters filled."""
    fill = {
        "queue": "email",
        "job": "mail-000",
        "schedule": "s",
        "worker": "w",
        "operation": "o",
        "entry": "e",
        "fingerprint": "f",
    }
    return [
        re.sub(r"{(\w+)(:segment)?}", lambda found: fill.get(found[1], found[1]), route.path)
        for route in web.app.routes  # type: ignore[attr-defined]
        if "POST" in (route.methods or ()) and not route.path.startswith(("/sign", "/settings/theme"))
    ]


def test_a_viewer_changes_nothing_by_any_route(people: EmbeddedServer, console_of: Make) -> None:
    web = console_of(auth=Auth.USERS)
    sign_in(web, "vera")
    tried = paths(web)
    assert len(tried) > 35
    for path in tried:
        for headers in (JSON, HTML, {**HTML, "hx-request": "true"}):
            assert web.post(path, data={}, headers=headers).status_code == 403, path
    page = web.get("/queues/email", headers=HTML).text
    buttons = re.findall(r"<button[^>]*>", page.split('id="page"')[1].split("</main>")[0])
    assert all("data-copy" in button for button in buttons), buttons


def test_an_operator_neither_empties_nor_reveals(people: EmbeddedServer, console_of: Make) -> None:
    web = console_of(auth=Auth.USERS)
    sign_in(web, "olaf")
    assert web.post("/jobs/email/mail-000/reveal", json={}, headers=JSON).status_code == 403
    body = {"confirm": "email", "reason": "x"}
    assert web.post("/queues/email/empty", json=body, headers=JSON).status_code == 403
    assert web.post("/queues/email/pause", json={}, headers=JSON).status_code == 200
    assert web.get("/audit", headers=JSON).json()["items"][0]["actor"] == "olaf"


def test_a_token_acts_with_its_role_until_it_is_revoked(people: EmbeddedServer, console_of: Make) -> None:
    made = arrange(people, lambda admin: admin.tokens.create("ci", role="operator"))
    web = console_of(auth=Auth.USERS)
    bearer = {**JSON, "authorization": f"Bearer {made.secret}"}  # type: ignore[attr-defined]
    assert web.post("/queues/email/pause", json={"reason": "deploy"}, headers=bearer).status_code == 200
    row = web.get("/audit", headers=bearer).json()["items"][0]
    assert (row["actor"], row["face"]) == ("ci", "api")
    arrange(people, lambda admin: admin.tokens.revoke(made.id))  # type: ignore[attr-defined]
    assert web.get("/queues", headers=bearer).status_code == 401
    assert web.get("/queues", headers={**JSON, "authorization": "Bearer qc_x_y"}).status_code == 401


def test_a_trusted_proxy_names_the_user_and_others_may_not(people: EmbeddedServer, console_of: Make) -> None:
    options = {"auth": Auth.PROXY, "proxy_user_header": "x-user", "trusted_proxies": ("10.0.0.0/8",)}
    inside = console_of(client=("10.1.2.3", 5), **options)
    assert inside.get("/queues", headers=JSON).status_code == 401
    assert inside.get("/queues", headers={**JSON, "x-user": "stranger"}).status_code == 200
    assert inside.post("/queues/email/pause", json={}, headers={**JSON, "x-user": "stranger"}).status_code == 403
    assert inside.post("/queues/email/pause", json={}, headers={**JSON, "x-user": "olaf"}).status_code == 200
    twice = [("accept", "application/json"), ("x-user", "ada"), ("x-user", "stranger")]
    assert inside.get("/queues", headers=twice).status_code == 401, "the client's own header may come first"
    outside = console_of(client=("192.0.2.1", 5), **options)
    assert outside.get("/queues", headers={**JSON, "x-user": "ada"}).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "", "origin": "https://evil.test"},
        {"sec-fetch-site": "", "origin": "null"},
    ],
)
def test_a_forged_change_is_refused_whatever_its_form(
    fresh: Furniture, web: TestClient, headers: dict[str, str]
) -> None:
    for content in ("application/x-www-form-urlencoded", "text/plain", "application/json", "multipart/form-data"):
        web.headers.pop("sec-fetch-site", None)
        sent = {**HTML, **headers, "content-type": content}
        if not sent["sec-fetch-site"]:
            del sent["sec-fetch-site"]
        assert web.post("/queues/email/pause", content=b"reason=x", headers=sent).status_code == 403
    assert web.get("/queues/email", headers=JSON).json()["pause"] is None


def test_a_browser_that_sends_neither_header_needs_the_form_s_token(fresh: Furniture, web: TestClient) -> None:
    del web.headers["sec-fetch-site"]
    bare = {"accept": "text/html"}
    assert web.post("/queues/email/pause", data={"reason": "x"}, headers=bare).status_code == 403
    page = web.get("/queues/email", headers=bare).text
    token = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
    assert token is not None
    assert web.post("/queues/email/pause", data={"form_token": token[1]}, headers=bare).status_code == 303
    wrong = web.post("/queues/email/resume", data={"form_token": "0" * 64}, headers=bare)
    assert wrong.status_code == 403


def test_a_rebound_host_name_is_refused(web: TestClient) -> None:
    answer = web.get("/queues", headers={**JSON, "host": "evil.test"})
    assert answer.status_code == 421
    assert answer.json()["error"]["code"] == "wrong_host"


def test_a_large_body_is_refused_with_and_without_its_length(console_of: Make, fresh: Furniture) -> None:
    web = console_of(auth=Auth.OFF, body_limit_bytes=1_000)
    assert web.post("/queues/email/pause", data={"reason": "x" * 2_000}, headers=JSON).status_code == 413

    def endless():  # type: ignore[no-untyped-def]
        for _ in range(100):
            yield b"reason=" + b"x" * 100

    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert web.post("/queues/email/pause", content=endless(), headers={**JSON, **kind}).status_code == 413
    assert web.get("/queues/email", headers=JSON).json()["pause"] is None


def test_one_visitor_holds_a_bounded_number_of_streams(web: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_STREAMS", 0)
    refused = web.get("/live", headers=JSON)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")


def test_the_health_check_needs_no_sign_in_and_tells_nothing(console_of: Make) -> None:
    answer = console_of(auth=Auth.USERS).get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok")
