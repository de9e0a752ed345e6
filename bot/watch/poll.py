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
from bot.watch.schedule import MIN_REMINDER_LEAD, REMIND_PART, is_time_to_remind, remind_at

BY_KEY = 8  # calls at once of one look
AT_A_TIME = 200  # secrets that are matched before others get their turn
MAX_NIGHT = 12.5 * 3600  # seconds by which a reminder may come earlier, so as not to come at night

Index = Callable[[Secret], bytes]


@dataclass(frozen=True, slots=True)
class AccountClient:
    """For whom a host is asked: with one person's account or without, never more at once than the host bears."""

    onetime: Onetime
    credentials: Credentials
    host: CircuitBreaker

    async def entries(self) -> list[Entry]:
        """The account's list; nothing without an account."""
        if self.credentials.username is None:
            return []
        async with self.host.call():
            return await self.onetime.entries(self.credentials)

    async def metadata(self, key: MetadataKey) -> Metadata | None:
        """By key; None when the host does not know it (any more)."""
        try:
            async with self.host.call():
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
    of: Callable[[Sequence[OpenRow]], Awaitable[Mapping[str, MetadataKey]]]  # by the rows' ids, those to ask for now


@dataclass(frozen=True, slots=True)
class PollOptions:
    """What a person wants beside the state of what they track."""

    everything: bool = False  # also what else the account has
    zone: str | None = None  # the nights of this time zone without reminders


NOTHING_MORE = PollOptions()


@dataclass(frozen=True, slots=True)
class PollResult:
    """What a look found: what changed, and what else the account has that can still be opened."""

    changes: Sequence[Change] = ()
    others: Sequence[NewTracked] = ()
    errors: Sequence[OnetimeError] = ()  # of calls for single rows, of which nothing was learned
    still_until: float = 0.0  # epoch seconds: as long as the list stays as it is, nothing is found before


@dataclass(frozen=True, slots=True)
class _OpenSecret:
    """An `OpenRow` with its times as `decide` takes them."""

    id: str
    made_at: datetime
    expires_at: datetime | None
    is_reminded: bool
    is_over: bool = False


@dataclass(slots=True)
class _Matched:
    """An account's list beside our rows."""

    of: dict[bytes, Entry] = field(default_factory=dict)  # by the row's blind index
    rest: list[Entry] = field(default_factory=list)  # no row that can still change


async def poll(
    asker: AccountClient,
    keys: KeyLookup,
    entries: Sequence[Entry],
    rows: Sequence[OpenRow],
    now: float,
    wants: PollOptions = NOTHING_MORE,
) -> PollResult:
    """What became of the rows, by the account's list and by asking the host for what that does not name.

    Raises `NotAuthorized`, `RateLimited`, `HostUnavailable`; nothing is decided then. `now` is in seconds since the
    epoch.
    """
    matched = await _matched(keys.indexers, rows, entries)
    when = datetime.fromtimestamp(now, UTC)
    changes: list[Change | None] = []
    asked: list[OpenRow] = []
    still_until = math.inf
    for row in rows:
        entry = matched.of.get(row.blind_index)
        if entry is None:
            asked.append(row)
            continue
        still = _still_until(row, entry, now, wants.zone)
        still_until = min(still_until, still)
        if still <= now:
            listed = entry.metadata()
            if listed is None or _may_live_on(listed, when):
                asked.append(row)
            else:
                changes.append(decide(_known(row), listed, when, wants.zone))
    found, errors = await _by_key(asker, keys, asked, is_all=not entries)
    for row, said in found:
        entry = matched.of.get(row.blind_index)
        listed = None if entry is None else entry.metadata()
        changes.append(decide(_known(row), said or listed, when, wants.zone))
    others = _others(matched.rest, when) if wants.everything else []
    real = [change for change in changes if change is not None]
    return PollResult(real, others, errors, 0.0 if asked else still_until)


async def _matched(indexers: Sequence[Index], rows: Sequence[OpenRow], entries: Sequence[Entry]) -> _Matched:
    """Which entry is which row's. Rows that an earlier encryption key indexed are found too."""
    matched, wanted = _Matched(rest=list(entries)), {row.blind_index for row in rows}
    for index in indexers:
        left, matched.rest = matched.rest, []
        if not wanted:
            matched.rest = left
            break
        for number, entry in enumerate(left, 1):
            key = entry.find_key()
            blind = None if key is None else index(key)
            if blind in wanted:
                matched.of[blind] = entry
            else:
                matched.rest.append(entry)
            if number % AT_A_TIME == 0:
                await asyncio.sleep(0)
        wanted.difference_update(matched.of)
    return matched


def _still_until(row: OpenRow, entry: Entry, now: float, zone: str | None) -> float:
    """Until when nothing becomes of it unless the list says so, in seconds since the epoch. Past: `decide` says."""
    ends = entry.expires_at_epoch() if row.expires_at is None else row.expires_at
    if ends is None or not entry.says_open():
        return 0.0
    if row.is_reminded or row.expires_at is None:
        return ends
    left = max((row.expires_at - row.made_at) / REMIND_PART, MIN_REMINDER_LEAD.total_seconds())
    at_a_glance = row.expires_at - left - MAX_NIGHT
    if now < at_a_glance:
        return at_a_glance
    known = _known(row)
    at = None if known.expires_at is None else remind_at(known.made_at, known.expires_at, zone)
    return ends if at is None else min(ends, at.timestamp())


def _may_live_on(listed: Metadata, now: datetime) -> bool:
    """Whether only the clock says that it is over. 0.25 prolongs what somebody looked at, and no list says that."""
    return listed.state.is_open and listed.state_at(now).is_over


Said = tuple[OpenRow, Metadata | None]


async def _by_key(
    asker: AccountClient, keys: KeyLookup, rows: Sequence[OpenRow], *, is_all: bool
) -> tuple[list[Said], list[OnetimeError]]:
    """What the host says of each, and why it says nothing of others.

    One that fails takes no other with it. Only if all fail, and they are all there is, the first error is raised.
    """
    if not rows:
        return [], []
    known = await keys.of(rows)
    gate = asyncio.Semaphore(BY_KEY)

    async def ask(row: OpenRow) -> Said | OnetimeError:
        async with gate:
            try:
                return row, await asker.metadata(known[row.id])
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
    return _reminder(tracked, now, zone)


def _reminder(tracked: Tracked | _OpenSecret, now: datetime, zone: str | None) -> Change | None:
    if tracked.is_over or tracked.is_reminded or tracked.expires_at is None:
        return None
    if is_time_to_remind(tracked.made_at, tracked.expires_at, now, zone):
        return Change(tracked.id, None, notification="reminder")
    return None


def _known(row: OpenRow) -> _OpenSecret:
    expires_at = None if row.expires_at is None else datetime.fromtimestamp(row.expires_at, UTC)
    return _OpenSecret(row.id, datetime.fromtimestamp(row.made_at, UTC), expires_at, row.is_reminded)


def _others(entries: Iterable[Entry], now: datetime) -> list[NewTracked]:
    """What can still be opened."""
    listed = (entry.metadata() for entry in entries if entry.says_open())
    return [_new(one, one.created) for one in listed if one and one.created and one.state_at(now).is_open]


def _new(found: Metadata, made_at: datetime) -> NewTracked:
    return NewTracked(found.key, made_at, found.expires_at, passphrase_required=found.passphrase_required)
