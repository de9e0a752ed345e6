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
from bot.storage.tracking.polls import OpenRow, Watch
from bot.storage.tracking.rows import NewTracked
from bot.watch import circuit_breaker
from bot.watch.batch_writer import BatchWriter
from bot.watch.key_budget import KeyBudget
from bot.watch.lease_renewer import LEASE, LeaseRenewer
from bot.watch.poll import AccountClient, KeyLookup, PollOptions, PollResult, poll
from bot.watch.schedule import MAX_INTERVAL, next_poll_in
from bot.watch.unchanged import MAX_AGE, UnchangedResponse, UnchangedResponseCache, digest_entries

MAX_WAITING = 192  # looks that wait for the host: at its gate (breaker.AT_ONCE), or for its answer
MAX_POLLS = 2 * MAX_WAITING  # with those that have it
CLAIM_BATCH = 48  # accounts claimed at a time: what a transaction costs is shared, and yet others write in between
IDLE_INTERVAL = 1.0  # seconds between looks into the table when nothing is due
SPREAD_TIME = (
    0.1  # seconds over which looks are begun when there are few: a few all the time are better than many at once
)
RETRY_DELAY = 30.0  # seconds after trouble
DEFAULT_RATE_LIMIT_DELAY = 120.0  # seconds, where the host does not say
MAX_NEW_PER_POLL = 100  # secrets that one look begins to track; the rest follows at once
FINISH_TIME = 3.0  # seconds that looks which are under way have at the end
WRITE_TIME = 2.0  # seconds more to write down what they found

log = Log("watch")


@dataclass(frozen=True, slots=True)
class PollerDependencies:
    """What the rounds have in common."""

    services: Services
    min_interval: float  # seconds: WATCH_EVERY
    lease_renewer: LeaseRenewer[Watch]
    batch_writer: BatchWriter


@dataclass(frozen=True, slots=True)
class PollFindings:
    """An account's list beside its rows."""

    digest: bytes | None  # `digest` of the list
    rows: Sequence[OpenRow]
    result: PollResult


