"""Who may use the bot: members of the workspace. Guests, strangers, bots and deactivated people may not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from bot.errors import NotAllowed, SlackTrouble
from bot.person import Person
from bot.slack.web import Slack

FRESH = 300.0  # seconds; how long a deactivation may go unnoticed
MOST = 50_000  # people remembered

UNKNOWN = frozenset({"user_not_found", "user_not_visible", "users_not_found"})


class Members:
    """Asks users.info once in a while for each person, never for each request."""

    def __init__(self, slack: Slack, clock: Callable[[], float] = time.monotonic) -> None:
        self._slack = slack
        self._clock = clock
        self._known: dict[Person, tuple[float, bool]] = {}

    def is_known(self, person: Person) -> bool:
        """Whether `require` answers without asking Slack."""
        found = self._known.get(person)
        return found is not None and self._clock() - found[0] < FRESH

    async def require(self, person: Person) -> None:
        """Raise `NotAllowed` unless the person is a full, active member of their workspace.

        Raises `SlackTrouble` when Slack cannot be asked: nobody is let in on a guess.
        """
        if not self.is_known(person):
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[person] = (self._clock(), await self._ask(person))
        if not self._known[person][1]:
            raise NotAllowed("not a member")

    async def _ask(self, person: Person) -> bool:
        try:
            return is_member(await self._slack.user(person.user_id), person)
        except SlackTrouble as trouble:
            if trouble.code in UNKNOWN:
                return False
            raise


def is_member(user: Mapping[str, Any], person: Person) -> bool:
    """Source: docs.slack.dev, the user object. `is_stranger` is somebody from another workspace."""
    refused = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger", "is_workflow_bot")
    if user.get("id") != person.user_id or any(user.get(flag) for flag in refused):
        return False
    if user.get("team_id") == person.team_id:
        return True
    grid = user.get("enterprise_user")
    teams = grid.get("teams") if isinstance(grid, dict) else None
    return isinstance(teams, list) and person.team_id in teams
