"""Calls that a key alone allows: with the person's account, or without it where the host refuses the account.

A host answers a call for one secret to anybody who has its key, so an account that the host does not accept any more is
no reason to fail. With the wrong credentials it would refuse: it never falls back by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from bot.errors import NotAuthorized
from bot.onetime.client import Credentials
from bot.onetime.wire import AccountsOff
from bot.screen.parts import Note, Plain

ReturnT = TypeVar("ReturnT")

RECONNECT = " does not accept your account any more, so this was done without it. Reconnect it with `/ots connect`."
ACCOUNTS_OFF = " does not take accounts any more, so this was done without yours."
UNREADABLE = ": your account cannot be read any more, so this was done without it. Reconnect it with `/ots connect`."


@dataclass(slots=True)
class HostAccess:
    """How to call one host for one person. After a refusal of the account, all later calls are anonymous."""

    credentials: Credentials
    account_id: str | None = None  # of the person's account on the host, whether or not it is accepted
    problem: str | None = None  # the end of a sentence that begins with the host's name: why the account was not used

    async def call(self, make: Callable[[Credentials], Awaitable[ReturnT]]) -> ReturnT:
        """Raises what `make` raises; `NotAuthorized` and `AccountsOff` only if the anonymous call is refused too."""
        try:
            return await make(self.credentials)
        except (NotAuthorized, AccountsOff) as error:
            if self.credentials.username is None:
                raise
            self.problem = ACCOUNTS_OFF if isinstance(error, AccountsOff) else RECONNECT
            self.credentials = Credentials(self.credentials.host)
        return await make(self.credentials)

    @property
    def summary(self) -> str:
        """What `notes` say, as one plain text; empty if there is nothing to say."""
        return "" if self.problem is None else f"{self.credentials.host.name}{self.problem}".replace("`", "")

    @property
    def notes(self) -> tuple[Note, ...]:
        """What to tell the person about the account, to be shown under the answer."""
        if self.problem is None:
            return ()
        return (Note.of(":warning: ", Plain(self.credentials.host.name), self.problem),)
