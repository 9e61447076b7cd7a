"""Bad input to every verb: its exit code, one sentence that says what to do, and nothing is changed."""

import asyncio
import json
import os
import re
import shlex
import socket
import sys
from pathlib import Path

import pytest
from redis.asyncio import Redis

from qconsole.runtime.client import Client
from qconsole.runtime.keys import GLOBAL
from tests.admin.stock import failed_jobs
from tests.cli.conftest import Answer, Shell

# exit code, command, what the sentence or its hint says
WRONG: list[tuple[int, str, str]] = [
    (2, "jobs list --cursor xxx", "the page cursor is damaged"),
    (2, "dlq list --cursor xxx", "the page cursor is damaged"),
    (2, "audit list --cursor xxx", "the page cursor is damaged"),
    (2, "flows list --cursor xxx", "the page cursor is damaged"),
    (2, "trash list --cursor xxx", "the page cursor is damaged"),
    (2, "jobs list state:nope", "at 6: expected one of"),
    (2, "jobs list queue:email stat:failed", "at 12: expected a field, got 'stat'"),
    (2, """jobs list 'error~"abc'""", "at 10: expected a closing"),
    (2, "jobs list 'age>1parsec'", "at 4: expected a duration"),
    (2, "jobs list 'attempts>=x'", "at 10: expected a number"),
    (2, "jobs list payload.", "at 8: expected a key"),
    (2, "jobs list \udcff", "an argument must be UTF-8 text"),
    (2, "jobs export nope:1", "at 0: expected a field"),
    (2, "dlq list nope:1", "at 0: expected a field"),
    (2, "dlq groups nope:1", "at 0: expected a field"),
    (2, "dlq export nope:1", "at 0: expected a field"),
    (2, "audit list state:failed", "at 0: expected a field of audit"),
    (2, "jobs retry --yes --filter nope:1", "at 0: expected a field"),
    (2, "jobs retry --yes --filter state:waiting", "retry acts on failed, cancelled only"),
    (2, "dlq discard --yes --reason x --filter nope:1", "at 0: expected a field"),
    (2, "queues drain email --yes --filter nope:1", "expected a field"),
    (2, "jobs retry a --filter state:failed", "exclude each other"),
    (2, "jobs retry", "no id on standard input"),
    (2, "jobs remove --yes --filter ' '", "--filter is blank, and would select everything"),
    (2, "dlq discard --yes --reason x --filter ''", "--filter is blank"),
    (2, "dlq drain --yes --filter ''", "--filter is blank"),
    (2, "trash restore --yes --filter ' '", "--filter is blank"),
    (2, "queues drain email --yes --filter ''", "--filter is blank"),
    (2, "jobs list --limit 0", "'--limit': 0"),
    (2, "jobs list --limit -5", "'--limit': -5"),
    (2, "jobs list --limit 99999", "'--limit': 99999"),
    (2, "jobs list --limit many", "'--limit': 'many'"),
    (2, "jobs retry --filter state:failed --limit -1", "'--limit': -1"),
    (2, "jobs retry --filter state:failed --rate 0", "'--rate': 0"),
    (2, "jobs retry --filter state:failed --rate fast", "'--rate': 'fast'"),
    (2, "jobs retry --filter state:failed --max-affected 0", "'--max-affected': 0"),
    (2, "jobs retry --filter state:failed --yes --spread x", "--spread must be a duration"),
    (2, "jobs retry job0000000 --delay x", "--delay must be a duration"),
    (2, "jobs retry job0000000 --payload '{\"a\":}'", "--payload must be JSON, got an error at character 5"),
    (2, "jobs retry job0000000 --payload null", "--payload must be a JSON object, got null"),
    (2, "jobs retry job0000000 --payload @/", "--payload: cannot read /"),
    (4, "jobs retry --filter state:failed --yes --max-affected 3", "would touch 12, more than 3 allowed"),
    (4, "jobs retry --filter state:failed", "was not confirmed"),
    (4, "jobs cancel job0000000", "it is failed"),
    (4, "jobs promote waits", "it is waiting"),
    (4, "jobs retry waits", "it is waiting"),
    (2, "jobs show ''", "an id must have 1 to 1,000 characters"),
    (3, "jobs show nope", "there is no job 'nope'"),
    (3, "jobs show waits --queue nope", "there is no queue 'nope'"),
    (3, "jobs why nope", "there is no job 'nope'"),
    (3, "jobs logs nope", "there is no job 'nope'"),
    (3, "jobs wait nope", "there is no job 'nope'"),
    (4, "jobs wait waits --timeout 1ms", "has not ended within"),
    (2, "jobs wait waits --timeout soon", "--timeout must be a duration"),
    (3, "jobs cancel nope", "there is no job 'nope'"),
    (3, "jobs edit nope --priority 3", "there is no job 'nope'"),
    (2, "jobs edit waits", "nothing to change"),
    (2, "jobs edit waits --priority 101", "'--priority': 101"),
    (2, "jobs edit waits --attempts 0", "'--attempts': 0"),
    (4, "jobs edit job0000000 --priority 3", "it is failed"),
    (4, "jobs edit waits --payload [1]", "must be an object"),
    (3, "jobs reschedule nope --in 5m", "there is no job 'nope'"),
    (2, "jobs reschedule waits", "say when, once"),
    (2, "jobs reschedule waits --in 5m --at 2027-01-01", "say when, once"),
    (2, "jobs reschedule waits --at tomorrow", "--at must be an ISO time"),
    (3, "jobs add nope", "no worker has declared the job type 'nope'"),
    (2, "jobs add send --queue email --priority -1", "'--priority': -1"),
    (4, "jobs add send --queue email --payload [1]", "must be an object"),
    (2, "jobs add send --queue email --payload {", "--payload must be JSON"),
    (3, "queues show nope", "there is no queue 'nope'"),
    (3, "queues pause nope", "there is no queue 'nope'"),
    (3, "queues resume nope", "there is no queue 'nope'"),
    (3, "queues limit nope --concurrency 3", "there is no queue 'nope'"),
    (3, "queues drain nope --yes", "there is no queue 'nope'"),
    (3, "queues forget nope", "there is no queue 'nope'"),
    (3, "queues empty nope --confirm nope --reason x", "there is no queue 'nope'"),
    (4, "queues empty email --confirm e-mail --reason x", "email"),
    (2, "queues empty email --confirm email", "a reason must be given"),
    (4, "queues forget email", "queue email is not empty"),
    (2, "queues pause", "no queue named"),
    (2, "queues pause email --for x", "--for must be a duration"),
    (2, "queues pause email --until x", "--until must be an ISO time"),
    (2, "queues pause email --until 2020-01-01", "must end in the future"),
    (2, "queues limit email", "nothing to change"),
    (2, "queues limit email --rate x", "--rate must be MAX/DURATION"),
    (2, "queues limit email --concurrency -1", "'--concurrency': -1"),
    (3, "dlq show nope", "there is no dead letter 'nope'"),
    (3, "dlq replay nope", "there is no dead letter 'nope'"),
    (2, "dlq discard job0000000", "discard needs a reason"),
    (3, "dlq discard nope --reason x", "there is no dead letter 'nope'"),
    (3, "dlq note nope x", "there are no open dead letters with the fingerprint 'nope'"),
    (3, "schedules show nope", "there is no schedule 'nope'"),
    (3, "schedules pause nope", "there is no schedule 'nope'"),
    (3, "schedules resume nope", "there is no schedule 'nope'"),
    (3, "schedules run nope", "there is no schedule 'nope'"),
    (3, "schedules remove nope", "there is no schedule 'nope'"),
    (3, "schedules revert nope", "there is no schedule 'nope'"),
    (3, "schedules edit nope --tz UTC", "there is no schedule 'nope'"),
    (2, "schedules edit nope", "nothing to change"),
    (2, "schedules edit nope --pattern often", "--pattern must be a cron pattern"),
    (3, "schedules list --queue nope", "there is no queue 'nope'"),
    (2, "schedules preview nope", "PATTERN must be a cron pattern such as '0 2 * * *' or an interval"),
    (2, "schedules preview '61 * * * *'", "the cron field minute cannot be '61'"),
    (2, "schedules preview '* * * * *' --tz Mars/X", "tz must be a time zone"),
    (2, "schedules preview '* * * * *' --count 0", "'--count': 0"),
    (3, "flows show nope", "there is no job 'nope'"),
    (3, "flows retry nope", "there is no job 'nope'"),
    (3, "workers show nope", "there is no worker 'nope'"),
    (3, "workers quiet nope", "there is no worker 'nope'"),
    (3, "workers resume nope", "there is no worker 'nope'"),
    (3, "workers stop nope", "there is no worker 'nope'"),
    (3, "metrics show nope", "there is no queue 'nope'"),
    (2, "metrics show --window x", "window must be a duration"),
    (2, "metrics sla --window x", "window must be a duration"),
    (2, "metrics mark ''", "label must have 1 to 200 characters"),
    (2, "metrics mark x --kind nope", "kind must be one of deploy, operator"),
    (3, "operations show nope", "there is no operation 'nope'"),
    (3, "operations pause nope", "there is no operation 'nope'"),
    (3, "operations resume nope", "there is no operation 'nope'"),
    (2, "operations resume nope --rate -1", "'--rate': -1"),
    (2, "operations list --cursor xxx", "the page cursor is damaged"),
    (3, "operations abort nope", "there is no operation 'nope'"),
    (3, "operations undo nope", "there is no operation 'nope'"),
    (2, "trash restore --filter 'attempts>1'", "removed jobs cannot be selected by attempts"),
    (3, "trash restore nope", "job 'nope' is not in the trash"),
    (2, "users add bob --role king", "a role must be one of"),
    (2, "users add bob", "a password must have 10 to 1,000 characters"),
    (3, "users role nope viewer", "there is no user 'nope'"),
    (3, "users remove nope", "there is no user 'nope'"),
    (2, "tokens create ci --role king", "a role must be one of"),
    (3, "tokens revoke nope", "there is no token 'nope'"),
    (3, "events tail --queue nope", "there is no queue 'nope'"),
    (2, "check", "no rule given"),
    (2, "check --max-failed x", "--max-failed must be a whole number"),
    (2, "check --dlq-max -1", "--dlq-max must be a whole number"),
    (2, "check --max-wait email=x", "--max-wait must be a duration"),
    (3, "check --max-failed nope=3", "there is no queue 'nope'"),
    (2, "watch --every x --count 1", "--every must be a duration"),
    (2, "watch --count -1", "'--count': -1"),
    (2, "schema nope", "there is no schema 'nope'"),
    (2, "completion nope", "the shell must be bash, zsh or fish"),
    (3, "export --queue nope", "there is no queue 'nope'"),
    (2, "export", "say what to export"),
    (2, "worker nope.Nope", "there is no module 'nope'"),
    (2, "worker broken.Settings", "importing broken failed: ZeroDivisionError: division by zero"),
    (2, "tui", "the terminal console needs a terminal"),
    (2, "serve --no-sign-in --host 0.0.0.0", "without sign-in the console must listen on a loopback address"),
    (2, "serve --port 70000", "'--port': 70000"),
    (2, "jobs list -o yaml", "'yaml' is not one of"),
    (2, "jobs list --nope", "No such option: --nope"),
    (2, "jobs lisst", "No such command 'lisst'"),
    (2, "jobs show", "Missing argument 'ID'"),
    (2, "queues list --env nope", "no environment 'nope'"),
    (2, "queues list --config none.toml", "the configuration file 'none.toml' does not exist"),
    (2, "queues list --config .", "the configuration file '.' is no file"),
    (2, "queues list --config /proc/self/mem", "/proc/self/mem cannot be read: Input/output error"),
    (2, "queues list --config broken.toml", "broken.toml is no TOML"),
    (2, "queues list --config latin.toml", "latin.toml is no TOML"),
    (2, "queues list --config unknown.toml", "unknown.toml has unknown settings: colour"),
    (2, "queues list --redis nonsense", "the Redis URL must start with a known scheme"),
    (2, "queues list --redis redis://127.0.0.1:99999/0", "the Redis port must be a number from 1 to 65535"),
    (5, "queues list --redis {redis}/99", "cannot be used: DB index is out of range"),
    (5, "queues list --redis redis://:x@{place}/0", "refused the user name or password"),
    (5, "queues list --redis redis+sentinel://{place}/primary/0", "cannot be used: unknown command 'SENTINEL'"),
    (5, "queues list --redis redis+cluster://{place}", "cluster support disabled"),
]


