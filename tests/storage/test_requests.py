from __future__ import annotations

import asyncio
import contextlib
import dataclasses

import pytest
from sqlalchemy import event, select, update

from bot.errors import JustSent, NotYours, RequestOver, Unsealable
from bot.message_ref import MessageRef
from bot.person import Person
from bot.secret import Secret
from bot.storage.engine.database import Database, now
from bot.storage.requests import KEPT, LIFE, Requests
from bot.storage.shares.rows import NewShare, Recipient
from bot.storage.shares.store import Shares
from bot.storage.tables import new_id
from bot.storage.tables import requests as table
from bot.storage.tables import shares as share_table
from tests.storage.conftest import SLOW_TWIN

TEAM = "T0000001"  # of all people here
POSTED = MessageRef(TEAM, "D1", "1.0")


@pytest.fixture
def requests(database, sealer) -> Requests:
    return Requests(database, sealer)


@pytest.fixture
async def asked(requests, ada, ben):
    """One that ada has asked of ben, and that reached him."""
    made = await requests.begin(ada, ben, Secret("the staging “database” <!here>\n"))
    await requests.mark_asked(made.id, POSTED)
    return await requests.find(ada, made.id)


async def change(database: Database, **values) -> None:
    async with database.writing() as connection:
        await connection.execute(update(table).values(values))


async def test_a_new_one_waits_to_be_sent_and_is_open_for_a_week(requests, ada, ben):
    made = await requests.begin(ada, ben, None)

    assert (made.person, made.asked, made.note) == (ada, ben, None)
    assert (made.state, made.is_open, made.message, made.card) == ("waiting", True, None, None)
    assert (made.expires_at - made.created_at).total_seconds() == pytest.approx(LIFE, abs=1)


async def test_its_messages_come_back_as_they_were_posted(requests, asked):
    card = MessageRef(TEAM, "D2", "2.5")
    await requests.set_card(asked.id, card)

    found = await requests.find(asked.person, asked.id)

    assert (found.message, found.card) == (POSTED, card)


async def test_what_waits_for_somebody_is_what_they_can_answer_the_newest_first(requests, database, ada, ben, asked):
    await requests.begin(ada, ben, Secret("not sent yet"))
    newer = await requests.begin(ada, ben, Secret("newer"))
    await requests.mark_asked(newer.id, POSTED)
    late = await requests.begin(ada, ben, Secret("out of time"))
    await requests.mark_asked(late.id, POSTED)
    async with database.writing() as connection:
        await connection.execute(update(table).where(table.c.id == late.id).values(expires_at=now - 1))
        await connection.execute(update(table).where(table.c.id == asked.id).values(created_at=now - 60))

    found, total = await requests.waiting_for(ben, 10)
    assert ([one.id for one in found], total) == ([newer.id, asked.id], 2)
    first, total = await requests.waiting_for(ben, 1)
    assert ([one.id for one in first], total) == ([newer.id], 2)
    assert await requests.waiting_for(ada, 10) == ([], 0)


async def test_the_note_comes_back_exactly_and_is_not_readable_in_the_row(requests, database, asked):
    async with database.reading() as connection:
        stored = await connection.scalar(select(table.c.note))

    assert asked.note == "the staging “database” <!here>\n"
    assert b"staging" not in stored


async def test_a_note_copied_to_another_row_is_no_note(requests, database, ada, ben, asked):
    other = await requests.begin(ada, ben, Secret("another"))
    async with database.writing() as connection:
        copied = select(table.c.note).where(table.c.id == asked.id).scalar_subquery()
        await connection.execute(update(table).where(table.c.id == other.id).values(note=copied))

    assert (await requests.find(ada, other.id)).note is None


async def test_nobody_is_asked_in_another_workspace(requests, ada, ben):
    with pytest.raises(ValueError, match="workspace"):
        await requests.begin(ada, dataclasses.replace(ben, team_id="T2"), None)


async def test_it_belongs_to_who_asked_and_who_was_asked_may_answer(requests, ada, ben, asked):
    assert await requests.find(ada, asked.id) == asked
    assert await requests.find_for_asked(ben, asked.id) == asked


@SLOW_TWIN
@pytest.mark.parametrize("what", ["unknown", "not an id", "a list", "of somebody else", "found"])
async def test_everybody_else_gets_one_answer_by_the_same_single_query(requests, database, ada, ben, asked, what):
    strange = {"unknown": new_id(), "not an id": "' OR 1=1--", "a list": [asked.id]}.get(what, asked.id)
    outsider = what == "of somebody else"
    statements: list[str] = []

    @event.listens_for(database._engine.sync_engine, "before_cursor_execute")
    def _note(_connection, _cursor, statement, *_rest):
        statements.append(statement)

    for load, person in (
        (requests.find, ben if outsider else ada),
        (requests.find_for_asked, ada if outsider else ben),
    ):
        statements.clear()
        with contextlib.nullcontext() if what == "found" else pytest.raises(NotYours):
            await load(person, strange)
        assert len([one for one in statements if one.startswith("SELECT")]) == 1


