"""What people read who type a command in a way in which it does nothing: why, and how to type it."""

import sqlite3
from contextlib import closing

import pytest

from tests.journeys.conftest import EMAIL


async def says(person, text):
    """All that the app answers to a command."""
    before = len(person.ephemerals)
    await person.command("/ots", text)
    message = await person.until(lambda: len(person.ephemerals) > before and person.ephemerals[-1])
    return f"{message.text}\n{message.shows}"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("untrack", "Paste the private link of the secret: `/ots untrack"),
        ("tracked <@U0BEN|ben> <@U0CLEO|cleo>", "Name one person or channel at most"),
        ("watch perhaps", "Type `/ots watch on` or `/ots watch off`."),
        ("recent new burned", "Name at most one filter, one server and one person or channel"),
        (f"metadata {'a1' * 15}b hello", "Paste just the one link or key, with nothing around it."),
        ("recent ca", "You have not connected an account on ca.onetimesecret.com."),
        ("disconnect ca", "You have no account connected on ca.onetimesecret.com."),
    ],
)
async def test_a_command_that_does_nothing_says_how_to_type_it(connected, typed, said):
    assert said in await says(connected, typed)


async def test_what_is_over_is_not_tracked_and_what_is_not_tracked_cannot_be_untracked(world, connected):
    held = world.onetime.share(EMAIL, "text")
    private = f"{world.onetime.url}/private/{held.metadata_key}"

    assert "You are not tracking that secret." in await says(connected, f"untrack {private}")
    world.onetime.burn_as_owner(held.metadata_key)
    answer = await says(connected, f"track {private}")

    assert "There is nothing to track. Status: Burned before anybody opened it." in answer
    assert "There is nothing to track: the secret no longer exists." in answer


async def test_who_got_no_message_that_a_token_is_refused_reads_it_in_the_list(world, connected):
    held = world.onetime.share(EMAIL, "text")
    await says(connected, f"track {world.onetime.url}/private/{held.metadata_key}")
    await given_up(world, connected)

    answer = await says(connected, "tracked")

    name = world.onetime.url.removeprefix("http://")
    said = f"{name} does not accept your API token any more. Connect the account again: `/ots connect`."
    assert said in answer
    await connected.open_home()
    await connected.until(lambda: connected.home and said in str(connected.home.blocks))


async def given_up(world, person):
    """Slack took no message that the account has to be connected again."""
    with closing(sqlite3.connect(world.directory / "bot.db", timeout=10)) as connection, connection:
        rows = "SELECT id, enterprise_id, team_id, user_id, host FROM tracked WHERE user_id = ?"
        ((key, *owner, host),) = connection.execute(rows, (person.id,))
        connection.execute(
            "INSERT INTO notifications (id, enterprise_id, team_id, user_id, host, kind, idempotency_key, created_at,"
            " due_at, tries, dead_letter) VALUES (?, ?, ?, ?, ?, 'reconnect', ?, 1, 1, 1, 'channel_not_found')",
            (f"{key[:-1]}x", *owner, host, f"seldom:{key}"),
        )
