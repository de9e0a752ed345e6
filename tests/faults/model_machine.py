"""What the rules of the model rest on: the processes of the bot, and what everybody must have been told at the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine

from bot.errors import BotError
from bot.person import Person
from bot.sandbox.onetime import SecretSnapshot
from bot.storage.engine.database import Database
from bot.storage.tracking.store import Tracking
from tests.faults.model_bot import At, Killed, Process
from tests.faults.model_outside import Outside
from tests.faults.model_world import FINAL, Track, World

LEASE_IS_OVER = 200  # seconds
A_ROUND = 400  # seconds: longer than any account is left alone that is still looked at


class Machine(RuleBasedStateMachine):
    """One bot, one Onetime Secret, two people: how they begin, what is wanted at the end, and what the rules need."""

    def __init__(self, outside: Outside) -> None:
        super().__init__()
        self.outside = outside
        self.run = outside.runner.run
        self.clock = outside.clock

    # --- the beginning and the end

    def set_up(self, version: str, *, honours_ids: bool, alone: bool) -> None:
        """`alone`: the bot is the only one on its database; else a dead process's leases have to run out."""
        self.file, self.alone = self.outside.new_database(), alone
        self.server = self.outside.servers[version]
        self.server.forget()
        self.seen = Database.open(f"sqlite:///{self.file}")
        self.clock.of_the_database(self.seen._engine.sync_engine)
        rows = Tracking(self.seen, self.outside.sealer)
        self.world = World(self.server, self.clock, rows, honours_ids=honours_ids)
        self.outside.begins()
        self.bot = self.run(self.another())

    async def another(self, *, alone: bool | None = None) -> Process:
        process = Process(self.file, self.outside.sealer, self.clock, self.server.url, self.outside.onetime)
        post, update = self.world.slack_of(process)
        return await process.start(post, update, alone=self.alone if alone is None else alone)

    def teardown(self) -> None:
        if not hasattr(self, "bot"):
            return
        try:
            self.run(self.all_is_well_again())
        finally:
            self.run(self.bot.end())
            self.run(self.seen.close())

    async def all_is_well_again(self) -> None:
        """Everybody has been told everything, and nothing twice."""
        self.server.clear_faults()
        self.world.slack_fails.clear()
        self.outside.answers()
        await self.restarted()
        for person in sorted(self.world.connected, key=str):
            await self.world.connect(self.bot, person)
        for _ in range(6):
            self.clock.move(A_ROUND)
            await self.until_quiet(self.bot.watcher.run_once, 0)
            truths = {key: self.world.truth(key) for _, key in self.world.tracks}
            await self.until_quiet(self.bot.notifier.run_once, 2)
        for (person, key), track in self.world.tracks.items():
            kinds = [kind for kind in FINAL if track.told[kind]]
            nothing = track.burned_it or truths[key] == "new"
            # A list does not say that a secret has gone missing; what asks by key, or at its end, finds out.
            either = track.excused or truths[key] == "orphaned"
            well = len(kinds) <= 1 if either else len(kinds) == (0 if nothing else 1)
            self.expect(well, f"{person.user_id} was told {kinds}, and it is {truths[key]}")
        assert not self.world.problems, "; ".join(self.world.problems)

    async def until_quiet(self, once: Callable[[], Awaitable[bool]], seconds: int) -> None:
        for _ in range(100):
            if not await once():
                return
            self.clock.move(seconds)
        raise AssertionError("there is always something to do")

    def expect(self, well: bool, problem: str) -> None:
        """As what the world finds wrong: told at the end, so that every run of an example draws the same."""
        if not well:
            self.world.problems.append(problem)

    # --- the process

    def does(self, work: Callable[[], Coroutine[Any, Any, Any]], kill_at: At | None = None) -> bool:
        """Let the bot do this. Whether it ended well; killed meanwhile, it is started again."""
        self.world.begins()
        self.bot.kill_at(kill_at)
        try:
            self.run(self.bot.run(work))
        except Killed:
            self.world.nobody_marks()
            self.run(self.restarted())
            return False
        except BotError:
            return False
        finally:
            self.bot.kill_at(None)
        return True

    async def restarted(self) -> None:
        await self.bot.end()
        self.bot = await self.another()

    async def another_one(self, work: Callable[[Process], Awaitable[bool]]) -> None:
        other = await self.another(alone=False)
        self.clock.move(LEASE_IS_OVER)
        self.world.nobody_marks()
        await work(other)
        await other.end()

    # --- what is tracked

    def one(self, number: int) -> SecretSnapshot:
        return self.world.secrets[number % len(self.world.secrets)]

    def is_done(self, key: str, track: Any) -> bool:
        told = any(track.told[kind] for kind in FINAL)
        return self.world.truth(key) != "new" and (told or track.burned_it or track.excused)

    def tracked(self, number: int) -> tuple[Person, str]:
        return list(self.world.tracks)[number % len(self.world.tracks)]

    def remember(self, person: Person, rows: dict[str, Any], may_be_gone: set[str] | None = None) -> None:
        """What the person tracks from now on. Nothing is forgotten that nobody asked to be."""
        tracks = self.world.tracks
        gone = {key for one, key in tracks if one == person} - rows.keys()
        self.expect(gone <= (may_be_gone or set()), "forgotten without being asked to")
        for key in gone:
            del tracks[person, key]
        for key in rows:
            tracks.setdefault((person, key), Track())

    async def sees_accounts(self, person: Person) -> None:
        accounts = await self.bot.services.accounts.all_of(person)
        (self.world.connected.add if accounts else self.world.connected.discard)(person)
