"""The bot's watching half as a process that can be killed, without being one: real storage, client, watcher, notifier.

A process that is killed writes nothing more and says nothing more. Here that is enforced at its two doors, the
database and Slack; what was made of it is then thrown away, and another one opens the same file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self, TypeVar

import aiosqlite.core
import pytest
from sqlalchemy import event

from bot import failpoints
from bot.interaction.services import Send, Update
from bot.onetime.client import Onetime
from bot.onetime.links import Hosts
from bot.storage.engine.database import Database
from bot.storage.leases import free_leases
from bot.storage.notifications import Notifications
from bot.storage.sealing.sealer import Sealer
from bot.storage.tracking.polls import Polls
from bot.watch.notifier import Notifier
from bot.watch.watcher import Watcher
from tests.faults.model_clock import Clock
from tests.support.services import make_services

EVERY = 20.0  # seconds: WATCH_EVERY
PATIENCE = 0.2  # real seconds

At = str | int  # the step of that name, or how many steps and statements from now

T = TypeVar("T")

_within: ContextVar[Process | None] = ContextVar("within", default=None)


class Killed(BaseException):
    """Not an Exception: nothing of the bot may go on after it."""


class Process:
    """One process of the bot. It knows only one host. `onetime` outlives it: to make one takes a tenth of a second.

    `alone`: as on SQLite, where what is leased at the start nobody holds.
    """

    def __init__(self, file: Path, sealer: Sealer, clock: Clock, host: str, onetime: Onetime) -> None:
        self.db = Database.open(f"sqlite:///{file}")
        engine = self.db._engine.sync_engine
        clock.of_the_database(engine)
        event.listen(engine, "connect", _spare_the_disk)
        event.listen(engine, "before_cursor_execute", lambda *_: self.passes())
        event.listen(engine, "commit", lambda *_: self.passes())
        hosts = Hosts([host], host)
        hosts.all = (hosts.default,)
        self.services = make_services(self.db, sealer, onetime=onetime, hosts=hosts)
        self.sealer = sealer
        self._kill_at: At | None = None
        self._killed = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self, send: Send, update: Update, *, alone: bool) -> Self:
        self.services = replace(self.services, send=send, update=update)
        self.polls = Polls(self.db, self.sealer)
        self.watcher = Watcher(self.services, self.polls, EVERY)
        self.notifier = Notifier(self.services, Notifications(self.db, self.sealer))
        if alone:
            await free_leases(self.db)
        return self

    # --- dying

    def kill_at(self, place: At | None) -> None:
        self._kill_at = place

    def passes(self, step: str | None = None) -> None:
        """Called wherever it may be killed. Raises `Killed` there, and everywhere once it is."""
        if isinstance(self._kill_at, int):
            self._kill_at -= 1
        if self._kill_at in (0, step) and self._kill_at is not None:
            self._killed.set()
        if self._killed.is_set():
            raise Killed

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do this as the process. Raises `Killed` if it is killed meanwhile, after which it is gone."""
        token = _within.set(self)
        try:
            doing = asyncio.ensure_future(work())
            dying = asyncio.ensure_future(self._killed.wait())
        finally:
            _within.reset(token)
        await asyncio.wait({doing, dying}, return_when=asyncio.FIRST_COMPLETED)
        dying.cancel()
        if self._killed.is_set():
            await self.end()
            raise Killed
        return await doing

    async def end(self) -> None:
        """It is no more; what it was at is left as it is."""
        self._killed.set()
        closing = {task for task in self._tasks if _closes_a_connection(task)}
        await _ended(self._tasks - closing)
        if self._tasks:  # now they may all close connections, and two that close the same one wait for ever
            await asyncio.wait(self._tasks, timeout=PATIENCE)
        await _ended(self._tasks)
        await self.db.close()

    def owns(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # it is looked at, or asyncio complains that nobody did


def _spare_the_disk(connection: Any, _record: object) -> None:
    """It is the process that dies here, not the machine."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()


async def _ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    tasks = set(tasks)
    while tasks:
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=PATIENCE)


def _closes_a_connection(task: asyncio.Task[Any]) -> bool:
    """SQLAlchemy's own task for that, which nobody is meant to cancel."""
    work = task.get_coro()
    return work is not None and "/sqlalchemy/" in work.cr_code.co_filename


@contextmanager
def processes(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """While this lasts, what a `Process` starts on this loop dies with it, and it can be killed at `bot.failpoints`.

    And SQLite's statements are made here and now, not in a thread of each connection: a thousand examples would
    spend most of their time waiting for threads, and differ each time.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(failpoints, "hook", _pass)
        patch.setattr(aiosqlite.core, "SimpleQueue", _HereAndNow)
        patch.setattr(aiosqlite.core, "Thread", lambda **_: SimpleNamespace(start=lambda: None))
        before = loop.get_task_factory()
        loop.set_task_factory(_task)
        yield
        loop.set_task_factory(before)


class _HereAndNow:
    """What aiosqlite puts its work into."""

    def put_nowait(self, item: tuple[asyncio.Future[Any], Callable[[], Any]]) -> None:
        future, work = item
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001 - it goes to who waits for it
            future.set_exception(error)


def _pass(step: str) -> None:
    if process := _within.get():
        process.passes(step)


def _task(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
    task = asyncio.Task(work, loop=loop, **more)
    if process := _within.get():
        process.owns(task)
    return task
