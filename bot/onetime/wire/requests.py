"""The calls as values, without I/O. Bodies are forms, because older servers ignore JSON. No query holds a secret."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, urlencode

from bot.errors import NotAuthorized, NotUnderstood
from bot.onetime.links import KEY
from bot.screen.pieces import say
from bot.secret import MetadataKey, Secret, SecretKey

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, repr=False)
class ApiRequest:
    """A call, ready to be sent to any host. Its fields may be logged; what `target` and `body` return may not."""

    operation: str  #: our name for the call, for logs: "reveal"
    method: Literal["GET", "POST"]
    path: str  #: below the host's base, `{key}` where the key goes: "/api/v1/secret/{key}"
    key: Secret | None = None
    form: Mapping[str, str | Secret] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<ApiRequest {self.operation}>"

    def target(self) -> str:
        """The path with the key in it. Raises `NotUnderstood` for a key that does not look like one."""
        if self.key is None:
            return self.path
        key = self.key.reveal()
        if not KEY.fullmatch(key):
            raise NotUnderstood("not a key", tell=say("That is not a key of Onetime Secret."))
        return self.path.replace("{key}", quote(key, safe=""))

    def body(self) -> bytes | None:
        """The form, UTF-8, or None for a GET."""
        if self.method == "GET":
            return None
        plain = {name: text.reveal() if isinstance(text, Secret) else text for name, text in self.form.items()}
        return urlencode(plain, encoding="utf-8", errors="surrogatepass").encode("ascii")

    def headers(self, authorization: Secret | None) -> dict[str, str]:
        """All headers but those that HTTP itself needs. English, so that the server's sentences can be recognized."""
        sent = {"Accept": "application/json", "Accept-Encoding": "identity", "Accept-Language": "en"}
        if self.method == "POST":
            sent["Content-Type"] = FORM
        if authorization is not None:
            sent["Authorization"] = authorization.reveal()
        return sent


def basic(username: Secret, token: Secret) -> Secret:
    """The Authorization header of an account, UTF-8.

    Raises `NotAuthorized` for a user name with a colon: the server would read the rest of it as the token.
    """
    if ":" in username.reveal():
        raise NotAuthorized("a colon in the user name", tell=say("A user name cannot have a colon in it."))
    pair = f"{username.reveal()}:{token.reveal()}".encode("utf-8", "surrogatepass")
    return Secret("Basic " + base64.b64encode(pair).decode("ascii"))


def reveal(key: SecretKey, passphrase: Secret | None = None) -> ApiRequest:
    return ApiRequest("reveal", "POST", "/api/v1/secret/{key}", key, _encode_form(passphrase=passphrase))


def metadata(key: MetadataKey) -> ApiRequest:
    """The state of a secret. A GET, which all versions accept and which may be repeated."""
    return ApiRequest("metadata", "GET", "/api/v1/private/{key}", key)


def secret_status(key: SecretKey) -> ApiRequest:
    """Whether a secret can be opened, by API v2. It opens nothing; servers of today note the call for the sender."""
    return ApiRequest("secret_status", "GET", "/api/v2/secret/{key}/status", key)


def burn(key: MetadataKey, passphrase: Secret | None = None) -> ApiRequest:
    return ApiRequest("burn", "POST", "/api/v1/private/{key}/burn", key, _encode_form(passphrase=passphrase))


def recent() -> ApiRequest:
    return ApiRequest("recent", "GET", "/api/v1/private/recent")


def recent_v2() -> ApiRequest:
    """The account's list by API v2, for servers whose v1 list is broken (0.21 to 0.24.0).

    Not `/receipt/recent`, which exists only since 0.23.
    """
    return ApiRequest("recent", "GET", "/api/v2/private/recent")


def authcheck() -> ApiRequest:
    return ApiRequest("authcheck", "GET", "/api/v1/authcheck")


def status() -> ApiRequest:
    return ApiRequest("status", "GET", "/api/v1/status")


def share(text: Secret, *, ttl: int | None, passphrase: Secret | None, recipient: Secret | None = None) -> ApiRequest:
    form = {"secret": text, **_encode_form(ttl=_seconds(ttl), passphrase=passphrase, recipient=recipient)}
    return ApiRequest("share", "POST", "/api/v1/share", None, form)


def generate(*, ttl: int | None, passphrase: Secret | None) -> ApiRequest:
    return ApiRequest(
        "generate", "POST", "/api/v1/generate", None, _encode_form(ttl=_seconds(ttl), passphrase=passphrase)
    )


def _seconds(ttl: int | None) -> str | None:
    return None if ttl is None else str(ttl)


def _encode_form(**fields: str | Secret | None) -> dict[str, str | Secret]:
    """The fields that are not empty: an empty passphrase means no passphrase."""
    return {name: text for name, text in fields.items() if text}
