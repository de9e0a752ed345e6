"""The text of blocks as a person reads it in Slack, without any layout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_TOKEN = re.compile(r"<([^<>\n]+)>")
_MENU = ("placeholder", "initial_option", "initial_options")
#: the fields of an element with options that are visible
_VISIBLE_FIELDS = {
    "overflow": (),  # options are visible only in the open menu
    "static_select": _MENU,
    "multi_static_select": _MENU,
    "checkboxes": ("options",),  # `initial_options` are among the options
    "radio_buttons": ("options",),
}
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))  # &amp; last, so that &amp;lt; becomes &lt;


def render_mrkdwn(mrkdwn: str) -> str:
    """Convert mrkdwn to what people see: labels of links, fallbacks of dates, mentions with @, entities decoded."""
    pieces: list[str] = []
    end = 0
    for token in _TOKEN.finditer(mrkdwn):
        pieces += [_unescape(mrkdwn[end : token.start()]), _unescape(_render_token(token[1]))]
        end = token.end()
    return "".join([*pieces, _unescape(mrkdwn[end:])])


def _render_token(inside: str) -> str:
    target, _, label = inside.partition("|")
    match target[:1]:
        case "!":
            return label or "@" + target[1:].partition("^")[0]
        case "@" | "#":
            return target[0] + (label or target[1:])
        case _:
            return label or target


def _unescape(text: str) -> str:
    for entity, sign in _ENTITIES:
        text = text.replace(entity, sign)
    return text


def render_blocks(blocks: list[dict[str, Any]]) -> str:
    """All texts in the blocks, one on a line, in order. What a person typed into fields is not included."""
    return "\n".join(line for block in blocks for line in _lines(block) if line)


def preformatted_text(blocks: list[dict[str, Any]]) -> str:
    """The text of all `rich_text_preformatted` elements, byte for byte, joined without a separator."""
    return "".join(
        str(span.get("text", ""))
        for block in blocks
        if block.get("type") == "rich_text"
        for part in block.get("elements", [])
        if part.get("type") == "rich_text_preformatted"
        for span in part.get("elements", [])
    )


def _lines(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _lines(one)
    elif isinstance(node, dict):
        yield from _object(node)


def _object(node: dict[str, Any]) -> Iterator[str]:
    match node.get("type"):
        case "mrkdwn":
            yield render_mrkdwn(node["text"])
        case "plain_text" | "markdown" | "raw_text" | "raw_number":
            yield node["text"]
        case "rich_text_section" | "rich_text_quote" | "rich_text_preformatted":
            yield "".join(_span(span) for span in node.get("elements", []))
        case kind if kind in _VISIBLE_FIELDS:
            yield from _lines([node.get(name) for name in _VISIBLE_FIELDS[kind]])
        case "image":
            yield from _lines(node.get("title"))
            yield node.get("alt_text", "")
        case _:
            for name, inner in node.items():
                if name != "confirm":
                    yield from _lines(inner)
            if isinstance(node.get("initial_value"), str):
                yield node["initial_value"]


def _span(span: dict[str, Any]) -> str:
    fields = {
        "user": f"@{span.get('user_id')}",
        "channel": f"#{span.get('channel_id')}",
        "broadcast": f"@{span.get('range')}",
        "emoji": f":{span.get('name')}:",
        "link": span.get("text") or span.get("url"),
        "date": span.get("fallback") or span.get("timestamp"),
    }
    return str(fields.get(str(span.get("type")), span.get("text", "")))
