"""How often each person may share, open and ask for secrets, and what the bot says to a person who reached a limit."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bot.errors import LimitReached
from bot.person import Person
from bot.storage.limits import DAY, HOUR, Limit, LimitUses


@dataclass(frozen=True, slots=True)
class NamedLimit:
    """A limit, and the start of the sentence that tells a person about it: what the person did that often."""

    limit: Limit
    did: str


class Limits:
    """All methods raise `StorageUnavailable`; nothing is counted then."""

    def __init__(self, uses: LimitUses, *, shares_per_hour: int = 30, opens_per_hour: int = 30) -> None:
        self._uses = uses
        self.share = NamedLimit(
            Limit("share", shares_per_hour, HOUR), f"You shared {shares_per_hour} times within an hour"
        )
        self.open = NamedLimit(
            Limit("open", opens_per_hour, HOUR), f"You opened secrets {opens_per_hour} times within an hour"
        )

    async def consume(self, person: Person, *limits: NamedLimit, idempotency_key: str | None = None) -> None:
        """Count one use for each of these limits, or for none. Raises `LimitReached`; its `tell` says when to retry.

        A use that was counted with the same `idempotency_key` (at most 80 characters) is not counted again.
        """
        try:
            await self._uses.consume(person, *(one.limit for one in limits), idempotency_key=idempotency_key)
        except LimitReached as reached:
            did = next(one.did for one in limits if one.limit.kind == reached.kind)
            said = f"{did}, which is the limit. Please try again in {_rounded_up(reached.wait)}."
            raise LimitReached(reached.kind, reached.wait, tell=said) from None

    async def purge(self) -> int:
        """Delete uses that are too old to count. Returns how many."""
        return await self._uses.purge()


def requests_in_a_day() -> NamedLimit:
    """Requests of one person to anybody."""
    return NamedLimit(Limit("request", 20, DAY), "You asked for secrets 20 times within a day")


def requests_to(asked: Person) -> NamedLimit:
    """Requests of one person to this other person."""
    limit = Limit(f"request:{asked.user_id}", 3, DAY)
    return NamedLimit(limit, "You asked this person for secrets 3 times within a day")


def _rounded_up(seconds: float) -> str:
    """Whole minutes up to an hour, then whole hours. At least one minute."""
    minutes = max(1, math.ceil(seconds / 60))
    hours = math.ceil(minutes / 60)
    return f"{minutes} minute{'s' * (minutes > 1)}" if hours <= 1 else f"{hours} hours"
