"""Who may use the bot: members of the workspace. Guests, strangers, bots and deactivated people may not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import NotAllowed, SlackError
from bot.person import Person, known_zone
from bot.slack.web import SlackClient
from bot.slack.workspace import Workspace

FRESH_FOR = 300.0  # seconds; how long a deactivation may go unnoticed
MAX_MEMBERS = 50_000  # people remembered

UNKNOWN = frozenset({"user_not_found", "user_not_visible", "users_not_found"})


@dataclass(frozen=True, slots=True)
class Member:
    """What is kept of somebody who may use the bot."""

    zone: str | None  # the IANA name of their time zone, known here


class Members:
    """Asks users.info once in a while for each person, never for each request."""

    def __init__(self, slack: SlackClient, workspace: Workspace, clock: Callable[[], float] = time.monotonic) -> None:
        self._slack = slack
        self._workspace = workspace
        self._clock = clock
        self._known: dict[Person, tuple[float, Member | None]] = {}
        self._asking: dict[Person, asyncio.Future[Member | None]] = {}

    def is_known(self, person: Person) -> bool:
        """Whether `require` answers without asking Slack."""
        found = self._known.get(person)
        return found is not None and self._clock() - found[0] < FRESH_FOR

    async def require_member(self, person: Person) -> str | None:
        """The time zone of the person, who has to be a full, active member of this very workspace.

        It is an IANA name that this machine knows, or None. Raises `NotAllowed` for everybody else, and
        `SlackError` when Slack cannot be asked: nobody is let in on a guess.
        """
        if not self.is_known(person):
            member = await self._ask_once(person)
            if len(self._known) >= MAX_MEMBERS:
                self._known.clear()
            self._known[person] = (self._clock(), member)
        _, member = self._known[person]
        if member is None:
            raise NotAllowed("not a member")
        return member.zone

    async def is_member(self, person: Person) -> bool:
        """Whether `require` would let them in. Raises `SlackError`."""
        try:
            await self.require_member(person)
        except NotAllowed:
            return False
        return True

    async def _ask_once(self, person: Person) -> Member | None:
        """Several acts at once of somebody unknown ask Slack once."""
        asking = self._asking.get(person)
        if asking is None:
            asking = self._asking[person] = asyncio.ensure_future(self._ask(person))
            asking.add_done_callback(lambda _: self._asking.pop(person, None))
        return await asyncio.shield(asking)

    async def _ask(self, person: Person) -> Member | None:
        try:
            user = await self._slack.user(person.user_id)
        except SlackError as trouble:
            if trouble.code in UNKNOWN:
                return None
            raise
        if not is_member(user, person, self._workspace.team_id, self._workspace.enterprise_id):
            return None
        return Member(zone_of(user))


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


def zone_of(user: Mapping[str, Any]) -> str | None:
    """The user object's `tz`, such as "Europe/Berlin"; None where Slack names none, or one that nobody knows here."""
    zone = known_zone(user.get("tz"))
    return zone.key if zone else None
