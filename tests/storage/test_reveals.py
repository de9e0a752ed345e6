from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.errors import NotYours, StorageUnavailable, Unsealable
from bot.secret import Secret, SecretKey
from bot.storage.engine.database import Database, now
from bot.storage.reveals.recovery import REPORT_LIFE, InterruptedReveals
from bot.storage.reveals.rows import LATE_LIFE, MAX_WRONG_TRIES
from bot.storage.reveals.store import Reveals
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from bot.storage.tables import new_id
from bot.storage.tables import reveals as table
from tests.storage.conftest import SLOW_TWIN

HOST = "https://eu.onetimesecret.com"
KEY = SecretKey("secret-key-of-ada")
ANOTHER_KEY = SecretKey("another-key-of-ada")
TEXT = Secret("what was secret\n\ud83d")


@pytest.fixture
def reveals(database, sealer) -> Reveals:
    return Reveals(database, sealer)


@pytest.fixture
def interrupted(database, sealer) -> InterruptedReveals:
    return InterruptedReveals(database, sealer)


@pytest.fixture
async def ref(reveals, ada) -> str:
    """A row in the state ready."""
    made = new_id()
    await reveals.begin(ada, made, HOST, KEY)
    return made


async def set_all(database: Database, **values) -> None:
    async with database.writing() as connection:
        await connection.execute(update(table).values(values))


async def stored(database: Database, ref: str):
    async with database.reading() as connection:
        return (await connection.execute(select(table).where(table.c.id == ref))).one_or_none()


async def held(reveals: Reveals, person, ref: str):
    """Bring it to the state escrowed."""
    assert await reveals.claim(ref)
    return await reveals.keep(await reveals.find(person, ref), TEXT)


async def test_a_new_reveal_is_ready_and_has_its_key(reveals, ada, ref):
    found = await reveals.find(ada, ref)

    assert (found.state, found.key, found.host, found.wrong_tries) == ("ready", KEY, HOST, 0)
    assert (found.outcome_unknown, found.has_escrow, found.escrow_expires_at) == (False, False, None)
    assert type(found.key) is SecretKey
    assert "secret-key" not in repr(found)


async def test_only_ids_of_ours_are_taken(reveals, ada):
    with pytest.raises(ValueError, match="not an id"):
        await reveals.begin(ada, "short", HOST, KEY)


async def test_an_id_is_used_once(reveals, ada, ben, ref):
    with pytest.raises(StorageUnavailable):
        await reveals.begin(ben, ref, HOST, KEY)


@SLOW_TWIN
@pytest.mark.parametrize("which", ["ben", "team", "enterprise", "no id", "a list"])
async def test_a_reveal_is_its_owners_alone(reveals, ada, ben, ref, which):
    await held(reveals, ada, ref)
    person = {
        "ben": ben,
        "team": dataclasses.replace(ada, team_id="T2"),
        "enterprise": dataclasses.replace(ada, enterprise_id="E1"),
    }.get(which, ada)
    asked = {"no id": "' OR 1=1--", "a list": [ref]}.get(which, ref)

    for look in (reveals.find, reveals.read_escrow):
        with pytest.raises(NotYours):
            await look(person, asked)


@pytest.mark.parametrize("step", ["reserve", "claim"])
async def test_of_twenty_at_once_exactly_one_wins(reveals, ref, step):
    won = await asyncio.gather(*(getattr(reveals, step)(ref) for _ in range(20)))

    assert won.count(True) == 1


async def test_of_two_processes_exactly_one_wins(url, sealer, ada, reveals):
    """Two pools share nothing but the database, as two processes do."""
    pools = [Database.open(url), Database.open(url)]
    both = [Reveals(pool, sealer) for pool in pools]
    refs = [new_id() for _ in range(10)]
    for ref in refs:
        await reveals.begin(ada, ref, HOST, SecretKey(f"secret-key-{ref}"))

    won = await asyncio.gather(*(one.claim(ref) for ref in refs for one in both))

    assert [sum(pair) for pair in zip(won[::2], won[1::2], strict=True)] == [1] * 10
    for pool in pools:
        await pool.close()


async def test_who_reserved_can_claim_and_a_second_click_can_not_reserve(reveals, ref):
    assert await reveals.reserve(ref)
    assert not await reveals.reserve(ref)
    assert await reveals.claim(ref)
    assert not await reveals.claim(ref)
    assert not await reveals.reserve(ref)


async def test_an_unknown_or_expired_reveal_cannot_be_claimed(reveals, database, ref):
    await set_all(database, expires_at=now)

    assert not await reveals.claim(ref)
    assert not await reveals.reserve(ref)
    assert not await reveals.claim(new_id())