async def test_somebody_of_another_team_with_the_same_user_id_was_not_asked(requests, ben, asked):
    for other in (dataclasses.replace(ben, team_id="T2"), dataclasses.replace(ben, enterprise_id="E1")):
        with pytest.raises(NotYours):
            await requests.find_for_asked(other, asked.id)


async def test_what_was_not_sent_yet_cannot_be_answered(requests, ada, ben):
    made = await requests.begin(ada, ben, None)

    with pytest.raises(JustSent):  # only its message has its id, so Slack has taken that by now
        await requests.find_for_asked(ben, made.id)
    with pytest.raises(NotYours):
        await requests.find_for_asked(ada, made.id)

    await requests.mark_undeliverable(made.id)

    with pytest.raises(NotYours):
        await requests.find_for_asked(ben, made.id)


@pytest.mark.parametrize("state", ["answered", "withdrawn", "declined"])
async def test_it_ends_once(requests, asked, state):
    ended = await requests.end(asked.id, state)

    assert (ended.state, ended.is_open) == (state, False)
    assert await requests.end(asked.id, "withdrawn") is None
    assert not await requests.mark_asked(asked.id, MessageRef(TEAM, "D2", "2.0"))


async def test_a_reason_comes_back_exactly_and_is_not_readable_in_the_row(requests, database, ada, asked):
    ended = await requests.decline(asked, Secret("ask “Cleo” <!here>\n"))

    async with database.reading() as connection:
        stored = await connection.scalar(select(table.c.reason))
    assert (ended.state, ended.reason) == ("declined", "ask “Cleo” <!here>\n")
    assert (await requests.find(ada, asked.id)).reason == ended.reason
    assert b"Cleo" not in stored


async def test_a_note_in_the_place_of_a_reason_is_no_reason(requests, database, ada, asked):
    async with database.writing() as connection:
        await connection.execute(update(table).values(reason=table.c.note))

    assert (await requests.find(ada, asked.id)).reason is None


async def test_what_is_over_is_not_declined_and_keeps_no_reason(requests, ada, asked):
    await requests.end(asked.id, "withdrawn")

    assert await requests.decline(asked, Secret("no")) is None
    assert (await requests.find(ada, asked.id)).reason is None


async def test_an_end_is_unannounced_until_it_is_marked(requests, database, asked):
    assert await requests.unannounced(0) == []
    await requests.decline(asked, None)
    assert await requests.unannounced(60) == []
    async with database.writing() as connection:
        await connection.execute(update(table).values(unannounced_since=table.c.unannounced_since - 61))

    (found,) = await requests.unannounced(60)
    await requests.mark_announced(found.id)

    assert (found.id, found.state, found.reason) == (asked.id, "declined", None)
    assert await requests.unannounced(0) == []


async def test_of_many_ends_at_once_one_counts(database, url, sealer, asked):
    others = [Database.open(url) for _ in range(2)]
    try:
        ended = await asyncio.gather(
            *(Requests(others[n % 2], sealer).end(asked.id, ("answered", "withdrawn")[n % 2]) for n in range(8))
        )
    finally:
        for other in others:
            await other.close()

    assert len([one for one in ended if one]) == 1


# --- the share that answers it


async def begin(shares: Shares, sender: Person, request, idempotency_key: str = "once"):
    new = NewShare(idempotency_key, "https://eu.onetimesecret.com", None, quiet=False, note=None, label=None)
    share, deliveries, _ = await shares.begin(sender, new, [Recipient(request.person)], answers=request.id)
    return share, deliveries


async def test_it_is_answered_when_the_share_begins_and_only_by_one(requests, shares, database, ada, ben, asked):
    share, _ = await begin(shares, ben, asked)

    assert (await requests.find(ada, asked.id)).state == "answered"
    assert (await requests.answered_by(share.id)).id == asked.id
    with pytest.raises(RequestOver):
        await begin(shares, ben, asked, "another")
    async with database.reading() as connection:
        assert (await connection.execute(select(share_table.c.idempotency_key))).scalars().all() == ["once"]


async def test_the_same_submit_again_is_the_same_answer(shares, ben, asked):
    share, _ = await begin(shares, ben, asked)

    assert (await begin(shares, ben, asked))[0] == share


async def test_of_many_answers_at_once_one_begins(database, url, sealer, ben, asked):
    others = [Database.open(url) for _ in range(2)]
    try:
        begun = await asyncio.gather(
            *(begin(Shares(others[n % 2], sealer), ben, asked, f"once {n}") for n in range(8)), return_exceptions=True
        )
    finally:
        for other in others:
            await other.close()

    assert [type(one) for one in begun].count(RequestOver) == 7


@pytest.mark.parametrize("how", ["withdrawn", "out of time", "by somebody else", "in another team"])
async def test_what_cannot_be_answered_begins_nothing(requests, shares, database, ben, asked, how):
    sender = {
        "by somebody else": dataclasses.replace(ben, user_id="U0CLEO"),
        "in another team": dataclasses.replace(ben, team_id="T2"),
    }.get(how, ben)
    if how == "withdrawn":
        await requests.end(asked.id, "withdrawn")
    if how == "out of time":
        await change(database, expires_at=now)

    with pytest.raises(RequestOver):
        await begin(shares, sender, asked)

    assert await shares.find_by_key(sender, "once") is None


