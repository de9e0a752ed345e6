"""Everything that can happen to tracked secrets, in any order, against a model of what their senders may be told.

The bot's storage, client, watcher and notifier are the real ones, on a SQLite file, against the emulated Onetime Secret
over HTTP. What is claimed: a message says only what Onetime Secret said; nobody is told the same twice
but after a doubt; nothing is said of what is given up, or of one's own burn; and once everything is well again,
everybody has been told what became of each secret that they track.

    python -m tests.long model

tries other examples each time, and many more of them.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from bot.person import Person
from bot.sandbox.onetime import VERSIONS, OnetimeFault
from tests.faults.model_bot import At
from tests.faults.model_machine import Machine
from tests.faults.model_outside import HOST_TROUBLE, ROUTES, SLACK_TROUBLE, everything_outside
from tests.faults.model_world import PEOPLE, username

LONG = os.environ.get("HYPOTHESIS") == "long"
FEW, MANY = 5, 5_000 if LONG else 25  # examples
SETTINGS = settings(
    stateful_step_count=60 if LONG else 30,
    derandomize=not LONG,  # the same examples in every run, unless somebody looks for new ones
    database=None,
    deadline=None,
    phases=tuple(Phase) if LONG else (Phase.generate,),  # a failure is told at once; the long run makes it short
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
STEPS = (
    "watches_claimed",
    "polled",
    "poll_written",
    "notifications_claimed",
    "notification_posted",
    "notification_marked",
)

people = st.sampled_from(PEOPLE)
owners = st.sampled_from((*PEOPLE, None))
lives = st.sampled_from((120, 4_000, 604_800))  # seconds
fates = st.sampled_from(("opens", "looks", "burns", "loses it"))
numbers = st.integers(0, 9)  # which of the secrets, counted round
places = st.one_of(st.sampled_from(STEPS), st.integers(1, 16))
maybe_killed = st.none() | places
troubles = st.lists(st.sampled_from(SLACK_TROUBLE), max_size=2)


class Tracked(Machine):
    """What may happen.

    A rule that cannot do anything does nothing. As a precondition it would make what hypothesis draws depend on how
    fast this machine is.
    """

    @initialize(
        version=st.sampled_from(sorted(VERSIONS)),
        honours_ids=st.booleans(),
        alone=st.booleans(),
        connected=st.sets(people),
        made=st.lists(st.tuples(owners, lives, st.sets(people)), min_size=2, max_size=5),
    )
    def begin(self, version: str, honours_ids: bool, alone: bool, connected: set[Person], made: list[Any]) -> None:
        self.set_up(version, honours_ids=honours_ids, alone=alone)
        for person in sorted(connected, key=str):
            self.connects(person, None)
        for number, (owner, ttl, trackers) in enumerate(made):
            self.is_made(owner, ttl)
            for person in sorted(trackers, key=str):
                self.tracks(person, number, None)

    @rule()
    def is_restarted(self) -> None:
        self.run(self.restarted())

    @rule(seconds=st.sampled_from((1, 20, 61, 310, 3_600, 90_000)))
    def time_passes(self, seconds: int) -> None:
        self.clock.move(seconds)

    @rule(place=maybe_killed)
    def looks(self, place: At | None) -> None:
        self.clock.move(22)
        self.does(self.bot.watcher.run_once, place)

    @rule(place=maybe_killed)
    def tells(self, place: At | None) -> None:
        self.clock.move(2)
        self.does(self.bot.notifier.run_once, place)

    @rule()
    def is_overtaken_while_it_tells(self) -> None:
        """It hangs in Slack until its lease is over, and another process takes its place."""
        if self.alone:
            return
        self.clock.move(2)
        self.world.gate = gate = asyncio.Event()
        self.world.at_gate.clear()

        async def overtaken() -> None:
            slow = asyncio.ensure_future(self.bot.notifier.run_once())
            waiting = asyncio.ensure_future(self.world.at_gate.wait())
            await asyncio.wait({slow, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if not slow.done():
                await self.another_one(lambda other: other.notifier.run_once())
            self.world.gate = None
            gate.set()
            await slow

        self.does(overtaken)

    @rule()
    def is_overtaken_while_it_looks(self) -> None:
        """The host lets it wait until its lease is over, and another process takes its place."""
        if self.alone:
            return
        self.clock.move(22)
        fault = OnetimeFault("hang")

        async def overtaken() -> None:
            self.server.plan("/api/", fault)
            slow = asyncio.ensure_future(self.bot.watcher.run_once())
            arrived = asyncio.ensure_future(self.server.wait_for_call("/api/"))
            await asyncio.wait({slow, arrived}, return_when=asyncio.FIRST_COMPLETED)
            arrived.cancel()
            if not slow.done():
                await self.another_one(lambda other: other.watcher.run_once())
            self.server.clear_faults()
            await slow

        self.does(overtaken)

    # --- what becomes of secrets

    @rule(owner=owners, ttl=lives)
    def is_made(self, owner: Person | None, ttl: int) -> None:
        self.world.share(owner, ttl)

    @rule(number=numbers, fate=fates)
    def somebody_else_acts(self, number: int, fate: str) -> None:
        held = self.one(number)
        if fate == "opens":
            self.server.open_as_outsider(held.secret_key)
        elif fate == "looks":
            self.server.look_as_outsider(held.secret_key)
        elif fate == "burns":
            self.server.burn_as_owner(held.metadata_key)
        else:
            self.server.orphan(held.metadata_key)

    # --- what people do

    @rule(person=people, owner=owners, life=lives, fate=fates, look=maybe_killed, slack=troubles, tell=maybe_killed)
    def a_story(
        self,
        person: Person,
        owner: Person | None,
        life: int,
        fate: str,
        look: At | None,
        slack: list[str],
        tell: At | None,
    ) -> None:
        """What everything is about from its beginning, so that it is not left to chance that one follows the other."""
        self.is_made(owner, life)
        self.tracks(person, -1, None)
        self.somebody_else_acts(-1, fate)
        self.looks(look)
        self.slack_fails(slack)
        self.tells(tell)

    @rule(person=people, life=lives)
    def a_story_of_one_that_lives_on(self, person: Person, life: int) -> None:
        """0.25 prolongs what somebody looked at, and the list does not say so."""
        self.connects(person, None)
        self.is_made(person, life)
        self.tracks(person, -1, None)
        self.somebody_else_acts(-1, "looks")
        self.time_passes(life)
        self.looks(None)
        self.tells(None)

    @rule(person=people)
    def a_story_of_one_that_was_burned_before(self, person: Person) -> None:
        """The news is about to be told when the person finds out."""
        self.is_made(None, 4_000)
        self.tracks(person, -1, None)
        self.somebody_else_acts(-1, "burns")
        self.looks(None)
        key = self.one(-1).metadata_key
        if (person, key) in self.world.tracks:
            self.burns_this(person, key, None)
        self.tells(None)

    @rule(person=people, number=numbers, place=maybe_killed)
    def tracks(self, person: Person, number: int, place: At | None) -> None:
        held = self.one(number)
        was = self.world.truth(held.metadata_key)
        link = self.world.private_link(held)
        well = self.does(
            lambda: self.world.command(self.bot, person, "track", f"{link} {held.metadata_key[:6]}"), place
        )
        rows = self.run(self.world.tracked_by(person))
        self.expect(not well or was != "new" or held.metadata_key in rows, "tracked, and not stored")
        self.remember(person, rows)

    @rule(number=numbers, place=maybe_killed)
    def gives_up(self, number: int, place: At | None) -> None:
        if not self.world.tracks:
            return
        person, key = self.tracked(number)
        link = f"{self.server.url}/private/{key}"
        well = self.does(lambda: self.world.command(self.bot, person, "untrack", link), place)
        rows = self.run(self.world.tracked_by(person))
        self.expect(not well or key not in rows, "given up, and still stored")
        self.remember(person, rows, may_be_gone={key})

    @rule(number=numbers, place=maybe_killed)
    def burns(self, number: int, place: At | None) -> None:
        if not self.world.tracks:
            return
        self.burns_this(*self.tracked(number), place)

    def burns_this(self, person: Person, key: str, place: At | None) -> None:
        before = self.world.truth(key)
        row = self.run(self.world.tracked_by(person))[key]
        troubled = bool(self.server._faults._planned)
        well = self.does(lambda: self.world.press(self.bot, person, "tracked_burn", row.id), place)
        row = self.run(self.world.tracked_by(person))[key]
        track = self.world.tracks[person, key]
        burned_now = before == "new" and self.world.truth(key) == "burned"
        self.expect(not (burned_now and well) or troubled or row.state == "burned", "burned, and not known at once")
        if row.state == "burned" and not track.told["burned"]:
            # Whoever saw the answer is not to be told again; whoever did not, may be.
            track.burned_it, track.excused = well, not well

    @rule(number=numbers, place=maybe_killed)
    def refreshes(self, number: int, place: At | None) -> None:
        if not self.world.tracks:
            return
        person, key = self.tracked(number)
        row = self.run(self.world.tracked_by(person))[key]
        self.does(lambda: self.world.press(self.bot, person, "tracked_refresh", row.id), place)

    @rule(person=people, place=maybe_killed)
    def connects(self, person: Person, place: At | None) -> None:
        if self.does(lambda: self.world.connect(self.bot, person), place):
            self.world.connected.add(person)
        else:
            self.run(self.sees_accounts(person))

    @rule(number=numbers, place=maybe_killed)
    def disconnects(self, number: int, place: At | None) -> None:
        if not self.world.connected:
            return
        person = sorted(self.world.connected, key=str)[number % len(self.world.connected)]

        async def disconnect() -> None:
            (account,) = await self.bot.services.accounts.all_of(person)
            await self.world.press(self.bot, person, "account_disconnect", account.id)

        well = self.does(disconnect, place)
        rows = self.run(self.world.tracked_by(person))
        self.expect(not well or not rows, "disconnected, and still tracked")
        self.remember(person, rows, may_be_gone={key for one, key in self.world.tracks if one == person})
        self.run(self.sees_accounts(person))

    @rule(person=people)
    def makes_a_new_token_on_the_site(self, person: Person) -> None:
        self.world.tokens[person] += "+"
        self.server.change_token(username(person), self.world.tokens[person])
        self.world.refusals += 3

    @rule()
    def is_tidied(self) -> None:
        self.does(self.bot.polls.purge)
        for person in PEOPLE:
            rows = self.run(self.world.tracked_by(person))
            over = {
                key for (one, key), track in self.world.tracks.items() if one == person and self.is_done(key, track)
            }
            self.remember(person, rows, may_be_gone=over)

    # --- what goes wrong

    @rule(name=st.sampled_from(sorted(HOST_TROUBLE)), route=st.sampled_from(ROUTES), times=st.integers(1, 6))
    def the_host_fails(self, name: str, route: str, times: int) -> None:
        if name == "no answer":
            self.outside.may_not_answer()
        self.server.plan(route, HOST_TROUBLE[name](), 1 if name == "no answer" else times)
        self.world.refusals += times if name == "404 not authorized" else 0
        self.world.lied |= name == "404 unknown secret"

    @rule()
    def the_host_is_well(self) -> None:
        self.server.clear_faults()
        self.outside.answers()

    @rule(how=troubles)
    def slack_fails(self, how: list[str]) -> None:
        self.world.slack_fails = list(how)


@pytest.mark.timeout(7_200 if LONG else 300)  # a twentieth of that where nothing else runs
@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_senders_are_told_what_became_of_their_secrets_and_nothing_else(tmp_path: Path, examples: int) -> None:
    with everything_outside(tmp_path) as outside:

        class Here(Tracked):
            def __init__(self) -> None:
                super().__init__(outside)

        run_state_machine_as_test(Here, settings=settings(SETTINGS, max_examples=examples))
