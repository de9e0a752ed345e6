"""The app's Home tab: the verbs without typing `/ots`, what waits for a person, and what became of their secrets.

Buttons have the names and the handlers that they have elsewhere. What is here only turns the pages of the Home itself.
"""

from __future__ import annotations

from bot.failpoints import failpoint
from bot.features.home import actions
from bot.interaction import paging
from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply, Resumption
from bot.interaction.home_changes import OPENED, REDRAWN
from bot.interaction.owners import anybody, own_button_context
from bot.interaction.services import Services
from bot.storage.acts import Act
from bot.storage.button_contexts import RECENT_PAGE, TRACKED_PAGE, ButtonContext

HOME_OPENED = "app_home_opened"


async def open_home(interaction: Interaction, _row: None) -> Reply:
    """The person looks at the Home tab. Who is no member gets one that says so."""
    await interaction.services.homes.open(interaction.person, interaction.install_team)
    failpoint("home_opened")
    interaction.services.home_changes.mark(interaction.person, OPENED)
    return Reply(None, Outcome.SHOWN)


async def turn_tracked(interaction: Interaction, context: ButtonContext[None]) -> Reply:
    """Newer and Older, among what the person shared and tracks."""
    await interaction.services.homes.show(interaction.person, tracked_page=paging.read_page(context.data["page"]))
    return _drawn_again(interaction)


async def turn_recent(interaction: Interaction, context: ButtonContext[None]) -> Reply:
    """Newer, Older and the menu of filters, among what the server lists."""
    page = paging.read_page(context.data["page"])
    await interaction.services.homes.show(interaction.person, recent_page=page, recent_filter=context.data["filter"])
    return _drawn_again(interaction)


def _drawn_again(interaction: Interaction) -> Reply:
    interaction.services.home_changes.mark(interaction.person, REDRAWN)
    return Reply(None, Outcome.SHOWN)


async def resume(services: Services, act: Act) -> Resumption:
    """Nobody waits for words about a page that was not turned: the Home is drawn as it is stored."""
    services.home_changes.mark(act.person)
    return Resumption()


async def recover(services: Services, _alone_for: float | None = None) -> None:
    """Forget Homes that nobody has opened for a day. Raises `StorageUnavailable`."""
    await services.homes.purge()


FEATURE = Feature(
    name="home",
    handlers={
        Kind.EVENT: {HOME_OPENED: Handler(open_home, anybody, needs_member=False, draws_home=True)},
        Kind.ACTION: {
            actions.TRACKED_NEWER: Handler(turn_tracked, own_button_context(TRACKED_PAGE), draws_home=True),
            actions.TRACKED_OLDER: Handler(turn_tracked, own_button_context(TRACKED_PAGE), draws_home=True),
            actions.RECENT_NEWER: Handler(turn_recent, own_button_context(RECENT_PAGE), draws_home=True),
            actions.RECENT_OLDER: Handler(turn_recent, own_button_context(RECENT_PAGE), draws_home=True),
            actions.RECENT_FILTER: Handler(turn_recent, own_button_context(RECENT_PAGE), draws_home=True),
        },
    },
    recover=recover,
    resumes={
        (Kind.ACTION, actions.TRACKED_NEWER): resume,
        (Kind.ACTION, actions.TRACKED_OLDER): resume,
        (Kind.ACTION, actions.RECENT_NEWER): resume,
        (Kind.ACTION, actions.RECENT_OLDER): resume,
        (Kind.ACTION, actions.RECENT_FILTER): resume,
    },
)
