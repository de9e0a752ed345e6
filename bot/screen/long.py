"""Cuts a long text into pieces that Slack can hold, and loses no byte: parts of a window, and whole windows."""

from __future__ import annotations

import json

from bot.secret import Secret

PART_LENGTH = 2900  # characters of one preformatted part; a text object of Slack holds at most 3,000
MAX_PAGE_PARTS = 60  # parts in one window; Slack allows 100 blocks
MAX_PAGE_BYTES = 200_000  # bytes of JSON in one window; Slack takes 250 kB


def fields(text: Secret, length: int) -> list[Secret]:
    """The text in parts for text fields of `length` characters as JavaScript counts them. Joined, they are the text."""
    found: list[Secret] = []
    start = taken = 0
    plain = text.reveal()
    for end, character in enumerate(plain):
        width = 2 if ord(character) > 0xFFFF else 1  # noqa: PLR2004 - the last character with one UTF-16 unit
        if taken + width > length:
            found.append(Secret(plain[start:end]))
            start, taken = end, 0
        taken += width
    return [*found, Secret(plain[start:])]


def parts(text: str) -> list[str]:
    """The text in parts of at most `PART_LENGTH` characters, at least one part. Joined, they are the text."""
    return [text[start : start + PART_LENGTH] for start in range(0, len(text), PART_LENGTH)] or [""]


def pages(text: Secret) -> list[Secret]:
    """The text in pages that each fit one window. Only a very long text has several. Joined, they are the text."""
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
