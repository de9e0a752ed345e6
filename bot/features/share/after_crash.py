"""What is done for shares that were interrupted: at the start, and every minute.

Nothing is asked of the host a second time, and every message has a key of its own, so that doing this again, or
while the one that was thought dead goes on, makes no second secret and no second message.
"""

from __future__ import annotations

from bot import steps
from bot.errors import BotError
from bot.feature import Send, Services, Update
from bot.logs import Log
from bot.sharing import delivery, requesting
from bot.sharing.news import redraw
from bot.storage.parcels import Parcel

INTERRUPTED = 120.0  # seconds; making and sending a parcel takes 20 at most, and of ten the last ones wait for three

log = Log("after_crash")


async def look_after(services: Services, send: Send, update: Update, alone_for: float | None = None) -> None:
    """Bring every parcel to an end that its sender can see, and tell senders what they were not told yet.

    `alone_for`: for so many seconds nobody else can have been sharing anything, so what is older is not waited for.
    """
    older_than = INTERRUPTED if alone_for is None else alone_for
    for parcel in await services.shares.unfinished(older_than):
        try:
            await _finish(services, send, parcel)
            await redraw(services, update, parcel)
        except BotError as error:  # one bad parcel never stops the others
            log.warning("parcel_not_finished", error=str(error), ref=parcel.id)
    for share in await services.shares.cardless(older_than):
        await requesting.settle(services, update, share)
        await delivery.post_card(services, send, update, share)
        (parcel, *_) = await services.shares.parcels(share.id)
        await redraw(services, update, parcel)  # it may have been posted before, with what was so then
    await services.shares.purge()


async def _finish(services: Services, send: Send, parcel: Parcel) -> None:
    share = await services.shares.share_of(parcel)
    match parcel.state:
        case "waiting":
            await services.shares.failed(parcel.id, "interrupted")
        case "asking":
            if await services.shares.doubtful(parcel.id):
                log.warning("parcel_doubt_reported", ref=parcel.id)
        case "made":
            await delivery.deliver(services, send, share, parcel)
        case "refused":
            await delivery.burn_refused(services, parcel)
        case _:
            await delivery.send_passphrase(services, send, share, parcel)
    steps.at("parcel_finished")
