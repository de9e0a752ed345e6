"""What a poll makes of an answer: a notification only if the host itself says so, whatever else it says."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import HostUnavailable, OnetimeError, SecretGone
from bot.language import Language
from bot.onetime import wire
from bot.onetime.client import Credentials, Onetime
from bot.onetime.links import Host
from bot.onetime.wire import Metadata
from bot.person import Person
from bot.sandbox.onetime import OnetimeFault, OnetimeServer
from bot.secret import MetadataKey, Secret
from bot.slack import blocks
from bot.status.tracked_card import notification, tracked_card
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from bot.storage.tracking.changes import Change
from bot.storage.tracking.rows import OVER, FinalState, OpenRow, Tracked, TrackedRows
from bot.watch import circuit_breaker
from bot.watch.poll import (
    DEFAULT_OPTIONS,
    KEY_CONCURRENCY,
    AccountClient,
    KeyLookup,
    PollOptions,
    PollResult,
    decide,
    poll,
)
from tests.contract.test_recorded_answers import ALL, Recorded, meaning
from tests.support.rows import each_row
from tests.support.waiting import PATIENCE

KEY = "3kq7v0p9x2m5n8b1c4z6a7s9d0f2g3h"
MADE = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
EMAIL, TOKEN = "ada@example.com", "token-of-ada-0123456789"
LIST, ONE = "/api/v1/private/recent", "/api/v1/private/{key}"
GONE = json.dumps({"message": "Unknown secret"}).encode()


def tracked(key: str = KEY, made_at: datetime = MADE, expires_at: datetime | None = MADE + DAY) -> Tracked:
    person = Person(None, "T0000001", "U0000ADA")
    return Tracked(
        "row", person, "watch", "https://eu.onetimesecret.com", MetadataKey(key), None, "new", made_at, expires_at,
        None, None, None,
    )  # fmt: skip


def answer(state: object, **more: object) -> Metadata:
    """What the host says of it, read from the wire."""
    said = {"metadata_key": KEY, "state": state, "created": int(MADE.timestamp()), "ttl": 86_400, "secret_ttl": 1}
    return wire.read_metadata(200, {}, json.dumps(said | more).encode())


EARLY, LATE, AFTER = MADE + DAY / 2, MADE + DAY * 0.9, MADE + DAY
BELIEVED = {
    "received": "received",
    "revealed": "received",
    "burned": "burned",
    "expired": "expired",
    "orphaned": "orphaned",
}
OPEN = ("new", "shared", "viewed", "previewed")
NOT_UNDERSTOOD = ("", "Received", "RECEIVED", "received ", "unknown", "opened", "consumed", None, True, 1, ["received"])


@each_row("now", [EARLY, LATE, AFTER], ids=["early", "late", "after its end"])
@each_row(("word", "state"), BELIEVED.items(), ids=BELIEVED)
def test_the_end_is_told_as_the_host_says_it(word: str, state: FinalState, now: datetime) -> None:
    opened = int(EARLY.timestamp()) if state == "received" else None

    change = decide(tracked(), answer(word, received=opened), now)

    assert change == Change("row", state, received_at=EARLY if opened else None, notification=state)


@pytest.mark.parametrize("word", OPEN)
def test_an_open_one_is_no_news(word: str) -> None:
    assert decide(tracked(), answer(word), EARLY) is None


@pytest.mark.parametrize("word", OPEN)
def test_a_new_or_viewed_secret_is_only_reminded_of(word: str) -> None:
    assert decide(tracked(), answer(word), LATE) == Change("row", None, notification="reminder")


def test_who_was_reminded_is_not_reminded_again() -> None:
    assert decide(replace(tracked(), is_reminded=True), answer("new"), LATE) is None


@pytest.mark.parametrize(("zone", "reminded"), [("Asia/Tokyo", False), ("America/New_York", True), (None, True)])
def test_nobody_is_reminded_in_their_own_night(zone: str | None, reminded: bool) -> None:
    expires_at = datetime(2026, 11, 25, 0, 0, tzinfo=UTC)  # 9 in the morning in Tokyo
    secret = tracked(expires_at=expires_at)
    at_night_in_tokyo = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)

    change = decide(secret, answer("new"), at_night_in_tokyo, zone)

    assert (change is not None) == reminded


async def test_a_row_that_is_due_for_a_reminder_is_found_among_unchanged_rows(
    recent_server: OnetimeServer, onetime: Onetime
) -> None:
    held = [recent_server.share(EMAIL, "text", ttl=ttl) for ttl in (86_400, 7 * 86_400)]
    later = datetime.now(UTC) + timedelta(hours=21)

    found = await poll_rows(make_client(recent_server, onetime), list(map(tracked_of, held)), later)

    assert found.changes == [Change("row0", None, notification="reminder")]


@pytest.mark.parametrize("word", OPEN)
def test_an_open_one_is_over_when_its_time_is(word: str) -> None:
    assert decide(tracked(), answer(word, secret_ttl=0), AFTER) == Change("row", "expired", notification="expired")


@pytest.mark.parametrize("word", OPEN)
def test_one_that_lives_on_after_its_time_is_not_over(word: str) -> None:
    assert decide(tracked(), answer(word, secret_ttl=86_400), AFTER) is None


@pytest.mark.parametrize("word", OPEN)
def test_one_that_is_missing_before_its_time_is_never_taken_for_received(word: str) -> None:
    assert decide(tracked(), answer(word, secret_ttl=None), EARLY) == Change("row", "orphaned", notification="orphaned")


@each_row("now", [EARLY, LATE, AFTER], ids=["early", "late", "after its end"])
@each_row("word", NOT_UNDERSTOOD, ids=repr)
def test_a_word_that_is_not_understood_changes_nothing_and_reminds_of_nothing(word: object, now: datetime) -> None:
    assert decide(tracked(), answer(word, received=int(EARLY.timestamp())), now) is None


@pytest.mark.parametrize(
    ("expires_at", "now", "state"),
    [
        pytest.param(MADE + DAY, EARLY, None, id="before its end it may come back"),
        pytest.param(MADE + DAY, AFTER, "unknown", id="after its end nobody knows"),
        pytest.param(None, AFTER + 100 * DAY, None, id="without a known end it may always come back"),
    ],
)
def test_an_absence_never_means_received(expires_at: datetime | None, now: datetime, state: FinalState | None) -> None:
    change = decide(tracked(expires_at=expires_at), None, now)

    assert change == (Change("row", state, notification=state) if state else None)


@each_row("word", [*BELIEVED, *OPEN])
@each_row("state", OVER)
def test_what_is_over_stays_as_it_is(state: FinalState, word: str) -> None:
    over = replace(tracked(), state=state)

    assert decide(over, answer(word), LATE) is None
    assert decide(over, None, AFTER) is None


@given(st.sampled_from([*BELIEVED, *OPEN, "unheard of"]), st.floats(-400, 400), st.one_of(st.none(), st.integers(0, 9)))
def test_received_is_said_only_if_the_host_said_it(word: str, days: float, left: int | None) -> None:
    change = decide(tracked(), answer(word, secret_ttl=left), MADE + timedelta(days=days))

    assert (change is not None and "received" in (change.state, change.notification)) == (
        word in ("received", "revealed")
    )


# --- over the wire


@pytest.fixture(params=["0.18", "0.23", "0.25", "0.26"])
async def server(request: pytest.FixtureRequest):
    async with OnetimeServer(request.param) as started:
        started.add_account(EMAIL, TOKEN)
        yield started


@pytest.fixture
async def recent_server():
    async with OnetimeServer() as started:
        started.add_account(EMAIL, TOKEN)
        yield started


@pytest.fixture
async def onetime():
    client = Onetime(deadline=PATIENCE, tries=1)
    yield client
    await client.aclose()


def make_client(server: OnetimeServer, onetime: Onetime, *, anonymous: bool = False) -> AccountClient:
    host = Host(server.url)
    credentials = Credentials(host) if anonymous else Credentials(host, Secret(EMAIL), Secret(TOKEN))
    return AccountClient(onetime, credentials, circuit_breaker.CircuitBreaker())


RING = Sealer(KeyRing.read(generate_line("k1")))


async def poll_rows(
    client: AccountClient,
    known: list[Tracked],
    now: datetime,
    options: PollOptions = DEFAULT_OPTIONS,
    ring: Sealer = RING,
    indexed_by: Sealer | None = None,
) -> PollResult:
    """Poll as the watcher does: from rows without keys, which are decrypted only for calls by key."""
    rows = TrackedRows(ring)
    host = client.credentials.host.url
    ends = [None if one.expires_at is None else one.expires_at.timestamp() for one in known]
    narrow = [
        OpenRow(f"row{number}", (indexed_by or ring).blind_index(host, one.key), one.made_at.timestamp(), end, False)
        for number, (one, end) in enumerate(zip(known, ends, strict=True))
    ]

    async def of(asked: Sequence[OpenRow]) -> dict[str, MetadataKey]:
        return {row.id: known[int(row.id.removeprefix("row"))].key for row in asked}

    return await poll(
        client, KeyLookup(rows.indexers(host), of), await client.fetch_entries(), narrow, now.timestamp(), options
    )


def tracked_of(held: object) -> Tracked:
    made_at = datetime.fromtimestamp(held.created, UTC)  # type: ignore[attr-defined]
    until = made_at + timedelta(seconds=held.ttl)  # type: ignore[attr-defined]
    return replace(tracked(), key=MetadataKey(held.metadata_key), made_at=made_at, expires_at=until)  # type: ignore[attr-defined]


def states(result: PollResult) -> list[str | None]:
    return [change.state for change in result.changes]


@pytest.mark.parametrize("anonymous", [False, True], ids=["account", "anonymous"])
async def test_every_version_says_what_became_of_a_secret(
    server: OnetimeServer,
    onetime: Onetime,
    anonymous: bool,
) -> None:
    owner = None if anonymous else EMAIL
    opened, burned, left = (server.share(owner, "text") for _ in range(3))
    server.open_as_outsider(opened.secret_key)
    server.burn_as_owner(burned.metadata_key)

    found = await poll_rows(
        make_client(server, onetime, anonymous=anonymous),
        [tracked_of(one) for one in (opened, burned, left)],
        datetime.now(UTC),
    )

    assert states(found) == ["received", "burned"]


async def test_one_that_0_25_prolonged_is_not_called_expired(onetime: Onetime) -> None:
    async with OnetimeServer("0.25") as server:
        server.add_account(EMAIL, TOKEN)
        looked_at, left = (server.share(EMAIL, "text", ttl=3600) for _ in range(2))
        server.look_as_outsider(looked_at.secret_key)
        server.move_clock(3700)

        found = await poll_rows(
            make_client(server, onetime),
            [tracked_of(looked_at), tracked_of(left)],
            datetime.now(UTC) + timedelta(seconds=3700),
        )

    assert [(one.state, one.notification) for one in found.changes] == [("expired", "expired")]


async def test_one_whose_host_forgot_it_after_its_end_is_believed_from_the_list(
    recent_server: OnetimeServer, onetime: Onetime
) -> None:
    held = recent_server.share(EMAIL, "text", ttl=3600)
    recent_server.plan(ONE, OnetimeFault("answer", status=404, body=GONE), None)

    found = await poll_rows(
        make_client(recent_server, onetime), [tracked_of(held)], datetime.now(UTC) + timedelta(seconds=3700)
    )

    assert states(found) == ["expired"]


@pytest.mark.parametrize(("zone", "reminded"), [("Europe/London", True), (None, False)])
async def test_who_would_be_reminded_at_night_is_reminded_in_the_evening_if_the_morning_is_too_late(
    recent_server: OnetimeServer, onetime: Onetime, zone: str | None, reminded: bool
) -> None:
    made_at = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)  # so its last sixth begins at 3 at night
    recent_server.move_clock(made_at.timestamp() - time.time())
    held = recent_server.share(EMAIL, "text", ttl=86_400)
    evening = made_at.replace(hour=20, minute=50)

    found = await poll_rows(make_client(recent_server, onetime), [tracked_of(held)], evening, PollOptions(zone=zone))

    assert [change.notification for change in found.changes] == (["reminder"] if reminded else [])


async def test_others_of_the_account_are_named_only_while_they_can_be_opened(
    recent_server: OnetimeServer, onetime: Onetime
) -> None:
    known, opened, other = (recent_server.share(EMAIL, "text") for _ in range(3))
    recent_server.open_as_outsider(opened.secret_key)

    found = await poll_rows(
        make_client(recent_server, onetime), [tracked_of(known)], datetime.now(UTC), PollOptions(everything=True)
    )

    assert [one.key.reveal() for one in found.untracked] == [other.metadata_key]


async def test_others_of_the_account_are_found_when_they_are_over_if_they_were_made_since(
    recent_server: OnetimeServer, onetime: Onetime
) -> None:
    server = recent_server
    server.move_clock(-7_200)
    early = server.share(EMAIL, "text")
    server.move_clock(7_200)
    opened, burned, expired, left = (server.share(EMAIL, "text", ttl=ttl) for ttl in (3600, 3600, 60, 3600))
    for one in (early, opened):
        server.open_as_outsider(one.secret_key)
    server.burn_as_owner(burned.metadata_key)
    now = datetime.now(UTC)
    options = PollOptions(everything=True, everything_since=now.timestamp() - 60)
    client = make_client(server, onetime)

    soon = await poll_rows(client, [], now + timedelta(seconds=90), options)
    late = await poll_rows(client, [], now + timedelta(days=7), options)

    states_by_key = {one.key.reveal(): one.state for one in soon.untracked}
    assert states_by_key == {
        opened.metadata_key: "received", burned.metadata_key: "burned", left.metadata_key: "new",
        expired.metadata_key: "new",  # the next poll finds out whether its host prolonged it
    }  # fmt: skip
    assert late.untracked == []  # told before, and their rows are deleted


@pytest.mark.parametrize("state", ["received", "burned", "new"])
async def test_an_answer_about_another_secret_decides_nothing(
    recent_server: OnetimeServer, onetime: Onetime, state: str
) -> None:
    held = recent_server.share(None, "text")
    body = json.dumps({"metadata_key": KEY, "state": state, "created": 1, "ttl": 1}).encode()
    recent_server.plan(ONE, OnetimeFault("answer", status=200, body=body))

    with pytest.raises(HostUnavailable):
        await poll_rows(make_client(recent_server, onetime, anonymous=True), [tracked_of(held)], datetime.now(UTC))


async def test_a_row_that_an_earlier_encryption_key_indexed_is_found_in_the_list(
    recent_server: OnetimeServer, onetime: Onetime
) -> None:
    held = [recent_server.share(EMAIL, "text") for _ in range(3)]
    recent_server.open_as_outsider(held[0].secret_key)
    old = generate_line("k1").reveal()
    rotated = Sealer(KeyRing.read(f"{generate_line('k2').reveal()}\n{old}"))
    before = Sealer(KeyRing.read(old))

    known = list(map(tracked_of, held))
    found = await poll_rows(
        make_client(recent_server, onetime), known, datetime.now(UTC), ring=rotated, indexed_by=before
    )

    assert states(found) == ["received"]
    assert {call.route for call in recent_server.calls} == {LIST}


async def test_an_account_is_asked_once_for_all_that_its_list_names(
    recent_server: OnetimeServer, onetime: Onetime
) -> None:
    held = [recent_server.share(EMAIL, "text") for _ in range(30)]

    await poll_rows(make_client(recent_server, onetime), list(map(tracked_of, held)), datetime.now(UTC))

    assert [call.route for call in recent_server.calls] == [LIST]


async def test_one_that_cannot_be_asked_about_takes_no_other_with_it(
    recent_server: OnetimeServer, onetime: Onetime
) -> None:
    held = [recent_server.share(None, "text") for _ in range(3 * KEY_CONCURRENCY)]
    for one in held:
        recent_server.open_as_outsider(one.secret_key)
    recent_server.plan(ONE, OnetimeFault("html"), 1)

    found = await poll_rows(
        make_client(recent_server, onetime, anonymous=True), list(map(tracked_of, held)), datetime.now(UTC)
    )

    assert states(found) == ["received"] * (len(held) - 1)
    assert [type(error) for error in found.errors] == [HostUnavailable]


async def test_rows_are_asked_for_by_key_at_once(recent_server: OnetimeServer, onetime: Onetime) -> None:
    held = [recent_server.share(None, "text") for _ in range(KEY_CONCURRENCY)]
    hangs = OnetimeFault("hang")
    recent_server.plan(ONE, hangs, None)

    looking = asyncio.create_task(
        poll_rows(make_client(recent_server, onetime, anonymous=True), list(map(tracked_of, held)), datetime.now(UTC))
    )

    await asyncio.wait_for(recent_server.wait_for_call(ONE, times=KEY_CONCURRENCY), PATIENCE)
    hangs.release()
    assert not (await looking).errors


ERRORS = {
    (a.status, a.body): a for a in ALL if a.call in ("metadata", "recent", "recent_v2") and meaning(a) is not None
}
INVENTED = {
    "404 without a body": (404, b""),
    "404 of a proxy": (404, b"<html><h1>404 Not Found</h1></html>"),
    "404 of another API": (404, b'{"error": "not found"}'),
    "404 that says received": (404, b'{"state": "received", "message": "Unknown secret"}'),
    "404 that looks like metadata": (404, json.dumps({"metadata_key": KEY, "state": "received"}).encode()),
    "404 that is cut short": (404, GONE[:-3]),
    "404 in a list": (404, b"[" + GONE + b"]"),
    "410": (410, GONE),
    "500 that says received": (500, json.dumps({"metadata_key": KEY, "state": "received"}).encode()),
    "204": (204, b""),
    "302": (302, b""),
    "200 that is empty": (200, b""),
    "200 of a proxy": (200, b"<html>received</html>"),
    "200 null": (200, b"null"),
    "200 that says gone": (200, GONE),
    "200 received of nothing": (200, b'{"state": "received"}'),
    "200 received of a bad key": (200, b'{"metadata_key": "../..", "state": "received"}'),
    "200 cut short": (200, b'{"metadata_key": "' + KEY.encode() + b'", "state": "received'),
    "200 garbage": (200, bytes(range(256))),
    "200 too deep": (200, b"[" * 5000),
}
BAD = [
    *(pytest.param(status, body, id=name) for name, (status, body) in INVENTED.items()),
    *(pytest.param(a.status, a.body, id=f"{a}-{a.call}") for a in ERRORS.values()),
]


@each_row("late", [False, True], ids=["before its end", "after its end"])
@each_row(("status", "body"), BAD)
def test_no_404_and_no_garbage_ever_says_received(status: int, body: bytes, late: bool) -> None:
    try:
        found: Metadata | None = wire.read_metadata(status, {}, body)
    except SecretGone:
        found = None
    except OnetimeError:
        return  # nothing is decided

    change = decide(tracked(), found, AFTER if late else EARLY)

    assert change == (Change("row", "unknown", notification="unknown") if late else None)


@pytest.mark.parametrize("route", [LIST, ONE])
@pytest.mark.parametrize(("status", "body"), INVENTED.values(), ids=INVENTED)
async def test_a_bad_answer_to_a_real_poll_is_no_news(
    recent_server: OnetimeServer, onetime: Onetime, route: str, status: int, body: bytes
) -> None:
    held = recent_server.share(EMAIL, "text")
    recent_server.plan(route, OnetimeFault("answer", status=status, body=body), None)

    try:
        found = await poll_rows(
            make_client(recent_server, onetime, anonymous=route == ONE), [tracked_of(held)], datetime.now(UTC)
        )
    except OnetimeError:
        return

    assert not found.changes


@given(st.binary(max_size=200), st.sampled_from([200, 204, 301, 400, 401, 404, 410, 429, 500, 503]))
def test_no_bytes_at_all_say_received(body: bytes, status: int) -> None:
    try:
        found: Metadata | None = wire.read_metadata(status, {}, body)
    except OnetimeError:
        found = None

    for now in (EARLY, AFTER):
        change = decide(tracked(), found, now)
        assert change is None or change.state == "unknown"


RECORDED = [a for a in ALL if a.call == "metadata" and meaning(a) is None]


@each_row("answer", [pytest.param(a, id=str(a)) for a in RECORDED])
def test_a_recorded_answer_is_news_only_if_it_says_so(answer: Recorded) -> None:
    found = answer.read()
    assert found.created is not None
    followed_one = tracked(found.key.reveal(), found.created, found.expires_at)

    change = decide(followed_one, found, found.updated or found.created)

    said = answer.said["state"]
    assert (change is not None and change.state == "received") == (said in ("received", "revealed"))


# --- what is said


def test_what_the_host_forgot_is_not_said_to_be_lost_or_unopened() -> None:
    over = replace(tracked(), state="unknown")

    shown = (notification(over, "unknown", "eu.onetimesecret.com"), tracked_card(over, "eu.onetimesecret.com"))
    said = str([blocks.message(message, Language.EN) for message in shown])

    assert "no longer knows whether it was opened" in said
    assert not any(word in said for word in ("before it expired", "Nobody opened", "was opened on", "lost"))
