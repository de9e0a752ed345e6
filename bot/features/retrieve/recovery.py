"""Finishes openings that were interrupted: at the start, and every minute."""

from __future__ import annotations

from collections.abc import Awaitable

from bot.errors import BotError, SlackError
from bot.failpoints import failpoint
from bot.features.retrieve import screens
from bot.features.retrieve.button_messages import end_messages, remember, report_unknown_outcome
from bot.features.retrieve.origin import find_origin
from bot.interaction.services import Services
from bot.logs import Log
from bot.message_ref import MessageRef
from bot.onetime.links import Host
from bot.screen.parts import Message
from bot.sharing.notify import announce_waiting
from bot.status.patient_send import send_in_some_words
from bot.storage.reveals.rows import Reveal

STALE = 150.0  # seconds in `opening` or `claiming`; an opening takes 20 at most, and showing it is tried for 60
UNSEEN = 150.0  # seconds in escrow
UNANNOUNCED = 60.0  # seconds since the opening

log = Log("reveal_recovery")


async def recover(services: Services, alone_for: float | None = None) -> None:
    """Report interrupted openings, offer secrets in escrow, report lost ones, notify senders, wipe old rows.

    `alone_for`: for so many seconds no other process can have worked, so older rows are handled at once. None: another
    process may be working. Each message is sent before its row is marked. After a crash in between, the message is
    sent again with the same key.
    """
    interrupted = services.interrupted_reveals
    stale_for = STALE if alone_for is None else alone_for
    await interrupted.write_unwritten()
    await interrupted.reclaim_reserved(stale_for)
    for reveal in await interrupted.stale_claims(stale_for):
        if await _is_notified(_report_stale(services, reveal)):
            failpoint("reported")
            await interrupted.mark_outcome_unknown(reveal.id)
            services.metrics.reveal_lost()
            log.warning("reveal_loss_reported", ref=reveal.id)
    for reveal in await interrupted.unseen(UNSEEN if alone_for is None else alone_for):
        if await _is_notified(_offer_again(services, reveal)):
            failpoint("reported")
            await services.reveals.mark_notified(reveal.id)
    for reveal in await interrupted.lost():
        expired = screens.dm_expired(Host(reveal.host).name)
        if await _is_notified(send_in_some_words(services, reveal.person, expired, f"{reveal.id}:lost")):
            failpoint("reported")
            services.metrics.reveal_lost()
            log.warning("reveal_loss_reported", ref=reveal.id)
            await services.reveals.close(reveal.id)
    unannounced = await services.interrupted_shares.unannounced(UNANNOUNCED if alone_for is None else alone_for)
    await announce_waiting(services, unannounced)
    await end_messages(services)
    await interrupted.purge()


async def _report_stale(services: Services, reveal: Reveal) -> None:
    again = ":again" if reveal.outcome_unknown else ""

    async def send(message: Message) -> MessageRef:
        return await send_in_some_words(services, reveal.person, message, f"{reveal.id}:stranded{again}")

    await report_unknown_outcome(services, reveal, send)


async def _offer_again(services: Services, reveal: Reveal) -> None:
    above = await find_origin(services, reveal)
    message = screens.dm_show_again(reveal.id, reveal.escrow_expires_at, above)
    posted = await send_in_some_words(services, reveal.person, message, f"{reveal.id}:unseen")
    await remember(services, "show_again", reveal.id, posted, reveal.person)


async def _is_notified(telling: Awaitable[object]) -> bool:
    """Whether the message arrived, or never can. False if Slack did not take it just now: retry in a minute."""
    try:
        await telling
    except SlackError as error:
        log.warning("not_notified", error=str(error))
        return error.is_permanent
    except BotError as error:
        log.warning("not_notified", error=str(error))
        return False
    return True
