"""Cards under posted links as rows: one for each link and message, sealed and bound to it, gone after a month."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select, update

from bot import clock
from bot.errors import NotYours, Unsealable
from bot.message_ref import MessageRef
from bot.person import Person
from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage.engine.database import Database, now
from bot.storage.link_cards import LIFE, POST_WITHIN, LinkCards, PostedLink
from bot.storage.link_warnings import CLAIM, LinkWarnings
from bot.storage.reveals.guesses import Guesses
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import link_cards as table
from bot.storage.tables import link_warnings as warning_table
from bot.storage.tracking.store import Tracking
from tests.storage.conftest import SLOW_TWIN

HOST = "https://eu.onetimesecret.com"
KEY, OTHER = SecretKey("s" * 62), SecretKey("t" * 62)
LINK = PostedLink(Secret(f"{HOST}/secret/{'s' * 62}"), HOST, KEY)
OTHER_LINK = PostedLink(Secret(f"{HOST}/secret/{'t' * 62}"), HOST, OTHER)
TEAM = "T0000001"  # of all people here
MESSAGE = MessageRef(TEAM, "C1", "1.0")
ELSEWHERE = MessageRef(TEAM, "C1", "2.0")


@pytest.fixture
def cards(database, sealer) -> LinkCards:
    return LinkCards(database, sealer)


@pytest.fixture
async def card(cards, ada):
    """One that Slack has taken."""
    (kept,) = await cards.keep(ada, MESSAGE, [LINK])
    await cards.mark_posted([kept])
    return kept


async def change(database: Database, **values) -> None:
    async with database.writing() as connection:
        await connection.execute(update(table).values(values))


async def count(database: Database) -> int:
    async with database.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(table)) or 0


# --- one for each link and message


async def test_a_repeated_event_gets_the_same_card_until_slack_has_taken_it(cards, ada):
    first = await cards.keep(ada, MESSAGE, [LINK, OTHER_LINK])
    again = await cards.keep(ada, MESSAGE, [OTHER_LINK, LINK])
    assert {one.id for one in again} == {one.id for one in first}
    assert len(first) == 2

    await cards.mark_posted(first)

    assert await cards.keep(ada, MESSAGE, [LINK, OTHER_LINK]) == []


async def test_the_same_link_in_another_message_has_a_card_of_its_own(cards, card, ada):
    (other,) = await cards.keep(ada, ELSEWHERE, [LINK])

    assert other.id != card.id
    assert (other.message, card.message) == (ELSEWHERE, MESSAGE)


async def test_two_processes_with_one_event_have_one_card(cards, database, ada):
    kept = await asyncio.gather(*(cards.keep(ada, MESSAGE, [LINK]) for _ in range(5)))

    assert len({one.id for several in kept for one in several}) == 1
    assert await count(database) == 1


@SLOW_TWIN
async def test_a_new_encryption_key_makes_no_second_card(database, ada):
    old, new = generate_line("k1"), generate_line("k2")
    before = LinkCards(database, Sealer(KeyRing.read(old)))
    after = LinkCards(database, Sealer(KeyRing.read(Secret(f"{new.reveal()}\n{old.reveal()}"))))
    await before.mark_posted(await before.keep(ada, MESSAGE, [LINK]))

    assert await after.keep(ada, MESSAGE, [LINK]) == []
    assert len(await after.mark(ada, HOST, KEY, "opened")) == 1


# --- who finds it


async def test_any_member_of_the_workspace_finds_it_and_nobody_elsewhere(cards, card, ben, ada):
    assert await cards.find(ben, card.id) == await cards.find(ada, card.id)
    for stranger in (Person(None, "T0ELSEWHERE", ada.user_id), Person("E1", TEAM, ada.user_id)):
        with pytest.raises(NotYours):
            await cards.find(stranger, card.id)


async def test_everybody_in_an_organisation_finds_it(cards):
    ada = Person("E1", TEAM, "U1")
    (kept,) = await cards.keep(ada, MESSAGE, [LINK])

    assert (await cards.find(Person("E1", "T0000002", "U2"), kept.id)).id == kept.id
    with pytest.raises(NotYours):
        await cards.find(Person("E2", TEAM, "U2"), kept.id)


async def test_a_card_of_somebody_from_another_workspace_is_for_those_where_the_app_is(cards, ben):
    stranger = Person(None, "T0ELSEWHERE", "U9")
    (kept,) = await cards.keep(stranger, MESSAGE, [LINK])

    assert (await cards.find(ben, kept.id)).poster == stranger
    with pytest.raises(NotYours):
        await cards.find(stranger, kept.id)


@SLOW_TWIN
@pytest.mark.parametrize("ref", [None, 7, "", "x" * 22, ["x"], "é" * 22, "A" * 21 + "Q"])
async def test_an_odd_value_is_no_card(cards, card, ada, ref):
    with pytest.raises(NotYours):
        await cards.find(ada, ref)


async def test_it_is_gone_after_a_month(cards, card, database, ada):
    await change(database, expires_at=now + LIFE - 1)
    assert await cards.purge() == 0
    await change(database, expires_at=now - 1)

    with pytest.raises(NotYours):
        await cards.find(ada, card.id)
    assert await cards.purge() == 1
    assert await count(database) == 0


async def test_what_slack_did_not_take_is_forgotten_soon(cards, database, ada):
    await cards.keep(ada, MESSAGE, [LINK])
    assert [one.link for one in await cards.unposted()] == [LINK.link]
    await change(database, created_at=now - POST_WITHIN - 1)

    assert await cards.purge() == 1


# --- what is stored


async def test_the_link_is_not_readable_in_the_row(cards, card, database):
    async with database.reading() as connection:
        row = (await connection.execute(select(table))).one()

    stored = b"".join(bytes(one) if isinstance(one, bytes) else str(one).encode() for one in row)
    assert b"s" * 20 not in stored
    assert HOST.encode() in stored


@SLOW_TWIN
@pytest.mark.parametrize(
    "moved", [{"ts": "9.9"}, {"channel": "C9"}, {"message_team": "T9"}, {"host": "https://evil.example"}]
)
async def test_a_row_that_was_moved_to_another_message_does_not_open(cards, card, database, moved):
    await change(database, **moved)

    with pytest.raises(Unsealable):
        await cards.find(Person(None, moved.get("message_team", TEAM), "U1"), card.id)


async def test_a_closed_card_has_no_link(cards, card, ada, database):
    await cards.mark(ada, HOST, KEY, "opened")

    await cards.close(card.id)

    assert (await cards.find(ada, card.id)).link == Secret("")
    assert await cards.undrawn() == []
    async with database.reading() as connection:
        assert await connection.scalar(select(table.c.link)) is None


# --- how it ends


async def test_all_cards_of_a_secret_end_together_and_once(cards, card, ada, ben):
    await cards.mark_posted(await cards.keep(ben, ELSEWHERE, [LINK, OTHER_LINK]))

    ended = await cards.mark(ben, HOST, KEY, "burned")

    assert {one.message for one in ended} == {MESSAGE, ELSEWHERE}
    assert {one.state for one in ended} == {"burned"}
    assert await cards.mark(ben, HOST, KEY, "opened") == []
    assert {one.id for one in await cards.undrawn()} == {one.id for one in ended}


async def test_nobody_elsewhere_ends_a_card(cards, card, tracking: Tracking, database, sealer):
    elsewhere = Person(None, "T0ELSEWHERE", "U1")
    names = Guesses(database, sealer).names_of(HOST, KEY)
    made = await _track(tracking, elsewhere, MetadataKey("m" * 62), KEY)

    assert await cards.mark(elsewhere, HOST, KEY, "opened") == []
    assert await cards.mark_named(elsewhere, names, "burned") == []
    assert await cards.mark_tracked(elsewhere, made, "burned") == []
    assert await cards.undrawn() == []


async def test_a_card_ends_by_the_names_of_the_secret_key_too(cards, card, ada, database, sealer):
    names = Guesses(database, sealer).names_of(HOST, KEY)

    assert [one.id for one in await cards.mark_named(ada, names, "burned")] == [card.id]


async def test_a_card_ends_by_the_tracked_secret_too(cards, card, ada, tracking: Tracking):
    made = await _track(tracking, ada, MetadataKey("m" * 62), KEY)
    other = await _track(tracking, ada, MetadataKey("n" * 62), None)

    assert await cards.mark_tracked(ada, other, "burned") == []
    assert [one.id for one in await cards.mark_tracked(ada, made, "burned")] == [card.id]


async def _track(tracking, person, key, secret_key):
    made, _ = await tracking.track(person, HOST, key, made_at=clock.now(), expires_at=None, secret_key=secret_key)
    return made.id


async def test_a_secret_that_was_over_before_slack_took_its_card_is_told_then(cards, ada):
    kept = await cards.keep(ada, MESSAGE, [LINK])
    await cards.mark(ada, HOST, KEY, "opened")
    await cards.close(kept[0].id)

    (over,) = await cards.mark_posted(kept)

    assert (over.state, over.link) == ("opened", LINK.link)


async def test_what_slack_never_takes_is_forgotten(cards, ada, database):
    await cards.forget(await cards.keep(ada, MESSAGE, [LINK]))

    assert await count(database) == 0


async def test_a_card_whose_encryption_key_is_gone_stops_no_other(cards, card, database, ada):
    await change(database, link=b"O1\x02k9" + b"\0" * 40, posted_at=None)
    await cards.mark_posted(await cards.keep(ada, ELSEWHERE, [LINK]))

    assert await cards.unposted() == []
    assert [one.message for one in await cards.mark(ada, HOST, KEY, "opened")] == [ELSEWHERE]


# --- warnings


async def test_a_person_is_warned_of_a_link_once(database, sealer, ada, ben):
    warnings = LinkWarnings(database, sealer)
    key, other = MetadataKey("m" * 62), MetadataKey("n" * 62)

    assert await warnings.claim(ada, HOST, key)
    assert not await warnings.claim(ada, HOST, key)
    assert await warnings.claim(ada, HOST, other)
    assert await warnings.claim(ben, HOST, key)
    await warnings.give_back(ada, HOST, key)
    assert await warnings.claim(ada, HOST, key)
    assert await warnings.purge() == 0


async def test_a_warning_that_was_not_sent_is_due_again(database, sealer, ada):
    warnings, key = LinkWarnings(database, sealer), MetadataKey("m" * 62)
    await warnings.claim(ada, HOST, key)
    async with database.writing() as connection:
        await connection.execute(update(warning_table).values(until=now - 1))
    assert await warnings.claim(ada, HOST, key)

    await warnings.confirm(ada, HOST, key)
    async with database.writing() as connection:
        await connection.execute(update(warning_table).values(until=warning_table.c.until - CLAIM))

    assert not await warnings.claim(ada, HOST, key)
