"""Keys typed ahead go where the key before them leads, one at a time; a verb that waits too long costs them."""

import asyncio
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from qconsole.tui.app import ConsoleApp
from qconsole.tui.key_gate import HOLD_S, LOST_S, MOST_WAITING
from tests.support import eventually
from tests.tui.conftest import Open, shows
from tests.tui.stage import Stage


def app_of(pilot: Pilot[int]) -> ConsoleApp:
    assert isinstance(pilot.app, ConsoleApp)
    return pilot.app


def type_ahead(pilot: Pilot[int], keys: Iterable[str]) -> None:
    """Type keys as a slow line brings them: all at once, before any is dealt with."""
    names = {"/": "slash", ":": "colon", " ": "space", "\r": "enter"}
    for key in keys:
        character = key if len(key) == 1 and key != "\r" else None
        pilot.app.post_message(events.Key(names.get(key, key), character))


@pytest.fixture
def slow_plan(stage: Stage) -> asyncio.Event:
    """The preview of an operation does not come before this is set."""
    may_answer, plan = asyncio.Event(), stage.operations.plan

    async def slow(*words: Any, **options: Any) -> Any:
        await may_answer.wait()
        return await plan(*words, **options)

    stage.operations = SimpleNamespace(**{**vars(stage.operations), "plan": slow})
    return may_answer


async def asked_for(pilot: Pilot[int]) -> None:
    """Press the key of a verb and wait until its preview is asked for."""
    await pilot.press("r")
    await shows(pilot, "Counting what replay would touch")


async def test_a_burst_of_keys_is_dealt_with_one_by_one(open_stage: Open, stage: Stage) -> None:
    async with open_stage("jobs") as pilot:
        await shows(pilot, "newest first")
        type_ahead(pilot, "/state:failed\r:dlq queue:billing\r")
        await shows(pilot, "Dead letters", "queue:billing")
        assert any(asked.startswith("jobs state:failed ") for asked in stage.asked)
        type_ahead(pilot, ["4", "j", "j", "3", "2", "j", "j"])
        await eventually(lambda: app_of(pilot).view.noun == "queues" and app_of(pilot).view.table.place == 2)  # type: ignore[attr-defined]


async def test_a_slow_machine_lets_no_key_overtake_the_one_before_it(open_stage: Open, stage: Stage) -> None:
    async with open_stage("jobs") as pilot:
        await shows(pilot, "newest first")
        app, open_palette = app_of(pilot), app_of(pilot).action_palette

        async def slowly() -> None:
            await asyncio.sleep(3 * LOST_S)
            open_palette()

        app.action_palette = slowly  # type: ignore[method-assign,assignment]
        type_ahead(pilot, ":dlq queue:billing\r")
        await shows(pilot, "Dead letters", "queue:billing")


async def test_keys_typed_before_a_dialog_stands_go_into_it(
    open_stage: Open, stage: Stage, slow_plan: asyncio.Event
) -> None:
    async with open_stage("dlq") as pilot:
        await shows(pilot, "PaymentDeclined")
        await asked_for(pilot)
        type_ahead(pilot, "40112\r")
        await pilot.pause(0.05)
        assert app_of(pilot).view.noun == "groups"
        slow_plan.set()
        await shows(pilot, "40,108 dead letters done")


async def test_keys_are_dropped_and_that_is_said_when_the_dialog_takes_longer_than_a_second(
    open_stage: Open, stage: Stage, slow_plan: asyncio.Event
) -> None:
    async with open_stage("dlq") as pilot:
        await shows(pilot, "PaymentDeclined")
        await asked_for(pilot)
        type_ahead(pilot, "23")
        await pilot.pause(0.05)
        assert app_of(pilot).view.noun == "groups"
        stage.passed_s += HOLD_S
        await shows(pilot, "Redis is slow to answer: 2 keys typed meanwhile did nothing")
        assert app_of(pilot).view.noun == "groups"
        await pilot.press("j")
        assert app_of(pilot).view.table.place == 1  # type: ignore[attr-defined]
        slow_plan.set()
        await shows(pilot, "preview", "40,112")


@pytest.mark.parametrize("key", ["escape", "q"])
async def test_a_single_key_that_leaves_is_not_dropped(
    key: str, open_stage: Open, stage: Stage, slow_plan: asyncio.Event
) -> None:
    async with open_stage("jobs") as pilot:
        await shows(pilot, "newest first")
        type_ahead(pilot, ":dlq fp:7c1e9a41f20b\r")
        await shows(pilot, "fp:7c1e9a41f20b")
        type_ahead(pilot, ["asterisk", "r"])
        await shows(pilot, "Counting what replay would touch")
        type_ahead(pilot, [key])
        await pilot.pause(0.05)
        stage.passed_s += HOLD_S
        if key == "q":
            await eventually(lambda: pilot.app._exit)
            return
        await eventually(lambda: not app_of(pilot).view.table.all_marked)  # type: ignore[attr-defined]
        slow_plan.set()
        await shows(pilot, "preview")


async def test_no_more_keys_wait_than_a_bound_and_control_c_never_does(
    open_stage: Open, stage: Stage, slow_plan: asyncio.Event
) -> None:
    async with open_stage("dlq") as pilot:
        await shows(pilot, "PaymentDeclined")
        await asked_for(pilot)
        type_ahead(pilot, ["j"] * (MOST_WAITING + 1))
        await shows(pilot, "1 key typed meanwhile did nothing")
        assert len(app_of(pilot).gate._waiting) == MOST_WAITING
        type_ahead(pilot, ["ctrl+c"])
        await eventually(lambda: pilot.app._exit)
