"""Finds people who have left the workspace, and erases what belongs to them.

Slack is asked at least once a day about everybody who has an account, tracks or has shared something, so that no token
of somebody who left is used for longer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from bot.errors import SlackError
from bot.logs import Log
from bot.person import Person
from bot.slack.workspaces import Workspaces
from bot.storage.people import PeopleRows

CHECK_INTERVAL = 3_600.0  # seconds
ASK_AGAIN = 82_800.0  # seconds after which Slack is asked about a person again: 23 hours, and an interval more
PACE = 0.7  # seconds between two questions: Slack allows a hundred a minute, and members are asked for too

log = Log("departed")


class DepartedPeople:
    def __init__(self, workspaces: Workspaces, people: PeopleRows, clock: Callable[[], float] = time.monotonic) -> None:
        self._workspaces = workspaces
        self._people = people
        self._clock = clock
        self._asked_at: dict[Person, float] = {}

    async def check(self) -> bool:
        """Ask Slack about everybody whom it was not asked about today. Raises `StorageUnavailable`."""
        everybody = await self._people.not_known_to_have_left()
        known = set(everybody)
        self._asked_at = {one: at for one, at in self._asked_at.items() if one in known}
        due = [one for one in everybody if self._clock() - self._asked_at.get(one, -ASK_AGAIN) >= ASK_AGAIN]
        for number, person in enumerate(due):
            if number:
                await asyncio.sleep(PACE)
            try:
                has_left = await self._has_left(person)
            except SlackError as error:
                log.info("not_asked", error=str(error))  # in an hour
                continue
            self._asked_at[person] = self._clock()
            if has_left:
                await self._people.erase(person, has_left=True)
                log.info("erased", reason="the person has left the workspace")
        return False

    async def _has_left(self, person: Person) -> bool:
        """Whether Slack knows this very person, and says that they were deactivated. Raises `SlackError`.

        A person whom Slack does not find is not taken for one who left: the token may be of another workspace.
        """
        slack = await self._workspaces.client_of(person.team_id)
        user = await slack.user(person.user_id)
        return user.get("id") == person.user_id and user.get("deleted") is True
