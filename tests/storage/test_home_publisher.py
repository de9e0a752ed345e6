"""Publishing Homes: a fixed number of statements, few calls to Slack, within Slack's limits, and after faults."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta
from unittest.mock import AsyncMock

import pytest
from sqlalchemy import event

from bot.errors import NotAllowed, SlackError, StorageUnavailable
from bot.features.home import publisher as module
from bot.features.home import refs as refs_module
from bot.features.home import server_lists
from bot.features.home.publisher import HomePublisher
from bot.features.home.refs import StableRefs
from bot.interaction.home_changes import OPENED, REDRAWN, SOMETHING, HomeChanges
from bot.language import Language
from bot.message_ref import MessageRef
from bot.onetime.wire import Metadata, SecretState
from bot.person import Person
from bot.policy.decide import Layers
from bot.screen.parts import MAX_BLOCKS
from bot.secret import MetadataKey, Secret, SecretKey
from bot.slack import blocks
from bot.storage import homes as homes_module
from bot.storage.button_contexts import METADATA, ButtonContexts, NewButtonContext
from bot.storage.engine.database import is_within
from bot.storage.shares.rows import NewShare, Recipient
from bot.storage.tables import homes as table
from bot.storage.tables import new_id
from tests.storage.conftest import SLOW_TWIN
from tests.support.services import make_services
from tests.support.waiting import eventually

TEAM = "T0000001"
HOST = "https://eu.onetimesecret.com"
MAX_BYTES = 250_000  # of a view


def is_no_admin(_person, _team):
    return False


class Place:
    """A publisher, and what Slack has been asked to show."""

    def __init__(self, database, sealer, **given):
        self.published = []
        self.members_asked = 0
        self.answers = []  # errors that Slack answers first
        self.services = make_services(database, sealer, publish_home=self.publish, **given)
        self.publisher = HomePublisher(self.services, self.require_member, is_no_admin)

    async def require_member(self, _person, _team):
        self.members_asked += 1

    async def publish(self, _team, view, person, if_hash):
        if self.answers:
            raise self.answers.pop()
        self.published.append((person, view, if_hash))
        return f"{len(self.published)}.hash"

    async def open(self, person):
        await self.services.languages.choose(person, Language.EN)
        await self.services.homes.open(person, TEAM)
        self.services.home_changes.mark(person, OPENED)

    async def shows(self, times):
        await eventually(lambda: len(self.published) >= times)
        return blocks.home(self.published[-1][1], Language.EN)


class Server:
    """A server that answers when it is told to."""

    def __init__(self, count=1, takes=0.0):
        self.may_answer = asyncio.Event()
        self.asked = 0
        self._count = count
        self._takes = takes  # seconds

    async def recent(self, _credentials):
        self.asked += 1
        await self.may_answer.wait()
        await asyncio.sleep(self._takes)
        return [_listed(number) for number in range(self._count)]


def _listed(number):
    return Metadata(
        MetadataKey(f"{number:031}"), SecretState.NEW, created=datetime.now(UTC), updated=None, received=None,
        ttl=3600, secret_ttl=None, passphrase_required=None, recipients=(),
    )  # fmt: skip


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(homes_module, "PAUSE", 0.2)
    monkeypatch.setattr(homes_module, "_IS_RECENT", is_within(table.c.published_at, 0.2))
    monkeypatch.setattr(module, "AGAIN", 0.1)


@contextlib.asynccontextmanager
async def running(place):
    task = asyncio.create_task(place.publisher.run())
    try:
        yield place
    finally:
        task.cancel()
        await asyncio.wait({task})


@pytest.fixture
async def place(database, sealer):
    async with running(Place(database, sealer)) as started:
        yield started


@contextlib.contextmanager
def statements(database):
    engine, sent = database._engine.sync_engine, []

    def note(_connection, _cursor, statement, *_rest):
        sent.append(statement.split(" RETURNING")[0].split("LIMIT")[0])

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


async def track(services, person, count, **more):
    for number in range(count):
        made_at = datetime.now(UTC) - timedelta(minutes=number)
        key = MetadataKey(f"{person.user_id}{number}")
        await services.tracking.track(
            person, HOST, key, label="staging <database> & more", made_at=made_at, expires_at=made_at, **more
        )


@SLOW_TWIN
async def test_home_of_a_person_with_500_secrets_takes_the_statements_of_one_with_15(place, database, ada, ben):
    await track(place.services, ben, 15)
    await track(place.services, ada, 500)
    place.services.policies.of = AsyncMock(return_value=Layers())  # remembered for some seconds only
    with statements(database) as few:
        await place.open(ben)
        await place.shows(1)
        await asyncio.sleep(0.05)

    with statements(database) as many:
        await place.open(ada)
        shown = await place.shows(2)
        await asyncio.sleep(0.05)

    assert many == few
    assert len([one for one in many if one.startswith("SELECT")]) <= 16
    assert len(place.published) + place.members_asked <= 2 * 2  # a publication for each, and who they are
    assert "500 secrets" in json.dumps(shown)


async def test_the_fullest_home_is_within_slacks_limits(database, sealer, ada, ben, shares, deliveries):
    server = Server(40)
    server.may_answer.set()
    place = Place(database, sealer, onetime=server)
    services = place.services
    await track(services, ada, 40)
    await services.accounts.connect(ada, HOST, Secret("ada"), Secret("token"))
    for number in range(8):
        host = f"https://{number}.example.com"
        await services.accounts.connect(ada, host, Secret("ada"), Secret("token"))
        new = NewShare(new_id(), HOST, None, quiet=False, note="n" * 200, label=None)
        _, [begun], _ = await shares.begin(ben, new, [Recipient(ada)])
        await deliveries.begin_request(begun.id)
        await deliveries.mark_made(
            begun, secret_key=SecretKey("secret"), metadata_key=MetadataKey(new_id()), passphrase=None,
            passphrase_required=None, expires_at=None,
        )  # fmt: skip
        await deliveries.mark_sent(begun.id, MessageRef(TEAM, "D1", "1.0"))
        request = await services.requests.begin(ben, ada, Secret("r" * 200))
        await services.requests.mark_asked(request.id, MessageRef(TEAM, "D1", "1.0"))
    await services.languages.choose(ada, Language.EN)
    await services.homes.open(ada, TEAM)
    await services.homes.show(ada, tracked_page=1, recent_page=1)
    services.home_changes.mark(ada)
    async with running(place):
        shown = await place.shows(1)
    said = json.dumps(shown)

    assert said.count("Page 2 of 4") == 2
    assert len(shown["blocks"]) <= MAX_BLOCKS
    assert len(said) < MAX_BYTES
    assert "3 more secrets wait" in said
    assert "3 more requests wait" in said
    assert "shows 3 more accounts" in said


async def test_who_is_no_member_gets_one_sentence_and_is_not_looked_up(database, sealer, ada):
    place = Place(database, sealer)

    async def refuse(_person, _team):
        raise NotAllowed("a guest")

    place.publisher = HomePublisher(place.services, refuse, is_no_admin)
    await track(place.services, ada, 3)
    async with running(place):
        await place.open(ada)

        shown = await place.shows(1)

    assert len(shown["blocks"]) == 1
    assert "Guests" in json.dumps(shown)


@pytest.mark.parametrize(
    "error",
    [SlackError("views.publish", "ratelimited", retry_after=0.1), SlackError("views.publish", "internal_error"),
     StorageUnavailable("away") ],
    ids=["limited", "in trouble", "the database is away"],
)  # fmt: skip
async def test_what_was_not_published_is_published_later(place, ada, error):
    place.answers = [error]

    await place.open(ada)

    assert "Share a password" in json.dumps(await place.shows(1))


async def test_what_slack_never_takes_is_not_tried_again(place, ada):
    place.answers = [SlackError("views.publish", "user_not_found")]

    await place.open(ada)
    await asyncio.sleep(0.6)

    assert place.published == []


async def test_an_error_that_nobody_expected_stops_nothing(place, ada, ben):
    place.answers = [ZeroDivisionError()]

    await place.open(ada)
    await eventually(lambda: not place.answers)
    await place.open(ben)

    await place.shows(1)


async def test_homes_that_were_open_when_the_process_ended_are_drawn_at_its_start(database, sealer, ada):
    place = Place(database, sealer)
    await place.services.languages.choose(ada, Language.EN)
    await place.services.homes.open(ada, TEAM)

    async with running(place):
        await place.shows(1)


async def test_the_hash_of_the_last_publication_guards_the_next(place, ada):
    await place.open(ada)
    await place.shows(1)

    await track(place.services, ada, 1)
    place.services.home_changes.mark(ada)
    await place.shows(2)

    assert [if_hash for _, _, if_hash in place.published] == [None, "1.hash"]


async def test_what_looks_as_before_is_published_only_if_it_was_opened(place, ada):
    await place.open(ada)
    await place.shows(1)

    place.services.home_changes.mark(ada)
    await asyncio.sleep(0.5)
    assert len(place.published) == 1
    await place.open(ada)

    await place.shows(2)


# --- a server that lists


async def test_home_is_published_without_the_server_and_again_with_it(database, sealer, ada):
    server = Server()
    place = Place(database, sealer, onetime=server)
    await place.services.accounts.connect(ada, HOST, Secret("ada"), Secret("token"))
    async with running(place):
        await place.open(ada)
        first = json.dumps(await place.shows(1))
        server.may_answer.set()
        second = json.dumps(await place.shows(2))
        await asyncio.sleep(0.5)

    assert "Asking eu.onetimesecret.com" in first
    assert "1 secret" in second
    assert (server.asked, len(place.published)) == (1, 2)


async def test_a_turned_page_asks_no_server_and_stores_no_button_twice(database, sealer, ada):
    server = Server()
    server.may_answer.set()
    place = Place(database, sealer, onetime=server)
    await place.services.accounts.connect(ada, HOST, Secret("ada"), Secret("token"))
    async with running(place):
        await place.open(ada)
        await place.shows(1)
        with statements(database) as sent:
            await place.services.homes.show(ada, recent_filter="burned")
            place.services.home_changes.mark(ada, REDRAWN)
            await place.shows(2)

    assert server.asked == 1
    assert not any("INSERT INTO button_contexts" in one for one in sent)


async def test_lists_that_cannot_all_be_remembered_are_shown_all_the_same(database, sealer, monkeypatch):
    monkeypatch.setattr(server_lists, "MAX_LISTED", 5)
    monkeypatch.setattr(server_lists, "GRACE", 0.01)
    server = Server(4, takes=0.1)
    place = Place(database, sealer, onetime=server)
    people = [Person(None, TEAM, f"U{number}") for number in range(6)]
    for person in people:
        await place.services.accounts.connect(person, HOST, Secret("name"), Secret("token"))
    async with running(place):
        for person in people:
            await place.open(person)
        await place.shows(6)
        server.may_answer.set()
        await place.shows(12)
        await asyncio.sleep(1)

    shown = {person: json.dumps(blocks.home(view, Language.EN)) for person, view, _ in place.published}
    assert all("4 secrets" in shown[person] for person in people)
    assert server.asked <= 12  # at most once more for each, where the list was not remembered
    assert len(place.published) == 12


async def test_a_list_that_is_longer_than_can_be_remembered_is_shown_and_not_asked_for_again(
    database, sealer, ada, monkeypatch
):
    monkeypatch.setattr(server_lists, "MAX_LISTED", 5)
    server = Server(40)
    server.may_answer.set()
    place = Place(database, sealer, onetime=server)
    await place.services.accounts.connect(ada, HOST, Secret("name"), Secret("token"))
    async with running(place):
        await place.open(ada)
        shown = json.dumps(await place.shows(1))
        await place.services.homes.show(ada, recent_page=1)
        place.services.home_changes.mark(ada, REDRAWN)
        await place.shows(2)

    assert "40 secrets" in shown
    assert server.asked == 1


# --- buttons


async def test_the_buttons_of_a_home_stay_until_there_are_too_many(database, sealer, ada, ben, monkeypatch):
    monkeypatch.setattr(refs_module, "MAX_REFS", 3)
    contexts = ButtonContexts(database, sealer)
    refs = StableRefs(contexts)
    one, two, *more = (NewButtonContext(METADATA, HOST, MetadataKey(f"{number:031}")) for number in range(4))

    first = await refs.keep(ada, one, two)

    assert await refs.keep(ada, two, one) == [first[1], first[0]]
    assert not set(await refs.keep(ben, one, two)) & set(first)
    await refs.keep(ada, *more)
    (again,) = await refs.keep(ada, one)
    assert again not in first
    assert (await contexts.find(ada, METADATA, again)).key == one.key


# --- changes


PEOPLE = [Person(None, TEAM, f"U{number}") for number in range(3)]


async def test_changes_of_one_person_are_one_change():
    changes = HomeChanges()
    changes.mark(PEOPLE[0], REDRAWN)
    changes.mark(PEOPLE[0], OPENED)
    changes.mark(PEOPLE[1])

    taken = await changes.wait(lambda _: True)

    assert taken == {PEOPLE[0]: OPENED, PEOPLE[1]: SOMETHING}
    assert changes.take(PEOPLE[0]) == REDRAWN


async def test_who_is_busy_waits_until_somebody_wakes_them():
    changes, busy = HomeChanges(), {PEOPLE[0]}
    changes.mark(PEOPLE[0])
    waiting = asyncio.create_task(changes.wait(lambda person: person not in busy))
    await asyncio.sleep(0.01)
    assert not waiting.done()

    busy.clear()
    changes.wake()

    assert await waiting == {PEOPLE[0]: SOMETHING}
