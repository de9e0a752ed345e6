"""Decodes a JSON body into a struct that has only the fields we use. The other fields are never built.

All fields are `Any`, because servers send numbers as text, as floats and as null: the code that reads a field decides
what it accepts. msgspec decodes first. A body that it refuses is decoded again with Python's `json`, which accepts
what a person's secret may depend on: a byte order mark, lone surrogates, control characters, numbers out of range.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, TypeVar

import msgspec

StructT = TypeVar("StructT", bound=msgspec.Struct)

_BOM = b"\xef\xbb\xbf"


def decode(body: bytes, kind: type[StructT]) -> StructT | None:
    """The body as one JSON object; None if it is anything else. Never raises."""
    try:
        found: StructT = _decoder(kind).decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _keep_known_fields(_decode_with_json(body, kind), kind)
    except RecursionError:
        return None
    return found


def decode_leniently(body: bytes, kind: type[StructT]) -> StructT | None:
    """The object that the body begins with; None if there is none. Anything after the object is ignored. Never raises.

    Numbers become text, exactly as the server sent them.
    """
    return _keep_known_fields(_decode_with_json(body, kind, is_whole=False), kind)


def decode_list(body: bytes, kind: type[StructT]) -> list[StructT] | None:
    """The objects in a body that is a list; other items are left out. Never raises.

    None if the body is not a list, or if it has items and none of them is an object.
    """
    try:
        return _list_decoder(kind).decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _keep_known_fields_of(_decode_with_json(body, kind), kind)
    except RecursionError:
        return None


def decode_list_in(listing: object, kind: type[StructT]) -> list[StructT] | None:
    """The objects in a list that is a field of a decoded object, as `msgspec.Raw` or as a Python list. Never raises.

    None if the field is not a list, or if it has items and none of them is an object.
    """
    if not isinstance(listing, msgspec.Raw):
        return _keep_known_fields_of(listing, kind)
    return decode_list(bytes(listing), kind)


def _keep_known_fields(tree: object, kind: type[StructT]) -> StructT | None:
    if not isinstance(tree, dict):
        return None
    return kind(**{name: tree[name] for name in kind.__struct_fields__ if name in tree})


def _keep_known_fields_of(tree: object, kind: type[StructT]) -> list[StructT] | None:
    if not isinstance(tree, list):
        return None
    kept = [item for item in (_keep_known_fields(entry, kind) for entry in tree) if item is not None]
    return kept if kept or not tree else None


def _decode_with_json(body: bytes, kind: type[msgspec.Struct], *, is_whole: bool = True) -> Any:
    """The body, decoded by Python's `json`, with only the fields of `kind` at any depth; None if it is not JSON.

    Never raises.

    `is_whole` means that nothing but white space may follow the first value.
    """
    known = frozenset(kind.__struct_fields__)

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for name, value in pairs:
            if name in known and (value is not None or name not in kept):
                kept[name] = value  # if a field is repeated, its last value counts, but null does not replace a value
        return kept

    # Numbers become text, which every reader of a number accepts: no limit on digits, and nothing is rounded.
    decoder = json.JSONDecoder(
        strict=False, object_pairs_hook=keep, parse_int=str, parse_float=str, parse_constant=lambda _: None
    )
    text = body.removeprefix(_BOM).decode("utf-8", "surrogateescape").strip(" \t\r\n")
    try:
        return decoder.decode(text) if is_whole else decoder.raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


@cache
def _decoder(kind: type[StructT]) -> msgspec.json.Decoder[StructT]:
    return msgspec.json.Decoder(kind)


@cache
def _list_decoder(kind: type[StructT]) -> msgspec.json.Decoder[list[StructT]]:
    return msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]
