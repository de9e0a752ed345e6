"""Where a secret is from, for its window and for messages about it."""

from __future__ import annotations

from contextlib import suppress

from bot.errors import BotError
from bot.features.retrieve import screens
from bot.interaction.services import Services
from bot.onetime.links import Host
from bot.screen.parts import Part
from bot.storage.reveals.rows import Reveal


async def find_origin(services: Services, reveal: Reveal) -> tuple[Part, ...]:
    """What stands above the secret of this reveal. Raises nothing: the secret matters more."""
    host = Host(reveal.host)
    if reveal.delivery_id is not None:
        with suppress(BotError):
            delivery = await services.deliveries.find_for_recipient(reveal.person, reveal.delivery_id)
            return screens.origin(host, delivery, (await services.shares.share_of(delivery)).note)
    return screens.origin(host)
