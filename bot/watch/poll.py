"""One poll of one watch: what its host says, compared with our rows.

The list of an account's recent secrets has no side effects and answers for all of them in one call. Secrets that the
list does not name are asked for by key. A 404 never means “received”: only a state that says so does. A list that is
the same as at the last poll is not compared again, see `unchanged.py`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bot.errors import HostUnavailable, OnetimeError, SecretGone
from bot.onetime.client import Credentials, Onetime
from bot.onetime.wire import Entry, Metadata
from bot.secret import MetadataKey, Secret
from bot.status.change import TRACKED_STATES, find_change
from bot.storage.tracking.changes import Change
from bot.storage.tracking.rows import NewTracked, OpenRow, Tracked
from bot.watch.circuit_breaker import CircuitBreaker
from bot.watch.schedule import MIN_REMINDER_LEAD, REMINDER_LIFE_DIVISOR, is_reminder_due, reminder_time

KEY_CONCURRENCY = 8  # calls by key that one poll makes at once
MATCH_BATCH = 200  # entries that are matched before the event loop does something else
MAX_END_AGE = timedelta(days=6)  # since the end of a secret that is found when it is over
MAX_NIGHT_LENGTH = 12.5 * 3600  # seconds that a reminder may come before its usual time, to avoid the night

Indexer = Callable[[Secret], bytes]  # key -> blind index, with one of our encryption keys


@dataclass(frozen=True, slots=True)
class AccountClient:
    """The calls of one poll: with one person's account or without one, all through the host's circuit breaker."""

    onetime: Onetime
    credentials: Credentials
    breaker: CircuitBreaker

    async def fetch_entries(self) -> list[Entry]:
        """The account's list, in any order; empty without an account.

        Raises `NotAuthorized`, `RateLimited`, `HostUnavailable`, and its kind `CircuitOpen`.
        """
        if self.credentials.username is None:
            return []
        async with self.breaker.call():
            return await self.onetime.entries(self.credentials)

    async def fetch_metadata(self, key: MetadataKey) -> Metadata | None:
        """The metadata of one secret; None if the host does not know the key, or not any more.

        Raises `NotAuthorized`, `RateLimited`, `HostUnavailable`, and its kind `CircuitOpen`.
        """
        try:
            async with self.breaker.call():
                found = await self.onetime.metadata(self.credentials, key)
        except SecretGone:
            return None
        if found.key != key:
            raise HostUnavailable("an answer about another secret")
        return found


@dataclass(frozen=True, slots=True)
class KeyLookup:
    """How to get from a host's key to our row, and from our row to the host's key."""

    indexers: Sequence[Indexer]  # they make `OpenRow.blind_index`; one for each encryption key, the primary one first
    find_keys: Callable[[Sequence[OpenRow]], Awaitable[Mapping[str, MetadataKey]]]  # by row id; may leave rows out


@dataclass(frozen=True, slots=True)
class PollOptions:
    """What a person chose for a watch."""

    everything: bool = False  # find secrets of the account that the person did not track, too
    everything_since: float | None = None  # epoch seconds: of those that were made later, find also those that are over
    zone: str | None = None  # an IANA name: no reminders in the nights of this time zone


DEFAULT_OPTIONS = PollOptions()


@dataclass(frozen=True, slots=True)
class PollResult:
    """What a poll found."""

    changes: Sequence[Change] = ()
    untracked: Sequence[NewTracked] = ()  # other secrets of the account, see `_find_untracked`
    errors: Sequence[OnetimeError] = ()  # of calls by key that failed; nothing is known of those rows
    unchanged_until: float = 0.0  # epoch seconds: until then, the same list means that nothing changed


@dataclass(frozen=True, slots=True)
class _OpenSecret:
    """An `OpenRow` with its times as `datetime`, for `decide`."""

    id: str
    made_at: datetime
    expires_at: datetime | None
    is_reminded: bool
    is_over: bool = False


@dataclass(slots=True)
class _MatchedEntries:
    """The entries of an account's list, by the rows that they belong to."""

    by_blind_index: dict[bytes, Entry] = field(default_factory=dict)
    unmatched: list[Entry] = field(default_factory=list)


