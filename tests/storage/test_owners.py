"""What belongs to somebody else, what is gone and what never was cost the same: nothing tells them apart by time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Table, delete, event

from bot.errors import NotYours
from bot.interaction import owners
from bot.interaction.services import Services
from bot.message_ref import MessageRef
from bot.person import Person
from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage import tables
from bot.storage.button_contexts import METADATA, NewButtonContext
from bot.storage.engine.database import Database
from bot.storage.executions import NewExecution, StepInputs
from bot.storage.shares.rows import NewShare, Recipient
from bot.storage.tables import new_id
from tests.storage.conftest import SLOW_TWIN
from tests.support.services import make_services

HOST = "https://eu.onetimesecret.com"
BEN, CLEO = (Person(None, "T0000001", f"U0000{name}") for name in ("BEN", "CLEO"))

Make = Callable[[Services, Person], Awaitable[str]]  # a row of this person; its id


async def account(services: Services, ada: Person) -> str:
    return (await services.accounts.connect(ada, HOST, Secret("ada"), Secret("token"))).id


async def reveal(services: Services, ada: Person) -> str:
    made = new_id()
    await services.reveals.begin(ada, made, HOST, SecretKey(made))
    return made


async def tracked(services: Services, ada: Person) -> str:
    key = MetadataKey(new_id())
    return (await services.tracking.track(ada, HOST, key, made_at=datetime.now(UTC), expires_at=None))[0].id


async def made_request(services: Services, ada: Person) -> str:
    return await _request(services, ada, CLEO)


async def got_request(services: Services, ada: Person) -> str:
    return await _request(services, CLEO, ada)


async def _request(services: Services, by: Person, of: Person) -> str:
    made = await services.requests.begin(by, of, None)
    await services.requests.mark_asked(made.id, MessageRef(by.team_id, "D1", "1.0"))
    return made.id


async def share(services: Services, ada: Person) -> str:
    return (await _share(services, ada, CLEO))[0]


async def sent(services: Services, ada: Person) -> str:
    return (await _share(services, ada, CLEO))[1]


async def received(services: Services, ada: Person) -> str:
    return (await _share(services, CLEO, ada))[1]


async def _share(services: Services, by: Person, to: Person) -> tuple[str, str]:
    new = NewShare(new_id(), HOST, None, False, None, None)
    made, deliveries, _ = await services.shares.begin(by, new, [Recipient(to)])
    return made.id, deliveries[0].id


async def context(services: Services, ada: Person) -> str:
    (made,) = await services.button_contexts.keep(ada, NewButtonContext(METADATA, HOST, MetadataKey(new_id())))
    return made


async def execution(services: Services, ada: Person) -> str:
    made = await services.executions.receive(NewExecution(ada, ada.team_id, new_id(), "request_secret", StepInputs()))
    assert made is not None
    return made


ROWS: dict[str, tuple[Any, Make, Table]] = {
    "own_account": (owners.own_account, account, tables.accounts),
    "own_reveal": (owners.own_reveal, reveal, tables.reveals),
    "own_reveal_window": (owners.own_reveal_window, reveal, tables.reveals),
    "own_tracked": (owners.own_tracked, tracked, tables.tracked),
    "own_request": (owners.own_request, made_request, tables.requests),
    "received_request": (owners.received_request, got_request, tables.requests),
    "own_share": (owners.own_share, share, tables.shares),
    "own_delivery": (owners.own_delivery, sent, tables.deliveries),
    "received_delivery": (owners.received_delivery, received, tables.deliveries),
    "own_execution": (owners.own_execution, execution, tables.executions),
    "own_button_context": (owners.own_button_context(METADATA), context, tables.button_contexts),
}


@pytest.fixture
def services(database, sealer) -> Services:
    return make_services(database, sealer)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Those that are sent meanwhile."""
    engine, sent = database._engine.sync_engine, list[str]()

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def test_every_loader_has_its_row_here():
    names = {name for name in vars(owners) if name.startswith(("own_", "received_"))}

    assert names - {"own_names"} == ROWS.keys()  # which loads a button context, as the last one here


@SLOW_TWIN
@pytest.mark.parametrize("name", ROWS)
async def test_not_yours_gone_and_never_was_take_the_same_statements(services, database, ada, name):
    load, make, table = ROWS[name]
    gone = await make(services, ada)
    async with database.writing() as connection:
        await connection.execute(delete(table).where(table.c.id == gone))
    theirs = await make(services, ada)

    taken = []
    for ref in (theirs, gone, new_id()):
        with statements(database) as sent, pytest.raises(NotYours, match=r"^NotYours$"):
            await load(services, BEN, ref)
        taken.append(sent)

    assert taken[0] == taken[1] == taken[2]
    assert len([one for one in taken[0] if one.startswith("SELECT")]) == 1
    assert (await load(services, ada, theirs)) is not None
