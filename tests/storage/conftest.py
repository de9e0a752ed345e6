from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.person import Person
from bot.storage.engine.database import Database, migrate
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from bot.storage.shares.deliveries import Deliveries
from bot.storage.shares.store import Shares
from bot.storage.tracking.polls import Polls
from bot.storage.tracking.store import Tracking
from tests.support.postgres import new_postgres_url, postgres

__all__ = ["new_postgres_url", "postgres"]


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("migrated") / "bot.db"
    migrate(f"sqlite:///{made}")
    assert [file.name for file in made.parent.iterdir()] == [made.name]  # nothing of it is in another file
    return made


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated database, empty, of each kind."""
    if request.param == "postgresql":
        made: str = request.getfixturevalue("new_postgres_url")()
        return made
    copied = shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "bot.db")
    return f"sqlite:///{copied}"


# For tests of which PostgreSQL's half cannot fail alone: others make the same statements on it.
SLOW_TWIN = pytest.mark.parametrize(
    "url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    db = Database.open(url)
    yield db
    await db.close()


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(KeyRing.read(generate_line("k1")))


@pytest.fixture
def shares(database: Database, sealer: Sealer) -> Shares:
    return Shares(database, sealer)


@pytest.fixture
def deliveries(database: Database, sealer: Sealer) -> Deliveries:
    return Deliveries(database, sealer)


@pytest.fixture
def tracking(database: Database, sealer: Sealer) -> Tracking:
    return Tracking(database, sealer)


@pytest.fixture
def polls(database: Database, sealer: Sealer) -> Polls:
    return Polls(database, sealer)


@pytest.fixture
def ada() -> Person:
    return Person(None, "T0000001", "U0000ADA")


@pytest.fixture
def ben() -> Person:
    return Person(None, "T0000001", "U0000BEN")


@pytest.fixture
def canary() -> str:
    """A text that is nowhere else."""
    return f"canary-{secrets.token_hex(12)}"


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's right to write everywhere, where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)
