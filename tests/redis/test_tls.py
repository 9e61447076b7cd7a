"""TLS checks who is on the other side, and a failed check is said at once instead of tried again."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from qconsole.errors import RedisUnavailable
from qconsole.redis.connect import connect
from qconsole.redis.embedded import EmbeddedServer
from qconsole.redis.patience import ENDLESS


class Front(NamedTuple):
    """A TLS server in front of Redis (the wheel's server has no TLS of its own)."""

    port: int
    ca: str
    certfile: str


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@pytest.fixture
async def front(redis_server: EmbeddedServer, redis_url: str, tmp_path: Path) -> AsyncIterator[Front]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("client").private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.verify_mode = ssl.CERT_OPTIONAL
    authority.configure_trust(context)
    authority.issue_cert("localhost").configure_cert(context)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up, down = await asyncio.open_connection("127.0.0.1", redis_server.port)
        await asyncio.gather(pump(reader, down), pump(up, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield Front(server.sockets[0].getsockname()[1], str(tmp_path / "ca.pem"), str(tmp_path / "client.pem"))
    server.close()


async def test_a_trusted_server_of_the_right_name_is_talked_to(front: Front) -> None:
    client = connect(f"rediss://localhost:{front.port}?ssl_ca_certs={front.ca}")
    await client.set("a", "x" * 1_000_000)
    assert len(await client.get("a") or b"") == 1_000_000
    await client.aclose()


async def test_a_client_certificate_is_shown(front: Front) -> None:
    files = f"ssl_ca_certs={front.ca}&ssl_certfile={front.certfile}&ssl_keyfile={front.certfile}"
    client = connect(f"rediss://localhost:{front.port}?{files}")
    assert await client.ping()
    await client.aclose()


async def test_another_name_is_refused_unless_the_check_is_off(front: Front) -> None:
    client = connect(f"rediss://127.0.0.1:{front.port}?ssl_ca_certs={front.ca}", patience=ENDLESS)
    with pytest.raises(RedisUnavailable, match="certificate verify failed: IP address mismatch"):
        await client.ping()
    await client.aclose()
    client = connect(f"rediss://127.0.0.1:{front.port}?ssl_ca_certs={front.ca}&ssl_check_hostname=false")
    assert await client.ping()
    await client.aclose()


async def test_an_unknown_authority_is_refused(front: Front) -> None:
    client = connect(f"rediss://localhost:{front.port}")
    with pytest.raises(RedisUnavailable, match="certificate verify failed"):
        await client.ping()
    await client.aclose()
