"""One look at one account: what its host says, compared with what we knew.

The list of an account's recent secrets has no side effects and answers for all of them in one call. What it does
not name is asked for by key. A 404 never means “received”; only the state itself does. A list that says what it said
before is not compared again: see `remembered.py`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.errors import HostUnavailable, OnetimeError, SecretGone
from bot.onetime.client import Credentials, Onetime
from bot.onetime.wire import Entry, Metadata
from bot.secret import MetadataKey, Secret
from bot.status.change import find_change
from bot.storage.tracking.changes import Change
from bot.storage.tracking.rows import NewTracked, OpenRow, Tracked
from bot.watch.circuit_breaker import CircuitBreaker
from bot.watch.schedule import MIN_REMINDER_LEAD, REMINDER_LIFE_DIVISOR, is_reminder_due, reminder_time

KEY_CONCURRENCY = 8  # calls at once of one look
MATCH_BATCH = 200  # secrets that are matched before others get their turn
MAX_NIGHT_LENGTH = 12.5 * 3600  # seconds by which a reminder may come earlier, so as not to come at night

Index = Callable[[Secret], bytes]


@dataclass(frozen=True, slots=True)
class AccountClient:
    """For whom a host is asked: with one person's account or without, never more at once than the host bears."""

    onetime: Onetime
    credentials: Credentials
    breaker: CircuitBreaker

    async def fetch_entries(self) -> list[Entry]:
        """The account's list; nothing without an account."""
        if self.credentials.username is None:
            return []
        async with self.breaker.call():
            return await self.onetime.entries(self.credentials)

    async def fetch_metadata(self, key: MetadataKey) -> Metadata | None:
        """By key; None when the host does not know it (any more)."""
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
    """How the keys of a host and our rows find each other."""

    indexers: Sequence[Index]  # what makes `OpenRow.blind` of a key, one for each of our encryption keys
    find_keys: Callable[
        [Sequence[OpenRow]], Awaitable[Mapping[str, MetadataKey]]
    ]  # by the rows' ids, those to ask for now


@dataclass(frozen=True, slots=True)
class PollOptions:
    """What a person wants beside the state of what they track."""

    everything: bool = False  # also what else the account has
    zone: str | None = None  # the nights of this time zone without reminders


DEFAULT_OPTIONS = PollOptions()


@dataclass(frozen=True, slots=True)
class PollResult:
    """What a look found: what changed, and what else the account has that can still be opened."""

    changes: Sequence[Change] = ()
    untracked: Sequence[NewTracked] = ()
    errors: Sequence[OnetimeError] = ()  # of calls for single rows, of which nothing was learned
    unchanged_until: float = 0.0  # epoch seconds: as long as the list stays as it is, nothing is found before


@dataclass(frozen=True, slots=True)
class _OpenSecret:
    """An `OpenRow` with its times as `decide` takes them."""

    id: str
    made_at: datetime
    expires_at: datetime | None
    is_reminded: bool
    is_over: bool = False


@dataclass(slots=True)
class _MatchedEntries:
    """An account's list beside our rows."""

    by_blind_index: dict[bytes, Entry] = field(default_factory=dict)  # by the row's blind index
    unmatched: list[Entry] = field(default_factory=list)  # no row that can still change


async def poll(
    client: AccountClient,
    keys: KeyLookup,
    entries: Sequence[Entry],
    rows: Sequence[OpenRow],
    now: float,
    options: PollOptions = DEFAULT_OPTIONS,
) -> PollResult:
    """What became of the rows, by the account's list and by asking the host for what that does not name.

    Raises `NotAuthorized`, `RateLimited`, `HostUnavailable`; nothing is decided then. `now` is in seconds since the
    epoch.
    """
    matched = await _match_entries(keys.indexers, rows, entries)
    when = datetime.fromtimestamp(now, UTC)
    changes: list[Change | None] = []
    asked: list[OpenRow] = []
    still_until = math.inf
    for row in rows:
        entry = matched.by_blind_index.get(row.blind_index)
        if entry is None:
            asked.append(row)
            continue
        still = _unchanged_until(row, entry, now, options.zone)
        still_until = min(still_until, still)
        if still <= now:
            listed = entry.metadata()
            if listed is None or _may_be_prolonged(listed, when):
                asked.append(row)
            else:
                changes.append(decide(_to_open_secret(row), listed, when, options.zone))
    found, errors = await _fetch_by_key(client, keys, asked, is_all=not entries)
    for row, said in found:
        entry = matched.by_blind_index.get(row.blind_index)
        listed = None if entry is None else entry.metadata()
        changes.append(decide(_to_open_secret(row), said or listed, when, options.zone))
    others = _find_untracked(matched.unmatched, when) if options.everything else []
    real = [change for change in changes if change is not None]
    return PollResult(real, others, errors, 0.0 if asked else still_until)


