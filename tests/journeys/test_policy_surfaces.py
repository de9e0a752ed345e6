"""Everything that can be done, under every rule: what a rule denies, and that everything else goes on as before."""

import asyncio
import json

import pytest
import pytest_asyncio

from bot.features import Registry
from bot.interaction.policies import CACHED_FOR
from bot.policy.decide import NAMES
from bot.policy.rules import COUNTS, RULES
from tests.support.acts import ALL_ACTS, ASKS_FOR_MORE, OWNER, Actor, do, owned_world
from tests.support.rows import one_row

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ELSEWHERE = "https://eu.onetimesecret.com"  # not the server that the acts are about
DENIED = "Your workspace's admins do not allow"

OPENS = {
    "command retrieve", "action run_retrieve", "shortcut open_link", "action card_open", "action retrieve_open",
    "form retrieve_link", "form retrieve",
}  # fmt: skip
# What asks the server of the acts. What only looks after a secret that exists, or burns it, is left out.
ASKS_SERVER = {
    "form retrieve", "form connect", "form share", "command recent", "action run_recent",
    "action recent_newer", "action recent_older", "action recent_filter", "action check_link_secret",
    "action share_open_now",
}  # fmt: skip
# What sets the rules is left out: it would end the rule under test. test_policy.py plays it.
WALKED = [act for act in ALL_ACTS if str(act) != "form policy"]
# What each rule denies when it is as strict as it can be. `unfurl` and `escrow` change what happens and deny nothing.
RULES_AND_DENIALS = {
    "hosts": ([ELSEWHERE], ASKS_SERVER),
    "default_host": (ELSEWHERE, set()),
    "max_life": (60, {"form share"}),
    "passphrase": (True, {"form share"}),
    "channels": (False, set()),
    "bare_links": (False, {"form share"}),
    "guests": (False, set()),
    "retrieve": (False, OPENS),
    "escrow": (False, set()),
    "unfurl": (False, set()),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place():
    async with owned_world() as owned:
        yield owned


@pytest_asyncio.fixture(loop_scope="session")
async def rule(place, request):
    """Sets the rule that the test is called with, and waits until the bot knows it."""
    name = request.param
    values = json.dumps({name: RULES_AND_DENIALS[name][0]})
    place.change("INSERT INTO {} (enterprise_id, team_id, rules) VALUES ('-', ?, ?)", place.person.team_id, values,
                 tables=("workspace_policies",))  # fmt: skip
    await asyncio.sleep(CACHED_FOR)
    yield name
    place.change("DELETE FROM {}", tables=("workspace_policies",))


async def test_every_rule_and_every_act_is_here():
    assert RULES_AND_DENIALS.keys() | set(COUNTS) == set(RULES)
    assert {str(act) for act in ALL_ACTS} >= {f"{kind} {name}" for _, denied in RULES_AND_DENIALS.values()
                                              for kind, name in map(str.split, denied)}  # fmt: skip
    assert {(act.kind, act.name) for act in ALL_ACTS} <= set(Registry().handlers)


@pytest.mark.parametrize("rule", RULES_AND_DENIALS, indirect=True)
async def test_each_act_under_each_rule(place, rule, subtests):
    denies = RULES_AND_DENIALS[rule][1]
    for act in WALKED:
        with one_row(subtests, f"{act} under {rule}"):
            place.begin()
            await place.account()
            await place.tracked()
            ref = await act.makes(place)

            got = await do(place, act, Actor(OWNER), ref)

            is_denied = f"{act.kind} {act.name}" in denies
            assert (DENIED in got.words) == is_denied, got
            assert (f"(rule: {NAMES[rule].text})" in got.words) == is_denied
            if not is_denied:
                assert got.outcome == ("NotUnderstood" if act.name in ASKS_FOR_MORE else "done")
            place.clear()


@pytest.mark.parametrize("rule", ["guests"], indirect=True)
async def test_a_guest_is_told_of_the_rule_by_everything(place, rule, subtests):
    for act in ALL_ACTS:
        with one_row(subtests, str(act)):
            got = await do(place, act, Actor("U0GUEST"), None)

            assert got.outcome == "PolicyDenied"
            assert act.kind == "closed" or f"(rule: {NAMES[rule].text})" in got.words
