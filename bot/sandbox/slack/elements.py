"""The interactive elements of blocks: how to find them, their state, and how a value is entered."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.slack.element_schemas import INTERACTIVE
from bot.sandbox.slack.rules import choices_of, kind_of, walk

#: element type -> the field of its state, and the field of the element with the initial value
STATE_FIELDS = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}
_WITH_OPTIONS = {"static_select", "radio_buttons", "multi_static_select", "checkboxes", "overflow"}
_WITH_LISTS = {"checkboxes"} | {kind for kind in STATE_FIELDS if kind.startswith("multi_")}

ElementState = dict[str, Any]
EnteredValues = dict[str, dict[str, ElementState]]  #: block_id -> action_id -> state


class CannotDo(Exception):
    """A person cannot do this in Slack: the element is not visible to them, or does not accept the value."""


class FieldsRefused(CannotDo):
    """Slack's client did not send the form. The errors stand at the fields."""


@dataclass(frozen=True, slots=True)
class Element:
    """An interactive element and its block. `label` is the text by which a person knows the element."""

    block: dict[str, Any] = field(repr=False)
    definition: dict[str, Any] = field(repr=False)

    @property
    def kind(self) -> str:
        return str(self.definition["type"])

    @property
    def block_id(self) -> str:
        return str(self.block["block_id"])

    @property
    def action_id(self) -> str:
        return str(self.definition["action_id"])

    @property
    def label(self) -> str:
        text = self.block.get("label") if self.block["type"] == "input" else self.definition.get("text")
        return str((text or self.definition.get("placeholder") or {}).get("text", ""))

    @property
    def is_required(self) -> bool:
        return self.block["type"] == "input" and not self.block.get("optional", False)

    def initial_state(self) -> ElementState | None:
        """The state before a person changed it; None for an element without state (a button)."""
        if self.kind not in STATE_FIELDS:
            return None
        name, initial = STATE_FIELDS[self.kind]
        return {
            "type": self.kind,
            name: copy.deepcopy(self.definition.get(initial, [] if self.kind in _WITH_LISTS else None)),
        }

    def state_with(self, value: Any) -> ElementState:
        """The state after a person typed or chose `value`. An option is named by its value or label.

        Raises `CannotDo` if the element does not offer it.
        """
        if self.kind not in STATE_FIELDS:
            raise CannotDo(f"nothing can be entered in {self.label or self.kind}")
        name, _ = STATE_FIELDS[self.kind]
        if self.kind in _WITH_OPTIONS:
            value = (
                [self.find_option(one) for one in value]
                if self.kind in _WITH_LISTS
                else value and self.find_option(value)
            )
        empty: Any = [] if self.kind in _WITH_LISTS else None
        return {"type": self.kind, name: value if value not in ("", None) else empty}

    def find_option(self, wanted: Any) -> dict[str, Any]:
        for option in choices_of(self.definition):
            if wanted in (option.get("value"), option["text"]["text"]):
                return option
        raise CannotDo(f"no such option in {self.label or self.kind}")


def find_elements(blocks: list[dict[str, Any]]) -> Iterator[Element]:
    """All interactive elements, in order, each with its innermost block."""
    for block in blocks:
        children = [block, *block.get("child_blocks", [])]
        for child in children:
            for _, _, one in walk({name: inner for name, inner in child.items() if name != "child_blocks"}):
                if kind_of(one) in INTERACTIVE and "action_id" in one:
                    yield Element(child, one)


def initial_values(blocks: list[dict[str, Any]]) -> EnteredValues:
    values: EnteredValues = {}
    for element in find_elements(blocks):
        if (state := element.initial_state()) is not None:
            values.setdefault(element.block_id, {})[element.action_id] = state
    return values


def is_empty(state: ElementState) -> bool:
    return state.get(STATE_FIELDS[state["type"]][0]) in (None, "", [])


def complete(payload: dict[str, Any]) -> dict[str, Any]:
    """A copy of a payload with the block ids, action ids and text flags that Slack adds where the app left them out."""
    completed = copy.deepcopy(payload)
    for _, held_by, one in walk(completed.get("blocks", []), held_by="blocks"):
        kind = kind_of(one)
        if held_by in ("blocks", "child_blocks"):
            one.setdefault("block_id", _new_id())
        if kind in INTERACTIVE:
            one.setdefault("action_id", _new_id())
        if kind == "plain_text":
            one.setdefault("emoji", True)
        if kind == "mrkdwn":
            one.setdefault("verbatim", False)
    return completed


def _new_id() -> str:
    return secrets.token_urlsafe(4)[:5]
