"""Finishes work that a crash interrupted, at the start and every minute. Each feature has its own recovery.

Each message has a bounded number of tries, and a refusal of our token ends the calls of a round: see
bot/interaction/bounded_calls.py. After the recoveries, each act that got no answer gets one: its window shows what is
known, or a direct message says it. The process may have died, or Slack took no answer. Last, what no feature owns is
purged.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial

from bot.errors import BotError, SlackError
from bot.interaction.bounded_calls import bound_calls
from bot.interaction.feature import WITHOUT_VERB, Kind, Recover, Resume, Resumption
from bot.interaction.services import Services
from bot.logs import Log
from bot.periodic import PeriodicTask
from bot.screen.parts import APP_NAME, NO_FORM, Message, Modal, Text
from bot.screen.pieces import Code, Mark, Sentences, say
from bot.status.patient_send import send_in_some_words
from bot.status.words import WARNING_SIGN
from bot.storage.acts import Act

INTERVAL = 60.0  # seconds between two rounds of all recoveries
STOP_TIME = 2.0  # seconds
UNANSWERED = 180.0  # seconds without an answer; the longest act takes less

ANSWERED_ELSEWHERE = say("Slack did not take the answer for this window. It came as a message.")

log = Log("recovery")


class Recovery:
    """Runs the recoveries one after the other. An error of one is logged, and the others still run."""

    def __init__(
        self, recoveries: Sequence[Recover], services: Services, resumes: Mapping[tuple[Kind, str], Resume]
    ) -> None:
        answer = partial(answer_acts, resumes)
        self._recoveries: list[Recover] = [*recoveries, answer, purge_limits, purge_button_contexts]
        self._services = services
        self._started = time.monotonic()
        self._alone = False
        self._loop = PeriodicTask(self.run_once, INTERVAL, log, "recovery_failed")
        self._task: asyncio.Task[None] | None = None

    def start(self, *, alone: bool) -> None:
        """Begin. `alone` means that no other process works on this database (SQLite).

        Then all unfinished work of earlier processes is interrupted work, and the first round does not wait for leases.
        """
        self._alone = alone
        self._task = asyncio.create_task(self._loop.run())

    async def stop(self) -> None:
        """Wait up to STOP_TIME for a round that is under way: a cancelled database call may have had its effect."""
        self._loop.stop()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=STOP_TIME)
            self._task.cancel()

    async def run_once(self) -> bool:
        """One round of all recoveries. Returns False: the next one waits for INTERVAL."""
        alone, self._alone = self._alone, False
        services = bound_calls(self._services)
        for recover in self._recoveries:
            await self._recover_guarded(recover, services, time.monotonic() - self._started if alone else None)
        return False

    async def _recover_guarded(self, recover: Recover, services: Services, alone_for: float | None) -> None:
        try:
            await recover(services, alone_for)
        except BotError as error:
            log.warning("recovery_failed", error=str(error))
        except Exception as error:  # noqa: BLE001 - the others go on
            log.error("recovery_failed", cause=error)


async def answer_acts(
    resumes: Mapping[tuple[Kind, str], Resume], services: Services, alone_for: float | None = None
) -> None:
    """Answer the acts that got no answer. Raises `StorageUnavailable`."""
    for act in await services.acts.unanswered(UNANSWERED if alone_for is None else alone_for):
        try:
            resume = resumes.get((Kind(act.kind), act.name))
            if act.kind == Kind.CLOSED or await _has_gone_on(services, act) or await _answer(services, act, resume):
                await services.acts.end(act.key)
        except BotError as error:
            log.warning("act_not_answered", error=str(error))
    await services.acts.purge()
    await services.message_failures.purge()
    await services.outdated_messages.purge()


async def purge_limits(services: Services, _alone_for: float | None = None) -> None:
    """Delete uses that are too old to count. Raises `StorageUnavailable`."""
    await services.limits.purge()


async def purge_button_contexts(services: Services, _alone_for: float | None = None) -> None:
    """Delete what expired buttons were about. Raises `StorageUnavailable`."""
    await services.button_contexts.purge()


async def _has_gone_on(services: Services, act: Act) -> bool:
    """Whether the person went on in the window of this act. So its answer was there, although it was not recorded.

    What they typed there since, or the secret that it shows, must not be covered.
    """
    if act.view_id is None:
        return False
    goes_on = {Kind.COMMAND: {Kind.FORM, Kind.ACTION}, Kind.ACTION: {Kind.FORM}}.get(Kind(act.kind), set())
    return any(one.window == "secret" or one.kind in goes_on for one in await services.acts.later_in_window(act))


async def _answer(services: Services, act: Act, resume: Resume | None) -> bool:
    """Whether the person has the answer now, or never can have it. False: try again in a minute."""
    shown = await resume(services, act) if resume else _usual(act)
    if act.window == "answered":
        shown = Resumption((shown.window if resume else None) or _elsewhere_window())
    try:
        if shown.window is not None and act.view_id is not None and act.window != "secret":
            try:
                await services.update_window(act.install_team, act.view_id, shown.window, act.person)
            except SlackError as error:
                if not error.is_permanent:
                    raise
            else:
                return True
        if shown.message is not None:
            await send_in_some_words(services, act.person, shown.message, f"act:{act.key}")
    except SlackError as error:
        log.warning("act_not_answered", error=str(error))
        return error.is_permanent
    return True


def _elsewhere_window() -> Modal:
    return Modal(NO_FORM, APP_NAME, (Text.of(ANSWERED_ELSEWHERE),))


def _usual(act: Act) -> Resumption:
    """A window that shows a placeholder is replaced. Other windows stay: they may hold what the person typed."""
    why = say("The app was restarted, or Slack did not take the answer.")
    check = say("It may or may not have worked. Please check, and try again.")
    got_none = say("What you pressed or sent got no answer.")
    if act.kind == Kind.COMMAND and act.name not in WITHOUT_VERB:
        got_none = say("{command} got no answer.", command=Code(Mark(f"/ots {act.name}")))
    said = Sentences.of(got_none, why, check)
    warning = Text.of(WARNING_SIGN, said)
    window = Modal(NO_FORM, APP_NAME, (warning,)) if act.window else None
    return Resumption(window, Message.of(said, warning))
