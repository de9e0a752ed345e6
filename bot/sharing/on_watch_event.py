"""What the watcher found out about a secret that was shared here: opened by its link, burned elsewhere, expired."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.interaction.services import Services
from bot.person import Person
from bot.screen.parts import Message
from bot.sharing import sender_card
from bot.sharing.notify import RECEIVED, redraw
from bot.storage.shares.rows import Delivery, DeliveryEnd, Share
from bot.storage.tracking.rows import NotificationKind

REMINDER = "reminder"
ENDS_BY_KIND: dict[NotificationKind, DeliveryEnd] = {
    RECEIVED: "opened",
    "burned": "burned",
    "expired": "expired",
    "orphaned": "gone",
    "unknown": "gone",
}


def message_to_sender(share: Share, delivery: Delivery, kind: NotificationKind, at: datetime | None) -> Message | None:
    """What the sender is told. None if there is nothing to say.

    For a delivery that is over the sender was notified before, by notify.py if it was opened here.
    """
    if kind == REMINDER:
        return sender_card.expires_soon_message(share, delivery) if delivery.can_be_opened else None
    end = ENDS_BY_KIND[kind]
    if delivery.is_over or (share.quiet and end == "opened"):
        return None
    return sender_card.opened_or_over_notification(share, replace(delivery, state=end, opened_at=at))


async def close_delivery(services: Services, delivery: Delivery, kind: NotificationKind, at: datetime | None) -> None:
    """Close the delivery and redraw its messages, after the sender was notified. Raises `StorageUnavailable`."""
    if kind == REMINDER:
        return
    if not delivery.is_over:
        end = ENDS_BY_KIND[kind]
        await services.deliveries.close(delivery.id, end, at if end == "opened" else None)
    await redraw(services, delivery)


def must_wait(delivery: Delivery, kind: NotificationKind) -> bool:
    """Whether somebody is opening the delivery here right now: then notify.py tells the sender who opened it."""
    return kind == RECEIVED and delivery.state == "opening"


async def show_opened(services: Services, tracked_id: str, person: Person) -> None:
    """Mark a delivery as opened by its sender, who pasted its link. Redraws its messages.

    Raises `StorageUnavailable`.
    """
    found = await services.shares.of_tracked(tracked_id)
    if found is not None and not found[1].is_over:
        delivery = await services.deliveries.mark_opened(found[1].id, person)
        await services.deliveries.mark_announced(delivery.id)
        await redraw(services, delivery)


async def show_burned(services: Services, tracked_id: str) -> None:
    """Mark a delivery as burned by its sender, with the private link or in the list of tracked secrets.

    Redraws its messages. Raises `StorageUnavailable`.
    """
    found = await services.shares.of_tracked(tracked_id)
    if found is not None:
        await show_burned_delivery(services, found[1])


async def show_burned_delivery(services: Services, delivery: Delivery) -> None:
    """Mark a delivery as burned by its sender. Redraws its messages. Raises `StorageUnavailable`."""
    await services.deliveries.close(delivery.id, "burned")
    await redraw(services, delivery)