@pytest.fixture
async def stocked(redis: Redis) -> None:
    """Twelve failed jobs of `email` with their dead letters, and one that waits there."""
    await failed_jobs(redis, 12)
    await Client(redis=redis).enqueue("send", {}, queue="email", job_id="waits")


async def stored(redis: Redis) -> dict[bytes, bytes]:
    """Return everything there is but plans, the audit's entries of what was tried, and workers' wake-up calls."""
    apart = (GLOBAL.operation("").encode(), GLOBAL.operations().encode(), GLOBAL.audit().encode())
    keys = [key async for key in redis.scan_iter(count=1_000) if not key.startswith(apart) and key[-5:] != b":wake"]
    return {key: await redis.dump(key) or b"" for key in sorted(keys)}


async def test_bad_input_is_a_sentence_and_changes_nothing(
    shell: Shell, redis: Redis, redis_url: str, stocked: None, tmp_path: Path
) -> None:
    (tmp_path / "broken.toml").write_text("redis_url = \n")
    (tmp_path / "broken.py").write_text("1 / 0\n")
    (tmp_path / "latin.toml").write_bytes(b'actor = "J\xfcrgen"\n')
    (tmp_path / "unknown.toml").write_text('colour = "red"\n')
    server = redis_url.rpartition("/")[0]
    places = {"{redis}": server, "{place}": server.removeprefix("redis://")}
    before = await stored(redis)

    def ask_all() -> list[str]:
        faults = []
        for number, (code, line, says) in enumerate(WRONG):
            words = [_filled(word, places) for word in shlex.split(line)]
            faults += _json_faults(line, code, says, shell("-o", "json", *words))
            if not number % 4:
                faults += _faults(line, code, says, shell(*words))
        return faults

    faults = await asyncio.to_thread(ask_all)
    assert faults == [], "\n".join(faults)
    assert await stored(redis) == before
    tried = (await asyncio.to_thread(shell, "audit", "list", "--limit", "1000", "-o", "json")).json()["items"]
    assert {row["outcome"] for row in tried} == {"failed"}


