"""What this process knows and the rows do not say: how old an escrow is, and what the database did not take.

A clock that jumps neither wipes a held secret early nor shows it late, and no secret is lost without a word. What was
shown while the disk was full has been shown.
"""

from __future__ import annotations

import contextlib

import pytest

from bot.errors import StorageUnavailable
from bot.features.retrieve.recovery import recover
from bot.message_ref import MessageRef
from bot.secret import Secret, SecretKey
from bot.storage.engine.database import POOL_SIZE, Database
from bot.storage.reveals.memory import RevealMemory
from bot.storage.reveals.recovery import InterruptedReveals
from bot.storage.reveals.store import Reveals
from bot.storage.tables import new_id
from tests.faults.model_clock import Clock
from tests.support.english import summary_of
from tests.support.services import make_services

HOST = "https://eu.onetimesecret.com"
KEY = SecretKey("secret-key-of-ada")
TEXT = Secret("what was secret")
MINUTE, DAY = 60, 86_400  # seconds

pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # nobody can set the clock of PostgreSQL here


class Holding:
    """A secret that is held for somebody who was told so, and the process that holds it."""

    def __init__(self, database, sealer, person) -> None:
        self.clock = Clock()  # that anybody can set
        self.steady = 0.0  # seconds that have passed
        self.clock.of_the_database(database._engine.sync_engine)
        memory = RevealMemory(clock=lambda: self.steady)
        self.person, self.ref = person, new_id()
        self.said: list[str] = []
        self.reveals = Reveals(database, sealer, memory=memory)
        self.services = make_services(
            database,
            sealer,
            reveals=self.reveals,
            interrupted_reveals=InterruptedReveals(database, sealer, memory=memory),
            send=self.send,
        )

    async def send(self, to, message, key):
        assert to == self.person
        self.said.append(summary_of(message))
        return MessageRef(to.team_id, "D0", str(len(self.said)))

    async def begin(self):
        await self.reveals.begin(self.person, self.ref, HOST, KEY)
        await self.reveals.claim(self.ref)
        await self.reveals.keep(await self.reveals.find(self.person, self.ref), TEXT)
        await self.reveals.mark_notified(self.ref)

    def pass_time(self, seconds):
        self.clock.move(seconds)
        self.steady += seconds

    async def recover(self):
        await recover(self.services, None)

    async def shown(self):
        return await self.reveals.read_escrow(self.person, self.ref)


@pytest.fixture
async def holding(database: Database, sealer, ada):
    held = Holding(database, sealer, ada)
    await held.begin()
    return held


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["ahead", "behind"])
async def test_a_clock_that_is_a_day_off_for_a_minute_loses_nothing(holding, jump):
    holding.pass_time(MINUTE)
    holding.clock.move(jump)
    await holding.recover()
    holding.clock.move(-jump)

    assert await holding.shown() == TEXT
    assert holding.said == []


@pytest.mark.parametrize("jump", [0, DAY, -DAY], ids=["right", "ahead", "behind"])
async def test_after_ten_minutes_it_is_not_shown_but_wiped_and_reported_whatever_the_clock_says(holding, jump):
    holding.clock.move(jump)
    holding.pass_time(11 * MINUTE)

    assert jump > 0 or await holding.shown() is None
    await holding.recover()

    (said,) = holding.said
    assert "lost" in said
    await holding.recover()
    assert len(holding.said) == 1


async def test_a_process_that_does_not_know_better_wipes_by_the_clock_and_says_so(holding, database, sealer):
    holding.services = make_services(database, sealer, send=holding.send)
    holding.clock.move(DAY)

    await holding.recover()

    (said,) = holding.said
    assert "lost" in said


async def test_what_was_held_while_the_clock_was_ahead_is_not_held_for_a_day(database, sealer, ada):
    holding = Holding(database, sealer, ada)
    holding.clock.move(DAY)
    await holding.begin()
    holding.clock.move(-DAY)
    assert await holding.shown() == TEXT

    holding.services = make_services(database, sealer, send=holding.send)
    await holding.recover()

    assert len(holding.said) == 1
    assert await Reveals(database, sealer).read_escrow(ada, holding.ref) is None


class DiskFull:
    """No write has an effect, until the disk has room again."""

    def __init__(self, database) -> None:
        self._database = database

    async def __aenter__(self):
        await self._cap("PRAGMA query_only = ON")

    async def __aexit__(self, *_):
        await self._cap("PRAGMA query_only = OFF")

    async def _cap(self, pragma):
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(POOL_SIZE):
                connection = await stack.enter_async_context(self._database.reading())
                await connection.exec_driver_sql(pragma)


@pytest.fixture
async def claimed(database: Database, sealer, ada):
    """Somebody's secret is being opened."""
    opening = Holding(database, sealer, ada)
    await opening.reveals.begin(ada, opening.ref, HOST, KEY)
    await opening.reveals.claim(opening.ref)
    return opening


@pytest.mark.parametrize(("end", "state"), [("mark_shown", "shown"), ("close", "over"), ("release", "ready")])
async def test_what_became_of_a_secret_while_the_disk_was_full_is_known(claimed, database, end, state):
    async with DiskFull(database):
        with pytest.raises(StorageUnavailable):
            await getattr(claimed.reveals, end)(claimed.ref)
        claimed.pass_time(5 * MINUTE)
        with pytest.raises(StorageUnavailable):
            await claimed.recover()
    assert claimed.said == []

    await claimed.recover()

    assert claimed.said == []
    assert (await claimed.reveals.find(claimed.person, claimed.ref)).state == state


async def test_what_nobody_knows_is_still_reported(claimed):
    claimed.pass_time(5 * MINUTE)

    await claimed.recover()

    (said,) = claimed.said
    assert "may have been opened" in said
