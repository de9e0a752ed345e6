"""The row of one act while it is carried out. An error of the database never stops the act."""

from __future__ import annotations

import asyncio

from bot.errors import StorageUnavailable
from bot.interaction.feature import Kind
from bot.logs import Log
from bot.slack.payloads import Incoming
from bot.storage.acts import MAX_TEXT, Act, Acts, ActWindow, act_key
from bot.storage.tables import is_id

WITHIN = 0.5  # seconds; Slack waits for the answer to a form, and a trigger lives 3 seconds

log = Log("acts")


class ActRecord:
    def __init__(self, acts: Acts, incoming: Incoming, name: str) -> None:
        self._acts = acts
        self._act = _read_act(incoming, name)
        self._beginning: asyncio.Task[bool] | None = None

    async def begin(self, *, at_once: bool) -> bool:
        """Whether to carry out the act. False if it was carried out, or is under way, here or in another process.

        With `at_once` the answer is not waited for: the act opens a window, which a second delivery cannot do.
        """
        self._beginning = asyncio.create_task(self._acts.begin(self._act))
        if at_once or not await self._is_done(self._beginning):
            return True
        try:
            return self._beginning.result()
        except StorageUnavailable as error:
            log.warning("act_not_recorded", error=str(error))
            return True

    async def note(self, window: ActWindow, view_id: str | None = None) -> None:
        """Record what the window shows from now on, and its id if the act opened it. Takes `WITHIN` seconds at most."""
        await self._is_done(asyncio.create_task(self._mark(window, _short(view_id))))

    async def end(self) -> None:
        """The work is over, and the person has an answer."""
        try:
            if await self._has_begun():
                await self._acts.end(self._act.key)
        except StorageUnavailable as error:
            log.warning("act_not_recorded", error=str(error))
        finally:
            self._acts.leave(self._act.key)

    async def leave(self, view_id: str | None) -> None:
        """The work is over without an answer: recovery answers, in this window if that shows a placeholder."""
        if view_id is not None:
            await self._mark("placeholder", _short(view_id))
        else:
            await self._has_begun()
        self._acts.leave(self._act.key)

    async def leave_window(self, view_id: str) -> None:
        """The person has an answer, but not in this window, which shows a placeholder: recovery takes that away."""
        await self._mark("answered", _short(view_id))
        self._acts.leave(self._act.key)

    async def _mark(self, window: ActWindow, view_id: str | None) -> None:
        if not await self._has_begun():
            return
        try:
            await self._acts.mark_window(self._act.key, window, view_id)
        except StorageUnavailable as error:
            log.warning("act_not_recorded", error=str(error))

    async def _has_begun(self) -> bool:
        """Wait for the row. False if the database did not take it."""
        try:
            if self._beginning is not None:
                await self._beginning
        except StorageUnavailable as error:
            log.warning("act_not_recorded", error=str(error))
            return False
        return True

    @staticmethod
    async def _is_done(task: asyncio.Task[bool] | asyncio.Task[None]) -> bool:
        done, _ = await asyncio.wait({task}, timeout=WITHIN)
        return bool(done)


def _read_act(incoming: Incoming, name: str) -> Act:
    return Act(
        key=act_key(incoming.idempotency_key),
        person=incoming.person,
        install_team=incoming.install_team,
        kind=incoming.kind.value,
        name=name,
        ref=incoming.ref if is_id(incoming.ref) else None,
        view_id=_short(incoming.view_id),
        is_event=incoming.kind in (Kind.EVENT, Kind.FUNCTION),
    )


def _short(text: str | None) -> str | None:
    """The text, unless it is longer than any that Slack sends."""
    return text if text is None or len(text) <= MAX_TEXT else None
