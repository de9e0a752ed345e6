"""Payload -> feature -> reply. What all features need alike is here, once: acknowledge, authorize, log, explain errors.

Slack wants an answer within 3 seconds, so a handler's work goes on in a tracked task and the acknowledgement
leaves at once. Only the answer to a submitted window waits, up to `FORM_WITHIN`, since it alone can show errors
at the fields.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck

from bot.errors import BotError, WindowClosed
from bot.feature import Call, Handler, Posted, Services
from bot.features import Catalogue
from bot.features.help import no_such_verb
from bot.features.link import HANDLER as LINK
from bot.features.link import looks_like_one
from bot.logs import Log
from bot.screen.parts import Message
from bot.slack import blocks
from bot.slack.answers import Answer, FormAnswer, draw_response, in_hand, one_moment
from bot.slack.jobs import Jobs
from bot.slack.members import Members
from bot.slack.messenger import Messenger
from bot.slack.payloads import Incoming, read_action, read_command, read_form
from bot.slack.seen import Seen
from bot.slack.web import Slack
from bot.slack.workspace import Workspace

FORM_WITHIN = 2.0  # seconds of the 3 that Slack gives
TOO_LATE = "Slack gives 3 seconds to open a window, and they were over. Please try again."

log = Log("front")


class Front:
    def __init__(
        self,
        catalogue: Catalogue,
        services: Services,
        slack: Slack,
        workspace: Workspace,
        members: Members,
        messenger: Messenger,
        jobs: Jobs,
        seen: Seen | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._services = services
        self._slack = slack
        self._workspace = workspace
        self._members = members
        self._messenger = messenger
        self._jobs = jobs
        self._seen = seen or Seen()
        self._in_hand: set[tuple[str | None, str | None]] = set()  # forms that were sent and are being worked on
        # The same for everybody, so drawn once; Bolt sends a text as it is.
        self._words = {
            verb.name: json.dumps(_privately(verb.words(catalogue.verbs))) for verb in catalogue.verbs if verb.words
        }

    # --- one for each kind of payload; Bolt calls these

    async def on_command(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        incoming = read_command(body)
        verb, text = self._catalogue.read(incoming.text)
        if not self._is_new(incoming):
            await ack()
        elif verb is not None and verb.words is not None:
            log.info("command", verb=verb.name)
            await ack(self._words[verb.name])
        elif verb is not None and verb.handler is not None:
            await ack()
            self._start(verb.handler, incoming, text, verb=verb.name)
        elif looks_like_one(incoming.text):
            await ack()
            self._start(LINK, incoming, incoming.text, verb="link")
        else:
            log.info("command", verb="unknown")
            await ack(**_privately(no_such_verb(text, self._catalogue.verbs)))

    async def on_action(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await ack()
        incoming = read_action(body)
        handler = self._catalogue.actions.get(incoming.name)
        if handler is not None and self._is_new(incoming):
            self._start(handler, incoming, action=incoming.name)

    async def on_form(self, ack: AsyncAck, body: Mapping[str, Any], context: Mapping[str, Any]) -> None:
        incoming = read_form(body, "form")
        handler = self._catalogue.forms.get(incoming.name)
        if handler is None or not self._workspace.is_ours(incoming.install_team):
            await ack()
            return
        # Of what the window showed then: what it was changed to meanwhile is another form, to be sent in its turn.
        sent = (incoming.view_id, incoming.view_hash)
        if sent in self._in_hand or not self._is_new(incoming):
            await ack(**draw_response(in_hand()))
            return
        answer = FormAnswer(self._slack, self._messenger, incoming, context["delivered"])
        working = self._jobs.start(self._work(handler, incoming, answer, form=incoming.name))
        self._in_hand.add(sent)
        working.add_done_callback(lambda _: self._in_hand.discard(sent))
        await ack(**await answer.within(FORM_WITHIN))

    async def on_closed(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await ack()
        incoming = read_form(body, "closed")
        handler = self._catalogue.closed.get(incoming.name)
        if handler is not None and self._is_new(incoming):
            self._start(handler, incoming, form=incoming.name)

    # --- what they share

    def _is_new(self, incoming: Incoming) -> bool:
        """Whether this act is from our workspace and was not delivered before."""
        if not self._workspace.is_ours(incoming.install_team):
            log.warning("not_ours", kind=incoming.kind)
            return False
        return self._seen.first(incoming.once)

    def _start(self, handler: Handler[Any], incoming: Incoming, text: str = "", **about: str) -> None:
        answer = Answer(self._slack, self._messenger, incoming)
        self._jobs.start(self._work(handler, incoming, answer, text, **about))

    async def _work(
        self, handler: Handler[Any], incoming: Incoming, answer: Answer, text: str = "", **about: str
    ) -> None:
        """Authorize, run, show; say what went wrong. Nothing is raised from here."""
        started = time.monotonic()
        outcome = "done"
        try:
            await self._run(handler, incoming, answer, text)
        except BotError as error:
            outcome = type(error).__name__
            if not isinstance(error, WindowClosed):
                await _quietly(answer.explain, error)
            elif error.method == "views.open":  # it never opened; other windows were closed by the person
                await _quietly(answer.explain, BotError(tell=TOO_LATE))
        except Exception as error:  # noqa: BLE001 - the last place to tell the person
            outcome = "crashed"
            await _quietly(answer.explain, apology(error))
        finally:
            if isinstance(answer, FormAnswer) and not answer.first.done():
                answer.first.set_result(None)
            log.info(incoming.kind, outcome=outcome, ms=round((time.monotonic() - started) * 1000), **about)

    async def _run(self, handler: Handler[Any], incoming: Incoming, answer: Answer, text: str) -> None:
        person = incoming.person
        if handler.opens_window and not self._members.is_known(person):
            await answer.show(one_moment())
        zone = await self._members.require(person)
        row = await handler.owns(self._services, person, incoming.ref)

        async def tell(message: Message) -> Posted:
            return await self._messenger.tell(person, message)

        call = Call(
            person, self._services, answer.show, tell, self._messenger.send, self._messenger.update,
            self._members.has, incoming.place, text, incoming.typed, incoming.chosen, incoming.checked, incoming.picked,
            zone,
        )  # fmt: skip
        await answer.finish(await handler.run(call, row))


def apology(error: BaseException) -> BotError:
    """Words for the unexpected, with an id that stands in the log beside where it happened."""
    reference = secrets.token_hex(4)
    log.error("unexpected", cause=error, ref=reference)
    return BotError(
        "unexpected",
        tell="Something went wrong on our side. Please try again; "
        f"if it stays, tell whoever runs this app: `{reference}`.",
    )


async def _quietly(explain: Callable[[BotError], Any], error: BotError) -> None:
    try:
        await explain(error)
    except BotError as trouble:
        log.warning("not_explained", error=str(trouble))


def _privately(message: Message) -> dict[str, Any]:
    return {**blocks.message(message), "response_type": "ephemeral"}
