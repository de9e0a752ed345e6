"""Telling that something was opened: repeated until it is said or never can be, and never the opener's trouble."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from bot.errors import SlackError
from bot.features.retrieve.recovery import UNANNOUNCED
from bot.language import Language
from bot.message_ref import MessageRef
from bot.screen.parts import Message
from bot.sharing.notify import announce, announce_waiting
from bot.slack import blocks
from bot.storage.following_messages import FollowingMessages
from bot.storage.message_slots import FLOOD, MessageSlots
from bot.storage.outdated_messages import OutdatedMessages
from bot.storage.preferences import NotificationPreferences, Preferences
from bot.storage.reveals.store import Reveals
from bot.storage.shares.deliveries import Deliveries
from bot.storage.shares.recovery import InterruptedShares
from bot.storage.shares.rows import Recipient
from bot.storage.shares.store import Shares
from bot.storage.tracking.store import Tracking
from tests.storage.conftest import SLOW_TWIN
from tests.storage.test_openings import CHANNEL, HOST, KEY, PRIVATE, TEXT, begun, sent


class Slack:
    """What is said, and the error that each way of saying it ends with."""

    def __init__(self, **errors: str) -> None:
        self.errors = errors
        self.said: list[tuple[Any, str]] = []
        self.messages: list[tuple[Any, Message]] = []
        self.tries = 0

    async def send(self, to, message, idempotency_key):
        self.tries += 1
        self._may("send")
        if idempotency_key.startswith("digest:"):
            self._may("digest")
        self.said.append((to, idempotency_key))
        self.messages.append((to, message))
        return MessageRef(to.team_id, "D0ANY", "1.1")

    async def update(self, where, message, reader):
        self._may("update")
        self.said.append((where, message.summary))

    def _may(self, how):
        if how in self.errors:
            raise SlackError(how, self.errors[how])


def saying(services: Any, slack: Slack) -> Any:
    """The services, with this Slack to say things in."""
    return SimpleNamespace(**vars(services), send=slack.send, update=slack.update)


@pytest.fixture
def services(database, sealer) -> Any:
    return SimpleNamespace(
        shares=Shares(database, sealer),
        deliveries=Deliveries(database, sealer),
        interrupted_shares=InterruptedShares(database, sealer),
        reveals=Reveals(database, sealer),
        tracking=Tracking(database, sealer),
        preferences=Preferences(database),
        outdated_messages=OutdatedMessages(database),
        following_messages=FollowingMessages(database),
        message_slots=MessageSlots(database),
        escrow=True,
    )


@pytest.fixture
async def delivery(services, ada, ben):
    """Of ada, opened by ben a moment ago."""
    made = await sent(services, ada, Recipient(channel=CHANNEL))
    ref = await begun(services.reveals, ben, made)
    await services.reveals.reserve(ref)
    await services.reveals.claim(ref)
    await services.reveals.keep(await services.reveals.find(ben, ref), TEXT)
    return made


async def test_the_sender_is_told_and_the_message_changed_and_then_there_is_nothing_left_to_say(
    services, ada, delivery
):
    slack = Slack()

    await announce(saying(services, slack), delivery)

    assert slack.said[0] == (ada, f"{delivery.id}:received")
    assert [where for where, _ in slack.said[1:]] == [delivery.message]
    assert await services.interrupted_shares.unannounced() == []


@pytest.mark.parametrize("error", ["http_502", "ratelimited"])
async def test_what_slack_does_not_take_now_is_left_to_be_said_again_with_the_same_id(services, delivery, error):
    await announce(saying(services, Slack(send=error)), delivery)
    assert [one.id for one in await services.interrupted_shares.unannounced()] == [delivery.id]
    slack = Slack()

    await announce(saying(services, slack), delivery)

    assert slack.said[0][1] == f"{delivery.id}:received"
    assert await services.interrupted_shares.unannounced() == []


@pytest.mark.parametrize(
    ("how", "error"),
    [("send", "user_disabled"), ("update", "message_not_found"), ("update", "channel_not_found")],
    ids=["sender gone", "message deleted", "channel gone"],
)
async def test_what_can_never_be_said_is_given_up(services, delivery, how, error):
    slack = Slack(**{how: error})

    await announce(saying(services, slack), delivery)

    assert await services.interrupted_shares.unannounced() == []


async def test_a_message_that_slack_does_not_change_now_is_changed_later_and_the_sender_is_not_told_again(
    services, delivery
):
    slack = Slack(update="internal_error")
    await announce(saying(services, slack), delivery)
    slack.errors.clear()

    for unannounced in await services.interrupted_shares.unannounced():
        await announce(saying(services, slack), unannounced)

    assert [key for _, key in slack.said].count(f"{delivery.id}:received") == 1
    assert delivery.message in [where for where, _ in slack.said]
    assert await services.interrupted_shares.unannounced() == []


async def test_who_wants_no_such_news_gets_none_and_the_message_changes_all_the_same(services, ada, delivery):
    await services.preferences.set(ada, NotificationPreferences(frozenset({"burned"})))
    slack = Slack()

    await announce(saying(services, slack), delivery)

    assert [where for where, _ in slack.said] == [delivery.message]
    assert await services.interrupted_shares.unannounced() == []


async def test_the_watchers_notification_and_ours_are_one_message(services, ada, ben, delivery):
    tracked, _ = await services.tracking.track(
        ada, HOST, PRIVATE, made_at=datetime.now(UTC), expires_at=None, secret_key=KEY
    )
    await services.deliveries.set_tracked(delivery.id, tracked.id)
    slack = Slack()

    await announce(saying(services, slack), delivery)

    assert slack.said[0] == (ada, f"{tracked.id}:received")


async def test_a_database_in_trouble_is_not_the_trouble_of_who_reads_the_secret(services, database, delivery):
    slack = Slack()
    async with database.writing() as connection:
        await connection.execute(text("DROP TABLE deliveries"))

    await announce(saying(services, slack), delivery)

    assert slack.said == []


async def test_a_delivery_that_is_gone_meanwhile_is_nobodys_trouble_either(services, database, delivery):
    async with database.writing() as connection:
        await connection.execute(text("DELETE FROM shares"))

    await announce(saying(services, Slack()), delivery)


# --- many at once


async def opened(services, ada, ben, count):
    """Deliveries of ada that ben opened a moment ago, in order."""
    made = [await sent(services, ada, Recipient(channel=CHANNEL)) for _ in range(count)]
    for delivery in made:
        await services.deliveries.mark_opened(delivery.id, ben)
    return made


async def a_minute_passes(database):
    for table, column in (("limit_uses", "at"), ("notifications", "posted_at"), ("deliveries", "unannounced_since")):
        async with database.writing() as connection:
            await connection.execute(text(f"UPDATE {table} SET {column} = {column} - 61"))


def messages_to(slack, person):
    return [message for to, message in slack.messages if to == person]


@SLOW_TWIN
async def test_fifty_that_are_opened_at_once_are_told_in_a_few_messages_each_once(services, database, ada, ben):
    made = await opened(services, ada, ben, 50)
    slack = Slack()

    await asyncio.gather(*(announce(saying(services, slack), delivery) for delivery in made))
    assert len(messages_to(slack, ada)) == FLOOD
    for _ in range(2):
        await a_minute_passes(database)
        await announce_waiting(saying(services, slack), await services.interrupted_shares.unannounced(UNANNOUNCED))

    assert await services.interrupted_shares.unannounced() == []
    told = [len(blocks.message(message, Language.EN)["blocks"]) for message in messages_to(slack, ada)]
    assert len(told) <= FLOOD + 2
    events = sum(
        str(blocks.message(message, Language.EN)["blocks"]).count("opened your one-time secret")
        for message in messages_to(slack, ada)
    )
    assert events == len(made)
    assert [where for where, _ in slack.said].count(made[0].message) >= len(made)  # all messages are redrawn


async def test_one_who_gets_many_does_not_hold_up_another_and_the_fourth_waits_a_minute(services, database, ada, ben):
    slack = Slack()
    for delivery in await opened(services, ada, ben, 4):
        await announce(saying(services, slack), delivery)
    for delivery in await opened(services, ben, ada, 1):
        await announce(saying(services, slack), delivery)
    assert [len(messages_to(slack, person)) for person in (ada, ben)] == [3, 1]

    await announce_waiting(saying(services, slack), await services.interrupted_shares.unannounced())
    assert len(messages_to(slack, ada)) == 3
    await a_minute_passes(database)
    await announce_waiting(saying(services, slack), await services.interrupted_shares.unannounced())

    assert len(messages_to(slack, ada)) == 4
    assert await services.interrupted_shares.unannounced() == []


async def test_a_digest_that_slack_does_not_take_is_told_one_by_one(services, database, ada, ben):
    made = await opened(services, ada, ben, 2)
    slack = Slack(digest="msg_blocks_too_long")

    await announce_waiting(saying(services, slack), made)

    assert [key for to, key in slack.said if to == ada] == [f"{delivery.id}:received" for delivery in made]
    assert await services.interrupted_shares.unannounced() == []


async def test_a_digest_that_slack_does_not_take_now_is_told_later_whole(services, database, ada, ben):
    made = await opened(services, ada, ben, 3)
    slack = Slack(send="internal_error")
    await announce_waiting(saying(services, slack), made)
    assert slack.tries == 1  # what may have arrived is not sent once more in another form
    slack.errors.clear()

    await a_minute_passes(database)
    await announce_waiting(saying(services, slack), await services.interrupted_shares.unannounced())

    (message,) = messages_to(slack, ada)
    assert str(blocks.message(message, Language.EN)["blocks"]).count("opened your one-time secret") == 3
