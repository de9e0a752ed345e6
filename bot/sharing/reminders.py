"""Reminds recipients who have not opened what was shared with them: now, or when the time comes that was chosen."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from bot.errors import BotError, SlackError
from bot.failpoints import failpoint
from bot.interaction.bounded_calls import bound_calls
from bot.interaction.services import Services
from bot.logs import Log
from bot.sharing import recipient_messages, sender_card
from bot.sharing.deliver import address_of
from bot.sharing.notify import redraw
from bot.storage.shares.rows import Delivery, Share

MAX_AT_ONCE: Final = 20  # reminders in one round

log = Log("reminders")


async def send_reminder(services: Services, share: Share, delivery: Delivery, idempotency_key: str) -> bool:
    """Send a reminder to the recipient, and remember the message. False if there is nobody to send it to.

    Raises `SlackError`.
    """
    to = address_of(share, delivery)
    if to is None:
        return False
    message = recipient_messages.reminder(share, delivery, escrow=services.escrow)
    posted = await services.send(to, message, idempotency_key)
    await services.following_messages.add("reminder", delivery.id, posted, delivery.reader)
    return True


async def send_due_reminders(services: Services) -> bool:
    """Send the reminders whose time has come. Returns whether there may be more.

    A crash between Slack's answer and the mark lets a reminder be sent once more. Raises `StorageUnavailable`.
    """
    claimed = await services.reminders.claim(MAX_AT_ONCE)
    bounded = bound_calls(services)
    for delivery in claimed:
        try:
            await _send_due(bounded, delivery)
        except BotError as error:  # one that fails never stops the others
            log.warning("reminder_not_sent", error=str(error), ref=delivery.id)
    return len(claimed) == MAX_AT_ONCE


async def _send_due(services: Services, claimed: Delivery) -> None:
    """Send one reminder that was claimed, unless the delivery was opened or burned, or the time changed, since then."""
    assert claimed.remind_at is not None
    found = await services.shares.find_delivery(claimed.id)
    if found is None or (found[1].state, found[1].remind_at) != ("sent", claimed.remind_at):
        return
    share, delivery = found
    key = f"reminder:{delivery.id}:{claimed.remind_at.timestamp():.0f}"
    try:
        await send_reminder(services, share, delivery, key)
    except SlackError as error:
        if not error.is_permanent:
            raise
        log.warning("reminder_given_up", error=str(error), ref=delivery.id)
        with suppress(SlackError):
            await services.send(share.person, sender_card.reminder_not_sent_message(delivery), f"no-{key}")
        await services.reminders.give_up(claimed)
    else:
        failpoint("reminder_posted")
        await services.reminders.mark_sent(claimed)
        failpoint("reminder_marked")
    await redraw(services, delivery)
