"""Masks payloads before the page shows them: no secrets, keys, tokens or addresses are left."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "•••"
VISIBLE_KEY_CHARACTERS = 4  # enough to tell two keys apart

# Fields whose values open something, or were typed by somebody into a window.
_HIDDEN_FIELDS = frozenset({"token", "trigger_id", "response_url", "value", "initial_value", "private_metadata"})
_KEY = re.compile(r"(?<![0-9A-Za-z])[0-9a-z]{20,}(?![0-9A-Za-z])")
_EMAIL = re.compile(r"\b([\w.+-])[\w.+-]*@([\w-])[\w.-]+")


def mask_key(key: str) -> str:
    return f"{key[:VISIBLE_KEY_CHARACTERS]}…"


def mask_text(text: str) -> str:
    """A text in which everything that looks like a key of Onetime Secret or an e-mail address is masked."""
    return _EMAIL.sub(r"\1***@\2***", _KEY.sub(lambda found: mask_key(found[0]), text))


def mask(value: Any) -> Any:
    """A copy of a payload without values that open something or that only one person may see."""
    match value:
        case {"type": "rich_text_preformatted", **rest}:
            return {"type": "rich_text_preformatted", **rest, "elements": HIDDEN}
        case dict():
            return {name: _field(name, inner) for name, inner in value.items()}
        case list():
            return [mask(one) for one in value]
        case str():
            return mask_text(value)
        case _:
            return value


def _field(name: str, value: Any) -> Any:
    return HIDDEN if name in _HIDDEN_FIELDS and isinstance(value, str) and value else mask(value)
