"""How long the Home tab takes of somebody who tracks much, against somebody whose secrets fit on one page.

What is measured is the work of the bot: the queries on a SQLite file, and drawing the view for Slack.
"""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from bot.features.home import tab
from bot.features.home.content import load
from bot.features.home.refs import StableRefs
from bot.interaction.services import Services
from bot.language import Language
from bot.person import Person
from bot.secret import MetadataKey
from bot.slack import blocks
from bot.storage.engine.database import Database
from bot.storage.engine.migrate import migrate
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import new_id
from tests.benchmarks.measure import Goal, middle, percentile, ratio, table
from tests.support.services import make_services

ROUNDS, FEW_ROUNDS = 200, 2
HOST = "https://eu.onetimesecret.com"
MANY, PAGE = 500, 10  # secrets
MOST = 0.05  # seconds


async def measure(*, quick: bool) -> list[Goal]:
    """Prints the figures of both and returns the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bot.db'}"
        migrate(url)
        db = Database.open(url)
        try:
            services = make_services(db, Sealer(KeyRing.read(generate_line("k1"))))
            walls, processors = await _measure(services, FEW_ROUNDS if quick else ROUNDS)
        finally:
            await db.close()
    rows = [
        [f"{n} secrets", f"{middle(walls[n]) * 1e3:.1f} ms", f"{percentile(walls[n], 99) * 1e3:.1f} ms",
         f"{middle(processors[n]) * 1e3:.1f} ms"]
        for n in walls
    ]  # fmt: skip
    print(table(["", "p50", "p99", "of a processor"], rows))
    return [
        Goal(f"Home with {MANY} secrets / with {PAGE}", ratio(processors[MANY], processors[PAGE]), "at most", 1.5),
        Goal(f"Home with {MANY} secrets / {MOST * 1e3:.0f} ms", middle(processors[MANY]) / MOST, "at most", 1.0),
    ]


async def _measure(services: Services, rounds: int) -> tuple[dict[int, list[float]], dict[int, list[float]]]:
    """The seconds of each Home by the clock and of a processor, by how many secrets its person tracks."""
    people = {count: Person(None, "T0000001", f"U{count:07}") for count in (PAGE, MANY)}
    walls: dict[int, list[float]] = {count: [] for count in people}
    processors: dict[int, list[float]] = {count: [] for count in people}
    refs = StableRefs(services.button_contexts)
    for count, person in people.items():
        await services.languages.choose(person, Language.EN)
        await services.homes.open(person, person.team_id)
        await _track(services, person, count)
    for number in range(1 + rounds):
        for count, person in people.items():
            began, worked = time.perf_counter(), time.process_time()
            home = await services.homes.of(person)
            assert home is not None
            view = await tab.draw(
                services, home, await load(services, home, may_be_admin=False), None, partial(refs.keep, person)
            )
            drawn = blocks.home(view, Language.EN)
            if number:  # the first one fills caches
                walls[count].append(time.perf_counter() - began)
                processors[count].append(time.process_time() - worked)
            assert f"{count} secrets" in str(drawn)
    return walls, processors


async def _track(services: Services, person: Person, count: int) -> None:
    """Stores so many tracked secrets, as the bot does. All can still be burned."""
    for number in range(count):
        made_at = datetime.now(UTC) - timedelta(minutes=number)
        expires_at = made_at + timedelta(days=7)
        await services.tracking.track(
            person, HOST, MetadataKey(new_id()), label=f"secret {number}", made_at=made_at, expires_at=expires_at
        )
