"""Sends the notifications: claimed with a lease, posted with a stable id, marked with a fence.

Never none, at most one repeat; exactly one wherever Slack honours `client_msg_id`. What may have arrived is sent
again with the same id; what can never arrive is parked.
"""

from __future__ import annotations

import asyncio
import time

from bot.errors import BotError, HostNotAllowed, SlackError
from bot.failpoints import failpoint
from bot.interaction.services import Services
from bot.logs import Log
from bot.message_ref import MessageRef
from bot.periodic import PeriodicTask
from bot.screen.parts import Message
from bot.sharing import on_watch_event
from bot.status import tracked_card
from bot.storage.notifications import Notification, Notifications
from bot.storage.shares.rows import Delivery, Share
from bot.storage.tracking.rows import CARD, Tracked
from bot.watch.lease_renewer import LEASE, LeaseRenewer

CONCURRENCY = 10  # messages
IDLE = 1.0  # seconds
FIRST_RETRY, LAST_RETRY = 2.0, 300.0  # seconds; doubled in between
A_CHANNEL = 1.0  # seconds between two messages in one conversation: Slack's limit
BEING_OPENED = 10.0  # seconds until it is known whether somebody who is opening it here has it
FINISH = 3.0  # seconds that what is being sent has at the end

log = Log("notifier")


class _NotYet(Exception):
    """What is to be said is being found out right now."""


class Notifier:
    def __init__(self, services: Services, notifications: Notifications) -> None:
        self._services = services
        self._notifications = notifications
        self._loop = PeriodicTask(self._step, IDLE, log, "not_sent")
        self._held: LeaseRenewer[Notification] = LeaseRenewer(notifications.renew)
        self._sending: set[asyncio.Task[None]] = set()
        self._not_before = 0.0  # the workspace asked us to wait until then
        self._last: dict[str, float] = {}

    def stop(self) -> None:
        """Claim nothing more; what is being sent has a few seconds, then it is given back."""
        self._loop.stop()

    async def run(self) -> None:
        """Until `stop`, and until nothing is held any more."""
        async with self._held.kept():
            await self._loop.run()
            if self._sending:
                _, unsent = await asyncio.wait(self._sending.copy(), timeout=FINISH)
                for task in unsent:
                    task.cancel()  # sent again with the same id, should it have gone out
                await asyncio.gather(*unsent)

    async def once(self) -> bool:
        """Send what is due; whether there was anything."""
        async with self._held.kept():
            found = await self._step()
            await asyncio.gather(*self._sending)
            return found

    async def _step(self) -> bool:
        """Begin to send what is due, as far as there is room; whether there was anything."""
        if len(self._sending) == CONCURRENCY:
            await asyncio.wait(self._sending, timeout=IDLE, return_when=asyncio.FIRST_COMPLETED)
        room = CONCURRENCY - len(self._sending)
        if not room or self._loop.is_stopping or time.monotonic() < self._not_before:
            return False
        claimed = await self._notifications.claim(room, LEASE)
        if not claimed:
            return False
        failpoint("notifications_claimed")
        self._held.hold(claimed)
        for notification in claimed:
            task = asyncio.create_task(self._guarded(notification))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return True

    async def _guarded(self, notification: Notification) -> None:
        """One bad notification never stops the others. It is tried again when its lease has run out."""
        try:
            await self._send(notification)
        except BotError as error:
            log.warning("not_sent", error=str(error))
        except asyncio.CancelledError:
            if not self._loop.is_stopping:
                raise
            await self._notifications.release(notification)
        except Exception as error:  # noqa: BLE001 - counted and left for the lease to run out
            log.error("send_crashed", cause=error)
        finally:
            self._held.drop(notification)

    async def _send(self, notification: Notification) -> None:
        await self._wait_for_channel(notification.person.user_id)
        if not await self._notifications.holds(notification):
            return  # taken back since: the secret is not tracked any more, or the account is gone
        try:
            await self._say(notification)
        except SlackError as trouble:
            await self._failed(notification, trouble)
            return
        except _NotYet:
            await self._notifications.reschedule(notification, BEING_OPENED)
            return
        except HostNotAllowed:
            await self._notifications.dead_letter(notification, "host_not_allowed")
            log.warning("notification_parked", error="host_not_allowed")
            return
        await self._notifications.mark_sent(notification)
        failpoint("notification_marked")

    async def _say(self, notification: Notification) -> None:
        host = self._services.hosts.of(notification.host).name
        tracked = notification.tracked
        if tracked is None:
            await self._services.send(
                notification.person, tracked_card.reconnect_message(host), notification.idempotency_key
            )
        elif (shared := await self._services.shares.of_tracked(tracked.id)) is not None:
            await self._say_of_share(notification, tracked, *shared)
        elif notification.kind == CARD:
            await self._begin_card(notification, tracked, host)
        else:
            # Asked this late, so that what is switched off is off at once. The card follows all the same.
            if await self._wanted(notification):
                await self._services.send(
                    notification.person,
                    tracked_card.notification(tracked, notification.kind, host),
                    notification.idempotency_key,
                )
            failpoint("notification_posted")
            if tracked.card is not None and notification.kind != "reminder":
                await self._refresh(tracked.card, tracked_card.tracked_card(tracked, host))

    async def _wanted(self, notification: Notification) -> bool:
        return (await self._services.preferences.of(notification.person)).wants(notification.kind)

    async def _say_of_share(
        self, notification: Notification, tracked: Tracked, share: Share, delivery: Delivery
    ) -> None:
        """It was shared here: that has a card of its own, and a message where it was shared."""
        if notification.kind == CARD:
            return
        if on_watch_event.must_wait(delivery, notification.kind):
            raise _NotYet
        await on_watch_event.tell_sender(
            self._services, share, delivery, notification.kind, tracked.received_at,
            idempotency_key=notification.idempotency_key, wanted=await self._wanted(notification),
        )  # fmt: skip

    async def _begin_card(self, notification: Notification, tracked: Tracked, host: str) -> None:
        """The card of a secret that nobody tracked by hand; should somebody have, since, it has one."""
        if tracked.card is None:
            card = await self._services.send(
                notification.person, tracked_card.tracked_card(tracked, host), notification.idempotency_key
            )
            await self._services.tracking.set_card(tracked.id, card)
        failpoint("notification_posted")

    async def _refresh(self, card: MessageRef, message: Message) -> None:
        """The card follows the news. That it was deleted, or may not be edited any more, loses nothing.

        It is not posted anew then: the news beside it says the same, and there is nothing left to press.
        """
        try:
            await self._services.update(card, message)
        except SlackError as trouble:
            log.info("card_not_updated", error=str(trouble))

    async def _wait_for_channel(self, who: str) -> None:
        now = time.monotonic()
        wait = self._last.get(who, 0.0) + A_CHANNEL - now
        self._last = {one: at for one, at in self._last.items() if at + A_CHANNEL > now}
        self._last[who] = now + max(wait, 0.0)
        if wait > 0:
            await asyncio.sleep(wait)

    async def _failed(self, notification: Notification, trouble: SlackError) -> None:
        if trouble.is_final:
            await self._notifications.dead_letter(notification, trouble.code)
            log.warning("notification_parked", error=trouble.code)
            return
        wait = min(FIRST_RETRY * 2 ** max(notification.tries - 1, 0), LAST_RETRY)
        if trouble.retry_after is not None:
            self._not_before = time.monotonic() + trouble.retry_after
            wait = trouble.retry_after
        await self._notifications.reschedule(notification, wait)
        log.info("notification_again", error=str(trouble), ms=round(wait * 1000))
