"""For whom something changed that their Home tab shows. Many changes of one person are drawn once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.person import Person

MAX_PEOPLE = 50_000  # who wait to be looked at; more than that wait for their next change


@dataclass(frozen=True, slots=True)
class HomeChange:
    """Why a Home is drawn."""

    asks: bool = True  # servers are asked again for what they list
    opens: bool = False  # the person has opened it, so it is published even if it looks as before
    is_answered: bool = False  # a server has answered, later than its Home was drawn

    def __or__(self, other: HomeChange) -> HomeChange:
        return HomeChange(self.asks or other.asks, self.opens or other.opens, self.is_answered or other.is_answered)


SOMETHING: Final = HomeChange()
OPENED: Final = HomeChange(opens=True)
REDRAWN: Final = HomeChange(asks=False)  # what is known is shown in another way
ANSWERED: Final = HomeChange(asks=False, is_answered=True)


class HomeChanges:
    """Lives in the process: what is not drawn when it ends is drawn at the next start."""

    def __init__(self) -> None:
        self._changed: dict[Person, HomeChange] = {}
        self._some = asyncio.Event()

    def mark(self, person: Person, change: HomeChange = SOMETHING) -> None:
        """Something changed for this person."""
        if (before := self._changed.get(person)) is not None:
            self._changed[person] = before | change
        elif len(self._changed) < MAX_PEOPLE:
            self._changed[person] = change
            self._some.set()

    async def wait(self, is_free: Callable[[Person], bool]) -> dict[Person, HomeChange]:
        """Wait until somebody is marked who is free. Returns those, who are not marked any more."""
        while True:
            await self._some.wait()
            self._some.clear()
            if free := [person for person in self._changed if is_free(person)]:
                return {person: self._changed.pop(person) for person in free}

    def take(self, person: Person) -> HomeChange:
        """What changed for this person since they were taken last."""
        return self._changed.pop(person, REDRAWN)

    def wake(self) -> None:
        """Somebody has become free."""
        self._some.set()