def _filled(word: str, places: dict[str, str]) -> str:
    for name, value in places.items():
        word = word.replace(name, value)
    return word


def _faults(line: str, code: int, says: str, answer: Answer) -> list[str]:
    sentences = answer.err.splitlines()
    is_right = answer.code == code and answer.out == "" and says in answer.err and len(sentences) <= 2
    return [] if is_right and sentences[0].startswith("qconsole: ") else [f"{line}: {answer}"]


def _json_faults(line: str, code: int, says: str, answer: Answer) -> list[str]:
    if answer.code != code or answer.out or answer.err.count("\n") != 1:
        return [f"{line}: {answer}"]
    error = answer.error()
    is_right = says in f"{error['message']} {error['hint']}" and re.fullmatch("[a-z_]+", error["code"])
    return [] if is_right else [f"{line}: {answer}"]


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize(
    ("stdin", "code", "says"),
    [
        (b"", 2, "no id on standard input"),
        (b"\n \n", 2, "no id on standard input"),
        (b"a\nJ\xfcrgen\n", 2, "standard input must be UTF-8 text, got the byte 0xfc"),
        (b"a\x00b\n", 3, "there is no job 'a\\x00b'"),
        (b"x" * 1_001, 2, "an id must have 1 to 1,000 characters"),
        (b"n\n" * 120_000, 2, "at most 100,000 ids can be named"),
        (None, 2, "standard input is closed"),
    ],
    ids=["empty", "blank", "latin-1", "nul", "long", "huge", "closed"],
)
def test_wrong_standard_input_is_told(shell: Shell, stdin: bytes | None, code: int, says: str) -> None:
    for words in (("jobs", "retry", "-", "--yes"), ("dlq", "replay", "--yes")):
        answer = shell(*words, stdin=stdin)
        assert (answer.code, answer.out) == (code, ""), answer
        assert says.replace("job", "dead letter" if words[0] == "dlq" else "job") in answer.err
    if stdin != b"a\x00b\n":
        assert shell("jobs", "add", "send", "--queue", "email", "--payload", "-", stdin=stdin).code == 2
    assert shell("users", "add", "bob", stdin=stdin and stdin[:9]).code == 2


