"""The calls to Slack of one round of recovery: each message has a bounded number of tries, as a notification has.

    recipient    given up at once
    message      given up at once; the caller may say it in simpler words
    unknown      MAX_REFUSALS tries, then given up
    now          MAX_TRIES tries, about a day, then given up
    workspace    no further call to that workspace in this round, and no try is counted

A limited rate, too, ends the calls of that kind to that workspace for this round. What is given up is a dead letter: it
is logged as a warning, counted, and not tried again unless an operator says so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from bot.errors import GivenUp, SlackError
from bot.interaction.services import Services
from bot.logs import Log
from bot.message_ref import ChannelRef, MessageRef
from bot.person import Person
from bot.screen.parts import Message, Modal
from bot.screen.pieces import Piece
from bot.secret import Secret
from bot.storage.message_failures import NO_FAILURE

NOBODY = "-"  # in the place of a workspace's id: the organisation's install
MAX_REFUSALS = 5  # answers with a code that the bot does not know
MAX_TRIES = 1440  # rounds, of which there is one a minute

CallT = TypeVar("CallT")

log = Log("recovery")


def bound_calls(services: Services) -> Services:
    """The services for one round of recovery. Their calls to Slack raise `StorageUnavailable` too."""
    calls = _BoundedCalls(services)
    return replace(
        services,
        send=calls.send,
        update=calls.update,
        delete=calls.delete,
        unfurl=calls.unfurl,
        update_window=calls.update_window,
        complete_step=calls.complete_step,
        fail_step=calls.fail_step,
    )


class _BoundedCalls:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._refused: dict[str, SlackError] = {}  # by workspace
        self._limited: dict[tuple[str, str], SlackError] = {}  # by workspace and kind of call
        self._counted: set[str] = set()  # a caller may try a message several times in one round

    async def send(self, to: Person | ChannelRef, message: Message, idempotency_key: str) -> MessageRef:
        recipient = to if isinstance(to, Person) else Person(None, to.team_id, to.channel)
        return await self._call(
            "send", idempotency_key, recipient, lambda: self._services.send(to, message, idempotency_key)
        )

    async def update(self, posted: MessageRef, message: Message, reader: Person) -> None:
        await self._change("update", posted, lambda: self._services.update(posted, message, reader))

    async def delete(self, posted: MessageRef) -> None:
        await self._change("delete", posted, lambda: self._services.delete(posted))

    async def unfurl(self, posted: MessageRef, cards: Mapping[Secret, Message], reader: Person) -> None:
        await self._change("unfurl", posted, lambda: self._services.unfurl(posted, cards, reader))

    async def update_window(self, team_id: str | None, view_id: str, modal: Modal, reader: Person) -> None:
        place = Person(None, team_id or NOBODY, view_id)
        await self._call(
            "update_window",
            f"window:{view_id}",
            place,
            lambda: self._services.update_window(team_id, view_id, modal, reader),
        )

    async def complete_step(self, install_team: str, execution: str, outputs: Mapping[str, str]) -> None:
        place = Person(None, install_team, NOBODY)
        await self._call(
            "step",
            f"step:{execution}",
            place,
            lambda: self._services.complete_step(install_team, execution, outputs),
        )

    async def fail_step(self, install_team: str, execution: str, said: Piece, runner: Person) -> None:
        await self._call(
            "step",
            f"step:{execution}",
            Person(None, install_team, NOBODY),
            lambda: self._services.fail_step(install_team, execution, said, runner),
        )

    async def _change(self, kind: str, posted: MessageRef, make: Callable[[], Awaitable[None]]) -> None:
        place = Person(None, posted.team_id, posted.channel)
        await self._call(kind, f"{kind}:{posted.team_id}:{posted.channel}:{posted.ts}", place, make)

    async def _call(self, kind: str, key: str, recipient: Person, make: Callable[[], Awaitable[CallT]]) -> CallT:
        self._check_stopped(recipient.team_id, kind)
        known = await self._services.message_failures.find(key)
        if known.dead_letter is not None:
            raise GivenUp(kind, known.dead_letter)
        try:
            done = await make()
        except SlackError as error:
            if not self._stop(recipient.team_id, kind, error):
                await self._count(kind, key, recipient, error)
            raise
        if known != NO_FAILURE and kind != "send":  # a message is not sent again, but it may be changed again
            await self._services.message_failures.forget(key)
        return done

    def _check_stopped(self, team_id: str, kind: str) -> None:
        error = self._refused.get(team_id) or self._limited.get((team_id, kind))
        if error is not None:
            raise SlackError(error.method, error.code, retry_after=error.retry_after)

    def _stop(self, team_id: str, kind: str, error: SlackError) -> bool:
        """Whether the error ends the calls to this workspace for this round: then it is nobody's fault."""
        if error.about == "workspace":
            self._refused[team_id] = error
        elif error.retry_after is not None:
            self._limited[team_id, kind] = error
        else:
            return False
        log.info("recovery_paused", action=kind, error=str(error))
        return True

    async def _count(self, kind: str, key: str, recipient: Person, error: SlackError) -> None:
        """Count the try. Raises `GivenUp` if it was the last one."""
        if error.is_permanent and kind != "send":
            return  # what was to be changed is not there any more, or too old
        failures = self._services.message_failures
        known = await failures.find(key)
        if key not in self._counted:
            self._counted.add(key)
            known = replace(known, tries=known.tries + 1, refusals=known.refusals + (error.about == "unknown"))
        is_last = error.is_permanent or known.tries >= MAX_TRIES or known.refusals >= MAX_REFUSALS
        await failures.record(key, recipient, replace(known, dead_letter=error.code if is_last else None))
        if is_last:
            log.warning("message_dead_lettered", action=kind, error=str(error), count=await failures.dead_count())
        if is_last and not error.is_permanent:
            raise GivenUp(error.method, error.code) from None
