"""The window before an opening. Its row is stored first, so that nobody can press Open before there is one."""

from __future__ import annotations

import asyncio

from bot.features.retrieve import screens
from bot.interaction.feature import Interaction, Outcome, Reply
from bot.onetime.links import Host
from bot.secret import SecretKey
from bot.storage.reveals.rows import MAX_WRONG_TRIES
from bot.storage.shares.rows import Delivery
from bot.storage.tables import new_id

ROW_WITHIN = 0.25  # seconds


async def ask(interaction: Interaction, host: Host, key: SecretKey, delivery: Delivery | None = None) -> Reply:
    """Store the row of an opening, then show the window that asks for “Open”.

    A trigger lives 3 seconds. So with a slow database the window opens early and says “One moment…”.
    """
    ref = new_id()
    delivery_id = delivery.id if delivery else None
    storing = asyncio.create_task(
        interaction.services.reveals.begin(interaction.person, ref, host.url, key, delivery_id=delivery_id)
    )
    stored, _ = await asyncio.wait({storing}, timeout=ROW_WITHIN)
    try:
        if not stored:
            await interaction.show(screens.one_moment())
    finally:
        tries = await storing
    if tries >= MAX_WRONG_TRIES:
        await interaction.show(screens.stopped(delivery))
        return Reply(None, Outcome.REFUSED)
    await interaction.show(screens.ask(host, ref, delivery=delivery))
    return Reply(None, Outcome.SHOWN)
