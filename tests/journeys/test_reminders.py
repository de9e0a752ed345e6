"""Reminders at a chosen time: what the sender chooses, what the card says, and who is reminded then."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.sandbox.slack import SlackFault
from tests.journeys.test_share_card import buttons, remind, shared

DAY = 86_400  # seconds


def stored(world, what, card):
    """A column of the deliveries of the share that a card shows."""
    with closing(sqlite3.connect(world.directory / "bot.db")) as connection:
        query = f"SELECT {what} FROM deliveries d JOIN shares s ON s.id = d.share_id WHERE s.card_ts = ?"
        return [value for (value,) in connection.execute(query, (card.ts,))]


def change(world, values, card):
    with closing(sqlite3.connect(world.directory / "bot.db", timeout=10)) as connection, connection:
        share = "SELECT id FROM shares WHERE card_ts = ?"
        connection.execute(f"UPDATE deliveries SET {values} WHERE share_id IN ({share})", (card.ts,))


async def time_passes(world, card):
    """The moment that was chosen comes."""
    change(world, "remind_at = remind_at - 864000", card)


async def test_a_reminder_goes_out_in_an_hour_and_the_card_says_so_until_then(world, ada, ben):
    card = await shared(ada, [ben], note="staging database")

    await remind(ada, card, when="In an hour")

    await ada.until(lambda: "A reminder goes out" in ada.view.text and "A reminder goes out" in card.shows)
    (due,) = stored(world, "remind_at", card)
    assert due == pytest.approx(time.time() + 3600, abs=60)
    assert len(ben.dm) == 1
    await time_passes(world, card)
    reminder = await ben.until(lambda: len(ben.dm) == 2 and ben.dm[1])
    assert "staging database" in reminder.shows
    await ada.until(lambda: "A reminder goes out" not in card.shows)
    assert "Cancel the reminder" not in str(card.blocks)
    await ada.close()
    await remind(ada, card)
    await ada.until(lambda: "less than an hour ago" in ada.view.text)


async def test_a_reminder_that_slack_does_not_take_is_said_and_can_be_sent_again_at_once(world, ada, ben, cleo):
    card = await shared(ada, [ben, cleo])
    world.workspace.plan("chat.postMessage", SlackFault.error("internal_error"), about=ben.dm[0].channel)

    await remind(ada, card)

    await ada.until(lambda: "Slack did not take the reminder" in ada.view.text)
    assert len(cleo.dm) == 2
    await ada.close()
    await remind(ada, card)
    await ben.until(lambda: len(ben.dm) == 2)
    assert len(cleo.dm) == 2  # she was reminded a moment ago


async def test_tomorrow_is_nine_oclock_in_the_zone_of_the_sender(world, ada, ben):
    ada.person.tz = "Asia/Tokyo"
    card = await shared(ada, [ben])

    await remind(ada, card, when="Tomorrow at 9 in the morning")

    await ada.until(lambda: "A reminder goes out" in card.shows)
    (due,) = stored(world, "remind_at", card)
    there = datetime.fromtimestamp(due, ZoneInfo("Asia/Tokyo"))
    tomorrow = datetime.now(ZoneInfo("Asia/Tokyo")) + timedelta(days=1)
    assert (there.date(), there.hour, there.minute) == (tomorrow.date(), 9, 0)


async def test_a_time_is_chosen_to_the_minute_and_another_one_takes_its_place(world, ada, ben):
    card = await shared(ada, [ben])
    later = int(time.time()) + 2 * DAY

    await remind(ada, card, when="At the time below", at=later)
    await ada.until(lambda: "A reminder goes out" in card.shows)
    await ada.close()
    await remind(ada, card, when="At the time below", at=later + 60)

    await ada.until(lambda: stored(world, "remind_at", card) == [later + 60])


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"when": "At the time below"}, "at", "choose a date and a time"),
        ({"when": "At the time below", "at": -60}, "at", "That time has passed"),
        ({"when": "At the time below", "at": 30 * DAY}, "at", "The secret expires before that"),
        ({"when": "Now", "at": DAY}, "at", "choose “At the time below”"),
    ],
    ids=["no time", "a time that is over", "after its end", "a time beside Now"],
)
async def test_a_time_that_cannot_be_is_said_at_the_field(world, ada, ben, fields, field, said):
    card = await shared(ada, [ben])
    if "at" in fields:
        fields = fields | {"at": int(time.time()) + fields["at"]}

    view = await remind(ada, card, **fields)

    await ada.until(lambda: said in view.errors.get(field, ""))
    assert stored(world, "remind_at", card) == [None]
    assert len(ben.dm) == 1


async def test_a_time_less_than_an_hour_after_the_last_reminder_is_said_at_the_field(world, ada, ben):
    card = await shared(ada, [ben])
    await remind(ada, card)
    await ada.until(lambda: "Reminded" in ada.view.text)
    await ada.close()

    view = await remind(ada, card, when="At the time below", at=int(time.time()) + 600)

    await ada.until(lambda: "less than an hour before that" in view.errors.get("at", ""))


async def test_only_times_before_the_end_of_the_secret_are_offered(world, ada, ben):
    card = await shared(ada, [ben], ttl="3600")

    await ada.click(card, label="Remind…")

    view = await ada.until(lambda: ada.view and ada.view.submit == "Remind" and ada.view)
    (menu,) = [block["element"] for block in view.blocks if block.get("block_id") == "when"]
    assert [one["value"] for one in menu["options"]] == ["now", "at"]
    assert "when the secret expires" in view.text


async def test_a_reminder_is_cancelled_on_the_card(world, ada, ben):
    card = await shared(ada, [ben])
    await remind(ada, card, when="In an hour")
    await ada.until(lambda: "A reminder goes out" in card.shows)
    await ada.close()

    await ada.click(card, label="Cancel the reminder")

    await ada.until(lambda: "A reminder goes out" not in card.shows)
    assert stored(world, "remind_at", card) == [None]
    assert [one["text"]["text"] for one in buttons(card)].count("Cancel the reminder") == 0


@pytest.mark.parametrize("end", ["burned", "opened"])
async def test_nobody_is_reminded_of_what_is_over(world, ada, ben, cleo, end):
    card = await shared(ada, [ben, cleo])
    await remind(ada, card, when="In an hour")
    await ada.until(lambda: "A reminder goes out" in card.shows)
    await ada.close()
    if end == "burned":
        burn = next(one for one in buttons(card) if one["text"]["text"] == "Burn")
        await ada.click(card, action_id="share_burn", value=burn["value"])
        await ada.until(lambda: "burned before anybody opened it" in card.shows)
    else:
        await ben.click(ben.dm[0], action_id="share_open")
        await ben.submit(await ben.until(lambda: ben.view and ben.view.submit == "Show here" and ben.view))
        await ada.until(lambda: "opened by" in card.shows)

    await time_passes(world, card)

    await cleo.until(lambda: len(cleo.dm) == 2)
    assert len(ben.dm) == 1
    await ada.until(lambda: "A reminder goes out" not in card.shows)


async def test_who_is_asked_when_while_the_secret_is_opened_reminds_nobody(ada, ben):
    card = await shared(ada, [ben])
    await ada.click(card, label="Remind…")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Remind" and ada.view)
    await ben.click(ben.dm[0], action_id="share_open")
    await ben.submit(await ben.until(lambda: ben.view and ben.view.submit == "Show here" and ben.view))
    await ben.until(ben.view.secret_text)

    await ada.submit(view)

    await ada.until(lambda: "There is nobody to remind." in ada.view.text)
    assert len(ben.dm) == 1


async def test_nobody_is_reminded_when_the_time_of_the_secret_is_over(world, ada, ben, cleo):
    card = await shared(ada, [ben])
    await remind(ada, card, when="In an hour")
    await ada.until(lambda: "A reminder goes out" in card.shows)
    await ada.close()
    await shared(ada, [cleo])
    other = await ada.until(lambda: len(ada.dm) == 2 and ada.dm[1])
    await remind(ada, other, when="In an hour")
    await ada.until(lambda: "A reminder goes out" in other.shows)

    change(world, "expires_at = 1", card)
    await time_passes(world, card)
    await time_passes(world, other)

    await cleo.until(lambda: len(cleo.dm) == 2)
    assert len(ben.dm) == 1