async def test_a_reservation_that_went_no_further_is_put_back(reveals, interrupted, database, ada, ref):
    await reveals.reserve(ref)
    assert await interrupted.reclaim_reserved(60) == 0

    await set_all(database, claimed_at=now - 61)

    assert await interrupted.reclaim_reserved(60) == 1
    assert (await reveals.find(ada, ref)).can_be_tried


async def test_a_claim_is_never_put_back_as_if_nothing_was_sent(reveals, interrupted, ref):
    await reveals.claim(ref)

    assert await interrupted.reclaim_reserved(0) == 0


async def test_a_released_reveal_can_be_claimed_again(reveals, ada, ref):
    await reveals.claim(ref)

    assert await reveals.release(ref) == 0

    found = await reveals.find(ada, ref)
    assert (found.state, found.outcome_unknown, found.key) == ("ready", False, KEY)
    assert await reveals.claim(ref)


async def test_doubt_is_remembered(reveals, ada, ref):
    await reveals.claim(ref)
    await reveals.release(ref, outcome_unknown=True)
    await reveals.claim(ref)
    await reveals.release(ref)

    assert (await reveals.find(ada, ref)).outcome_unknown


async def test_the_fifth_wrong_passphrase_is_the_last(reveals, ada, ref):
    tries = []
    for _ in range(MAX_WRONG_TRIES):
        assert await reveals.claim(ref)
        tries.append(await reveals.release(ref, tried="passphrase"))

    found = await reveals.find(ada, ref)
    assert tries == [1, 2, 3, 4, 5]
    assert (found.state, bool(found.key)) == ("over", False)
    assert not await reveals.claim(ref)


async def test_releasing_what_is_not_claimed_changes_nothing(reveals, ada, ref):
    await reveals.claim(ref)
    await reveals.release(ref, tried="passphrase")

    assert await reveals.release(ref, tried="passphrase", outcome_unknown=True) == 1

    assert not (await reveals.find(ada, ref)).outcome_unknown
    assert await reveals.release(new_id()) == 0


async def test_what_was_opened_is_held_for_ten_minutes(reveals, ada, ref):
    before = datetime.now(UTC)

    until = await held(reveals, ada, ref)

    found = await reveals.find(ada, ref)
    assert (found.state, found.has_escrow, found.escrow_expires_at) == ("escrowed", True, until)
    assert abs(until - before - timedelta(minutes=10)) < timedelta(seconds=20)
    assert await reveals.read_escrow(ada, ref) == TEXT


async def test_what_was_opened_is_on_disk_when_keep_returns(reveals, sealer, url, ada, ref):
    await held(reveals, ada, ref)

    other = Database.open(url)
    assert await Reveals(other, sealer).read_escrow(ada, ref) == TEXT
    await other.close()


async def test_what_was_opened_is_held_even_if_its_claim_was_taken_back(reveals, interrupted, ada, ref):
    await reveals.claim(ref)
    claimed = await reveals.find(ada, ref)
    await interrupted.mark_outcome_unknown(ref)

    await reveals.keep(claimed, TEXT)

    assert await reveals.read_escrow(ada, ref) == TEXT


@pytest.mark.parametrize("end", ["mark_shown", "close"])
async def test_what_is_over_holds_nothing_more(reveals, ada, ref, end):
    await reveals.claim(ref)
    claimed = await reveals.find(ada, ref)
    await getattr(reveals, end)(ref)

    with pytest.raises(StorageUnavailable):
        await reveals.keep(claimed, TEXT)


@pytest.mark.parametrize(("end", "state"), [("mark_shown", "shown"), ("close", "over")])
async def test_what_was_shown_or_is_over_is_wiped(reveals, database, ada, ref, end, state):
    await held(reveals, ada, ref)

    await getattr(reveals, end)(ref)

    row = await stored(database, ref)
    found = await reveals.find(ada, ref)
    assert (row.escrow, row.secret_key, row.escrow_expires_at) == (None, None, None)
    assert (found.state, found.has_escrow, bool(found.key)) == (state, False, False)
    assert await reveals.read_escrow(ada, ref) is None
    assert not await reveals.claim(ref)


async def test_wrong_tries_at_the_same_secret_go_on_counting_in_another_window(reveals, ada, ben, ref):
    for _ in range(5):
        await reveals.claim(ref)
        await reveals.release(ref, tried="passphrase")
    again, of_ben, other = new_id(), new_id(), new_id()

    assert await reveals.begin(ada, again, HOST, KEY) == 5
    assert await reveals.begin(ben, of_ben, HOST, KEY) == 0
    assert await reveals.begin(ada, other, HOST, SecretKey("another-key")) == 0
    assert not await reveals.claim(again)
    assert not (await reveals.find(ada, again)).key


