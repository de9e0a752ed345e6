"""Somebody left the workspace: their token is used no longer, and what belongs to them is erased."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from bot.errors import SlackError
from bot.person import Person
from bot.sandbox.world import World
from bot.slack.departed import ASK_AGAIN, DepartedPeople
from tests.journeys.conftest import EMAIL, TOKEN, connect
from tests.support.share_window import submit_share
from tests.support.waiting import eventually

ADA, BEN = (Person(None, "T1", f"U0{name}") for name in ("ADA", "BEN"))
THEIRS = (
    "accounts",
    "button_contexts",
    "watches",
    "tracked",
    "notifications",
    "reveals",
    "preferences",
    "share_choices",
    "limit_uses",
)


async def shares_with(ada, ben):
    await ada.command("/ots", "share")
    await ada.until(lambda: ada.view and ada.view.submit == "Share")
    await submit_share(ada, ada.view, {"text1": "what was shared", "to": [ben.id]})
    await ada.until(lambda: ada.view.title == "Shared")
    await ada.close()


def rows_of(world, user):
    with closing(sqlite3.connect(world.directory / "bot.db", timeout=10)) as connection:
        count = "SELECT count(*) FROM {} WHERE user_id = ?"
        return sum(connection.execute(count.format(table), [user]).fetchone()[0] for table in THEIRS)


async def test_what_belongs_to_somebody_who_left_is_erased_and_what_they_shared_stays():
    async with World() as world:
        world.onetime.add_account(EMAIL, TOKEN)
        ada, ben = (world.workspace.person(f"U0{name.upper()}", name) for name in ("ada", "ben"))
        await connect(ada)
        await connect(ben)
        await shares_with(ada, ben)
        await world.bot.stop()
        ada.person.deleted = True
        before = rows_of(world, ben.id)

        await world.start_bot()

        await eventually(lambda: rows_of(world, ada.id) == 0)
        assert rows_of(world, ben.id) == before
        await ben.click(action_id="share_open")
        await ben.until(lambda: ben.view and ben.view.submit == "Show here")
        await ben.submit()
        await ben.until(lambda: ben.view.secret_text() == "what was shared")


class FakePeople:
    def __init__(self):
        self.everybody = [ADA, BEN]
        self.erased = []

    async def not_known_to_have_left(self):
        return self.everybody

    async def erase(self, person, *, has_left):
        assert has_left
        self.erased.append(person)


class FakeSlack:
    """Says what it was told to say of each person."""

    def __init__(self):
        self.asked = []
        self.says: dict[str, Any] = {ADA.user_id: {"id": ADA.user_id}, BEN.user_id: {"id": BEN.user_id}}

    async def client_of(self, _team):
        return self

    async def user(self, user_id):
        self.asked.append(user_id)
        if isinstance(self.says[user_id], SlackError):
            raise self.says[user_id]
        return self.says[user_id]


@pytest.fixture
def departed(monkeypatch):
    monkeypatch.setattr("bot.slack.departed.PACE", 0.0)
    slack: Any = FakeSlack()
    people: Any = FakePeople()
    now = [0.0]
    return DepartedPeople(slack, people, lambda: now[0]), slack, people, now


async def test_slack_is_asked_once_a_day_about_each_person(departed):
    checks, slack, _, now = departed

    for hour in range(48):
        now[0] = hour * 3600.0
        await checks.check()

    assert slack.asked.count(ADA.user_id) == slack.asked.count(BEN.user_id) == 48 // 23 + 1
    assert ASK_AGAIN < 86_400


async def test_a_check_looks_through_the_people_a_few_times_however_many_there_are(departed):
    """Not once more for each of them: of tens of thousands that would stop the process for minutes."""
    checks, slack, people, now = departed
    people.everybody = Counted(Person(None, "T1", f"U{number}") for number in range(100))
    slack.says = {one.user_id: {"id": one.user_id} for one in people.everybody}

    for hour in range(24):
        now[0], people.everybody.times = hour * 3600.0, 0
        await checks.check()

        assert people.everybody.times <= 5


class Counted(list[Person]):
    """Counts how often somebody looks through it."""

    times = 0

    def __iter__(self):
        self.times += 1
        return super().__iter__()


@pytest.mark.parametrize(
    "says",
    [SlackError("users.info", "user_not_found"), SlackError("users.info", "invalid_auth"), {},
     {"id": "U0OTHER", "deleted": True}, {"id": ADA.user_id, "deleted": "yes"}, {"id": ADA.user_id, "is_restricted": True}],
    ids=["not found", "token refused", "nothing", "somebody else", "no boolean", "a guest now"],
)  # fmt: skip
async def test_only_a_clear_answer_erases(departed, says):
    checks, slack, people, _ = departed
    slack.says[ADA.user_id] = says
    slack.says[BEN.user_id] = {"id": BEN.user_id, "deleted": True}

    await checks.check()

    assert people.erased == [BEN]
