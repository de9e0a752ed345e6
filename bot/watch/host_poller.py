"""Polls one host: claims the watches that are due, polls many at once, and writes down what each poll found.

A watch is all secrets of one person on one host. Every host has a poller of its own, so a host that is slow or broken
delays nobody's secrets on other hosts. What happens to one watch:

    due           its `next_poll_at` is over, and nobody has a lease on it
      │ claim             one transaction for up to CLAIM_BATCH watches: each gets a lease of LEASE seconds
      ▼
    waiting       for the host: the task is in `_tasks` and in `_waiting`, and the lease renewer renews its lease
      │ GET the list      through the circuit breaker: at most 96 calls at once, none while the circuit is open
      ├─ shutdown ──────────────────────▶ release          due at once, for any worker
      ├─ NotAuthorized ─────────────────▶ record_refusal   due in minutes; paused after the third time
      ├─ another error, circuit open ───▶ record_failure   due after `_retry_delay`
      ├─ the list of the last poll ─────▶ batch writer     due after `_next_poll_in`; no row is read
      ▼
    comparing     `poll` compares list and rows, and asks by key for rows that the list does not name;
      │           the key budget says which of these calls may be made now
      ├─ nothing new ───────────────────▶ batch writer     and the response goes into the unchanged-response cache
      ├─ changes, or new secrets ───────▶ record_poll      states, notifications and lease in one transaction
      ▼
    due later     or never (`next_poll_at` is NULL) when no secret is left that can still change

What must stay true:

- Every write on the right gives the lease back, and changes nothing if this process does not have the lease any more
  (the log says `poll_fenced`). So a watch that two workers poll by accident is still written once.
- This process keeps nothing that must not be lost. After a crash at any arrow the lease runs out and another worker
  polls again; the cache and the breaker start empty.
- A task leaves `_waiting` as soon as it has its answers. A shutdown cancels only tasks in `_waiting`: an answer that
  has arrived is written, because the host may not give the answer a second time.
- While the circuit is not closed, one watch at a time is claimed, and only when a trial call may be made.
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
from bot.storage.tracking.changes import Change
from bot.storage.tracking.polls import Polls
from bot.storage.tracking.rows import NewTracked, OpenRow, Watch
from bot.watch.batch_writer import BatchWriter
from bot.watch.circuit_breaker import CircuitBreaker, CircuitOpen
from bot.watch.due_hosts import DueHosts
from bot.watch.key_budget import KeyBudget
from bot.watch.lease_renewer import LEASE, LeaseRenewer
from bot.watch.poll import AccountClient, KeyLookup, PollOptions, PollResult, poll
from bot.watch.schedule import MAX_INTERVAL, next_poll_in
from bot.watch.unchanged import MAX_AGE, UnchangedResponse, UnchangedResponseCache, digest_entries

MAX_WAITING = 192  # polls that wait for the host: for a free place in the circuit breaker, or for the answer
MAX_POLLS = 2 * MAX_WAITING  # polls in all, with those that have their answer and wait for the database
CLAIM_BATCH = 48  # watches claimed in one transaction: fewer cost more, and more keep other writers waiting
IDLE_INTERVAL = 1.0  # seconds between two claims when nothing is due
SPREAD_TIME = 0.1  # seconds over which few polls are started: a steady stream is easier on the host than a burst
RETRY_DELAY = 30.0  # seconds until the next poll after an error
DEFAULT_RATE_LIMIT_DELAY = 120.0  # seconds until the next poll after a 429 that does not say how long to wait
EMPTY_ACCOUNT_INTERVAL = MAX_INTERVAL / 5  # seconds between polls of an account with nothing in it yet
MAX_NEW_PER_POLL = 100  # secrets that one poll begins to track; the next poll follows at once and takes the rest
FINISH_TIME = 3.0  # seconds at shutdown for polls that are under way
WRITE_TIME = 2.0  # seconds at shutdown, after FINISH_TIME, to write what polls found

log = Log("watch")


@dataclass(frozen=True, slots=True)
class PollerDependencies:
    """What the pollers of all hosts share."""

    services: Services
    polls: Polls
    min_interval: float  # seconds: WATCH_EVERY
    lease_renewer: LeaseRenewer[Watch]
    batch_writer: BatchWriter
    due_hosts: DueHosts


@dataclass(frozen=True, slots=True)
class PollFindings:
    """What a poll found in a list that differs from the list of the last poll."""

    asked_at: float  # epoch seconds: before the host was asked; what expired since then may not be in the answer
    digest: bytes | None  # of the list: `digest_entries`
    rows: Sequence[OpenRow]  # the rows that the list was compared with
    result: PollResult


class HostPoller:
    """Polls all watches of one host until `stop`. The docstring of this module draws the states of a watch."""

    def __init__(self, shared: PollerDependencies, host: Host) -> None:
        self._shared = shared
        self._services = shared.services
        self._polls = shared.polls
        self._host = host
        self._breaker = CircuitBreaker()
        self._indexers = self._polls.indexers(host.url)
        self._unchanged_responses = UnchangedResponseCache()
        self._key_budget = KeyBudget(shared.polls.key_calls, shared.min_interval)
        pause = IDLE_INTERVAL * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load, hides nothing
        self._loop = PeriodicTask(self._claim_some, pause, log, "claim_failed")
        self._tasks: set[asyncio.Task[None]] = set()  # every poll that is under way
        self._waiting: set[asyncio.Task[None]] = set()  # those of `_tasks` that wait for the host
        self._has_room = asyncio.Event()
        self._interrupted: list[Watch] | None = None  # watches whose polls the shutdown cancelled; None before it

    def stop(self) -> None:
        """Claim no more watches. `run` returns when the polls under way have ended."""
        self._loop.stop()
        self._has_room.set()

    async def run(self) -> None:
        """Poll until `stop`, then give polls under way FINISH_TIME and WRITE_TIME, and release the other watches."""
        await self._loop.run()
        await self._finish()

    async def run_once(self) -> bool:
        """Poll every watch that is due now, and wait for all of them. Returns whether any was due."""
        started: list[asyncio.Task[None]] = []
        while len(some := await self._claim(CLAIM_BATCH)) == CLAIM_BATCH:
            started += some
        started += some
        await asyncio.gather(*started)
        return bool(started)

    # --- claiming

    async def _claim_some(self) -> bool:
        """Wait for room, then claim watches and start their polls. Returns whether more watches may be due."""
        if self._breaker.is_tripped and (self._waiting or self._breaker.seconds_until_trial):
            return False
        if not await self._shared.due_hosts.include(self._host.url):
            return False
        limit = 1 if self._breaker.is_tripped else CLAIM_BATCH
        while self._room < limit and not self._loop.is_stopping:
            self._has_room.clear()
            await self._has_room.wait()
        return not self._loop.is_stopping and len(await self._claim(limit)) > 0

    @property
    def _room(self) -> int:
        """How many more polls may be started. Polls that wait for the database count too: they must not pile up."""
        return min(MAX_WAITING - len(self._waiting), MAX_POLLS - len(self._tasks))

    async def _claim(self, limit: int) -> list[asyncio.Task[None]]:
        """Claim up to `limit` watches and start a poll of each, a moment apart, so that people's clicks get a turn."""
        claimed = await self._polls.claim(limit, LEASE, host=self._host.url)
        if not claimed:
            return []
        if self._loop.is_stopping:
            await self._polls.release(*claimed)
            return []
        failpoint("watches_claimed")
        self._shared.lease_renewer.hold(claimed)
        try:
            now = time.time()
            uncached = [watch for watch in claimed if not self._unchanged_responses.has(watch, now)]
            rows = await self._polls.open_rows(uncached)
            accounts = await self._services.accounts.of_watches([watch.id for watch in claimed])
        except BaseException:
            for watch in claimed:  # the leases run out, and the watches are claimed again
                self._shared.lease_renewer.forget(watch)
            raise
        started = []
        for watch in claimed:
            started.append(self._start_poll(watch, rows.get(watch.id), accounts.get(watch.id)))
            await asyncio.sleep(0 if len(claimed) == limit else SPREAD_TIME / len(claimed))
        return started

    # --- one poll

    def _start_poll(self, watch: Watch, rows: Sequence[OpenRow] | None, account: Account | None) -> asyncio.Task[None]:
        """Poll the watch in a task. `rows` is None if the list is expected to be the same as at the last poll."""
        task = asyncio.create_task(self._run_poll(watch, rows, account))
        self._tasks.add(task)
        self._waiting.add(task)
        task.add_done_callback(self._forget_task)
        return task

    def _forget_task(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._end_waiting(task)

    def _end_waiting(self, task: asyncio.Task[None] | None) -> None:
        self._waiting -= {task}
        if self._room >= CLAIM_BATCH:
            self._has_room.set()

    async def _run_poll(self, watch: Watch, rows: Sequence[OpenRow] | None, account: Account | None) -> None:
        """Poll and write, and log any error: an error of one account never stops the polls of others."""
        try:
            await self._poll_and_write(watch, rows, account)
        except BotError as error:
            log.warning("poll_failed", error=str(error))
        except Exception as error:  # noqa: BLE001 - logged; the lease runs out and the watch is polled again
            log.error("poll_crashed", cause=error)
        finally:
            self._shared.lease_renewer.forget(watch)

    async def _poll_and_write(self, watch: Watch, rows: Sequence[OpenRow] | None, account: Account | None) -> None:
        try:
            found = await self._poll_host(watch, rows, account)
        except NotAuthorized:
            if await self._polls.record_refusal(watch):
                log.info("account_paused")
        except (OnetimeError, Unsealable) as error:
            await self._polls.record_failure(watch, _retry_delay(error))
        except asyncio.CancelledError:
            if self._interrupted is None:
                raise
            self._interrupted.append(watch)
        else:
            failpoint("polled")
            if isinstance(found, UnchangedResponse):
                delay = self._next_poll_in(watch, found.newest_made_at, found.first_expires_at)
                await self._shared.batch_writer.write(watch, delay)
            else:
                await self._write_findings(watch, found)
            failpoint("poll_written")

    async def _poll_host(
        self, watch: Watch, rows: Sequence[OpenRow] | None, account: Account | None
    ) -> PollFindings | UnchangedResponse:
        """Ask the host. Raises what `poll` raises, and `Unsealable` for credentials that cannot be decrypted."""
        try:
            credentials = self._services.credentials_of(account) if account else Credentials(self._host)
            client = AccountClient(self._services.onetime, credentials, self._breaker)
            asked_at = time.time()
            entries = await client.fetch_entries()
            digest = digest_entries(entries)
            if unchanged := self._unchanged_responses.find(watch, digest, time.time()):
                return unchanged
            if rows is None:
                rows = (await self._polls.open_rows([watch]))[watch.id]
            keys = KeyLookup(self._indexers, partial(self._find_keys_in_budget, watch))
            options = PollOptions(watch.everything, watch.everything_since, watch.zone)
            result = await poll(client, keys, entries, rows, time.time(), options)
            return PollFindings(asked_at, digest, rows, result)
        finally:
            self._end_waiting(asyncio.current_task())

    async def _find_keys_in_budget(self, watch: Watch, rows: Sequence[OpenRow]) -> dict[str, MetadataKey]:
        """The keys, by row id, of the rows that may be asked for by key now."""
        due = await self._key_budget.consume(watch, rows)
        return await self._polls.keys_of(watch, [row.id for row in due])

    # --- writing what a poll found

    async def _write_findings(self, watch: Watch, found: PollFindings) -> None:
        """Write changes and new secrets, or remember that there were none. Raises `StorageUnavailable`."""
        result = found.result
        new = await self._find_new(watch, result.untracked) if result.untracked else []
        over = {change.tracked_id for change in result.changes if change.state is not None}
        still_open = [row for row in found.rows if row.id not in over]
        now = time.time()
        made_at = [row.made_at for row in still_open] + [one.made_at.timestamp() for one in new]
        expires_at = [one for row in still_open if (one := row.expires_at) is not None and one > found.asked_at]
        newest_made_at, first_expires_at = max(made_at, default=None), min(expires_at, default=None)
        delay = self._next_poll_in(watch, newest_made_at, first_expires_at, result.errors)
        self._unchanged_responses.discard(watch)
        if result.changes or new:
            some = new[:MAX_NEW_PER_POLL]
            delay = 0.0 if len(new) > len(some) else delay
            if not await self._polls.record_poll(watch, result.changes, next_poll_in=delay, new=some):
                log.info("poll_fenced")
            else:
                self._note(watch, result.changes)
            return
        if found.digest is not None:
            valid_until = min(result.unchanged_until, now + MAX_AGE)
            response = UnchangedResponse(watch, found.digest, valid_until, newest_made_at, first_expires_at)
            self._unchanged_responses.store(response)
        await self._shared.batch_writer.write(watch, delay)

    def _note(self, watch: Watch, changes: Sequence[Change]) -> None:
        """Note in the audit which secrets are received, burned or expired."""
        for change in changes:
            if change.state is not None:
                self._services.audit.note(watch.person, "seen", change.state, ref=change.tracked_id)

    async def _find_new(self, watch: Watch, untracked: Sequence[NewTracked]) -> list[NewTracked]:
        """Those `untracked` secrets that have no row, and that the person did not choose to ignore."""
        new = set(await self._polls.untracked(watch, [one.key for one in untracked]))
        return [one for one in untracked if one.key in new]

    def _next_poll_in(
        self,
        watch: Watch,
        newest_made_at: float | None,
        first_expires_at: float | None,
        errors: Sequence[BotError] = (),
    ) -> float | None:
        """Seconds until the next poll; None if no secret is left to poll for. Times are seconds since the epoch.

        The newest secret alone decides: a list answers for the older ones too. `first_expires_at` may be over: a secret
        that expired during the poll is polled for again at once.
        """
        now = time.time()
        ages = [] if newest_made_at is None else [now - newest_made_at]
        expires_in = [] if first_expires_at is None else [max(first_expires_at - now, 0.0)]
        delay = next_poll_in(ages, self._shared.min_interval, expires_in)
        if delay is None:
            return EMPTY_ACCOUNT_INTERVAL if watch.everything else None
        return min([delay, *map(_retry_delay, errors)])

    # --- shutdown

    async def _finish(self) -> None:
        """Wait for polls that end by themselves, then cancel those that still wait for the host, and release them."""
        await _wait_for(self._tasks, FINISH_TIME)
        self._interrupted = []
        for task in self._waiting.copy():
            task.cancel()
        await _wait_for(self._tasks, WRITE_TIME)
        if self._interrupted:
            await self._polls.release(*self._interrupted)
            log.info("polls_released", count=len(self._interrupted))


async def _wait_for(tasks: set[asyncio.Task[None]], seconds: float) -> None:
    if tasks:
        await asyncio.wait(tasks.copy(), timeout=seconds)


def _retry_delay(error: BotError) -> float:
    """Seconds to wait after the error before the next poll."""
    if isinstance(error, RateLimited):
        return error.retry_after or DEFAULT_RATE_LIMIT_DELAY
    return error.retry_after if isinstance(error, CircuitOpen) else RETRY_DELAY
