"""Settings: what a person is told, and what they are not."""

import itertools
import sqlite3
from contextlib import closing

import pytest
import pytest_asyncio

from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL, TOKEN, connect, somebody

ALL = {"received", "burned", "expired", "orphaned"}
KINDS = ("received", "burned", "expired", "orphaned")


async def opened(person, verb="settings"):
    await person.command("/ots", verb)
    return await person.until(lambda: person.view and person.view.submit == "Save" and person.view)


async def saved(person, view, fields):
    """Saves, and answers with what the window says then."""
    await person.submit(view, fields)
    return await person.until(lambda: person.view and not person.view.submit and person.view.text)


def ticked(view, name):
    return {one["value"] for one in view.values[name]["checked"]["selected_options"]}


def stored(world, person):
    """(kinds of news, reminders) as the database has them; None for somebody who never set anything."""
    with closing(sqlite3.connect(world.directory / "bot.db")) as connection:
        query = "SELECT notifications, reminders FROM preferences WHERE user_id = ?"
        row = connection.execute(query, (person.id,)).fetchone()
    return row and (set(filter(None, row[0].split(","))), bool(row[1]))


@pytest.mark.parametrize("verb", ["settings", "preferences", "SETTINGS"])
async def test_who_never_set_anything_is_told_everything(ada, verb):
    view = await opened(ada, verb)

    assert ticked(view, "news") == ALL
    assert ticked(view, "reminders") == {"on"}


@pytest.mark.parametrize(
    "news", [set(kinds) for length in range(5) for kinds in itertools.combinations(KINDS, length)], ids=sorted
)
async def test_what_is_ticked_is_kept_and_shown_the_next_time(world, ada, news):
    reminders = {"on"} if "burned" in news else set()

    await saved(ada, await opened(ada), {"news": sorted(news), "reminders": sorted(reminders)})

    assert stored(world, ada) == (news, bool(reminders))
    await ada.close()
    view = await opened(ada)
    assert (ticked(view, "news"), ticked(view, "reminders")) == (news, reminders)


SAYS = {
    "everything": (
        KINDS,
        ["on"],
        (
            "secret that you track is opened, is burned, expires, or is gone for an unknown reason.",
            "You are reminded once",
        ),
        ("Without", "not reminded"),
    ),
    "one kind": (["received"], [], ("secret that you track is opened.", "You are not reminded"), ("Without",)),
    "all but what matters most": (
        ["burned", "expired"],
        ["on"],
        ("is burned or expires. Without “is opened”, nobody tells you",),
        ("gone before",),
    ),
    "nothing": ([], [], ("No message tells you any more", "/ots tracked", "You are not reminded"), ("You get",)),
    "reminders alone": ([], ["on"], ("No message tells you any more", "You are reminded once"), ("You get",)),
}


@pytest.mark.parametrize(("news", "reminders", "said", "unsaid"), SAYS.values(), ids=SAYS)
async def test_the_window_says_what_that_means(ada, news, reminders, said, unsaid):
    text = await saved(ada, await opened(ada), {"news": list(news), "reminders": reminders})

    assert [words for words in said if words not in text] == []
    assert [words for words in unsaid if words in text] == []


async def test_the_settings_of_one_person_are_not_anothers(world, ada):
    ben = somebody(world, "ben")
    await saved(ben, await opened(ben), {"news": ["burned"]})

    await saved(ada, await opened(ada), {"news": [], "reminders": []})

    assert stored(world, ada) == (set(), False)
    assert stored(world, ben) == ({"burned"}, True)
    await ben.close()
    assert ticked(await opened(ben), "news") == {"burned"}


async def test_cancel_changes_nothing(world, ada):
    view = await opened(ada)
    await ada.fill(view, {"news": []})

    await ada.close()

    assert ticked(await opened(ada), "news") == ALL
    assert stored(world, ada) is None


async def test_the_window_is_there_before_the_database_was_asked(world, ada):
    """Its trigger lives three seconds, and a database in trouble may take longer. Also once the bot knows ada."""
    await opened(ada)
    await ada.close()
    start = len(world.workspace.calls)

    await opened(ada)

    assert [one.method for one in world.workspace.calls[start:]] == ["views.open", "views.update"]


async def test_settings_that_cannot_be_read_are_not_shown_as_if_they_were_nothing(world, ada):
    with closing(sqlite3.connect(world.directory / "bot.db")) as connection, connection:
        connection.execute("ALTER TABLE preferences RENAME TO away")
    try:
        await ada.command("/ots", "settings")

        await ada.until(lambda: ada.view and ":warning:" in ada.view.text)
        assert ada.view.submit is None
    finally:
        with closing(sqlite3.connect(world.directory / "bot.db")) as connection, connection:
            connection.execute("ALTER TABLE away RENAME TO preferences")


# --- quiet hours


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("Asia/Kolkata", "Not between 21:00 and 08:00 where you are (Asia/Kolkata)"),
        ("America/Argentina/Buenos_Aires", "(America/Argentina/Buenos_Aires)"),
        ("", "does not name your time zone"),
        ("Nowhere/At_All", "does not name your time zone"),
        ("../../etc/passwd", "does not name your time zone"),
        ("*b* <!channel>", "does not name your time zone"),
    ],
)
async def test_the_quiet_hours_are_in_the_zone_that_slack_says(world, zone, said):
    person = somebody(world, "zoe", tz=zone)

    view = await opened(person)

    assert said in view.text


# --- what it does


@pytest_asyncio.fixture(loop_scope="session")
async def quick():
    """A bot that looks often."""
    async with World(settings={"WATCH_EVERY": "5"}) as world:
        world.onetime.add_account(EMAIL, TOKEN)
        yield world


async def test_what_is_switched_off_is_not_told_and_what_is_on_is(quick):
    ada = await connect(quick.workspace.person("U0ADA", "ada"))
    await saved(ada, await opened(ada), {"news": ["burned"]})
    await ada.close()
    read, burned = (quick.onetime.share(EMAIL, "text") for _ in range(2))
    for held, label in ((read, "the first"), (burned, "the second")):
        await ada.command("/ots", f"track {quick.onetime.url}/private/{held.metadata_key} {label}")
    await ada.until(lambda: len(ada.dm) == 2)

    quick.onetime.open_as_outsider(read.secret_key)
    quick.onetime.burn_as_owner(burned.metadata_key)

    await ada.until(lambda: any("was burned" in one.shows for one in ada.dm[2:]))
    # Its card follows all the same.
    await ada.until(lambda: any("the first" in one.shows and "Opened" in one.shows for one in ada.dm))
    assert not any("was opened" in one.shows for one in ada.dm)
