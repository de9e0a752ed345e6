"""A thousand workspaces at one `web` and one `worker`, on PostgreSQL behind PgBouncer, against one workspace there.

Each workspace has an account with a hundred tracked secrets, and has had a command, a notification and a Home tab before
memory is read. The acknowledgements are of workspaces that did nothing for a while, so that their installations are read
again; their people are known to be members, or a command would be acknowledged without words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.person import Person
from bot.sandbox.bot_process import BotProcess
from bot.sandbox.slack import SlackWorkspace, WorkspaceMember
from bot.secret import Secret
from bot.slack import many_workspaces, members
from bot.storage.engine.database import Database, migrate
from bot.storage.installations import Installations, NewInstallation
from bot.storage.sealing.keyring import KeyRing
from bot.storage.sealing.sealer import Sealer
from tests.benchmarks.ack import Load, load_generator
from tests.benchmarks.load import Job
from tests.benchmarks.measure import Goal, middle, percentile, ratio, resident, table
from tests.benchmarks.watch import people
from tests.benchmarks.watch.crowd import cluster
from tests.benchmarks.watch.processes import Host, load_server
from tests.support.many_world import ManyWorld
from tests.support.pgbouncer import Pooler, find_program

USER = "U0ADA"  # whose commands load.py sends
AT_ONCE = 8  # people who use the bot at the same time, each once
FIND = 120.0  # seconds until something is answered, or found and told
KB = 1_000  # bytes
MIB = 1_048_576  # bytes


@dataclass(frozen=True, slots=True)
class Plan:
    workspaces: int = 1_000
    each: int = 100  # tracked secrets in each of them
    warm: int = 200  # people who use the first workspace before memory is read
    rounds: int = 4
    forget: float = members.FRESH_FOR  # seconds until nobody is known to be a member
    settle: float = 45.0  # seconds in which everybody is asked about
    pause: float = many_workspaces.FRESH_FOR + 1  # seconds before a turn
    idle: float = 5.0  # seconds before memory is read


FULL = Plan()
QUICK = Plan(workspaces=5, each=3, warm=1, rounds=1, forget=0.0, settle=0.0, pause=0.0, idle=0.0)


@dataclass(slots=True)
class Figures:
    """One of each for every round."""

    p50: list[float] = field(default_factory=list)  # milliseconds
    p99: list[float] = field(default_factory=list)

    def row(self, name: str) -> list[str]:
        return [name, f"{middle(self.p50):.2f} ms", f"{middle(self.p99):.2f} ms"]


async def measure(*, quick: bool) -> list[Goal]:
    """Prints the figures and returns them with their goals; none where PostgreSQL or PgBouncer is not installed."""
    program = find_program()
    with cluster() as server:
        if server is None or program is None:
            print("PostgreSQL and PgBouncer are needed: nothing is measured.")
            return []
        database = server.new_database()
        migrate(database)
        pooler = Pooler(program, server, "transaction")
        try:
            return await _measure(pooler.url(database), QUICK if quick else FULL)
        finally:
            pooler.stop()


async def _measure(database_url: str, plan: Plan) -> list[Goal]:
    places = [SlackWorkspace(team_id=f"T{number:08}") for number in range(plan.workspaces)]
    for place in places:
        place.rate_limits = False
    async with load_server(plan.each) as host, load_generator() as load:
        settings = {"ONETIME_HOSTS": host.url, "ONETIME_DEFAULT_HOST": host.url}
        world = ManyWorld(places, settings=settings, database_url=database_url, command=("-m", "bot", "web"))
        async with world:
            worker = BotProcess(world.settings(), ("-m", "bot", "worker"))
            await worker.start()
            try:
                at_one = await _with_one(world, worker, host, plan)
                at_all = await _with_all(world, worker, host, plan)
                one, every = await _acks(world, load, plan)
            finally:
                await worker.stop()
    grown = [(after - before) * MIB / KB / (plan.workspaces - 1) for before, after in zip(at_one, at_all, strict=True)]
    rows = [
        [name, f"{before:.1f} MiB", f"{after:.1f} MiB", f"{each:.1f} kB"]
        for name, before, after, each in zip(("web", "worker"), at_one, at_all, grown, strict=True)
    ]
    secrets = plan.workspaces * plan.each
    print(table([f"{secrets:,} tracked secrets", "at 1", f"at {plan.workspaces:,}", "a workspace"], rows))
    print()
    print(table(["ack", "p50", "p99"], [one.row("one workspace"), every.row(f"{plan.workspaces:,} workspaces")]))
    return [
        Goal("kB of memory of `web` for a workspace", grown[0], "at most", 20),
        Goal("kB of memory of the worker for a workspace", grown[1], "at most", 20),
        Goal(f"p99 of an ack, {plan.workspaces:,} workspaces / one", ratio(every.p99, one.p99), "at most", 2.0),
    ]


# --- the workspaces and what is done in them


async def _with_one(world: ManyWorld, worker: BotProcess, host: Host, plan: Plan) -> list[float]:
    """MiB of both processes when only the first workspace is there, and has done much at once."""
    first = world.platform.workspaces[0]
    await _install(world, [first])
    await _fill(world, host, 0, 1, plan.each)
    await _use_all([first.person(f"U0P{number:04}", f"p{number}") for number in range(plan.warm)])
    await _use_all([first.person(USER, "ada")])
    await _are_told(world, host, 1)
    return await _memory(world, worker, plan)


async def _with_all(world: ManyWorld, worker: BotProcess, host: Host, plan: Plan) -> list[float]:
    """MiB of both processes when everybody is there, and each has had a command, a notification and a Home tab."""
    _, *others = world.platform.workspaces
    await _install(world, others)
    await _fill(world, host, 1, len(others), plan.each)
    await _use_all([workspace.person(USER, "ada") for workspace in others])
    await _are_told(world, host, plan.workspaces)
    return await _memory(world, worker, plan)


async def _install(world: ManyWorld, workspaces: Sequence[SlackWorkspace]) -> None:
    """As the installation by OAuth stores it, without a browser."""
    db = Database.open(world.database_url)
    installations = Installations(db, Sealer(KeyRing.read(world.settings()["ENCRYPTION_KEYS"])))
    for workspace in workspaces:
        state, token = workspace.state, f"xoxb-{workspace.state.team_id}"
        workspace.bot_tokens.add(token)
        await installations.save(
            NewInstallation(
                enterprise_id=None,
                team_id=state.team_id,
                installed_by=USER,
                app_id=state.app_id,
                bot_id=state.bot_id,
                bot_user_id=workspace.bot_user_id,
                scopes=("commands", "chat:write", "im:write", "users:read"),
                token=Secret(token),
            )
        )
    await db.close()


async def _fill(world: ManyWorld, host: Host, first: int, count: int, each: int) -> None:
    def person(account: int) -> Person:
        return Person(None, world.platform.workspaces[account].state.team_id, USER)

    keys = world.settings()["ENCRYPTION_KEYS"]
    await people.fill(world.database_url, keys, host.url, count, each, first=first, person=person)


async def _use_all(people: Sequence[WorkspaceMember]) -> None:
    """For each, once: a command that reads the database, and the Home tab."""
    free = asyncio.Semaphore(AT_ONCE)

    async def use(person: WorkspaceMember) -> None:
        async with free:
            await person.command("/ots", "tracked")
            await person.until(lambda: person.ephemerals, FIND)
            await person.open_home()
            await person.until(lambda: person.home, FIND)

    await asyncio.gather(*map(use, people))


async def _are_told(world: ManyWorld, host: Host, count: int) -> None:
    """The first secret of so many workspaces was opened: the watcher finds it, and each person gets a message."""
    host.received(count)
    async with asyncio.timeout(FIND):
        for workspace in world.platform.workspaces[:count]:
            (person,) = (one for one in workspace.people if one.id == USER)
            await person.until(lambda: person.dm, FIND)  # noqa: B023 - awaited


async def _memory(world: ManyWorld, worker: BotProcess, plan: Plan) -> list[float]:
    await asyncio.sleep(plan.idle)
    return [resident(process.pid) for process in (world.bot, worker)]


# --- acknowledgements


async def _acks(world: ManyWorld, load: Load, plan: Plan) -> tuple[Figures, Figures]:
    """Of one workspace, and of all in turns, one in flight."""
    ids = [workspace.state.team_id for workspace in world.platform.workspaces]
    secret = world.platform.workspaces[0].signing_secret
    one, every = Figures(), Figures()
    # Everybody is asked about now, so nobody is forgotten before the last round is over.
    await asyncio.sleep(plan.forget)
    await load.run(Job(world.bot.port, secret, ids, 1, plan.workspaces, 60.0, words=False))
    await asyncio.sleep(plan.settle)
    for _ in range(plan.rounds):
        for team_ids, figures in ((ids[:1], one), (ids, every)):
            await asyncio.sleep(plan.pause)
            done = await load.run(Job(world.bot.port, secret, team_ids, 1, plan.workspaces, 30.0))
            figures.p50.append(percentile(done.milliseconds, 50))
            figures.p99.append(percentile(done.milliseconds, 99))
    return one, every
