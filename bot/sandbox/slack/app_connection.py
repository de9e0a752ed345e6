"""The connection of the emulated workspace to the app: deliveries to the app, and the response_urls that it may use."""

from __future__ import annotations

from collections.abc import Mapping

from bot.sandbox.slack.app_answers import record_answer
from bot.sandbox.slack.deliver import EVENT, Deliverer
from bot.sandbox.slack.model import Payload, ResponseUrlKind, SlackMessage
from bot.sandbox.slack.payloads import event_payload
from bot.sandbox.slack.records import AppDelivery, DeliveryKind, WorkspaceRecords
from bot.sandbox.slack.state import WorkspaceState


class AppConnection:
    """Sends deliveries to the app and makes response_urls. `hooks_url` is known once the workspace listens."""

    def __init__(self, state: WorkspaceState, deliverer: Deliverer, records: WorkspaceRecords) -> None:
        self.hooks_url = ""
        self._state = state
        self._deliverer = deliverer
        self._records = records

    async def send(self, kind: DeliveryKind, payload: Payload) -> AppDelivery:
        """Send a delivery whose answer the caller records and applies to the workspace."""
        return await self._deliverer.send(kind, payload)

    async def deliver(
        self,
        payload_kind: DeliveryKind,
        payload: Payload,
        headers_override: Mapping[str, str] | None = None,
        *,
        sign: bool = True,
    ) -> AppDelivery:
        """Send any payload. The answer changes nothing in the workspace.

        With `headers_override` or without `sign` the payload always goes over HTTP: Socket Mode has no headers.
        """
        delivery = await self._deliverer.send(payload_kind, payload, headers_override=headers_override, signed=sign)
        return self.record(delivery)

    async def replay(self, delivery: AppDelivery) -> AppDelivery:
        """Send a request again, byte for byte, with its old signature. The answer changes nothing in the workspace."""
        return self.record(await self._deliverer.replay(delivery))

    async def retry(self, delivery: AppDelivery, number: int = 1, reason: str = "http_timeout") -> AppDelivery:
        """Retry an event as Slack does: the same payload, with a new signature and X-Slack-Retry-Num."""
        return self.record(await self._deliverer.send(delivery.kind, delivery.payload, retry=(number, reason)))

    async def emit(self, event: Payload) -> AppDelivery:
        """Send an event (app_uninstalled, tokens_revoked, user_change …) in the envelope of the Events API."""
        return await self.deliver(EVENT, event_payload(self._state, event))

    def record(self, delivery: AppDelivery) -> AppDelivery:
        """Keep the app's answer among the payloads that the app sent."""
        record_answer(self._records, delivery)
        return delivery

    def response_url(self, kind: ResponseUrlKind, user: str, channel: str, message: SlackMessage | None = None) -> str:
        """A new response_url for a command or an action of `user` in `channel`."""
        return f"{self.hooks_url}/{self._state.new_response_url(kind, user, channel, message).path}"
