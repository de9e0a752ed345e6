"""A copy of the database is put back: it opens with the same keys, tells nothing again, and lacks what came after it."""

import sqlite3
from contextlib import closing

from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL, TOKEN, connect
from tests.support.waiting import eventually

RECENT = "/api/v1/private/recent"


def copy_while_running(source, target):
    """As a tool does that copies the file of a running bot."""
    with closing(sqlite3.connect(source, timeout=10)) as running, closing(sqlite3.connect(target)) as copy:
        running.backup(copy)


def put_back(copy, database):
    for file in database.parent.glob(f"{database.name}*"):
        if not file.name.endswith("-watch"):
            file.unlink()
    copy.rename(database)
    database.chmod(0o600)


def told(person):
    return [message for message in person.dm if "was opened" in message.shows]


async def test_a_restored_copy_opens_tells_nothing_again_and_lacks_only_what_came_after_it(tmp_path):
    async with World(settings={"WATCH_EVERY": "5"}) as world:
        ada = world.workspace.person("U0ADA", "ada")
        world.onetime.add_account(EMAIL, TOKEN)
        await connect(ada)
        database = world.directory / "bot.db"
        first, second = (world.onetime.share(EMAIL, text) for text in ("first", "second"))
        await ada.command("/ots", f"track {world.onetime.url}/private/{first.metadata_key}")
        await ada.until(lambda: ada.dm)
        world.onetime.open_as_outsider(first.secret_key)
        await ada.until(lambda: told(ada))
        await eventually(lambda: sent(database) == 1)
        copy_while_running(database, copy := tmp_path / "copy.db")
        await ada.command("/ots", f"track {world.onetime.url}/private/{second.metadata_key}")
        await ada.until(lambda: len(ada.dm) == 3)

        await world.bot.kill()
        put_back(copy, database)
        await world.start_bot()

        asked = len(world.onetime.calls)
        await ada.command("/ots", "recent")
        await ada.until(lambda: "2 secrets" in ada.sees())  # the account opens with the same key
        await ada.command("/ots", f"track {world.onetime.url}/private/{second.metadata_key}")
        await ada.until(lambda: len(ada.dm) == 4)  # it was forgotten, and can be tracked anew
        world.onetime.open_as_outsider(second.secret_key)
        await ada.until(lambda: len(told(ada)) == 2)
        assert any(call.route == RECENT for call in world.onetime.calls[asked:])
        await eventually(lambda: sent(database) == 2)
        assert len(told(ada)) == 2  # the first was not told again


def sent(database):
    with closing(sqlite3.connect(database, timeout=10)) as connection:
        return connection.execute("SELECT count(*) FROM notifications WHERE sent_at IS NOT NULL").fetchone()[0]
