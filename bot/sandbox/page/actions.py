"""What a person can do on the page, as values. The page sends one, and a method of `WorkspaceMember` carries it out.

Source of what Slack's client does before it sends: docs.slack.dev/interactivity/implementing-slash-commands.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec

from bot.sandbox.page import serializers
from bot.sandbox.page.app_manifest import AppManifest
from bot.sandbox.page.serializers import Json
from bot.sandbox.slack import (
    AppDelivery,
    CannotDo,
    FieldsRefused,
    SlackMessage,
    SlackView,
    SlackWorkspace,
    WorkspaceMember,
)

EnteredFields = dict[str, dict[str, Any]]  #: block_id -> action_id -> entered value

_MENTION = re.compile(r"(?<![\w<])([@#])([a-z0-9._-]+)")
_LINK = re.compile(r"(?<![\w<|])https?://[^\s<>|]+")


class TypeText(msgspec.Struct, tag_field="do", tag="type", forbid_unknown_fields=True):
    """Sends the text of the composer: a message, or a slash command."""

    channel: str
    text: str


class ClickElement(msgspec.Struct, tag_field="do", tag="click", forbid_unknown_fields=True):
    """Uses a button or a menu in `message` (a key) or `view` (an id), after its confirm dialog was answered.

    `option` is the choice: the value of an option, an id or a date; several in a list.
    """

    block_id: str
    action_id: str
    message: str | None = None
    view: str | None = None
    option: Any = None
    fields: EnteredFields = {}


class SubmitForm(msgspec.Struct, tag_field="do", tag="submit", forbid_unknown_fields=True):
    """Presses the submit button of a modal."""

    view: str
    fields: EnteredFields = {}


class CloseView(msgspec.Struct, tag_field="do", tag="close", forbid_unknown_fields=True):
    """Closes a modal or, with `all`, the whole stack of modals."""

    view: str
    fields: EnteredFields = {}
    all: bool = False


class ToggleHome(msgspec.Struct, tag_field="do", tag="home", forbid_unknown_fields=True):
    """Opens the Home tab of the app, or leaves it."""

    is_open: bool = True


class UseShortcut(msgspec.Struct, tag_field="do", tag="shortcut", forbid_unknown_fields=True):
    """Uses a global shortcut or, with `message`, a message shortcut."""

    callback_id: str
    message: str | None = None


PersonAction = TypeText | ClickElement | SubmitForm | CloseView | ToggleHome | UseShortcut


class PersonActions:
    """Carries out actions of the people of a workspace."""

    def __init__(self, workspace: SlackWorkspace, manifest: AppManifest) -> None:
        self._workspace = workspace
        self._manifest = manifest
        self._handlers: dict[type, Callable[[WorkspaceMember, Any], Awaitable[AppDelivery | None]]] = {
            TypeText: self._type_text,
            ClickElement: self._click,
            SubmitForm: self._submit,
            CloseView: self._close,
            ToggleHome: self._home,
            UseShortcut: self._shortcut,
        }

    async def do(self, person: str, action: PersonAction) -> Json:
        """Carry out an action. The answer has `warning` if Slack shows one, or `cannot` if nothing was sent to the app.

        Raises `KeyError` for a person who does not exist.
        """
        member = {one.id: one for one in self._workspace.people}[person]
        try:
            delivery = await self._handlers[type(action)](member, action)
        except FieldsRefused:
            return {}
        except CannotDo as cannot:
            return {"cannot": str(cannot)}
        return {"warning": delivery.shown} if delivery is not None and delivery.error is not None else {}

    async def _click(self, member: WorkspaceMember, action: ClickElement) -> AppDelivery:
        where = (
            _enter_and_find_view(member, action.view, action.fields)
            if action.view
            else _find_message(member, action.message)
        )
        return await member.click(where, block_id=action.block_id, action_id=action.action_id, option=action.option)

    async def _submit(self, member: WorkspaceMember, action: SubmitForm) -> AppDelivery:
        return await member.submit(_enter_and_find_view(member, action.view, action.fields))

    async def _close(self, member: WorkspaceMember, action: CloseView) -> AppDelivery:
        return await member.close(_enter_and_find_view(member, action.view, action.fields), all_of_them=action.all)

    async def _home(self, member: WorkspaceMember, action: ToggleHome) -> AppDelivery | None:
        if action.is_open:
            return await member.open_home()
        member.has_home_open = False
        return None

    async def _shortcut(self, member: WorkspaceMember, action: UseShortcut) -> AppDelivery:
        if action.message is None:
            return await member.shortcut(action.callback_id)
        return await member.message_shortcut(action.callback_id, _find_message(member, action.message))

    async def _type_text(self, member: WorkspaceMember, action: TypeText) -> AppDelivery | None:
        name, _, rest = action.text.strip().partition(" ")
        command = self._manifest.command(name)
        if command is not None:
            text = self._encode(rest.strip(), tokens=command.should_escape)
            return await member.command(name, text, channel=action.channel)
        if name.startswith("/"):
            raise CannotDo(f"{name} is not a valid command.")
        await member.post(self._encode(action.text, tokens=True), channel=action.channel)
        return None

    def _encode(self, text: str, *, tokens: bool) -> str:
        """The text as Slack's client sends it: entities for & < >, and with `tokens` <…> for mentions and links."""
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        if not tokens:
            return text
        return _LINK.sub(r"<\g<0>>", _MENTION.sub(self._encode_mention, text))

    def _encode_mention(self, found: re.Match[str]) -> str:
        sign, name = found.groups()
        for number, known in self._names(sign):
            if known == name:
                return f"<{sign}{number}|{name}>"
        return found[0]

    def _names(self, sign: str) -> Iterator[tuple[str, str]]:
        if sign == "#":
            yield from ((one.id, one.name) for one in self._workspace.channels if not one.is_im)
        else:
            yield from ((one.id, one.name) for one in self._workspace.people)


def _find_message(member: WorkspaceMember, key: str | None) -> SlackMessage:
    for message in member.messages:
        if serializers.message_key(message) == key:
            return message
    raise CannotDo("that message is not there any more")


def _enter_and_find_view(member: WorkspaceMember, number: str, fields: EnteredFields) -> SlackView:
    """Find the view with that id and enter the values of the fields. Raises `CannotDo` if the view is closed."""
    for view in [*member.views, *([member.home] if member.home else [])]:
        if view.id == number:
            member.enter(view, fields)
            return view
    raise CannotDo("that window is closed")
