"""Somebody who can write to the database, but has no key, redirects no delivery to themselves."""

import sqlite3
from contextlib import closing

import pytest

from bot.sandbox.slack import SlackFault
from bot.sandbox.world import World
from tests.support.share_window import submit_share
from tests.support.waiting import eventually

TEXT = "what was shared"
TO_EVE = {
    "a person": "UPDATE deliveries SET recipient_user_id = 'U0EVE'",
    "a channel": "UPDATE deliveries SET recipient_user_id = NULL, recipient_team_id = NULL,"
    " recipient_enterprise_id = NULL, recipient_channel = 'C0EVES'",
    "a person, with nothing bound": "UPDATE deliveries SET recipient_user_id = 'U0EVE', recipient = NULL",
}


@pytest.mark.parametrize("how", TO_EVE)
async def test_a_changed_recipient_is_sent_nothing(how):
    async with World() as world:
        ada, ben, eve = (world.workspace.person(f"U0{name.upper()}", name) for name in ("ada", "ben", "eve"))
        world.workspace.channel("C0EVES", "eves", [eve, world.workspace.bot_user_id])
        world.workspace.plan("conversations.open", SlackFault.http(503), None, about=ben.id)
        await ada.command("/ots", "share")
        await ada.until(lambda: ada.view and ada.view.submit == "Share")
        await submit_share(ada, ada.view, {"text1": TEXT, "to": [ben.id]})
        await eventually(lambda: b"delivery_not_sent" in world.bot.output)
        await world.bot.kill()
        with closing(sqlite3.connect(world.directory / "bot.db")) as connection:
            assert connection.execute(TO_EVE[how]).rowcount == 1
            connection.commit()
        world.workspace.clear_faults()

        await world.start_bot()

        await eventually(lambda: b"delivery_unreadable" in world.bot.output)
        await ada.until(
            lambda: any("could not be" in one.shows.lower() or "not sent" in one.shows.lower() for one in ada.dm)
        )
        assert [one for one in eve.messages if one.by_bot] == []
        with closing(sqlite3.connect(world.directory / "bot.db")) as connection:
            assert connection.execute("SELECT state FROM deliveries").fetchall() == [("undeliverable",)]


def change(world, statement):
    with closing(sqlite3.connect(world.directory / "bot.db")) as connection:
        assert connection.execute(statement).rowcount == 1
        connection.commit()


@pytest.mark.parametrize("how", ["asked_id = 'U0EVE'", "asked_id = 'U0EVE', people = NULL", "user_id = 'U0EVE'"])
async def test_a_request_of_which_somebody_changed_the_people_is_sent_to_nobody(how):
    async with World() as world:
        ada, ben, eve = (world.workspace.person(f"U0{name.upper()}", name) for name in ("ada", "ben", "eve"))
        world.workspace.plan("conversations.open", SlackFault.http(503), None, about=ben.id)
        await ada.command("/ots", "request")
        await ada.until(lambda: ada.view and ada.view.submit)
        await ada.submit(None, {"people": [ben.id], "note": "the staging database"})
        await eventually(lambda: b"not_asked" in world.bot.output)
        await world.bot.kill()
        change(world, f"UPDATE requests SET {how}")
        world.workspace.clear_faults()

        await world.start_bot()

        await eventually(lambda: b"request_unreadable" in world.bot.output)
        teller = eve if "user_id" in how else ada
        await teller.until(lambda: any("cannot be read any more" in one.shows for one in teller.dm))
        assert not any("asks you" in one.shows or "staging" in one.shows for one in [*eve.dm, *ben.dm])


async def test_an_answer_does_not_go_to_who_was_put_in_the_place_of_who_asked():
    async with World() as world:
        ada, ben, eve = (world.workspace.person(f"U0{name.upper()}", name) for name in ("ada", "ben", "eve"))
        await ada.command("/ots", "request")
        await ada.until(lambda: ada.view and ada.view.submit)
        await ada.submit(None, {"people": [ben.id]})
        await ben.until(lambda: ben.dm)
        change(world, "UPDATE requests SET user_id = 'U0EVE', people = NULL, note = NULL")

        await ben.click(ben.dm[0], label="Send…")

        await ben.until(lambda: "cannot be read any more" in ben.sees())
        assert eve.messages == []
