"""The accounts of the emulated server, and which account a request comes from."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field

ANONYMOUS = "anonymous"
ANON = "anon"  # the `custid` of a caller without an account


@dataclass(slots=True)
class ServerAccount:
    username: str = field(repr=False)
    token: str = field(repr=False)
    external_id: str = field(repr=False)  # `ur...`, an id that newer servers take as a user name too
    account_id: str = field(repr=False)  # a UUID that v2 shows since 0.24


@dataclass(frozen=True, slots=True)
class Caller:
    """The account that a request comes from, or None for an anonymous request.

    `shrimp` is a random text that old servers add to the errors of this caller.
    """

    account: ServerAccount | None
    shrimp: str = field(repr=False)

    @property
    def username(self) -> str | None:
        return self.account.username if self.account else None

    @property
    def custid(self) -> str:
        return self.account.username if self.account else ANON


class ServerAccounts:
    """All accounts of one server. User names are case-sensitive, as on the real servers."""

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
        """Replace the API token of an account. Raises `KeyError` for an unknown account."""
        self._accounts[username].token = token

    def remove(self, username: str) -> None:
        """Remove an account; its secrets stay. Raises `KeyError` for an unknown account."""
        del self._accounts[username]

    def authenticate(self, credentials: tuple[str, str] | None) -> Caller | None:
        """The caller with this user name and token, or None if they are wrong. No credentials: the anonymous caller."""
        if credentials is None:
            return Caller(None, self._shrimp_of(None))
        username, token = credentials
        account = self._accounts.get(username) or self._by_external_id(username)
        if account is None or not _equal(account.token, token):
            return None
        return Caller(account, self._shrimp_of(account.username))

    def _by_external_id(self, username: str) -> ServerAccount | None:
        if not self._external_ids:
            return None
        return next((each for each in self._accounts.values() if each.external_id == username), None)

    def _shrimp_of(self, username: str | None) -> str:
        return self._shrimps.setdefault(username, secrets.token_hex(25))


def mask_username(credentials: tuple[str, str] | None) -> str:
    """The user name in a form that may be shown, like `a***@e***`; `ANONYMOUS` without credentials."""
    if credentials is None:
        return ANONYMOUS
    name, at, domain = credentials[0].partition("@")
    return f"{name[:1]}***{at}{domain[:1]}{'***' if at else ''}"


def _equal(ours: str, theirs: str) -> bool:
    return secrets.compare_digest(ours.encode(), theirs.encode())