async def _match_entries(
    indexers: Sequence[Index], rows: Sequence[OpenRow], entries: Sequence[Entry]
) -> _MatchedEntries:
    """Which entry is which row's. Rows that an earlier encryption key indexed are found too."""
    matched, wanted = _MatchedEntries(unmatched=list(entries)), {row.blind_index for row in rows}
    for index in indexers:
        left, matched.unmatched = matched.unmatched, []
        if not wanted:
            matched.unmatched = left
            break
        for number, entry in enumerate(left, 1):
            key = entry.find_key()
            blind = None if key is None else index(key)
            if blind in wanted:
                matched.by_blind_index[blind] = entry
            else:
                matched.unmatched.append(entry)
            if number % MATCH_BATCH == 0:
                await asyncio.sleep(0)
        wanted.difference_update(matched.by_blind_index)
    return matched


def _unchanged_until(row: OpenRow, entry: Entry, now: float, zone: str | None) -> float:
    """Until when nothing becomes of it unless the list says so, in seconds since the epoch. Past: `decide` says."""
    ends = entry.expires_at_epoch() if row.expires_at is None else row.expires_at
    if ends is None or not entry.says_open():
        return 0.0
    if row.is_reminded or row.expires_at is None:
        return ends
    left = max((row.expires_at - row.made_at) / REMINDER_LIFE_DIVISOR, MIN_REMINDER_LEAD.total_seconds())
    at_a_glance = row.expires_at - left - MAX_NIGHT_LENGTH
    if now < at_a_glance:
        return at_a_glance
    known = _to_open_secret(row)
    at = None if known.expires_at is None else reminder_time(known.made_at, known.expires_at, zone)
    return ends if at is None else min(ends, at.timestamp())


def _may_be_prolonged(listed: Metadata, now: datetime) -> bool:
    """Whether only the clock says that it is over. 0.25 prolongs what somebody looked at, and no list says that."""
    return listed.state.is_open and listed.state_at(now).is_over


HostAnswer = tuple[OpenRow, Metadata | None]


async def _fetch_by_key(
    client: AccountClient, keys: KeyLookup, rows: Sequence[OpenRow], *, is_all: bool
) -> tuple[list[HostAnswer], list[OnetimeError]]:
    """What the host says of each, and why it says nothing of others.

    One that fails takes no other with it. Only if all fail, and they are all there is, the first error is raised.
    """
    if not rows:
        return [], []
    known = await keys.find_keys(rows)
    gate = asyncio.Semaphore(KEY_CONCURRENCY)

    async def ask(row: OpenRow) -> HostAnswer | OnetimeError:
        async with gate:
            try:
                return row, await client.fetch_metadata(known[row.id])
            except OnetimeError as error:
                return error

    answers = await asyncio.gather(*(ask(row) for row in rows if row.id in known))
    said = [answer for answer in answers if not isinstance(answer, OnetimeError)]
    errors = [answer for answer in answers if isinstance(answer, OnetimeError)]
    if is_all and errors and not said:
        raise errors[0]
    return said, errors


def decide(
    tracked: Tracked | _OpenSecret, found: Metadata | None, now: datetime, zone: str | None = None
) -> Change | None:
    """What changed, if anything: as `outcome`, and whether it is time to remind.

    `zone` is the time zone of the person, whose nights are kept free of reminders.
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


def _find_untracked(entries: Iterable[Entry], now: datetime) -> list[NewTracked]:
    """What can still be opened."""
    listed = (entry.metadata() for entry in entries if entry.says_open())
    return [_to_new_tracked(one, one.created) for one in listed if one and one.created and one.state_at(now).is_open]


def _to_new_tracked(found: Metadata, made_at: datetime) -> NewTracked:
    return NewTracked(found.key, made_at, found.expires_at, passphrase_required=found.passphrase_required)
