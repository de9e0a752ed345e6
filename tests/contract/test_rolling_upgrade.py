"""An upgrade on PostgreSQL without a break: the released code and the code of now serve the same people side by side.

The released code is the real one, from the repository's history.
"""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from bot.sandbox.bot_process import BotProcess
from bot.sandbox.slack import SlackMessage, WorkspaceMember
from bot.sandbox.world import World
from tests.contract.upgrade.emulators import run_bot
from tests.contract.upgrade.old import is_told, reads, window
from tests.contract.upgrade.old_code import BEFORE, ONE_WORKSPACE, check_out
from tests.support.postgres import Cluster, postgres

__all__ = ["postgres"]

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

SENDERS = 3
TEXT = "the database password: c0rrect-h0rse"


@dataclass(frozen=True)
class SideBySide:
    """Two processes on one database, and which of them Slack calls."""

    world: World
    by_name: dict[str, BotProcess]

    def call(self, name: str) -> None:
        self.world.workspace.connect_http(f"http://127.0.0.1:{self.by_name[name].port}/slack/events")

    async def share(self, sender: WorkspaceMember, to: WorkspaceMember) -> SlackMessage:
        """Through the window. Returns the sender's card."""
        before = len(cards(sender))
        await sender.command("/ots", "share")
        await sender.until(lambda: sender.view and sender.view.submit == "Share")
        await sender.submit(None, {"text1": TEXT, "to": [to.id]})
        await sender.until(lambda: sender.view and sender.view.title == "Shared")
        await sender.close()
        return await sender.until(lambda: next(iter(cards(sender)[before:]), None))

    def people(self, *names: str) -> list[WorkspaceMember]:
        return [self.world.workspace.person(f"U0{name.upper()}", name) for name in names]


def cards(sender: WorkspaceMember) -> list[SlackMessage]:
    return [one for one in sender.dm if "What you shared" in one.shows]


async def open_delivery(person: WorkspaceMember) -> None:
    """Press the button of the newest message that both versions know. Returns as soon as a window answers."""
    await person.until(lambda: any("one-time secret" in one.shows for one in person.dm))
    newest = next(one for one in reversed(person.dm) if "one-time secret" in one.shows)
    await person.click(newest, action_id="share_open")
    await person.until(lambda: person.view and "moment" not in person.view.text)


async def sees_text(person: WorkspaceMember) -> None:
    await open_delivery(person)
    await person.until(lambda: person.view and person.view.submit == "Show here")
    await person.submit(None)
    await person.until(lambda: person.view and person.view.secret_text() == TEXT)


@asynccontextmanager
async def side_by_side(url: str, old: dict[str, str]) -> AsyncIterator[SideBySide]:
    """The old process starts on its own schema, `migrate` of now runs beside it, then the new process starts."""
    world = World(settings={"DATABASE_URL": url, "WATCH_EVERY": "5"})
    await world.onetime.start()
    await world.workspace.start()
    before = BotProcess({**world.settings(), **old}, ("-m", "bot", "run"))
    try:
        code, said = await run_bot("migrate", **world.settings(), **old)
        assert code == 0, said
        await before.start()
        code, said = await run_bot("migrate", DATABASE_URL=url)  # without a key
        assert code == 0, said
        await world.start_bot()
        yield SideBySide(world, {"old": before, "new": world.bot})
    finally:
        await before.stop()
        await world.stop()


@pytest.fixture(scope="module", params=[BEFORE, ONE_WORKSPACE], ids=["0007", "0024"])
def old(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return check_out(tmp_path_factory.mktemp("old"), request.param)


async def test_what_either_shares_the_other_opens_and_burns(postgres: Cluster, old: dict[str, str]) -> None:
    async with side_by_side(postgres.new_database(), old) as both:
        for first, then in (("new", "old"), ("old", "new")):
            ada, ben, cleo = both.people(f"ada{first}", f"ben{first}", f"cleo{first}")
            both.call(first)
            for_ben, for_cleo = await both.share(ada, ben), await both.share(ada, cleo)
            both.call(then)

            await sees_text(ben)
            await ada.click(for_cleo, label="Burn")

            await reads(ada, for_ben, "opened by")
            await reads(ada, for_cleo, "burned")


async def test_what_is_asked_for_at_either_is_answered_at_the_other(postgres: Cluster, old: dict[str, str]) -> None:
    async with side_by_side(postgres.new_database(), old) as both:
        for first, then in (("new", "old"), ("old", "new")):
            ada, ben = both.people(f"ada{first}", f"ben{first}")
            both.call(first)
            await ada.command("/ots", f"request <@{ben.id}> the key")
            await window(ada, "Ask")
            await ada.submit(None, {})
            both.call(then)

            await ben.click(await is_told(ben, "asks you for a secret"), action_id="request_answer")
            await window(ben, "Share")
            await ben.submit(None, {"text1": TEXT})
            both.call(first)

            await sees_text(ada)


@pytest.mark.parametrize("old", [ONE_WORKSPACE], ids=["0024"], indirect=True)
async def test_while_people_share_an_upgrade_loses_nothing_and_doubles_nothing(
    postgres: Cluster, old: dict[str, str]
) -> None:
    """Slack's calls go to the new process as soon as it is ready. The old one then gets SIGTERM, and ends its work."""
    async with side_by_side(postgres.new_database(), old) as both:
        people = both.people(*(f"ada{number}" for number in range(SENDERS)))
        readers = both.people(*(f"ben{number}" for number in range(SENDERS)))
        both.call("old")
        shared = Counter[str]()
        ended = asyncio.Event()

        async def keep_sharing(sender: WorkspaceMember, to: WorkspaceMember) -> None:
            while not ended.is_set():
                await both.share(sender, to)
                shared[to.id] += 1

        async with asyncio.TaskGroup() as group:
            for pair in zip(people, readers, strict=True):
                group.create_task(keep_sharing(*pair))
            await people[0].until(lambda: len(shared) == SENDERS)
            both.call("new")
            assert await both.by_name["old"].stop() == 0
            already = shared.total()
            await people[0].until(lambda: shared.total() > already + SENDERS)
            ended.set()

        for reader in readers:
            await reader.until(functools.partial(has_secrets, reader, shared[reader.id]))
        assert {reader.id: len(secrets_for(reader)) for reader in readers} == shared


def has_secrets(reader: WorkspaceMember, count: int) -> bool:
    return len(secrets_for(reader)) >= count


def secrets_for(reader: WorkspaceMember) -> list[SlackMessage]:
    return [one for one in reader.dm if "one-time secret" in one.shows]
