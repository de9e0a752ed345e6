"""The part of API v2 that a client of v1 may use: the list of recent secrets, the server's status, and a secret's."""

from __future__ import annotations

from bot.sandbox.onetime import bodies
from bot.sandbox.onetime.accounts import Caller, ServerAccounts
from bot.sandbox.onetime.exchange import JSON, JSON_UTF8, ServerResponse, json_response
from bot.sandbox.onetime.store import SecretStore
from bot.sandbox.onetime.versions import DAY, Version

RECENT_WINDOW = 30 * DAY  # seconds


def status(version: Version) -> ServerResponse:
    body = {"status": "nominal", "locale": "en"}
    return json_response(body) if version.v2_old else json_response({"success": True} | body, content_type=JSON)


def recent(
    version: Version, store: SecretStore, accounts: ServerAccounts, credentials: tuple[str, str] | None
) -> ServerResponse:
    """The secrets of an account that are at most 30 days old, newest first. Reading the list changes nothing.

    Wrong or missing credentials get 401 from new versions and 403 from old ones, where v1 answers 404.
    """
    caller = accounts.authenticate(credentials)
    if caller is None or caller.account is None:
        return _not_authorized(version, caller, int(store.now()))
    now = store.now()
    owned = [each for each in store.list_owned_by(caller.account.username) if each.created >= now - RECENT_WINDOW]
    account_id = caller.account.account_id
    body = bodies.recent_list_body(version, owned[::-1], now=now, custid=caller.custid, account_id=account_id)
    return json_response(body, content_type=JSON_UTF8 if version.v2_old else JSON)


def secret_status(version: Version, store: SecretStore, key: str) -> ServerResponse:
    """Whether a secret can be opened. Asking opens nothing and changes no state; anybody with the key may ask."""
    secret = store.find_openable(key)
    if secret is None:
        body: bodies.Body = {"record": {"state": "unknown"}}
    else:
        body = bodies.secret_status_body(version, secret, now=store.now())
    if version.v2_old:
        return json_response({"success": True} | body, content_type=JSON_UTF8)
    return json_response(body, content_type=JSON)


def _not_authorized(version: Version, caller: Caller | None, now: int) -> ServerResponse:
    if version.v2_old:
        return json_response({"message": "Not authorized"}, 403)
    why = "[CREDENTIALS_INVALID] Invalid credentials"
    if caller is not None:
        why = "[AUTH_HEADER_MISSING] No authorization header"
    return json_response({"error": "Authentication Required", "message": why, "timestamp": now}, 401, content_type=JSON)