async def test_a_share_of_which_nothing_came_leaves_it_open_again(requests, shares, deliveries, ada, ben, asked):
    share, (delivery,) = await begin(shares, ben, asked)
    await deliveries.mark_failed(delivery.id, "Refused")

    assert await shares.delete(share.id)

    assert await requests.find(ada, asked.id) == asked
    await begin(shares, ben, asked)


async def test_a_share_that_is_not_forgotten_leaves_it_answered(requests, shares, deliveries, ada, ben, asked):
    share, (delivery,) = await begin(shares, ben, asked)
    await deliveries.begin_request(delivery.id)

    assert not await shares.delete(share.id)

    assert (await requests.find(ada, asked.id)).state == "answered"


async def test_only_the_share_that_answered_it_opens_it_again(requests, shares, ada, ben, asked):
    first, _ = await begin(shares, ben, asked)
    assert (await requests.reopen(asked.id, first.id)).is_open
    second, _ = await begin(shares, ben, asked, "again")

    assert await requests.reopen(asked.id, first.id) is None

    assert await requests.answered_by(first.id) is None
    assert (await requests.answered_by(second.id)).state == "answered"


async def test_out_of_time_it_is_closed_and_listed_until_it_is_marked(requests, database, ada, asked):
    assert await requests.out_of_time() == []
    assert await requests.mark_expired(asked.id) is None
    await change(database, expires_at=now)

    assert not (await requests.find(ada, asked.id)).is_open
    assert await requests.end(asked.id, "answered") is None
    assert [one.id for one in await requests.out_of_time()] == [asked.id]
    assert (await requests.mark_expired(asked.id)).state == "expired"
    assert await requests.out_of_time() == []


async def test_what_lacks_a_message_is_unfinished_after_a_while(requests, database, ada, ben, asked):
    unsent = await requests.begin(ada, ben, None)
    await change(database, created_at=now - 61)

    assert {one.id for one in await requests.unfinished(60)} == {asked.id, unsent.id}
    assert await requests.unfinished(70) == []
    for one in (asked, unsent):
        await requests.set_card(one.id, POSTED)
    await requests.mark_asked(unsent.id, POSTED)
    assert await requests.unfinished(60) == []


async def test_one_that_slack_never_takes_is_over(requests, ada, ben):
    made = await requests.begin(ada, ben, None)

    assert (await requests.mark_undeliverable(made.id)).state == "undeliverable"
    assert await requests.mark_undeliverable(made.id) is None
    assert not await requests.mark_asked(made.id, POSTED)


async def test_the_first_card_is_the_card(requests, ada, asked):
    await requests.set_card(asked.id, MessageRef(TEAM, "D1", "5.0"))
    await requests.set_card(asked.id, MessageRef(TEAM, "D1", "6.0"))

    assert (await requests.find(ada, asked.id)).card == MessageRef(TEAM, "D1", "5.0")


async def test_purging_deletes_what_has_long_been_over_and_nothing_else(requests, database, ada, ben, asked):
    await requests.end(asked.id, "answered")
    await change(database, over_at=now - KEPT)
    fresh, kept = await requests.begin(ada, ben, None), await requests.begin(ada, ben, None)
    await requests.mark_undeliverable(kept.id)

    assert await requests.purge() == 1

    async with database.reading() as connection:
        assert set((await connection.execute(select(table.c.id))).scalars()) == {fresh.id, kept.id}


@pytest.mark.parametrize("changed", [{"asked_id": "U0000EVE"}, {"user_id": "U0000EVE"}], ids=["asked", "asking"])
@pytest.mark.parametrize("also", [{}, {"people": None}, {"people": None, "note": None}], ids=["", "bare", "noteless"])
async def test_who_is_in_it_cannot_be_changed_without_a_key(requests, database, asked, ada, ben, changed, also):
    eve = Person(None, TEAM, "U0000EVE")

    await change(database, **changed, **also)

    for find, person in ((requests.find, ada), (requests.find, eve), (requests.find_for_asked, ben)):
        with pytest.raises((Unsealable, NotYours)):
            await find(person, asked.id)
    with pytest.raises((Unsealable, NotYours)):
        await requests.find_for_asked(eve, asked.id)


async def test_what_binds_a_request_fits_no_other(requests, database, asked, ada, ben):
    other = await requests.begin(ada, ben, None)
    async with database.writing() as connection:
        value = select(table.c.people).where(table.c.id == other.id).scalar_subquery()
        await connection.execute(update(table).where(table.c.id == asked.id).values(people=value))

    with pytest.raises(Unsealable):
        await requests.find(ada, asked.id)
    assert (await requests.find(ada, other.id)).is_bound


async def test_a_request_of_before_people_were_bound_can_still_be_answered(requests, database, asked, ada, ben):
    before = new_id()
    await change(database, id=before, people=None, note=None)

    assert (await requests.find(ada, before)).is_open
    assert (await requests.find_for_asked(ben, before)).asked == ben
