"""The row of an act: whatever the database does, the act goes on, and no error of it is lost or left unread."""

import asyncio
import gc
from typing import Any

import pytest

from bot.errors import StorageUnavailable
from bot.interaction.feature import Kind
from bot.person import Person
from bot.slack.act_record import ActRecord
from bot.slack.payloads import Incoming


class BusyActs:
    """The database is busy for a moment, and then it fails."""

    def __init__(self):
        self.left = []

    async def begin(self, _act):
        await asyncio.sleep(0.01)
        raise StorageUnavailable("busy")

    async def mark_window(self, *_what):
        raise AssertionError("there is no row")

    end = mark_window

    def leave(self, key):
        self.left.append(key)


@pytest.mark.parametrize(
    "go_on",
    [lambda one: one.end(), lambda one: one.leave(None), lambda one: one.leave("V1"), lambda one: one.leave_window("V1")],
    ids=["end", "leave", "leave in a window", "leave a window"],
)  # fmt: skip
async def test_an_act_that_is_not_recorded_comes_to_its_end(go_on):
    unread = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: unread.append(context))
    acts: Any = BusyActs()
    record = ActRecord(acts, incoming(), "share")

    assert await record.begin(at_once=True)
    await go_on(record)
    await asyncio.sleep(0.05)
    del record
    gc.collect()

    assert len(acts.left) == 1
    assert unread == []


def incoming():
    return Incoming(
        kind=Kind.ACTION, name="share", install_team="T1", person=Person(None, "T1", "U1"), idempotency_key="once"
    )
