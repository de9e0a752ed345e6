"""What the bot says about a secret that did not open, where it can know: it made the secret, or somebody tracks it."""

import json
import re
import sqlite3
from contextlib import closing

import pytest
import pytest_asyncio

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL, TOKEN, connect
from tests.support.share_window import submit_share

TEXT = "the secret itself"
SECRET_ROUTE = "/api/v1/secret/{key}"


async def share(sender, **fields):
    await sender.command("/ots", "share")
    view = await sender.until(lambda: sender.view and sender.view.submit == "Share" and sender.view)
    await submit_share(sender, view, {"text1": TEXT, **fields})
    await sender.until(lambda: sender.view and sender.view.title == "Shared")
    await sender.until(lambda: any("What you shared" in one.shows for one in sender.dm))
    await sender.close()


async def press_open(person):
    await person.until(lambda: any("Open" in one.shows for one in person.dm))
    await person.click(person.dm[-1], action_id="share_open")
    return await person.until(lambda: person.view and person.view.submit == "Show here" and person.view)


async def paste(world, person, held):
    await person.command("/ots", f"retrieve {world.onetime.url}/secret/{held.secret_key}")
    return await person.until(lambda: person.view and person.view.submit == "Open" and person.view)


async def sees(person, *words):
    await person.until(lambda: person.view and all(word in person.view.text for word in words))


# --- a wrong passphrase


async def test_a_wrong_passphrase_is_said_and_how_many_tries_are_left(world, ada, ben):
    await share(ada, to=[ben.id], passphrase="the right one")
    view = await press_open(ben)

    for left in ("4 tries", "3 tries", "2 tries", "1 try"):
        await ben.submit(view, {"passphrase": f"wrong {left}"})
        await sees(ben, f"Wrong passphrase, {left} left", "still there")
    await ben.submit(view, {"passphrase": "the right one"})

    await ben.until(lambda: ben.view.secret_text() == TEXT)


async def test_the_link_of_a_secret_that_was_made_here_is_known_too(world, ada, ben):
    await share(ada, passphrase="the right one")
    (held,) = world.onetime.everything()
    view = await paste(world, ben, held)

    await ben.submit(view)
    await sees(ben, "It has a passphrase")
    await ben.submit(view, {"passphrase": "a wrong one"})

    await sees(ben, "Wrong passphrase, 4 tries left")


# --- over


@pytest.mark.parametrize("became", ["expired", "burned", "received"])
@pytest.mark.parametrize("how", ["a button", "a link"])
async def test_what_is_over_since_the_window_opened_is_said(world, ada, ben, became, how):
    await share(ada, ttl="300", **({"to": [ben.id]} if how == "a button" else {}))
    (held,) = world.onetime.everything()
    view = await press_open(ben) if how == "a button" else await paste(world, ben, held)
    match became:
        case "expired":
            world.onetime.move_clock(302)
            said = "expired"
        case "burned":
            world.onetime.burn_as_owner(held.metadata_key)
            said = "burned"
        case _:
            world.onetime.open_as_outsider(held.secret_key)
            said = "It was opened"

    await ben.submit(view)

    await sees(ben, said)
    assert "does not say" not in ben.view.text
    assert "Passphrase" not in ben.view.text


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def clocked():
    async with World(own_clock=True, settings={"WATCH_EVERY": "3600"}) as started:
        yield started


@pytest.mark.parametrize(("hours", "is_known"), [(1.5, True), (2.5, False)], ids=["known", "forgotten by its host"])
async def test_a_window_that_outlived_its_secret_says_when_that_expired(clocked, hours, is_known):
    ada, ben = (clocked.workspace.person(f"U0{name}{is_known}".upper(), name) for name in ("ada", "ben"))
    await share(ada, to=[ben.id], ttl="3600")
    view = await press_open(ben)
    clocked.clock.move(hours * 3600)

    await ben.submit(view)

    await ben.until(lambda: ben.view and re.search(r"It expired \w+ \d+, \d{4}", ben.view.text))
    assert ("Nobody opened it" in ben.view.text) is is_known


