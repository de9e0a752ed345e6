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

Fields = dict[str, dict[str, Any]]  #: block_id -> action_id -> what is entered there

_MENTION = re.compile(r"(?<![\w<])([@#])([a-z0-9._-]+)")
_LINK = re.compile(r"(?<![\w<|])https?://[^\s<>|]+")


class TypeText(msgspec.Struct, tag_field="do", tag="type", forbid_unknown_fields=True):
    """Sends what stands in the composer: a message, or a slash command."""

    channel: str
    text: str


class ClickElement(msgspec.Struct, tag_field="do", tag="click", forbid_unknown_fields=True):
    """A button or a menu, in a message (its key) or in a view (its id). The app's own confirm dialog was answered.

    `option` is what was chosen: an option's value, an id, a date; several in a list.
    """

    block_id: str
    action_id: str
    message: str | None = None
    view: str | None = None
    option: Any = None
    fields: Fields = {}


class SubmitForm(msgspec.Struct, tag_field="do", tag="submit", forbid_unknown_fields=True):
    view: str
    fields: Fields = {}


class CloseView(msgspec.Struct, tag_field="do", tag="close", forbid_unknown_fields=True):
    """`all` is the x at the top: the whole stack."""

    view: str
    fields: Fields = {}
    all: bool = False


class ToggleHome(msgspec.Struct, tag_field="do", tag="home", forbid_unknown_fields=True):
    """Opens the Home tab, or leaves it."""

    is_open: bool = True


class UseShortcut(msgspec.Struct, tag_field="do", tag="shortcut", forbid_unknown_fields=True):
    callback_id: str
    message: str | None = None


PersonAction = TypeText | ClickElement | SubmitForm | CloseView | ToggleHome | UseShortcut


class PersonActions:
    def __init__(self, workspace: SlackWorkspace, manifest: AppManifest) -> None:
        self._workspace = workspace
        self._manifest = manifest
        self._does: dict[type, Callable[[WorkspaceMember, Any], Awaitable[AppDelivery | None]]] = {
            TypeText: self._type,
            ClickElement: self._click,
            SubmitForm: self._submit,
            CloseView: self._close,
            ToggleHome: self._home,
            UseShortcut: self._shortcut,
        }

    async def do(self, person: str, act: PersonAction) -> Json:
        """What the person is told at once: `warning` is Slack's, `cannot` says why it was not even sent.

        Raises `KeyError` for a person who does not exist.
        """
        member = {one.id: one for one in self._workspace.people}[person]
        try:
            delivery = await self._does[type(act)](member, act)
        except FieldsRefused:
            return {}
        except CannotDo as cannot:
            return {"cannot": str(cannot)}
        return {"warning": delivery.shown} if delivery is not None and delivery.error is not None else {}

    async def _click(self, member: WorkspaceMember, act: ClickElement) -> AppDelivery:
        where = _view(member, act.view, act.fields) if act.view else _message(member, act.message)
        return await member.click(where, block_id=act.block_id, action_id=act.action_id, option=act.option)

    async def _submit(self, member: WorkspaceMember, act: SubmitForm) -> AppDelivery:
        return await member.submit(_view(member, act.view, act.fields))

    async def _close(self, member: WorkspaceMember, act: CloseView) -> AppDelivery:
        return await member.close(_view(member, act.view, act.fields), all_of_them=act.all)

    async def _home(self, member: WorkspaceMember, act: ToggleHome) -> AppDelivery | None:
        if act.is_open:
            return await member.open_home()
        member.has_home_open = False
        return None

    async def _shortcut(self, member: WorkspaceMember, act: UseShortcut) -> AppDelivery:
        if act.message is None:
            return await member.shortcut(act.callback_id)
        return await member.message_shortcut(act.callback_id, _message(member, act.message))

    async def _type(self, member: WorkspaceMember, act: TypeText) -> AppDelivery | None:
        name, _, rest = act.text.strip().partition(" ")
        command = self._manifest.command(name)
        if command is not None:
            text = self._as_sent(rest.strip(), tokens=command.should_escape)
            return await member.command(name, text, channel=act.channel)
        if name.startswith("/"):
            raise CannotDo(f"{name} is not a valid command.")
        member.say(self._as_sent(act.text, tokens=True), channel=act.channel)
        return None

    def _as_sent(self, text: str, *, tokens: bool) -> str:
        """As Slack's client sends it: & < > as entities; people, channels and links as <…> if `tokens`."""
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        if not tokens:
            return text
        return _LINK.sub(r"<\g<0>>", _MENTION.sub(self._token, text))

    def _token(self, found: re.Match[str]) -> str:
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


def _message(member: WorkspaceMember, key: str | None) -> SlackMessage:
    for message in member.messages:
        if serializers.message_key(message) == key:
            return message
    raise CannotDo("that message is not there any more")


def _view(member: WorkspaceMember, number: str, fields: Fields) -> SlackView:
    """The view, after what the person entered is in it."""
    for view in [*member.views, *([member.home] if member.home else [])]:
        if view.id == number:
            member.enter(view, fields)
            return view
    raise CannotDo("that window is closed")