async def test_what_is_no_redis_is_exit_5_and_a_sentence(redis_url: str, tmp_path: Path) -> None:
    """Each gets the whole time that a command goes on trying, so all are asked at once."""
    place = redis_url.removeprefix("redis://").rpartition("/")[0]

    async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async def closes(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            pass
        writer.close()

    servers = [await asyncio.start_server(serve, "127.0.0.1", 0) for serve in (http, closes, silent)]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    with socket.socket() as bound:  # a port that nobody listens on
        bound.bind(("127.0.0.1", 0))
        nobody = bound.getsockname()[1]
        urls = [f"redis://127.0.0.1:{port}/0" for port in (*ports, nobody)] + [f"rediss://{place}/0"]
        answers = await asyncio.gather(*(_asked(url, tmp_path) for url in urls))
    for server in servers:
        server.close()
        await server.wait_closed()
    for url, (code, out, err) in zip(urls, answers, strict=True):
        assert (code, out) == (5, ""), (url, err)
        assert "Traceback" not in err
        error = json.loads(err.splitlines()[-1])["error"]
        assert error["code"].startswith("redis_"), (url, error)
        assert "cannot be used" in error["message"] and error["hint"], (url, error)


async def _asked(url: str, cwd: Path) -> tuple[int | None, str, str]:
    environment = {**os.environ, "QCONSOLE_TIMEOUT_S": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "qconsole.cli", "queues", "list", "--redis", url, "-o", "json"]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 90)
    return process.returncode, out.decode(), err.decode()
