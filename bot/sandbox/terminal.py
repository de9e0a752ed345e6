"""Messages and windows as text for a terminal: what a person sees in Slack, without the colours.

Drawn from the very blocks that Slack was sent. Buttons stand in brackets, fields end in a line to write on.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from bot.sandbox.slack import SlackMessage, SlackView
from bot.sandbox.slack.block_text import render_blocks, render_mrkdwn

WIDTH = 78  # characters

# The emoji that the bot uses. Slack draws them; another one stays as its name.
_EMOJI = {
    "large_green_circle": "🟢", "white_check_mark": "✅", "fire": "🔥", "hourglass": "⌛", "warning": "⚠️",
    "eyes": "👀", "bell": "🔔", "closed_lock_with_key": "🔐", "outbox_tray": "📤", "envelope_with_arrow": "📩",
    "link": "🔗", "key": "🔑", "information_source": "ℹ️", "no_entry_sign": "🚫", "x": "❌",
    "leftwards_arrow_with_hook": "↩️",
    "grey_question": "❔", "no_entry": "⛔", "hourglass_flowing_sand": "⏳",
}  # fmt: skip
_MARKUP = re.compile(r"(?<!\w)([*_`])(\S|\S[^\n]*?\S)\1(?!\w)")


def draw_message(message: SlackMessage) -> list[str]:
    """The lines of a message."""
    return [f"│ {line}".rstrip() for line in _wrapped(_blocks(message.blocks) if message.blocks else [message.shows])]


def draw_window(view: SlackView) -> list[str]:
    """The lines of a modal, with its title above and its buttons below."""
    label = str((view.payload.get("close") or {}).get("text", "Close"))
    buttons = _brackets([*([view.submit] if view.submit else []), label])
    return [f"╭ {view.title}", *(f"│ {line}".rstrip() for line in _wrapped(_blocks(view.blocks))), f"╰ {buttons}"]


def _blocks(blocks: list[dict[str, Any]]) -> Iterator[str]:
    for block in blocks:
        match block:
            case {"type": "divider"}:
                yield ""
            case {"type": "actions", "elements": elements}:
                yield _brackets(one["text"]["text"] for one in elements)
            case {"type": "section", "fields": fields}:
                yield from (": ".join(_plain(render_mrkdwn(one["text"])).split("\n", 1)) for one in fields)
            case {"type": "input"}:
                yield _field(block)
            case {"type": "rich_text"}:
                yield from render_blocks([block]).expandtabs(4).split("\n")
            case _:
                yield from _plain(render_blocks([block])).split("\n")


def _field(block: dict[str, Any]) -> str:
    hint = f"  ({block['hint']['text']})" if "hint" in block else ""
    label = block["label"]["text"]
    return f"{label}{'' if label.endswith('?') else ':'} {_entered(block['element'])}{hint}"


def _entered(element: dict[str, Any]) -> str:
    """What stands in a field before anybody touched it."""
    if element["type"] == "checkboxes":
        ticked = element.get("initial_options", [])
        return "  ".join(f"{'☑' if one in ticked else '☐'} {one['text']['text']}" for one in element["options"])
    if people := element.get("initial_users"):
        return ", ".join(f"@{one}" for one in people)
    chosen = (element.get("initial_option") or {}).get("text", {}).get("text")
    return f"[{chosen} ▾]" if chosen else str(element.get("initial_value", "________"))


def _brackets(labels: Iterable[str]) -> str:
    return " ".join(f"[{label}]" for label in labels)


def _plain(text: str) -> str:
    """Without bold, italics and code marks, and with emoji as they look."""
    text = re.sub(r":([a-z_]+):", lambda found: _EMOJI.get(found[1], found[0]), text)
    return _MARKUP.sub(r"\2", text)


def _wrapped(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if len(line) <= WIDTH:
            yield line
        else:
            yield from textwrap.wrap(line, WIDTH, break_long_words=False, break_on_hyphens=False)
