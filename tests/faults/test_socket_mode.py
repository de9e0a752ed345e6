"""Socket Mode: Slack sends connections away, breaks them, or takes no more of them. What it delivered is not lost."""

from __future__ import annotations

import asyncio

import pytest

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.world import World
from bot.slack.socket import MAX_FIRST_DELAY, MAX_RETRY_DELAY, MIN_RETRY_DELAY, SocketConnection
from tests.support.waiting import eventually

METADATA = "/api/v1/private/{key}"
ACCOUNT = "/api/v1/authcheck"
OPEN = "apps.connections.open"


async def leave(sockets, how):
    if how == "broken":
        sockets.break_all()
    else:
        await sockets.disconnect(how)


def connects(world):
    """How often the bot asked for the address of a connection."""
    return sum(call.method == OPEN for call in world.workspace.calls)


@pytest.mark.parametrize(
    "how",
    [
        "refresh_requested",
        pytest.param("too_many_websockets", marks=pytest.mark.slow),
        pytest.param("link_disabled", marks=pytest.mark.slow),
        pytest.param("warning", marks=pytest.mark.slow),
        pytest.param("broken", marks=pytest.mark.slow),
    ],
)
async def test_whatever_ends_a_connection_the_next_one_serves_and_acknowledged_work_ends(how):
    async with World(mode="socket") as world:
        ada = world.workspace.person("U0ADA", "ada")
        held = world.onetime.share(None, "text")
        hang = OnetimeFault("hang")
        world.onetime.plan(METADATA, hang)
        before = connects(world)
        assert (await ada.command("/ots", f"metadata {world.onetime.url}/private/{held.metadata_key}")).ok
        await world.onetime.wait_for_call(METADATA)

        await leave(world.workspace.sockets, how)
        hang.release()

        await ada.until(lambda: "Not opened yet" in ada.sees())
        await eventually(lambda: connects(world) > before and world.workspace.sockets.connected == 1)
        assert (await ada.command("/ots", "help")).ok


async def test_while_slack_takes_no_more_connections_the_bot_tries_again_and_serves_as_soon_as_it_may():
    async with World(mode="socket") as world:
        ada = world.workspace.person("U0ADA", "ada")
        world.workspace.sockets.max_connections = 0
        before = connects(world)
        await world.workspace.sockets.disconnect("too_many_websockets")
        await eventually(lambda: connects(world) >= before + 2)
        assert world.workspace.sockets.connected == 0

        world.workspace.sockets.max_connections = 1
        await eventually(lambda: world.workspace.sockets.connected == 1)

        assert (await ada.command("/ots", "help")).ok


async def test_an_answer_that_is_due_leaves_before_the_connection_is_changed():
    async with World(mode="socket") as world:
        ada = world.workspace.person("U0ADA", "ada")
        world.onetime.add_account("ada@example.com", "token-of-ada")
        await ada.command("/ots", "connect")
        form = await ada.until(lambda: ada.view if ada.view and ada.view.submit == "Connect" else None)
        hang = OnetimeFault("hang")
        world.onetime.plan(ACCOUNT, hang)
        before = connects(world)
        submitting = asyncio.create_task(ada.submit(form, {"username": "ada@example.com", "token": "token-of-ada"}))
        await world.onetime.wait_for_call(ACCOUNT)

        await world.workspace.sockets.disconnect("warning")
        await eventually(lambda: connects(world) > before and world.workspace.sockets.connected)
        hang.release()

        assert (await submitting).ok


@pytest.mark.slow
async def test_an_event_whose_connection_broke_is_taken_when_slack_sends_it_again():
    async with World(mode="socket") as world:
        first = asyncio.create_task(world.workspace.emit({"type": "something_new"}))
        world.workspace.sockets.break_all()
        delivery = await first
        await eventually(lambda: world.workspace.sockets.connected == 1)

        again = await world.workspace.retry(delivery, 1, "timeout")

        assert again.ok


class Unconnected(SocketConnection):
    """The pauses alone."""

    def __init__(self, tries: int) -> None:
        self._tries = tries


def test_pauses_grow_and_no_two_processes_have_the_same():
    def pauses(tries):
        return [Unconnected(tries)._delay() for _ in range(200)]

    for tries, most in ((0, MAX_FIRST_DELAY), (1, MIN_RETRY_DELAY), (3, 4 * MIN_RETRY_DELAY), (99, MAX_RETRY_DELAY)):
        found = pauses(tries)
        assert max(found) <= most
        assert min(found) >= (most / 2 if tries else 0)
        assert len(set(found)) > 100