async def poll(
    client: AccountClient,
    keys: KeyLookup,
    entries: Sequence[Entry],
    rows: Sequence[OpenRow],
    now: float,
    options: PollOptions = DEFAULT_OPTIONS,
) -> PollResult:
    """Find what changed, from `entries` (the account's list) and calls by key for rows that the list does not name.

    `rows` are all rows of the watch that can still change. `now` is in seconds since the epoch.

    Raises `NotAuthorized`, `RateLimited`, `HostUnavailable` if nothing could be learned.
    """
    matched = await _match_entries(keys.indexers, rows, entries)
    now_utc = datetime.fromtimestamp(now, UTC)
    changes: list[Change | None] = []
    to_fetch: list[OpenRow] = []
    unchanged_until = math.inf
    for row in rows:
        entry = matched.by_blind_index.get(row.blind_index)
        if entry is None:
            to_fetch.append(row)
            continue
        row_unchanged_until = _unchanged_until(row, entry, now, options.zone)
        unchanged_until = min(unchanged_until, row_unchanged_until)
        if row_unchanged_until <= now:
            listed = entry.metadata()
            if listed is None or _may_be_prolonged(listed, now_utc):
                to_fetch.append(row)
            else:
                changes.append(decide(_to_open_secret(row), listed, now_utc, options.zone))
    answers, errors = await _fetch_by_key(client, keys, to_fetch, is_all=not entries)
    for row, fetched in answers:
        entry = matched.by_blind_index.get(row.blind_index)
        listed = None if entry is None else entry.metadata()
        changes.append(decide(_to_open_secret(row), fetched or listed, now_utc, options.zone))
    untracked = _find_untracked(matched.unmatched, now_utc, options.everything_since) if options.everything else []
    found = [change for change in changes if change is not None]
    return PollResult(found, untracked, errors, 0.0 if to_fetch else unchanged_until)


async def _match_entries(
    indexers: Sequence[Indexer], rows: Sequence[OpenRow], entries: Sequence[Entry]
) -> _MatchedEntries:
    """Which entry belongs to which row. Rows that were indexed with an earlier encryption key are found too."""
    matched, missing = _MatchedEntries(unmatched=list(entries)), {row.blind_index for row in rows}
    for indexer in indexers:
        if not missing:
            break
        candidates, matched.unmatched = matched.unmatched, []
        for number, entry in enumerate(candidates, 1):
            key = entry.find_key()
            blind_index = None if key is None else indexer(key)
            if blind_index in missing:
                matched.by_blind_index[blind_index] = entry
            else:
                matched.unmatched.append(entry)
            if number % MATCH_BATCH == 0:
                await asyncio.sleep(0)
        missing.difference_update(matched.by_blind_index)
    return matched


def _unchanged_until(row: OpenRow, entry: Entry, now: float, zone: str | None) -> float:
    """Epoch seconds until which the row changes only if its entry changes. If they are over, `decide` must be called.

    Cheap, because this runs for every row of every compared list: the exact time of a reminder, which depends on the
    person's nights, is computed only when it is near.
    """
    expires_at = entry.expires_at_epoch() if row.expires_at is None else row.expires_at
    if expires_at is None or not entry.says_open():
        return 0.0
    if row.is_reminded or row.expires_at is None:
        return expires_at
    lead = max((row.expires_at - row.made_at) / REMINDER_LIFE_DIVISOR, MIN_REMINDER_LEAD.total_seconds())
    earliest_reminder = row.expires_at - lead - MAX_NIGHT_LENGTH
    if now < earliest_reminder:
        return earliest_reminder
    secret = _to_open_secret(row)
    reminder = None if secret.expires_at is None else reminder_time(secret.made_at, secret.expires_at, zone)
    return expires_at if reminder is None else min(expires_at, reminder.timestamp())


