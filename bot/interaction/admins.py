"""What only the admins and owners of a workspace may do."""

from __future__ import annotations

from bot.errors import NotAllowed
from bot.interaction.feature import Interaction
from bot.screen.pieces import say

ADMINS_ONLY = say("Only admins and owners of this workspace can do this.")


async def require_admin(interaction: Interaction) -> None:
    """Raise `NotAllowed` unless Slack says now that this is an admin, and `SlackError` if it cannot be asked."""
    if not await interaction.is_admin():
        raise NotAllowed("not an admin", tell=ADMINS_ONLY)
