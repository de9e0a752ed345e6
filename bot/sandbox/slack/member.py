"""What one person in the workspace can do. Each action is one delivery to the app."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.sandbox.slack.app_answers import apply_command_answer, apply_submission_answer
from bot.sandbox.slack.app_connection import AppConnection
from bot.sandbox.slack.deliver import COMMAND, EVENT, INTERACTION
from bot.sandbox.slack.elements import STATE_FIELDS, CannotDo, Element, FieldsRefused, find_elements
from bot.sandbox.slack.forms import ElementQuery, check_fields, choose, find_element, find_field
from bot.sandbox.slack.member_view import MemberView
from bot.sandbox.slack.model import Payload, PostedLinks, SlackChannel, SlackMessage, SlackUser, SlackView
from bot.sandbox.slack.payloads import (
    InteractionKind,
    action_payload,
    channel_payload,
    command_payload,
    event_payload,
    interaction,
    message_context,
    message_payload,
    view_payload,
)
from bot.sandbox.slack.pickers import require_offered
from bot.sandbox.slack.records import AppDelivery, DeliveryKind
from bot.sandbox.slack.state import WorkspaceState
from bot.sandbox.slack.unfurls import COMPOSER, find_links, link_shared, new_number


class WorkspaceMember(MemberView):
    """Acts as one person. Raises `CannotDo` for what the person does not see or Slack does not let them do."""

    def __init__(self, state: WorkspaceState, person: SlackUser, app: AppConnection) -> None:
        super().__init__(state, person)
        self._app = app

    # --- commands and shortcuts

    async def command(self, command: str, text: str = "", *, channel: SlackChannel | str | None = None) -> AppDelivery:
        """Type a slash command in `channel`, or else in the direct message with the bot."""
        where = self._find_channel(channel)
        url = self._app.response_url("commands", self.id, where.id)
        payload = command_payload(self._state, self.person, where, command, text, url)
        delivery = await self._app.send(COMMAND, payload)
        apply_command_answer(self._state, delivery, self.id, where.id)
        return self._finish(delivery)

    async def shortcut(self, callback_id: str) -> AppDelivery:
        """Use a global shortcut."""
        payload = self._interaction("shortcut", callback_id=callback_id, trigger_id=self._state.new_trigger(self.id))
        return self._finish(await self._app.send(INTERACTION, payload))

    async def message_shortcut(self, callback_id: str, message: SlackMessage) -> AppDelivery:
        """Use a message shortcut on `message`."""
        self._require_visible(message)
        payload = self._interaction(
            "message_action",
            callback_id=callback_id,
            trigger_id=self._state.new_trigger(self.id),
            message_ts=message.ts,
            channel=channel_payload(self._state.channels[message.channel]),
            message=message_payload(self._state, message),
            response_url=self._app.response_url("actions", self.id, message.channel),
        )
        return self._finish(await self._app.send(INTERACTION, payload))

    async def open_home(self) -> AppDelivery:
        """Open the Home tab of the app."""
        self.has_home_open = True
        channel = self._state.open_dm(self.id)
        event: Payload = {"type": "app_home_opened", "user": self.id, "channel": channel.id, "tab": "home"}
        event["event_ts"] = self._state.new_ts()
        if self.home is not None:
            event["view"] = view_payload(self._state, self.home)
        return self._finish(await self._app.send(EVENT, event_payload(self._state, event)))

    def say(
        self,
        text: str,
        *,
        channel: SlackChannel | str | None = None,
        thread: SlackMessage | None = None,
        **more: Any,
    ) -> SlackMessage:
        """Write a message, or a reply to `thread`. The app gets no event, because it has no scope to read messages.

        `more` are other fields of the message, such as the blocks that Slack makes of what is typed.
        """
        payload: Payload = {"text": text, **more, "thread_ts": thread.ts if thread else None}
        return self._state.post(self._find_channel(channel), payload, user=self.id)

    async def post(
        self, text: str, *, channel: SlackChannel | str | None = None, thread_ts: str | None = None
    ) -> SlackMessage:
        """Write a message. The app is told of links on its domains, if it may read them."""
        content = {"text": text} | ({"thread_ts": thread_ts} if thread_ts else {})
        message = self._state.post(self._find_channel(channel), content, user=self.id)
        await self._tell_of_links(message.text, message.channel, message.ts, thread_ts)
        return message

    async def compose(self, text: str) -> None:
        """Write into the composer and send nothing. The app is told of links on its domains already."""
        await self._tell_of_links(text, COMPOSER, f"{self.id}-{new_number()}", None)

    async def _tell_of_links(self, text: str, channel: str, ts: str, thread_ts: str | None) -> None:
        if not (urls := find_links(text, self._state.unfurl_domains)):
            return
        in_composer = channel == COMPOSER
        posted = PostedLinks(ts if in_composer else new_number(), channel, ts, urls, in_composer)
        self._state.posted_links[posted.number] = posted
        event = link_shared(self._state, self.id, posted, thread_ts)
        self._finish(await self._app.send(EVENT, event_payload(self._state, event)))

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
        """Use the only button or menu that fits. `option` is what to choose, by value or label; several in a list.

        Without `target` the element is in the modal on top or, with no modal open, in the newest message that has
        it.

        `confirm` answers the confirm dialog of the element, if it has one: True confirms, False cancels (nothing is
        sent), None does not answer, which raises `CannotDo`.
        """
        query = ElementQuery(action_id=action_id, value=value, label=label, block_id=block_id)
        where = self._resolve_target(target) if target or self.view else self._find_newest_with(query)
        element = find_element(where.blocks if isinstance(where, SlackView) else where.all_blocks, query)
        if "confirm" in element.definition and not confirm:
            if confirm is None:
                raise CannotDo("a dialog asks for confirmation")
            return AppDelivery(INTERACTION, {})
        entered = choose(element, option)
        require_offered(self._state, self.id, element, entered)
        return await self._use_element(where, element, entered)

    async def _use_element(self, where: SlackMessage | SlackView, element: Element, entered: Payload) -> AppDelivery:
        if isinstance(where, SlackView):
            if element.kind in STATE_FIELDS:
                where.values.setdefault(element.block_id, {})[element.action_id] = entered
            shown = view_payload(self._state, where)
            fields: Payload = {"container": {"type": "view", "view_id": where.id}, "view": shown}
            trigger = self._state.new_trigger(self.id, where.id if where.type == "modal" else None)
        else:
            fields = message_context(self._state, where, element.block_id)
            fields["response_url"] = self._app.response_url("actions", self.id, where.channel, where)
            if element.kind in STATE_FIELDS:
                fields["state"]["values"].setdefault(element.block_id, {})[element.action_id] = entered
            trigger = self._state.new_trigger(self.id)
        actions = [action_payload(element, entered, self._state.new_ts())]
        payload = self._interaction("block_actions", trigger_id=trigger, actions=actions, **fields)
        return self._finish(await self._app.send(INTERACTION, payload))

    # --- forms

    def enter(self, view: SlackView, fields: Mapping[str, Mapping[str, Any]]) -> None:
        """Enter values (block_id -> action_id -> value) without sending anything to the app.

        Values for elements that the view does not have are ignored. Raises `CannotDo` for an option that an element
        does not offer.
        """
        for element in find_elements(view.blocks):
            entered = fields.get(element.block_id, {})
            if element.action_id in entered:
                state = element.state_with(entered[element.action_id])
                require_offered(self._state, self.id, element, state)
                view.values.setdefault(element.block_id, {})[element.action_id] = state

    async def fill(self, view: SlackView | None, fields: Mapping[str, Any]) -> AppDelivery:
        """Enter values: the block_id, action_id or label of a field -> a text, or an option by its value or label.

        A field with `dispatch_action` is sent to the app. Returns the last delivery; an empty one if none was sent.
        """
        form = self._modal(view)
        delivery = AppDelivery(INTERACTION, {})
        for name, value in fields.items():
            element = find_field(form.blocks, name)
            entered = element.state_with(value)
            require_offered(self._state, self.id, element, entered)
            form.values.setdefault(element.block_id, {})[element.action_id] = entered
            if element.block["type"] != "input" or element.block.get("dispatch_action"):
                delivery = await self._use_element(form, element, entered)
        self._state.changes.publish("view", form)
        return delivery

    async def submit(self, view: SlackView | None = None, fields: Mapping[str, Any] | None = None) -> AppDelivery:
        """Fill `fields`, press the submit button and apply the app's answer.

        Raises `FieldsRefused` if the checks of Slack's client do not let the form be sent.
        """
        form = self._modal(view)
        if fields:
            await self.fill(form, fields)
        if form.submit is None:
            raise CannotDo("this modal has no submit button")
        form.errors = check_fields(form)
        if form.errors:
            self._state.changes.publish("view", form)
            raise FieldsRefused(f"Slack asks for another value in {', '.join(form.errors)}")
        payload = self._interaction(
            "view_submission",
            trigger_id=self._state.new_trigger(self.id, form.id),
            view=view_payload(self._state, form),
            response_urls=[],
        )
        delivery = await self._app.send(INTERACTION, payload)
        apply_submission_answer(self._state, delivery, form)
        return self._finish(delivery)

    async def close(self, view: SlackView | None = None, *, all_of_them: bool = False) -> AppDelivery:
        """Close the modal on top or, with `all_of_them`, all. Only with `notify_on_close` the app is told."""
        form = self._modal(view)
        everything = all_of_them or bool(form.payload.get("clear_on_close"))
        root = self.views[0]
        closed = root if everything else form
        payload = self._interaction("view_closed", view=view_payload(self._state, closed), is_cleared=everything)
        self._state.close(reversed(self.views) if everything else [form])
        if not closed.payload.get("notify_on_close"):
            return AppDelivery(INTERACTION, {})
        return self._finish(await self._app.send(INTERACTION, payload))

    # --- raw payloads, also forged ones

    async def deliver(
        self,
        payload_kind: DeliveryKind,
        payload: Payload,
        headers_override: Mapping[str, str] | None = None,
        *,
        sign: bool = True,
    ) -> AppDelivery:
        """See `AppConnection.deliver`."""
        return await self._app.deliver(payload_kind, payload, headers_override, sign=sign)

    async def replay(self, delivery: AppDelivery) -> AppDelivery:
        """See `AppConnection.replay`."""
        return await self._app.replay(delivery)

    # --- private

    def _interaction(self, kind: InteractionKind, /, **fields: Any) -> Payload:
        if kind in ("shortcut", "message_action"):
            fields["action_ts"] = self._state.new_ts()
        return interaction(self._state, self.person, kind, **fields)

    def _finish(self, delivery: AppDelivery) -> AppDelivery:
        self._app.record(delivery)
        if delivery.error is not None and delivery.kind != EVENT:
            delivery.shown = delivery.shown or delivery.error
            self.warnings.append(delivery.shown)
            self._state.changes.publish("warning", self)
        return delivery
