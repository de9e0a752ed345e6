"""Claims the accounts that are due, looks at each once, and writes down what changed. Any number may run.

A look that comes late is late, not doubled: the next one is counted from its end. What is being looked at is leased,
and only who holds the lease may write what was seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from bot import steps
from bot.errors import BotError, HostTrouble, NotAuthorized, RateLimited, Unsealable
from bot.feature import Services
from bot.logs import Log
from bot.storage.looks import Watch
from bot.storage.tracked import NewTracked, Tracked
from bot.watch.breaker import Hosts, Resting
from bot.watch.look import Looked, look
from bot.watch.schedule import SLOWEST, next_look

BATCH = 5  # accounts claimed at a time: small, since the front's writes wait for ours
LEASE = 60.0  # seconds; a look takes 10 a call at most
IDLE = 2.0  # seconds between looks into the table when nothing is due
RETRY = 30.0  # seconds after trouble
RATE_LIMITED = 120.0  # seconds, where the host does not say

log = Log("watch")


class Watcher:
    def __init__(self, services: Services, every: float) -> None:
        self._services = services
        self._every = every  # seconds: WATCH_EVERY
        self._hosts = Hosts()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Claim nothing more; what is being looked at ends."""
        self._stopping.set()

    async def run(self) -> None:
        """Until `stop`."""
        while not self._stopping.is_set():
            try:
                busy = await self.once()
            except BotError as error:
                log.warning("not_looked", error=str(error))
                busy = False
            if not busy:
                await _pause(self._stopping, IDLE)

    async def once(self) -> bool:
        """Look at what is due now; whether there was anything."""
        watches = await self._services.tracking.claim(BATCH, LEASE)
        if not watches:
            return False
        steps.at("watches_claimed")
        await asyncio.gather(*(self._guarded(watch) for watch in watches))
        return True

    async def _guarded(self, watch: Watch) -> None:
        """One bad account never stops the others."""
        try:
            await self._look(watch)
        except BotError as error:
            log.warning("look_failed", error=str(error))
        except Exception as error:  # noqa: BLE001 - counted and left for the lease to run out
            log.error("look_crashed", cause=error)

    async def _look(self, watch: Watch) -> None:
        services = self._services
        tracked = await services.tracking.open_of(watch)
        try:
            caller = await services.caller(watch.person, services.hosts.of(watch.host))
            async with self._hosts.of(watch.host).call():
                seen = await look(services.onetime, caller, tracked, datetime.now(UTC))
        except NotAuthorized:
            if await services.tracking.refused(watch):
                log.info("account_paused")
        except RateLimited as limited:
            await services.tracking.failed(watch, limited.retry_after or RATE_LIMITED)
        except Resting as resting:
            await services.tracking.failed(watch, resting.seconds)
        except (HostTrouble, Unsealable):
            await services.tracking.failed(watch, RETRY)
        else:
            steps.at("looked")
            await self._write(watch, tracked, seen)

    async def _write(self, watch: Watch, tracked: list[Tracked], seen: Looked) -> None:
        new = await self._new(watch, seen.others) if watch.everything else []
        over = {change.tracked_id for change in seen.changes if change.state is not None}
        now = datetime.now(UTC)
        left = [one for one in tracked if one.id not in over]
        ages = [(now - one.made_at).total_seconds() if one.made_at else 0.0 for one in left]
        ages += [0.0] * len(new)
        expires = [(one.expires_at - now).total_seconds() for one in left if one.expires_at]
        soon = next_look(ages, self._every, expires)
        if soon is None and watch.everything:
            soon = SLOWEST / 5
        kept = await self._services.tracking.settle_look(watch, seen.changes, next_look_in=soon, new=new)
        steps.at("look_written")
        if not kept:
            log.info("look_fenced")

    async def _new(self, watch: Watch, others: Sequence[NewTracked]) -> list[NewTracked]:
        wanted = set(await self._services.tracking.untracked(watch, [one.key for one in others]))
        return [one for one in others if one.key in wanted]


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return