# --- five wrong passphrases, in however many windows


async def windows(reveals, person, count):
    refs = [new_id() for _ in range(count)]
    for ref in refs:
        await reveals.begin(person, ref, HOST, KEY)
    return refs


async def tries(reveals, refs):
    """A wrong passphrase in each of the windows; how many of them reached the host."""
    reached = 0
    for ref in refs:
        if await reveals.claim(ref):
            reached += 1
            await reveals.release(ref, tried="passphrase")
    return reached


async def test_windows_that_were_open_before_have_no_tries_of_their_own(reveals, ada, ben):
    of_ada, of_ben = await windows(reveals, ada, 30), await windows(reveals, ben, 30)

    assert await tries(reveals, of_ada) == MAX_WRONG_TRIES
    assert await tries(reveals, of_ben) == MAX_WRONG_TRIES
    assert {
        (found.state, found.wrong_tries, bool(found.key)) for found in [await reveals.find(ada, one) for one in of_ada]
    } == {("over", MAX_WRONG_TRIES, False)}


async def test_of_many_windows_at_two_processes_five_tries_reach_the_host(url, sealer, reveals, ada):
    pools = [Database.open(url), Database.open(url)]
    both = [Reveals(pool, sealer) for pool in pools]
    refs = await windows(reveals, ada, 30)

    async def submit(ref, number):
        store, reached = both[number % 2], 0
        for _ in range(3):
            if await store.reserve(ref) and await store.claim(ref):
                reached += 1
                await asyncio.sleep(0)
                await store.release(ref, tried="passphrase")
        return reached

    assert sum(await asyncio.gather(*(submit(ref, number) for number, ref in enumerate(refs)))) <= MAX_WRONG_TRIES
    assert await tries(reveals, refs) <= MAX_WRONG_TRIES
    for pool in pools:
        await pool.close()


async def test_one_window_at_a_time_tries(reveals, ada):
    first, second = await windows(reveals, ada, 2)
    assert await reveals.claim(first)

    assert not await reveals.claim(second)
    assert (await reveals.find(ada, second)).state == "ready"
    await reveals.release(first)
    assert await reveals.claim(second)


async def test_a_window_that_was_reserved_when_the_last_try_failed_is_over(reveals, ada):
    first, second = await windows(reveals, ada, 2)
    assert await reveals.reserve(second)
    assert await tries(reveals, [first] * 5) == MAX_WRONG_TRIES

    assert not await reveals.claim(second)
    found = await reveals.find(ada, second)
    assert (found.state, bool(found.key)) == ("over", False)


async def test_a_new_primary_key_does_not_start_the_count_anew(database, ada):
    old, new = generate_line("k1").reveal(), generate_line("k2").reveal()
    before = Reveals(database, Sealer(KeyRing.read(old)))
    (first,) = await windows(before, ada, 1)
    assert await tries(before, [first] * 3) == 3

    after = Reveals(database, Sealer(KeyRing.read(f"{new},{old}")))
    second, third = await windows(after, ada, 2)

    assert await tries(after, [second, first, third, second]) == 2
    assert await after.begin(ada, new_id(), HOST, KEY) == MAX_WRONG_TRIES


async def test_an_escrow_is_never_shown_late(reveals, database, ada, ref):
    await held(reveals, ada, ref)

    await set_all(database, escrow_expires_at=now)

    assert await reveals.read_escrow(ada, ref) is None
    assert not (await reveals.find(ada, ref)).has_escrow


async def test_purging_wipes_what_expired(reveals, interrupted, database, ada, ref):
    await held(reveals, ada, ref)
    await set_all(database, escrow_expires_at=now)

    assert await interrupted.purge() == 1

    row = await stored(database, ref)
    assert (row.escrow, row.secret_key) == (None, None)


@pytest.mark.parametrize("was_offered", [False, True])
async def test_what_is_wiped_unseen_has_to_be_reported_as_lost(reveals, interrupted, database, ada, ref, was_offered):
    await held(reveals, ada, ref)
    if was_offered:
        await reveals.mark_notified(ref)
    assert await interrupted.lost() == []
    await set_all(database, escrow_expires_at=now, expires_at=now - 1)

    await interrupted.purge()

    assert [each.id for each in await interrupted.lost()] == [ref]
    await reveals.close(ref)
    assert await interrupted.lost() == []


async def test_purging_leaves_what_is_being_opened_or_held(reveals, interrupted, database, ada, ref):
    claimed, ready = new_id(), new_id()
    for each in (claimed, ready):
        await reveals.begin(ada, each, HOST, KEY)
    await held(reveals, ada, ref)
    await reveals.claim(claimed)

    assert await interrupted.purge() == 0

    assert await reveals.read_escrow(ada, ref) == TEXT
    assert (await reveals.find(ada, claimed)).state == "claiming"


