"""Every form of URL, and a sentence for every wrong one, never with the password in it."""

import pytest

from qconsole.errors import ConfigError
from qconsole.redis.url import RedisUrl, Tls, Topology, parse_url

SINGLE = Topology.SINGLE


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://localhost", RedisUrl(topology=SINGLE, hosts=(("localhost", 6379),))),
        ("redis://:pw@h:7/3", RedisUrl(topology=SINGLE, hosts=(("h", 7),), password="pw", db=3)),
        ("redis://h?db=2&timeout_s=1.5", RedisUrl(topology=SINGLE, hosts=(("h", 6379),), db=2, timeout_s=1.5)),
        (
            "redis://u:p%40%23%3A%2F@[::1]:7",
            RedisUrl(topology=SINGLE, hosts=(("::1", 7),), username="u", password="p@#:/"),
        ),
        ("rediss://h", RedisUrl(topology=SINGLE, hosts=(("h", 6379),), tls=Tls())),
        (
            "rediss://h?ssl_check_hostname=false",
            RedisUrl(topology=SINGLE, hosts=(("h", 6379),), tls=Tls(check_hostname=False)),
        ),
        ("unix:///run/r.sock?db=4", RedisUrl(topology=SINGLE, socket_path="/run/r.sock", db=4)),
        ("unix://u:p@/run/r.sock", RedisUrl(topology=SINGLE, socket_path="/run/r.sock", username="u", password="p")),
        (
            "redis+sentinel://u:p@a,b:7/main/2?sentinel_password=s",
            RedisUrl(
                topology=Topology.SENTINEL, hosts=(("a", 26379), ("b", 7)), username="u", password="p", db=2,
                service="main", sentinel_password="s",
            ),
        ),
        ("redis+cluster://a:1,b:2", RedisUrl(topology=Topology.CLUSTER, hosts=(("a", 1), ("b", 2)))),
        ("rediss+cluster://a", RedisUrl(topology=Topology.CLUSTER, hosts=(("a", 6379),), tls=Tls())),
    ],
)  # fmt: skip
def test_urls_are_understood(url: str, expected: RedisUrl) -> None:
    assert parse_url(url) == expected


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "must start with a known scheme, got ''"),
        ("localhost:6379", "known scheme, got 'localhost'"),
        ("http://h", "known scheme, got 'http'"),
        ("redis+pigeon://h", "known scheme"),
        ("redis://", "names no host"),
        ("redis://:7", "must name a host before the port"),
        ("redis://h:x", "port must be a number from 1 to 65535, got 'x'"),
        ("redis://h:0", "got '0'"),
        ("redis://h:70000", "got '70000'"),
        ("redis://h/x", "database must be a number, got 'x'"),
        ("redis://h/-1", "database must be a number"),
        ("redis://h/0/1", "path part too many"),
        ("redis://a,b", "names one server, got 2"),
        ("redis://h?colour=red", "unknown option 'colour'"),
        ("redis://h?timeout_s=no", "timeout_s must be a number"),
        ("redis://h?timeout_s=nan", "timeout_s must be a number"),
        ("redis://:secret#x@h", "bare '#'"),
        ("redis://[::1", "cannot be read"),
        ("unix://run/r.sock", "absolute path"),
        ("unix+cluster:///a", "names one server"),
        ("redis+sentinel://a,b", "must name the service"),
        ("redis+cluster://a/3", "only database 0, got 3"),
        ("rediss://h?ssl_ca_certs=/nowhere", "ssl_ca_certs must name a file"),
        ("rediss://h?ssl_check_hostname=perhaps", "true or false"),
        ("redis://h?ssl_ca_certs=/nowhere", "unknown option 'ssl_ca_certs'"),
        ("redis://h?sentinel_password=x", "unknown option"),
    ],
)
def test_a_wrong_url_is_told_in_a_sentence(url: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_url(url)
    assert sentence in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://u:***@h:7/3",
        "unix://u:***@/run/r.sock?db=0",
        "rediss+sentinel://u:***@a:26379,[::1]:7/main/2",
        "redis+cluster://u:***@a:1,b:2",
    ],
)
def test_a_shown_url_masks_its_secrets(url: str) -> None:
    parsed = parse_url(url.replace("***", "hunter2") + ("&" if "?" in url else "?") + "timeout_s=3")
    assert str(parsed) == url
    assert parsed.brief == url
    assert "hunter2" not in repr(parsed)


def test_a_sentence_names_one_node_of_a_cluster_and_counts_the_others() -> None:
    assert parse_url("redis+cluster://u:hunter2@a:1,b:2,c:3").brief == "redis+cluster://u:***@a:1 and 2 others"