def _may_be_prolonged(listed: Metadata, now: datetime) -> bool:
    """Whether only the clock says that the secret is over.

    Server 0.25 prolongs a secret whose metadata somebody asked for, and its list does not say so.
    """
    return listed.state.is_open and listed.state_at(now).is_over


KeyAnswer = tuple[OpenRow, Metadata | None]  # None: the host does not know the key


async def _fetch_by_key(
    client: AccountClient, keys: KeyLookup, rows: Sequence[OpenRow], *, is_all: bool
) -> tuple[list[KeyAnswer], list[OnetimeError]]:
    """Ask the host for each row whose key `keys` gives: the answers, and the errors of calls that failed.

    A failed call does not stop the others. If all calls failed, the first error is raised, but only with `is_all`: the
    poll is about these rows alone.
    """
    if not rows:
        return [], []
    key_of_row = await keys.find_keys(rows)
    semaphore = asyncio.Semaphore(KEY_CONCURRENCY)

    async def fetch(row: OpenRow) -> KeyAnswer | OnetimeError:
        async with semaphore:
            try:
                return row, await client.fetch_metadata(key_of_row[row.id])
            except OnetimeError as error:
                return error

    results = await asyncio.gather(*(fetch(row) for row in rows if row.id in key_of_row))
    answers = [result for result in results if not isinstance(result, OnetimeError)]
    errors = [result for result in results if isinstance(result, OnetimeError)]
    if is_all and errors and not answers:
        raise errors[0]
    return answers, errors


def decide(
    tracked: Tracked | _OpenSecret, found: Metadata | None, now: datetime, zone: str | None = None
) -> Change | None:
    """What changed, if anything: a new state (by `find_change`), or a reminder that is due.

    `found` is None if the host does not know the secret any more. `zone` is the person's time zone, an IANA name: no
    reminder comes in its nights.
    """
    change = find_change(tracked, found, now)
    if change is not None or found is None or not found.state_at(now).is_open:
        return change
    return _find_reminder(tracked, now, zone)


def _find_reminder(tracked: Tracked | _OpenSecret, now: datetime, zone: str | None) -> Change | None:
    if tracked.is_over or tracked.is_reminded or tracked.expires_at is None:
        return None
    if is_reminder_due(tracked.made_at, tracked.expires_at, now, zone):
        return Change(tracked.id, None, notification="reminder")
    return None


def _to_open_secret(row: OpenRow) -> _OpenSecret:
    expires_at = None if row.expires_at is None else datetime.fromtimestamp(row.expires_at, UTC)
    return _OpenSecret(row.id, datetime.fromtimestamp(row.made_at, UTC), expires_at, row.is_reminded)


def _find_untracked(entries: Iterable[Entry], now: datetime, since: float | None) -> list[NewTracked]:
    """The secrets of these entries that can still be opened, and of those that were made `since`, those that are over.

    What was opened, burned or has expired between two polls would otherwise never be told. The row of a secret that is
    over is deleted after a week, so what ended almost that long ago was told before.
    """
    earliest = math.inf if since is None else math.floor(since)  # servers round the time of creation down
    listed = (entry.metadata() for entry in entries if entry.says_open() or entry.created_at_epoch() >= earliest)
    found = []
    for one in listed:
        if one is None or one.created is None:
            continue
        state = one.state_at(now)
        if state.is_open:
            found.append(_to_new_tracked(one, one.created))
        elif one.created.timestamp() >= earliest and state in TRACKED_STATES and _end_of(one, now) > now - MAX_END_AGE:
            # An end that only the clock says is found out by the next poll: server 0.25 prolongs secrets.
            known = "new" if one.state.is_open else TRACKED_STATES[state]
            found.append(replace(_to_new_tracked(one, one.created), state=known, received_at=one.received))
    return found


def _end_of(found: Metadata, now: datetime) -> datetime:
    if found.state.is_open:
        return found.expires_at or now
    return found.received or found.updated or found.created or now


def _to_new_tracked(found: Metadata, made_at: datetime) -> NewTracked:
    return NewTracked(found.key, made_at, found.expires_at, passphrase_required=found.passphrase_required)
