"""A request and its answer as values, and how a server reads what was sent with a request. No I/O."""

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
FORM_TYPES = ("application/x-www-form-urlencoded", "")  # a body without a type is taken for a form


class MalformedBody(Exception):
    """The body says that it is JSON and is not."""


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request. `target` is the path and query as they were sent, undecoded; header names are lower case."""

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
class ApiResponse:
    """`content_type` None sends no such header at all."""

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str | None = JSON_UTF8
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class RequestRefused(Exception):
    """The request ends here, with this answer."""

    def __init__(self, answer: ApiResponse) -> None:
        super().__init__(f"answered {answer.status}")
        self.answer = answer


def as_json(body: object, status: int = 200, *, content_type: str = JSON_UTF8, **headers: str) -> ApiResponse:
    """`headers` are written with `_` for `-`."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ApiResponse(status, text.encode("utf-8", "replace"), content_type, named)


def fields_of(asked: ApiRequest, version: Version) -> dict[str, str]:
    """What was sent in the query and the body: the last value of a name counts, of `name[]` the first.

    Raises `MalformedBody`.
    """
    pairs = parse_qsl(asked.query, keep_blank_values=True) + _body_pairs(asked, version)
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name.endswith("[]"):
            fields.setdefault(name[:-2], value)
        else:
            fields[name] = value
    return fields


def credentials(asked: ApiRequest) -> tuple[str, str] | None:
    """User name and token; None if none were sent. Anything but Basic reads as ("", "")."""
    header = asked.headers.get("authorization")
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


def _body_pairs(asked: ApiRequest, version: Version) -> list[tuple[str, str]]:
    kind = asked.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return _json_pairs(asked.body) if version.reads_json else []
    if kind == "multipart/form-data":
        return _multipart_pairs(asked)
    if kind in FORM_TYPES or version.reads_any_content_type:
        return parse_qsl(asked.body.decode("utf-8", "replace"), keep_blank_values=True)
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
    return [(name, _in_ruby(value)) for name, value in read.items() if value is not None]


def _in_ruby(value: Any) -> str:
    """A JSON value as the text that the server makes of it: nested objects become Ruby's own notation."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{name}" => {_inspect(each)}' for name, each in value.items()) + "}"
    return json.dumps(value)


def _inspect(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else _in_ruby(value)


def _multipart_pairs(asked: ApiRequest) -> list[tuple[str, str]]:
    boundary = re.search(r'boundary="?([^";]+)', asked.headers.get("content-type", ""))
    if boundary is None:
        return []
    parts = (b"\r\n" + asked.body).split(b"\r\n--" + boundary[1].encode())
    return [pair for part in parts[1:-1] if (pair := _part(part)) is not None]


def _part(part: bytes) -> tuple[str, str] | None:
    head, _, value = part.partition(b"\r\n\r\n")
    name = re.search(rb'name="([^"]*)"', head)
    return (name[1].decode("utf-8", "replace"), value.decode("utf-8", "replace")) if name else None
