"""Finding what a person means in a payload, and what Slack's own client checks before it sends a form."""

from __future__ import annotations

import math
import re
from typing import Any

from bot.sandbox.slack.elements import STATE, CannotDo, Element, elements, is_empty
from bot.sandbox.slack.model import Payload, SlackView

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def the_one(
    blocks: list[Payload],
    *,
    action_id: str | None = None,
    value: str | None = None,
    label: str | None = None,
    block_id: str | None = None,
) -> Element:
    """The element that fits all that is given. Raises `CannotDo` unless it is exactly one."""
    there = list(elements(blocks))
    found = [one for one in there if action_id in (None, one.action_id) and label in (None, one.label)]
    found = [one for one in found if block_id in (None, one.block_id)]
    if value is not None:
        found = [one for one in found if one.it.get("value") == value]
    if len(found) != 1:
        names = ", ".join(sorted({one.action_id for one in there}))
        raise CannotDo(f"{len(found)} elements fit; there is {names or 'nothing to click'}")
    return found[0]


def chosen(element: Element, option: Any) -> Payload:
    """What an interaction says was chosen in the element; nothing for a button. Several choices come in a list."""
    if element.kind == "overflow":
        return {"selected_option": element.option(option)}
    start = element.start()
    if start is None:
        return {}
    if option is None:
        raise CannotDo("say which option")
    takes_many = isinstance(start[STATE[element.kind][0]], list)
    return element.set_to([option] if takes_many and not isinstance(option, list) else option)


def field(blocks: list[Payload], name: str) -> Element:
    """The field of that block_id, action_id or label, whichever first names exactly one. Raises `CannotDo`."""
    fields = [one for one in elements(blocks) if one.kind in STATE]
    for names in ("block_id", "action_id", "label"):
        found = [one for one in fields if getattr(one, names) == name]
        if len(found) == 1:
            return found[0]
    raise CannotDo(f"no such field; there is {', '.join(one.block_id for one in fields) or 'none'}")


def complaints(form: SlackView) -> dict[str, str]:
    """The input blocks whose value Slack does not send: block_id -> what it says there."""
    found = {}
    for element in elements(form.blocks):
        if element.block["type"] == "input":
            complaint = _complaint(element, form.values[element.block_id][element.action_id])
            if complaint is not None:
                found[element.block_id] = complaint
    return found


def _complaint(element: Element, state: dict[str, Any]) -> str | None:
    if is_empty(state):
        return "Please complete this required field." if element.is_required else None
    value = str(state.get("value"))
    match element.kind:
        case "plain_text_input":
            return _length(element, value)
        case "email_text_input" if not _EMAIL.fullmatch(value):
            return "Enter a valid email address."
        case "url_text_input" if not value.startswith(("http://", "https://")):
            return "Enter a valid URL."
        case "number_input":
            return _size(element, value)
        case _:
            return None


def _length(element: Element, value: str) -> str | None:
    least, most = element.it.get("min_length", 0), element.it.get("max_length", 3000)
    if len(value) < least:
        return f"Must be at least {least} characters."
    return f"Must be less than {most + 1} characters." if len(value) > most else None


def _size(element: Element, value: str) -> str | None:
    try:
        number = float(value)
    except ValueError:
        return "Enter a valid number."
    least, most = float(element.it.get("min_value", -math.inf)), float(element.it.get("max_value", math.inf))
    if not element.it["is_decimal_allowed"] and not number.is_integer():
        return "Enter a whole number."
    return None if least <= number <= most else "Enter a number in range."
