"""Killed at every step between Onetime Secret's answer and the mark: whoever is to be told is, once.

And Slack failing in every way while it is told.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.slack import SlackFault, WorkspaceMember
from tests.faults.crashing import Crashing
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(90)]

STEPS = (
    "watches_claimed",
    "polled",
    "poll_written",
    "notifications_claimed",
    "notification_posted",
    "notification_noted",
    "notification_marked",
)
OPENED = "was opened"
SETTINGS = {"WATCH_EVERY": "5"}
LOST_ANSWERS = 2  # that the tests below plan: each may let a message come once more

_numbers = itertools.count(1)


class Telling:
    """One person tracks one secret, which somebody opens."""

    def __init__(self, crashing: Crashing, *, account: bool = False) -> None:
        number = next(_numbers)
        self.crashing, self.world = crashing, crashing.world
        self.account = (f"ada{number}@example.com", f"token-of-ada-{number:010}") if account else None
        if self.account:
            self.world.onetime.add_account(*self.account)
        self.held = self.world.onetime.share(self.account and self.account[0], f"text {number}")
        self.ada: WorkspaceMember = self.world.workspace.person(f"U0ADA{number:05}", f"ada{number}")

    async def is_watched(self) -> None:
        """Returns when the watch was polled, and the next poll is seconds away."""
        if self.account:
            await self._connect(*self.account)
        await self.ada.command("/ots", f"track {self.world.onetime.url}/private/{self.held.metadata_key}")
        await self.ada.until(lambda: self.ada.dm)
        await self.holds("lease IS NULL AND next_poll_at > (julianday('now') - 2440587.5) * 86400 + 2", "watches")

    async def _connect(self, username: str, token: str) -> None:
        ada = self.ada
        await ada.command("/ots", "connect")
        await ada.until(lambda: ada.view and ada.view.submit == "Connect")
        await ada.submit(ada.view, {"username": username, "token": token})
        await ada.until(lambda: ada.view and ada.view.title == "Connected")
        await ada.close()

    async def is_opened(self) -> None:
        """Somebody opens the secret; the watch is polled within seconds."""
        self.world.onetime.open_as_outsider(self.held.secret_key)

    @property
    def told(self) -> list[str]:
        return [message.shows for message in self.ada.dm if OPENED in message.shows]

    @property
    def sent(self) -> list[dict[str, Any]]:
        """All tries to tell it, also those that failed."""
        channel = self.ada.dm[0].channel
        posts = [one.payload for one in self.world.workspace.export() if one.method == "chat.postMessage"]
        return [post for post in posts if post["channel"] == channel and "client_msg_id" in post]

    async def holds(self, condition: str, table: str = "notifications") -> None:
        """Returns when the person's row in the table is so."""
        query = f"SELECT count(*) FROM {table} WHERE user_id = '{self.ada.id}' AND {condition}"
        await eventually(lambda: self.crashing.query(query) == [(1,)])

    async def is_told(self) -> None:
        await self.holds("sent_at IS NOT NULL")

    @property
    def ids(self) -> set[str]:
        return {post["client_msg_id"] for post in self.sent}


async def killed_at(crashing: Crashing, step: str, *, account: bool = False) -> Telling:
    """The bot is killed there and started again; returns when the notification is marked."""
    telling = Telling(crashing, account=account)
    await telling.is_watched()
    crashing.kill_at(step)
    await telling.is_opened()
    await crashing.says("killed")
    await crashing.says("ready")
    await telling.is_told()
    await telling.ada.until(lambda: "Opened" in telling.ada.dm[0].shows)
    return telling


async def sweep(directory: Path, *, honours_ids: bool) -> dict[str, tuple[int, int]]:
    """Step at which it is killed -> how many messages the sender gets, and under how many ids."""
    found: dict[str, tuple[int, int]] = {}

    async def in_a_world(name: str, *steps: str) -> None:
        async with Crashing(directory / name, WATCH_EVERY="5") as crashing:
            crashing.world.workspace.honours_client_msg_id = honours_ids
            for step in steps:
                # Half of them by the list of an account, half by key.
                telling = await killed_at(crashing, step, account=honours_ids == bool(STEPS.index(step) % 2))
                found[step] = (len(telling.told), len(telling.ids))

    async with asyncio.TaskGroup() as group:  # they mostly wait
        for number, steps in enumerate((STEPS[:2], STEPS[2:4], STEPS[4:])):
            group.create_task(in_a_world(f"control{number}", *steps))
    return found


