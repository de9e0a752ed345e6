"""Notifies the sender that a delivery was opened here, and redraws the messages that show a delivery."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from bot.errors import BotError, NotYours, SlackError, Unsealable
from bot.failpoints import failpoint
from bot.interaction.services import Services
from bot.logs import Log
from bot.message_ref import MessageRef
from bot.onetime.links import Host
from bot.person import Person
from bot.screen.parts import Message
from bot.sharing import recipient_messages, sender_card
from bot.sharing.following import settle_messages
from bot.status.tracked_card import tracked_card
from bot.storage.shares.rows import Delivery, Share

RECEIVED: Final = "received"  # the kind of notification, as in the settings of a person

log = Log("notify")


async def announce(services: Services, delivery: Delivery) -> None:
    """Notify the sender that a delivery was opened here, and redraw its messages. The watcher does not notify again.

    Safe to repeat. Raises nothing: features/retrieve/recovery.py tries again what failed.
    """
    try:
        await _announce(services, delivery)
    except BotError as error:
        log.warning("not_announced", error=str(error), ref=delivery.id)


async def _announce(services: Services, before: Delivery) -> None:
    share = await services.shares.share_of(before)
    (delivery,) = [one for one in await services.shares.deliveries_of(share.id) if one.id == before.id]
    await services.tracking.settle(delivery.sender, delivery.host, delivery.metadata_key, RECEIVED)
    failpoint("settled")
    done = delivery.is_sender_notified
    if not done and (done := await _tell_sender(services, share, delivery)):
        failpoint("sender_notified")
        await services.deliveries.mark_sender_notified(delivery.id)
    if await redraw(services, delivery) and done:
        await services.deliveries.mark_announced(delivery.id)
    failpoint("announced")


async def _tell_sender(services: Services, share: Share, delivery: Delivery) -> bool:
    """Whether the sender was notified, never can be, or does not need to be.

    The message has the key of the watcher's notification, which is not sent for a delivery that was opened here.
    """
    if share.quiet or delivery.opener == delivery.sender:
        return True
    if not (await services.preferences.of(delivery.sender)).wants(RECEIVED):
        return True
    return await _try_to_send(
        services.send(
            delivery.sender,
            sender_card.opened_or_over_notification(share, delivery),
            f"{delivery.tracked_id or delivery.id}:{RECEIVED}",
        )
    )


async def redraw(services: Services, delivery: Delivery) -> bool:
    """Update all messages that show the delivery. False if Slack did not take an update: try again later.

    Two processes that redraw at once may overtake each other, so this repeats until the drawn state is still current.
    Raises `StorageUnavailable`.
    """
    done, drawn = True, None
    while drawn != (screens := await _screens(services, delivery)):
        drawn = screens
        outcomes = [await _try_to_send(services.update(*one)) for one in drawn]
        done = all(outcomes)
    await settle_messages(services, delivery.id)
    return done


async def _screens(services: Services, delivery: Delivery) -> list[tuple[MessageRef, Message, Person]]:
    share = await services.shares.share_of(delivery)
    deliveries = await services.shares.deliveries_of(share.id)
    own = [
        (one.message, recipient_messages.recipient_message(share, one, escrow=services.escrow), one.reader)
        for one in deliveries
        if one.id == delivery.id and one.message
    ]
    own += [(share.card, sender_card.sender_card(share, deliveries), share.person)] if share.card else []
    return own + await _tracked_card(services, delivery)


async def _tracked_card(services: Services, delivery: Delivery) -> list[tuple[MessageRef, Message, Person]]:
    """The card of the secret as a tracked one, if the sender also tracks it by `/ots track`."""
    try:
        tracked = await services.tracking.find(delivery.sender, delivery.tracked_id)
    except (NotYours, Unsealable):  # not tracked any more
        return []
    if tracked.card is None:
        return []
    return [(tracked.card, tracked_card(tracked, Host(tracked.host).name), delivery.sender)]


async def _try_to_send(saying: Awaitable[object]) -> bool:
    """Whether Slack took the message, or never will."""
    try:
        await saying
    except SlackError as error:
        log.warning("not_notified", error=str(error))
        return error.is_permanent
    return True
