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
from bot.slack.workspace import Workspace

FRESH_FOR = 300.0  # seconds; how long a deactivation may go unnoticed
MAX_MEMBERS = 50_000  # people in the cache; when it is full, the one unused for longest is dropped

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
        workspace: Workspace,
        note_locale: Callable[[Person, str | None], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
        *,
        policies: Policies | None = None,
    ) -> None:
        self._policies = policies
        self._workspace = workspace
        self._note_locale = note_locale
        self._known: TTLCache[Person, Member | None] = TTLCache(MAX_MEMBERS, FRESH_FOR, timer=clock)
        self._asking: dict[Person, asyncio.Future[Member | None]] = {}

    def is_known(self, person: Person) -> bool:
        """Whether `require_member` can answer without asking Slack."""
        return person in self._known

    def known_membership(self, person: Person) -> bool | None:
        """What `is_member` would say, without asking Slack; None if it would have to ask."""
        try:
            member = self._known[person]
        except KeyError:
            return None
        return None if member is not None and member.is_guest else member is not None

    def may_be_admin(self, person: Person) -> bool:
        """Whether Slack said so when it was asked last: only to offer a button. `ask_is_admin` decides."""
        member = self._known.get(person)
        return member is not None and member.is_admin

    async def require_member(self, person: Person, install_team: str | None) -> str | None:
        """The time zone of the person, who has to be a full, active member.

        `install_team` is the workspace whose app asks Slack; None means the organisation's install. Returns an IANA
        name that this machine knows, or None. Raises `NotAllowed` for everybody else, and `SlackError` when Slack
        cannot be asked: without its answer nobody may use the bot.
        """
        if not person.user_id:
            raise NotAllowed("nobody acted")
        try:
            member = self._known[person]
        except KeyError:
            member = self._known[person] = await self._ask_once(person, install_team)
        if member is None:
            raise NotAllowed("not a member")
        if member.is_guest:
            await self._require_guests(person)
        return member.zone

    async def _require_guests(self, person: Person) -> None:
        """Raise `NotAllowed` unless a rule lets guests of the workspace in, and none forbids it."""
        if self._policies is None:
            raise NotAllowed("a guest")
        layers = await self._policies.of(person)
        if layers.allows_guests:
            return
        denial = decide(layers, "guests")
        raise NotAllowed("a guest", tell=denial.tell if denial else None)

    async def is_member(self, person: Person) -> bool:
        """Whether `require_member` would let in somebody of an installed workspace. Raises `SlackError`."""
        try:
            await self.require_member(person, person.team_id)
        except NotAllowed:
            return False
        return True

    async def _ask_once(self, person: Person, install_team: str | None) -> Member | None:
        """Ask Slack once, also when a person that is not known yet does several things at the same time."""
        asking = self._asking.get(person)
        if asking is None:
            asking = self._asking[person] = asyncio.ensure_future(self._ask(person, install_team))
            asking.add_done_callback(lambda _: self._asking.pop(person, None))
        return await asyncio.shield(asking)

    async def _ask(self, person: Person, install_team: str | None) -> Member | None:
        try:
            user = await self._workspace.client_of(install_team).user(person.user_id)
        except SlackError as error:
            if error.code in UNKNOWN:
                return None
            raise
        await self._note_locale(person, locale_of(user))
        team_id, enterprise_id = self._workspace.team_id, self._workspace.enterprise_id
        if is_member(user, person, team_id, enterprise_id):
            return Member(zone_of(user), is_admin=is_admin(user))
        return Member(zone_of(user), is_guest=True) if is_guest(user, person, team_id) else None


async def ask_is_admin(workspace: Workspace, person: Person, install_team: str | None) -> bool:
    """Whether Slack says now that the person is an admin or owner of their workspace. Raises `SlackError`."""
    try:
        user = await workspace.client_of(install_team).user(person.user_id)
    except SlackError as error:
        if error.code in UNKNOWN:
            return False
        raise
    return is_member(user, person, workspace.team_id, workspace.enterprise_id) and is_admin(user)


def is_admin(user: Mapping[str, Any]) -> bool:
    return any(user.get(flag) is True for flag in ("is_admin", "is_owner", "is_primary_owner"))


def is_guest(user: Mapping[str, Any], person: Person, team_id: str | None) -> bool:
    """Whether the person is an active guest of this very workspace: in one channel of it, or in several."""
    if not (user.get("is_restricted") or user.get("is_ultra_restricted")):
        return False
    full = {**user, "is_restricted": False, "is_ultra_restricted": False}
    return team_id is not None and user.get("team_id") == team_id and is_member(full, person, team_id, None)


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


async def ask_locale(workspace: Workspace, person: Person) -> str | None:
    """What Slack says of the locale of anybody. Raises `SlackError`."""
    return locale_of(await workspace.client_of(person.team_id).user(person.user_id))


def locale_of(user: Mapping[str, Any]) -> str | None:
    """The user object's `locale`, such as "de-DE"."""
    locale = user.get("locale")
    return locale if isinstance(locale, str) else None


def zone_of(user: Mapping[str, Any]) -> str | None:
    """The user object's `tz`, such as "Europe/Berlin"; None where Slack names none that this machine knows."""
    zone = known_zone(user.get("tz"))
    return zone.key if zone else None
