"""Limits of each person: who is over one is told when to try again, and nothing is asked for or consumed."""

import pytest
import pytest_asyncio

from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL, TOKEN
from tests.support.share_window import submit_share


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def started():
    async with World(settings={"SHARES_PER_HOUR": "2", "OPENS_PER_HOUR": "2"}) as world:
        world.onetime.add_account(EMAIL, TOKEN)
        yield world


@pytest.fixture
def strict(started):
    started.onetime.forget()
    return started


async def asks_to_open(person, world, held):
    await person.command("/ots", f"retrieve {world.onetime.url}/secret/{held.secret_key}")
    return await person.until(lambda: person.view and person.view.submit == "Open" and person.view)


async def opens(person, world):
    held = world.onetime.share(None, "the text")
    await person.submit(await asks_to_open(person, world, held))
    await person.until(lambda: person.view.secret_text() == "the text")
    await person.close()


async def test_the_third_secret_within_the_hour_stays_closed(strict):
    ada = strict.workspace.person("U0OPENER", "opener")
    for _ in range(2):
        await opens(ada, strict)
    held = strict.onetime.share(None, "the text")
    view = await asks_to_open(ada, strict, held)

    await ada.submit(view)

    await ada.until(lambda: "You opened secrets 2 times within an hour" in ada.view.text)
    assert "try again in 60 minutes" in ada.view.text
    assert strict.onetime.posts_of(held.secret_key) == 0


async def test_wrong_passphrases_for_one_secret_count_once(strict):
    ada = strict.workspace.person("U0GUESSER", "guesser")
    held = strict.onetime.share(None, "the text", passphrase="right")
    view = await asks_to_open(ada, strict, held)
    await ada.submit(view)
    for guess in ("one", "two"):
        await ada.until(lambda: "did not open" in ada.view.text and ada.view.submit == "Open")
        await ada.submit(ada.view, {"passphrase": guess})
    await ada.until(lambda: strict.onetime.posts_of(held.secret_key) == 3 and ada.view.submit == "Open")
    await ada.submit(ada.view, {"passphrase": "right"})
    await ada.until(lambda: ada.view.secret_text() == "the text")
    await ada.close()

    await opens(ada, strict)


# --- what many can open, and one gets


async def shared_in_a_channel(world, number, *people):
    """Somebody new shares in a channel of these people; its message."""
    sender = world.workspace.person(f"U0SENDER{number}", f"sender{number}")
    members = [sender, *people, world.workspace.bot_user_id]
    place = world.workspace.channel(f"C0LIMIT{number}", "ops", members)
    await submit_share(sender, await asks_to_share(sender), {"text1": "the text", "channel": place.id})
    await sender.until(lambda: sender.view.title == "Shared")
    return next(one for one in people[0].messages if one.channel == place.id)


async def open_window(person, message):
    await person.click(message, action_id="share_open")
    return await person.until(lambda: person.view and person.view.submit == "Show here" and person.view)


async def test_who_was_not_the_first_has_opened_nothing(strict):
    late = strict.workspace.person("U0LATE", "late")
    for number in range(3):
        first = strict.workspace.person(f"U0FIRST{number}", f"first{number}")
        message = await shared_in_a_channel(strict, number, first, late)
        view = await open_window(late, message)
        await first.submit(await open_window(first, message))
        await first.until(lambda first=first: first.view.secret_text() == "the text")

        await late.submit(view)

        await late.until(lambda first=first: f"@{first.id} opened it" in late.view.text)
        await late.close()
    await opens(late, strict)


async def test_who_is_over_the_limit_leaves_it_to_the_others(strict):
    greedy, other = (strict.workspace.person(f"U0{name.upper()}", name) for name in ("greedy", "other"))
    for _ in range(2):
        await opens(greedy, strict)
    message = await shared_in_a_channel(strict, "OVER", greedy, other)
    await greedy.submit(await open_window(greedy, message))
    await greedy.until(lambda: "You opened secrets 2 times within an hour" in greedy.view.text)

    await other.submit(await open_window(other, message))

    await other.until(lambda: other.view.secret_text() == "the text")


async def test_the_limit_is_each_persons_own(strict):
    for name in ("first", "second"):
        person = strict.workspace.person(f"U0{name.upper()}", name)
        for _ in range(2):
            await opens(person, strict)


# --- sharing


async def asks_to_share(person, verb="share"):
    await person.command("/ots", verb)
    submit = {"share": "Share", "generate": "Generate"}[verb]
    return await person.until(lambda: person.view and person.view.submit == submit and person.view)


async def shares(person, text):
    await submit_share(person, await asks_to_share(person), {"text1": text})
    await person.until(lambda: person.view.title == "Shared")
    await person.close()


async def test_the_third_share_within_the_hour_is_not_made(strict):
    ada = strict.workspace.person("U0SHARER", "sharer")
    for text in ("one", "two"):
        await shares(ada, text)
    view = await asks_to_share(ada)

    await submit_share(ada, view, {"text1": "three"})

    await ada.until(lambda: "You shared 2 times within an hour" in ada.view.text)
    assert "try again in 60 minutes" in ada.view.text
    assert ada.view.values["text1"]["typed"]["value"] == "three"  # nothing typed is lost
    assert len(strict.onetime.everything()) == 2


async def test_a_share_with_several_people_counts_once_and_so_does_a_generated_one(strict):
    ada = strict.workspace.person("U0SHARER2", "sharer2")
    people = [strict.workspace.person(f"U0READER{n}", f"reader{n}").id for n in range(3)]
    await submit_share(ada, await asks_to_share(ada), {"text1": "one", "to": people})
    await ada.until(lambda: ada.view.title == "Shared")
    await ada.close()
    sent = {"what": "Send it, or make a link"}
    await submit_share(ada, await asks_to_share(ada, "generate"), sent)
    await ada.until(lambda: ada.view.title == "Shared")
    await ada.close()

    await submit_share(ada, await asks_to_share(ada, "generate"), sent)

    await ada.until(lambda: "You shared 2 times within an hour" in ada.view.text)
    assert len(strict.onetime.everything()) == 4


async def test_what_the_host_refused_counts_once_however_often_it_is_corrected(strict):
    ada = strict.workspace.person("U0SHARER3", "sharer3")
    view = await asks_to_share(ada)
    for guess in ("a", "ab", "abc"):
        await submit_share(ada, view, {"text1": "one", "passphrase": guess})
        await ada.until(lambda: "passphrase" in view.errors)

    await ada.submit(view, {"passphrase": "long enough"})
    await ada.until(lambda: ada.view.title == "Shared")
    await ada.close()

    await shares(ada, "two")


async def test_the_limit_holds_when_the_bot_was_started_again(strict):
    ada = strict.workspace.person("U0SHARER4", "sharer4")
    for text in ("one", "two"):
        await shares(ada, text)
    await strict.bot.stop()
    await strict.start_bot()

    await submit_share(ada, await asks_to_share(ada), {"text1": "three"})

    await ada.until(lambda: "You shared 2 times within an hour" in ada.view.text)
