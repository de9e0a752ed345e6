"""Finds the element that a person means, and checks a form as Slack's client does before it sends the form."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack.elements import STATE_FIELDS, CannotDo, Element, find_elements, is_empty
from bot.sandbox.slack.model import Payload, SlackView

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementQuery:
    """What is known of the element that a person means. None fits all elements; `value` is the value of a button."""

    action_id: str | None = None
    value: str | None = None
    label: str | None = None
    block_id: str | None = None

    def fits(self, element: Element) -> bool:
        return (
            self.action_id in (None, element.action_id)
            and self.label in (None, element.label)
            and self.block_id in (None, element.block_id)
            and self.value in (None, element.definition.get("value"))
        )


def find_element(blocks: list[Payload], query: ElementQuery) -> Element:
    """The only element in the blocks that fits. Raises `CannotDo` if none or several fit."""
    present = list(find_elements(blocks))
    found = [one for one in present if query.fits(one)]
    if len(found) != 1:
        names = ", ".join(sorted({one.action_id for one in present}))
        raise CannotDo(f"{len(found)} elements fit; there is {names or 'nothing to click'}")
    return found[0]


def choose(element: Element, option: Any) -> Payload:
    """The state of an element after a person chose `option`, or several in a list; empty for a button."""
    if element.kind == "overflow":
        return {"selected_option": element.find_option(option)}
    start = element.initial_state()
    if start is None:
        return {}
    if option is None:
        raise CannotDo("say which option")
    takes_many = isinstance(start[STATE_FIELDS[element.kind][0]], list)
    return element.state_with([option] if takes_many and not isinstance(option, list) else option)


def find_field(blocks: list[Payload], name: str) -> Element:
    """The field with that block_id, else that action_id, else that label. Raises `CannotDo` unless exactly one fits."""
    fields = [one for one in find_elements(blocks) if one.kind in STATE_FIELDS]
    for names in ("block_id", "action_id", "label"):
        found = [one for one in fields if getattr(one, names) == name]
        if len(found) == 1:
            return found[0]
    raise CannotDo(f"no such field; there is {', '.join(one.block_id for one in fields) or 'none'}")


def check_fields(form: SlackView) -> dict[str, str]:
    """The errors of Slack's client: block_id of an input block -> the text at the field."""
    found = {}
    for element in find_elements(form.blocks):
        if element.block["type"] == "input":
            complaint = _check_field(element, form.values[element.block_id][element.action_id])
            if complaint is not None:
                found[element.block_id] = complaint
    return found


def _check_field(element: Element, state: dict[str, Any]) -> str | None:
    if is_empty(state):
        return "Please complete this required field." if element.is_required else None
    value = str(state.get("value"))
    match element.kind:
        case "plain_text_input":
            return _check_length(element, value)
        case "email_text_input" if not _EMAIL.fullmatch(value):
            return "Enter a valid email address."
        case "url_text_input" if not value.startswith(("http://", "https://")):
            return "Enter a valid URL."
        case "number_input":
            return _check_number(element, value)
        case _:
            return None


def _check_length(element: Element, value: str) -> str | None:
    minimum, maximum = element.definition.get("min_length", 0), element.definition.get("max_length", 3000)
    if len(value) < minimum:
        return f"Must be at minimum {minimum} characters."
    return f"Must be less than {maximum + 1} characters." if len(value) > maximum else None


def _check_number(element: Element, value: str) -> str | None:
    try:
        number = float(value)
    except ValueError:
        return "Enter a valid number."
    minimum, maximum = (
        float(element.definition.get("min_value", -math.inf)),
        float(element.definition.get("max_value", math.inf)),
    )
    if not element.definition["is_decimal_allowed"] and not number.is_integer():
        return "Enter a whole number."
    return None if minimum <= number <= maximum else "Enter a number in range."
