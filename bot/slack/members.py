"""Who may use the bot: full, active members of the workspace, and its guests by a rule. Nobody else, and no bots."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cachetools import TTLCache

from bot.errors import NotAllowed, SlackError
from bot.interaction.policies import Policies
from bot.person import Person, known_zone
from bot.policy.decide import decide
from bot.slack.workspaces import NOT_INSTALLED, Workspace, Workspaces

FRESH_FOR = 300.0  # seconds; how long a deactivation may go unnoticed
MAX_MEMBERS = 50_000  # people in the cache; when it is full, the one unused for longest is dropped

# Who, and by which installation: somebody may be a member of one workspace and a guest in a channel of another.
_Asked = tuple[Person, str | None]

UNKNOWN = frozenset({"user_not_found", "user_not_visible", "users_not_found"})


@dataclass(frozen=True, slots=True)
class Member:
    """What is cached about a person who may use the bot."""

    zone: str | None  # the IANA name of their time zone, known on this machine
    is_guest: bool = False  # of this workspace: let in only by a rule
    is_admin: bool = False  # when Slack was asked last: only to offer a button, never to allow anything


class Members:
    """Asks users.info for each person once in `FRESH_FOR` seconds, never for each request."""

    def __init__(
        self,
        workspaces: Workspaces,
        policies: Policies,
        note_locale: Callable[[Person, str | None], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workspaces = workspaces
        self._policies = policies
        self._note_locale = note_locale
        self._known: TTLCache[_Asked, Member | None] = TTLCache(MAX_MEMBERS, FRESH_FOR, timer=clock)
        self._asking: dict[_Asked, asyncio.Future[Member | None]] = {}

    def is_known(self, person: Person, install_team: str | None) -> bool:
        """Whether `require_member` can answer without asking Slack."""
        return (person, install_team) in self._known

    def known_membership(self, person: Person, install_team: str | None) -> bool | None:
        """Whether `require_member` would let the person in, without asking Slack; None if it would have to ask."""
        try:
            member = self._known[person, install_team]
        except KeyError:
            return None
        return None if member is not None and member.is_guest else member is not None

    def may_be_admin(self, person: Person, install_team: str | None) -> bool:
        """Whether Slack said so when it was asked last: only to offer a button. `is_admin` decides."""
        member = self._known.get((person, install_team))
        return member is not None and member.is_admin

    async def require_member(self, person: Person, install_team: str | None) -> str | None:
        """The time zone of the person, who has to be a full, active member.

        `install_team` is the workspace or organisation whose app asks Slack. Returns an IANA name that this machine
        knows, or None. Raises `NotAllowed` for everybody else, and `SlackError` when Slack
        cannot be asked: without its answer nobody may use the bot.
        """
        if not person.user_id:
            raise NotAllowed("nobody acted")
        try:
            member = self._known[person, install_team]
        except KeyError:
            member = self._known[person, install_team] = await self._ask_once(person, install_team)
        if member is None:
            raise NotAllowed("not a member")
        if member.is_guest:
            await self._require_guests(person)
        return member.zone

    async def _require_guests(self, person: Person) -> None:
        """Raise `NotAllowed` unless a rule lets guests of the workspace in, and none forbids it."""
        layers = await self._policies.of(person)
        if layers.allows_guests:
            return
        raise decide(layers, "guests") or NotAllowed("a guest")

    async def is_member(self, person: Person) -> bool:
        """Whether `require_member` would let in somebody of an installed workspace. Raises `SlackError`."""
        try:
            await self.require_member(person, person.team_id)
        except NotAllowed:
            return False
        except SlackError as error:
            if error.code == NOT_INSTALLED:
                return False
            raise
        return True

    async def is_admin(self, person: Person, install_team: str | None) -> bool:
        """Whether this member is an admin or owner, as Slack says now: nothing of it is cached. Raises `SlackError`."""
        workspace = await self._workspaces.require(install_team)
        user = await workspace.slack.user(person.user_id)
        return is_member(user, person, workspace.team_id, workspace.enterprise_id) and is_admin(user)

    async def has_left(self, person: Person, install_team: str | None) -> bool:
        """Whether somebody is no full member any more, as Slack says now. Raises `SlackError`."""
        member = await self._ask(person, install_team)
        return member is None or member.is_guest

    async def _ask_once(self, person: Person, install_team: str | None) -> Member | None:
        """Ask Slack once, also when a person that is not known yet does several things at the same time."""
        asked = (person, install_team)
        asking = self._asking.get(asked)
        if asking is None:
            asking = self._asking[asked] = asyncio.ensure_future(self._ask(person, install_team))
            asking.add_done_callback(lambda _: self._asking.pop(asked, None))
        return await asyncio.shield(asking)

    async def _ask(self, person: Person, install_team: str | None) -> Member | None:
        workspace = await self._workspaces.require(install_team)
        try:
            user = await workspace.slack.user(person.user_id)
        except SlackError as error:
            if error.code in UNKNOWN:
                return None
            raise
        await self._note_locale(person, locale_of(user))
        if is_member(user, person, workspace.team_id, workspace.enterprise_id):
            return Member(zone_of(user), is_admin=is_admin(user))
        return Member(zone_of(user), is_guest=True) if is_guest(user, person, workspace) else None


def is_admin(user: Mapping[str, Any]) -> bool:
    return any(user.get(flag) is True for flag in ("is_admin", "is_owner", "is_primary_owner"))


def is_guest(user: Mapping[str, Any], person: Person, workspace: Workspace) -> bool:
    """Whether the person is an active guest of this very workspace, or of one of this organisation's workspaces.

    A guest of a workspace is in one channel of it, or in several.
    """
    if not (user.get("is_restricted") or user.get("is_ultra_restricted")):
        return False
    full = {**user, "is_restricted": False, "is_ultra_restricted": False}
    enterprise_id = workspace.enterprise_id if workspace.team_id is None else None
    return is_member(full, person, workspace.team_id, enterprise_id)


def is_member(user: Mapping[str, Any], person: Person, team_id: str | None, enterprise_id: str | None) -> bool:
    """Whether the person is who this user object says, and an active full member of the team or organisation.

    Somebody from another workspace who shares a channel with it has another team, whatever `is_stranger` says.
    Source: docs.slack.dev, the user object.
    """
    refused = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger", "is_workflow_bot")
    if user.get("id") != person.user_id or any(user.get(flag) for flag in refused):
        return False
    if team_id is not None and user.get("team_id") == team_id:
        return person.team_id == team_id
    grid = user.get("enterprise_user")
    return enterprise_id is not None and isinstance(grid, dict) and grid.get("enterprise_id") == enterprise_id


async def ask_locale(workspaces: Workspaces, person: Person) -> str | None:
    """What Slack says of the locale of anybody. Raises `SlackError`."""
    slack = await workspaces.client_of(person.team_id)
    return locale_of(await slack.user(person.user_id))


def locale_of(user: Mapping[str, Any]) -> str | None:
    """The user object's `locale`, such as "de-DE"."""
    locale = user.get("locale")
    return locale if isinstance(locale, str) else None


def zone_of(user: Mapping[str, Any]) -> str | None:
    """The user object's `tz`, such as "Europe/Berlin"; None where Slack names none that this machine knows."""
    zone = known_zone(user.get("tz"))
    return zone.key if zone else None
