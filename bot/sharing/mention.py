"""People and channels named in a slash command: `<@U…|name>`, `<#C…|name>`. Slack escapes all other text.

Source: docs.slack.dev, slash commands, “Escaping users, channels and links”.
"""

from __future__ import annotations

import html
import re

PERSON = re.compile(r"<@([UW][A-Z0-9]{2,30})(?:\|[^<>]*)?>")
CHANNEL = re.compile(r"<#([CG][A-Z0-9]{2,30})(?:\|[^<>]*)?>")
_NAMED = re.compile(r"<(?P<sign>[@#])[A-Z0-9]+\|(?P<name>[^<>]*)>")
_LINK = re.compile(r"<(?P<url>(?:https?://|mailto:)[^<>|]*)(?:\|(?P<shown>[^<>]*))?>")


def first_person(text: str) -> tuple[str | None, str]:
    """The id of the person that the text starts with, or None; and the rest of the text."""
    found = PERSON.match(text)
    return (found[1], text[found.end() :].strip()) if found else (None, text)


def as_typed(text: str) -> str:
    """The text as the person typed it, with names in place of ids."""
    text = _NAMED.sub(lambda found: found["sign"] + found["name"], text)
    text = _LINK.sub(lambda found: found["shown"] or found["url"], text)
    return html.unescape(text)
