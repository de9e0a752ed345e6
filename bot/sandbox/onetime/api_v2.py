"""API v2, only what a client of v1 may fall back to: its list of recent secrets, and its status."""

from __future__ import annotations

from bot.sandbox.onetime import bodies
from bot.sandbox.onetime.accounts import Caller, ServerAccounts
from bot.sandbox.onetime.exchange import JSON, JSON_UTF8, ApiResponse, as_json
from bot.sandbox.onetime.store import SecretStore
from bot.sandbox.onetime.versions import DAY, Version

WINDOW = 30 * DAY


def status(version: Version) -> ApiResponse:
    body = {"status": "nominal", "locale": "en"}
    return as_json(body) if version.v2_old else as_json({"success": True} | body, content_type=JSON)


def recent(version: Version, store: SecretStore, accounts: ServerAccounts, sent: tuple[str, str] | None) -> ApiResponse:
    """Newest first, and no side effects. Unlike v1 it says no with 401 or, when old, 403."""
    caller = accounts.caller(sent)
    if caller is None or caller.account is None:
        return _not_authorized(version, caller, int(store.now()))
    now = store.now()
    kept = [each for each in store.of_owner(caller.account.username) if each.created >= now - WINDOW]
    account_id = caller.account.account_id
    body = bodies.listing(version, kept[::-1], now=now, custid=caller.custid, account_id=account_id)
    return as_json(body, content_type=JSON_UTF8 if version.v2_old else JSON)


def _not_authorized(version: Version, caller: Caller | None, now: int) -> ApiResponse:
    if version.v2_old:
        return as_json({"message": "Not authorized"}, 403)
    why = "[CREDENTIALS_INVALID] Invalid credentials"
    if caller is not None:
        why = "[AUTH_HEADER_MISSING] No authorization header"
    return as_json({"error": "Authentication Required", "message": why, "timestamp": now}, 401, content_type=JSON)
