"""Cards that wait to be attached to links, at the pace of Slack's chat.unfurl, in one queue for each workspace.

Slack takes 50 of these calls a minute in a workspace. All processes together keep to that: each spreads its own calls,
and the calls of all are counted in the database. When more links are posted than that, the newest get their cards
first: whoever posted one now still looks at it. What has waited for MAX_WAIT is dropped, and the log counts it.

Source: docs.slack.dev, chat.unfurl (tier 3) and rate limits.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

from bot.errors import BotError, SlackError
from bot.logs import CountedWarning, Log

MAX_CALLS = 50  # in any PERIOD
PERIOD = 61.0  # seconds: a minute of Slack's, and what two calls may differ in on their way
BURST = 10  # calls at once
INTERVAL = PERIOD / MAX_CALLS  # seconds until one more call after the burst
MAX_WAIT = 60.0  # seconds from the event to the card
AGAIN = 2.0  # seconds until the next call after one that Slack did not take

log = Log("cards")


class CallPace:
    """When the next call is due. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: deque[float] = deque(maxlen=MAX_CALLS)  # when the last ones were
        self._tokens = float(BURST)
        self._refilled_at = clock()
        self._paused_until = 0.0

    def count(self) -> None:
        """A call is made now."""
        self._refill()
        self._tokens -= 1
        self._calls.append(self._clock())

    def pause(self, seconds: float) -> None:
        """Slack takes no call for so long."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    def seconds_until_due(self) -> float:
        """0 if a call may be made now."""
        self._refill()
        at = self._clock()
        waits = [self._paused_until - at, (1 - self._tokens) * INTERVAL]
        if len(self._calls) == MAX_CALLS:
            waits.append(self._calls[0] + PERIOD - at)
        return max(0.0, *waits)

    def _refill(self) -> None:
        at = self._clock()
        self._tokens = min(float(BURST), self._tokens + (at - self._refilled_at) / INTERVAL)
        self._refilled_at = at


class _Waiting(NamedTuple):
    since: float  # seconds of the clock
    post: Callable[[], Awaitable[None]]


async def _alone() -> float:
    return 0.0


async def _alone_in(_team_id: str) -> float:
    return 0.0


class CardQueues:
    """A queue for each workspace: one that is slow or limited delays no other.

    `count_for_all` counts a call in a workspace over all processes. It returns the seconds to wait if there were too
    many, else 0.
    """

    def __init__(
        self,
        *,
        count_for_all: Callable[[str], Awaitable[float]] = _alone_in,
        note_dropped: Callable[[], None] = lambda: None,
    ) -> None:
        self._count_for_all = count_for_all
        self._note_dropped = note_dropped
        self._queues: dict[str, CardQueue] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()

    def put(self, team_id: str, post: Callable[[], Awaitable[None]]) -> None:
        """As `CardQueue.put`, for a message in this workspace. Called inside a running loop."""
        self._of(team_id).put(post)

    async def may_call(self, team_id: str) -> bool:
        """As `CardQueue.may_call`. Raises `StorageUnavailable`."""
        return await self._of(team_id).may_call()

    async def run(self) -> None:
        """Wait until `stop`, and until the calls that are under way have ended."""
        await self._stopped.wait()
        if self._running:
            await asyncio.wait(self._running)

    def stop(self) -> None:
        for queue in self._queues.values():
            queue.stop()
        self._stopped.set()

    def _of(self, team_id: str) -> CardQueue:
        if team_id not in self._queues:
            queue = self._queues[team_id] = CardQueue(
                count_for_all=partial(self._count_for_all, team_id), note_dropped=self._note_dropped
            )
            task = asyncio.create_task(queue.run())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return self._queues[team_id]


class CardQueue:
    """`run` makes the calls of what was `put`, until `stop`. What still waits then is dropped.

    `count_for_all` counts a call over all processes. It returns the seconds to wait if there were too many, else 0.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        count_for_all: Callable[[], Awaitable[float]] = _alone,
        note_dropped: Callable[[], None] = lambda: None,
    ) -> None:
        self._note_dropped = note_dropped
        self._pace = CallPace(clock)
        self._count_for_all = count_for_all
        self._clock = clock
        self._waiting: deque[_Waiting] = deque()  # the newest last
        self._changed = asyncio.Event()
        self._stopping = False
        self._posting: set[asyncio.Task[None]] = set()
        self._dropped = CountedWarning(log, "cards_dropped", f"waited {MAX_WAIT:.0f} s")

    def put(self, post: Callable[[], Awaitable[None]]) -> None:
        """Let `post` make its one call when it is due. If it raises `SlackError`, it is called again."""
        self._drop_old()
        self._waiting.append(_Waiting(self._clock(), post))
        self._changed.set()

    async def may_call(self) -> bool:
        """Count a call beside the queue. False if it has to wait for a later time. Raises `StorageUnavailable`."""
        self._pace.count()
        return await self._count_for_all() <= 0

    async def run(self) -> None:
        while not self._stopping:
            self._drop_old()
            wait = self._pace.seconds_until_due() if self._waiting else None
            if wait == 0.0:
                self._start(self._waiting.pop())
                continue
            self._changed.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue
        if self._posting:
            await asyncio.wait(self._posting)

    def stop(self) -> None:
        self._stopping = True
        self._changed.set()

    def _drop_old(self) -> None:
        while self._waiting and self._clock() - self._waiting[0].since > MAX_WAIT:
            self._waiting.popleft()
            self._dropped.add()
            self._note_dropped()

    def _start(self, one: _Waiting) -> None:
        self._pace.count()
        task = asyncio.create_task(self._post(one))
        self._posting.add(task)
        task.add_done_callback(self._posting.discard)

    async def _post(self, one: _Waiting) -> None:
        try:
            if (wait := await self._count_for_all()) > 0:
                self._pace.pause(wait)
                self._requeue(one)
            else:
                await one.post()
        except SlackError as error:
            log.info("card_waits", error=str(error))
            self._pace.pause(error.retry_after or AGAIN)
            self._requeue(one)
        except BotError as error:
            log.warning("card_not_posted", error=str(error))
        except Exception as error:  # noqa: BLE001 - the other cards go on
            log.error("card_not_posted", cause=error)

    def _requeue(self, one: _Waiting) -> None:
        """Where it was among the others, by its age."""
        younger: list[_Waiting] = []
        while self._waiting and self._waiting[-1].since > one.since:
            younger.append(self._waiting.pop())
        self._waiting.append(one)
        self._waiting.extend(reversed(younger))
        self._changed.set()
