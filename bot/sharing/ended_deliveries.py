"""Changes the messages about a delivery that stop being true when it is over: reminders, and a passphrase sent apart.

They are changed when the delivery's own message is redrawn. recovery.py repeats each minute what Slack did not take.
"""

from __future__ import annotations

from bot.interaction.services import Services
from bot.screen.parts import Message
from bot.sharing import recipient_messages, sender_card
from bot.status.last_change import change_last
from bot.storage.following_messages import FollowingMessage


async def end_messages(services: Services, delivery_id: str | None = None) -> None:
    """Change the messages about deliveries that are over; only about one delivery, if it is given.

    Raises `StorageUnavailable`.
    """
    for following in await services.following_messages.outdated_of_deliveries(delivery_id):
        await change_last(services, following, await _final_message(services, following))


async def _final_message(services: Services, following: FollowingMessage) -> Message:
    found = await services.shares.find_delivery(following.subject_id)
    if found is None:
        return recipient_messages.over_for_long()
    share, delivery = found
    if following.kind == "passphrase":
        return recipient_messages.passphrase_over(share, delivery)
    if following.kind == "expires_soon":
        return sender_card.ended_reminder(share, delivery)
    return recipient_messages.recipient_message(share, delivery)
