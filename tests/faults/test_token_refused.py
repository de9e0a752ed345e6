"""Slack refuses the bot's token for five minutes: nothing is given up, and afterwards everybody hears everything."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest
import pytest_asyncio

from bot.sandbox.onetime import SecretSnapshot
from bot.sandbox.slack import SlackFault, WorkspaceMember
from bot.sandbox.slack.web_api import METHODS
from bot.sandbox.world import World
from tests.support.waiting import PATIENCE, eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

FIVE_MINUTES = 300.0  # seconds
PEOPLE, EACH, HELD = 10, 5, 5
WAITING = "SELECT count(*) FROM notifications WHERE sent_at IS NULL AND dead_letter IS NULL"
GIVEN_UP = "SELECT count(*) FROM notifications WHERE dead_letter IS NOT NULL"
TRIES = "SELECT max(tries) FROM notifications"
UNSEEN = "SELECT count(*) FROM reveals WHERE state = 'escrowed' AND notified_at IS NULL AND escrow IS NOT NULL"
A_ROUND = 60.0  # seconds between two rounds of recovery


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared():
    async with World(own_clock=True, settings={"WATCH_EVERY": "5"}) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def world(shared):
    yield shared
    shared.workspace.clear_faults()


def query(world: World, statement: str) -> Any:
    with closing(sqlite3.connect(f"file:{world.directory}/bot.db?mode=ro", uri=True)) as database:
        return database.execute(statement).fetchone()[0]


def refuse(world: World, code: str) -> None:
    """Every method that takes a token. A response_url takes none."""
    for method in METHODS:
        world.workspace.plan(method, SlackFault.error(code), None)


def logged(world: World, event: str) -> list[dict[str, Any]]:
    lines = bytes(world.bot.output).splitlines()
    return [
        line for line in map(json.loads, filter(lambda line: line.startswith(b"{"), lines)) if line["event"] == event
    ]


async def tracks(world: World, person: WorkspaceMember, count: int) -> list[SecretSnapshot]:
    secrets = [world.onetime.share(None, f"text {number}") for number in range(count)]
    for number, held in enumerate(secrets):
        await person.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key} secret {number}")
    await person.until(lambda: len(person.dm) == count)
    return secrets


async def has_window(world: World, person: WorkspaceMember) -> SecretSnapshot:
    """The window that asks is open, and the bot will still find it there when everything else is refused."""
    held = world.onetime.share(None, f"the text of {person.id}")
    await person.command("/ots", f"retrieve {world.onetime.url}/secret/{held.secret_key}")
    await person.until(lambda: person.view and person.view.submit == "Open")
    assert person.view is not None
    world.workspace.plan("views.update", SlackFault.meanwhile(lambda: None), 1, about=person.view.id)
    return held


@pytest.mark.slow
async def test_after_five_minutes_without_a_token_all_is_told_and_every_held_secret_is_offered(world):
    people = [world.workspace.person(f"U0ADA{number:04}", f"ada{number}") for number in range(PEOPLE)]
    readers = [world.workspace.person(f"U0BEN{number:04}", f"ben{number}") for number in range(HELD)]
    tracked = [secret for person in people for secret in await tracks(world, person, EACH)]
    held = [await has_window(world, reader) for reader in readers]

    before = len(logged(world, "token_refused"))
    refuse(world, "token_revoked")
    for reader in readers:
        await reader.submit()
    await eventually(lambda: query(world, UNSEEN) == HELD)
    for secret in tracked:
        world.onetime.open_as_outsider(secret.secret_key)
    await eventually(lambda: query(world, WAITING) == PEOPLE * EACH)
    await eventually(lambda: logged(world, "sending_paused"))
    world.clock.move(FIVE_MINUTES)
    await world.workspace.wait_for_call("chat.postMessage", times=3, timeout=PATIENCE)  # probes go on
    assert query(world, GIVEN_UP) == 0
    assert query(world, UNSEEN) == HELD
    world.workspace.clear_faults()

    async with asyncio.timeout(A_ROUND + PATIENCE):
        while query(world, WAITING) or query(world, UNSEEN):  # noqa: ASYNC110 - nothing reports it
            await asyncio.sleep(0.2)

    assert query(world, GIVEN_UP) == 0
    for person in people:
        said = "\n".join(message.shows for message in person.dm[EACH:])
        assert [number for number in range(EACH) if f"secret {number}" not in said] == []
    for reader, secret in zip(readers, held, strict=True):
        await reader.close()
        await reader.click(label="Show again")
        await reader.until(lambda r=reader: r.view and r.view.secret_text() == f"the text of {r.id}")
        assert world.onetime.claims_of(secret.secret_key) == 1
    refused = await eventually(lambda: logged(world, "token_refused")[before:])
    assert len(refused) <= HELD  # each window that was found meant that Slack took the token
    assert {line["error"].partition(": ")[2] for line in refused} == {"token_revoked"}
    assert all("SLACK_BOT_TOKEN" in line["reason"] for line in refused)


@pytest.mark.parametrize("code", ["token_revoked", "invalid_auth", "account_inactive", "missing_scope"])
async def test_who_meets_a_refused_token_reads_one_sentence_by_the_response_url(world, code):
    cleo = world.workspace.person("U0CLEO001", "cleo")
    await cleo.command("/ots", "accounts")
    await cleo.until(cleo.sees)
    before = len(logged(world, "token_refused"))
    refuse(world, code)

    await cleo.command("/ots", "retrieve")

    await cleo.until(lambda: "tell the person who runs it" in cleo.sees())
    (line,) = await eventually(lambda: logged(world, "token_refused")[before:])
    assert line["error"].endswith(f": {code}")
    world.workspace.clear_faults()
    await cleo.command("/ots", "retrieve")
    await cleo.until(lambda: cleo.view)
    await cleo.close(all_of_them=True)
