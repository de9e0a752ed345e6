"""How screens reach the person: as opened, updated or pushed windows, private messages or direct messages.

A handler only says what to show. The class of the answer decides how, depending on the means that Slack gave.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from cachetools import LRUCache

from bot.errors import BotError, NotConnected, SlackError, ViewChanged, WindowClosed
from bot.interaction.feature import FieldErrors, Kind, Reply
from bot.interaction.languages import Languages
from bot.language import Language
from bot.logs import Log
from bot.message_ref import MessageRef
from bot.screen.parts import (
    ALREADY_SENT,
    APP_NAME,
    NO_FORM,
    ONE_MOMENT,
    OVER_HOME,
    Buttons,
    Message,
    Modal,
    Note,
    Part,
    Screen,
    Text,
)
from bot.screen.pieces import Piece, say
from bot.slack import blocks
from bot.slack.messenger import Messenger
from bot.slack.payloads import Incoming
from bot.slack.texts import draw
from bot.slack.web import SlackClient
from bot.status.buttons import connect_button
from bot.status.words import WARNING_SIGN
from bot.storage.acts import ActWindow

NoteWindow = Callable[[ActWindow, str | None], Awaitable[None]]

log = Log("answers")

# Slack drops a response that comes after 3 seconds. Source: docs.slack.dev, modals.
RESPONSE_LIFE = 10.0  # seconds since the submission
FIRST_PAUSE, MAX_PAUSE = 0.05, 0.5  # seconds before the modal is sent again


MAX_FORMS = 1_000  # changes of forms that are remembered


@dataclass(frozen=True, slots=True)
class _FormChange:
    """What became of a form that had another hash before."""

    hash: str
    number: int  # of the answer that changed it: a higher one is to something that was done later


_numbers = itertools.count()
_form_changes: LRUCache[tuple[str, str | None], _FormChange] = LRUCache(MAX_FORMS)  # by the window and the hash before


def one_moment_window() -> Modal:
    return Modal.of(NO_FORM, APP_NAME, Text.of(ONE_MOMENT))


def already_submitted_window() -> Modal:
    """Pushed over a window that was submitted twice, so that the answer to the first submission stays."""
    return Modal(NO_FORM, APP_NAME, (Text.of(ALREADY_SENT),), push=True)


def error_window(error: BotError) -> Modal:
    """An error as a window. It is pushed over one that is open, so that nothing typed is lost."""
    return Modal(NO_FORM, APP_NAME, (Text.of(WARNING_SIGN, error.tell), *_button_of(error)), push=True)


class UnknownForm(BotError):
    """A window that this version of the bot does not know was submitted."""

    tell = say("This window is from another version of the app. Nothing was done. Open it again.")


FORM_KEPT = say(
    "This window is from another version of the app. Nothing was done. Copy what you typed, and open the window again."
)


class Answer:
    """Shows screens as answers to one thing that a person did: a command, a press of a button, a shortcut, an event."""

    def __init__(
        self,
        slack: SlackClient,
        messenger: Messenger,
        languages: Languages,
        incoming: Incoming,
        *,
        note: NoteWindow | None = None,
    ) -> None:
        self._number = next(_numbers)
        self._languages = languages
        self._note = note  # records what the window shows, before it does
        self._slack = slack  # of the workspace that the app is installed in
        self._messenger = messenger
        self._incoming = incoming
        self._window: str | None = incoming.view_id
        self._own_window = False  # whether this answer opened it, so that an error may replace what it shows
        self._shows_secret = False  # from then on nothing may replace it
        self._changed_window = False  # whether it shows something of this answer, which its end should replace
        self._is_stale = False  # whether the end was said elsewhere

    @property
    def stale_window(self) -> str | None:
        """The window that shows something of this answer which is not its end; None if there is none."""
        return self._window if self._is_stale else None

    @property
    def changed_window(self) -> str | None:
        """The window that shows something of this answer, unless that is a secret; None if there is none."""
        return self._window if self._changed_window and not self._shows_secret else None

    @property
    def _language(self) -> Language:
        """The person's, as far as it is known now: it is once their membership was checked."""
        return self._languages.known(self._incoming.person)

    async def show(self, screen: Screen) -> None:
        """Show what is not the end: a handler's `interaction.show`. A placeholder is recorded, so that it reaches one.

        Raises `WindowClosed` when the window is gone, `SlackError` when Slack does not take it.
        """
        await self._show(screen)
        is_placeholder = isinstance(screen, Modal) and screen.submit is None
        if is_placeholder and self._note is not None and self.changed_window is not None:
            await self._note("placeholder", self.changed_window)

    async def _show(self, screen: Screen) -> None:
        if isinstance(screen, Modal):
            await self._show_window(screen)
        elif self._window and self._incoming.kind is Kind.ACTION:
            await self._say_over_window(screen)
        else:
            await self._say(screen)

    async def _say_over_window(self, message: Message) -> None:
        """Show a message over the window with the button that it answers: there the person is looking."""
        try:
            await self._show_window(Modal(NO_FORM, APP_NAME, _parts_of(message), push=True))
        except SlackError as failure:
            log.info("answered_by_dm", error=str(failure))
            await self._say(message)

    async def finish(self, reply: Reply) -> None:
        """Show the reply's screen; in a direct message when the person closed the window that it was for."""
        screen = reply.screen
        if screen is None:
            return
        try:
            await self._show(screen)
        except WindowClosed:
            message = _window_as_message(screen)
            if message is None:
                raise
            await self.tell(message)

    async def finish_elsewhere(self, reply: Reply) -> bool:
        """Show the reply's screen as a message, since Slack does not take the window. False if it is not for that."""
        screen = reply.screen
        message = None if screen is None or isinstance(screen, Message) else _window_as_message(screen)
        if message is None:
            return False
        await self._say(message, replacing=False)
        self._is_stale = self._changed_window
        return True

    async def tell(self, message: Message) -> MessageRef:
        """Send the person a direct message. Raises `SlackError`."""
        return await self._messenger.tell(self._incoming.person, message, install_team=self._incoming.install_team)

    async def explain(self, error: BotError) -> None:
        """Say what went wrong where the person is looking; in a direct message if that window or message is gone.

        Raises `SlackError`.
        """
        try:
            await self._explain(error)
        except SlackError as failure:
            log.info("not_explained", error=str(failure))
            if self._window and self._incoming.response_url is not None:
                await self._say(_error_message(error), replacing=False)  # needs no token of ours
            else:
                await self.tell(_error_message(error))
            self._is_stale = self._changed_window and not self._shows_secret and not isinstance(failure, WindowClosed)

    async def repeat(self) -> None:
        """The act was carried out before, or is under way. Its answer stays."""

    def end(self) -> None:
        """Called when the work is over, whether or not it succeeded. Nothing is shown after this call."""

    async def _explain(self, error: BotError) -> None:
        if self._shows_secret:
            await self.tell(_error_message(error))
        elif self._own_window and self._window:
            await self._update(self._window, error_window(error))
        elif self._window or self._incoming.kind in (Kind.SHORTCUT, Kind.MESSAGE_SHORTCUT):
            await self._show_window(error_window(error))  # a shortcut may be used where a message is not seen
        else:
            await self._say(_error_message(error), replacing=False)

    async def _show_window(self, modal: Modal) -> None:
        view = blocks.modal(modal, self._language)
        await self._prepare(modal)
        trigger = self._incoming.trigger_id
        if self._window and modal.is_same_form:
            await self._change_form(self._window, view)
        elif self._window and not modal.push:
            await self._update(self._window, modal)
        elif trigger is None:
            raise WindowClosed("views.open", "no_trigger")
        elif self._window:
            await self._slack.push_view(trigger, view)
        else:
            self._window = await self._slack.open_view(trigger, view)
            self._own_window = self._changed_window = True

    async def _change_form(self, window: str, view: dict[str, Any]) -> None:
        """Change the form, unless it was submitted meanwhile, or changed by what the person did later.

        What the person did just before may change the form after this act was sent: `view` has all that they chose.
        """
        seen = self._incoming.view_hash
        while True:
            try:
                shown = await self._slack.update_view(window, view, if_hash=seen)
            except ViewChanged:
                change = _form_changes.get((window, seen))
                if change is None or change.number > self._number:
                    log.info("form_changed_meanwhile")
                    return
                seen = change.hash
            else:
                if seen and shown:
                    _form_changes[window, seen] = _FormChange(shown, self._number)
                return

    async def _prepare(self, modal: Modal) -> None:
        """Nothing may cover a secret, also after a restart: so this is recorded before it is shown."""
        if modal.shows_secret and not self._shows_secret:
            self._shows_secret = True
            if self._note is not None:
                await self._note("secret", None)

    async def _update(self, window: str, modal: Modal) -> None:
        await self._slack.update_view(window, blocks.modal(modal, self._language))
        self._changed_window = True

    async def _say(self, message: Message, *, replacing: bool = True) -> None:
        """Send the message privately where the person is; as a direct message if there is no valid response_url."""
        url = self._incoming.response_url
        if url is not None:
            try:
                instead = replacing and not message.without_replacing and self._incoming.kind is Kind.ACTION
                await self._slack.respond(url, blocks.message(message, self._language), replace=instead)
            except SlackError as failure:
                log.info("answered_by_dm", error=str(failure))
            else:
                return
        await self.tell(message)


