"""The Home tab as a whole."""

from __future__ import annotations

from bot.errors import BotError, NotAllowed
from bot.features.home import about, accounts, recent, start, tracked, waiting
from bot.features.home.content import Content
from bot.interaction.paging import Keep
from bot.interaction.services import Services
from bot.screen.parts import HomeView, Text
from bot.status.recent_list import Recent
from bot.storage.homes import Home

FOR_GUESTS = HomeView((Text.of(NotAllowed.tell),))


async def draw(
    services: Services, home: Home, content: Content, listed: Recent | BotError | None, keep: Keep
) -> HomeView:
    """`listed` is what the server lists for the default account; None: not known yet. Raises `StorageUnavailable`."""
    return HomeView(
        (
            *start.parts(),
            *waiting.parts(content),
            *await tracked.parts(content, keep),
            *await recent.parts(services, home, content.default_account, listed, keep),
            *accounts.parts(content),
            *about.settings(content),
            *about.for_admins(content),
            *about.help_parts(),
        )
    )
