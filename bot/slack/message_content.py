"""Reads the message that comes with a message shortcut: what people wrote in it, and every text that it holds.

People write rich text, which Slack sends as blocks, without escapes. `text` is the same with Slack's markup and
escapes. Messages of apps have other blocks and attachments, or `text` alone.

Source: docs.slack.dev, reference of rich text blocks, “Formatting message text”, message shortcut payloads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.interaction.message_content import MessageContent
from bot.interaction.parsed_text import unescape
from bot.secret import Secret

MAX_DEPTH = 30  # of objects inside each other
CHANNEL_IDS = ("C", "G")  # the first letters; a group of people without a channel has such an id too
GROUP_NAME = "mpdm-"  # what Slack's name for a conversation of several people begins with

_SHOWN = ("text", "blocks", "attachments")  # the fields of a message that people read
_MARKUP = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_FENCE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
_TICKS = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_TEXT_KINDS = frozenset({"section", "header", "context"})
_BLOCK_KINDS = frozenset({"rich_text_section", "rich_text_preformatted", "rich_text_quote"})


def read_message_content(
    message: Mapping[str, Any], channel: Mapping[str, Any], author: str | None
) -> MessageContent | None:
    """What stands in this message of this conversation. None without the conversation's id."""
    channel_id, thread = channel.get("id"), message.get("thread_ts")
    if not isinstance(channel_id, str):
        return None
    is_channel = channel_id.startswith(CHANNEL_IDS) and not str(channel.get("name")).startswith(GROUP_NAME)
    return MessageContent(
        text=Secret(_clean(_written(message))),
        texts=tuple(Secret(_clean(one)) for one in dict.fromkeys(_texts([message.get(name) for name in _SHOWN]))),
        author=author,
        channel=channel_id,
        is_channel=is_channel,
        thread=thread if isinstance(thread, str) and thread else None,
    )


def _written(message: Mapping[str, Any]) -> str:
    """The text that people wrote, or an app: what its blocks show, else `text`, and what its attachments say."""
    blocks = _objects(message.get("blocks"))
    rich = [block for block in blocks if block.get("type") == "rich_text"]
    if rich:
        return "\n".join(_join(list(_rich_lines(block))) for block in rich)
    plain = [*_block_texts(blocks)] or [message.get("text")]
    for one in _objects(message.get("attachments")):
        plain += [*_block_texts(_objects(one.get("blocks")))] or [one.get("text") or one.get("fallback")]
    return "\n".join(_unmark(text) for text in plain if isinstance(text, str) and text)


def _block_texts(blocks: Iterable[Mapping[str, Any]]) -> Iterator[object]:
    """The texts of an app's sections, headers and notes."""
    for block in blocks:
        if block.get("type") in _TEXT_KINDS:
            shown = [block.get("text"), *_objects(block.get("fields")), *_objects(block.get("elements"))]
            yield from (one.get("text") for one in _objects(shown))


def _rich_lines(block: Mapping[str, Any]) -> Iterator[str]:
    """The paragraphs, code blocks, quotes and list items of a rich text block."""
    for element in _objects(block.get("elements")):
        if element.get("type") == "rich_text_list":
            yield from _rich_lines(element)
        elif element.get("type") in _BLOCK_KINDS:
            yield "".join(map(_piece, _objects(element.get("elements"))))


def _join(lines: list[str]) -> str:
    """The lines, each on a line of its own: Slack ends only some of them with a line break."""
    joined = ""
    for line in lines:
        joined += line if not joined or joined.endswith("\n") else f"\n{line}"
    return joined


def _piece(element: Mapping[str, Any]) -> str:
    """What a person typed for this part of a rich text."""
    match element.get("type"):
        case "emoji":
            return f":{element.get('name')}:"
        case "user":
            return f"<@{element.get('user_id')}>"
        case "channel":
            return f"<#{element.get('channel_id')}>"
        case "broadcast":
            return f"@{element.get('range')}"
        case "color":
            return str(element.get("value") or "")
        case _:
            return str(element.get("text") or element.get("url") or element.get("fallback") or "")


def _unmark(text: str) -> str:
    """A text without Slack's markup and escapes, and without the ticks of code."""
    text = _TICKS.sub(r"\1", _FENCE.sub(r"\1", text))
    return unescape(_MARKUP.sub(lambda found: found[2] or found[1].removeprefix("mailto:"), text))


def _texts(value: object, depth: int = 0) -> Iterator[str]:
    """Every text inside, in its order."""
    if isinstance(value, str):
        yield value
    elif depth < MAX_DEPTH and isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner, depth + 1)


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _clean(text: str) -> str:
    """JSON can hold half of a surrogate pair, which is no character: nothing could store or send it."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
