"""Reads a JSON body into a type that has only the fields we use: the others are never built.

The fields are `Any`, because servers send numbers as text, as floats and as null; who reads a field says
what it takes. What msgspec refuses but a person's secret may depend on (a byte order mark, lone
surrogates, control characters, numbers out of range) is read again by a patient reader.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, TypeVar

import msgspec

StructT = TypeVar("StructT", bound=msgspec.Struct)

_BOM = b"\xef\xbb\xbf"


def decode(body: bytes, kind: type[StructT]) -> StructT | None:
    """The object in the body, or None if there is no JSON object in it."""
    try:
        found: StructT = _decoder(kind).decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _keep_known_fields(_decode_with_json(body, kind), kind)
    except RecursionError:
        return None
    return found


def decode_leniently(body: bytes, kind: type[StructT]) -> StructT | None:
    """As `one`, by the patient reader alone: numbers stay text, and what follows the object is ignored."""
    return _keep_known_fields(_decode_with_json(body, kind, whole=False), kind)


def decode_list(body: bytes, kind: type[StructT]) -> list[StructT] | None:
    """The objects of the list in the body; None if it is no list, or has none in it but other things."""
    try:
        return _list_decoder(kind).decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _keep_known_fields_of(_decode_with_json(body, kind), kind)
    except RecursionError:
        return None


def decode_list_in(listing: object, kind: type[StructT]) -> list[StructT] | None:
    """As `many`, of a list that was read with the object around it."""
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


def _decode_with_json(body: bytes, kind: type[msgspec.Struct], *, whole: bool = True) -> Any:
    """What the body says, with only the fields of `kind` (at any depth), or None. Never raises."""
    used = frozenset(kind.__struct_fields__)

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for name, value in pairs:
            if name in used and (value is not None or name not in kept):
                kept[name] = value  # the last one counts, but null does not undo a value
        return kept

    # Numbers stay text (as those who read them expect anyway): no limit on digits, nothing rounded.
    reader = json.JSONDecoder(
        strict=False, object_pairs_hook=keep, parse_int=str, parse_float=str, parse_constant=lambda _: None
    )
    text = body.removeprefix(_BOM).decode("utf-8", "surrogateescape").strip(" \t\r\n")
    try:
        return reader.decode(text) if whole else reader.raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


@cache
def _decoder(kind: type[StructT]) -> msgspec.json.Decoder[StructT]:
    return msgspec.json.Decoder(kind)


@cache
def _list_decoder(kind: type[StructT]) -> msgspec.json.Decoder[list[StructT]]:
    return msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]
