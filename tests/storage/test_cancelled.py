"""A task that is cancelled while it uses the database ends there, and keeps nothing that others wait for.

The bot cancels such tasks when it stops and when time is up. Each await of a transaction is tried, once before the
driver has answered and once when its answer is there but was not read yet.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine, Generator
from typing import Any

import pytest
from sqlalchemy import func, select, text

from bot.storage.engine.database import Database
from bot.storage.engine.sqlite import BUSY_TIMEOUT
from bot.storage.tables import key_checks

ROW = {"sealed": b"x", "created_at": 0.0}
MOST = 100  # awaits of one transaction


class CancelledAt:
    """Runs a coroutine, and cancels the task that runs it at one of its awaits."""

    def __init__(self, job: Coroutine[Any, Any, None], number: int, *, when_done: bool) -> None:
        self._job = job
        self._number = number
        self._when_done = when_done
        self.seen = 0

    def __await__(self) -> Generator[Any, Any, None]:
        steps = self._job.__await__()
        awaited = next(steps, None)
        while awaited is not None:
            self._look_at(awaited)
            try:
                value = yield awaited
            except BaseException as error:  # noqa: BLE001 - the coroutine gets what its task gets
                awaited = self._next(steps.throw, error)
            else:
                awaited = self._next(steps.send, value)

    def _look_at(self, awaited: asyncio.Future[Any]) -> None:
        self.seen += 1
        task = asyncio.current_task()
        assert task is not None
        if self.seen == self._number and self._when_done:
            awaited.add_done_callback(lambda _: task.cancel())  # before the task hears of it
        elif self.seen == self._number:
            task.cancel()

    @staticmethod
    def _next(step, value):
        try:
            return step(value)
        except StopIteration:
            return None

    async def run(self) -> None:
        await self


async def write(db: Database, kid: str) -> None:
    async with db.writing() as connection:
        await connection.execute(key_checks.insert().values(kid=kid, **ROW))
        await connection.scalar(select(func.count()).select_from(key_checks))
        await connection.execute(key_checks.insert().values(kid=f"{kid}.").returning(key_checks.c.kid), ROW)
    await db.checkpoint()


async def read(db: Database, _kid: str) -> None:
    async with db.reading() as connection:
        await connection.execute(select(key_checks))


@pytest.fixture
def _collected() -> Generator[None, None, None]:
    yield
    gc.collect()  # within the test that expects the warning


# A connection that nobody waits for any more when it is made is closed by the garbage collector: it did nothing yet.
@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
@pytest.mark.usefixtures("_collected")
@pytest.mark.parametrize("when_done", [False, True], ids=["under way", "done"])
@pytest.mark.parametrize("job", [write, read])
@pytest.mark.parametrize("is_first", [True, False], ids=["new connection", "pooled connection"])
async def test_a_cancelled_task_ends_and_holds_nothing(url, job, when_done, is_first):
    tasks = []  # a task keeps its error, the error its frames, and those what the driver gave them
    for number in range(1, MOST):
        db = Database.open(url)
        if not is_first:
            await write(db, f"{number} earlier")
        cancelled = CancelledAt(job(db, f"{number}"), number, when_done=when_done)
        tasks.append(asyncio.create_task(cancelled.run()))
        await asyncio.wait(tasks)
        if cancelled.seen < number:
            break

        assert tasks[-1].cancelled(), f"await {number} kept the cancellation to itself"
        await write(db, f"{number} later")  # refused as busy if something still has the lock
        async with db.reading() as connection:
            kids = set((await connection.execute(select(key_checks.c.kid))).scalars())
            if db.is_sqlite:
                assert await connection.scalar(text("PRAGMA busy_timeout")) == BUSY_TIMEOUT
        assert (str(number) in kids) == (f"{number}." in kids)  # all of the transaction or nothing
        await db.close()

    assert 5 < number < MOST - 1
    await db.close()
