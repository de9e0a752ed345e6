"""The calls as they are sent."""

from __future__ import annotations

import base64
import copy
import pickle
from dataclasses import asdict
from urllib.parse import parse_qsl

import pytest

from bot.errors import NotAuthorized, NotUnderstood
from bot.onetime.wire import ApiRequest, basic, requests
from bot.secret import MetadataKey, Secret, SecretKey
from tests.support.english import english
from tests.support.rows import each_row

KEY = "3kq7v0p9x2m5n8b1c4z6a7s9d0f2g3h"
SECRET, METADATA = SecretKey(KEY), MetadataKey(KEY)
CANARY = "canary & = é \r\n"
EVERY = {
    "reveal": requests.reveal(SECRET, Secret(CANARY)),
    "metadata": requests.metadata(METADATA),
    "burn": requests.burn(METADATA, Secret(CANARY)),
    "recent": requests.recent(),
    "recent of v2": requests.recent_v2(),
    "authcheck": requests.authcheck(),
    "status": requests.status(),
    "share": requests.share(Secret(CANARY), ttl=60, passphrase=Secret(CANARY), recipient=Secret("ada@example.com")),
    "generate": requests.generate(ttl=60, passphrase=Secret(CANARY)),
}


@pytest.mark.parametrize(
    ("call", "method", "target", "form"),
    [
        ("reveal", "POST", f"/api/v1/secret/{KEY}", [("passphrase", CANARY)]),
        ("metadata", "GET", f"/api/v1/private/{KEY}", None),
        ("burn", "POST", f"/api/v1/private/{KEY}/burn", [("passphrase", CANARY)]),
        ("recent", "GET", "/api/v1/private/recent", None),
        ("recent of v2", "GET", "/api/v2/private/recent", None),
        ("authcheck", "GET", "/api/v1/authcheck", None),
        ("status", "GET", "/api/v1/status", None),
        (
            "share",
            "POST",
            "/api/v1/share",
            [("secret", CANARY), ("ttl", "60"), ("passphrase", CANARY), ("recipient", "ada@example.com")],
        ),
        ("generate", "POST", "/api/v1/generate", [("ttl", "60"), ("passphrase", CANARY)]),
    ],
)
def test_each_call_has_its_method_path_and_form(
    call: str, method: str, target: str, form: list[tuple[str, str]] | None
) -> None:
    request = EVERY[call]

    sent = request.body()
    assert request.operation == call.removesuffix(" of v2")
    assert (request.method, request.target()) == (method, target)
    assert (None if sent is None else parse_qsl(sent.decode("ascii"))) == form


@pytest.mark.parametrize("request_", EVERY.values(), ids=EVERY)
def test_a_form_is_urlencoded_and_says_so(request_: ApiRequest) -> None:
    headers = request_.headers(None)

    assert ("Content-Type" in headers) == (request_.method == "POST")
    assert headers.get("Content-Type", "application/x-www-form-urlencoded") == "application/x-www-form-urlencoded"
    assert headers["Accept-Encoding"] == "identity"
    assert "Authorization" not in headers
    assert "?" not in request_.target()


@pytest.mark.parametrize("request_", EVERY.values(), ids=EVERY)
def test_a_request_shows_nothing_secret(request_: ApiRequest) -> None:
    shown = f"{request_} {request_!r} {request_.path} {asdict(request_)} {copy.copy(request_)}"

    assert KEY not in shown
    assert "canary" not in shown
    if request_.key or request_.form.keys() & {"secret", "passphrase"}:
        with pytest.raises(TypeError):
            pickle.dumps(request_)


@each_row(
    "key",
    [
        *["", "k" * 15, "k" * 16, "k" * 19, "k" * 129, "recent", "burn", f"../{KEY}", f"{KEY}/..", "%2e%2e" * 5],
        *[f"{KEY}?a=b", f"{KEY}#a", f"{KEY}\n", f"{KEY} ", f"{KEY}é", "１" * 30, f"{KEY}/burn", f"{KEY}\0"],
    ],
)
def test_what_is_not_shaped_like_a_key_reaches_no_url(key: str) -> None:
    for request in (
        requests.reveal(SecretKey(key)),
        requests.metadata(MetadataKey(key)),
        requests.burn(MetadataKey(key)),
    ):
        with pytest.raises(NotUnderstood) as caught:
            request.target()

        assert not key or key not in f"{caught.value} {english(caught.value.tell)}"
        assert english(caught.value.tell) == "That is not a key of Onetime Secret."


@pytest.mark.parametrize("key", ["k" * 20, "k" * 31, "k" * 62, "k" * 63, "k" * 128, "A-z_0" * 6])
def test_a_key_of_any_length_that_servers_ever_made_is_sent(key: str) -> None:
    assert requests.reveal(SecretKey(key)).target() == f"/api/v1/secret/{key}"


def test_what_is_empty_is_not_sent() -> None:
    assert requests.reveal(SECRET, Secret("")).body() == b""
    assert requests.generate(ttl=None, passphrase=None).body() == b""
    assert requests.share(Secret("x"), ttl=None, passphrase=None, recipient=Secret("")).body() == b"secret=x"


def test_a_text_with_a_lone_surrogate_is_sent_without_an_error_that_quotes_it() -> None:
    assert requests.share(Secret("a\ud800"), ttl=None, passphrase=None).body() == b"secret=a%ED%A0%80"


def test_credentials_are_utf_8() -> None:
    header = basic(Secret("zoë@example.com"), Secret("tökén:with:colons")).reveal()

    assert base64.b64decode(header.removeprefix("Basic ")).decode() == "zoë@example.com:tökén:with:colons"
    assert requests.status().headers(Secret(header))["Authorization"] == header


def test_credentials_with_a_lone_surrogate_are_sent_without_an_error_that_quotes_them() -> None:
    header = basic(Secret("a\ud800"), Secret("b")).reveal()

    assert base64.b64decode(header.removeprefix("Basic ")) == b"a\xed\xa0\x80:b"


def test_a_colon_in_a_user_name_is_refused() -> None:
    with pytest.raises(NotAuthorized) as caught:
        basic(Secret("canary:x"), Secret("y"))

    assert "canary" not in f"{caught.value} {english(caught.value.tell)}"
