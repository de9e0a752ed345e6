"""A request and its response as values, and how a server reads credentials and form fields. No I/O happens here."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from bot.sandbox.onetime.versions import Version

JSON_UTF8 = "application/json; charset=utf-8"
JSON = "application/json"
FORM_CONTENT_TYPES = ("application/x-www-form-urlencoded", "")  # a body without a content type is read as a form


class MalformedBody(Exception):
    """The content type is JSON and the body is not."""


@dataclass(frozen=True, slots=True)
class ServerRequest:
    """A request. `target` is the path and query, still percent-encoded; header names are lower case."""

    method: str
    target: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True)
class ServerResponse:
    """A response. With `content_type` None no Content-Type header is sent."""

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str | None = JSON_UTF8
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class RequestRefused(Exception):
    """The server refuses the request with the response `answer`."""

    def __init__(self, answer: ServerResponse) -> None:
        super().__init__(f"answered {answer.status}")
        self.answer = answer


def json_response(
    body: object, status: int = 200, *, content_type: str = JSON_UTF8, headers: Mapping[str, str] | None = None
) -> ServerResponse:
    """A response with `body` as JSON."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return ServerResponse(status, text.encode("utf-8", "replace"), content_type, headers or {})


def read_fields(request: ServerRequest, version: Version) -> dict[str, str]:
    """The fields of the query and the body. Of several values of `name` the last counts, of `name[]` the first.

    Raises `MalformedBody` for a body that says it is JSON and is not.
    """
    pairs = parse_qsl(request.query, keep_blank_values=True) + _body_pairs(request, version)
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name.endswith("[]"):
            fields.setdefault(name[:-2], value)
        else:
            fields[name] = value
    return fields


def read_credentials(request: ServerRequest) -> tuple[str, str] | None:
    """User name and token of HTTP Basic; None without the header, ("", "") for any other scheme or bad encoding."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    username, _, token = text.partition(":")
    return username, token


def _body_pairs(request: ServerRequest, version: Version) -> list[tuple[str, str]]:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == "application/json":
        return _json_pairs(request.body) if version.reads_json else []
    if content_type == "multipart/form-data":
        return _multipart_pairs(request)
    if content_type in FORM_CONTENT_TYPES or version.reads_any_content_type:
        return parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    return []


def _json_pairs(body: bytes) -> list[tuple[str, str]]:
    if not body.strip():
        return []
    try:
        read = json.loads(body)
    except ValueError:
        raise MalformedBody from None
    if not isinstance(read, dict):
        return []
    return [(name, _to_ruby_text(value)) for name, value in read.items() if value is not None]


def _to_ruby_text(value: Any) -> str:
    """A JSON value as text, as the server converts it: an object inside becomes Ruby's notation for a hash."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{name}" => {_to_ruby_literal(each)}' for name, each in value.items()) + "}"
    return json.dumps(value)


def _to_ruby_literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else _to_ruby_text(value)


def _multipart_pairs(request: ServerRequest) -> list[tuple[str, str]]:
    boundary = re.search(r'boundary="?([^";]+)', request.headers.get("content-type", ""))
    if boundary is None:
        return []
    parts = (b"\r\n" + request.body).split(b"\r\n--" + boundary[1].encode())
    return [pair for part in parts[1:-1] if (pair := _part(part)) is not None]


def _part(part: bytes) -> tuple[str, str] | None:
    head, _, value = part.partition(b"\r\n\r\n")
    name = re.search(rb'name="([^"]*)"', head)
    return (name[1].decode("utf-8", "replace"), value.decode("utf-8", "replace")) if name else None
