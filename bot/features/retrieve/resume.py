"""The window of an opening that was interrupted before anything was sent to the host."""

from __future__ import annotations

from bot.errors import NotYours
from bot.features.retrieve import screens
from bot.interaction.feature import Resumption
from bot.interaction.services import Services
from bot.storage.acts import Act
from bot.storage.shares.rows import Delivery


async def resume(services: Services, act: Act) -> Resumption:
    """Ask again if nothing was opened. Otherwise recovery.py has sent a message, and the window may show the secret."""
    try:
        reveal = await services.reveals.find(act.person, act.ref)
        delivery: Delivery | None = None
        if reveal.delivery_id is not None:
            delivery = await services.deliveries.find_for_recipient(act.person, reveal.delivery_id)
    except NotYours:  # too old
        return Resumption()
    if not reveal.can_be_tried or reveal.outcome_unknown:
        return Resumption()
    host = services.hosts.of(reveal.host)
    window = screens.ask(host, reveal.id, screens.RESTARTED, passphrase=True, delivery=delivery)
    return Resumption(window, screens.dm_nothing_opened(delivery))


async def resume_at_once(services: Services, act: Act) -> Resumption:
    """After “Open” on a message, of whose window nothing is stored: a message, if nothing was opened."""
    try:
        delivery = await services.deliveries.find_for_recipient(act.person, act.ref)
    except NotYours:
        return Resumption()
    reveal = await services.reveals.latest_of(act.person, delivery.id)
    if delivery.state != "sent" or (reveal is not None and reveal.outcome_unknown):
        return Resumption()
    return Resumption(None, screens.dm_restarted())
