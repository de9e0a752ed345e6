"""What is done for requests that were interrupted or that nobody answered in time: at the start, and every minute."""

from __future__ import annotations

from dataclasses import replace

from bot.errors import SlackError
from bot.features.request.asking import ask
from bot.interaction.services import Services
from bot.logs import Log
from bot.sharing.request_messages import notify_requester, update_messages
from bot.storage.requests import Request

INTERRUPTED = 60.0  # seconds without a message

log = Log("request")


async def recover(services: Services, alone_for: float | None = None) -> None:
    """Ask what was not asked yet, tell who waited in vain, delete what is long over. Raises `StorageUnavailable`."""
    for request in await services.requests.unfinished(INTERRUPTED if alone_for is None else alone_for):
        after = await ask(services, request)
        if after.state == "undeliverable":
            await _try_to_tell(services, after)
        await update_messages(services, after)  # a card that was there already says “not asked yet”
    for request in await services.requests.out_of_time():
        await _expire(services, request)
    await services.requests.purge()
    await services.limits.purge()


async def _expire(services: Services, request: Request) -> None:
    """Told before it is marked, so that a crash in between tells again, with the same key, instead of never."""
    expired = replace(request, state="expired")
    if await _try_to_tell(services, expired):
        await update_messages(services, expired)
        await services.requests.mark_expired(request.id)


async def _try_to_tell(services: Services, request: Request) -> bool:
    """Whether it was told, or never can be. False: Slack is in trouble, try again in a minute."""
    try:
        await notify_requester(services, request)
    except SlackError as trouble:
        log.warning("not_notified", error=str(trouble), ref=request.id)
        return trouble.is_final
    return True
