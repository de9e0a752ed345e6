"""Sends notifications to the people who track secrets: each at least once, and twice only after a crash.

    due ──claim──▶ leased ──the conversation is free──▶ posting
     ▲               │                                    ├─ Slack took it ──────────────▶ sent         mark_sent
     │               │                                    ├─ can never arrive ───────────▶ dead letter  dead_letter
     │               │                                    ├─ error, or outcome pending ──▶ due later    reschedule
     │               └─ taken back: nothing is sent       └─ shutdown ───────────────────▶ due          release
     └── the lease runs out: the process died, or the database did not answer

A notification that may have arrived is posted again with the same id (`client_msg_id`), so that Slack drops the second
one where it honours that id. Every arrow on the right is fenced by the lease.
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

CONCURRENCY = 10  # notifications that are sent at once
IDLE_INTERVAL = 1.0  # seconds between two claims when nothing is due
MIN_RETRY_DELAY, MAX_RETRY_DELAY = 2.0, 300.0  # seconds; doubled with each try
CHANNEL_INTERVAL = 1.0  # seconds between two messages to one person: Slack's limit for a conversation
OPENING_DELAY = 10.0  # seconds to wait while somebody is opening the secret here, until the outcome is known
FINISH_TIME = 3.0  # seconds at shutdown for notifications that are being sent

log = Log("notifier")


class _OutcomePending(Exception):
    """What the notification must say is not known yet: somebody is opening the secret."""


class Notifier:
    """Sends notifications until `stop`. The docstring of this module draws the states of a notification."""

    def __init__(self, services: Services, notifications: Notifications) -> None:
        self._services = services
        self._notifications = notifications
        self._loop = PeriodicTask(self._start_sending, IDLE_INTERVAL, log, "claim_failed")
        self._lease_renewer: LeaseRenewer[Notification] = LeaseRenewer(notifications.renew)
        self._sending: set[asyncio.Task[None]] = set()
        self._rate_limited_until = 0.0  # by `time.monotonic`: send nothing before, because Slack asked us to wait
        self._last_post_at: dict[str, float] = {}  # user id -> `time.monotonic`; may be still to come

    def stop(self) -> None:
        """Claim no more notifications. `run` returns a few seconds later."""
        self._loop.stop()

    async def run(self) -> None:
        """Send until `stop`, then wait FINISH_TIME for what is being sent, and release the rest."""
        async with self._lease_renewer.renew_in_background():
            await self._loop.run()
            if self._sending:
                _, unsent = await asyncio.wait(self._sending.copy(), timeout=FINISH_TIME)
                for task in unsent:
                    task.cancel()  # sent again with the same id, in case Slack has it already
                await asyncio.gather(*unsent)

    async def run_once(self) -> bool:
        """Send what is due now, and wait for it. Returns whether anything was due."""
        async with self._lease_renewer.renew_in_background():
            found = await self._start_sending()
            await asyncio.gather(*self._sending)
            return found

    async def _start_sending(self) -> bool:
        """Claim and start as many notifications as there is room for. Returns whether any was due."""
        if len(self._sending) == CONCURRENCY:
            await asyncio.wait(self._sending, timeout=IDLE_INTERVAL, return_when=asyncio.FIRST_COMPLETED)
        room = CONCURRENCY - len(self._sending)
        if not room or self._loop.is_stopping or time.monotonic() < self._rate_limited_until:
            return False
        claimed = await self._notifications.claim(room, LEASE)
        if not claimed:
            return False
        failpoint("notifications_claimed")
        self._lease_renewer.hold(claimed)
        for notification in claimed:
            task = asyncio.create_task(self._send_guarded(notification))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return True

    async def _send_guarded(self, notification: Notification) -> None:
        """Send, and log any error: the lease runs out then, and the notification is sent again."""
        try:
            await self._send(notification)
        except BotError as error:
            log.warning("send_failed", error=str(error))
        except asyncio.CancelledError:
            if not self._loop.is_stopping:
                raise
            await self._notifications.release(notification)
        except Exception as error:  # noqa: BLE001 - logged; sent again when the lease has run out
            log.error("send_crashed", cause=error)
        finally:
            self._lease_renewer.forget(notification)

    async def _send(self, notification: Notification) -> None:
        await self._wait_for_channel(notification.person.user_id)
        if not await self._notifications.holds(notification):
            return  # deleted since the claim: the secret is not tracked any more, or the account is gone
        try:
            await self._post(notification)
        except SlackError as error:
            await self._record_failure(notification, error)
            return
        except _OutcomePending:
            await self._notifications.reschedule(notification, OPENING_DELAY)
            return
        except HostNotAllowed:
            await self._notifications.dead_letter(notification, "host_not_allowed")
            log.warning("notification_dead_lettered", error="host_not_allowed")
            return
        await self._notifications.mark_sent(notification)
        failpoint("notification_marked")

    async def _post(self, notification: Notification) -> None:
        host = self._services.hosts.of(notification.host).name
        tracked = notification.tracked
        if tracked is None:
            await self._services.send(
                notification.person, tracked_card.reconnect_message(host), notification.idempotency_key
            )
        elif (shared := await self._services.shares.of_tracked(tracked.id)) is not None:
            await self._post_about_share(notification, tracked, *shared)
        elif notification.kind == CARD:
            await self._post_card(notification, tracked, host)
        else:
            # Read here and not at the claim, so that a preference counts at once. The card is updated in any case.
            if await self._is_wanted(notification):
                await self._services.send(
                    notification.person,
                    tracked_card.notification(tracked, notification.kind, host),
                    notification.idempotency_key,
                )
            failpoint("notification_posted")
            if tracked.card is not None and notification.kind != "reminder":
                await self._update_card(tracked.card, tracked_card.tracked_card(tracked, host))

    async def _is_wanted(self, notification: Notification) -> bool:
        return (await self._services.preferences.of(notification.person)).wants(notification.kind)

    async def _post_about_share(
        self, notification: Notification, tracked: Tracked, share: Share, delivery: Delivery
    ) -> None:
        """A secret that was shared with this bot has a card of its own, and a message where it was shared."""
        if notification.kind == CARD:
            return
        if on_watch_event.must_wait(delivery, notification.kind):
            raise _OutcomePending
        await on_watch_event.tell_sender(
            self._services, share, delivery, notification.kind, tracked.received_at,
            idempotency_key=notification.idempotency_key, wanted=await self._is_wanted(notification),
        )  # fmt: skip

    async def _post_card(self, notification: Notification, tracked: Tracked, host: str) -> None:
        """Post the card of a secret that the watcher found, unless the person has tracked it by hand meanwhile."""
        if tracked.card is None:
            card = await self._services.send(
                notification.person, tracked_card.tracked_card(tracked, host), notification.idempotency_key
            )
            await self._services.tracking.set_card(tracked.id, card)
        failpoint("notification_posted")

    async def _update_card(self, card: MessageRef, message: Message) -> None:
        """Update the card to the new state. A card that was deleted or is too old to edit stays as it is.

        The notification next to the card says the same, and the card's buttons have no use any more.
        """
        try:
            await self._services.update(card, message)
        except SlackError as error:
            log.info("card_not_updated", error=str(error))

    async def _wait_for_channel(self, user_id: str) -> None:
        """Wait until CHANNEL_INTERVAL after the last message to this person, and take the next place in the queue."""
        now = time.monotonic()
        wait = self._last_post_at.get(user_id, 0.0) + CHANNEL_INTERVAL - now
        self._last_post_at = {one: at for one, at in self._last_post_at.items() if at + CHANNEL_INTERVAL > now}
        self._last_post_at[user_id] = now + max(wait, 0.0)
        if wait > 0:
            await asyncio.sleep(wait)

    async def _record_failure(self, notification: Notification, error: SlackError) -> None:
        """Dead-letter the notification if no later try can succeed, else reschedule it; wait as long as Slack says."""
        if error.is_permanent:
            await self._notifications.dead_letter(notification, error.code)
            log.warning("notification_dead_lettered", error=error.code)
            return
        wait = min(MIN_RETRY_DELAY * 2 ** max(notification.tries - 1, 0), MAX_RETRY_DELAY)
        if error.retry_after is not None:
            self._rate_limited_until = time.monotonic() + error.retry_after
            wait = error.retry_after
        await self._notifications.reschedule(notification, wait)
        log.info("notification_rescheduled", error=str(error), ms=round(wait * 1000))
