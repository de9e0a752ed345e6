"""Cuts a long text into what Slack can hold, byte for byte: parts of a page, and pages of a window."""

from __future__ import annotations

import json

from bot.secret import Secret

PART_LENGTH = 2900  # characters of one preformatted part; Slack's text objects end at 3,000
MAX_PAGE_PARTS = 60  # parts of one window, of its 100 blocks
MAX_PAGE_BYTES = 200_000  # of the window's JSON, of the 250 kB that Slack takes


def parts(text: str) -> list[str]:
    """The text in parts of at most `PART` characters. Joined, they are the text."""
    return [text[start : start + PART_LENGTH] for start in range(0, len(text), PART_LENGTH)] or [""]


def pages(text: Secret) -> list[Secret]:
    """The text in pages that each fit one window; one page for all but very long ones. Joined, they are the text."""
    found: list[Secret] = []
    page: list[str] = []
    size = 0
    for part in parts(text.reveal()):
        weight = len(json.dumps(part))
        if page and (len(page) == MAX_PAGE_PARTS or size + weight > MAX_PAGE_BYTES):
            found.append(Secret("".join(page)))
            page, size = [], 0
        page.append(part)
        size += weight
    return [*found, Secret("".join(page))]
