"""Sends requests that were interrupted, ends those that nobody answered in time, and updates messages that show less.

It also tells of ends that were interrupted. At the start, and every minute.
"""

from __future__ import annotations

from dataclasses import replace

from bot.errors import NotYours, SlackError, Unsealable
from bot.features.request import step
from bot.features.request.asking import ask
from bot.interaction.services import Services
from bot.logs import Log
from bot.sharing.request_messages import announce_end, notify_requester, redraw_request, update_messages
from bot.storage.outdated_messages import OutdatedMessage
from bot.storage.requests import Request

INTERRUPTED = 60.0  # seconds without a message, or since an end that nobody was told of

log = Log("request")


async def recover(services: Services, alone_for: float | None = None) -> None:
    """Send unsent requests, mark expired ones, and purge old ones. Raises `StorageUnavailable`."""
    for request in await services.requests.unfinished(INTERRUPTED if alone_for is None else alone_for):
        if not request.is_bound:
            await _give_up(services, request)
            continue
        after = await ask(services, request)
        if after.state == "undeliverable":
            await _try_to_tell(services, after)
        await update_messages(services, after)  # a card that was posted before says “not asked yet”
    for request in await services.requests.unannounced(INTERRUPTED if alone_for is None else alone_for):
        await announce_end(services, request)
    for request in await services.requests.out_of_time():
        await _expire(services, request)
    for outdated in await services.outdated_messages.all("request"):
        await _redraw(services, outdated)
    await step.recover(services, alone_for)
    await services.requests.purge()


async def _redraw(services: Services, outdated: OutdatedMessage) -> None:
    """Show in both messages what is so now. Slack did not take an earlier update."""
    try:
        request = await services.requests.find(outdated.person, outdated.ref)
    except (NotYours, Unsealable):  # deleted, or not bound to its people: nobody needs its messages any more
        await services.outdated_messages.mark_drawn(outdated)
        return
    if await services.requests.is_being_answered(request.id):
        return  # its messages are updated when it is known what came of the answer
    if await redraw_request(services, request):
        await services.outdated_messages.mark_drawn(outdated)


async def _give_up(services: Services, request: Request) -> None:
    """End a request of which somebody changed in the database who asked or who is asked: it is sent to nobody."""
    log.warning("request_unreadable", ref=request.id)
    ended = await services.requests.give_up(request.id)
    if ended is not None:
        await _try_to_tell(services, ended)


async def _expire(services: Services, request: Request) -> None:
    """Notify the person who asked, then mark the request. After a crash in between, the same message is sent again."""
    expired = replace(request, state="expired")
    if await _try_to_tell(services, expired):
        await update_messages(services, expired)
        await services.requests.mark_expired(request.id)


async def _try_to_tell(services: Services, request: Request) -> bool:
    """Whether the person who asked was notified, or never can be. False if Slack did not take it: retry in a minute."""
    try:
        await notify_requester(services, request)
    except SlackError as error:
        log.warning("not_notified", error=str(error), ref=request.id)
        return error.is_permanent
    return True
