"""Finishes shares that were interrupted: at the start, and every minute.

No secret is made a second time, and every message has a fixed idempotency key. So recovery may run again, and may run
while a process that seemed dead still works.
"""

from __future__ import annotations

from bot.errors import BotError, NotYours, SlackError, Unsealable
from bot.failpoints import failpoint
from bot.interaction.services import Services
from bot.logs import Log
from bot.sharing import deliver, on_watch_event, request_messages
from bot.sharing.ended_deliveries import end_messages
from bot.sharing.notify import redraw
from bot.storage.shares.rows import Delivery

INTERRUPTED = 120.0  # seconds; a delivery takes at most 20, and the last of ten deliveries wait for three rounds

log = Log("share_recovery")


async def recover(services: Services, alone_for: float | None = None) -> None:
    """Bring every delivery to a state that its sender can see, and post cards that are missing.

    `alone_for`: for so many seconds no other process can have worked, so older rows are handled at once. None: another
    process may be working.
    """
    older_than = INTERRUPTED if alone_for is None else alone_for
    for delivery in await services.interrupted_shares.unfinished(older_than):
        try:
            await _finish(services, delivery)
            await redraw(services, delivery)
        except BotError as error:  # one bad delivery never stops the others
            log.warning("delivery_not_finished", error=str(error), ref=delivery.id)
    for share in await services.interrupted_shares.without_card(older_than):
        await request_messages.settle_answer(services, share)
        await deliver.post_card(services, share)
        (delivery, *_) = await services.shares.deliveries_of(share.id)
        await redraw(services, delivery)  # the card may have been posted before, with an older state
    for delivery in await services.interrupted_shares.late():
        await _try_to_report_expiry(services, delivery)
    for outdated in await services.outdated_messages.all("delivery"):
        try:
            delivery = await services.shares.own_delivery(outdated.person, outdated.ref)
            is_drawn = await redraw(services, delivery)
        except (NotYours, Unsealable):  # it is over and deleted, or nobody can open it any more
            is_drawn = True
        if is_drawn:
            await services.outdated_messages.mark_drawn(outdated)
    await end_messages(services)
    await services.interrupted_shares.purge()


async def _try_to_report_expiry(services: Services, delivery: Delivery) -> None:
    """End a delivery of which the watcher never said what became of it. What Slack does not take is tried again."""
    try:
        share = await services.shares.share_of(delivery)
        wanted = (await services.preferences.of(delivery.sender)).wants("expired")
        message = on_watch_event.message_to_sender(share, delivery, "expired", None)
        if wanted and message is not None:
            key = delivery.notification_key("expired")
            if not await services.message_slots.take(share.person, key):
                return  # the person got so many messages in the last minute: in another one
            await services.send(share.person, message, key)
        await on_watch_event.close_delivery(services, delivery, "expired", None)
    except BotError as error:
        log.warning("expiry_not_reported", error=str(error), ref=delivery.id)
        if isinstance(error, SlackError) and error.is_permanent:
            await services.deliveries.close(delivery.id, "expired")


async def _finish(services: Services, delivery: Delivery) -> None:
    share = await services.shares.share_of(delivery)
    match delivery.state:
        case "waiting":
            await services.deliveries.mark_failed(delivery.id, "interrupted")
        case "asking":
            if await services.deliveries.mark_outcome_unknown(delivery.id):
                log.warning("delivery_outcome_unknown", ref=delivery.id)
        case "made":
            await deliver.deliver(services, share, delivery)
        case "undeliverable":
            await deliver.burn_undeliverable(services, delivery)
        case _:
            await deliver.send_passphrase(services, share, delivery)
    failpoint("delivery_finished")
