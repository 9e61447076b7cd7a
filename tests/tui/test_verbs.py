"""Every verb does on a real server what its key says, and tells the audit who did it through which face."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from qconsole.admin import Admin
from qconsole.tui.form import FormDialog
from qconsole.tui.verbs import ALL
from tests.support import eventually
from tests.tui.conftest import Open, becomes, shows, state_of, type_in


async def test_retry_gives_a_failed_job_another_run(open_console: Open, admin: Admin) -> None:
    async with open_console("jobs id:charge-003") as pilot:
        await shows(pilot, "charge-003")
        await pilot.press("r")
        await becomes(admin, "charge-003", "waiting")
        await shows(pilot, "charge-003")
    entry = (await admin.audit.page()).rows[0]
    assert (entry.actor, entry.face, entry.action) == ("mara", "tui", "jobs.retry")


async def test_retry_with_options_edits_the_payload_first(open_console: Open, admin: Admin) -> None:
    async with open_console("job charge-003 queue:billing") as pilot:
        await shows(pilot, "Timeline")
        await pilot.press("R")
        await shows(pilot, "Retry with options", "4003")
        dialog = pilot.app.screen
        assert isinstance(dialog, FormDialog)
        area = dialog.fields["payload"]
        area.text = area.text.replace("4003", "9999")  # type: ignore[union-attr]
        await pilot.press("ctrl+s")
        await becomes(admin, "charge-003", "waiting")
    assert (await admin.jobs.get("charge-003")).payload["kwargs"]["invoice"] == 9999


async def test_a_payload_that_breaks_the_schema_is_refused_and_kept_in_the_form(
    open_console: Open, admin: Admin
) -> None:
    async with open_console("job charge-003 queue:billing") as pilot:
        await shows(pilot, "Timeline")
        await pilot.press("R")
        await shows(pilot, "Retry with options")
        dialog = pilot.app.screen
        assert isinstance(dialog, FormDialog)
        area = dialog.fields["payload"]
        area.text = area.text.replace("4003", '"no number"')  # type: ignore[union-attr]
        await pilot.press("ctrl+s")
        await shows(pilot, "no number", "invoice")
        area = pilot.app.screen.fields["payload"]  # type: ignore[attr-defined]
        area.text = "{ broken"
        await pilot.press("ctrl+s")
        await shows(pilot, "must be JSON")
        await pilot.press("escape")
    assert await state_of(admin, "charge-003") == "failed"


async def test_remove_asks_and_undo_puts_back(open_console: Open, admin: Admin) -> None:
    async with open_console("jobs id:mail-waiting") as pilot:
        await shows(pilot, "mail-waiting")
        await pilot.press("D")
        await shows(pilot, "Remove", "$ qconsole jobs remove", "Esc leaves")
        await pilot.press("escape")
        assert await state_of(admin, "mail-waiting") == "waiting"
        await pilot.press("D")
        await shows(pilot, "Esc leaves")
        await pilot.press("enter")
        await shows(pilot, "u undoes it")
        await pilot.press("u")
        await shows(pilot, "Undo")
        await pilot.press("enter")
        await becomes(admin, "mail-waiting", "waiting")


async def test_cancel_promote_reschedule_and_edit(open_console: Open, admin: Admin) -> None:
    async with open_console("jobs id:mail-later") as pilot:
        await shows(pilot, "mail-later")
        await pilot.press("d")
        await shows(pilot, "Due in")
        await type_in(pilot, "2h")
        await pilot.press("ctrl+s")
        await shows(pilot, "in 1h 59m")
        await pilot.press("f")
        await becomes(admin, "mail-later", "waiting")
        await pilot.press("ctrl+r")
        await shows(pilot, "waiting")
        await pilot.press("e")
        await shows(pilot, "Priority")
        await pilot.press("backspace", "1", "ctrl+s")

        async def edited() -> bool:
            return (await admin.jobs.get("mail-later")).row.priority == 1

        await eventually(edited)
        await pilot.press("a")
        await shows(pilot, "Cancel job")
        await pilot.press("enter")
        await becomes(admin, "mail-later", "cancelled")


async def test_add_enqueues_a_job_of_a_known_type(open_console: Open, admin: Admin) -> None:
    async with open_console("jobs type:charge_card") as pilot:
        await shows(pilot, "charge-")
        await pilot.press("A")
        await shows(pilot, "Job type")
        await type_in(pilot, "charge_card")
        dialog = pilot.app.screen
        dialog.fields["payload"].text = '{"invoice": 77}'  # type: ignore[attr-defined]
        await pilot.press("ctrl+s")
        await shows(pilot, "was added")
    page = await admin.jobs.page("type:charge_card state:waiting")
    assert len(page.rows) == 1


async def test_marked_jobs_go_through_a_preview_and_an_operation(open_console: Open, admin: Admin) -> None:
    async with open_console("jobs state:failed queue:billing") as pilot:
        await shows(pilot, "charge-")
        await pilot.press("space", "space", "space")
        await shows(pilot, "3 marked")
        await pilot.press("r")
        await shows(pilot, "preview", "3 jobs", "qconsole jobs retry")
        await pilot.press("enter")
        await shows(pilot, "3 jobs done")
    operations = await admin.operations.list()
    assert (operations[0].done, operations[0].face) == (3, "tui")


async def test_all_matching_are_marked_without_loading_them(open_console: Open, admin: Admin) -> None:
    async with open_console("jobs state:failed queue:billing") as pilot:
        await shows(pilot, "charge-")
        await pilot.press("asterisk")
        await shows(pilot, "all marked")
        await pilot.press("D")
        await shows(pilot, "24 jobs")
        await pilot.press("enter")
        await shows(pilot, "24 jobs done", "u undoes it")
        assert (await admin.jobs.count("state:failed queue:billing")).value == 0
        await pilot.press("u")
        await shows(pilot, "Undo")
        await pilot.press("enter")
        await shows(pilot, "Undone")
    assert (await admin.jobs.count("state:failed queue:billing")).value == 24


async def test_a_group_is_replayed_and_no_other(open_console: Open, admin: Admin) -> None:
    groups = {group.error_type: group for group in await admin.dead_letters.groups()}
    async with open_console("dlq") as pilot:
        await shows(pilot, "CardDeclined")
        await pilot.press("r")
        await shows(pilot, "24 dead letters", f"fp:{groups['CardDeclined'].fingerprint}")
        await pilot.press("enter")
        await shows(pilot, "24 dead letters done")
    left = {group.error_type for group in await admin.dead_letters.groups()}
    assert left == set(groups) - {"CardDeclined"}


async def test_a_discarded_group_needs_a_reason_and_can_be_undone(open_console: Open, admin: Admin) -> None:
    before = {group.error_type: group.count for group in await admin.dead_letters.groups()}
    async with open_console("dlq") as pilot:
        await shows(pilot, "CardDeclined")
        await pilot.press("D")
        await shows(pilot, "Reason")
        await pilot.press("ctrl+s")
        await shows(pilot, "Reason is needed")
        await type_in(pilot, "test cards")
        await pilot.press("ctrl+s")
        await shows(pilot, "24 dead letters", "test cards")
        await pilot.press("enter")
        await shows(pilot, "24 dead letters done")
        await pilot.press("u")
        await shows(pilot, "Undo")
        await pilot.press("enter")
        await shows(pilot, "Undone")
    assert {group.error_type: group.count for group in await admin.dead_letters.groups()} == before


async def test_one_dead_letter_is_noted_discarded_and_reopened(open_console: Open, admin: Admin) -> None:
    async with open_console("dlq id:charge-003") as pilot:
        await shows(pilot, "charge-003")
        await pilot.press("m")
        await shows(pilot, "Note")
        await type_in(pilot, "asked the bank")
        await pilot.press("ctrl+s")
        await shows(pilot, "asked the bank")
        await pilot.press("D")
        await shows(pilot, "Reason")
        await type_in(pilot, "fraud")
        await pilot.press("enter")
        await shows(pilot, "u undoes it")
        await pilot.press("u")
        await shows(pilot, "Undo")
        await pilot.press("enter")
        await shows(pilot, "Undone")
        await pilot.press("ctrl+r")
        await shows(pilot, "▲ open")
        await pilot.press("r")
        await shows(pilot, "Replayed as job")

    async def waits() -> bool:  # by the clock of another console, which may be milliseconds behind
        return len((await admin.jobs.page("type:charge_card state:waiting")).rows) == 1

    await eventually(waits)


async def test_a_queue_is_paused_with_a_reason_limited_and_resumed(open_console: Open, admin: Admin) -> None:
    async with open_console("queues email") as pilot:
        await shows(pilot, "email")
        await pilot.press("p")
        await shows(pilot, "Pause queue email", "Reason")
        await pilot.press("tab")
        await type_in(pilot, "bounces")
        await pilot.press("enter")
        await shows(pilot, "paused")
        pause = (await admin.queues.get("email")).pause
        assert pause is not None and (pause.reason, pause.actor) == ("bounces", "mara")
        await pilot.press("p")
        await shows(pilot, "resumed")
        await pilot.press("L")
        await shows(pilot, "Concurrency")
        await pilot.press("ctrl+a", "ctrl+k", "4", "ctrl+s")

        async def limited() -> bool:
            return (await admin.queues.get("email")).limits.concurrency == 4

        await eventually(limited)


async def test_a_queue_is_drained_and_emptied_only_with_its_name(open_console: Open, admin: Admin) -> None:
    async with open_console("queue webhooks") as pilot:
        await shows(pilot, "States")
        await pilot.press("D")
        await shows(pilot, "3 jobs", "qconsole jobs remove")
        await pilot.press("enter")
        await shows(pilot, "3 jobs done")
        await pilot.press("X")
        await shows(pilot, "Type webhooks to go on")
        await type_in(pilot, "gone")
        await pilot.press("enter")
        await type_in(pilot, "webhook")
        await pilot.press("enter")
        await shows(pilot, "Type exactly webhooks")
        await type_in(pilot, "s")
        await pilot.press("enter")
        await shows(pilot, "Queue webhooks is empty")
    assert (await admin.jobs.count("queue:webhooks")).value == 0


async def test_production_asks_for_the_queue_before_a_bulk(open_console: Open, admin: Admin) -> None:
    async with open_console("jobs id:mail-waiting", production=True) as pilot:
        await shows(pilot, "PRODUCTION prod", "mail-waiting")
        await pilot.press("D")
        await shows(pilot, "Type email to go on")
        await pilot.press("escape", "f")
        await shows(pilot, "Promote", "Esc leaves")
        await pilot.press("escape")
    assert await state_of(admin, "mail-waiting") == "waiting"


async def test_a_viewer_is_told_that_the_role_does_not_allow_it(open_console: Open, admin: Admin) -> None:
    async with open_console("jobs id:charge-003", role="viewer") as pilot:
        await shows(pilot, "charge-003")
        await pilot.press("r")
        await shows(pilot, "viewer")
    assert await state_of(admin, "charge-003") == "failed"


async def test_operations_are_shown_with_what_they_did(open_console: Open, admin: Admin) -> None:
    plan = await admin.operations.plan("retry", "state:failed queue:billing", limit=5)
    async with open_console("operations") as pilot:
        await shows(pilot, "retry jobs", "planned")
        await pilot.press("a")
        await shows(pilot, "Abort")
        await pilot.press("enter")
        await shows(pilot, "aborted")
    assert (await admin.operations.get(plan.operation.id)).state == "aborted"


async def test_the_trash_gives_back(open_console: Open, admin: Admin) -> None:
    await admin.jobs.remove("mail-waiting")
    async with open_console("trash") as pilot:
        await shows(pilot, "mail-waiting")
        await pilot.press("r")
        await becomes(admin, "mail-waiting", "waiting")
        await shows(pilot, "The trash is empty")


async def test_a_mark_stands_in_the_charts(open_console: Open, admin: Admin) -> None:
    async with open_console("metrics") as pilot:
        await shows(pilot, "Throughput")
        await pilot.press("m")
        await shows(pilot, "Label")
        await type_in(pilot, "rollback")
        await pilot.press("ctrl+s")
        await shows(pilot, "operator rollback")


async def test_p_pauses_the_queue_of_the_job_at_the_cursor(open_console: Open, admin: Admin) -> None:
    async with open_console("jobs id:charge-003") as pilot:
        await shows(pilot, "charge-003")
        await pilot.press("p")
        await shows(pilot, "Pause queue billing")
        await pilot.press("enter")

        async def paused() -> bool:
            return (await admin.queues.get("billing")).pause is not None

        await eventually(paused)


async def test_every_action_has_a_command_line(open_console: Open) -> None:
    async with open_console("jobs id:charge-003") as pilot:
        await shows(pilot, "charge-003")
        await pilot.press("c")
        await shows(
            pilot, "qconsole jobs list --filter id:charge-003", "qconsole jobs retry --queue billing charge-003"
        )


@pytest.mark.parametrize("noun", ALL)
def test_every_verb_has_a_label_and_a_description(noun: str) -> None:
    for action in ALL[noun]:
        assert action.label and action.detail
        assert action.run is not None or action.bulk is not None


async def test_what_is_not_selected_is_not_acted_on(open_console: Open) -> None:
    async with open_console("jobs id:nothing-like-this") as pilot:
        await shows(pilot, "No job matches")
        await pilot.press("r")
        await shows(pilot, "There is nothing here to retry")


async def test_an_export_never_overwrites(open_console: Open, tmp_path: Path) -> None:
    file = tmp_path / "jobs.jsonl"
    async with open_console("jobs state:failed queue:billing") as pilot:
        await shows(pilot, "charge-")
        for expected in ("24 written", "Name a file that does not exist yet"):
            await pilot.press("colon")
            await type_in(pilot, "export jobs")
            await pilot.press("enter")
            await shows(pilot, "File")
            pilot.app.screen.fields["path"].value = str(file)  # type: ignore[attr-defined]
            await pilot.press("ctrl+s")
            await shows(pilot, expected)
    assert len(file.read_text().splitlines()) == 24


async def test_the_web_address_and_the_id_are_copied(open_console: Open) -> None:
    async with open_console("job charge-003 queue:billing") as pilot:
        await shows(pilot, "Timeline")
        await pilot.press("o")
        await shows(pilot, "copied address")
        assert pilot.app._clipboard.endswith("/admin/queues/jobs/billing/charge-003")
        await pilot.press("y")
        assert pilot.app._clipboard


async def test_doctor_mends_after_asking(open_console: Open) -> None:
    async with open_console("doctor") as pilot:
        await shows(pilot, "Finding")
        await pilot.press("F")
        await pilot.pause()
        await pilot.press("escape")
        await shows(pilot, "Doctor")


async def begin_slowly(pilot: Pilot[int], *keys: str, shown: str) -> None:
    """Start an operation on 24 things at 2 a second."""
    await pilot.press(*keys)
    await shows(pilot, "At most a second")
    await pilot.press("tab")
    await type_in(pilot, "2")
    await pilot.press("ctrl+s")
    await shows(pilot, shown, "at most 2 a second")
    await pilot.press("enter")
    await shows(pilot, "▶", "of 24")


async def test_a_slow_operation_is_watched_aborted_and_told(open_console: Open, admin: Admin) -> None:
    async with open_console("dlq") as pilot:
        await shows(pilot, "CardDeclined")
        await begin_slowly(pilot, "R", shown="24 dead letters")
        await pilot.press("9")
        await shows(pilot, "replay dlq", "running")
        await pilot.press("a")
        await shows(pilot, "Abort")
        await pilot.press("enter")
        await shows(pilot, "aborted")
        operation = (await admin.operations.list())[0]
        assert operation.state == "aborted" and 0 < operation.done < 24
        await shows(pilot, "u undo")
        await pilot.press("u")
        await shows(pilot, "Undo operation", "replay of ")
        await pilot.press("enter")
        await shows(pilot, "Undone: replay of ", "dead letter")


async def test_quitting_pauses_what_runs_from_here(open_console: Open, admin: Admin) -> None:
    async with open_console("jobs state:failed queue:billing") as pilot:
        await shows(pilot, "charge-")
        await begin_slowly(pilot, "asterisk", "R", shown="24 jobs")
        await pilot.press("q")
        await eventually(lambda: pilot.app._exit)
    assert (await admin.operations.list())[0].state == "paused"
