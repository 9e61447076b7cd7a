"""Everything by name: each verb of the command line is found in the palette, or told why it is not for here."""

import shlex
import stat
from importlib import import_module
from pathlib import Path

from typer._click.exceptions import ClickException
from typer.main import get_group

from qconsole.admin import Admin
from qconsole.cli.__main__ import GROUPS, SINGLE
from qconsole.tui.app import ConsoleApp
from qconsole.tui.check import read_rules
from qconsole.tui.location import Location
from qconsole.tui.palette import PaletteDialog, matching
from qconsole.tui.palette_entries import entries
from qconsole.tui.subject import Subject
from qconsole.tui.verbs import ALL
from tests.support import eventually
from tests.tui.conftest import Open, becomes, shows, text_of, type_in

ELSEWHERE = {
    "demo": "starts servers",
    "up": "starts servers",
    "serve": "starts a server",
    "worker": "starts a worker",
    "tui": "is this console",
    "completion": "is for a shell",
}


def command_lines() -> list[str]:
    """Return every verb of the command line: `jobs retry`, `check`."""
    found: list[str] = []
    for name, (module, _) in GROUPS.items():
        verbs = get_group(import_module(f"qconsole.cli.{module}").app).commands
        found += [name] if name in SINGLE else [f"{name} {verb}" for verb in verbs]
    return found


async def test_every_verb_of_the_command_line_is_in_the_palette_of_every_screen(open_console: Open) -> None:
    wanted = [command for command in command_lines() if command not in ELSEWHERE]
    assert len(wanted) > 60
    async with open_console("jobs id:charge-003") as pilot:
        await shows(pilot, "charge-003")
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        for place, noun in ((None, "jobs"), ("0", "audit")):
            if place is not None:
                await pilot.press(place)
            await eventually(lambda noun=noun: app.view.noun == noun and app.known.get("queue"))  # type: ignore[misc]
            known = entries(app)
            missing = [command for command in wanted if not matching(known, command)]
            assert not missing
            for entry in known:
                assert entry.detail or entry.run is not None, f"{entry.name} says neither what it does nor why not"


ANSWERS = {"number": 3, "duration": 90.0, "json": {"a": 1}, "flag": True}


async def test_every_verb_shows_a_command_line_that_the_command_line_takes(open_stage: Open) -> None:
    groups = {name: get_group(import_module(f"qconsole.cli.{module}").app) for name, (module, _) in GROUPS.items()}
    async with open_stage("overview") as pilot:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        wrong: list[str] = []
        for action in [action for actions in ALL.values() for action in actions]:
            answers = {ask.name: ANSWERS.get(ask.kind, ask.choices[0] if ask.choices else "x") for ask in action.asks}
            subjects = [Subject(action.noun, ("17",) if action.needs_subject else (), queue="email")]
            if action.bulk and action.noun not in {"groups", "queues", "trash"}:
                subjects.append(Subject(action.noun, filter="queue:email"))
            for subject in subjects:
                for given in ({}, answers):
                    command = app.performer.command(action, subject, dict(given))
                    _, noun, verb, *words = shlex.split(command)
                    try:
                        groups[noun].commands[verb].make_context(verb, words)
                    except ClickException as error:
                        wrong.append(f"{command}: {error.format_message()}")
        assert not wrong


async def test_what_does_not_apply_is_listed_last_with_the_reason_and_does_nothing(
    open_console: Open, admin: Admin
) -> None:
    async with open_console("jobs id:charge-003") as pilot:
        await shows(pilot, "charge-003")
        await pilot.press("colon")
        await type_in(pilot, "promote")
        await shows(pilot, "– promote job charge-003", "only while delayed or waiting")
        await pilot.press("enter")
        await shows(pilot, "– promote job charge-003")
        await pilot.press("ctrl+u")
        await type_in(pilot, "workers quiet")
        await shows(pilot, "– quiet worker", "select one first: 7, or type quiet worker ID")
        await pilot.press("ctrl+u")
        await type_in(pilot, "retry")
        await shows(pilot, "– retry failed flow")
        lines = [line for line in text_of(pilot.app).split("\n") if "retry" in line]  # type: ignore[arg-type]
        assert "retry job charge-003" in lines[1] and "–" not in lines[1].split("│")[1]
    assert (await admin.jobs.get("charge-003")).row.state == "failed"


