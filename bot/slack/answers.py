"""How screens reach the person, whatever they did: opened, updated or pushed windows, private or direct messages."""

from __future__ import annotations

import asyncio
from typing import Any

from bot.errors import BotError, NotConnected, SlackError, WindowClosed
from bot.interaction.feature import FieldErrors
from bot.logs import Log
from bot.screen.parts import NO_FORM, Buttons, Message, Modal, Note, Part, Screen, Text
from bot.slack import blocks
from bot.slack.messenger import Messenger
from bot.slack.payloads import Incoming
from bot.slack.web import SlackClient
from bot.status.buttons import connect_button

log = Log("answers")

TITLE = "Onetime Secret"


def one_moment_window() -> Modal:
    return Modal.of(NO_FORM, TITLE, Text.of("One moment…"))


def already_submitted_window() -> Modal:
    """Laid on top of a window that was submitted twice, so that what the first submission shows stays."""
    return Modal(NO_FORM, TITLE, (Text.of("That was sent already and is being worked on."),), push=True)


def error_window(error: BotError) -> Modal:
    """An error as a window; laid on top where there is one already, so that nothing typed is lost."""
    return Modal(NO_FORM, TITLE, (Text.of(f":warning: {error.tell}"),), push=True)


class Answer:
    """Shows screens as answers to one command or one press of a button."""

    def __init__(self, slack: SlackClient, messenger: Messenger, incoming: Incoming) -> None:
        self._slack = slack
        self._messenger = messenger
        self._incoming = incoming
        self._window: str | None = incoming.view_id
        self._own_window = False  # whether we opened it, so that an error may replace what it shows
        self._shows_secret = False  # from then on nothing may replace it

    async def show(self, screen: Screen) -> None:
        """Raises `WindowClosed` when the window is gone, `SlackError` when Slack does not take it."""
        if isinstance(screen, Message):
            await self._say(screen)
        else:
            await self._show_window(screen)

    async def finish(self, screen: Screen | None) -> None:
        """Show the outcome; in a direct message when the person closed the window that it was for."""
        if screen is None:
            return
        try:
            await self.show(screen)
        except WindowClosed:
            outcome = _window_as_message(screen)
            if outcome is None:
                raise
            await self._messenger.tell(self._incoming.person, outcome)

    async def explain(self, error: BotError) -> None:
        """Tell what went wrong where the person is looking, in a direct message if that is gone."""
        try:
            await self._explain(error)
        except SlackError as trouble:
            log.info("not_explained", error=str(trouble))
            if not isinstance(error, SlackError):
                await self._messenger.tell(self._incoming.person, _error_message(error))

    async def _explain(self, error: BotError) -> None:
        if self._shows_secret:
            await self._messenger.tell(self._incoming.person, _error_message(error))
        elif self._own_window and self._window:
            await self._slack.update_view(self._window, blocks.modal(error_window(error)))
        elif self._window:
            await self._show_window(error_window(error))
        else:
            await self._say(_error_message(error), replace=False)

    async def _show_window(self, modal: Modal) -> None:
        view = blocks.modal(modal)
        trigger = self._incoming.trigger_id
        if self._window and not modal.push:
            await self._slack.update_view(self._window, view)
        elif trigger is None:
            raise WindowClosed("views.open", "no_trigger")
        elif self._window:
            await self._slack.push_view(trigger, view)
        else:
            self._window = await self._slack.open_view(trigger, view)
            self._own_window = True
        self._shows_secret = self._shows_secret or modal.shows_secret

    async def _say(self, message: Message, *, replace: bool = True) -> None:
        """Privately where the person is; as a direct message where Slack gave no way to answer, or it has run out."""
        url = self._incoming.response_url
        if url is not None:
            try:
                instead = replace and not message.without_replacing and self._incoming.kind == "action"
                await self._slack.respond(url, blocks.message(message), replace=instead)
            except SlackError as trouble:
                log.info("answered_by_dm", error=str(trouble))
            else:
                return
        await self._messenger.tell(self._incoming.person, message)


class FormAnswer(Answer):
    """The answer to a submitted window. The first screen is Slack's own answer; later ones wait until it is sent."""

    def __init__(self, slack: SlackClient, messenger: Messenger, incoming: Incoming, delivered: asyncio.Event) -> None:
        super().__init__(slack, messenger, incoming)
        self.first: asyncio.Future[Screen | BotError | None] = asyncio.get_running_loop().create_future()
        self._delivered = delivered

    async def show(self, screen: Screen) -> None:
        if not self.first.done():
            self.first.set_result(screen if isinstance(screen, Modal) else None)
            if isinstance(screen, Modal):
                return
        await self._delivered.wait()
        await super().show(screen)

    async def finish(self, screen: Screen | None) -> None:
        await super().finish(screen)
        if not self.first.done():
            self.first.set_result(None)

    async def explain(self, error: BotError) -> None:
        if not self.first.done():
            self.first.set_result(error)
            return
        await self._delivered.wait()
        if isinstance(error, FieldErrors) and error.form is not None:
            await self.show(_draw_form_with_errors(error.form, error))
        else:
            await super().explain(error)

    async def wait_for_first(self, seconds: float) -> dict[str, Any]:
        """What to answer Slack with: the first screen if there is one in time, else a window that asks for patience."""
        await asyncio.wait({self.first}, timeout=seconds)
        if not self.first.done():
            self._own_window = True
            self.first.set_result(one_moment_window())
        return draw_response(self.first.result())


def draw_response(first: Screen | BotError | None) -> dict[str, Any]:
    if isinstance(first, FieldErrors):
        return {"response_action": "errors", "errors": first.fields}
    if isinstance(first, BotError):
        first = error_window(first)
    if isinstance(first, Modal):
        return {"response_action": "push" if first.push else "update", "view": blocks.modal(first)}
    return {}


def _draw_form_with_errors(form: Modal, error: FieldErrors) -> Modal:
    said: tuple[Part, ...] = tuple(Text.of(f":warning: {sentence}") for sentence in error.fields.values())
    again = Note.of("What you typed was not kept. Please type it again.")
    return Modal(
        form.form, form.title, (*said, again, *form.parts), form.ref, form.submit, form.close, form.notify_on_close
    )


def _error_message(error: BotError) -> Message:
    parts: list[Part] = [Text.of(error.tell)]
    if isinstance(error, NotConnected):
        parts.append(Buttons.of(connect_button()))
    return Message(error.tell.replace("*", "").replace("`", ""), tuple(parts))


def _window_as_message(screen: Screen) -> Message | None:
    """What a window without a question says, as a message. A secret is never said in one."""
    if isinstance(screen, Message) or screen.submit or screen.shows_secret:
        return None
    return Message(screen.title, screen.parts)
