import pytest
from starlette.datastructures import Headers

from qconsole.errors import ConfigError
from qconsole.web.guard import host_name, is_forged
from qconsole.web.options import Auth, ConsoleOptions, is_loopback


@pytest.mark.parametrize(
    ("headers", "forged"),
    [
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "same-site"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "http://console.test"}, True),
        ({"origin": "http://console.test"}, False),
        ({"origin": "http://evil.test"}, True),
        ({"origin": "http://console.test.evil.test"}, True),
        ({"origin": "null"}, True),
        ({"origin": "http://["}, True),
        ({"origin": "http://evil.test@console.test"}, True),
        ({}, None),
        ({"content-type": "text/plain"}, None),
        ({"content-type": "application/json; charset=utf-8"}, False),
        ({"content-type": "application/json", "origin": "http://evil.test"}, True),
        ({"authorization": "Bearer t", "sec-fetch-site": "cross-site"}, False),
    ],
)
def test_where_a_change_comes_from(headers: dict[str, str], forged: bool | None) -> None:
    assert is_forged(Headers({"host": "console.test", **headers}), "http") is forged


@pytest.mark.parametrize(
    ("host", "name"), [("a.test:80", "a.test"), ("[::1]:8720", "::1"), ("127.0.0.1", "127.0.0.1"), ("", "")]
)
def test_the_host_without_its_port(host: str, name: str) -> None:
    assert host_name(Headers({"host": host})) == name


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_without_sign_in_loopback_is_allowed(host: str) -> None:
    assert is_loopback(host)
    ConsoleOptions(auth=Auth.OFF).refuse_unsafe(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "console.example.com", "", "localhost.evil.test"])
def test_without_sign_in_any_other_address_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="loopback"):
        ConsoleOptions(auth=Auth.OFF).refuse_unsafe(host)


def test_proxy_sign_in_needs_known_proxies() -> None:
    with pytest.raises(ConfigError, match="proxies"):
        ConsoleOptions(auth=Auth.PROXY, trusted_proxies=()).refuse_unsafe("0.0.0.0")
    with pytest.raises(ConfigError, match="networks"):
        ConsoleOptions(auth=Auth.PROXY, trusted_proxies=("nonsense",)).networks()


def test_the_secret_does_not_show() -> None:
    assert "hush" not in repr(ConsoleOptions(secret="hush"))