def test_the_limits_of_a_check_are_read_for_all_queues_and_for_one() -> None:
    assert read_rules({"max_failed": "100 email=20", "max_wait": "email=30s", "min_workers": "1"}) == [
        ("max_failed", None, 100.0),
        ("max_failed", "email", 20.0),
        ("max_wait", "email", 30.0),
        ("min_workers", None, 1.0),
    ]


async def test_check_says_which_rules_are_broken_and_keeps_the_form_when_one_is_wrong(open_console: Open) -> None:
    async with open_console("overview") as pilot:
        await shows(pilot, "billing")
        await pilot.press("colon")
        await type_in(pilot, "check")
        await pilot.press("enter")
        await shows(pilot, "Dead letters")
        await type_in(pilot, "nowhere=5")
        await pilot.press("ctrl+s")
        await shows(pilot, "nowhere=5", "▲")
        await pilot.press("ctrl+u")
        await type_in(pilot, "100000 billing=1")
        await pilot.press("ctrl+s")
        await shows(pilot, "1 of 2 broken", "breached", "qconsole check --max-failed 100000 --max-failed billing=1")


async def test_queues_are_exported_for_the_owner_alone_and_imported(
    open_console: Open, admin: Admin, tmp_path: Path
) -> None:
    file = tmp_path / "queues.jsonl"
    async with open_console("queues") as pilot:
        await shows(pilot, "billing")
        for verb, told in (("export queues", "lines written to"), ("import queues", "were there already, 0 failed")):
            await pilot.press("colon")
            await type_in(pilot, verb)
            await pilot.press("enter")
            await shows(pilot, "File")
            pilot.app.screen.fields["path"].value = str(file)  # type: ignore[attr-defined]
            await pilot.press("ctrl+s")
            await shows(pilot, told)
        await pilot.press("colon")
        await type_in(pilot, "export queues")
        await pilot.press("enter")
        await shows(pilot, "File")
        pilot.app.screen.fields["path"].value = str(file)  # type: ignore[attr-defined]
        await pilot.press("ctrl+s")
        await shows(pilot, "Name a file that does not exist yet")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and not list(tmp_path.glob("*.part"))


async def test_the_palette_knows_every_verb_with_its_object(open_console: Open, admin: Admin) -> None:
    async with open_console("jobs id:charge-003") as pilot:
        await shows(pilot, "charge-003")
        await pilot.press("colon")
        await shows(pilot, "retry job charge-003")
        await type_in(pilot, "pause queue email")
        await shows(pilot, "pause queue email")
        await pilot.press("enter")
        await shows(pilot, "Pause queue email")
        await pilot.press("enter")

        async def paused() -> bool:
            return (await admin.queues.get("email")).pause is not None

        await eventually(paused)
        await pilot.press("ctrl+p")
        await type_in(pilot, "retry job charge-007")
        await pilot.press("enter")
        await becomes(admin, "charge-007", "waiting")


async def test_the_palette_goes_to_a_typed_place(open_console: Open) -> None:
    async with open_console("overview") as pilot:
        await shows(pilot, "billing")
        await pilot.press("colon")
        assert isinstance(pilot.app.screen, PaletteDialog)
        await type_in(pilot, "jobs state:delayed")
        await pilot.press("enter")
        await shows(pilot, "mail-later")
        app = pilot.app
        assert isinstance(app, ConsoleApp) and app.view.location == Location("jobs", None, "state:delayed")
        assert "mail-waiting" not in text_of(app)


async def test_users_and_tokens_are_kept_from_the_palette(open_console: Open, admin: Admin) -> None:
    async with open_console("settings") as pilot:
        await shows(pilot, "Configuration")
        await pilot.press("colon")
        await type_in(pilot, "add user")
        await pilot.press("enter")
        await shows(pilot, "Password")
        await type_in(pilot, "ann")
        await pilot.press("tab", "tab")
        await type_in(pilot, "a long password")
        await shows(pilot, "•••")
        await pilot.press("ctrl+s")
        await eventually(lambda: admin.users.list())
        await pilot.press("colon")
        await type_in(pilot, "create token")
        await pilot.press("enter")
        await shows(pilot, "Name")
        await type_in(pilot, "ci")
        await pilot.press("ctrl+s")
        await shows(pilot, "it is not shown again", "qc_")
    assert [user.name for user in await admin.users.list()] == ["ann"]
