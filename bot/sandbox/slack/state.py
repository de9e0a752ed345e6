"""The state of a workspace: people, conversations, messages, open views. No HTTP happens here.

What Slack refuses raises `Refusal` with Slack's error code and changes nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import Any

from bot.sandbox.slack.changes import Changes
from bot.sandbox.slack.elements import complete
from bot.sandbox.slack.model import (
    Payload,
    PostedLinks,
    ResponseUrl,
    ResponseUrlKind,
    SlackChannel,
    SlackMessage,
    SlackUser,
    SlackView,
    Trigger,
)

TRIGGER_LIVES = 3.0  # seconds
MAX_STACKED_VIEWS = 3
RESPONSE_URL_LIFETIME = 30 * 60.0  # seconds
MAX_RESPONSE_URL_USES = 5


class Refusal(Exception):
    """Slack refuses. `code` is Slack's error code; `extra` holds further fields of the answer."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra


class WorkspaceState:
    """The state of a workspace. All times are seconds of `clock`. `trigger_lives` can be changed at any time."""

    trigger_lives = TRIGGER_LIVES

    def __init__(self, *, team_id: str, enterprise_id: str | None, app_id: str, clock: Callable[[], float]) -> None:
        self.team_id = team_id
        self.enterprise_id = enterprise_id
        self.org_install = False  #: installed on the whole organisation (Enterprise Grid)
        self.app_id = app_id
        self.clock = clock
        self.bot = SlackUser("U0SANDBOXB", "sandbox-bot", team_id, is_bot=True)
        self.bot_id = "B0SANDBOX0"
        self.changes = Changes()
        self.forget()
        self.honours_client_msg_id = False
        self.unfurl_domains: frozenset[str] = frozenset()  #: of the app's manifest; it is told of links there
        self.functions: dict[str, Payload] = {}  #: of the app's manifest: workflow steps by callback id
        self.edit_window: float | None = None  # seconds after which chat.update is refused
        self._count = 0

    def forget(self) -> None:
        """Reset the workspace: nobody but the bot, no conversations, no messages, no views."""
        self.people: dict[str, SlackUser] = {self.bot.id: self.bot}
        self.channels: dict[str, SlackChannel] = {}
        self.messages: list[SlackMessage] = []
        self.views: dict[str, SlackView] = {}  #: view id -> every modal that was ever opened
        self.stacks: dict[str, list[SlackView]] = {}  #: user id -> open modals, the one on top last
        self.homes: dict[str, SlackView] = {}  #: user id -> the person's home tab
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.posted_links: dict[str, PostedLinks] = {}  #: unfurl_id -> the links that the app was told of
        self.executions: dict[str, Any] = {}  #: id -> an execution of a workflow step
        self.step_tokens: dict[str, bool] = {}  #: tokens of such events -> whether calls are still taken by it

    def next_number(self) -> int:
        self._count += 1
        return self._count

    def new_ts(self) -> str:
        """A new `ts`, which no other message has."""
        return f"{int(self.clock())}.{self.next_number():06d}"

    # --- conversations

    def find_dm(self, user: str) -> SlackChannel | None:
        return next((one for one in self.channels.values() if one.user == user), None)

    def open_dm(self, user: str) -> SlackChannel:
        """The direct message between the bot and a person, made if there is none yet. Raises `Refusal`."""
        person = self.people.get(user)
        if person is None:
            raise Refusal("user_not_found")
        if person.is_bot:
            raise Refusal("cannot_dm_bot")
        if person.deleted:
            raise Refusal("user_disabled")
        if (known := self.find_dm(user)) is not None:
            return known
        channel = SlackChannel(f"D{self.next_number():03d}{user[1:]}", "directmessage", {user, self.bot.id}, user)
        self.channels[channel.id] = channel
        self.changes.publish("channel", channel)
        return channel

    def find_conversation(self, named: str, *, users_too: bool = False) -> SlackChannel:
        """The channel with that id. With `users_too` a user id stands for the direct message with that person."""
        if users_too and named[:1] in ("U", "W"):
            try:
                return self.open_dm(named)
            except Refusal as refusal:
                raise Refusal("channel_not_found" if refusal.code == "user_not_found" else refusal.code) from None
        try:
            return self.channels[named]
        except KeyError:
            raise Refusal("channel_not_found") from None

    def one_name_of(self, conversation: str) -> str:
        """One name for each conversation: of a direct message the id of the person, which may stand for it."""
        known = self.channels.get(conversation)
        return known.user if known is not None and known.user is not None else conversation

    # --- messages

    def post(
        self, channel: SlackChannel, payload: Payload, *, user: str | None = None, to: str | None = None
    ) -> SlackMessage:
        """Add a message by `user` (default: the bot) to a channel. Only `to` sees it (default: all members)."""
        message = SlackMessage(channel.id, self.new_ts(), user or self.bot.id, "", ephemeral_to=to, by_bot=user is None)
        message.thread_ts = payload.get("thread_ts")
        message.client_msg_id = payload.get("client_msg_id")
        self._write(message, payload)
        self.messages.append(message)
        self.changes.publish("message", message)
        return message

    def edit(self, message: SlackMessage, payload: Payload) -> None:
        """Replace the content of a message. Blocks and attachments that are not in the payload are removed."""
        self._write(message, payload)
        message.edited = self.new_ts()
        self.changes.publish("message_changed", message)

    def _write(self, message: SlackMessage, payload: Payload) -> None:
        content = complete({name: payload[name] for name in ("blocks", "attachments", "metadata") if payload.get(name)})
        message.text = str(payload.get("text") or payload.get("markdown_text") or "")[:40_000]
        message.blocks = content.get("blocks", [])
        message.attachments = content.get("attachments", [])
        message.metadata = content.get("metadata")

    def attach(self, message: SlackMessage, attachments: dict[str, Payload]) -> None:
        """Attach these to links of a message, by URL. One that is there is replaced. The message is not edited."""
        by_url = {one.get("app_unfurl_url"): one for one in message.attachments}
        message.attachments = [
            {**one, "id": number} for number, one in enumerate((by_url | attachments).values(), start=1)
        ]
        self.changes.publish("message_changed", message)

    def delete(self, message: SlackMessage) -> None:
        message.deleted = True
        self.changes.publish("message_deleted", message)

    def find_message(self, channel: str, ts: str) -> SlackMessage:
        """The message with that `ts`, if it is neither deleted nor ephemeral. Raises `Refusal`."""
        for message in self.messages:
            if (message.channel, message.ts) == (channel, ts) and not message.deleted and not message.ephemeral_to:
                return message
        raise Refusal("message_not_found")

    def visible_to(self, user: str) -> list[SlackMessage]:
        """All messages that a person sees, oldest first."""
        mine = {one.id for one in self.channels.values() if user in one.members}
        return [
            one
            for one in self.messages
            if not one.deleted and one.ephemeral_to in (None, user) and (one.channel in mine or one.ephemeral_to)
        ]

    # --- triggers and response_urls

    def new_trigger(self, user: str, view_id: str | None = None) -> str:
        number = f"{self.next_number()}.{int(self.clock() * 1000)}.{secrets.token_hex(16)}"
        self.triggers[number] = Trigger(number, user, self.clock(), view_id)
        return number

    def new_response_url(
        self, kind: ResponseUrlKind, user: str, channel: str, message: SlackMessage | None = None
    ) -> ResponseUrl:
        path = f"{kind}/{self.team_id}/{self.next_number()}/{secrets.token_urlsafe(18)}"
        self.response_urls[path] = ResponseUrl(path, user, channel, self.clock(), message)
        return self.response_urls[path]

    def find_trigger(self, number: str) -> Trigger:
        """The trigger with that id, if it can still be used. Raises `Refusal`."""
        trigger = self.triggers.get(number)
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.used:
            raise Refusal("exchanged_trigger_id")
        if self.clock() - trigger.created_at > self.trigger_lives:
            raise Refusal("expired_trigger_id")
        return trigger

    def use_response_url(self, path: str) -> ResponseUrl:
        """The response_url with that path; counts one use. Raises `Refusal`."""
        url = self.response_urls.get(path)
        if url is None:
            raise Refusal("invalid_url")
        if self.clock() - url.created_at > RESPONSE_URL_LIFETIME:
            raise Refusal("expired_url")
        if url.uses >= MAX_RESPONSE_URL_USES:
            raise Refusal("used_url")
        url.uses += 1
        return url

    # --- views

    def stack(self, user: str) -> list[SlackView]:
        return self.stacks.setdefault(user, [])

    def top_view(self, user: str) -> SlackView | None:
        return next(reversed(self.stack(user)), None)

    def open_view(self, trigger_id: str, payload: Payload) -> SlackView:
        """Open a modal. An open stack of modals is closed first. Raises `Refusal`."""
        trigger = self.find_trigger(trigger_id)
        self._check_external_id(payload)
        trigger.used = True
        self.close(self.stack(trigger.user))
        return self._add_view(trigger.user, payload)

    def push_view(self, trigger_id: str, payload: Payload) -> SlackView:
        """Push a modal over the one that the trigger came from. Raises `Refusal`."""
        trigger = self.find_trigger(trigger_id)
        if trigger.view_id is None or not self.stack(trigger.user):
            raise Refusal("not_found")
        self.require_room(trigger.user)
        self._check_external_id(payload)
        trigger.used = True
        return self._add_view(trigger.user, payload)

    def require_room(self, user: str) -> None:
        if len(self.stack(user)) >= MAX_STACKED_VIEWS:
            raise Refusal("push_limit_reached")

    def push_over(self, user: str, payload: Payload) -> SlackView:
        """Push a modal over the one on top, as `response_action: push` does. Raises `Refusal`."""
        self.require_room(user)
        self._check_external_id(payload)
        return self._add_view(user, payload)

    def _add_view(self, user: str, payload: Payload) -> SlackView:
        below = self.top_view(user)
        number = f"V{self.next_number():03d}{secrets.token_hex(4).upper()}"
        view = SlackView(number, user, "", below.root_id if below else number, {}, below.id if below else None)
        view.show(complete(payload), self._hash())
        self.views[number] = view
        self.stack(user).append(view)
        self.changes.publish("view", view)
        return view

    def update_view(self, view: SlackView, payload: Payload, hash_: str | None = None) -> SlackView:
        """Replace the content of an open view. Raises `Refusal`."""
        if hash_ is not None and hash_ != view.hash:
            raise Refusal("hash_conflict")
        self._check_external_id(payload, view)
        view.show(complete(payload), self._hash())
        self.changes.publish("home" if view.type == "home" else "view", view)
        return view

    def publish(self, user: str, payload: Payload, hash_: str | None = None) -> SlackView:
        """Publish the home tab of a person. Raises `Refusal`."""
        if user not in self.people:
            raise Refusal("user_not_found")
        if (home := self.homes.get(user)) is None:
            number = f"V{self.next_number():03d}{secrets.token_hex(4).upper()}"
            home = self.homes[user] = SlackView(number, user, "", number, {})
        elif hash_ is not None and hash_ != home.hash:
            raise Refusal("hash_conflict")
        home.show(complete(payload), self._hash())
        self.changes.publish("home", home)
        return home

    def find_open_view(self, view_id: str | None, external_id: str | None) -> SlackView:
        """The open view with that id or external id. Raises `Refusal`."""
        for view in [*self.views.values(), *self.homes.values()]:
            meant = view.id == view_id if view_id else bool(external_id) and view.external_id == external_id
            if meant and not view.closed:
                return view
        raise Refusal("not_found")

    def close(self, views: Iterable[SlackView]) -> None:
        for view in list(views):
            if not view.closed:
                view.closed = True
                self.stack(view.user).remove(view)
                self.changes.publish("view_closed", view)

    def _check_external_id(self, payload: Payload, itself: SlackView | None = None) -> None:
        wanted = payload.get("external_id")
        others = [one for stack in self.stacks.values() for one in stack if one is not itself]
        if wanted and any(one.external_id == wanted for one in others):
            raise Refusal("duplicate_external_id")

    def _hash(self) -> str:
        return f"{int(self.clock())}.{secrets.token_hex(4)}"
