from __future__ import annotations

import asyncio
import dataclasses

import pytest
from sqlalchemy import func, select, update

from bot.errors import NotYours, Unsealable
from bot.person import Person
from bot.secret import MetadataKey, Secret
from bot.storage.accounts import Account, Accounts
from bot.storage.button_contexts import METADATA, ButtonContexts, NewButtonContext
from bot.storage.tables import accounts as table
from bot.storage.tables import new_id
from tests.storage.conftest import SLOW_TWIN

EU, US, CA = (f"https://{region}.onetimesecret.com" for region in ("eu", "us", "ca"))
USERNAME, TOKEN = Secret("ada@example.com"), Secret("token-of-ada")


@pytest.fixture
def accounts(database, sealer) -> Accounts:
    return Accounts(database, sealer)


async def test_a_connected_account_is_found_again_by_every_way(accounts, ada):
    connected = await accounts.connect(ada, EU, USERNAME, TOKEN)

    found = [
        await accounts.on_host(ada, EU),
        await accounts.default_of(ada),
        await accounts.find(ada, connected.id),
        *await accounts.all_of(ada),
    ]

    assert found == [connected] * 4
    assert (connected.username, connected.token, connected.host) == (USERNAME, TOKEN, EU)


async def test_an_account_is_found_on_its_own_host_and_on_no_other(accounts, ada):
    await accounts.connect(ada, EU, USERNAME, TOKEN)
    assert await accounts.on_host(ada, US) is None

    other = await accounts.connect(ada, US, Secret("other"), Secret("other token"))

    assert await accounts.on_host(ada, US) == other
    assert (await accounts.on_host(ada, EU)).token == TOKEN
    assert await accounts.on_host(ada, CA) is None


async def test_nobody_elses_account_is_seen(accounts, ada, ben):
    account = await accounts.connect(ada, EU, USERNAME, TOKEN)
    strangers = [
        ben,
        dataclasses.replace(ada, team_id="T0000002"),
        dataclasses.replace(ada, enterprise_id="E0000001"),
        dataclasses.replace(ada, user_id="U0000ADB"),
    ]

    for stranger in strangers:
        assert await accounts.all_of(stranger) == []
        assert await accounts.on_host(stranger, EU) is None
        assert await accounts.default_of(stranger) is None
        for act in (accounts.find, accounts.make_default, accounts.disconnect):
            with pytest.raises(NotYours):
                await act(stranger, account.id)

    assert await accounts.all_of(ada) == [account]


NO_IDS = {
    "unknown": new_id(),
    "SQL": "' OR 1=1--",
    "long": "x" * 2_000,
    "unicode": "ä" * 22,
    "NUL": "\0" * 22,
    "surrogate": "\ud83d" * 22,
    "empty": "",
    "none": None,
    "list": [new_id()],
    "number": 7,
    "mapping": {"id": 1},
}


@SLOW_TWIN
@pytest.mark.parametrize("no_id", NO_IDS.values(), ids=NO_IDS.keys())
async def test_whatever_is_no_id_is_answered_alike(accounts, ada, no_id):
    await accounts.connect(ada, EU, USERNAME, TOKEN)

    for act in (accounts.find, accounts.make_default, accounts.disconnect):
        with pytest.raises(NotYours) as error:
            await act(ada, no_id)
        assert str(error.value) == "NotYours"


async def test_the_first_account_is_the_default_and_stays_it(accounts, ada):
    first = await accounts.connect(ada, US, USERNAME, TOKEN)
    second = await accounts.connect(ada, CA, USERNAME, TOKEN)
    third = await accounts.connect(ada, EU, USERNAME, TOKEN)

    assert (first.is_default, second.is_default, third.is_default) == (True, False, False)
    assert await accounts.all_of(ada) == [first, second, third]  # the default first, then by host


async def test_reconnecting_replaces_the_account_under_a_new_id(accounts, ada):
    old = await accounts.connect(ada, EU, USERNAME, TOKEN)
    await accounts.connect(ada, US, USERNAME, TOKEN)

    new = await accounts.connect(ada, EU, USERNAME, Secret("another token"))

    assert new.id != old.id
    assert new.is_default
    with pytest.raises(NotYours):
        await accounts.find(ada, old.id)
    assert [account.host for account in await accounts.all_of(ada)] == [EU, US]
    assert (await accounts.find(ada, new.id)).token == Secret("another token")


async def test_reconnecting_does_not_make_another_account_the_default(accounts, ada):
    await accounts.connect(ada, EU, USERNAME, TOKEN)
    await accounts.connect(ada, US, USERNAME, TOKEN)

    assert not (await accounts.connect(ada, US, USERNAME, TOKEN)).is_default


@pytest.mark.parametrize("act", ["reconnect", "disconnect"])
async def test_what_pointed_at_an_account_is_gone_with_it(accounts, database, sealer, ada, act):
    button_contexts = ButtonContexts(database, sealer)
    account = await accounts.connect(ada, EU, USERNAME, TOKEN)
    its, other = await button_contexts.keep(
        ada,
        NewButtonContext(METADATA, EU, MetadataKey("key"), account.id),
        NewButtonContext(METADATA, EU, MetadataKey("key")),
    )

    if act == "reconnect":
        await accounts.connect(ada, EU, USERNAME, TOKEN)
    else:
        await accounts.disconnect(ada, account.id)

    with pytest.raises(NotYours):
        await button_contexts.find(ada, METADATA, its)
    assert (await button_contexts.find(ada, METADATA, other)).id == other


