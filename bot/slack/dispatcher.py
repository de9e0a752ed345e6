"""Payload -> handler -> reply. All payloads are acknowledged, authorized, logged and explained here.

Slack wants an answer within 3 seconds, so a handler runs in a tracked task and the acknowledgement leaves at once.
Only forms and menus wait for their handler, up to `FORM_DEADLINE`: their acknowledgement carries its reply. A workflow
step waits until it is stored.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import stamina
from slack_bolt.async_app import AsyncAck

from bot.errors import (
    BotError,
    NotAllowed,
    SlackError,
    StorageUnavailable,
    WindowClosed,
)
from bot.failpoints import failpoint
from bot.features import Registry
from bot.features.help import answer_unknown
from bot.features.link import looks_like_one
from bot.features.request.step import refuse_unknown_step
from bot.interaction.feature import (
    LINK,
    UNKNOWN_VERB,
    WITHOUT_VERB,
    Handler,
    Interaction,
    Kind,
    Outcome,
    Reply,
    read_outcome,
)
from bot.interaction.owners import any_member, own_execution
from bot.interaction.parsed_text import ParsedText, parse_field, parse_markup
from bot.interaction.retry import slack_retry_predicate
from bot.interaction.services import Services
from bot.language import Language
from bot.logs import CountedWarning, Log, request_id
from bot.policy.decide import acting, require
from bot.screen.parts import Message, Modal, Text
from bot.screen.pieces import Code, Mark, Plain, say
from bot.secret import Secret
from bot.slack import blocks
from bot.slack.act_record import ActRecord
from bot.slack.answers import (
    Answer,
    EventAnswer,
    FormAnswer,
    HomeAnswer,
    OptionsAnswer,
    already_submitted_window,
    draw_options,
    draw_response,
    draw_unknown_form,
    error_window,
    one_moment_window,
)
from bot.slack.audit_record import AuditRecord
from bot.slack.background_tasks import BackgroundTasks
from bot.slack.deduplicator import Deduplicator
from bot.slack.fair_share import TOO_MUCH, FairShare, too_much
from bot.slack.members import Members
from bot.slack.messenger import Messenger
from bot.slack.payloads import Incoming, read_payload
from bot.slack.workspaces import Workspace, Workspaces
from bot.storage.engine.turns import acting_person
from bot.storage.executions import NewExecution

FORM_DEADLINE = 2.0  # seconds of the 3 that Slack gives
EXPLAIN_TRIES = 5  # over a minute or so; what is not said then, recovery says
MAX_WAIT = 60.0  # seconds between two of these tries
NOT_KEPT = say("Slack did not take the window, and what it would have shown is kept nowhere. Please start again.")
REVOKED = say("Slack has ended this app's access to your workspace. Ask an admin to install the app again.")
TOO_LATE = say("The window came too late: Slack gives 3 seconds to open one. Please try again.")

_CHANGING = (Kind.COMMAND, Kind.ACTION, Kind.FORM)  # what may change something that the person's Home tab shows

log = Log("dispatcher")


# The field of a log line that has the handler's name.
_NAME_FIELDS: Mapping[Kind, str] = {
    kind: {Kind.COMMAND: "verb", Kind.FORM: "form", Kind.CLOSED: "form"}.get(kind, "action") for kind in Kind
}

# Events that matter also when the bot caused them: it was invited to a channel, or removed from one. All others that it
# causes are ignored, so that it never reacts to itself.
_ALSO_BY_ITSELF = frozenset({"member_joined_channel", "member_left_channel"})

# Events that matter also when Slack takes our token no more.
_AFTER_REVOCATION = frozenset({"app_uninstalled", "tokens_revoked"})

# What a person does by clicking. Slack sends the other kinds by itself, or once for each window that was opened.
_LIMITED = frozenset({Kind.ACTION, Kind.SHORTCUT, Kind.MESSAGE_SHORTCUT})

# Names that are logged although no handler has them: Slack's own and ours look like this, other text does not.
_PLAIN_NAME = re.compile(r"[a-z_]{1,60}")


class Dispatcher:
    def __init__(
        self,
        *,
        registry: Registry,
        services: Services,
        workspaces: Workspaces,
        members: Members,
        messenger: Messenger,
        tasks: BackgroundTasks,
        deduplicator: Deduplicator | None = None,
        fair_share: FairShare | None = None,
    ) -> None:
        self._registry = registry
        self._services = services
        self._languages = services.languages
        self._workspaces = workspaces
        self._members = members
        self._messenger = messenger
        self._tasks = tasks
        self._deduplicator = deduplicator or Deduplicator()
        self._fair_share = fair_share or FairShare()
        self._in_progress: set[tuple[str | None, str | None]] = set()  # (view id, hash) of forms that are being handled
        self._of_another_app = CountedWarning(log, "not_ours", "another app")
        self._of_another_workspace = CountedWarning(log, "not_ours", "another workspace")
        self._unknown_step = Handler(refuse_unknown_step, own_execution, needs_member=False, is_recorded=False)
        self._unknown_verb = Handler(lambda one, _row: answer_unknown(one, registry.verbs), any_member)
        # These answers are equal for all who read a language, so they are drawn once. Bolt sends a string as it is.
        self._words = {
            (verb.name, language): json.dumps(_draw_ephemeral(verb.words(registry.verbs), language))
            for verb in registry.verbs
            if verb.words
            for language in Language
        }

    async def dispatch(self, ack: AsyncAck, body: Mapping[str, Any], delivered: asyncio.Event) -> None:
        """Handle any payload of Slack's. Acknowledges it, unless it is a workflow step that the database did not take.

        `delivered` is set by the transport when the acknowledgement was sent, or could not be.
        """
        with request_id():
            await self._dispatch(ack, body, delivered)

    async def _dispatch(self, ack: AsyncAck, body: Mapping[str, Any], delivered: asyncio.Event) -> None:
        began = time.monotonic()
        incoming = read_payload(body)
        if incoming is None:
            _log_unknown("other", body.get("type"))
            await ack()
            return
        if not self._workspaces.is_our_app(body.get("api_app_id")):
            self._of_another_app.add()
            await (ack(draw_options((), self._language(incoming))) if incoming.kind is Kind.OPTIONS else ack())
            return
        workspace = await self._find_workspace(incoming)
        if workspace is not None and workspace.is_revoked and incoming.name not in _AFTER_REVOCATION:
            await self._refuse_revoked(ack, incoming)
            return
        match incoming.kind:
            case Kind.COMMAND:
                await self._dispatch_command(ack, incoming, workspace)
            case Kind.FORM:
                await self._dispatch_form(ack, incoming, workspace, delivered)
            case Kind.OPTIONS:
                await self._dispatch_options(ack, incoming, workspace)
            case Kind.FUNCTION:
                await self._dispatch_step(ack, incoming, workspace)
            case _:
                await self._dispatch_acknowledged(ack, incoming, workspace)
        self._services.metrics.ack(incoming.kind, time.monotonic() - began)

    async def _find_workspace(self, incoming: Incoming) -> Workspace | None:
        """The installation that the payload came from; None where the app is not installed."""
        found = await self._workspaces.find(incoming.install_team)
        if found is not None and found.team_id is None and incoming.person.enterprise_id is not None:
            await self._workspaces.note_member(incoming.person.team_id, incoming.person.enterprise_id)
        return found

    async def _refuse_revoked(self, ack: AsyncAck, incoming: Incoming) -> None:
        """Slack takes no call of ours there, so only an acknowledgement can say so. A window keeps what was typed."""
        language = self._language(incoming)
        match incoming.kind:
            case Kind.COMMAND:
                await ack(**_draw_ephemeral(Message.of(REVOKED, Text.of(REVOKED)), language))
            case Kind.FORM:
                await ack(**draw_response(error_window(BotError(tell=REVOKED)), language))
            case Kind.OPTIONS:
                await ack(draw_options((), language))
            case _:
                await ack()

    # --- the five ways to be acknowledged

    async def _dispatch_command(self, ack: AsyncAck, incoming: Incoming, workspace: Workspace | None) -> None:
        """A command is acknowledged with words that are ready, or with nothing."""
        verb, text = self._registry.read(incoming.text)
        if workspace is None:  # somebody of another workspace, in a channel that both share
            self._of_another_workspace.add()
            await ack(
                **_draw_ephemeral(Message.of(NotAllowed.tell, Text.of(NotAllowed.tell)), self._language(incoming))
            )
        elif not self._deduplicator.is_first(incoming.idempotency_key):
            await ack()
        elif verb is not None and verb.words is not None:
            if self._members.known_membership(incoming.person, incoming.install_team):
                log.info(incoming.kind, verb=verb.name, outcome=Outcome.SHOWN)
                await ack(self._words[verb.name, self._language(incoming)])
            else:
                await self._start_words(ack, verb.words(self._registry.verbs), incoming, workspace, name=verb.name)
        elif verb is not None and verb.handler is not None:
            await self._start_command(ack, verb.handler, incoming, workspace, name=verb.name, text=text)
        elif looks_like_one(incoming.text) and (handler := self._registry.find(Kind.COMMAND, LINK)):
            await self._start_command(ack, handler, incoming, workspace, name=LINK, text=incoming.text)
        else:
            await self._start_command(
                ack, self._unknown_verb, incoming, workspace, name=UNKNOWN_VERB, text=incoming.text
            )

    async def _start_words(
        self, ack: AsyncAck, message: Message, incoming: Incoming, workspace: Workspace, *, name: str
    ) -> None:
        """Answer with words a moment later, when Slack has said whether this is a member, and in which language."""

        async def answer(_interaction: Interaction, _row: None) -> Reply:
            return Reply(message, Outcome.SHOWN)

        await self._start_command(ack, Handler(answer, any_member), incoming, workspace, name=name, text="")

    async def _start_command(
        self,
        ack: AsyncAck,
        handler: Handler[Any],
        incoming: Incoming,
        workspace: Workspace,
        *,
        name: str,
        text: str,
    ) -> None:
        if self._fair_share.may_begin(incoming.person):
            await ack()
            self._start(handler, incoming, workspace, name=name, text=text)
        else:
            await self._refuse_share(incoming)
            await ack(**_draw_ephemeral(Message.of(TOO_MUCH, Text.of(TOO_MUCH)), self._language(incoming)))

    async def _dispatch_form(
        self, ack: AsyncAck, incoming: Incoming, workspace: Workspace | None, delivered: asyncio.Event
    ) -> None:
        """A form is acknowledged with its first screen: only that can show errors at the fields."""
        handler = self._registry.find(Kind.FORM, incoming.name)
        if workspace is None:
            self._of_another_workspace.add()
            await ack()
            return
        if handler is None:
            _log_unknown(incoming.kind, incoming.name)
            await ack(**draw_unknown_form(incoming.first_input, self._language(incoming)))
            return
        # The hash changes when the window is changed: what it shows then is another form, which may be submitted too.
        sent = (incoming.view_id, incoming.view_hash)
        if sent in self._in_progress or not self._deduplicator.is_first(incoming.idempotency_key):
            await ack(**draw_response(already_submitted_window(), self._language(incoming)))
            return
        if not self._fair_share.may_begin(incoming.person):
            await self._refuse_share(incoming)
            await ack(**draw_response(too_much(), self._language(incoming)))
            return
        record = ActRecord(self._services.acts, incoming, incoming.name)
        answer = FormAnswer(workspace.slack, self._messenger, self._languages, incoming, delivered, note=record.note)
        working = self._start_work(handler, incoming, answer, record, name=incoming.name)
        self._in_progress.add(sent)
        working.add_done_callback(lambda _: self._in_progress.discard(sent))
        first = await answer.wait_for_first(FORM_DEADLINE)
        if first.get("response_action") == "errors":  # the same window is submitted again, as soon as it is corrected
            self._in_progress.discard(sent)
        await ack(**first)
        if answer.is_late and not working.done():
            self._tasks.start(record.note("placeholder", None))

    async def _dispatch_options(self, ack: AsyncAck, incoming: Incoming, workspace: Workspace | None) -> None:
        """A menu's request is acknowledged with its options. It has no effect, so a repetition is answered again."""
        handler = self._registry.find(Kind.OPTIONS, incoming.name)
        if handler is None or workspace is None:
            if handler is None:
                _log_unknown(incoming.kind, incoming.name)
            else:
                self._of_another_workspace.add()
            await ack(draw_options((), self._language(incoming)))
            return
        if not self._fair_share.may_begin(incoming.person):
            await self._refuse_share(incoming)
            await ack(draw_options((), self._language(incoming)))
            return
        answer = OptionsAnswer(workspace.slack, self._messenger, self._languages, incoming)
        self._start_work(handler, incoming, answer, None, name=incoming.name, text=incoming.text)
        await ack(await answer.wait_for_options(FORM_DEADLINE))

    async def _dispatch_step(self, ack: AsyncAck, incoming: Incoming, workspace: Workspace | None) -> None:
        """A workflow step is acknowledged when it is stored: were it lost, its workflow would wait for ever.

        Slack sends again what is not acknowledged.
        """
        handler = self._registry.find(Kind.FUNCTION, incoming.name)
        if handler is None:
            _log_unknown(incoming.kind, incoming.name)
        if workspace is None:
            self._of_another_workspace.add()
        elif incoming.execution is not None and not _is_by_itself(incoming, workspace):
            try:
                ref = await self._services.executions.receive(_read_execution(incoming, incoming.execution, handler))
            except StorageUnavailable as error:
                log.warning("step_not_stored", error=str(error))
                return
            if ref is not None:
                failpoint("step_received")
                self._start(
                    handler or self._unknown_step, replace(incoming, ref=ref), workspace, name=incoming.name, text=""
                )
        await ack()

    async def _dispatch_acknowledged(self, ack: AsyncAck, incoming: Incoming, workspace: Workspace | None) -> None:
        """All other kinds are acknowledged with nothing."""
        handler = self._registry.find(incoming.kind, incoming.name)
        if _is_by_itself(incoming, workspace) or _is_another_tab(incoming):
            pass
        elif handler is None:
            _log_unknown(incoming.kind, incoming.name)
        elif workspace is None:
            self._of_another_workspace.add()
        elif not self._deduplicator.is_first(incoming.idempotency_key):
            pass
        elif incoming.kind not in _LIMITED or self._fair_share.may_begin(incoming.person):
            self._start(handler, incoming, workspace, name=incoming.name, text=incoming.text)
        elif await self._refuse_share(incoming):
            answer = _kind_of_answer(incoming)(workspace.slack, self._messenger, self._languages, incoming)
            self._tasks.start(_explain_patiently(answer.explain, too_much()))
        await ack()

    # --- what they share

    async def _refuse_share(self, incoming: Incoming) -> bool:
        """Hold back the refusal of a person who has used up their share. Whether it is due to tell and log it."""
        await self._fair_share.hold(incoming.person)
        if not self._fair_share.is_due_to_tell(incoming.person):
            return False
        log.info(incoming.kind, outcome=Outcome.REFUSED, reason="ShareUsedUp")
        self._audited(incoming, incoming.name).end(None, Outcome.REFUSED, too_much())
        return True

    def _language(self, incoming: Incoming) -> Language:
        return self._languages.known(incoming.person)

    def _start(self, handler: Handler[Any], incoming: Incoming, workspace: Workspace, *, name: str, text: str) -> None:
        record = ActRecord(self._services.acts, incoming, name) if handler.is_recorded else None
        note = record.note if record else None
        kind = _kind_of_answer(incoming)
        answer = kind(workspace.slack, self._messenger, self._languages, incoming, note=note)
        self._start_work(handler, incoming, answer, record, name=name, text=text)

    def _start_work(
        self,
        handler: Handler[Any],
        incoming: Incoming,
        answer: Answer,
        record: ActRecord | None,
        *,
        name: str,
        text: str = "",
    ) -> asyncio.Task[None]:
        """Run `_work` in the background, as something that the person has under way."""
        self._fair_share.begin(incoming.person)
        working = self._tasks.start(self._work(handler, incoming, answer, record, name=name, text=text))
        working.add_done_callback(lambda _: self._fair_share.end(incoming.person))
        return working

    async def _work(
        self,
        handler: Handler[Any],
        incoming: Incoming,
        answer: Answer,
        record: ActRecord | None,
        *,
        name: str,
        text: str,
    ) -> None:
        """Authorize, run, show; say what went wrong. Raises nothing. `record` is None for what has no effect."""
        acting_person.set(incoming.person)
        started = time.monotonic()
        fields = {_NAME_FIELDS[incoming.kind]: name}
        outcome = Outcome.UNKNOWN  # stays so if a shutdown cancels the work
        answered = False
        denied: BotError | None = None
        audited = self._audited(incoming, name)
        try:
            if record is not None and not await record.begin(at_once=handler.opens_window):
                outcome = Outcome.REFUSED
                fields["reason"] = "repeated"
                record = None  # it is the record of whoever carries the act out
                await answer.repeat()
            else:
                outcome = await self._run(handler, incoming, answer, text, audited)
            answered = True
        except BotError as error:
            outcome, denied = read_outcome(error), error
            fields |= {"reason": type(error).__name__, "error": str(error)}
            self._count_denial(error)
            if not isinstance(error, WindowClosed):
                answered = await _explain_patiently(answer.explain, _name_what_was_missed(error, incoming.kind, name))
            elif error.method == "views.open":  # it never opened; other windows were closed by the person
                answered = await _explain_patiently(answer.explain, BotError(tell=TOO_LATE))
            else:
                answered = True
        except Exception as error:  # noqa: BLE001 - the last place to tell the person
            outcome = Outcome.CRASHED
            answered = await _explain_patiently(answer.explain, make_apology(error))
        finally:
            answer.end()
            if incoming.kind in _CHANGING and not handler.draws_home:
                self._services.home_changes.mark(incoming.person)
            self._services.metrics.act(incoming.kind, outcome)
            log.info(incoming.kind, outcome=outcome, ms=round((time.monotonic() - started) * 1000), **fields)
            audited.end(handler, outcome, denied)
            if record is not None and answered and answer.stale_window is not None:
                self._tasks.start(record.leave_window(answer.stale_window))
            elif record is not None and answered:
                # Not waited for: the same window may be submitted again at once.
                self._tasks.start(record.end())
            elif record is not None:
                self._tasks.start(record.leave(answer.changed_window))

    def _count_denial(self, error: BotError) -> None:
        if error.rule is not None:
            self._services.metrics.denial(error.rule)

    def _audited(self, incoming: Incoming, name: str) -> AuditRecord:
        feature = self._registry.feature_of(incoming.kind, name)
        return AuditRecord(self._services.audit, incoming, feature, name)

    async def _run(
        self, handler: Handler[Any], incoming: Incoming, answer: Answer, text: str, audited: AuditRecord
    ) -> Outcome:
        person = incoming.person
        zone = None
        if handler.needs_member:
            if handler.opens_window and not self._members.is_known(person, incoming.install_team):
                await answer.show(one_moment_window())
            zone = await self._members.require_member(person, incoming.install_team)
            acting.set(await self._services.policies.of(person))
            if handler.rule is not None:
                require(handler.rule)
            self._tasks.start(self._languages.of(person))  # for the next window: this one must not wait
        if incoming.in_home and not handler.draws_home:
            await self._services.homes.touch(person)
        if incoming.in_home and not (handler.opens_window or handler.opens_when_ready or handler.draws_home):
            await answer.show(one_moment_window())  # its trigger lives 3 seconds, and a server may take longer
        row = await handler.owns(self._services, person, incoming.ref)
        audited.note_row(row)
        interaction = Interaction(
            person=person,
            services=self._services,
            show=answer.show,
            tell=answer.tell,
            is_member=self._members.is_member,
            is_admin=partial(self._members.is_admin, person, incoming.install_team),
            has_left=partial(self._members.has_left, install_team=incoming.install_team),
            message=incoming.message,
            text=_parse(incoming.kind, text),
            content=incoming.content,
            inputs=incoming.inputs,
            event=incoming.event,
            links=incoming.links,
            zone=zone,
            in_home=incoming.in_home,
            install_team=incoming.install_team,
        )
        reply = await handler.run(interaction, row)
        await _finish_patiently(answer, reply)
        return reply.outcome


