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
from bot.features import Registry
from bot.features.help import no_such_verb
from bot.features.link import looks_like_one
from bot.interaction.feature import Handler, Interaction, Kind, Outcome, read_outcome
from bot.interaction.services import Services
from bot.logs import Log
from bot.message_ref import MessageRef
from bot.screen.parts import Message
from bot.slack import blocks
from bot.slack.answers import Answer, FormAnswer, already_submitted_window, draw_response, one_moment_window
from bot.slack.background_tasks import BackgroundTasks
from bot.slack.deduplicator import Deduplicator
from bot.slack.members import Members
from bot.slack.messenger import Messenger
from bot.slack.payloads import Incoming, read_action, read_command, read_form
from bot.slack.web import SlackClient
from bot.slack.workspace import Workspace

FORM_DEADLINE = 2.0  # seconds of the 3 that Slack gives
TOO_LATE = "Slack gives 3 seconds to open a window, and they were over. Please try again."

log = Log("front")


class Dispatcher:
    def __init__(
        self,
        registry: Registry,
        services: Services,
        slack: SlackClient,
        workspace: Workspace,
        members: Members,
        messenger: Messenger,
        tasks: BackgroundTasks,
        deduplicator: Deduplicator | None = None,
    ) -> None:
        self._registry = registry
        self._services = services
        self._slack = slack
        self._workspace = workspace
        self._members = members
        self._messenger = messenger
        self._tasks = tasks
        self._deduplicator = deduplicator or Deduplicator()
        self._in_hand: set[tuple[str | None, str | None]] = set()  # forms that were sent and are being worked on
        # The same for everybody, so drawn once; Bolt sends a text as it is.
        self._words = {
            verb.name: json.dumps(_draw_ephemeral(verb.words(registry.verbs))) for verb in registry.verbs if verb.words
        }

    # --- one for each kind of payload; Bolt calls these

    async def on_command(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        incoming = read_command(body)
        verb, text = self._registry.read(incoming.text)
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
            self._start(self._registry.handlers[Kind.COMMAND, "link"], incoming, incoming.text, verb="link")
        else:
            log.info("command", verb="unknown")
            await ack(**_draw_ephemeral(no_such_verb(text, self._registry.verbs)))

    async def on_action(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await ack()
        incoming = read_action(body)
        handler = self._registry.find(Kind.ACTION, incoming.name)
        if handler is not None and self._is_new(incoming):
            self._start(handler, incoming, action=incoming.name)

    async def on_form(self, ack: AsyncAck, body: Mapping[str, Any], context: Mapping[str, Any]) -> None:
        incoming = read_form(body, "form")
        handler = self._registry.find(Kind.FORM, incoming.name)
        if handler is None or not self._workspace.is_ours(incoming.install_team):
            await ack()
            return
        # Of what the window showed then: what it was changed to meanwhile is another form, to be sent in its turn.
        sent = (incoming.view_id, incoming.view_hash)
        if sent in self._in_hand or not self._is_new(incoming):
            await ack(**draw_response(already_submitted_window()))
            return
        answer = FormAnswer(self._slack, self._messenger, incoming, context["delivered"])
        working = self._tasks.start(self._work(handler, incoming, answer, form=incoming.name))
        self._in_hand.add(sent)
        working.add_done_callback(lambda _: self._in_hand.discard(sent))
        await ack(**await answer.wait_for_first(FORM_DEADLINE))

    async def on_closed(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await ack()
        incoming = read_form(body, "closed")
        handler = self._registry.find(Kind.CLOSED, incoming.name)
        if handler is not None and self._is_new(incoming):
            self._start(handler, incoming, form=incoming.name)

    # --- what they share

    def _is_new(self, incoming: Incoming) -> bool:
        """Whether this act is from our workspace and was not delivered before."""
        if not self._workspace.is_ours(incoming.install_team):
            log.warning("not_ours", kind=incoming.kind)
            return False
        return self._deduplicator.is_first(incoming.idempotency_key)

    def _start(self, handler: Handler[Any], incoming: Incoming, text: str = "", **about: str) -> None:
        answer = Answer(self._slack, self._messenger, incoming)
        self._tasks.start(self._work(handler, incoming, answer, text, **about))

    async def _work(
        self, handler: Handler[Any], incoming: Incoming, answer: Answer, text: str = "", **about: str
    ) -> None:
        """Authorize, run, show; say what went wrong. Nothing is raised from here."""
        started = time.monotonic()
        outcome = Outcome.SHOWN
        try:
            outcome = await self._run(handler, incoming, answer, text)
        except BotError as error:
            outcome = read_outcome(error)
            about["reason"] = type(error).__name__
            if not isinstance(error, WindowClosed):
                await _try_to_explain(answer.explain, error)
            elif error.method == "views.open":  # it never opened; other windows were closed by the person
                await _try_to_explain(answer.explain, BotError(tell=TOO_LATE))
        except Exception as error:  # noqa: BLE001 - the last place to tell the person
            outcome = Outcome.CRASHED
            await _try_to_explain(answer.explain, make_apology(error))
        finally:
            if isinstance(answer, FormAnswer) and not answer.first.done():
                answer.first.set_result(None)
            log.info(incoming.kind, outcome=outcome, ms=round((time.monotonic() - started) * 1000), **about)

    async def _run(self, handler: Handler[Any], incoming: Incoming, answer: Answer, text: str) -> Outcome:
        person = incoming.person
        if handler.opens_window and not self._members.is_known(person):
            await answer.show(one_moment_window())
        zone = await self._members.require_member(person)
        row = await handler.owns(self._services, person, incoming.ref)

        async def tell(message: Message) -> MessageRef:
            return await self._messenger.tell(person, message)

        interaction = Interaction(
            person=person,
            services=self._services,
            show=answer.show,
            tell=tell,
            is_member=self._members.is_member,
            message=incoming.message,
            text=text,
            text_inputs=incoming.text_inputs,
            selects=incoming.selects,
            checkboxes=incoming.checkboxes,
            pickers=incoming.pickers,
            zone=zone,
        )
        reply = await handler.run(interaction, row)
        await answer.finish(reply.screen)
        return reply.outcome


def make_apology(error: BaseException) -> BotError:
    """Words for the unexpected, with an id that stands in the log beside where it happened."""
    reference = secrets.token_hex(4)
    log.error("unexpected", cause=error, ref=reference)
    return BotError(
        "unexpected",
        tell="Something went wrong on our side. Please try again; "
        f"if it stays, tell whoever runs this app: `{reference}`.",
    )


async def _try_to_explain(explain: Callable[[BotError], Any], error: BotError) -> None:
    try:
        await explain(error)
    except BotError as trouble:
        log.warning("not_explained", error=str(trouble))


def _draw_ephemeral(message: Message) -> dict[str, Any]:
    return {**blocks.message(message), "response_type": "ephemeral"}
