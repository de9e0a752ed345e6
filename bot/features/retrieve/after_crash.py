"""What is done for people whose opening was interrupted: at the start, and every minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from bot import steps
from bot.errors import BotError, SlackTrouble
from bot.feature import Services
from bot.features.retrieve import screens
from bot.logs import Log
from bot.loop import Loop
from bot.onetime.links import Host
from bot.person import Person
from bot.screen.parts import Message
from bot.storage.reveals import Reveal

Tell = Callable[[Person, Message, str], Awaitable[object]]  # the last is a key: told twice with it, it is said once

EVERY = 60.0  # seconds
STRANDED = 150.0  # seconds; an opening takes 20 at most, and showing it is tried for 60
UNSEEN = 150.0  # seconds, likewise

log = Log("after_crash")


class Tidier:
    """Runs `look_after` at the start and every minute."""

    def __init__(self, services: Services, tell: Tell) -> None:
        self._services = services
        self._tell = tell
        self._alone = False
        self._started = time.monotonic()
        self._loop = Loop(self._step, EVERY, log, "not_tidied")
        self._task: asyncio.Task[None] | None = None

    def start(self, *, alone: bool) -> None:
        """`alone`: no other process can be opening anything (SQLite), so what is older than this one was left."""
        self._alone = alone
        self._task = asyncio.create_task(self._loop.run())

    async def stop(self) -> None:
        """Let a round that is under way end: a database call that is cancelled may not say so."""
        self._loop.stop()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=2)
            self._task.cancel()

    async def _step(self) -> bool:
        alone, self._alone = self._alone, False
        age = time.monotonic() - self._started if alone else None
        await look_after(self._services, self._tell, alone_for=age)
        return False


async def look_after(services: Services, tell: Tell, *, alone_for: float | None = None) -> None:
    """Report openings that were cut off, offer what is held and was not seen, and wipe what is over.

    `alone_for`: for so many seconds nobody else can have been opening anything, so what is older is not waited for.
    Telling comes before marking: a crash in between tells again, with the same key, instead of never.
    """
    reveals = services.reveals
    stranded_for = STRANDED if alone_for is None else alone_for
    await reveals.put_back(stranded_for)
    for reveal in await reveals.stranded(stranded_for):
        message = screens.dm_may_be_opened(reveal.id, Host(reveal.host).name)
        again = ":again" if reveal.unsure else ""
        if await _told(tell, reveal.person, message, f"{reveal.id}:stranded{again}"):
            steps.at("reported")
            await reveals.mark_unsure(reveal.id)
            log.warning("reveal_loss_reported", ref=reveal.id)
    for reveal in await reveals.unseen(UNSEEN if alone_for is None else alone_for):
        if await _told(tell, reveal.person, _what_became_of(reveal), f"{reveal.id}:unseen:{reveal.has_escrow}"):
            steps.at("reported")
            await reveals.told(reveal.id)
    await reveals.purge()
    await services.handles.purge()


def _what_became_of(reveal: Reveal) -> Message:
    if reveal.has_escrow:
        return screens.dm_show_again(reveal.id, reveal.escrow_expires_at)
    log.warning("reveal_loss_reported", ref=reveal.id)
    return screens.dm_expired(Host(reveal.host).name)


async def _told(tell: Tell, person: Person, message: Message, once: str) -> bool:
    """Whether the message arrived or never can. False: Slack is in trouble, try again in a minute."""
    try:
        await tell(person, message, once)
    except SlackTrouble as error:
        log.warning("not_told", error=str(error))
        return error.is_final
    except BotError as error:
        log.warning("not_told", error=str(error))
        return False
    return True