class HostPoller:
    def __init__(self, shared: PollerDependencies, host: Host) -> None:
        self._shared = shared
        self._services = shared.services
        self._tracking = shared.services.tracking
        self._host = host
        self._breaker = circuit_breaker.CircuitBreaker()
        self._indexers = self._tracking.indexers(host.url)
        self._unchanged_responses = UnchangedResponseCache()
        self._key_budget = KeyBudget(shared.min_interval)
        self._loop = PeriodicTask(self._claim_some, IDLE_INTERVAL * random.uniform(0.9, 1.1), log, "claim_failed")  # noqa: S311 - spreads load
        self._polls: set[asyncio.Task[None]] = set()  # all that is under way
        self._waiting: set[asyncio.Task[None]] = set()  # those that wait for the host
        self._has_room = asyncio.Event()
        self._interrupted: list[Watch] | None = None  # None until looks are being cut off

    def stop(self) -> None:
        """Claim nothing more."""
        self._loop.stop()
        self._has_room.set()

    async def run(self) -> None:
        """Until `stop`; then what is under way has a few seconds, and the rest is given back."""
        await self._loop.run()
        await self._finish()

    async def run_once(self) -> bool:
        """Look at all that is due now; whether there was anything."""
        begun: list[asyncio.Task[None]] = []
        while len(some := await self._claim(CLAIM_BATCH)) == CLAIM_BATCH:
            begun += some
        begun += some
        await asyncio.gather(*begun)
        return bool(begun)

    # --- whose turn it is

    async def _claim_some(self) -> bool:
        """Begin some looks, if there is room for them; whether there may be more."""
        if self._breaker.is_tripped and (self._waiting or self._breaker.seconds_until_trial):
            return False
        most = 1 if self._breaker.is_tripped else CLAIM_BATCH
        while self._room < most and not self._loop.is_stopping:
            self._has_room.clear()
            await self._has_room.wait()
        return not self._loop.is_stopping and len(await self._claim(most)) > 0

    @property
    def _room(self) -> int:
        """For so many looks more. Those that have their answer wait for the database, and are not to pile up."""
        return min(MAX_WAITING - len(self._waiting), MAX_POLLS - len(self._polls))

    async def _claim(self, most: int) -> list[asyncio.Task[None]]:
        """Begin up to so many looks, one after the other: clicks get their turn in between."""
        claimed = await self._tracking.claim(most, LEASE, host=self._host.url)
        if not claimed:
            return []
        if self._loop.is_stopping:
            await self._tracking.release(*claimed)
            return []
        failpoint("watches_claimed")
        self._shared.lease_renewer.hold(claimed)
        try:
            now = time.time()
            rows = await self._tracking.open_rows(
                [one for one in claimed if not self._unchanged_responses.has(one, now)]
            )
            accounts = await self._services.accounts.of_watches([watch.id for watch in claimed])
        except BaseException:
            for watch in claimed:  # their leases run out
                self._shared.lease_renewer.forget(watch)
            raise
        begun = []
        for watch in claimed:
            begun.append(self._start_poll(watch, rows.get(watch.id), accounts.get(watch.id)))
            await asyncio.sleep(0 if len(claimed) == most else SPREAD_TIME / len(claimed))
        return begun

    # --- one look

    def _start_poll(self, watch: Watch, rows: Sequence[OpenRow] | None, account: Account | None) -> asyncio.Task[None]:
        task = asyncio.create_task(self._run_poll(watch, rows, account))
        self._polls.add(task)
        self._waiting.add(task)
        task.add_done_callback(self._forget_poll)
        return task

    def _forget_poll(self, task: asyncio.Task[None]) -> None:
        self._polls.discard(task)
        self._stop_waiting(task)

    def _stop_waiting(self, task: asyncio.Task[None] | None) -> None:
        self._waiting -= {task}
        if self._room >= CLAIM_BATCH:
            self._has_room.set()

    async def _run_poll(self, watch: Watch, rows: Sequence[OpenRow] | None, account: Account | None) -> None:
        """One bad account never stops the others. `rows` are None where the list may well say nothing new."""
        try:
            await self._poll_and_write(watch, rows, account)
        except BotError as error:
            log.warning("poll_failed", error=str(error))
        except Exception as error:  # noqa: BLE001 - counted and left for the lease to run out
            log.error("poll_crashed", cause=error)
        finally:
            self._shared.lease_renewer.forget(watch)

    async def _poll_and_write(self, watch: Watch, rows: Sequence[OpenRow] | None, account: Account | None) -> None:
        try:
            found = await self._poll_host(watch, rows, account)
        except NotAuthorized:
            if await self._tracking.record_refusal(watch):
                log.info("account_paused")
        except (OnetimeError, Unsealable) as error:
            await self._tracking.record_failure(watch, _retry_delay(error))
        except asyncio.CancelledError:
            if self._interrupted is None:
                raise
            self._interrupted.append(watch)
        else:
            failpoint("polled")
            if isinstance(found, UnchangedResponse):
                await self._shared.batch_writer.write(
                    watch, self._next_poll_in(watch, found.newest_made_at, found.first_expires_at)
                )
            else:
                await self._write_findings(watch, found)
            failpoint("poll_written")

    async def _poll_host(
        self, watch: Watch, rows: Sequence[OpenRow] | None, account: Account | None
    ) -> PollFindings | UnchangedResponse:
        try:
            credentials = self._services.credentials_of(account) if account else Credentials(self._host)
            asker = AccountClient(self._services.onetime, credentials, self._breaker)
            entries = await asker.fetch_entries()
            answer = digest_entries(entries)
            if before := self._unchanged_responses.find(watch, answer, time.time()):
                return before
            if rows is None:
                rows = (await self._tracking.open_rows([watch]))[watch.id]
            keys = KeyLookup(self._indexers, partial(self._consume_keys, watch))
            looked = await poll(asker, keys, entries, rows, time.time(), PollOptions(watch.everything, watch.zone))
            return PollFindings(answer, rows, looked)
        finally:
            self._stop_waiting(asyncio.current_task())

    async def _consume_keys(self, watch: Watch, rows: Sequence[OpenRow]) -> dict[str, MetadataKey]:
        """Of those that it is time to ask for one by one."""
        due = self._key_budget.consume(watch, rows, time.time())
        return await self._tracking.keys_of(watch, [row.id for row in due])

    # --- what it found

    async def _write_findings(self, watch: Watch, found: PollFindings) -> None:
        looked = found.result
        new = await self._find_new(watch, looked.untracked) if looked.untracked else []
        over = {change.tracked_id for change in looked.changes if change.state is not None}
        left = [row for row in found.rows if row.id not in over]
        made = [row.made_at for row in left] + [one.made_at.timestamp() for one in new]
        now = time.time()
        ends = [row.expires_at for row in left if row.expires_at is not None and row.expires_at > now]
        youngest, first = max(made, default=None), min(ends, default=None)
        soon = 0.0 if len(new) > MAX_NEW_PER_POLL else self._next_poll_in(watch, youngest, first, looked.errors)
        self._unchanged_responses.discard(watch)
        if looked.changes or new:
            if not await self._tracking.record_poll(
                watch, looked.changes, next_poll_in=soon, new=new[:MAX_NEW_PER_POLL]
            ):
                log.info("poll_fenced")
            return
        if found.digest is not None:
            until = min(looked.unchanged_until, now + MAX_AGE)
            self._unchanged_responses.store(UnchangedResponse(watch, found.digest, until, youngest, first))
        await self._shared.batch_writer.write(watch, soon)

    async def _find_new(self, watch: Watch, others: Sequence[NewTracked]) -> list[NewTracked]:
        wanted = set(await self._tracking.untracked(watch, [one.key for one in others]))
        return [one for one in others if one.key in wanted]

    def _next_poll_in(
        self, watch: Watch, youngest: float | None, ends: float | None, errors: Sequence[BotError] = ()
    ) -> float | None:
        """Seconds until the next look; None if there is nothing to look at.

        The youngest decides how often; the others need not be asked.
        """
        now = time.time()
        ages = [] if youngest is None else [now - youngest]
        soon = next_poll_in(ages, self._shared.min_interval, [] if ends is None else [ends - now])
        if soon is None:
            return MAX_INTERVAL / 5 if watch.everything else None
        return min([soon, *map(_retry_delay, errors)])

    # --- the end

    async def _finish(self) -> None:
        """What is quick ends by itself; what still waits for the host is given back, so that another may look."""
        await _wait_for(self._polls, FINISH_TIME)
        self._interrupted = []
        for task in self._waiting.copy():
            task.cancel()
        await _wait_for(self._polls, WRITE_TIME)
        if self._interrupted:
            await self._tracking.release(*self._interrupted)
            log.info("polls_released", count=len(self._interrupted))


async def _wait_for(tasks: set[asyncio.Task[None]], seconds: float) -> None:
    if tasks:
        await asyncio.wait(tasks.copy(), timeout=seconds)


def _retry_delay(error: BotError) -> float:
    """Seconds to wait after it."""
    if isinstance(error, RateLimited):
        return error.retry_after or DEFAULT_RATE_LIMIT_DELAY
    return error.retry_after if isinstance(error, circuit_breaker.CircuitOpen) else RETRY_DELAY