class HomeAnswer(Answer):
    """The answer to a button in a Home tab, or in the window over it: that window shows what others say in messages."""

    async def _show(self, screen: Screen) -> None:
        if isinstance(screen, Message):
            await self._say(screen)
        else:
            await super()._show(screen)

    async def _say(self, message: Message, *, replacing: bool = True) -> None:
        try:
            await self._show_window(Modal(OVER_HOME, APP_NAME, _parts_of(message)))
        except WindowClosed:
            await super()._say(message, replacing=replacing)


class EventAnswer(Answer):
    """The answer to an event, for which nobody waits."""

    async def explain(self, error: BotError) -> None:
        """The log has the error."""


class FormAnswer(Answer):
    """The answer to a submitted window. Its first screen is the response to Slack's request; later ones are calls.

    `first` is a future: what the response says. `delivered` is an event: the response was sent, or could not be.

        submitted ──► waiting ──┬─ show(modal) ──────────► response: update or push that modal ──┐
                                ├─ show(message) ────────► response: close the window ───────────┤
                                ├─ explain(FieldErrors) ─► response: errors at the fields ───────┤
                                ├─ explain(error) ───────► response: push an error window ───────┤
                                ├─ end() ────────────────► response: close the window ───────────┤
                                └─ FORM_DEADLINE passes ─► response: update, “One moment…” ──────┤
                                                                                                 ▼
        over ◄── end() ── later screens: views.update, views.push, ... ◄── `delivered` is set ── sent

    Later screens wait for `delivered`, but Slack may still apply a later call before the response, which would then
    cover it. So the first later screen is sent with the hash that the modal had when it was submitted. If Slack takes
    it, the response is still to come, and the screen is sent again. A conflict of hashes proves that the response was
    applied: what is sent from then on stays. If the first screen is a message, it waits for `delivered` and is sent
    then.
    """

    def __init__(
        self,
        slack: SlackClient,
        messenger: Messenger,
        languages: Languages,
        incoming: Incoming,
        delivered: asyncio.Event,
        *,
        note: NoteWindow | None = None,
    ) -> None:
        super().__init__(slack, messenger, languages, incoming, note=note)
        self.is_late = False  # whether the response is a placeholder
        self._first: asyncio.Future[Screen | BotError | None] = asyncio.get_running_loop().create_future()
        self._delivered = delivered
        self._is_applied = False  # whether Slack has certainly applied the response
        self._hash = incoming.view_hash  # of the modal before the response; None: not known
        self._submitted_at = time.monotonic()

    async def _show(self, screen: Screen) -> None:
        if not self._first.done() and isinstance(screen, Modal):
            await self._prepare(screen)
        if not self._first.done():
            self._first.set_result(screen if isinstance(screen, Modal) else None)
            if isinstance(screen, Modal):
                self._changed_window = not screen.push
                return
        await self._delivered.wait()
        await super()._show(screen)

    async def _update(self, window: str, modal: Modal) -> None:
        shown = self._first.result() if self._first.done() else None
        changes_modal = isinstance(shown, Modal) and not shown.push
        if self._is_applied or not changes_modal:
            await super()._update(window, modal)
            return
        if await self._is_applied_before(window, modal) and modal != shown:
            await super()._update(window, modal)

    async def _is_applied_before(self, window: str, modal: Modal) -> bool:
        """Send the modal until Slack has applied the response. True if that was so before the last time it was sent.

        False after RESPONSE_LIFE: Slack drops a response that comes so late, so the modal stays.
        """
        view, pause = blocks.modal(modal, self._language), FIRST_PAUSE
        while True:
            known, self._hash = self._hash, None  # after an error nobody knows whether Slack took the modal
            try:
                self._hash = await self._slack.update_view(window, view, if_hash=known)
            except ViewChanged:
                self._is_applied = True
                return True
            if time.monotonic() - self._submitted_at > RESPONSE_LIFE:
                self._is_applied = True
                return False
            await asyncio.sleep(pause)
            pause = min(2 * pause, MAX_PAUSE)

    async def explain(self, error: BotError) -> None:
        if not self._first.done():
            self._first.set_result(error)
            return
        await self._delivered.wait()
        if isinstance(error, FieldErrors) and error.form is not None:
            await self._show(_draw_form_with_errors(error.form, error))
        else:
            await super().explain(error)

    async def repeat(self) -> None:
        await self._show(already_submitted_window())

    def end(self) -> None:
        if not self._first.done():
            self._first.set_result(None)

    async def wait_for_first(self, seconds: float) -> dict[str, Any]:
        """The response: the first screen if it comes in time, else a window that says “One moment…”."""
        await asyncio.wait({self._first}, timeout=seconds)
        if not self._first.done():
            self._own_window = self._changed_window = self.is_late = True
            self._first.set_result(one_moment_window())
        return draw_response(self._first.result(), self._language)


