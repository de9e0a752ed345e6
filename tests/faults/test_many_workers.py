"""Many workers on one PostgreSQL: each notification goes out once, and a worker that slept too long changes nothing."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import time
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import Table, insert

from bot.person import Person
from bot.sandbox.bot_process import BotProcess
from bot.sandbox.slack import SlackFault, SlackWorkspace, WorkspaceMember
from bot.secret import MetadataKey
from bot.storage.engine.database import Database
from bot.storage.sealing.keyring import KeyRing
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import new_id, notifications, owner, tracked, watches
from bot.storage.tracking.changes import notification_of_tracked
from bot.storage.tracking.rows import NewTracked, TrackedRows, WatchRef
from tests.faults.crashing import Crashing, said
from tests.faults.test_notification_sweep import Telling, killed_at
from tests.support.postgres import new_postgres_url, postgres
from tests.support.waiting import eventually

__all__ = ["new_postgres_url", "postgres"]

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

LAUNCHER = Path(__file__).with_name("forked_workers.py")
HOST = "http://127.0.0.1:9"  # nobody is there; nothing is to be asked either
MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WORKERS, PEOPLE, EACH = 8, 500, 2
NOT_YET = 600.0  # seconds from now: longer than a test, and no longer than anything is ever put off
STEPS = ("polled", "poll_written", "notification_posted")
NOW = "extract(epoch FROM clock_timestamp())"


class Crew:
    """Workers on a database of their own, and the Slack that they talk to."""

    def __init__(self, url: str, workspace: SlackWorkspace) -> None:
        self.workspace = workspace
        key = f"k1:{urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip('=')}"
        self._url = url
        self._db = Database.open(url)
        self._sealer = Sealer(KeyRing.read(key))
        self._rows = TrackedRows(self._sealer)
        settings = {
            "SLACK_BOT_TOKEN": workspace.bot_token,
            "SLACK_SIGNING_SECRET": workspace.signing_secret,
            "SLACK_API_URL": workspace.api_url,
            "DATABASE_URL": url,
            "ENCRYPTION_KEYS": key,
            "ONETIME_HOSTS": HOST,
        }
        self._process = BotProcess(settings, (str(LAUNCHER), str(WORKERS)))

    async def start(self) -> None:
        await self._process.start()
        await eventually(lambda: len(self._said("ready")) == WORKERS)

    async def stop(self) -> None:
        self.signal(signal.SIGCONT, *self.pids)
        await self._process.stop()
        await self._db.close()

    @property
    def pids(self) -> list[int]:
        return [event["pid"] for event in self._said("forked")]

    def signal(self, which: signal.Signals, *pids: int) -> None:
        for pid in pids:
            os.kill(pid, which)

    def events(self) -> Counter[str]:
        """What the workers logged, to be read where a test fails."""
        said_so = (said(line) for line in self._process.output.splitlines())
        return Counter(f"{one.get('event')} {one.get('error', '')}".strip() for one in said_so if one)

    def _said(self, event: str) -> list[dict[str, Any]]:
        return [one for one in map(said, self._process.output.splitlines()) if one.get("event") == event]

    async def news(self, people: Sequence[WorkspaceMember], each: int) -> None:
        """So many secrets of each person were opened, which nobody is to be told yet. Before `start`."""
        rows: dict[Table, list[dict[str, Any]]] = {watches: [], tracked: [], notifications: []}
        now = time.time()
        for member in people:
            person = Person(None, self.workspace.state.team_id, member.id)
            whose = WatchRef(new_id(), person, HOST)
            watch = {"id": whose.watch_id, **owner(person), "host": HOST, "everything": False, "refused": 0}
            rows[watches].append(watch | {"created_at": now})
            for _ in range(each):
                opened = NewTracked(MetadataKey(secrets.token_hex(16)), MADE, state="received")
                row = self._rows.encrypt(person, HOST, whose.watch_id, opened, {}, now, sealer=self._sealer)
                rows[tracked].append(row)
                rows[notifications].append(
                    notification_of_tracked(whose, "received", now, row["id"]) | {"due_at": now + NOT_YET}
                )
        async with self._db.writing() as connection:
            for table, values in rows.items():
                await connection.execute(insert(table), values)

    def tell(self, *people: WorkspaceMember) -> None:
        """They are to be told from now on."""
        self.query(
            "UPDATE notifications SET due_at = 0 WHERE user_id = ANY(%s) RETURNING id", [one.id for one in people]
        )

    async def are_told(self, *people: WorkspaceMember) -> None:
        waiting = "SELECT count(*) FROM notifications WHERE user_id = ANY(%s) AND sent_at IS NULL"
        await eventually(lambda: self.query(waiting, [one.id for one in people]) == [(0,)], every=0.2)

    def posts(self) -> Counter[str]:
        """How often each message id was sent."""
        sent = self.workspace.export()
        return Counter(one.payload["client_msg_id"] for one in sent if one.method == "chat.postMessage")

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._url, autocommit=True) as connection:
            return connection.execute(statement.encode(), values).fetchall()


@pytest_asyncio.fixture(loop_scope="module")
async def workspace() -> AsyncIterator[SlackWorkspace]:
    started = SlackWorkspace()
    await started.start()
    yield started
    await started.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def crew(new_postgres_url: Callable[[], str], workspace: SlackWorkspace) -> AsyncIterator[Crew]:
    made = Crew(new_postgres_url(), workspace)
    yield made
    await made.stop()


def people_of(workspace: SlackWorkspace, number: int) -> list[WorkspaceMember]:
    return [workspace.person(f"U{one:010}", f"person{one}") for one in range(number)]


@pytest.mark.slow
async def test_eight_workers_send_each_of_a_thousand_notifications_once(crew: Crew) -> None:
    people = people_of(crew.workspace, PEOPLE)
    await crew.news(people, EACH)
    await crew.start()

    began = time.monotonic()
    crew.tell(*people)
    await crew.are_told(*people)

    print(f"{PEOPLE * EACH} notices by {WORKERS} workers in {time.monotonic() - began:.1f} s")
    assert Counter(crew.posts().values()) == {1: PEOPLE * EACH}, crew.events()
    assert [len(member.dm) for member in people] == [EACH] * PEOPLE


async def test_a_worker_that_was_stopped_past_its_lease_changes_nothing_when_it_goes_on(crew: Crew) -> None:
    ada, ben = people_of(crew.workspace, 2)
    await crew.news([ada, ben], 1)
    await crew.start()
    slow, other, *rest = crew.pids
    crew.signal(signal.SIGSTOP, other, *rest)
    hangs = crew.workspace.plan("chat.postMessage", SlackFault.hang())
    crew.tell(ada)
    await crew.workspace.wait_for_call("chat.postMessage")

    crew.signal(signal.SIGSTOP, slow)
    crew.query("UPDATE notifications SET lease_until = 0 WHERE lease IS NOT NULL RETURNING id")  # so long it is stopped
    crew.signal(signal.SIGCONT, other)
    await crew.are_told(ada)
    marked = crew.query("SELECT * FROM notifications WHERE user_id = %s", ada.id)
    crew.signal(signal.SIGSTOP, other)
    hangs.release()
    crew.signal(signal.SIGCONT, slow)
    crew.tell(ben)
    await crew.are_told(ben)  # by the slow one, which has nothing left to do for the first

    assert crew.query("SELECT * FROM notifications WHERE user_id = %s", ada.id) == marked
    assert (len(ada.dm), len(ben.dm)) == (2, 1)  # both workers had posted when the first was stopped
    assert sorted(crew.posts().values()) == [1, 2]


# --- killed at a step, on PostgreSQL, where the leases of the dead have to run out


class CrashingOnPostgres(Crashing):
    """`Crashing` on a database that is not a file."""

    def __init__(self, control: Path, url: str, **settings: str) -> None:
        super().__init__(control, DATABASE_URL=url, **settings)
        self._url = url

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._url, autocommit=True) as connection:
            statement = statement.replace("(julianday('now') - 2440587.5) * 86400", NOW)
            return connection.execute(statement.encode()).fetchall()


@pytest.mark.slow
async def test_killed_at_any_step_the_sender_is_told_once_by_whoever_comes_after_the_lease(
    new_postgres_url: Callable[[], str], tmp_path: Path
) -> None:
    async def told(step: str) -> tuple[int, int]:
        async with CrashingOnPostgres(tmp_path / step, new_postgres_url(), WATCH_EVERY="5") as crashing:
            telling: Telling = await killed_at(crashing, step)
            return len(telling.told), len(telling.ids)

    found = await asyncio.gather(*map(told, STEPS))

    assert dict(zip(STEPS, found, strict=True)) == dict.fromkeys(STEPS, (1, 1)) | {"notification_posted": (2, 1)}