async def test_the_default_can_be_moved(accounts, ada):
    await accounts.connect(ada, EU, USERNAME, TOKEN)
    other = await accounts.connect(ada, US, USERNAME, TOKEN)

    await accounts.make_default(ada, other.id)

    assert [(account.host, account.is_default) for account in await accounts.all_of(ada)] == [(US, True), (EU, False)]


async def test_a_default_that_cannot_be_moved_stays(accounts, ada):
    account = await accounts.connect(ada, EU, USERNAME, TOKEN)

    with pytest.raises(NotYours):
        await accounts.make_default(ada, new_id())

    assert await accounts.default_of(ada) == account


async def test_when_the_default_goes_the_oldest_of_the_others_becomes_it(accounts, ada):
    first, second, _third = [await accounts.connect(ada, host, USERNAME, TOKEN) for host in (EU, US, CA)]

    await accounts.disconnect(ada, first.id)

    default = await accounts.default_of(ada)
    assert default is not None
    assert default.id == second.id


async def test_the_last_account_can_go(accounts, ada):
    account = await accounts.connect(ada, EU, USERNAME, TOKEN)

    await accounts.disconnect(ada, account.id)

    assert await accounts.all_of(ada) == []
    with pytest.raises(NotYours):
        await accounts.disconnect(ada, account.id)


async def test_twenty_connects_at_once_leave_one_account(accounts, ada):
    connected = await asyncio.gather(*(accounts.connect(ada, EU, USERNAME, Secret(f"t{n}")) for n in range(20)))

    (left,) = await accounts.all_of(ada)
    assert left in connected
    assert left.is_default


async def test_connects_to_many_hosts_at_once_leave_one_default(accounts, ada):
    hosts = [f"https://{n}.example" for n in range(10)]

    await asyncio.gather(*(accounts.connect(ada, host, USERNAME, TOKEN) for host in hosts))

    assert sum(account.is_default for account in await accounts.all_of(ada)) == 1


async def test_the_same_person_in_two_workspaces_is_two(accounts, ada):
    elsewhere = Person("E0000001", "T0000002", ada.user_id)
    await accounts.connect(ada, EU, USERNAME, TOKEN)

    other = await accounts.connect(elsewhere, EU, Secret("other"), Secret("other"))

    assert [account.id for account in await accounts.all_of(elsewhere)] == [other.id]


async def edit(database, account: Account, **values) -> None:
    async with database.writing() as connection:
        await connection.execute(update(table).where(table.c.id == account.id).values(values))


MOVES = {
    "to another host": {"host": "https://evil.example"},
    "to another user": {"user_id": "U0000BEN"},
    "to another team": {"team_id": "T0000002"},
    "to another enterprise": {"enterprise_id": "E0000001"},
    "to another row": {"id": new_id()},
}


@SLOW_TWIN
@pytest.mark.parametrize("change", MOVES.values(), ids=MOVES.keys())
async def test_a_row_that_was_edited_gives_no_credentials(accounts, database, ada, change):
    account = await accounts.connect(ada, EU, USERNAME, TOKEN)

    await edit(database, account, **change)

    thief = Person(change.get("enterprise_id"), change.get("team_id", ada.team_id), change.get("user_id", ada.user_id))
    with pytest.raises(Unsealable):
        await accounts.default_of(thief)
    (marked,) = await accounts.all_of(thief)
    assert (marked.is_readable, marked.username, marked.token) == (False, Secret(""), Secret(""))


async def test_a_blob_copied_from_another_persons_row_gives_no_credentials(accounts, database, ada, ben):
    theirs = await accounts.connect(ada, EU, USERNAME, TOKEN)
    mine = await accounts.connect(ben, EU, Secret("ben"), Secret("ben"))
    async with database.reading() as connection:
        stolen = await connection.scalar(select(table.c.token).where(table.c.id == theirs.id))

    await edit(database, mine, token=stolen)

    with pytest.raises(Unsealable):
        await accounts.on_host(ben, EU)


async def test_columns_of_one_row_cannot_be_exchanged(accounts, database, ada):
    account = await accounts.connect(ada, EU, USERNAME, TOKEN)

    await edit(database, account, token=table.c.username, username=table.c.token)

    with pytest.raises(Unsealable):
        await accounts.on_host(ada, EU)


async def test_an_account_that_does_not_open_can_be_found_and_ignored_without_credentials(accounts, database, ada):
    account = await accounts.connect(ada, EU, USERNAME, TOKEN)
    await edit(database, account, token=b"O1 nothing")

    found = await accounts.find(ada, account.id)
    await accounts.disconnect(ada, account.id)

    assert (found.is_readable, found.username, found.token) == (False, Secret(""), Secret(""))
    assert await accounts.all_of(ada) == []


async def test_an_unreadable_account_can_be_connected_anew(accounts, database, ada):
    broken = await accounts.connect(ada, EU, USERNAME, TOKEN)
    await edit(database, broken, token=b"O1 nothing")

    await accounts.connect(ada, EU, USERNAME, TOKEN)

    (account,) = await accounts.all_of(ada)
    assert account.is_readable


async def test_nothing_is_stored_when_a_connect_fails(accounts, database, ada):
    with pytest.raises(ValueError, match="empty"):
        await accounts.connect(ada, "", USERNAME, TOKEN)

    async with database.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(table)) == 0


async def test_an_account_shows_no_credentials(accounts, ada):
    account = await accounts.connect(ada, EU, USERNAME, TOKEN)

    assert "ada@" not in repr(account)
    assert "token-of" not in repr(account)
