"""One entry of the audit: what it says, and how it is written before it is sealed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from bot.errors import Unsealable
from bot.person import Person
from bot.storage.sealing.sealer import NOBODY

DIRECT: Final = "direct"  # the place of what happened in direct messages with the bot
HOME: Final = "home"  # the place of what happened in the Home tab
MAX_ACT, MAX_OUTCOME = 32, 16  # characters
ERASED: Final = "erased"  # the act of erasing a person: `ref` is the id of the key that was destroyed

# What the sealed part of an entry says, in the order of an export. `user` is empty where no person acted.
FIELDS: Final = ("user", "act", "name", "surface", "place", "ref", "secret", "rule", "outcome")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What one person did in a workspace, or what the bot did for them."""

    person: Person  # in the workspace whose chain it is; `user_id` is "-" where no person acted
    act: str  # what was done: the name of a feature, or of what the bot does by itself
    outcome: str
    at: float  # seconds since 1970, by the clock of the process
    name: str | None = None  # of the command, button or form
    surface: str = "app"  # a kind of interaction; "app": what the bot or an operator does
    place: str | None = None  # a channel's id, DIRECT or HOME; None: not known
    ref: str | None = None  # the opaque id of the row that it is about
    secret: str | None = None  # a keyed hash of host and key
    rule: str | None = None  # by which rule it was denied; None: it was allowed

    @property
    def workspace(self) -> tuple[str, str]:
        return (NOBODY if self.person.enterprise_id is None else self.person.enterprise_id), self.person.team_id

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    def encode(self) -> bytes:
        """The part that is sealed: one text for each content."""
        values = {name: getattr(self, name) for name in FIELDS if name != "user"} | {"user": self.person.user_id}
        present = {name: value for name, value in values.items() if value is not None}
        return json.dumps(present, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, workspace: tuple[str, str], at: float, plain: bytes) -> AuditEntry:
        """What `encode` wrote. Fields of a later version are left out. Raises `Unsealable`."""
        try:
            values: dict[str, Any] = {name: value for name, value in json.loads(plain).items() if name in FIELDS}
            enterprise, team = workspace
            person = Person(None if enterprise == NOBODY else enterprise, team, values.pop("user"))
            return cls(person=person, at=at, **values)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Unsealable from None


def of_workspace(person: Person) -> Person:
    """Nobody, in the workspace of this person: its entries are not about a person."""
    return replace(person, user_id=NOBODY)
