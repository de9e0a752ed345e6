"""Which versions a server may have, by the headers of a refusal. No I/O.

Source: refusals recorded from 0.18, 0.23, 0.25 and 0.26: since 0.24.6 they name the status that was meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from bot.onetime.wire.refusals import NOT_FOUND

ServerFamily = Literal["0.24 or newer", "0.23 or older"]


def read_family(status: int, headers: Mapping[str, str], _body: bytes) -> ServerFamily | None:
    """From the answer to an `authcheck` without an account. None for an answer that is no refusal of API v1."""
    if status != NOT_FOUND:
        return None
    return "0.24 or newer" if headers.get("x-ots-intended-status") else "0.23 or older"
