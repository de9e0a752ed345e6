"""One person who does very much at once does not keep the others from anything, and hears of it."""

import asyncio

import pytest

from bot.slack import fair_share
from bot.slack.fair_share import BURST, FREE
from tests.journeys.conftest import somebody
from tests.support.english import english

TOO_MUCH = english(fair_share.TOO_MUCH)
MANY = (FREE + BURST) * 4


async def test_who_does_too_much_is_told_and_others_are_served(world, ada, ben):
    deliveries = await asyncio.gather(*(ada.command("/ots", "accounts") for _ in range(MANY)))
    await ben.command("/ots", "accounts")

    await ben.until(lambda: "You have not connected" in ben.sees())
    assert all(one.ok for one in deliveries)
    refused = [one for one in deliveries if one.answer and TOO_MUCH in str(one.answer)]
    assert refused
    await ada.until(lambda: "You have not connected" in ada.sees())


@pytest.mark.slow
async def test_a_thousand_clicks_are_all_acknowledged_and_told_once(world, ada, ben):
    await ada.command("/ots", "accounts")
    await ada.until(lambda: "You have not connected" in ada.sees())
    opens = {"type": "block_actions", "team": {"id": world.workspace.state.team_id}, "user": {"id": ada.id},
             "actions": [{"action_id": "connect_open", "block_id": "x", "type": "button"}]}  # fmt: skip

    async def click(number):
        return await ada.deliver("interactive", opens | {"trigger_id": f"{ada.id}.{number}"})

    clicked = await asyncio.gather(*(click(number) for number in range(1000)))
    await ben.command("/ots", "connect")

    await ben.until(lambda: ben.view and ben.view.submit == "Connect")
    assert {one.status for one in clicked} == {200}
    await ada.until(lambda: any(TOO_MUCH in one.shows for one in ada.dm))
    assert sum(TOO_MUCH in one.shows for one in ada.dm) <= 2
    assert len([call for call in world.workspace.calls if call.method == "views.open"]) < 1000 // 4


async def test_a_form_that_is_too_much_keeps_what_was_typed(world):
    ada = somebody(world, "hurried")
    await ada.command("/ots", "connect")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Connect" and ada.view)
    await asyncio.gather(*(ada.command("/ots", "accounts") for _ in range(MANY)))

    delivery = await ada.submit(view, {"username": "ada@example.com", "token": "typed with care"})

    if (
        delivery.answer and delivery.answer.get("response_action") == "push"
    ):  # with a machine this slow it may go through
        assert TOO_MUCH in str(delivery.answer)
        await ada.close()
        assert ada.view.values["token"]["typed"]["value"] == "typed with care"
