"""An HTTP client for addresses that strangers chose: only public ones are connected to, redirects are not followed.

The name is resolved here and the connection goes to the very address that was checked, so a name that changes its mind
(DNS rebinding) changes nothing. Bodies are cut, and the whole exchange has one deadline.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpcore2
import httpx2

from qconsole.errors import JobError

MAX_BODY_BYTES = 64 * 1024
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ForbiddenAddress(JobError):
    """The URL, or what its name stands for, is not an address we connect to."""

    code = "forbidden_address"


class Unreachable(JobError):
    """No answer: the connection failed, broke off, or took too long."""

    code = "unreachable"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the body is cut."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class GuardedHttp:
    """Pooled connections to public addresses, and to those of the allowed networks."""

    def __init__(self, *, timeout_s: float, allowed_networks: Sequence[str] = ()) -> None:
        self._timeout_s = timeout_s
        self._allowed = tuple(ipaddress.ip_network(network) for network in allowed_networks)
        transport = httpx2.AsyncHTTPTransport(trust_env=False)
        # The transport offers no way to say where connections go; the pool it makes does.
        transport._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False),
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=15,
            network_backend=_CheckedBackend(self._allowed),
        )
        self._client = httpx2.AsyncClient(
            transport=transport, timeout=timeout_s, follow_redirects=False, trust_env=False
        )

    async def post(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> Answer:
        """Posts the content and returns the answer, whatever its status.

        Raises:
            ForbiddenAddress: it is not an address we connect to.
            Unreachable: nothing came back in time.
        """
        check_url(url, plain_allowed=bool(self._allowed))
        try:
            async with asyncio.timeout(self._timeout_s):
                async with self._client.stream("POST", url, content=content, headers=dict(headers)) as response:
                    return Answer(response.status_code, dict(response.headers), await _beginning(response))
        except TimeoutError as error:
            raise Unreachable(f"nothing whole came within {self._timeout_s:g} s") from error
        except httpx2.HTTPError as error:
            raise Unreachable(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__) from error

    async def close(self) -> None:
        """Closes every connection."""
        await self._client.aclose()


async def _beginning(response: httpx2.Response) -> bytes:
    parts, room = [], MAX_BODY_BYTES
    async for part in response.aiter_raw():
        parts.append(part[:room])
        room -= len(parts[-1])
        if room <= 0:
            break
    return b"".join(parts)


def check_url(url: str, *, plain_allowed: bool = False) -> None:
    """Checks what can be seen of an address without resolving its name.

    Raises:
        ForbiddenAddress: not an https URL with a host, or one that carries credentials.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise ForbiddenAddress(f"the address must be an https URL, got {url[:200]!r}") from error
    schemes = ("https", "http") if plain_allowed else ("https",)
    if parts.scheme not in schemes or not host or not url.isprintable():
        raise ForbiddenAddress(f"the address must be an https URL, got {url[:200]!r}")
    if parts.username is not None or parts.password is not None:
        raise ForbiddenAddress("the address must not carry credentials")


def is_public(address: _Address) -> bool:
    """Tells whether an address is one of the public internet."""
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if inner is not None:
        return is_public(inner)
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        return address in _UNICAST and address.is_global and address not in _DOCUMENTATION
    return address.is_global and not address.is_multicast


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")  # all that IANA has given out; outside lie ::/96 and SIIT with IPv4 inside
_DOCUMENTATION = ipaddress.ip_network("3fff::/20")  # RFC 9637; Python 3.11 does not know it


class _CheckedBackend(httpcore2.AnyIOBackend):
    """Connects to the address it has checked."""

    def __init__(self, allowed: Sequence[_Network]) -> None:
        super().__init__()
        self._allowed = allowed

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        checked = await self._resolve(host, port)
        return await super().connect_tcp(checked, port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        raise ForbiddenAddress("the address must be an https URL")

    async def _resolve(self, host: str, port: int) -> str:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"the name {host} cannot be resolved") from error
        addresses = [ipaddress.ip_address(one[4][0]) for one in found]
        for address in addresses:
            if not is_public(address) and not any(address in network for network in self._allowed):
                raise ForbiddenAddress(f"{host} stands for {address}, which is not a public address")
        if not addresses:
            raise httpcore2.ConnectError(f"the name {host} stands for no address")
        return str(addresses[0])