def _parse(kind: Kind, text: str) -> ParsedText:
    """The text of an interaction. Only what is typed into a menu comes without Slack's markup."""
    return parse_field(Secret(text)) if kind is Kind.OPTIONS else parse_markup(text)


def _kind_of_answer(incoming: Incoming) -> type[Answer]:
    """How to answer what was acknowledged with nothing."""
    if incoming.in_home:
        return HomeAnswer
    return EventAnswer if incoming.kind in (Kind.EVENT, Kind.FUNCTION) else Answer


def _read_execution(incoming: Incoming, execution: str, handler: Handler[Any] | None) -> NewExecution:
    """The name of a step that is not known may be anything, so it is not stored."""
    person, name = incoming.person, incoming.name if handler is not None else ""
    return NewExecution(person, incoming.install_team or person.team_id, execution, name, incoming.step_inputs)


def _is_by_itself(incoming: Incoming, workspace: Workspace | None) -> bool:
    """Whether this is an event that the bot caused itself and should not react to."""
    if workspace is None or incoming.kind not in (Kind.EVENT, Kind.FUNCTION) or incoming.name in _ALSO_BY_ITSELF:
        return False
    return workspace.is_itself(incoming.person.user_id, incoming.bot_id)


def _is_another_tab(incoming: Incoming) -> bool:
    """Whether a tab of the app was opened in which nothing is drawn."""
    return incoming.tab is not None and incoming.tab != "home"