class OptionsAnswer(Answer):
    """The answer to a menu that asks for its options. Slack has no place for an error there."""

    def __init__(self, slack: SlackClient, messenger: Messenger, languages: Languages, incoming: Incoming) -> None:
        super().__init__(slack, messenger, languages, incoming)
        self._options: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    async def finish(self, reply: Reply) -> None:
        if not self._options.done():
            self._options.set_result(draw_options(reply.options, self._language))

    async def explain(self, error: BotError) -> None:
        """The log has the error; the menu stays empty."""

    def end(self) -> None:
        if not self._options.done():
            self._options.set_result(draw_options((), self._language))

    async def wait_for_options(self, seconds: float) -> dict[str, Any]:
        """The response: the options, or none when they do not come in time."""
        await asyncio.wait({self._options}, timeout=seconds)
        self.end()
        return self._options.result()


def draw_options(options: tuple[tuple[str, Piece], ...], language: Language) -> dict[str, Any]:
    return {"options": blocks.options(options, language)}


def draw_unknown_form(first_input: str | None, language: Language) -> dict[str, Any]:
    """The response to a form that this version does not know. The window stays, with all that was typed."""
    error = UnknownForm()
    if first_input is None:
        return draw_response(error, language)
    return draw_response(FieldErrors({first_input: FORM_KEPT}), language)


