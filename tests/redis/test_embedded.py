"""The embedded server: one per folder, joined by the second, gone with its owner, nothing lost in between."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from redis.asyncio import Redis

from qconsole.errors import ConfigError, ExitCode, RedisUnavailable
from qconsole.redis.connect import connect
from qconsole.redis.embedded import EmbeddedServer
from qconsole.redis.process import PortTaken, answers, free_port
from tests.support import eventually

OWNER = """
import sys, time
from qconsole.redis.embedded import EmbeddedServer
server = EmbeddedServer(sys.argv[1]).start()
print(server.pid, server.port, flush=True)
time.sleep(60)
"""


def start_owner(folder: Path) -> tuple["subprocess.Popen[str]", int, int]:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pid, port = map(int, owner.stdout.readline().split())
    return owner, pid, port


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def write_and_read(url: str, key: str) -> bytes | None:
    client = connect(url)
    try:
        await client.set(key, "kept")
        return await client.get(key)  # type: ignore[no-any-return]
    finally:
        await client.aclose()


async def test_it_writes_an_append_only_file_and_listens_on_loopback_only(redis_server: EmbeddedServer, redis: Redis):
    config = await redis.config_get("*")
    assert config["appendonly"] == "yes"
    assert config["appendfsync"] == "everysec"
    assert config["bind"] == "127.0.0.1"
    assert config["maxmemory-policy"] == "noeviction"
    assert redis_server.folder.stat().st_mode & 0o077 == 0


async def test_a_second_start_in_a_folder_joins_the_first(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path) as first:
        second = await EmbeddedServer(tmp_path).astart()
        assert (second.joined, second.url, second.pid) == (True, first.url, first.pid)
        second.stop()
        assert await write_and_read(first.url, "a") == b"kept"
        with pytest.raises(ConfigError, match=f"already runs on port {first.port}"):
            EmbeddedServer(tmp_path, port=free_port()).start()
    assert gone(first.pid)


async def test_data_survives_a_stop_and_a_crash(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path, options={"appendfsync": "always"}).start()
    await write_and_read(server.url, "before-stop")
    server.stop()
    server.start()
    await write_and_read(server.url, "before-crash")
    server.process.kill()
    server.stop()
    server.start()
    client = connect(server.url)
    assert await client.mget("before-stop", "before-crash") == [b"kept", b"kept"]
    await client.aclose()
    server.stop()


async def test_the_server_ends_when_its_owner_is_killed_and_the_folder_can_be_used_again(tmp_path: Path) -> None:
    owner, pid, port = start_owner(tmp_path)
    assert answers(("127.0.0.1", port), pid=pid)
    with EmbeddedServer(tmp_path) as joined:
        assert joined.joined
    owner.kill()
    owner.communicate()
    await eventually(lambda: gone(pid))
    with EmbeddedServer(tmp_path) as again:
        assert not again.joined


async def test_ctrl_c_for_the_owner_does_not_reach_the_server(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        process_group=0,
    )  # fmt: skip
    assert owner.stdout is not None
    pid, _ = map(int, owner.stdout.readline().split())
    assert os.getpgid(pid) != owner.pid
    os.killpg(owner.pid, signal.SIGINT)
    owner.communicate()
    await eventually(lambda: gone(pid))


def test_many_starts_at_once_in_one_folder_end_with_one_server(tmp_path: Path) -> None:
    code = "import sys\nfrom qconsole.redis.embedded import EmbeddedServer\ns = EmbeddedServer(sys.argv[1]).start()\n"
    code += "print(s.pid, flush=True)\nsys.stdin.read()"
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    pids = {starter.stdout.readline() for starter in starters if starter.stdout}
    for starter in starters:
        starter.communicate()
    assert len(pids) == 1


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} on 127.0.0.1 is taken") as caught:
            EmbeddedServer(tmp_path, port=port).start()
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize("port", [0, 65536, -1])
def test_an_impossible_port_is_said(tmp_path: Path, port: int) -> None:
    with pytest.raises(ConfigError, match="between 1 and 65535"):
        EmbeddedServer(tmp_path, port=port)


def test_a_folder_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be used"):
        EmbeddedServer(tmp_path / "file").start()


def test_a_missing_program_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot start /nowhere/valkey: No such file"):
        EmbeddedServer(tmp_path, binary=Path("/nowhere/valkey")).start()


def test_a_server_that_ends_at_once_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(RedisUnavailable, match=r"ended at once: .*Bad directive|ended at once: .*nonsense"):
        EmbeddedServer(tmp_path, options={"nonsense": "1"}).start()


async def test_it_answers_on_a_socket_file_of_its_owner(tmp_path: Path) -> None:
    async with EmbeddedServer(tmp_path, socket=True) as server:
        assert server.socket_url.startswith("unix:///")
        assert (tmp_path / "redis.sock").stat().st_mode & 0o777 == 0o600
        assert await write_and_read(server.socket_url, "a") == b"kept"


def test_a_socket_path_that_is_too_long_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at most 107 bytes"):
        EmbeddedServer(tmp_path / ("x" * 120), socket=True)
