"""03:12, a pager: the operator on call finds what fails, sees one sample, replays that group and nothing else, undoes
a discard.

In a real terminal, with real keys.
"""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qconsole.admin import Actor, Admin
from qconsole.redis.embedded import EmbeddedServer
from tests.web.stage import Furniture

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux: apt-get install tmux")


class Terminal:
    """A tmux session of its own server: keys in, screen out."""

    def __init__(self, folder: Path, *, columns: int, lines: int) -> None:
        self._socket = str(folder / "tmux")
        self._exit_code = folder / "exit-code"
        self._size = ["-x", str(columns), "-y", str(lines)]

    def _tmux(self, *words: str) -> str:
        command = ["tmux", "-S", self._socket, "-f", "/dev/null", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def start(self, *command: str, **environ: str) -> None:
        """Run a command; a shell keeps its exit code, as tmux may miss that its child ended."""
        settings = [f"{name}={value}" for name, value in environ.items()]
        shell = ["sh", "-c", 'code=$1; shift; "$@"; echo $? > "$code"', "sh", str(self._exit_code)]
        session = ["new-session", "-d", *self._size, *shell, "env", *settings, *command]
        self._tmux(*session, ";", "set", "-g", "remain-on-exit", "on", ";", "set", "-g", "set-clipboard", "on")

    def keys(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def resize(self, columns: int, lines: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(lines))

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def colors(self) -> set[str]:
        """Return the colours on the screen, as the terminal was told them: `31`, `38;2;111;207;151`."""
        codes = re.findall(r"\x1b\[([\d;]*)m", self._tmux("capture-pane", "-p", "-e"))
        plain = r"(?:0|1|2|4|7|22|23|24|27|39|49);?"
        return {code for code in codes if code and not re.fullmatch(f"(?:{plain})+", code)}

    def clipboard(self) -> str:
        return self._tmux("show-buffer")

    def shows(self, *texts: str, deadline_s: float = 30.0) -> str:
        """Wait until all texts are on the screen."""
        end = time.monotonic() + deadline_s
        while True:
            screen = self.screen()
            if all(text in screen for text in texts):
                return screen
            assert time.monotonic() < end, f"{texts} are not on the screen:\n{screen}"
            time.sleep(0.05)

    def exit_code(self, deadline_s: float = 30.0) -> int:
        """Wait until the command has ended, and return its exit code."""
        end = time.monotonic() + deadline_s
        while not (self._exit_code.exists() and (code := self._exit_code.read_text()).endswith("\n")):
            assert time.monotonic() < end, f"it has not ended within {deadline_s:g} s:\n{self.screen()}"
            time.sleep(0.05)
        return int(code)

    def close(self) -> None:
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], check=False, capture_output=True)


@pytest.fixture(scope="module")
def furniture(redis_server: EmbeddedServer) -> Iterator[Furniture]:
    made = Furniture(redis_server.url)
    yield made
    made.close()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path, columns=120, lines=36)
    yield made
    made.close()


def console_command(url: str, *words: str) -> list[str]:
    return [sys.executable, "-m", "qconsole.cli", "tui", "--redis", url, *words]


async def test_the_incident_from_the_pager_to_the_undo(
    furniture: Furniture, redis_server: EmbeddedServer, terminal: Terminal
) -> None:
    furniture.put_back()
    async with await Admin.open(redis_server.url, actor=Actor("test", "admin", "cli")) as admin:
        before = {group.error_type: group for group in await admin.dead_letters.groups()}
        terminal.start(*console_command(redis_server.url), TERM="xterm-256color", LANG="C.UTF-8")
        terminal.shows("Queues, worst first", "billing")

        terminal.keys("4")
        terminal.shows("CardDeclined", "open in")
        terminal.keys("Enter")
        terminal.shows("fp:", "charge-023")
        terminal.keys("Enter")
        terminal.shows("Dead letter", "card_declined for invoice", "attempt 1")
        terminal.keys("Escape")
        terminal.shows("charge-023", "Dead letters")
        terminal.keys("Escape")
        terminal.shows("Dead letters by error")

        terminal.keys("r")
        terminal.shows("preview", "24 dead letters", "qconsole dlq replay --filter")
        terminal.keys("Enter")
        terminal.shows("24 dead letters done")
        left = {group.error_type for group in await admin.dead_letters.groups()}
        assert left == set(before) - {"CardDeclined"}
        assert (await admin.jobs.count("type:charge_card state:waiting")).value == 24

        terminal.keys("D")
        terminal.shows("Reason")
        terminal.type("looks like a test")
        terminal.keys("Enter")
        terminal.shows("preview", "looks like a test")
        terminal.keys("Enter")
        terminal.shows("u undoes it")
        assert len(await admin.dead_letters.groups()) == len(left) - 1
        terminal.keys("u")
        terminal.shows("Undo")
        terminal.keys("Enter")
        terminal.shows("Undone")
        assert {group.error_type for group in await admin.dead_letters.groups()} == left

        terminal.keys("9")
        terminal.shows("Operations", "replay dlq", "discard dlq", "done")
        terminal.resize(80, 24)
        terminal.shows("Operations", "replay dlq")
        terminal.keys("0")
        terminal.shows("Audit", "dlq.replay")
        terminal.keys("q")
        assert terminal.exit_code() == 0
        faces = {row.face for row in (await admin.audit.page()).rows}
        assert faces == {"tui"}


