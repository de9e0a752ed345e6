"""The watcher against real servers on loopback: who waits for whom, what a stop leaves behind, how long a lease holds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.onetime.client import Onetime
from bot.onetime.links import Hosts
from bot.person import Person
from bot.sandbox.onetime import OnetimeFault, OnetimeServer, SecretSnapshot
from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage.accounts import Accounts
from bot.storage.engine.database import Database, migrate, now
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import key_calls, notifications, tracked, watches
from bot.storage.tracking.polls import Polls
from bot.storage.tracking.rows import OpenRow, Tracked, Watch
from bot.storage.tracking.store import Tracking
from bot.watch import host_poller, lease_renewer
from bot.watch.circuit_breaker import MAX_FAILURES
from bot.watch.unchanged import MAX_AGE
from bot.watch.watcher import Watcher
from tests.support.services import make_services
from tests.support.waiting import BUSY, PATIENCE

ADA = Person(None, "T0000001", "U0000ADA")
EMAIL, TOKEN = "ada@example.com", "token-of-ada-0123456789"
EVERY = 20.0  # seconds
LIST, ONE = "/api/v1/private/recent", "/api/v1/private/{key}"


class Watching:
    """A watcher on a SQLite file, and the hosts that it may ask."""

    def __init__(self, db: Database, *servers: OnetimeServer, sealer: Sealer | None = None) -> None:
        sealer = sealer or Sealer(KeyRing.read(generate_line("k1")))
        self.db = db
        self.tracking = Tracking(db, sealer)
        self.accounts = Accounts(db, sealer)
        self.onetime = Onetime(deadline=PATIENCE, tries=1)
        hosts = Hosts([one.url for one in servers])
        self.services = make_services(
            db, sealer, onetime=self.onetime, hosts=hosts, accounts=self.accounts, tracking=self.tracking
        )
        self.watcher = Watcher(self.services, Polls(db, sealer), EVERY)

    async def track(self, server: OnetimeServer, one: SecretSnapshot, person: Person = ADA) -> Tracked:
        made_at = datetime.fromtimestamp(one.created, UTC)
        row, _ = await self.tracking.track(
            person, server.url, MetadataKey(one.metadata_key), made_at=made_at,
            expires_at=made_at + timedelta(seconds=one.ttl),
        )  # fmt: skip
        return row

    async def state(self, row: Tracked) -> str:
        return (await self.tracking.find(row.person, row.id)).state

    async def rows(self, table):
        async with self.db.reading() as connection:
            return (await connection.execute(select(table))).all()

    async def all_due(self) -> None:
        async with self.db.writing() as connection:
            await connection.execute(update(watches).where(watches.c.lease.is_(None)).values(next_poll_at=now))

    async def forget_asked(self) -> None:
        """Every secret is due to be asked for by key, as if its time had come."""
        async with self.db.writing() as connection:
            await connection.execute(update(key_calls).values(asked_at="{}"))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.watcher.run())
        try:
            yield
        finally:
            self.watcher.stop()
            await asyncio.wait_for(task, PATIENCE)


async def until(holds: Callable[[], Awaitable[bool]], within: float = PATIENCE) -> None:
    async with asyncio.timeout(within):
        while not await holds():  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path}/bot.db"
    await asyncio.to_thread(migrate, url)
    opened = Database.open(url)
    yield opened
    await opened.close()


@pytest.fixture
async def server() -> AsyncIterator[OnetimeServer]:
    async with OnetimeServer() as started:
        started.add_account(EMAIL, TOKEN)
        yield started


@pytest.fixture
async def other() -> AsyncIterator[OnetimeServer]:
    async with OnetimeServer() as started:
        yield started


@pytest.fixture
async def watching(db: Database, server: OnetimeServer, other: OnetimeServer) -> AsyncIterator[Watching]:
    made = Watching(db, server, other)
    yield made
    await made.onetime.aclose()


async def test_a_host_that_hangs_delays_nobody_elsewhere(watching, server, other, monkeypatch):
    monkeypatch.setattr(host_poller, "FINISH_TIME", 0.1)
    server.plan(ONE, OnetimeFault("hang"), None)
    for number in range(3):
        await watching.track(server, server.share(None, "text"), Person(None, "T0000001", f"U{number}"))
    held_elsewhere = other.share(None, "text")
    row = await watching.track(other, held_elsewhere)
    other.open_as_outsider(held_elsewhere.secret_key)

    async with watching.running():
        await asyncio.wait_for(server.wait_for_call(ONE, times=3), PATIENCE)
        await until(lambda: is_state(watching, row, "received"))

        assert len([row for row in await watching.rows(watches) if row.lease]) == 3


async def is_state(watching: Watching, row: Tracked, state: str) -> bool:
    return await watching.state(row) == state


async def test_who_is_slow_keeps_no_place_from_others_of_the_same_host(watching, server, monkeypatch):
    """A poll that ends makes room at once: nobody waits for the slowest of a batch."""
    monkeypatch.setattr(host_poller, "MAX_WAITING", 8)
    monkeypatch.setattr(host_poller, "CLAIM_BATCH", 4)
    monkeypatch.setattr(host_poller, "FINISH_TIME", 0.1)
    server.plan(
        LIST, OnetimeFault("hang"), None
    )  # only who has an account is asked for a list: requests overtake each other
    await watching.accounts.connect(ADA, server.url, Secret(EMAIL), Secret(TOKEN))
    slow = await watching.track(server, server.share(EMAIL, "text"))
    quick = [server.share(None, "text") for _ in range(20)]
    rows = [await watching.track(server, one, Person(None, "T0000001", f"U{n}")) for n, one in enumerate(quick)]
    for one in quick:
        server.open_as_outsider(one.secret_key)

    async with watching.running():
        await until(lambda: all_received(watching, rows))

        assert len([row for row in await watching.rows(watches) if row.lease]) == 1

    assert await watching.state(slow) == "new"


async def all_received(watching: Watching, rows: list[Tracked]) -> bool:
    ids = {row.id for row in rows}
    return {row.state for row in await watching.rows(tracked) if row.id in ids} == {"received"}


async def test_a_stop_gives_back_what_still_waits_for_its_host(watching, server, monkeypatch):
    monkeypatch.setattr(host_poller, "FINISH_TIME", 0.2)
    server.plan(ONE, OnetimeFault("hang"), None)
    await watching.track(server, server.share(None, "text"))

    began = time.monotonic()
    async with watching.running():
        await asyncio.wait_for(server.wait_for_call(ONE), PATIENCE)
        began = time.monotonic()

    (row,) = await watching.rows(watches)
    assert time.monotonic() - began < 0.2 + BUSY
    assert (row.lease, row.lease_until) == (None, None)
    assert row.next_poll_at <= time.time()


async def test_a_stop_lets_what_is_quick_end(watching, server):
    one = server.share(None, "text")
    row = await watching.track(server, one)
    server.open_as_outsider(one.secret_key)
    server.plan(ONE, OnetimeFault("delay", seconds=0.5), None)

    async with watching.running():
        await asyncio.wait_for(server.wait_for_call(ONE), PATIENCE)

    assert await watching.state(row) == "received"
    assert [one.kind for one in await watching.rows(notifications)] == ["received"]


async def test_a_poll_that_takes_longer_than_its_lease_keeps_it(watching, server, monkeypatch):
    monkeypatch.setattr(lease_renewer, "LEASE", 2.0)
    monkeypatch.setattr(host_poller, "LEASE", 2.0)
    monkeypatch.setattr(lease_renewer, "RENEW_INTERVAL", 0.1)
    one = server.share(None, "text")
    row = await watching.track(server, one)
    server.open_as_outsider(one.secret_key)
    hang = OnetimeFault("hang")
    server.plan(ONE, hang, None)

    async with watching.running():
        await asyncio.wait_for(server.wait_for_call(ONE), PATIENCE)
        first = await leased_until(watching)
        await until(lambda: is_renewed(watching, first + 2.5))
        hang.release()
        await until(lambda: is_state(watching, row, "received"))

    assert len(server.calls) == 1


async def leased_until(watching: Watching) -> float:
    (row,) = await watching.rows(watches)
    assert row.lease_until is not None
    return float(row.lease_until)


async def is_renewed(watching: Watching, until: float) -> bool:
    return await leased_until(watching) > until


async def test_a_host_that_is_down_is_not_called_and_its_accounts_wait_unchanged(watching, server):
    server.plan(ONE, OnetimeFault("html"), None)
    for number in range(MAX_FAILURES + 3):
        await watching.track(server, server.share(None, "text"), Person(None, "T0000001", f"U{number}"))

    async with watching.running():
        await asyncio.wait_for(server.wait_for_call(ONE, times=MAX_FAILURES), PATIENCE)
        await until(lambda: nobody_polls(watching))
        asked = len(server.calls)
        await watching.all_due()
        before = await watching.rows(watches)

        await asyncio.sleep(2 * host_poller.IDLE_INTERVAL)

        assert await watching.rows(watches) == before
        assert len(server.calls) == asked <= MAX_FAILURES + 3
    assert {row.state for row in await watching.rows(tracked)} == {"new"}


async def nobody_polls(watching: Watching) -> bool:
    return not any(row.lease for row in await watching.rows(watches))


async def test_a_host_that_is_not_allowed_any_more_is_not_asked(db, server, other):
    before = Watching(db, server, other)
    await before.track(other, other.share(None, "text"))

    after = Watching(db, server)
    assert not await after.watcher.run_once()

    assert other.calls == []


async def test_an_account_is_asked_once_with_its_own_name_for_all_it_has(watching, server):
    await watching.accounts.connect(ADA, server.url, Secret(EMAIL), Secret(TOKEN))
    made = [server.share(EMAIL, "text") for _ in range(20)]
    rows = [await watching.track(server, one) for one in made]
    server.open_as_outsider(made[3].secret_key)

    assert await watching.watcher.run_once()

    assert [call.route for call in server.calls] == [LIST]
    assert [row.id for row in rows if await watching.state(row) != "new"] == [rows[3].id]
    assert not await watching.watcher.run_once()


async def test_an_unchanged_poll_is_written_without_touching_a_secret(watching, server):
    await watching.track(server, server.share(None, "text"))
    before = await watching.rows(tracked)

    assert await watching.watcher.run_once()

    (row,) = await watching.rows(watches)
    assert await watching.rows(tracked) == before
    assert row.lease is None
    assert 10 < row.next_poll_at - time.time() < 30


async def test_what_is_found_while_everything_is_watched_gets_one_card_and_what_was_there_none(watching, server):
    await watching.accounts.connect(ADA, server.url, Secret(EMAIL), Secret(TOKEN))
    server.move_clock(-3600)
    server.share(EMAIL, "made before")
    server.move_clock(3600)
    await watching.tracking.watch_everything(ADA, server.url, on=True)
    await watching.watcher.run_once()

    server.share(EMAIL, "made since")
    for _ in range(2):
        await watching.all_due()
        await watching.watcher.run_once()

    assert len(await watching.rows(tracked)) == 2
    assert [row.kind for row in await watching.rows(notifications)] == ["card"]


async def test_a_great_many_secrets_are_taken_in_a_few_at_a_time(watching, server, monkeypatch):
    monkeypatch.setattr(host_poller, "MAX_NEW_PER_POLL", 5)
    await watching.accounts.connect(ADA, server.url, Secret(EMAIL), Secret(TOKEN))
    for _ in range(12):
        server.share(EMAIL, "text")
    await watching.tracking.watch_everything(ADA, server.url, on=True)

    counts = []
    while await watching.watcher.run_once():
        counts.append(len(await watching.rows(tracked)))

    assert counts == [5, 10, 12]


# --- an account whose list says what it said before


@pytest.fixture
async def polled_secret(watching: Watching, server: OnetimeServer) -> Tracked:
    """A tracked secret of an account that was polled once, with nothing new."""
    await watching.accounts.connect(ADA, server.url, Secret(EMAIL), Secret(TOKEN))
    row = await watching.track(server, server.share(EMAIL, "text"))
    await watching.watcher.run_once()
    return row


async def poll_again(watching: Watching) -> list[str]:
    """The kinds of all notifications after the next poll."""
    await watching.all_due()
    assert await watching.watcher.run_once()
    return [row.kind for row in await watching.rows(notifications)]


def later(monkeypatch: pytest.MonkeyPatch, server: OnetimeServer, seconds: float) -> None:
    """The clocks of the watcher and of the host."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + seconds)
    server.move_clock(seconds)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The watches whose rows were read."""
    ids: list[str] = []
    rows_of = Polls.open_rows

    async def counted(self: Polls, claimed: list[Watch]) -> dict[str, list[OpenRow]]:
        ids.extend(one.id for one in claimed)
        return await rows_of(self, claimed)

    monkeypatch.setattr(Polls, "open_rows", counted)
    return ids


async def test_what_is_the_same_again_is_not_read_again(watching, server, polled_secret, read):
    read.clear()
    server.move_clock(5)  # what counts down says something else

    assert await poll_again(watching) == []

    assert read == []
    assert [call.route for call in server.calls] == [LIST, LIST]


async def test_what_becomes_of_a_secret_is_found_after_any_number_of_unchanged_polls(watching, server, polled_secret):
    for _ in range(3):
        assert await poll_again(watching) == []
    server.open_as_outsider(server.find_secret(polled_secret.key.reveal()).secret_key)

    assert await poll_again(watching) == ["received"]
    assert await poll_again(watching) == ["received"]


async def test_what_no_list_names_is_asked_for_each_time(watching, server, polled_secret, monkeypatch):
    elsewhere = server.share(None, "of somebody else")
    await watching.track(server, elsewhere)
    for _ in range(2):
        assert await poll_again(watching) == []
        later(monkeypatch, server, EVERY)
        await watching.forget_asked()
    server.open_as_outsider(elsewhere.secret_key)

    assert await poll_again(watching) == ["received"]


async def test_what_is_asked_for_one_by_one_is_asked_for_at_its_own_pace(watching, server, polled_secret):
    await watching.track(server, server.share(None, "of somebody else"))
    for _ in range(5):
        assert await poll_again(watching) == []

    assert [call.route for call in server.calls].count(ONE) == 1


async def test_a_watch_that_was_woken_for_an_opened_secret_asks_for_it_at_once(watching, server):
    one = server.share(None, "text")
    made_at, key = datetime.fromtimestamp(one.created, UTC), SecretKey(one.secret_key)
    await watching.tracking.track(
        ADA, server.url, MetadataKey(one.metadata_key), made_at=made_at, expires_at=None, secret_key=key
    )
    assert await poll_again(watching) == []
    server.open_as_outsider(one.secret_key)

    await watching.tracking.mark_opened(Person(None, "T0000001", "U000BEN"), server.url, key)
    await watching.watcher.run_once()

    assert [row.kind for row in await watching.rows(notifications)] == ["received"]


async def test_what_was_opened_before_it_was_tracked_is_found_in_a_list_that_never_changed(
    watching, server, polled_secret
):
    other = server.share(EMAIL, "text")
    server.open_as_outsider(other.secret_key)
    assert await poll_again(watching) == []

    await watching.track(server, other)

    assert await poll_again(watching) == ["received"]


async def test_everything_is_watched_from_the_moment_on_that_it_is_wanted(watching, server, polled_secret):
    server.share(EMAIL, "not tracked")
    assert await poll_again(watching) == []

    await watching.tracking.watch_everything(ADA, server.url, on=True)
    await watching.watcher.run_once()

    assert len(await watching.rows(tracked)) == 2


async def test_a_secret_that_was_stopped_has_no_more_polls(watching, server, polled_secret):
    await watching.tracking.stop(ADA, polled_secret.id)
    await poll_again(watching)

    (row,) = await watching.rows(watches)
    assert row.next_poll_at is None


@pytest.mark.parametrize(("part", "news"), [(0.5, []), (0.86, ["reminder"]), (1.01, ["expired"])])
async def test_the_clock_brings_news_of_a_list_that_never_changed(
    watching, server, polled_secret, monkeypatch, part, news
):
    monkeypatch.setattr(host_poller, "MAX_AGE", 1e9)
    life = (polled_secret.expires_at - polled_secret.made_at).total_seconds()
    later(monkeypatch, server, 1)
    assert await poll_again(watching) == []

    later(monkeypatch, server, life * part)

    assert await poll_again(watching) == news


async def test_what_expires_while_its_host_is_asked_is_asked_for_again_at_once(watching, server):
    """The answer was made before the end, so it says nothing of it. By the age alone the next poll is 20 s later."""
    row = await watching.track(server, server.share(None, "text", ttl=2))
    slow = OnetimeFault("hang after")
    server.plan(ONE, slow)
    polling = asyncio.create_task(watching.watcher.run_once())
    await asyncio.wait_for(server.wait_for_call(ONE), PATIENCE)
    await asyncio.sleep(row.expires_at.timestamp() - time.time())
    slow.release()
    await polling

    (watch,) = await watching.rows(watches)
    assert watch.next_poll_at - time.time() < EVERY / 2
    assert await poll_again(watching) == ["expired"]


async def test_rows_are_compared_now_and_then_all_the_same(watching, server, polled_secret, read, monkeypatch):
    read.clear()
    later(monkeypatch, server, MAX_AGE + 1)

    assert await poll_again(watching) == []

    assert read == [polled_secret.watch_id]