def _log_unknown(kind: str, name: object) -> None:
    """A payload that this version does not know: a manifest may be newer than the code. The name may be anything."""
    known = isinstance(name, str) and _PLAIN_NAME.fullmatch(name)
    log.info("unknown_payload", kind=kind, action=name if known else "other")


def _name_what_was_missed(error: BotError, kind: Kind, name: str) -> BotError:
    """The error, with the command whose answer Slack did not take: it may be said minutes later."""
    if kind is not Kind.COMMAND or name in WITHOUT_VERB:
        return error
    if not isinstance(error, SlackError) or error.tell != SlackError.tell:
        return error
    said = say("Slack did not take the answer to {command}. Please try again.", command=Code(Mark(f"/ots {name}")))
    return SlackError(error.method, error.code, retry_after=error.retry_after, tell=said)


def make_apology(error: BaseException) -> BotError:
    """Words for an unexpected error, with an id that the log line of the error has too."""
    reference = secrets.token_hex(4)
    log.error("unexpected", cause=error, ref=reference)
    return BotError(
        "unexpected",
        tell=say(
            "Something went wrong on our side. Please try again. If it happens again, tell the person who "
            "runs this app: {id}.",
            id=Code(Plain(reference)),
        ),
    )


async def _finish_patiently(answer: Answer, reply: Reply) -> None:
    """Show the reply, also if Slack takes it only minutes later; as a message if it never takes the window.

    The reply is kept in memory alone. Raises `SlackError`.
    """
    try:
        async for attempt in _retrying():
            with attempt:
                await answer.finish(reply)
    except SlackError as error:
        if not await answer.finish_elsewhere(reply):
            if isinstance(reply.screen, Modal) and reply.screen.shows_secret:
                raise SlackError(error.method, error.code, tell=NOT_KEPT) from None
            raise


def _retrying() -> Any:
    """The tries to say something to a person who waits for it."""
    return stamina.retry_context(
        on=slack_retry_predicate(MAX_WAIT),
        attempts=EXPLAIN_TRIES,
        timeout=None,
        wait_initial=2.0,
        wait_max=MAX_WAIT,
    )


async def _explain_patiently(explain: Callable[[BotError], Awaitable[None]], error: BotError) -> bool:
    """Say what went wrong, also if Slack takes it only minutes later. False if it was not said: recovery says it."""
    try:
        async for attempt in _retrying():
            with attempt:
                await explain(error)
    except BotError as failure:
        log.warning("not_explained", error=str(failure))
        return isinstance(failure, SlackError) and failure.is_permanent
    except Exception as failure:  # noqa: BLE001 - recovery says it
        log.error("not_explained", cause=failure)
        return False
    return True


def _draw_ephemeral(message: Message, language: Language) -> dict[str, Any]:
    return {**blocks.message(message, language), "response_type": "ephemeral"}
