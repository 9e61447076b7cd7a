"""The one factory of Redis clients. Every client it makes has deadlines, keepalive and patience.

A call that fails for a passing reason is tried again, so a script that changes something must bear running
twice. A client that lost its connection between WATCH and EXEC says so; redis-py would claim that a watched key
changed, and plain arq's `enqueue_job` would take that for a duplicate.
"""

import socket
import sys
from typing import Any, cast, overload

from redis.asyncio import Redis

from qconsole.redis.client import Client, patient_class
from qconsole.redis.cluster import ClusterPool
from qconsole.redis.cluster_client import ClusterPatient
from qconsole.redis.line import QuickConnection, QuickLine, QuickSocketConnection, QuickTlsConnection
from qconsole.redis.patience import BOUNDED, ONCE, Patience
from qconsole.redis.pool import Address, Insistence, Pool
from qconsole.redis.sentinel import SentinelPool
from qconsole.redis.url import RedisUrl, Topology, parse_url
from qconsole.redis.watch import SCOUT_TIMEOUT_S

_HEALTH_CHECK_S = 15


@overload
def connect(url: str | RedisUrl, *, client_class: type[Client], **options: Any) -> Client: ...


@overload
def connect(url: str | RedisUrl, **options: Any) -> Redis: ...


def connect(
    url: str | RedisUrl,
    *,
    client_class: type[Redis] = Redis,
    name: str = "qconsole",
    patience: Patience = BOUNDED,
    timeout_s: float = 5.0,
    connect_timeout_s: float = 2.0,
    max_connections: int = 128,
    **client_options: Any,
) -> Redis:
    """Return a client for a Redis URL; it connects when first used. Answers are bytes.

    Args:
        url: see `qconsole.redis.url` for the forms.
        client_class: redis-py's asyncio client or a subclass (arq's `ArqRedis`); the result is an instance of it.
        name: how this connection shows in CLIENT LIST; letters, digits and `:-._`.
        patience: for how long passing errors are tried again.
        timeout_s: for one answer; a blocking command must ask for less. The URL's `timeout_s` overrules it.
        connect_timeout_s: for one connection attempt.
        max_connections: to one server; further calls wait for a free connection.
        client_options: passed to `client_class` (arq's `job_serializer`, `default_queue_name`, …).

    Raises:
        ConfigError: the URL is wrong.
    """
    target = url if isinstance(url, RedisUrl) else parse_url(url)
    timeout_s = target.timeout_s or timeout_s
    options = _connection_options(target, name=name, timeout_s=timeout_s, connect_timeout_s=connect_timeout_s)

    def make_pool(address: Address) -> Pool:
        return Pool(
            target,
            patience=patience,
            max_connections=max_connections,
            connection_class=_connection_class(target),
            **_address_options(target, address),
            **options,
        )

    def make_scout(address: Address) -> Pool:
        return _scout_pool(target, address, options)

    pool: Pool | ClusterPool
    match target.topology:
        case Topology.SINGLE:
            pool = make_pool(target.hosts[0] if target.hosts else ("", 0))
        case Topology.SENTINEL:
            pool = SentinelPool(
                target, patience=patience, max_connections=max_connections, make_scout=make_scout, **options
            )
        case Topology.CLUSTER:
            pool = ClusterPool(target, patience=patience, make_pool=make_pool, make_scout=make_scout)
    mixin = {"mixin": ClusterPatient} if target.topology is Topology.CLUSTER else {}
    client: Redis = patient_class(client_class, **mixin)(connection_pool=pool, **client_options)
    client.auto_close_connection_pool = True
    return client


def once(client: Client, patience: Patience = ONCE) -> Client:
    """Return a client over the same connections whose calls are never repeated unseen; it needs no closing.

    For a caller that must know that an answer was lost, because the call may have been carried out. Another `patience`
    tries for that long.
    """
    pool: Any = client.connection_pool
    twin: Any = type(client)(connection_pool=pool)
    twin.own_insistence = Insistence(pool.target, patience, pool)
    return cast(Client, twin)


def is_clustered(client: Redis) -> bool:
    """Say whether a client of ours talks to a cluster, where job ids carry their queue's tag."""
    return bool(getattr(client, "clustered", False))


async def primaries(client: Redis) -> list[Redis]:
    """Return a client for each server that holds data: the client itself, or one per primary of a cluster."""
    return await client.primaries() if isinstance(client, ClusterPatient) else [client]


async def sentinels(client: Redis) -> dict[Address, dict[str, Any] | Exception]:
    """Return what each sentinel knows of the service, or why it does not answer; nothing without sentinels."""
    pool = client.connection_pool
    return await pool.sentinels() if isinstance(pool, SentinelPool) else {}


def _connection_options(target: RedisUrl, *, name: str, timeout_s: float, connect_timeout_s: float) -> dict[str, Any]:
    options: dict[str, Any] = {
        "db": target.db,
        "username": target.username,
        "password": target.password,
        "client_name": name,
        "lib_name": None,
        "lib_version": None,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": connect_timeout_s,
        "health_check_interval": _HEALTH_CHECK_S,
        "protocol": 2,
    }
    if target.socket_path is None:
        options |= {"socket_keepalive": True, "socket_keepalive_options": _keepalive_options()}
    if (tls := target.tls) is not None:
        options |= {
            "ssl_ca_certs": tls.ca_certs,
            "ssl_certfile": tls.certfile,
            "ssl_keyfile": tls.keyfile,
            "ssl_check_hostname": tls.check_hostname,
        }
    return options


def _scout_pool(target: RedisUrl, address: Address, options: dict[str, Any]) -> Pool:
    """Return the pool behind a scout: a sentinel has credentials and databases of its own."""
    limits: dict[str, Any] = {"socket_timeout": SCOUT_TIMEOUT_S, "socket_connect_timeout": SCOUT_TIMEOUT_S}
    if target.topology is Topology.SENTINEL:
        limits |= {"username": target.sentinel_username, "password": target.sentinel_password, "db": 0}
    return Pool(
        target,
        patience=Patience(deadline_s=0.0),
        max_connections=1,
        connection_class=_connection_class(target),
        **_address_options(target, address),
        **options | limits,
    )


def _address_options(target: RedisUrl, address: Address) -> dict[str, Any]:
    if target.socket_path is not None:
        return {"path": target.socket_path}
    return {"host": address[0], "port": address[1]}


def _connection_class(target: RedisUrl) -> type[QuickLine]:
    if target.socket_path is not None:
        return QuickSocketConnection
    return QuickTlsConnection if target.tls is not None else QuickConnection


def _keepalive_options() -> dict[int, int]:
    if not sys.platform.startswith("linux"):
        return {}
    return {socket.TCP_KEEPIDLE: 10, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3}
