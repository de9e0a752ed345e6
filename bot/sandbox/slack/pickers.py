"""The conversations that a menu of conversations or channels offers to a person.

Source: docs.slack.dev/reference/block-kit/block-elements/select-menu-element and
docs.slack.dev/reference/block-kit/composition-objects/conversation-filter-object.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.sandbox.slack.elements import STATE_FIELDS, CannotDo, Element, ElementState
from bot.sandbox.slack.model import SlackChannel
from bot.sandbox.slack.state import WorkspaceState

CONVERSATION_MENUS = {"conversations_select", "multi_conversations_select"}
CHANNEL_MENUS = {"channels_select", "multi_channels_select"}


def offered(state: WorkspaceState, user: str, definition: dict[str, Any]) -> Iterator[SlackChannel]:
    """The conversations in the menu, for this person: those that the person sees and the filter of the menu lets in."""
    if definition["type"] in CHANNEL_MENUS:
        rules: dict[str, Any] = {"include": ["public"]}
    else:
        rules = definition.get("filter") or {}
    for channel in state.channels.values():
        if channel.archived or not (user in channel.members or channel.kind == "public"):
            continue
        is_with_bot = channel.is_im  # the bot is the only one with direct messages here
        if rules.get("include") is not None and channel.kind not in rules["include"]:
            continue
        if rules.get("exclude_bot_users") and is_with_bot:
            continue
        if rules.get("exclude_external_shared_channels") and is_shared(state, channel):
            continue
        yield channel


def is_shared(state: WorkspaceState, channel: SlackChannel) -> bool:
    """Whether people of other workspaces are in the channel, or may be."""
    members = (state.people.get(member) for member in channel.members)
    return channel.shared or any(one is not None and one.stranger for one in members)


def require_offered(state: WorkspaceState, user: str, element: Element, entered: ElementState) -> None:
    """Raise `CannotDo` for a conversation that the menu does not offer."""
    if element.kind not in CONVERSATION_MENUS | CHANNEL_MENUS:
        return
    chosen = entered[STATE_FIELDS[element.kind][0]]
    ids = {one.id for one in offered(state, user, element.definition)}
    if not set(chosen if isinstance(chosen, list) else [chosen] if chosen else []) <= ids:
        raise CannotDo(f"{element.label or element.kind} does not offer that conversation")
