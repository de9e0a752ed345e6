"""What this bot can find out about a secret that did not open: for secrets that it made, or that somebody here tracks.

Whoever asks has the secret's key, and a server tells such a person as much on its own pages.
"""

from __future__ import annotations

from bot.errors import OnetimeError
from bot.interaction.feature import Interaction
from bot.onetime.client import Credentials
from bot.onetime.links import Host
from bot.onetime.wire import Metadata
from bot.secret import SecretKey
from bot.storage.shares.rows import Delivery


async def find_metadata(
    interaction: Interaction, host: Host, key: SecretKey, delivery: Delivery | None
) -> Metadata | None:
    """The metadata of the secret, asked for without an account; None if its metadata key or the answer is missing."""
    services = interaction.services
    found = (
        delivery.metadata_key
        if delivery is not None
        else await services.tracking.find_metadata_key(interaction.person, host.url, key)
    )
    if not found:
        return None
    try:
        metadata = await services.onetime.metadata(Credentials(host), found)
    except OnetimeError:
        return None
    return metadata if metadata.key == found else None
