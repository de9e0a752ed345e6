"""How often each person may share, open and ask for secrets, and what the bot says to a person who reached a limit."""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.errors import LimitReached
from bot.interaction.card_queue import MAX_CALLS, PERIOD
from bot.person import Person
from bot.policy.decide import acting, words
from bot.policy.rules import MAX_COUNT
from bot.screen.pieces import Phrase, Sentences, say, say_count
from bot.storage.limits import DAY, HOUR, Limit, LimitUses


@dataclass(frozen=True, slots=True)
class NamedLimit:
    """A limit, and the sentence that tells a person what they did that often."""

    limit: Limit
    reached: Phrase


@dataclass(frozen=True, slots=True)
class ConnectAttempt:
    """A try to connect an account that was counted."""

    person: Person
    key: str  # the idempotency key of its uses


CONNECTS_PER_HOUR = 10
EVERYBODY = Person(None, "-", "-")  # whom uses belong to that are counted over all people
_CONNECTS = NamedLimit(
    Limit("connect", CONNECTS_PER_HOUR, HOUR),
    say("Your last {count} tokens were not accepted, which is the limit.", count=CONNECTS_PER_HOUR),
)
_TRIED = say("The last {count} tokens for this account were not accepted, which is the limit.", count=CONNECTS_PER_HOUR)


_CARD_CALLS = Limit("card_call", MAX_CALLS, PERIOD)
MIN_WAIT = 0.1  # seconds

# Kind of a limit -> the rule that limits all people of a workspace together.
WORKSPACE_RULES = {"share": "workspace_shares_per_hour", "open": "workspace_opens_per_hour"}


class Limits:
    """All methods raise `StorageUnavailable`; nothing is counted then."""

    def __init__(self, uses: LimitUses, *, shares_per_hour: int = 30, opens_per_hour: int = 30) -> None:
        self._uses = uses
        self._shares_per_hour = shares_per_hour
        self._opens_per_hour = opens_per_hour

    @property
    def share(self) -> NamedLimit:
        """For whoever acts now."""
        most = acting.get().lowest("shares_per_hour", self._shares_per_hour)
        return NamedLimit(
            Limit("share", most, HOUR),
            say_count(
                "You shared {count} time within an hour, which is the limit.",
                "You shared {count} times within an hour, which is the limit.",
                most,
            ),
        )

    @property
    def open(self) -> NamedLimit:
        """For whoever acts now."""
        most = acting.get().lowest("opens_per_hour", self._opens_per_hour)
        return NamedLimit(
            Limit("open", most, HOUR),
            say_count(
                "You opened {count} secret within an hour, which is the limit.",
                "You opened secrets {count} times within an hour, which is the limit.",
                most,
            ),
        )

    def outer(self, rule: str) -> int:
        """The bound that the settings give a rule of the policy; a number that nobody reaches if they give none."""
        return {"shares_per_hour": self._shares_per_hour, "opens_per_hour": self._opens_per_hour}.get(rule, MAX_COUNT)

    async def _consume_for_all(self, person: Person, kind: str, idempotency_key: str) -> None:
        """Count it for all people of the workspace together, if there is a rule. Raises `LimitReached`."""
        rule = WORKSPACE_RULES.get(kind)
        levels = [(whose, getattr(one, rule)) for whose, one in acting.get().each()] if rule else []
        said = [(most, whose) for whose, most in levels if most is not None]
        if rule is None or not said:
            return
        most, whose = min(said)
        workspace = replace(person, user_id="-")
        limit = NamedLimit(Limit(f"workspace_{kind}", most, HOUR), words(rule, whose))
        await self.consume(workspace, limit, idempotency_key=idempotency_key)

    async def consume(self, person: Person, *limits: NamedLimit, idempotency_key: str | None = None) -> None:
        """Count one use for each of these limits, or for none. Raises `LimitReached`; its `tell` says when to retry.

        A use that was counted with the same `idempotency_key` (at most 80 characters) is not counted again.
        """
        key = idempotency_key or secrets.token_urlsafe(16)
        try:
            await self._uses.consume(person, *(one.limit for one in limits), idempotency_key=key)
        except LimitReached as reached:
            did = next(one.reached for one in limits if one.limit.kind == reached.kind)
            said = Sentences.of(did, _try_again(reached.wait))
            raise LimitReached(reached.kind, reached.wait, tell=said) from None
        for one in limits:
            try:
                await self._consume_for_all(person, one.limit.kind, key)
            except LimitReached:
                await self._uses.give_back(person, key)
                raise

    async def count_card_call(self, team_id: str) -> float:
        """Count a call of chat.unfurl in this workspace by any process.

        Returns the seconds to wait if there were too many, else 0.
        """
        try:
            await self._uses.consume(Person(None, team_id, "-"), _CARD_CALLS)
        except LimitReached as reached:
            return max(reached.wait, MIN_WAIT)
        return 0.0

    async def begin_connecting(self, person: Person, account: Sequence[str]) -> ConnectAttempt:
        """Count a try to connect, for the person and for the account, whoever tries it. Raises `LimitReached`.

        `account` are the `name_indexes` of the account. The count stays unless `give_back` is called.
        """
        attempt = ConnectAttempt(person, secrets.token_urlsafe(16))
        await self.consume(person, _CONNECTS, idempotency_key=attempt.key)
        limits = (NamedLimit(Limit(f"connect:{index}", CONNECTS_PER_HOUR, HOUR), _TRIED) for index in account)
        try:
            await self.consume(EVERYBODY, *limits, idempotency_key=attempt.key)
        except LimitReached:
            await self._uses.give_back(person, attempt.key)
            raise
        return attempt

    async def give_back(self, attempt: ConnectAttempt) -> None:
        """Do not count this try: the host did not refuse the token."""
        for who in (attempt.person, EVERYBODY):
            await self._uses.give_back(who, attempt.key)

    async def purge(self) -> int:
        """Delete uses that are too old to count. Returns how many."""
        return await self._uses.purge()


def requests_in_a_day() -> NamedLimit:
    """Requests of one person to anybody."""
    return NamedLimit(
        Limit("request", 20, DAY), say("You requested secrets 20 times within a day, which is the limit.")
    )


def requests_to(asked: Person) -> NamedLimit:
    """Requests of one person to this other person."""
    limit = Limit(f"request:{asked.user_id}", 3, DAY)
    return NamedLimit(limit, say("You requested secrets from this person 3 times within a day, which is the limit."))


def _try_again(seconds: float) -> Phrase:
    """In whole minutes up to an hour, then in whole hours. At least in one minute."""
    minutes = max(1, math.ceil(seconds / 60))
    hours = math.ceil(minutes / 60)
    if hours <= 1:
        return say_count("Please try again in {count} minute.", "Please try again in {count} minutes.", minutes)
    return say_count("Please try again in {count} hour.", "Please try again in {count} hours.", hours)
