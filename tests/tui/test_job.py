"""The screen of one job: search and folds, the log that follows, the links, masked values, progress."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from textual.pilot import Pilot

from qconsole.admin import Admin
from qconsole.admin.views import JobView, LogLine
from qconsole.tui.app import ConsoleApp
from qconsole.tui.job import JobDocument
from qconsole.tui.location import Location
from tests.support import eventually
from tests.tui.conftest import Open, shows, text_of, type_in
from tests.tui.stage import Stage
from tests.tui.stage_clock import NOW_MS
from tests.tui.stage_jobs import LOGS, job_row, job_view

FAILED = "job invoice-4179958 queue:billing"


def view_of(pilot: Pilot[int]) -> JobDocument:
    assert isinstance(pilot.app, ConsoleApp) and isinstance(pilot.app.view, JobDocument)
    return pilot.app.view


def current(pilot: Pilot[int]) -> str:
    line = view_of(pilot).focused_document().current
    return line.text.strip() if line is not None else ""


async def search_for(pilot: Pilot[int], text: str) -> None:
    await pilot.press("slash")
    await type_in(pilot, text)
    await pilot.press("enter")


async def test_a_search_unfolds_what_it_finds_and_goes_on(open_stage: Open) -> None:
    async with open_stage(FAILED, size=(80, 24)) as pilot:
        await shows(pilot, "Job  invoice-4179958", "/ search")
        await search_for(pilot, "httpx")
        await shows(pilot, "lines match; n and N go on", "httpx")
        first = view_of(pilot).first.place
        await pilot.press("n")
        assert view_of(pilot).first.place > first
        await pilot.press("N")
        assert view_of(pilot).first.place == first
        await search_for(pilot, "Rope")
        await eventually(lambda: "Rope, polypropylene" in current(pilot))
        await search_for(pilot, "nowhere in it")
        await shows(pilot, "no line has 'nowhere in it'")
        await pilot.press("escape")
        await shows(pilot, "Job  invoice-4179958")


async def test_folds_open_and_close_one_by_one_all_and_by_section(open_stage: Open) -> None:
    async with open_stage(FAILED, size=(200, 50)) as pilot:
        await shows(pilot, "▸ … 4 lines of libraries", "▾ customer", "Hafenlogistik")
        await pilot.press("plus")
        await shows(pilot, "▾ 4 lines of libraries", "httpx", "+PaymentDeclined")
        await pilot.press("minus")
        await shows(pilot, "▸ … 4 lines of libraries")
        await pilot.press("right_square_bracket")
        assert current(pilot) == "Timeline"
        await pilot.press("right_square_bracket", "left_square_bracket")
        assert current(pilot) == "Timeline"
        await pilot.press("tab")
        assert view_of(pilot).second.has_focus
        while "customer" not in current(pilot):
            await pilot.press("j")
        await pilot.press("space")
        await shows(pilot, "▸ customer", "id: cus_9x1, name: Hafenlogistik")
        await pilot.press("enter")
        await shows(pilot, "▾ customer", "name  Hafenlogistik")


async def test_the_log_of_a_running_job_follows_what_it_writes(open_stage: Open, stage: Stage) -> None:
    written = [*LOGS]

    async def logs(_id: str, **_: Any) -> tuple[LogLine, ...]:
        return tuple(written)

    def running(row: Any) -> JobView:
        row = replace(job_row(3), id=row.id, progress={"done": len(written), "total": 120})
        return replace(job_view(row), logs_total=len(written))

    stage.jobs = SimpleNamespace(**{**vars(stage.jobs), "logs": logs})
    stage.view_of = running
    async with open_stage(f"{FAILED} logs", size=(80, 24)) as pilot:
        await shows(pilot, "Log  4 lines · F follows", "giving up: no attempt is left", "Progress")
        await pilot.press("F")
        await shows(pilot, "following the log")
        for number in range(40):
            written.append(LogLine(NOW_MS, 3, f"row {number} is in"))
        await shows(pilot, "row 39 is in")
        await pilot.press("k")
        written.append(LogLine(NOW_MS, 3, "the last word"))
        await eventually(lambda: "the last word" in view_of(pilot).first.lines[-1].text)
        assert "the last word" not in text_of(pilot.app)  # type: ignore[arg-type]


async def test_links_lead_to_the_dead_letter_the_group_and_similar_failures(open_stage: Open) -> None:
    async with open_stage(FAILED, size=(80, 24)) as pilot:
        await shows(pilot, "Job  invoice-4179958")
        for words, place in (
            ("dead letter", Location("dead-letter", "invoice-4179958~1795489680000")),
            ("error group", Location("dlq", None, "fp:7c1e9a41f20b")),
            ("report-4179992", Location("job", "report-4179992", "queue:reports")),
        ):
            await search_for(pilot, words)
            await eventually(lambda words=words: words in current(pilot))  # type: ignore[misc]
            await pilot.press("enter")
            await eventually(lambda place=place: pilot.app.view.location == place)  # type: ignore[attr-defined,misc]
            await pilot.press("escape")
            await shows(pilot, "Job  invoice-4179958")
        await pilot.press("less_than_sign")
        await eventually(lambda: pilot.app.view.location == place)  # type: ignore[attr-defined]
        await pilot.press("7", "less_than_sign")
        await eventually(lambda: pilot.app.view.location == place)  # type: ignore[attr-defined]
        await pilot.resize_terminal(120, 40)
        await shows(pilot, "Workers › Job  report-4179992")
        await pilot.press("greater_than_sign")
        await eventually(lambda: pilot.app.view.location.kind == "workers")  # type: ignore[attr-defined]


async def test_masked_values_are_revealed_by_v_and_the_audit_knows(open_console: Open, admin: Admin) -> None:
    added = await admin.jobs.add("charge_card", {"invoice": 1, "card_token": "tok_4242"}, queue="billing")
    async with open_console(f"job {added.job_id} queue:billing") as pilot:
        await shows(pilot, "masked: ", "card_token")
        assert "tok_4242" not in text_of(pilot.app)  # type: ignore[arg-type]
        await pilot.press("V")
        await shows(pilot, "tok_4242")
    assert any("reveal" in entry.action for entry in (await admin.audit.page()).rows)
