"""What a notification says, and what is left to do after its message was posted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.errors import SlackError, StorageUnavailable
from bot.interaction.services import Services
from bot.logs import Log
from bot.message_ref import MessageRef
from bot.person import Person
from bot.screen.parts import Message
from bot.sharing import on_watch_event
from bot.status import tracked_card
from bot.status.last_change import end_tracked_reminders
from bot.storage.following_messages import FollowingKind
from bot.storage.notifications import Notification
from bot.storage.shares.rows import Delivery, Share
from bot.storage.tracking.rows import CARD, Tracked

log = Log("notifier")


class OutcomePending(Exception):
    """What the notification must say is not known yet: somebody is opening the secret."""


async def _nothing() -> None:
    """Nothing follows the message."""


@dataclass(frozen=True, slots=True)
class PreparedNotification:
    """One notification, ready to be sent."""

    notification: Notification
    message: Message | None  # None: there is nothing to say
    listed: Message | None = None  # the same as one of several in a message; None: like `message`
    keep: Callable[[MessageRef], Awaitable[None]] | None = None  # remembers the message, if it is one of its own
    # Updates what shows the secret. May be repeated. Raises `SlackError` if a later try can succeed.
    settle: Callable[[], Awaitable[None]] = _nothing


async def prepare(services: Services, notification: Notification) -> PreparedNotification:
    """Read what the notification says now. Raises `OutcomePending`, `HostNotAllowed`, `StorageUnavailable`."""
    host = services.hosts.of(notification.host).name
    tracked = notification.tracked
    if tracked is None:
        return PreparedNotification(notification, tracked_card.reconnect_message(host))
    if (shared := await services.shares.of_tracked(tracked.id)) is not None:
        return await _prepare_shared(services, notification, tracked, *shared)
    listed = tracked_card.listed_message(tracked, notification.kind)
    if notification.kind == CARD:
        if tracked.card is not None:  # the person has tracked it by hand meanwhile
            return PreparedNotification(notification, None)
        card = tracked_card.tracked_card(tracked, host)
        return PreparedNotification(
            notification, card, listed, lambda posted: services.tracking.set_card(tracked.id, posted)
        )
    # Read here and not at the claim, so that a preference counts at once. The card is updated in any case.
    wanted = await _is_wanted(services, notification)
    message = tracked_card.notification(tracked, notification.kind, host) if wanted else None

    async def update_card() -> None:
        if tracked.card is not None and notification.kind != "reminder":
            await _update_card(services, tracked.card, tracked_card.tracked_card(tracked, host), notification.person)
        await end_tracked_reminders(services, tracked.id)

    async def keep(posted: MessageRef) -> None:
        if notification.kind == "reminder":
            await _remember(services, "tracked_reminder", tracked.id, posted, notification.person)

    return PreparedNotification(notification, message, listed, keep, update_card)


async def _remember(
    services: Services, kind: FollowingKind, subject_id: str, posted: MessageRef, reader: Person
) -> None:
    """Remember a reminder that was posted. Nothing of this may keep it from being marked: it would be sent again."""
    try:
        await services.following_messages.add(kind, subject_id, posted, reader)
    except StorageUnavailable as error:
        log.warning("reminder_not_stored", error=str(error), ref=subject_id)


async def _prepare_shared(
    services: Services, notification: Notification, tracked: Tracked, share: Share, delivery: Delivery
) -> PreparedNotification:
    """A secret that was shared with this bot has a card of its own, and a message where it was shared."""
    kind, at = notification.kind, tracked.received_at
    if kind == CARD:
        return PreparedNotification(notification, None)
    if on_watch_event.must_wait(delivery, kind):
        raise OutcomePending
    message = on_watch_event.message_to_sender(share, delivery, kind, at)
    if not await _is_wanted(services, notification):
        message = None

    async def keep(posted: MessageRef) -> None:
        if kind == on_watch_event.REMINDER:
            await _remember(services, "expires_soon", delivery.id, posted, share.person)

    return PreparedNotification(
        notification, message, keep=keep, settle=lambda: on_watch_event.close_delivery(services, delivery, kind, at)
    )


async def _is_wanted(services: Services, notification: Notification) -> bool:
    return (await services.preferences.of(notification.person)).wants(notification.kind)


async def _update_card(services: Services, card: MessageRef, message: Message, reader: Person) -> None:
    """Update the card to the new state. A card that was deleted or is too old to edit stays as it is.

    The notification next to the card says the same, and the card's buttons have no use any more.
    """
    try:
        await services.update(card, message, reader)
    except SlackError as error:
        if not error.is_permanent:
            raise
        log.info("card_not_updated", error=str(error))
