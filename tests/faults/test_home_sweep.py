"""Killed at every step of the Home tab: it shows what is so, and nobody is told of a tab that was not drawn."""

from __future__ import annotations

import itertools

import pytest

from bot.sandbox.onetime import OnetimeFault
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

# Events are left out: Slack delivers them again.
OPEN_ACTS = "SELECT count(*) FROM acts WHERE answered_at IS NULL AND NOT is_event"

_numbers = itertools.count(1)


@pytest.fixture
def world(crashing):
    return crashing.world


@pytest.fixture
def ada(crashing, world):
    """The only one whose Home is open: what is killed is hers."""
    crashing.change("DELETE FROM homes")
    number = next(_numbers)
    return world.workspace.person(f"U0ADA{number:05}", f"ada{number}")


async def sees(person, *said):
    await person.until(lambda: person.home and all(one in str(person.home.blocks) for one in said))


async def is_published(crashing):
    """Slack has the Home a moment before the bot has passed its last step."""
    await eventually(lambda: crashing.query("SELECT count(*) FROM homes WHERE hash IS NOT NULL") == [(1,)])


async def is_up_again(crashing):
    await crashing.says("killed")
    await crashing.is_up_again()


async def track(world, ada):
    held = world.onetime.share(None, "the text")
    await ada.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key} db password")
    await ada.until(lambda: ada.dm)
    return held


@pytest.mark.parametrize("step", ["home_opened", "home_claimed", "home_published"])
async def test_a_home_that_was_being_opened_is_drawn_after_the_restart(crashing, world, ada, step):
    crashing.kill_at(step)

    first = await ada.open_home()
    await is_up_again(crashing)
    await world.workspace.retry(first)

    await sees(ada, "Share a password")
    assert ada.dm == []


@pytest.mark.parametrize("step", ["home_claimed", "home_published"])
async def test_a_burn_in_home_is_seen_after_the_restart(crashing, world, ada, step):
    held = await track(world, ada)
    await ada.open_home()
    await sees(ada, "db password")
    await is_published(crashing)
    crashing.kill_at(step)

    await ada.click(ada.home, label="Burn")
    await is_up_again(crashing)

    await sees(ada, "db password", "Burned")
    await ada.until(lambda: "Burned" in ada.dm[0].shows)
    assert world.onetime.find_secret(held.metadata_key).state == "burned"


async def test_a_burn_that_was_interrupted_is_answered_in_its_window_over_home(crashing, world, ada):
    await track(world, ada)
    await ada.open_home()
    await sees(ada, "db password")
    hang = OnetimeFault("hang after")
    world.onetime.plan("/api/v1/private/{key}/burn", hang)
    await ada.click(ada.home, label="Burn")
    await ada.until(lambda: ada.view and "One moment" in ada.view.text)
    await eventually(lambda: crashing.query(f"{OPEN_ACTS} AND \"window\" = 'placeholder'") == [(1,)])

    crashing.kill_now()
    hang.release()
    await is_up_again(crashing)

    await ada.until(lambda: "got no answer" in ada.view.text)
    await eventually(lambda: crashing.query(OPEN_ACTS) == [(0,)])


async def test_a_page_that_was_not_turned_needs_no_words(crashing, world, ada):
    for number in range(12):
        held = world.onetime.share(None, f"text {number}")
        await ada.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key}")
        await ada.until(lambda: len(ada.dm) == number + 1)  # noqa: B023 - at once
    await ada.open_home()
    await sees(ada, "Page 1 of 2")
    await is_published(crashing)
    crashing.kill_at("home_claimed")

    await ada.click(ada.home, label="Older")
    await is_up_again(crashing)

    await sees(ada, "Page 2 of 2")
    await eventually(lambda: crashing.query(OPEN_ACTS) == [(0,)])
    assert len(ada.dm) == 12


async def test_a_click_in_home_that_slack_sends_again_has_one_effect(crashing, world, ada):
    def count_burns():
        return sum(one.route.endswith("/burn") for one in world.onetime.calls)

    before = count_burns()
    await track(world, ada)
    await ada.open_home()
    await sees(ada, "db password")
    first = await ada.click(ada.home, label="Burn")
    await sees(ada, "Burned")
    await eventually(lambda: crashing.query(OPEN_ACTS) == [(0,)])

    for _ in range(3):
        assert (await ada.replay(first)).status == 200
    crashing.kill_now()
    await is_up_again(crashing)
    assert (await world.workspace.deliver(first.kind, first.payload)).ok
    await crashing.says("action")

    assert count_burns() == before + 1
