"""The refusals of each version. Almost all are 404; only the body, and a header since 0.24, tells the reason."""

from __future__ import annotations

from typing import Any

from bot.sandbox.onetime.accounts import Caller
from bot.sandbox.onetime.exchange import JSON, RequestRefused, ServerResponse, json_response
from bot.sandbox.onetime.versions import Version

NO_SUCH_ROUTE = json_response({"error": "Not Found"}, 404, content_type=JSON)
UNEXPECTED = "An unexpected error occurred :["


def unknown_secret(key: str) -> RequestRefused:
    return RequestRefused(json_response({"secret_key": key, "message": "Unknown secret"}, 404))


def short_key() -> RequestRefused:
    return RequestRefused(json_response({"message": "Not Found"}, 404))


def no_authentication_here(path: str) -> RequestRefused:
    return RequestRefused(json_response({"message": f"{path} is not available"}, 404))


class Refusals:
    """Makes the refusals whose form depends on the version."""

    def __init__(self, version: Version) -> None:
        self._version = version

    def form_error(self, caller: Caller, message: str, *, shrimp: bool = True) -> RequestRefused:
        with_shrimp = shrimp and self._version.shrimp
        return self._error(({"shrimp": caller.shrimp} if with_shrimp else {}) | {"message": message})

    def wrong_burn_passphrase(self, caller: Caller) -> RequestRefused:
        version = self._version
        shrimp = version.wrong_burn_passphrase_has_shrimp
        return self.form_error(caller, version.wrong_burn_passphrase, shrimp=shrimp)

    def limited(self) -> RequestRefused:
        return self._error({"message": self._version.limited})

    def not_authorized(self) -> RequestRefused:
        return self._error({"message": "Not authorized"}, intended="401")

    def without_database(self, *, anonymous: bool) -> ServerResponse:
        if self._version.no_database == "empty":
            return ServerResponse(500, content_type=None)
        if self._version.no_database == "message":
            return json_response({"message": UNEXPECTED}, 404)
        if anonymous:
            return json_response({"error": "Internal Server Error"}, 500, content_type=JSON)
        return json_response({"shrimp": None, "message": UNEXPECTED}, 404)

    def _error(self, body: dict[str, Any], *, intended: str = "400") -> RequestRefused:
        if self._version.intended_status:
            return RequestRefused(json_response(body, 404, headers={"x-ots-intended-status": intended}))
        return RequestRefused(json_response(body, 404))
