"""Who has an account on the emulated server, and who a request comes from."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field

ANONYMOUS = "anonymous"
ANON = "anon"  # `custid` of whoever has no account


@dataclass(slots=True)
class ServerAccount:
    username: str = field(repr=False)
    token: str = field(repr=False)
    external_id: str = field(repr=False)  # the server's own name for the account
    account_id: str = field(repr=False)  # v2 since 0.24


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: an account, or nobody. `shrimp` is the text that old servers add to a caller's errors."""

    account: ServerAccount | None
    shrimp: str = field(repr=False)

    @property
    def username(self) -> str | None:
        return self.account.username if self.account else None

    @property
    def custid(self) -> str:
        return self.account.username if self.account else ANON


class ServerAccounts:
    """User names are case-sensitive, as on the real servers."""

    def __init__(self, *, external_ids: bool) -> None:
        self._external_ids = external_ids
        self._accounts: dict[str, ServerAccount] = {}
        self._shrimps: dict[str | None, str] = {}

    def add(self, username: str, token: str) -> None:
        if username in self._accounts:
            raise ValueError("there is an account of that name already")
        if not token:
            raise ValueError("an account needs a token")
        external_id = "ur" + secrets.token_hex(12)
        self._accounts[username] = ServerAccount(username, token, external_id, str(uuid.uuid4()))

    def change_token(self, username: str, token: str) -> None:
        """The old token stops working at once. Raises `KeyError` for an unknown account."""
        self._accounts[username].token = token

    def remove(self, username: str) -> None:
        """Its secrets stay. Raises `KeyError` for an unknown account."""
        del self._accounts[username]

    def caller(self, sent: tuple[str, str] | None) -> Caller | None:
        """Whose credentials these are; None if they are not good. Without any the caller is anonymous."""
        if sent is None:
            return Caller(None, self._shrimp(None))
        username, token = sent
        account = self._accounts.get(username) or self._by_external_id(username)
        if account is None or not _same(account.token, token):
            return None
        return Caller(account, self._shrimp(account.username))

    def _by_external_id(self, username: str) -> ServerAccount | None:
        if not self._external_ids:
            return None
        return next((each for each in self._accounts.values() if each.external_id == username), None)

    def _shrimp(self, username: str | None) -> str:
        return self._shrimps.setdefault(username, secrets.token_hex(25))


def masked(sent: tuple[str, str] | None) -> str:
    """How a caller is shown: a hint at the user name that was sent, or `ANONYMOUS`."""
    if sent is None:
        return ANONYMOUS
    name, at, domain = sent[0].partition("@")
    return f"{name[:1]}***{at}{domain[:1]}{'***' if at else ''}"


def _same(ours: str, theirs: str) -> bool:
    return secrets.compare_digest(ours.encode(), theirs.encode())
