"""Sends a request: the message to the person who is asked, and the card of the person who asks.

Each message is marked at once when Slack has taken it, so only a crash in between lets it be posted once more.
"""

from __future__ import annotations

from contextlib import suppress

from bot.errors import SlackError
from bot.failpoints import failpoint
from bot.interaction.services import Services
from bot.logs import Log
from bot.sharing import request_messages
from bot.storage.requests import Request

log = Log("request")


async def ask(services: Services, request: Request) -> Request:
    """Send the messages of a request that were not sent yet. What Slack does not take now, recovery.py sends later.

    Raises `StorageUnavailable`; recovery.py then sends them again, with the same keys.
    """
    if request.message is None:
        request = await _send_question(services, request)
    if request.card is None and request.state != "undeliverable":
        with suppress(SlackError):
            posted = await services.send(request.person, request_messages.card(request), f"{request.id}:card")
            failpoint("carded")
            await services.requests.set_card(request.id, posted)
    return request


async def _send_question(services: Services, request: Request) -> Request:
    try:
        posted = await services.send(request.asked, request_messages.question(request), f"{request.id}:question")
    except SlackError as error:
        log.info("not_asked", error=str(error), ref=request.id)
        ended = await services.requests.mark_undeliverable(request.id) if error.is_permanent else None
        return ended or request
    failpoint("asked")
    await services.requests.mark_asked(request.id, posted)
    return await services.requests.find(request.person, request.id)
