"""A walk over every message that a bot sends in a test run: none makes Slack fetch a link or read names in its text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from bot.sandbox.slack import SentPayload, app_answers, web_api

POSTS = ("chat.postMessage", "chat.postEphemeral", "chat.scheduleMessage", "response_url", "ack /")
EDITS = ("chat.update",)

_found: list[str] = []


def would_act(sent: SentPayload) -> list[str]:
    """What Slack would do with the text of a message by itself. Empty for what is no message."""
    posts, edits = sent.method.startswith(POSTS), sent.method.startswith(EDITS)
    if not (posts or edits) or "delete_original" in sent.payload:
        return []
    unfurls = [name for name in ("unfurl_links", "unfurl_media") if posts and sent.payload.get(name) is not False]
    reads = [name for name in ("link_names", "parse") if sent.payload.get(name) not in (None, False, "none")]
    return [f"{sent.method}: {name}" for name in unfurls + reads]


@contextmanager
def watched() -> Iterator[None]:
    """Everything that reaches the emulated Slack meanwhile is looked at."""

    def record(method: str, payload: dict[str, Any], verdict: str) -> SentPayload:
        sent = SentPayload(method, payload, verdict)
        _found.extend(would_act(sent))
        return sent

    with patch.object(web_api, "SentPayload", record), patch.object(app_answers, "SentPayload", record):
        yield


def take() -> list[str]:
    """What was found since the last time."""
    found = _found.copy()
    _found.clear()
    return found
