"""Calls that a key alone allows: with the person's account, or without it where the host refuses the account.

A host answers a call for one secret to anybody who has its key, so an account that the host does not accept any more is
no reason to fail. With the wrong credentials it would refuse: it never falls back by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from bot.errors import NotAuthorized
from bot.onetime.client import Credentials
from bot.onetime.wire import AccountsOff
from bot.screen.parts import Note
from bot.screen.pieces import HostName, Mark, Phrase, say

ReturnT = TypeVar("ReturnT")

AccountProblem = Literal["refused", "accounts_off", "unreadable"]


@dataclass(slots=True)
class HostAccess:
    """How to call one host for one person. After a refusal of the account, all later calls are anonymous."""

    credentials: Credentials
    account_id: str | None = None  # of the person's account on the host, whether or not it is accepted
    problem: AccountProblem | None = None  # why the account was not used

    async def call(self, make: Callable[[Credentials], Awaitable[ReturnT]]) -> ReturnT:
        """Raises what `make` raises; `NotAuthorized` and `AccountsOff` only if the anonymous call is refused too."""
        try:
            return await make(self.credentials)
        except (NotAuthorized, AccountsOff) as error:
            if self.credentials.username is None:
                raise
            self.problem = "accounts_off" if isinstance(error, AccountsOff) else "refused"
            self.credentials = Credentials(self.credentials.host)
        return await make(self.credentials)

    @property
    def summary(self) -> Phrase | None:
        """What `notes` say; None if there is nothing to say."""
        return None if self.problem is None else _explain(self.problem, HostName(self.credentials.host.name))

    @property
    def notes(self) -> tuple[Note, ...]:
        """What to tell the person about the account, to be shown under the answer."""
        said = self.summary
        return () if said is None else (Note.of(Mark(":warning: "), said),)


def _explain(problem: AccountProblem, server: HostName) -> Phrase:
    match problem:
        case "refused":
            return say(
                "{server} does not accept your account any more, so it was not used. Connect it again: `/ots connect`.",
                server=server,
            )
        case "accounts_off":
            return say("{server} does not take accounts any more, so yours was not used.", server=server)
        case "unreadable":
            return say(
                "Your account on {server} cannot be read any more, so it was not used. Connect it again: `/ots "
                "connect`.",
                server=server,
            )
