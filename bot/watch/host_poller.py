"""The looks at one host: claimed a few at a time, many under way at once, each finished by itself.

Every host has a round of its own, so that one that is slow or broken delays nobody's secrets elsewhere.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bot.errors import BotError, NotAuthorized, OnetimeError, RateLimited, Unsealable
from bot.failpoints import failpoint
from bot.interaction.services import Services
from bot.logs import Log
from bot.onetime.client import Credentials
from bot.onetime.links import Host
from bot.periodic import PeriodicTask
from bot.secret import MetadataKey
from bot.storage.accounts import Account
from bot.storage.tracking.polls import Polls
from bot.storage.tracking.rows import NewTracked, OpenRow, Watch
from bot.watch import circuit_breaker
from bot.watch.batch_writer import BatchWriter
from bot.watch.key_budget import KeyBudget
from bot.watch.lease_renewer import LEASE, LeaseRenewer
from bot.watch.poll import AccountClient, KeyLookup, PollOptions, PollResult, poll
from bot.watch.schedule import MAX_INTERVAL, next_poll
from bot.watch.unchanged import MAX_AGE, UnchangedResponse, UnchangedResponseCache, digest

CLAIM_SIZE = 192  # looks that wait for the host: at its gate (breaker.AT_ONCE), or for its answer
MAX_POLLS = 2 * CLAIM_SIZE  # with those that have it
BATCH = 48  # accounts claimed at a time: what a transaction costs is shared, and yet others write in between
IDLE = 1.0  # seconds between looks into the table when nothing is due
SOON = 0.1  # seconds over which looks are begun when there are few: a few all the time are better than many at once
RETRY = 30.0  # seconds after trouble
RATE_LIMITED = 120.0  # seconds, where the host does not say
MAX_NEW = 100  # secrets that one look begins to track; the rest follows at once
FINISH = 3.0  # seconds that looks which are under way have at the end
WRITE = 2.0  # seconds more to write down what they found

log = Log("watch")


@dataclass(frozen=True, slots=True)
class PollerDependencies:
    """What the rounds have in common."""

    services: Services
    polls: Polls
    every: float  # seconds: WATCH_EVERY
    held: LeaseRenewer[Watch]
    quiet: BatchWriter


@dataclass(frozen=True, slots=True)
class PollFindings:
    """An account's list beside its rows."""

    answer: bytes | None  # `digest` of the list
    rows: Sequence[OpenRow]
    looked: PollResult


