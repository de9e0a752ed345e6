"""An answer to a form that Slack applies late, after the calls that the bot made meanwhile: nothing stays covered.

What is shown once counts as seen only when no answer can cover it any more.
"""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from bot.sandbox.onetime import OnetimeFault
from tests.support.share_window import fill_share
from tests.support.waiting import eventually

TEXT = "the secret itself"


@pytest.fixture
def held_answers(monkeypatch):
    """Slack gets the answers of this person's forms, and applies them when `release` is set."""

    def hold(person):
        send, release = person._app.send, asyncio.Event()

        async def send_and_wait(kind, payload):
            delivery = await send(kind, payload)
            if payload.get("type") == "view_submission":
                await release.wait()
            return delivery

        monkeypatch.setattr(person._app, "send", send_and_wait)
        return release

    return hold


def stored(world, query, *values):
    with closing(sqlite3.connect(world.directory / "bot.db", timeout=10)) as connection:
        return connection.execute(query, values).fetchall()


def state_of_link(world, person):
    query = (
        "SELECT state, passphrase IS NULL FROM deliveries WHERE share_id IN (SELECT id FROM shares WHERE user_id = ?)"
    )
    return stored(world, query, person.id)


async def submit(person, fields):
    return asyncio.create_task(person.submit(person.view, fields))


async def window(person, verb, label):
    await person.command("/ots", verb)
    await person.until(lambda: person.view and person.view.submit == label)


@pytest.mark.parametrize("is_slow", [False, True], ids=["at once", "after a slow host"])
@pytest.mark.parametrize("mode", ["none", "generate"], ids=["a link", "a link and a passphrase"])
async def test_a_link_counts_as_seen_only_when_no_answer_can_cover_it(world, ada, held_answers, is_slow, mode):
    await window(ada, "share", "Share")
    await fill_share(ada, ada.view, {"text1": TEXT, "passphrase_mode": mode})
    release = held_answers(ada)
    if is_slow:
        world.onetime.plan("/api/v1/share", OnetimeFault("delay", seconds=2.2))
    world.workspace.faults.clear()

    submitting = await submit(ada, {})
    await ada.until(lambda: "Anybody who has it" in ada.view.text)  # it reached Slack before the answer
    await world.workspace.wait_for_call("views.update", 3)

    (held,) = world.onetime.everything()
    assert state_of_link(world, ada) == [("made", int(mode == "none"))]
    release.set()
    await submitting
    await ada.until(
        lambda: "Anybody who has it" in ada.view.text and f"/secret/{held.secret_key}" in str(ada.view.payload)
    )
    await eventually(lambda: state_of_link(world, ada) == [("link_shown", 1)])
    assert f"/secret/{held.secret_key}" in str(ada.view.payload)


async def test_a_secret_is_not_wiped_before_no_answer_can_cover_it(world, ada, held_answers):
    held = world.onetime.share(None, TEXT)
    await window(ada, f"retrieve {world.onetime.url}/secret/{held.secret_key}", "Open")
    release = held_answers(ada)

    submitting = await submit(ada, {})
    await world.workspace.wait_for_call("views.update", 3)

    assert world.onetime.posts_of(held.secret_key) == 0  # the probe proves nothing yet
    release.set()
    await submitting
    await ada.until(lambda: ada.view.secret_text() == TEXT)
    query = "SELECT state FROM reveals WHERE user_id = ?"
    await eventually(lambda: stored(world, query, ada.id) == [("shown",)])
    assert ada.view.secret_text() == TEXT
