"""What happens when a workspace removes the app, Slack revokes its token, or a person leaves.

    app_uninstalled ──────────────────────────────────► everything of the workspace is erased
    tokens_revoked ──► nothing is sent, all is kept ──KEPT_FOR──► erased; installed again: all goes on
    user_change ──the person was deactivated, or became a guest──► what belongs to them is erased
    Erase my data ────────────────────────────────────► the same

The time of the event decides: a late repetition of app_uninstalled erases nothing of who has installed the app again.
"""

from __future__ import annotations

from typing import Final

from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply
from bot.interaction.home_changes import OPENED
from bot.interaction.owners import any_member, anybody
from bot.interaction.services import Services
from bot.logs import Log
from bot.screen.parts import DONE, NO_FORM, Modal, Text
from bot.screen.pieces import say
from bot.status.buttons import ERASE_ME
from bot.status.words import DONE_SIGN

KEPT_FOR: Final = 7 * 86_400.0  # seconds: an operator may have revoked a token that had leaked
SAME_SECOND: Final = 1.0  # Slack's times are whole seconds

log = Log("leaving")


async def erase_workspace(interaction: Interaction, _row: None) -> Reply:
    """The app was removed. Raises `StorageUnavailable`, and `SlackError` if Slack cannot say whether it is back."""
    services, event, install_team = interaction.services, interaction.event, interaction.install_team
    if event is None or install_team is None or await services.still_installed(install_team):
        return Reply(None, Outcome.REFUSED)
    until = event.happened_at + SAME_SECOND
    erased = await services.workspace_rows.erase(install_team, unless_installed_after=until)
    services.forget_installation(install_team)
    if erased is None:
        return Reply(None, Outcome.REFUSED)
    log.info("erased", reason="the app was removed", count=erased)
    return Reply(None, Outcome.DONE)


async def stop_workspace(interaction: Interaction, _row: None) -> Reply:
    """Tokens were revoked. Those of single people are not kept here, so only the bot's own matters."""
    services, event, install_team = interaction.services, interaction.event, interaction.install_team
    if event is None or not event.lost_token or install_team is None:
        return Reply(None, Outcome.REFUSED)
    stopped = await services.installations.revoke(install_team, event.happened_at + SAME_SECOND)
    services.forget_installation(install_team)
    log.warning("token_revoked", reason="kept for seven days, unless the app is installed again")
    return Reply(None, Outcome.DONE if stopped else Outcome.REFUSED)


async def erase_person(interaction: Interaction, _row: None) -> Reply:
    """Somebody was changed. Most often that is a name or a status, which says nothing here."""
    person, event = interaction.person, interaction.event
    if event is None or not event.has_left or not person.user_id:
        return Reply(None, Outcome.REFUSED)
    team_id = None if person.enterprise_id is not None else person.team_id  # a user id is unique in an organisation
    await interaction.services.audit.flush()  # what is noted later comes under a new key
    erased = await interaction.services.people.erase_user(person.user_id, team_id, has_left=True)
    if erased:
        log.info("erased", reason="the person has left the workspace", count=erased)
    return Reply(None, Outcome.DONE)


async def erase_me(interaction: Interaction, _row: None) -> Reply:
    """A person wants to be forgotten. Their Home tab is drawn anew, since it still shows what is gone."""
    services, person = interaction.services, interaction.person
    await services.audit.flush()  # what is noted later comes under a new key
    erased = await services.people.erase(person)
    log.info("erased", reason="the person asked for it", count=erased)
    await services.homes.open(person, interaction.install_team)
    services.home_changes.mark(person, OPENED)
    said = say("Your data is erased here. What you shared can still be opened until it expires.")
    return Reply(Modal.of(NO_FORM, say("Erased"), Text.of(DONE_SIGN, said), close=DONE), Outcome.DONE)


async def recover(services: Services, _alone_for: float | None = None) -> None:
    """Erase workspaces whose token was revoked long ago, and keys that nothing needs. Raises `StorageUnavailable`."""
    for install_team in await services.installations.revoked_for(KEPT_FOR):
        erased = await services.workspace_rows.erase(install_team)
        services.forget_installation(install_team)
        log.info("erased", reason="the token was revoked seven days ago", count=erased or 0)
    await services.workspace_rows.destroy_unused_keys()


FEATURE = Feature(
    name="leaving",
    handlers={
        Kind.EVENT: {
            "app_uninstalled": Handler(erase_workspace, anybody, needs_member=False),
            "tokens_revoked": Handler(stop_workspace, anybody, needs_member=False),
            "user_change": Handler(erase_person, anybody, needs_member=False, is_recorded=False),
        },
        Kind.ACTION: {ERASE_ME: Handler(erase_me, any_member, opens_window=True, is_audited=False)},
    },
    recover=recover,
)
