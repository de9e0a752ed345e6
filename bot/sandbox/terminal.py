"""Draws messages and modals as text for a terminal, from the blocks that the bot sent to Slack.

Labels of buttons are in brackets. A field is its label, its initial value (or a line) and its hint.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from bot.sandbox.slack import SlackMessage, SlackView
from bot.sandbox.slack.block_text import render_blocks, render_mrkdwn

WIDTH = 78  # characters

# The emoji that the bot uses. Any other emoji stays as its name between colons.
_EMOJI = {
    "large_green_circle": "🟢", "white_check_mark": "✅", "fire": "🔥", "hourglass": "⌛", "warning": "⚠️",
    "eyes": "👀", "bell": "🔔", "closed_lock_with_key": "🔐", "outbox_tray": "📤", "envelope_with_arrow": "📩",
    "link": "🔗", "key": "🔑", "information_source": "ℹ️", "no_entry_sign": "🚫", "x": "❌",
    "leftwards_arrow_with_hook": "↩️",
    "grey_question": "❔", "no_entry": "⛔", "hourglass_flowing_sand": "⏳",
}  # fmt: skip
_MARKUP = re.compile(r"(?<!\w)([*_`])(\S|\S[^\n]*?\S)\1(?!\w)")


def draw_message(message: SlackMessage) -> list[str]:
    """Draw a message as lines."""
    return [f"│ {line}".rstrip() for line in _wrap(_draw_blocks(message.blocks) if message.blocks else [message.shows])]


def draw_cards(message: SlackMessage) -> list[str]:
    """Draw the cards under the links of a message as lines."""
    blocks = [block for card in message.attachments for block in card["blocks"]]
    return [f"│ {line}".rstrip() for line in _wrap(_draw_blocks(blocks))]


def draw_window(view: SlackView) -> list[str]:
    """Draw a modal as lines, with its title above and its buttons below."""
    label = str((view.payload.get("close") or {}).get("text", "Close"))
    buttons = _draw_buttons([*([view.submit] if view.submit else []), label])
    return [f"╭ {view.title}", *(f"│ {line}".rstrip() for line in _wrap(_draw_blocks(view.blocks))), f"╰ {buttons}"]


def draw_home(view: SlackView) -> list[str]:
    """Draw a Home tab as lines."""
    return [line.rstrip() for line in _wrap(_draw_blocks(view.blocks))]


def _draw_blocks(blocks: list[dict[str, Any]]) -> Iterator[str]:
    for block in blocks:
        match block:
            case {"type": "divider"}:
                yield ""
            case {"type": "actions", "elements": elements}:
                yield " ".join(_draw_element(one) for one in elements)
            case {"type": "section", "fields": fields}:
                yield from (": ".join(_strip_marks(render_mrkdwn(one["text"])).split("\n", 1)) for one in fields)
            case {"type": "input"}:
                yield _draw_field(block)
            case {"type": "rich_text"}:
                yield from render_blocks([block]).expandtabs(4).split("\n")
            case {"accessory": {"type": "overflow"} as menu}:
                yield from _strip_marks(render_blocks([{**block, "accessory": {}}])).split("\n")
                yield _draw_element(menu)
            case _:
                yield from _strip_marks(render_blocks([block])).split("\n")


def _draw_element(element: dict[str, Any]) -> str:
    """A button or a menu, closed as a message shows it first."""
    if element["type"] == "overflow":
        return _draw_buttons(["⋯"])
    return _draw_buttons([element["text"]["text"]]) if element["type"] == "button" else _draw_initial_value(element)


def _draw_field(block: dict[str, Any]) -> str:
    hint = f"  ({block['hint']['text']})" if "hint" in block else ""
    label = block["label"]["text"]
    return f"{label}{'' if label.endswith('?') else ':'} {_draw_initial_value(block['element'])}{hint}"


def _draw_initial_value(element: dict[str, Any]) -> str:
    """The initial value of a field."""
    if element["type"] == "checkboxes":
        ticked = element.get("initial_options", [])
        return "  ".join(f"{'☑' if one in ticked else '☐'} {one['text']['text']}" for one in element["options"])
    if people := element.get("initial_users"):
        return ", ".join(f"@{one}" for one in people)
    chosen = (element.get("initial_option") or {}).get("text", {}).get("text")
    return f"[{chosen} ▾]" if chosen else str(element.get("initial_value", "________"))


def _draw_buttons(labels: Iterable[str]) -> str:
    return " ".join(f"[{label}]" for label in labels)


def _strip_marks(text: str) -> str:
    """The text without the marks of bold, italics and code, and with emoji as characters."""
    text = re.sub(r":([a-z_]+):", lambda found: _EMOJI.get(found[1], found[0]), text)
    return _MARKUP.sub(r"\2", _MARKUP.sub(r"\2", text))  # code may be in bold


def _wrap(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if len(line) <= WIDTH:
            yield line
        else:
            yield from textwrap.wrap(line, WIDTH, break_long_words=False, break_on_hyphens=False)
