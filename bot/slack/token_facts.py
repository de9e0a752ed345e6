"""What Slack's answers say about a token beside their body: its scopes, and Slack's time. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Literal

from bot.secret import Secret

SCOPES = "x-oauth-scopes"
DATE = "date"

SlackTokenKind = Literal["bot", "user", "app-level", "configuration", "refresh", "session", "example"]

# How tokens begin. Source: docs.slack.dev/authentication/tokens
_KINDS: Mapping[str, SlackTokenKind] = {
    "xoxb-": "bot",
    "xoxe.xoxb-": "bot",
    "xoxp-": "user",
    "xoxe.xoxp-": "configuration",
    "xapp-": "app-level",
    "xoxe-": "refresh",
    "xoxc-": "session",
    "xoxd-": "session",
    "xoxs-": "session",
}
_EXAMPLE = re.compile(r"…|\.\.\.|<[^>]*>|\A(?:xox[bp]|xapp)-(?:your|x+\b|\*)", re.IGNORECASE)


def find_kind(token: Secret) -> SlackTokenKind | None:
    """What kind of token this is by its beginning; None for a text that begins like none."""
    text = token.reveal()
    if _EXAMPLE.search(text):
        return "example"
    return next((kind for start, kind in _KINDS.items() if text.startswith(start)), None)


def read_scopes(headers: Mapping[str, str]) -> frozenset[str] | None:
    """The scopes of the token that an answer was for; None if the answer does not say."""
    said = next((value for name, value in headers.items() if name.lower() == SCOPES), None)
    return None if said is None else frozenset(one.strip() for one in said.split(",") if one.strip())


def read_clock(headers: Mapping[str, str], now: float) -> float | None:
    """How many seconds this machine's clock is ahead of the answer's time; None if the answer does not say.

    `now` is when the answer came, in seconds since 1970. Slack's time has whole seconds.
    """
    said = next((value for name, value in headers.items() if name.lower() == DATE), "")
    try:
        at = parsedate_to_datetime(said[:64])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return now - (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
