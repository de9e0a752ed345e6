"""Generating: a password that the host makes up, shown once and kept nowhere, or sent without being shown."""

import itertools
import sqlite3
from contextlib import closing

import pytest

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.slack import SlackFault
from tests.support.waiting import eventually

GENERATE = "/api/v1/generate"
BURN = "/api/v1/private/{key}/burn"
SHOW, SEND = "Show it to me, and keep it nowhere", "Send it, or make a link, without showing it to me"

LIMITED = OnetimeFault("answer", status=404, body=b'{"message":"Rate limit exceeded. Please try again later."}',
                headers={"content-type": "application/json"})  # fmt: skip

_numbers = itertools.count(1)


async def window(person, text=""):
    await person.command("/ots", f"generate {text}".strip())
    return await person.until(lambda: person.view and person.view.submit == "Generate" and person.view)


async def shown(person):
    return await person.until(
        lambda: person.view and person.view.title == "Your password" and person.view.secret_text()
    )


async def forgotten(world, person):
    """No row stands any more for something of this person's that may exist."""
    query = "SELECT count(*) FROM shares WHERE user_id = ?"
    with closing(sqlite3.connect(world.directory / "bot.db")) as connection:
        await eventually(lambda: connection.execute(query, [person.id]).fetchone() == (0,))


def routes(world):
    return [call.route for call in world.onetime.calls]


# --- shown


async def test_it_is_shown_once_and_the_hosts_copy_is_destroyed_before(world, ada):
    states: list[str] = []
    view = await window(ada)
    look = SlackFault.meanwhile(lambda: states.extend(one.state for one in world.onetime.everything()))
    world.workspace.plan("views.update", look)

    await ada.submit(view)

    password = await shown(ada)
    (held,) = world.onetime.everything()
    assert (held.state, states) == ("burned", ["burned"])
    assert routes(world) == [GENERATE, BURN]
    assert len(password) >= 8
    await forgotten(world, ada)
    assert ada.dm == []


async def test_it_is_made_with_the_persons_account(world, connected):
    before = len(world.onetime.calls)

    await connected.submit(await window(connected))

    await shown(connected)
    made, burned = world.onetime.calls[before:]
    assert made.caller == burned.caller != "anonymous"


async def test_a_copy_that_could_not_be_burned_is_on_a_card_with_a_button_to_burn_it(world, ada):
    world.onetime.plan(BURN, OnetimeFault("drop"), None)

    await ada.submit(await window(ada))

    await shown(ada)
    assert "expires by itself in 5 minutes" in ada.view.text
    card = await ada.until(lambda: ada.dm and ada.dm[0])
    (held,) = world.onetime.everything()
    assert held.state == "new"
    world.onetime.clear_faults()
    await ada.close()
    await ada.click(card, label="Burn")
    await ada.until(lambda: "burned before anybody opened it" in card.shows)
    assert world.onetime.find_secret(held.metadata_key).state == "burned"


async def test_without_a_usable_answer_it_is_said_that_one_may_exist(world, ada):
    world.onetime.plan(GENERATE, OnetimeFault("drop after"), 1)

    await ada.submit(await window(ada))

    await ada.until(lambda: "It may have made one" in ada.view.text)
    card = await ada.until(lambda: ada.dm and ada.dm[0])
    assert "may exist, and nobody has its link" in card.shows
    assert routes(world) == [GENERATE]


async def test_what_the_host_refuses_can_be_tried_again_and_leaves_nothing(world, ada):
    world.onetime.plan(GENERATE, LIMITED, 1)

    await ada.submit(await window(ada))

    await ada.until(lambda: "Nothing was made" in ada.view.text)
    assert ada.view.submit == "Generate"
    await forgotten(world, ada)
    await ada.submit(ada.view)
    await shown(ada)
    assert ada.dm == []


async def test_a_window_that_is_gone_loses_a_password_that_nobody_uses_and_says_so(world, ada):
    view = await window(ada)
    hang = OnetimeFault("hang after")
    world.onetime.plan(GENERATE, hang, 1)
    await ada.submit(view)
    await world.onetime.wait_for_call(GENERATE)
    await ada.close()
    hang.release()

    told = await ada.until(lambda: ada.dm and ada.dm[-1])

    assert "makes another one" in told.shows
    (held,) = world.onetime.everything()
    assert held.state == "burned"


@pytest.mark.parametrize("fields", [{"to": ["U0ANY"]}, {"passphrase": "long enough"}], ids=["people", "a passphrase"])
async def test_what_belongs_to_sending_is_refused_when_it_is_to_be_shown(world, ada, fields):
    world.workspace.person("U0ANY", "any")
    view = await window(ada)

    await ada.submit(view, fields)

    await ada.until(lambda: view.errors)
    assert "what" in view.errors
    assert world.onetime.calls == []


# --- sent


async def test_it_is_sent_without_being_shown_to_who_made_it(world, ada, ben):
    before = len(world.workspace.export())
    view = await window(ada, f"<@{ben.id}|ben>")

    await ada.submit(view, {"note": "for the new account"})

    message = await ben.until(lambda: ben.dm and ben.dm[-1])
    await ada.until(lambda: ada.view.title == "Shared")
    await ada.until(lambda: ada.dm)
    (held,) = world.onetime.everything()
    sent = str([one.payload for one in world.workspace.export()[before:]])
    assert not any(part in sent for part in (held.secret_key, held.metadata_key))
    await ada.close()
    await ben.click(message, label="Open")
    await ben.submit(await ben.until(lambda: ben.view and ben.view.submit == "Show here" and ben.view))
    password = await ben.until(ben.view.secret_text)
    assert password not in sent
    await ada.until(lambda: any("opened your one-time secret" in one.shows for one in ada.dm))


async def test_each_person_gets_a_password_of_their_own(world, ada, ben):
    cleo = world.workspace.person(f"U0GCLEO{next(_numbers):04}", "cleo")
    view = await window(ada, f"<@{ben.id}> <@{cleo.id}>")

    await ada.submit(view)

    await ada.until(lambda: ben.dm and cleo.dm)
    passwords = set()
    for person in (ben, cleo):
        await person.click(person.dm[-1], label="Open")
        await person.submit(await person.until(lambda p=person: p.view and p.view.submit == "Show here" and p.view))
        passwords.add(await person.until(lambda p=person: p.view.secret_text()))
    assert len(passwords) == 2


async def test_just_the_link_shows_the_link_and_not_the_password(world, ada):
    view = await window(ada)

    await ada.submit(view, {"what": SEND})

    await ada.until(lambda: ada.view.title == "Shared")
    (held,) = world.onetime.everything()
    assert f"/secret/{held.secret_key}" in str(ada.view.payload)
    assert held.state in {"new", "viewed"}


async def test_other_words_behind_it_are_no_use(world, ada):
    await ada.command("/ots", "generate 32 characters")

    await ada.until(lambda: "/ots generate @somebody" in ada.sees())
    assert "32 characters" not in ada.sees()
