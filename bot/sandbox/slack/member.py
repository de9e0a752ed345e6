"""A person in the workspace: what they see, and what they can do. Each action is one delivery to the app."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.app_answers import after_command, after_submission, record_answer
from bot.sandbox.slack.deliver import COMMAND, EVENT, INTERACTION
from bot.sandbox.slack.elements import STATE, CannotDo, Element, FieldsRefused, elements
from bot.sandbox.slack.forms import chosen, complaints, field, the_one
from bot.sandbox.slack.member_view import MemberView
from bot.sandbox.slack.model import Payload, SlackChannel, SlackMessage, SlackUser, SlackView
from bot.sandbox.slack.payloads import (
    action_payload,
    channel_payload,
    command_payload,
    event_payload,
    interaction,
    message_payload,
    on_message,
    view_payload,
)
from bot.sandbox.slack.records import AppDelivery

if TYPE_CHECKING:
    from bot.sandbox.slack.workspace import SlackWorkspace


class WorkspaceMember(MemberView):
    """Acts as one person. Raises `CannotDo` for what is not in sight or what Slack itself does not let them do."""

    def __init__(self, workspace: SlackWorkspace, person: SlackUser) -> None:
        super().__init__(workspace.state, person)
        self._workspace = workspace

    # --- commands and shortcuts

    async def command(self, command: str, text: str = "", *, channel: SlackChannel | str | None = None) -> AppDelivery:
        """Types a slash command; without `channel` in the direct message with the bot."""
        where = self._channel(channel)
        url = self._workspace.response_url("commands", self.id, where.id)
        payload = command_payload(self._state, self.person, where, command, text, url)
        delivery = await self._workspace.send(COMMAND, payload)
        after_command(self._state, delivery, self.id, where.id)
        return self._done(delivery)

    async def shortcut(self, callback_id: str) -> AppDelivery:
        """A global shortcut."""
        payload = self._interaction("shortcut", callback_id=callback_id, trigger_id=self._state.new_trigger(self.id))
        return self._done(await self._workspace.send(INTERACTION, payload))

    async def message_shortcut(self, callback_id: str, message: SlackMessage) -> AppDelivery:
        self._must_see(message)
        payload = self._interaction(
            "message_action",
            callback_id=callback_id,
            trigger_id=self._state.new_trigger(self.id),
            message_ts=message.ts,
            channel=channel_payload(self._state.channels[message.channel]),
            message=message_payload(self._state, message),
            response_url=self._workspace.response_url("actions", self.id, message.channel),
        )
        return self._done(await self._workspace.send(INTERACTION, payload))

    async def open_home(self) -> AppDelivery:
        """Opens the Home tab of the app."""
        self.has_home_open = True
        channel = self._state.open_dm(self.id)
        event: Payload = {"type": "app_home_opened", "user": self.id, "channel": channel.id, "tab": "home"}
        event["event_ts"] = self._state.ts()
        if self.home is not None:
            event["view"] = view_payload(self._state, self.home)
        return self._done(await self._workspace.send(EVENT, event_payload(self._state, event)))

    def say(self, text: str, *, channel: SlackChannel | str | None = None) -> SlackMessage:
        """Writes a message. The app is not told: it would need scopes to read."""
        return self._state.post(self._channel(channel), {"text": text}, user=self.id)

    # --- clicking

    async def click(
        self,
        target: SlackMessage | SlackView | None = None,
        *,
        action_id: str | None = None,
        value: str | None = None,
        label: str | None = None,
        block_id: str | None = None,
        option: Any = None,
        confirm: bool | None = True,
    ) -> AppDelivery:
        """Uses the one button or menu that fits; `option` is what to choose, by value or label (several in a list).

        Without `target` it is in the modal on top, or else in the newest message that has it.

        `confirm` answers the dialog, if there is one: True goes on, False thinks better of it (nothing is
        sent), None leaves it unanswered, which raises `CannotDo`.
        """
        wanted = {"action_id": action_id, "value": value, "label": label, "block_id": block_id}
        where = self._in_sight(target) if target or self.view else self._newest_with(**wanted)
        element = the_one(where.blocks, **wanted)
        if "confirm" in element.it and not confirm:
            if confirm is None:
                raise CannotDo("a dialog asks for confirmation")
            return AppDelivery(INTERACTION, {})
        return await self._act(where, element, chosen(element, option))

    async def _act(self, where: SlackMessage | SlackView, element: Element, entered: Payload) -> AppDelivery:
        if isinstance(where, SlackView):
            if element.kind in STATE:
                where.values.setdefault(element.block_id, {})[element.action_id] = entered
            shown = view_payload(self._state, where)
            more: Payload = {"container": {"type": "view", "view_id": where.id}, "view": shown}
            trigger = self._state.new_trigger(self.id, where.id if where.type == "modal" else None)
        else:
            more = on_message(self._state, where)
            more["response_url"] = self._workspace.response_url("actions", self.id, where.channel, where)
            if element.kind in STATE:
                more["state"]["values"].setdefault(element.block_id, {})[element.action_id] = entered
            trigger = self._state.new_trigger(self.id)
        actions = [action_payload(element, entered, self._state.ts())]
        payload = self._interaction("block_actions", trigger_id=trigger, actions=actions, **more)
        return self._done(await self._workspace.send(INTERACTION, payload))

    # --- forms

    def enter(self, view: SlackView, fields: Mapping[str, Mapping[str, Any]]) -> None:
        """Types and chooses (block_id -> action_id -> value) without anything being sent yet.

        What is not in the view any more is left out. Raises `CannotDo` for what an element does not offer.
        """
        for element in elements(view.blocks):
            entered = fields.get(element.block_id, {})
            if element.action_id in entered:
                state = element.set_to(entered[element.action_id])
                view.values.setdefault(element.block_id, {})[element.action_id] = state

    async def fill(self, view: SlackView | None, fields: Mapping[str, Any]) -> AppDelivery:
        """Enters values: field (its block_id, action_id or label) -> value (text; options by value or label).

        A field that tells the app at once (`dispatch_action`) does; the answer is its delivery.
        """
        form = self._modal(view)
        delivery = AppDelivery(INTERACTION, {})
        for name, value in fields.items():
            element = field(form.blocks, name)
            entered = element.set_to(value)
            form.values.setdefault(element.block_id, {})[element.action_id] = entered
            if element.block["type"] != "input" or element.block.get("dispatch_action"):
                delivery = await self._act(form, element, entered)
        self._state.changes.tell("view", form)
        return delivery

    type = fill

    async def submit(self, view: SlackView | None = None, fields: Mapping[str, Any] | None = None) -> AppDelivery:
        """Presses the submit button, after `fields` were filled. The app's answer shows at once.

        Raises `FieldsRefused` where Slack's own checks keep the form from being sent.
        """
        form = self._modal(view)
        if fields:
            await self.fill(form, fields)
        if form.submit is None:
            raise CannotDo("this modal has no submit button")
        form.errors = complaints(form)
        if form.errors:
            self._state.changes.tell("view", form)
            raise FieldsRefused(f"Slack asks for another value in {', '.join(form.errors)}")
        payload = self._interaction(
            "view_submission",
            trigger_id=self._state.new_trigger(self.id, form.id),
            view=view_payload(self._state, form),
            response_urls=[],
        )
        delivery = await self._workspace.send(INTERACTION, payload)
        after_submission(self._state, delivery, form)
        return self._done(delivery)

    async def close(self, view: SlackView | None = None, *, all_of_them: bool = False) -> AppDelivery:
        """Cancels the modal on top, or (`all_of_them`: the x) the whole stack. The app is told if it asked to be."""
        form = self._modal(view)
        everything = all_of_them or bool(form.payload.get("clear_on_close"))
        root = self.views[0]
        told = root if everything else form
        payload = self._interaction("view_closed", view=view_payload(self._state, told), is_cleared=everything)
        self._state.close(reversed(self.views) if everything else [form])
        if not told.payload.get("notify_on_close"):
            return AppDelivery(INTERACTION, {})
        return self._done(await self._workspace.send(INTERACTION, payload))

    # --- raw requests, forged or not

    async def deliver(
        self,
        payload_kind: str,
        payload: Payload,
        headers_override: Mapping[str, str] | None = None,
        *,
        sign: bool = True,
    ) -> AppDelivery:
        return await self._workspace.deliver(payload_kind, payload, headers_override, sign=sign)

    async def replay(self, delivery: AppDelivery) -> AppDelivery:
        return await self._workspace.replay(delivery)

    # --- inside

    def _interaction(self, kind: str, /, **more: Any) -> Payload:
        if kind in ("shortcut", "message_action"):
            more["action_ts"] = self._state.ts()
        return interaction(self._state, self.person, kind, **more)

    def _done(self, delivery: AppDelivery) -> AppDelivery:
        record_answer(self._workspace.records, delivery)
        if delivery.error is not None and delivery.kind != EVENT:
            delivery.shown = delivery.shown or delivery.error
            self.warnings.append(delivery.shown)
            self._state.changes.tell("warning", self)
        return delivery