async def test_a_pasted_link_in_a_window_that_is_too_old_opens_nothing_and_says_so(world, ada):
    held = world.onetime.share(None, TEXT)
    view = await paste(world, ada, held)
    with closing(sqlite3.connect(world.directory / "bot.db", timeout=10)) as connection:
        connection.execute("UPDATE reveals SET expires_at = 1 WHERE user_id = ?", [ada.id])
        connection.commit()

    await ada.submit(view)

    await sees(ada, "more than an hour", "nothing was opened", "paste the link again")
    assert world.onetime.posts_of(held.secret_key) == 0


# --- locked by its server


def lock(world, held):
    for number in range(20):
        world.onetime.open_as_outsider(held.secret_key, f"guess {number}")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def locking():
    from bot.sandbox.onetime import OnetimeServer

    async with World(onetime=OnetimeServer("0.26", rate_limits=True)) as started:
        yield started


async def test_a_locked_secret_that_was_made_here_is_said_to_be_locked_and_unopened(locking):
    ada, ben = locking.workspace.person("U0ADA", "ada"), locking.workspace.person("U0BEN", "ben")
    await share(ada, to=[ben.id], passphrase="the right one")
    held = locking.onetime.everything()[-1]
    lock(locking, held)
    view = await press_open(ben)

    for _ in range(6):  # a refusal of the lock is no wrong try
        await ben.submit(view, {"passphrase": "the right one"})
        await sees(ben, "locked this secret for half an hour", "Nothing was opened")

    locking.onetime.move_clock(1801)
    await ben.submit(view, {"passphrase": "the right one"})
    await ben.until(lambda: ben.view.secret_text() == TEXT)


async def test_a_locked_secret_of_somebody_else_is_most_likely_locked(locking):
    ada = locking.workspace.person("U0CLEO", "cleo")
    held = locking.onetime.share(None, TEXT, passphrase="the right one")
    lock(locking, held)
    view = await paste(locking, ada, held)

    await ada.submit(view)

    await sees(ada, "most likely locked after too many wrong tries", "nothing was opened")


async def test_burning_a_locked_secret_says_so_and_burns_nothing(locking):
    ada = locking.workspace.person("U0DORA", "dora")
    held = locking.onetime.share(None, TEXT, passphrase="the right one")
    lock(locking, held)
    await ada.command("/ots", f"burn {locking.onetime.url}/private/{held.metadata_key}")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Burn it" and ada.view)

    await ada.submit(view, {"passphrase": "the right one"})

    await sees(ada, "locked this secret for half an hour", "Nothing was burned")
    assert "not its passphrase" not in str(ada.views)
    assert locking.onetime.find_secret(held.metadata_key).has_plaintext


@pytest.mark.parametrize("version", ["0.18", "0.23", "0.25", "0.26"])
async def test_a_wrong_passphrase_for_burning_is_said_on_every_version(version):
    async with World(version=version) as world:
        ada = world.workspace.person("U0ADA", "ada")
        held = world.onetime.share(None, TEXT, passphrase="the right one")
        await ada.command("/ots", f"burn {world.onetime.url}/private/{held.metadata_key}")
        await ada.until(lambda: ada.view and ada.view.submit == "Burn it")

        await ada.submit(ada.view, {"passphrase": "a wrong one"})

        await ada.until(lambda: "not its passphrase" in str(ada.view.errors) + ada.view.text)
        assert world.onetime.find_secret(held.metadata_key).has_plaintext