def draw_response(first: Screen | BotError | None, language: Language) -> dict[str, Any]:
    if isinstance(first, FieldErrors):
        errors = {name: draw(said, language, "plain") for name, said in first.fields.items()}
        return {"response_action": "errors", "errors": errors}
    if isinstance(first, BotError):
        first = error_window(first)
    if isinstance(first, Modal):
        return {"response_action": "push" if first.push else "update", "view": blocks.modal(first, language)}
    return {}


def _draw_form_with_errors(form: Modal, error: FieldErrors) -> Modal:
    said: tuple[Part, ...] = tuple(Text.of(WARNING_SIGN, sentence) for sentence in error.fields.values())
    again = Note.of(say("What you typed was not kept. Please type it again."))
    return replace(form, parts=(*said, again, *form.parts), push=False)


def _parts_of(message: Message) -> tuple[Part, ...]:
    """What a window shows of a message: its summary, if it has nothing else."""
    pieces = message.summary.pieces if isinstance(message.summary, Text) else (message.summary,)
    return message.parts or (Text(pieces),)


def _error_message(error: BotError) -> Message:
    return Message(error.tell, (Text.of(error.tell), *_button_of(error)))


def _button_of(error: BotError) -> tuple[Part, ...]:
    button = connect_button() if isinstance(error, NotConnected) else error.button
    return (Buttons.of(button),) if button else ()


def _window_as_message(screen: Screen) -> Message | None:
    """A window that asks nothing, as a message; None for one that asks, or shows a secret."""
    if isinstance(screen, Message) or screen.submit or screen.shows_secret:
        return None
    return Message(screen.title, screen.parts)
