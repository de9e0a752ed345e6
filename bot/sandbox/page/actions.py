"""What a person does in the workspace: each act is a value that the page sends, and becomes one of `Member`'s actions.

Source of what Slack's client does before it sends: docs.slack.dev/interactivity/implementing-slash-commands.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec

from bot.sandbox.page import serializers
from bot.sandbox.page.app_manifest import AppManifest
from bot.sandbox.slack import CannotDo, Delivery, FieldsRefused, Member, Message, View, Workspace

Json = dict[str, Any]
Fields = dict[str, dict[str, Any]]  #: block_id -> action_id -> what is entered there

_MENTION = re.compile(r"(?<![\w<])([@#])([a-z0-9._-]+)")
_LINK = re.compile(r"(?<![\w<|])https?://[^\s<>|]+")


class Type(msgspec.Struct, tag_field="do", tag="type", forbid_unknown_fields=True):
    """Sends what stands in the composer: a message, or a slash command."""

    channel: str
    text: str


class Click(msgspec.Struct, tag_field="do", tag="click", forbid_unknown_fields=True):
    """A button or a menu, in a message (its key) or in a view (its id). The app's own confirm dialog was answered.

    `option` is what was chosen: an option's value, an id, a date; several in a list.
    """

    block_id: str
    action_id: str
    message: str | None = None
    view: str | None = None
    option: Any = None
    fields: Fields = {}


class Submit(msgspec.Struct, tag_field="do", tag="submit", forbid_unknown_fields=True):
    view: str
    fields: Fields = {}


class Close(msgspec.Struct, tag_field="do", tag="close", forbid_unknown_fields=True):
    """`all` is the x at the top: the whole stack."""

    view: str
    fields: Fields = {}
    all: bool = False


class Home(msgspec.Struct, tag_field="do", tag="home", forbid_unknown_fields=True):
    """Opens the Home tab, or leaves it."""

    is_open: bool = True


class Shortcut(msgspec.Struct, tag_field="do", tag="shortcut", forbid_unknown_fields=True):
    callback_id: str
    message: str | None = None


Act = Type | Click | Submit | Close | Home | Shortcut


class Acts:
    def __init__(self, workspace: Workspace, manifest: AppManifest) -> None:
        self._workspace = workspace
        self._manifest = manifest
        self._does: dict[type, Callable[[Member, Any], Awaitable[Delivery | None]]] = {
            Type: self._type,
            Click: self._click,
            Submit: self._submit,
            Close: self._close,
            Home: self._home,
            Shortcut: self._shortcut,
        }

    async def do(self, person: str, act: Act) -> Json:
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

    async def _click(self, member: Member, act: Click) -> Delivery:
        where = _view(member, act.view, act.fields) if act.view else _message(member, act.message)
        return await member.click(where, block_id=act.block_id, action_id=act.action_id, option=act.option)

    async def _submit(self, member: Member, act: Submit) -> Delivery:
        return await member.submit(_view(member, act.view, act.fields))

    async def _close(self, member: Member, act: Close) -> Delivery:
        return await member.close(_view(member, act.view, act.fields), all_of_them=act.all)

    async def _home(self, member: Member, act: Home) -> Delivery | None:
        if act.is_open:
            return await member.open_home()
        member.has_home_open = False
        return None

    async def _shortcut(self, member: Member, act: Shortcut) -> Delivery:
        if act.message is None:
            return await member.shortcut(act.callback_id)
        return await member.message_shortcut(act.callback_id, _message(member, act.message))

    async def _type(self, member: Member, act: Type) -> Delivery | None:
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


def _message(member: Member, key: str | None) -> Message:
    for message in member.messages:
        if serializers.message_key(message) == key:
            return message
    raise CannotDo("that message is not there any more")


def _view(member: Member, number: str, fields: Fields) -> View:
    """The view, after what the person entered is in it."""
    for view in [*member.views, *([member.home] if member.home else [])]:
        if view.id == number:
            member.enter(view, fields)
            return view
    raise CannotDo("that window is closed")