@pytest.mark.parametrize(
    "fault",
    [
        OnetimeFault("drop"),
        OnetimeFault("answer", status=404, body=b'{"message":"An unexpected error occurred :[","shrimp":null}'),
    ],
    ids=["no answer", "an error of 0.23"],
)
async def test_trouble_while_burning_is_not_taken_for_a_wrong_passphrase(world, ada, fault):
    held = world.onetime.share(None, TEXT, passphrase="the right one")
    await ada.command("/ots", f"burn {world.onetime.url}/private/{held.metadata_key}")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Burn it" and ada.view)
    world.onetime.plan("/api/v1/private/{key}/burn", fault, None)

    await ada.submit(view, {"passphrase": "the right one"})

    await ada.until(lambda: "Please try again" in str([one.text for one in ada.views]))
    assert "not its passphrase" not in str([one.text for one in ada.views])


# --- an account that is not accepted any more


@pytest.mark.parametrize("why", ["another token", "accounts off"])
@pytest.mark.parametrize("verb", ["metadata", "burn", "retrieve", "track"])
async def test_without_the_account_where_it_is_not_needed_and_told_to_reconnect(world, ada, why, verb):
    await connect(ada)
    held = world.onetime.share(EMAIL, TEXT)
    if why == "another token":
        world.onetime.change_token(EMAIL, "another" + TOKEN)
        said = "does not accept your account any more"
    else:
        world.onetime.auth_enabled = False
        said = "does not take accounts any more"
    page, key = ("secret", held.secret_key) if verb == "retrieve" else ("private", held.metadata_key)

    await ada.command("/ots", f"{verb} {world.onetime.url}/{page}/{key}")

    match verb:
        case "metadata" | "track":
            await ada.until(lambda: said in ada.sees())
            assert ("/ots connect" in ada.sees()) is (why == "another token")
        case "burn":
            await ada.until(lambda: ada.view and ada.view.submit == "Burn it")
            assert said in ada.view.text
            await ada.submit()
            await sees(ada, "Burned", said)
            assert world.onetime.find_secret(held.metadata_key).state == "burned"
        case _:
            await ada.until(lambda: ada.view and ada.view.submit == "Open")
            await ada.submit()
            await ada.until(lambda: ada.view.secret_text() == TEXT)
            assert said in ada.view.text


async def track(world, person, held):
    await person.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key}")
    return await person.until(lambda: person.dm and person.dm[-1])


@pytest.mark.parametrize("label", ["Burn", "Refresh"])
async def test_a_button_of_a_card_says_too_that_the_account_has_to_be_connected_again(world, ada, label):
    await connect(ada)
    held = world.onetime.share(EMAIL, TEXT)
    card = await track(world, ada, held)
    world.onetime.change_token(EMAIL, "another" + TOKEN)

    await ada.click(card, label=label)

    await ada.until(lambda: "does not accept your account any more" in card.shows)
    assert ("Burned" in card.shows) is (label == "Burn")


async def test_a_burn_that_wants_a_passphrase_says_too_that_the_account_has_to_be_connected_again(world, ada):
    await connect(ada)
    held = world.onetime.share(EMAIL, TEXT)
    card = await track(world, ada, held)
    for status, said in ((404, "Not authorized"), (404, "Double check that passphrase")):
        answer = OnetimeFault("answer", status=status, body=json.dumps({"message": said}).encode())
        world.onetime.plan("/api/v1/private/{key}/burn", answer)

    await ada.click(card, label="Burn")

    await ada.until(lambda: "This secret has a passphrase" in ada.sees())
    assert "does not accept your account any more" in ada.sees()


@pytest.mark.parametrize("count", [1, 2])
async def test_burning_what_was_shared_says_too_that_the_account_has_to_be_connected_again(
    world, ada, ben, cleo, count
):
    await connect(ada)
    await share(ada, to=[ben.id, cleo.id][:count])
    card = next(one for one in ada.dm if "What you shared" in one.shows)
    world.onetime.change_token(EMAIL, "another" + TOKEN)

    await ada.click(card, label="Burn" if count == 1 else "Burn all")

    await ada.until(lambda: "does not accept your account any more" in ada.sees())
    assert "urned" in card.shows