async def test_a_deep_link_opens_where_it_says(
    furniture: Furniture, redis_server: EmbeddedServer, terminal: Terminal
) -> None:
    furniture.put_back()
    terminal.start(*console_command(redis_server.url, "--at", "job charge-003"), TERM="screen-256color", LANG="C.UTF-8")
    terminal.shows("Job  charge-003", "Timeline", "CardDeclined")
    terminal.keys("o")
    terminal.shows("copied address")
    assert terminal.clipboard().endswith("/admin/queues/jobs/billing/charge-003")


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"TERM": "xterm", "LC_ALL": "C", "TMUX": ""}, r"3[0-7]|4[0-7]|9[0-7]|10[0-7]"),
        ({"TERM": "xterm-256color", "LANG": "C.UTF-8", "COLORTERM": "truecolor", "NO_COLOR": "1"}, ""),
        ({"TERM": "screen", "LANG": "C.UTF-8"}, r"[34]8[;:]2[;:].*"),  # in tmux, which takes any colour
    ],
    ids=["sixteen-colours-ascii", "no-color", "tmux"],
)
async def test_a_terminal_gets_the_colours_and_characters_that_it_can_show(
    environ: dict[str, str], told: str, furniture: Furniture, redis_server: EmbeddedServer, terminal: Terminal
) -> None:
    furniture.put_back()
    terminal.start(*console_command(redis_server.url), **{"COLORTERM": "", "LC_ALL": "", **environ})
    screen = terminal.shows("Queues, worst first", "billing")
    assert screen.isascii() == (environ.get("LC_ALL") == "C")
    colors = terminal.colors()
    assert bool(colors) == bool(told)
    for code in colors:
        parts = re.findall(r"[34]8[;:][25][;:][\d;:]+|\d+", code)
        assert all(re.fullmatch(told, part) or part in {"0", "1", "2", "4", "7", "39", "49"} for part in parts), code


def test_the_terminal_says_how_wide_it_is_and_not_the_environment(
    furniture: Furniture, redis_server: EmbeddedServer, terminal: Terminal
) -> None:
    terminal.start(*console_command(redis_server.url), TERM="xterm-256color", COLUMNS="80", LINES="24")
    terminal.shows("Queues, worst first", "0 Audit")
    terminal.resize(200, 50)
    terminal.shows("9 Operations", "Queues, worst first")


@contextmanager
def frozen(server: EmbeddedServer) -> Iterator[None]:
    """Stop a server from answering for a while."""
    server.process.freeze()
    try:
        yield
    finally:
        server.process.resume()


async def test_q_leaves_while_redis_does_not_answer(
    furniture: Furniture, redis_server: EmbeddedServer, terminal: Terminal
) -> None:
    furniture.put_back()
    terminal.start(*console_command(redis_server.url), TERM="xterm-256color", LANG="C.UTF-8")
    terminal.shows("Queues, worst first", "billing")
    with frozen(redis_server):
        terminal.keys("3", "2")
        terminal.shows("No connection since")
        terminal.keys("q")
        assert terminal.exit_code() == 0


async def test_q_leaves_in_the_middle_of_an_operation_though_redis_does_not_answer(
    furniture: Furniture, redis_server: EmbeddedServer, terminal: Terminal
) -> None:
    furniture.put_back()
    terminal.start(*console_command(redis_server.url, "--at", "dlq"), TERM="xterm-256color", LANG="C.UTF-8")
    terminal.shows("CardDeclined", "open in")
    terminal.keys("R", "Tab", "0", ".", "1", "C-s")
    terminal.shows("preview", "24 dead letters", "at most 0.1 a second")
    terminal.keys("Enter")
    terminal.shows("▶ replay")
    with frozen(redis_server):
        terminal.keys("q")
        assert terminal.exit_code() == 0
        terminal.shows("qconsole operations resume")


async def test_what_is_typed_ahead_goes_where_the_key_before_it_leads(
    furniture: Furniture, redis_server: EmbeddedServer, terminal: Terminal
) -> None:
    furniture.put_back()
    terminal.start(*console_command(redis_server.url, "--at", "jobs"), TERM="xterm-256color", LANG="C.UTF-8")
    terminal.shows("newest first", "page-0")
    terminal.type("/state:failed queue:billing\r:jobs state:waiting\r")
    terminal.shows("Jobs  state:waiting", "page-0")
    terminal.type("A\t\treport 7")
    terminal.shows("Add a job", "report 7")


@pytest.mark.parametrize(("environ", "told"), [({"TERM": "dumb"}, "TERM=dumb"), ({"TERM": "xterm"}, "terminal")])
def test_without_a_terminal_there_is_a_sentence_and_exit_2(
    environ: dict[str, str], told: str, redis_server: EmbeddedServer
) -> None:
    done = subprocess.run(
        console_command(redis_server.url),
        env={"PATH": "/usr/bin:/bin", **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stdout == "" and "Traceback" not in done.stderr
    assert "terminal" in done.stderr


async def test_a_payload_is_edited_in_the_editor_and_retried(
    furniture: Furniture, redis_server: EmbeddedServer, terminal: Terminal, tmp_path: Path
) -> None:
    furniture.put_back()
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/4003/7777/ "$1"\n')
    editor.chmod(0o755)
    command = console_command(redis_server.url, "--at", "job charge-003 queue:billing")
    terminal.start(*command, TERM="xterm-256color", LANG="C.UTF-8", EDITOR=str(editor), VISUAL="")
    terminal.shows("Timeline", "4003")
    terminal.keys("R")
    terminal.shows("Retry with options", '"invoice": 4003')
    terminal.keys("C-e")
    terminal.shows('"invoice": 7777')
    terminal.keys("C-s")
    terminal.shows("charge-003", "waiting")
    async with await Admin.open(redis_server.url, actor=Actor("test", "admin", "cli")) as admin:
        assert (await admin.jobs.get("charge-003")).payload["kwargs"]["invoice"] == 7777
