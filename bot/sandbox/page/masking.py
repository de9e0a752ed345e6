"""Payloads as an onlooker may see them: shapes and words, without secrets, keys, tokens or addresses."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "•••"
SHOWN = 4  # characters of a key, enough to tell two apart

# Fields whose values open something, or were typed by somebody into a window.
_HIDDEN_FIELDS = frozenset({"token", "trigger_id", "response_url", "value", "initial_value", "private_metadata"})
_KEY = re.compile(r"(?<![0-9A-Za-z])[0-9a-z]{20,}(?![0-9A-Za-z])")
_EMAIL = re.compile(r"\b([\w.+-])[\w.+-]*@([\w-])[\w.-]+")


def masked_key(key: str) -> str:
    return f"{key[:SHOWN]}…"


def masked_text(text: str) -> str:
    """Without what looks like a key of Onetime Secret or an e-mail address."""
    return _EMAIL.sub(r"\1***@\2***", _KEY.sub(lambda found: masked_key(found[0]), text))


def masked(value: Any) -> Any:
    """A copy of a payload in which nothing is left that opens something or was meant for one person's eyes."""
    match value:
        case {"type": "rich_text_preformatted", **rest}:
            return {"type": "rich_text_preformatted", **rest, "elements": HIDDEN}
        case dict():
            return {name: _field(name, inner) for name, inner in value.items()}
        case list():
            return [masked(one) for one in value]
        case str():
            return masked_text(value)
        case _:
            return value


def _field(name: str, value: Any) -> Any:
    return HIDDEN if name in _HIDDEN_FIELDS and isinstance(value, str) and value else masked(value)
