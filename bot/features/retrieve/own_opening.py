"""Finds out which secret of the person's own account they opened just now, where only its secret key is known.

What a person opened through the bot is no news for them. What the watcher finds by itself is tracked by its metadata
key alone. So the account's list says which of those secrets was opened in those seconds. A secret whose secret key is
known is another one than the one that was opened: the person hears of it as ever.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.clock import now
from bot.errors import OnetimeError
from bot.interaction.access import HostAccess
from bot.interaction.feature import Interaction
from bot.onetime.wire import Metadata, SecretState
from bot.storage.tracking.rows import Tracked

MARGIN = timedelta(seconds=5)  # servers round down to whole seconds, and their clocks differ a little


async def settle_own_opening(interaction: Interaction, access: HostAccess, began: datetime) -> Tracked | None:
    """Settle the secret that was opened since `began`, if the person is told about all secrets of the account.

    None if none was, or if several were: then the watcher tells what it finds.
    """
    services, host = interaction.services, access.credentials.host
    if access.credentials.username is None:
        return None
    watches = await services.tracking.watches_of(interaction.person)
    if not any(watch.everything and watch.host == host.url for watch in watches):
        return None
    try:
        opened = [one for one in await services.onetime.recent(access.credentials) if _is_opened_since(one, began)]
    except OnetimeError:
        return None
    known = await services.tracking.with_known_secret_key(interaction.person, host.url, [one.key for one in opened])
    opened = [one for one in opened if one.key not in known]
    if len(opened) != 1:
        return None
    return await services.tracking.settle(interaction.person, host.url, opened[0].key, "received")


def _is_opened_since(found: Metadata, began: datetime) -> bool:
    if found.state is not SecretState.RECEIVED or found.received is None:
        return False
    return began - MARGIN <= found.received <= now() + MARGIN
