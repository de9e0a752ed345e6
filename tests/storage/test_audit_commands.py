"""`python -m bot audit export | verify`: what they print, and that no spreadsheet runs it."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc

import pytest
from sqlalchemy import update

from bot.__main__ import EXIT_CONFIG, main
from bot.person import Person
from bot.storage.audit.entry import AuditEntry
from bot.storage.audit.export import as_text, export
from bot.storage.audit.store import AuditStore
from bot.storage.people import PeopleRows
from bot.storage.sealing.keyring import generate_line
from bot.storage.tables import audit_entries

DAY = 86_400.0
SINCE = AuditEntry(person=Person(None, "T", "U"), act="", outcome="", at=1_700_000_000.0).moment
GRID = Person("E0000001", "T0000002", "U0000ADA")


def entry(person, act="burn", days=0.0, **given) -> AuditEntry:
    return AuditEntry(person=person, act=act, outcome="done", at=SINCE.timestamp() + days * DAY, **given)


@pytest.fixture
def store(database, sealer) -> AuditStore:
    return AuditStore(database, sealer)


async def exported(database, sealer, form="ndjson", **given):
    output = io.StringIO()
    count = await export(database, sealer, output, form, **({"since": SINCE} | given))
    lines = output.getvalue()
    found = (
        [json.loads(line) for line in lines.splitlines()]
        if form == "ndjson"
        else list(csv.DictReader(io.StringIO(lines)))
    )
    assert len(found) == count
    return found


async def test_an_entry_is_exported_with_all_that_it_says(database, sealer, store, ada):
    await store.write(
        [entry(ada, name="burn_confirm", surface="form", place="direct", ref="row", secret="k1:ab", rule="not_theirs")]
    )

    (one,) = await exported(database, sealer)

    assert {name: value for name, value in one.items() if name not in ("commitment", "hash")} == {
        "at": "2023-11-14T22:13:20.000+00:00", "enterprise": None, "workspace": "T0000001", "sequence": 1,
        "user": ada.user_id, "act": "burn", "name": "burn_confirm", "surface": "form", "place": "direct", "ref": "row",
        "secret": "k1:ab", "rule": "not_theirs", "outcome": "done", "erased": False,
    }  # fmt: skip
    (row,) = await exported(database, sealer, "csv")
    assert row == {name: "" if value is None else str(value) for name, value in one.items()}


async def test_an_export_has_the_days_and_the_workspace_that_were_asked_for(database, sealer, store, ada):
    await store.write([entry(person, days=days) for days in (-1, 0, 1, 2) for person in (ada, GRID)])

    until = entry(ada, days=2).moment
    assert [one["sequence"] for one in await exported(database, sealer, workspace="T0000001")] == [2, 3, 4]
    assert [one["sequence"] for one in await exported(database, sealer, workspace="E0000001", until=until)] == [2, 3]
    assert len(await exported(database, sealer, until=until)) == 4
    assert await exported(database, sealer, workspace="T0000009") == []


async def test_more_than_a_page_is_exported_once_each_and_in_order(database, sealer, store, ada, monkeypatch):
    monkeypatch.setattr("bot.storage.audit.export.PAGE", 7)
    await store.write([entry(person) for _ in range(20) for person in (ada, GRID)])

    found = [(one["workspace"], one["sequence"]) for one in await exported(database, sealer)]

    assert found == [(team, number) for team in ("T0000001", "T0000002") for number in range(1, 21)]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_an_export_takes_the_same_memory_whatever_its_size(database, sealer, store, ada):
    class Nowhere:
        def write(self, text, /):
            pass

    async def peak():
        tracemalloc.start()
        await export(database, sealer, Nowhere(), "csv", since=SINCE)
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    await store.write([entry(ada) for _ in range(1_000)])
    await peak()
    small = await peak()
    await store.write([entry(ada) for _ in range(5_000)])

    assert await peak() < 1.2 * small


async def test_entries_of_an_erased_person_are_exported_without_content(database, sealer, store, ada, ben):
    await store.write([entry(ada), entry(ben)])
    await PeopleRows(database, store).erase(ben)

    first, second, erasure = await exported(database, sealer)

    assert (first["user"], first["erased"]) == (ada.user_id, False)
    assert (second["user"], second["act"], second["outcome"], second["erased"]) == (None, None, None, True)
    assert (erasure["user"], erasure["act"]) == (None, "erased")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
async def test_what_a_spreadsheet_would_run_is_text(database, sealer, store, ada, start):
    formula = f"{start}cmd|' /C calc'!A0"
    await store.write([entry(ada, name=formula)])

    (row,) = await exported(database, sealer, "csv")

    assert row["name"] == f"'{formula}"
    assert as_text("a=b") == "a=b"


# --- the command line


@pytest.fixture
def line() -> str:
    return generate_line("k1").reveal()


@pytest.fixture
def run(url, line, monkeypatch, capsys):
    """Runs a command on the database; its exit code and what it printed."""
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("ENCRYPTION_KEYS", line)

    def command(*words):
        monkeypatch.setenv("ENCRYPTION_KEYS", line)
        monkeypatch.setenv("DATABASE_URL", url)
        code = main(["audit", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


@pytest.fixture
def sealer(line):
    from bot.storage.sealing.keyring import KeyRing
    from bot.storage.sealing.sealer import Sealer

    return Sealer(KeyRing.read(line))


@pytest.fixture
def filled(url, sealer):
    """Two entries, written before the command begins its own loop."""
    import asyncio

    from bot.storage.engine.database import Database

    async def fill(*statements):
        db = Database.open(url)
        if not statements:
            await AuditStore(db, sealer).write([entry(Person(None, "T0000001", "U0000ADA")) for _ in range(2)])
        async with db.writing() as connection:
            for statement in statements:
                await connection.execute(statement)
        await db.close()

    asyncio.run(fill())
    return lambda *statements: asyncio.run(fill(*statements))


def test_the_commands_export_and_verify(filled, run):
    code, said, _ = run("export", "--since", "2023-11-14", "--format", "ndjson")
    assert (code, [json.loads(line)["sequence"] for line in said.splitlines()]) == (0, [1, 2])
    code, said, _ = run("export", "--since", "2023-11-14", "--until", "2023-11-15T00:00+01:00", "--format", "csv")
    assert (code, len(said.splitlines())) == (0, 3)

    code, said, _ = run("verify")

    assert code == 0
    assert said.splitlines()[0].startswith("T0000001  intact  2 entries from 1  ends at 2 ")
    assert said.splitlines()[-1] == "1 chains, 0 broken."


def test_verify_ends_with_1_and_names_the_entry_that_broke(filled, run):
    filled(update(audit_entries).where(audit_entries.c.sequence == 2).values(at=0.0))

    code, said, _ = run("verify")

    assert code == 1
    assert said.splitlines() == ["T0000001  BROKEN  entry 2: it was changed", "1 chains, 1 broken."]


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        (["--since", "yesterday"], "--since should be a date such as 2026-01-31"),
        (["--since", "2026-01-31", "--until", "2026-13-01"], "--until should be a date"),
        (["--since", "2026-01-31", "--until", "2026-01-31"], "--until should be after --since"),
        ([], "--since 2026-01-31"),
    ],
    ids=["no date", "no month", "an end before the start", "no start"],
)
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_cannot_be_exported_is_said_in_one_line(filled, run, words, fix):
    code, said, error = run("export", *words)

    assert (code, said) == (EXIT_CONFIG, "")
    assert fix in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_with_another_key_nothing_is_called_broken(filled, run, url, monkeypatch, capsys):
    assert run("verify")[0] == 0
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("ENCRYPTION_KEYS", generate_line("k1").reveal())

    assert main(["audit", "verify"]) == EXIT_CONFIG

    said = capsys.readouterr()
    assert said.out == ""
    assert "The key k1 is not the k1 that this database was sealed with" in said.err