async def test_an_expired_row_explains_its_window_without_a_key_and_then_goes(reveals, interrupted, database, ada, ref):
    await set_all(database, expires_at=now)
    await interrupted.purge()

    late = await reveals.find_for_window(ada, ref)

    assert (late.is_expired, late.key.reveal()) == (True, "")
    with pytest.raises(NotYours):
        await reveals.find(ada, ref)
    assert not await reveals.reserve(ref)
    await set_all(database, expires_at=now - LATE_LIFE)
    assert await interrupted.purge() == 1
    assert await stored(database, ref) is None


@pytest.mark.parametrize("state", ["shown", "over"])
async def test_old_rows_are_deleted(interrupted, database, ref, state):
    await set_all(database, expires_at=now, state=state)

    assert await interrupted.purge() == 1
    assert await stored(database, ref) is None


async def test_nobody_is_left_untold_by_purging(reveals, interrupted, database, ada, ref):
    """However long the process was away: who was not told yet is told first, then the row goes."""
    claimed = new_id()
    await reveals.begin(ada, claimed, HOST, ANOTHER_KEY)
    await reveals.claim(claimed)
    await held(reveals, ada, ref)
    await set_all(database, expires_at=now - 60, claimed_at=now - 7_200, escrow_expires_at=now - 3_600)

    await interrupted.purge()

    assert [each.id for each in await interrupted.stale_claims(60)] == [claimed]
    (lost,) = await interrupted.lost()
    assert (lost.id, lost.has_escrow, bool(lost.key)) == (ref, False, False)
    await reveals.close(ref)
    await interrupted.purge()
    assert await stored(database, ref) is None


async def test_even_what_nobody_could_be_told_is_not_kept_for_ever(reveals, interrupted, database, ada, ref):
    await held(reveals, ada, ref)
    await set_all(database, expires_at=now - REPORT_LIFE - 1, escrow_expires_at=now - REPORT_LIFE)

    await interrupted.purge()

    assert await stored(database, ref) is None


async def test_a_claim_left_behind_is_found_and_marked_once(reveals, interrupted, database, ada, ref):
    await reveals.claim(ref)
    assert await interrupted.stale_claims(60) == []
    await set_all(database, claimed_at=now - 61, expires_at=now + 1)

    (stale,) = await interrupted.stale_claims(60)
    marked = [await interrupted.mark_outcome_unknown(ref), await interrupted.mark_outcome_unknown(ref)]

    assert (stale.id, stale.person, stale.key) == (ref, ada, KEY)
    assert marked == [True, False]
    found = await reveals.find(ada, ref)
    assert (found.state, found.outcome_unknown) == ("ready", True)
    assert (await stored(database, ref)).expires_at > datetime.now(UTC).timestamp() + 3_000


async def test_what_waits_unseen_is_found_until_its_person_is_told(reveals, interrupted, ada, ref):
    await held(reveals, ada, ref)
    assert await interrupted.unseen(60) == []

    (unseen,) = await interrupted.unseen(0)
    await reveals.mark_notified(ref)

    assert (unseen.id, unseen.has_escrow) == (ref, True)
    assert await interrupted.unseen(0) == []
    assert await reveals.read_escrow(ada, ref) == TEXT


async def test_what_was_shown_is_not_unseen(reveals, interrupted, ada, ref):
    await held(reveals, ada, ref)
    await reveals.mark_shown(ref)

    assert await interrupted.unseen(0) == []


async def test_an_escrow_copied_into_another_persons_row_does_not_open(reveals, database, ada, ben, ref):
    other = new_id()
    await reveals.begin(ben, other, HOST, KEY)
    await held(reveals, ada, ref)
    await held(reveals, ben, other)

    await set_all(database, escrow=(await stored(database, ref)).escrow)

    with pytest.raises(Unsealable):
        await reveals.read_escrow(ben, other)


async def test_an_escrow_moved_into_the_keys_column_does_not_open(reveals, database, ada, ref):
    await held(reveals, ada, ref)

    await set_all(database, secret_key=table.c.escrow)

    with pytest.raises(Unsealable):
        await reveals.find(ada, ref)


async def test_one_row_that_does_not_open_hides_no_other(reveals, interrupted, database, ada, ref):
    broken = new_id()
    await reveals.begin(ada, broken, HOST, ANOTHER_KEY)
    await set_all(database, secret_key=(await stored(database, broken)).secret_key)
    await reveals.claim(ref)
    await reveals.claim(broken)

    found = {each.id: each.key for each in await interrupted.stale_claims(0)}

    assert found == {ref: SecretKey(""), broken: ANOTHER_KEY}
