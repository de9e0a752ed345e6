"""The question before the one and only opening: first the row that it is about, then the window."""

from __future__ import annotations

import asyncio

from bot.feature import Call
from bot.features.retrieve import screens
from bot.onetime.links import Host
from bot.secret import SecretKey
from bot.storage.parcels import Parcel
from bot.storage.reveals import MOST_WRONG_TRIES
from bot.storage.tables import new_id

ROW_WITHIN = 0.25  # seconds


async def ask(call: Call, host: Host, key: SecretKey, parcel: Parcel | None = None) -> None:
    """Remember what the window is about, then show it: nobody can press Open before the row is there.

    Its trigger lives 3 seconds, so while a slow database is waited for, the window says so.
    """
    ref = new_id()
    parcel_id = parcel.id if parcel else None
    remembering = asyncio.create_task(call.services.reveals.begin(call.person, ref, host.url, key, parcel_id=parcel_id))
    remembered, _ = await asyncio.wait({remembering}, timeout=ROW_WITHIN)
    try:
        if not remembered:
            await call.show(screens.one_moment())
    finally:
        tries = await remembering
    if tries < MOST_WRONG_TRIES:
        await call.show(screens.ask(host, ref, parcel=parcel))
    else:
        await call.show(screens.stopped(parcel))