@pytest.mark.slow
async def test_killed_at_any_step_the_sender_is_told_once_and_twice_only_if_slack_honours_no_ids(tmp_path):
    for name in ("honours", "ignores"):
        (tmp_path / name).mkdir()

    honours, ignores = await asyncio.gather(
        sweep(tmp_path / "honours", honours_ids=True), sweep(tmp_path / "ignores", honours_ids=False)
    )

    assert honours == dict.fromkeys(STEPS, (1, 1))
    assert ignores == dict.fromkeys(STEPS, (1, 1)) | {"notification_posted": (2, 1)}


# --- Slack fails


async def meets(crashing: Crashing, fault: SlackFault, times: int | None = 1) -> Telling:
    """Slack fails so when the sender is to be told."""
    telling = Telling(crashing)
    await telling.is_watched()
    crashing.world.workspace.plan("chat.postMessage", fault, times)
    await telling.is_opened()
    return telling


UNKNOWN_OUTCOME = {
    "taken, then the connection breaks": SlackFault.drop_after,
    "the connection breaks": SlackFault.drop,
    "502": lambda: SlackFault.http(502, "<html>"),
    "fatal_error": lambda: SlackFault.error("fatal_error"),
    "internal_error": lambda: SlackFault.error("internal_error"),
}


async def test_what_may_have_arrived_is_sent_again_with_the_same_id(crashing):
    tellings = [Telling(crashing) for _ in UNKNOWN_OUTCOME]
    await asyncio.gather(*(telling.is_watched() for telling in tellings))
    for fault in UNKNOWN_OUTCOME.values():
        crashing.world.workspace.plan("chat.postMessage", fault())

    await asyncio.gather(*(telling.is_opened() for telling in tellings))
    await asyncio.gather(*(telling.is_told() for telling in tellings))

    # The answer to the first was lost after Slack had taken it.
    assert sorted(len(telling.told) for telling in tellings) == [1] * (len(UNKNOWN_OUTCOME) - 1) + [2]
    assert [len(telling.ids) for telling in tellings] == [1] * len(UNKNOWN_OUTCOME)
    # One more for each fault, whomever it met.
    assert sum(len(telling.sent) for telling in tellings) == 2 * len(UNKNOWN_OUTCOME)


@pytest.mark.slow
async def test_taken_without_an_answer_and_without_ids_it_is_told_twice_at_most(crashing):
    telling = await meets(crashing, SlackFault.drop_after())
    await telling.is_told()

    assert len(telling.told) == 2


@pytest.mark.slow
async def test_a_429_is_waited_out_by_everybody(crashing):
    later = Telling(crashing)
    await later.is_watched()
    telling = await meets(crashing, SlackFault.rate_limited(5))
    await telling.holds("tries = 1 AND lease IS NULL")
    refused = time.monotonic()

    await later.is_opened()
    await later.holds("sent_at IS NULL")
    await asyncio.gather(telling.is_told(), later.is_told())

    assert time.monotonic() - refused > 4
    assert (len(telling.told), len(later.told)) == (1, 1)
    assert (len(telling.sent), len(later.sent)) == (2, 1)


@pytest.mark.slow
async def test_who_can_never_be_told_is_not_tried_again_and_keeps_nobody_waiting(crashing):
    other = Telling(crashing)
    await other.is_watched()

    telling = await meets(crashing, SlackFault.error("channel_not_found"))
    await telling.holds("dead_letter = 'channel_not_found' AND sent_at IS NULL AND lease IS NULL")
    await other.is_opened()
    await other.is_told()

    assert (telling.told, len(telling.sent)) == ([], 1)
    assert len(other.told) == 1