class HostPoller:
    def __init__(self, shared: PollerDependencies, host: Host) -> None:
        self._shared = shared
        self._services = shared.services
        self._polls = shared.polls
        self._host = host
        self._breaker = circuit_breaker.CircuitBreaker()
        self._indexers = self._polls.indexers(host.url)
        self._memory = UnchangedResponseCache()
        self._paced = KeyBudget(shared.every)
        self._loop = PeriodicTask(self._step, IDLE * random.uniform(0.9, 1.1), log, "not_looked")  # noqa: S311 - spreads load
        self._looks: set[asyncio.Task[None]] = set()  # all that is under way
        self._asking: set[asyncio.Task[None]] = set()  # those that wait for the host
        self._has_room = asyncio.Event()
        self._cut_off: list[Watch] | None = None  # None until looks are being cut off

    def stop(self) -> None:
        """Claim nothing more."""
        self._loop.stop()
        self._has_room.set()

    async def run(self) -> None:
        """Until `stop`; then what is under way has a few seconds, and the rest is given back."""
        await self._loop.run()
        await self._finish()

    async def once(self) -> bool:
        """Look at all that is due now; whether there was anything."""
        begun: list[asyncio.Task[None]] = []
        while len(some := await self._claim(BATCH)) == BATCH:
            begun += some
        begun += some
        await asyncio.gather(*begun)
        return bool(begun)

    # --- whose turn it is

    async def _step(self) -> bool:
        """Begin some looks, if there is room for them; whether there may be more."""
        if self._breaker.is_down and (self._asking or self._breaker.rests_for):
            return False
        most = 1 if self._breaker.is_down else BATCH
        while self._room < most and not self._loop.is_stopping:
            self._has_room.clear()
            await self._has_room.wait()
        return not self._loop.is_stopping and len(await self._claim(most)) > 0

    @property
    def _room(self) -> int:
        """For so many looks more. Those that have their answer wait for the database, and are not to pile up."""
        return min(CLAIM_SIZE - len(self._asking), MAX_POLLS - len(self._looks))

    async def _claim(self, most: int) -> list[asyncio.Task[None]]:
        """Begin up to so many looks, one after the other: clicks get their turn in between."""
        claimed = await self._polls.claim(most, LEASE, host=self._host.url)
        if not claimed:
            return []
        if self._loop.is_stopping:
            await self._polls.release(*claimed)
            return []
        failpoint("watches_claimed")
        self._shared.held.hold(claimed)
        try:
            now = time.time()
            rows = await self._polls.open_rows([one for one in claimed if not self._memory.knows(one, now)])
            accounts = await self._services.accounts.of_watches([watch.id for watch in claimed])
        except BaseException:
            for watch in claimed:  # their leases run out
                self._shared.held.drop(watch)
            raise
        begun = []
        for watch in claimed:
            begun.append(self._begin(watch, rows.get(watch.id), accounts.get(watch.id)))
            await asyncio.sleep(0 if len(claimed) == most else SOON / len(claimed))
        return begun

    # --- one look

    def _begin(self, watch: Watch, rows: Sequence[OpenRow] | None, account: Account | None) -> asyncio.Task[None]:
        task = asyncio.create_task(self._guarded(watch, rows, account))
        self._looks.add(task)
        self._asking.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._looks.discard(task)
        self._answered(task)

    def _answered(self, task: asyncio.Task[None] | None) -> None:
        self._asking -= {task}
        if self._room >= BATCH:
            self._has_room.set()

    async def _guarded(self, watch: Watch, rows: Sequence[OpenRow] | None, account: Account | None) -> None:
        """One bad account never stops the others. `rows` are None where the list may well say nothing new."""
        try:
            await self._look(watch, rows, account)
        except BotError as error:
            log.warning("look_failed", error=str(error))
        except Exception as error:  # noqa: BLE001 - counted and left for the lease to run out
            log.error("look_crashed", cause=error)
        finally:
            self._shared.held.drop(watch)

    async def _look(self, watch: Watch, rows: Sequence[OpenRow] | None, account: Account | None) -> None:
        try:
            found = await self._ask(watch, rows, account)
        except NotAuthorized:
            if await self._polls.record_refusal(watch):
                log.info("account_paused")
        except (OnetimeError, Unsealable) as error:
            await self._polls.record_failure(watch, _wait_after(error))
        except asyncio.CancelledError:
            if self._cut_off is None:
                raise
            self._cut_off.append(watch)
        else:
            failpoint("looked")
            if isinstance(found, UnchangedResponse):
                await self._shared.quiet.write(watch, self._next(watch, found.youngest, found.ends))
            else:
                await self._write(watch, found)
            failpoint("look_written")

    async def _ask(
        self, watch: Watch, rows: Sequence[OpenRow] | None, account: Account | None
    ) -> PollFindings | UnchangedResponse:
        try:
            credentials = self._services.credentials_of(account) if account else Credentials(self._host)
            asker = AccountClient(self._services.onetime, credentials, self._breaker)
            entries = await asker.entries()
            answer = digest(entries)
            if before := self._memory.same(watch, answer, time.time()):
                return before
            if rows is None:
                rows = (await self._polls.open_rows([watch]))[watch.id]
            keys = KeyLookup(self._indexers, partial(self._keys_of, watch))
            looked = await poll(asker, keys, entries, rows, time.time(), PollOptions(watch.everything, watch.zone))
            return PollFindings(answer, rows, looked)
        finally:
            self._answered(asyncio.current_task())

    async def _keys_of(self, watch: Watch, rows: Sequence[OpenRow]) -> dict[str, MetadataKey]:
        """Of those that it is time to ask for one by one."""
        due = self._paced.due(watch, rows, time.time())
        return await self._polls.keys_of(watch, [row.id for row in due])

    # --- what it found

    async def _write(self, watch: Watch, found: PollFindings) -> None:
        looked = found.looked
        new = await self._new(watch, looked.others) if looked.others else []
        over = {change.tracked_id for change in looked.changes if change.state is not None}
        left = [row for row in found.rows if row.id not in over]
        made = [row.made_at for row in left] + [one.made_at.timestamp() for one in new]
        now = time.time()
        ends = [row.expires_at for row in left if row.expires_at is not None and row.expires_at > now]
        youngest, first = max(made, default=None), min(ends, default=None)
        soon = 0.0 if len(new) > MAX_NEW else self._next(watch, youngest, first, looked.errors)
        self._memory.forget(watch)
        if looked.changes or new:
            if not await self._polls.record_poll(watch, looked.changes, next_poll_in=soon, new=new[:MAX_NEW]):
                log.info("look_fenced")
            return
        if found.answer is not None:
            until = min(looked.still_until, now + MAX_AGE)
            self._memory.keep(UnchangedResponse(watch, found.answer, until, youngest, first))
        await self._shared.quiet.write(watch, soon)

    async def _new(self, watch: Watch, others: Sequence[NewTracked]) -> list[NewTracked]:
        wanted = set(await self._polls.untracked(watch, [one.key for one in others]))
        return [one for one in others if one.key in wanted]

    def _next(
        self, watch: Watch, youngest: float | None, ends: float | None, errors: Sequence[BotError] = ()
    ) -> float | None:
        """Seconds until the next look; None if there is nothing to look at.

        The youngest decides how often; the others need not be asked.
        """
        now = time.time()
        ages = [] if youngest is None else [now - youngest]
        soon = next_poll(ages, self._shared.every, [] if ends is None else [ends - now])
        if soon is None:
            return MAX_INTERVAL / 5 if watch.everything else None
        return min([soon, *map(_wait_after, errors)])

    # --- the end

    async def _finish(self) -> None:
        """What is quick ends by itself; what still waits for the host is given back, so that another may look."""
        await _wait_for(self._looks, FINISH)
        self._cut_off = []
        for task in self._asking.copy():
            task.cancel()
        await _wait_for(self._looks, WRITE)
        if self._cut_off:
            await self._polls.release(*self._cut_off)
            log.info("looks_given_back", count=len(self._cut_off))


async def _wait_for(tasks: set[asyncio.Task[None]], seconds: float) -> None:
    if tasks:
        await asyncio.wait(tasks.copy(), timeout=seconds)


def _wait_after(error: BotError) -> float:
    """Seconds to wait after it."""
    if isinstance(error, RateLimited):
        return error.retry_after or RATE_LIMITED
    return error.seconds if isinstance(error, circuit_breaker.CircuitOpen) else RETRY
