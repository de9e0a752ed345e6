"""Notifies the sender that a delivery was opened here, and redraws the messages that show a delivery."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
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
from bot.sharing.ended_deliveries import end_messages
from bot.status.digest import digest_key, gather
from bot.status.tracked_card import tracked_card
from bot.storage.notifications import MAX_DIGEST
from bot.storage.shares.rows import Delivery, Share

RECEIVED: Final = "received"  # the kind of notification, as in the settings of a person

log = Log("notify")


async def announce(services: Services, delivery: Delivery) -> None:
    """Notify the sender that a delivery was opened here, and redraw its messages. The watcher does not notify again.

    Safe to repeat. Raises nothing: features/retrieve/recovery.py tries again what failed, and what had to wait because
    the sender got so many messages.
    """
    try:
        await _announce(services, delivery)
    except BotError as error:
        log.warning("not_announced", error=str(error), ref=delivery.id)


async def announce_waiting(services: Services, deliveries: Sequence[Delivery]) -> None:
    """Announce all of these. What one sender has not heard yet comes as one message, a digest, in order.

    Safe to repeat. Raises nothing. A digest that Slack does not take as it is gives way to messages of their own; one
    that it does not take now waits, since it may have arrived.
    """
    waiting: dict[Person, list[tuple[Share, Delivery]]] = {}
    for delivery in deliveries:
        try:
            share, now = await _settle(services, delivery)
            if not now.is_sender_notified and await _is_wanted(services, share, now):
                waiting.setdefault(now.sender, []).append((share, now))
        except BotError as error:
            log.warning("not_announced", error=str(error), ref=delivery.id)
    later: set[str] = set()
    for several in waiting.values():
        for start in range(0, len(several), MAX_DIGEST):
            together = several[start : start + MAX_DIGEST]
            if len(together) > 1 and not await _try_to_tell_together(services, together):
                later.update(delivery.id for _, delivery in together)
    for delivery in deliveries:
        if delivery.id not in later:
            await announce(services, delivery)


async def _announce(services: Services, before: Delivery) -> None:
    share, delivery = await _settle(services, before)
    failpoint("settled")
    done = delivery.is_sender_notified
    if not done and (done := await _tell_sender(services, share, delivery)):
        failpoint("sender_notified")
        await services.deliveries.mark_sender_notified(delivery.id)
    if await redraw(services, delivery) and done:
        await services.deliveries.mark_announced(delivery.id)
    failpoint("announced")


async def _settle(services: Services, before: Delivery) -> tuple[Share, Delivery]:
    """The delivery as it is now, with its share, after the watcher was told that it has nothing to say of it."""
    share = await services.shares.share_of(before)
    (delivery,) = [one for one in await services.shares.deliveries_of(share.id) if one.id == before.id]
    await services.tracking.settle(delivery.sender, delivery.host, delivery.metadata_key, RECEIVED)
    return share, delivery


async def _is_wanted(services: Services, share: Share, delivery: Delivery) -> bool:
    if share.quiet or delivery.opener == delivery.sender:
        return False
    return (await services.preferences.of(delivery.sender)).wants(RECEIVED)


async def _tell_sender(services: Services, share: Share, delivery: Delivery) -> bool:
    """Whether the sender was notified, never can be, or does not need to be.

    False also if the sender got so many messages in the last minute that this one waits for others.
    """
    if not await _is_wanted(services, share, delivery):
        return True
    key = delivery.notification_key(RECEIVED)  # the watcher sends none for a delivery that was opened here
    if not await services.message_slots.take(delivery.sender, key):
        log.info("announced_later", ref=delivery.id)
        return False
    return await _try_to_send(
        services.send(delivery.sender, sender_card.opened_or_over_notification(share, delivery), key)
    )


async def _try_to_tell_together(services: Services, opened: Sequence[tuple[Share, Delivery]]) -> bool:
    """Tell one sender of several deliveries. False if that has to wait; True also if Slack never takes the digest."""
    sender, key = opened[0][1].sender, digest_key(one.notification_key(RECEIVED) for _, one in opened)
    try:
        if not await services.message_slots.take(sender, key):
            return False
        said = gather([sender_card.opened_or_over_notification(*one) for one in opened])
        await services.send(sender, said, key)
        failpoint("sender_notified")
        await services.deliveries.mark_sender_notified(*(delivery.id for _, delivery in opened))
    except BotError as error:
        log.warning("not_notified", error=str(error), count=len(opened))
        return isinstance(error, SlackError) and error.is_permanent
    return True


async def redraw(services: Services, delivery: Delivery) -> bool:
    """Update all messages that show the delivery.

    False if Slack did not take an update: then it is recorded, and recovery tries again. Two processes that redraw at
    once may overtake each other, so this repeats until the drawn state is still current. Raises `StorageUnavailable`.
    """
    done, drawn = True, None
    while drawn != (screens := await _screens(services, delivery)):
        drawn = screens
        outcomes = [await _try_to_send(services.update(*one)) for one in drawn]
        done = all(outcomes)
    if not done:
        await services.outdated_messages.add("delivery", delivery.id, delivery.sender)
    await end_messages(services, delivery.id)
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
