"""The credentials of an account go to its own host and to no other, whatever allowed host a link names."""

import base64
import itertools
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing

import pytest_asyncio

from bot.sandbox.onetime import OnetimeServer
from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL, TOKEN, connect
from tests.support.waiting import eventually

_numbers = itertools.count(1)


class Heard(OnetimeServer):
    """Keeps what it is sent: the header of the credentials, and everything else as text."""

    def __init__(self) -> None:
        super().__init__()
        self.credentials: list[str | None] = []
        self.sent = ""

    async def _serve(self, request):
        self.credentials.append(request.headers.get("Authorization"))
        self.sent += f"{request.method} {request.path_qs} {dict(request.headers)} {await request.text()}\n"
        return await super()._serve(request)


@pytest_asyncio.fixture
async def other() -> AsyncIterator[Heard]:
    async with Heard() as started:
        yield started


@pytest_asyncio.fixture
async def world(other):
    async with World(onetime=(home := Heard()), settings={"WATCH_EVERY": "5"}) as started:
        hosts = f"{home.url} {other.url}"
        home.add_account(EMAIL, TOKEN)
        await started.bot.stop()
        await started.start_bot(ONETIME_HOSTS=hosts)
        yield started


def private(host, held):
    return f"{host.url}/private/{held.metadata_key}"


async def test_no_verb_sends_the_account_to_another_host(world, other):
    ada = await connect(world.workspace.person("U0ADA", "ada"))
    assert world.onetime.credentials[-1] == "Basic " + base64.b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()

    for host in (other, world.onetime):  # what is done at home shows that each verb does send the account there
        opened, burned, seen, tracked = (host.share(None, f"text {next(_numbers)}") for _ in range(4))
        before = len(host.credentials)
        await ada.command("/ots", f"retrieve {host.url}/secret/{opened.secret_key}")
        await ada.until(lambda: ada.view and ada.view.submit == "Open")
        await ada.submit()
        await ada.until(lambda: ada.view and ada.view.secret_text().startswith("text"))
        await ada.close()
        await ada.command("/ots", f"burn {private(host, burned)}")
        await ada.until(lambda: ada.view and ada.view.submit == "Burn it")
        await ada.submit()
        await ada.until(lambda: ada.view and "Burned" in ada.view.text)
        await ada.close()
        answers = len(ada.ephemerals)
        await ada.command("/ots", f"metadata {private(host, seen)}")
        await ada.until(lambda: ada.ephemerals[answers:])  # noqa: B023 - awaited right here
        cards = len(ada.dm)
        await ada.command("/ots", f"track {private(host, tracked)}")
        await ada.until(lambda: len(ada.dm) > cards)  # noqa: B023
        asked = len(host.credentials)
        await ada.click(ada.dm[-1], label="Refresh")
        await eventually(lambda: len(host.credentials) > asked)  # noqa: B023
        host.open_as_outsider(tracked.secret_key)
        await ada.until(lambda: any("was opened" in message.shows for message in ada.dm[cards:]))  # noqa: B023

        used = set(host.credentials[before:])
        assert len(host.credentials) - before >= 5
        assert used == {None} if host is other else None not in used
    assert TOKEN not in other.sent
    assert EMAIL not in other.sent


async def test_a_stored_account_is_sent_to_no_host_that_its_row_does_not_name(world, other):
    """Whoever can write to the database, and has no key, moves the account to another allowed host."""
    ada = await connect(world.workspace.person("U0ADA", "ada"))
    with closing(sqlite3.connect(world.directory / "bot.db", timeout=10)) as database, database:
        database.execute("UPDATE accounts SET host = ?", (other.url,))

    held = other.share(None, "the text")
    await ada.command("/ots", f"retrieve {other.url}/secret/{held.secret_key}")
    await ada.until(lambda: ada.view and ada.view.submit == "Open")
    await ada.submit()
    await ada.until(lambda: ada.view and ada.view.secret_text() == "the text")
    assert "cannot be read any more" in ada.view.text
    start = len(world.bot.output)
    await ada.command("/ots", f"recent {other.url}")
    await eventually(lambda: b'"verb": "recent"' in world.bot.output[start:])

    assert set(other.credentials) == {None}
