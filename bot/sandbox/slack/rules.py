"""Finds what Slack does not accept in a message or a view: wrong types, limits, and rules between fields.

Source: docs.slack.dev/reference/block-kit and the method pages of chat.* and views.* (2026).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

from bot.sandbox.slack.block_schemas import BLOCK, MESSAGE, SURFACES, VIEW
from bot.sandbox.slack.element_schemas import (
    INTERACTIVE,
    MAX_MARKDOWN_TOTAL,
    MAX_MESSAGE_TEXT,
    MAX_UPDATE_TEXT,
    MAX_VIEW_BYTES,
)
from bot.sandbox.slack.schema import Array, Problem

__all__ = ["Problem", "check_message", "check_view"]

Node = tuple[str, str, dict[str, Any]]  #: JSON pointer, name of the field that holds the object, the object
Surface = Literal["modal", "home", "message"]

MAX_CHARTS = 2  # in a message. Not documented: seen in answers of chat.postMessage (github.com/vercel/chat/pull/696)
MAX_TABLE_TEXT = 20_000  # characters of a data_table

_BROADCAST = re.compile(r"<!(channel|here|everyone)")


def check_message(payload: dict[str, Any], *, update: bool = False) -> list[Problem]:
    """The problems of the content of a message; `update` is true for chat.update.

    Slack refuses the message if any problem is `refused`. With an empty list Slack shows the content unchanged.
    """
    problems = list(MESSAGE.check(payload, ""))
    problems += _attachments(payload)
    problems += _content(payload, update=update)
    return _unique([*problems, *_structure(payload, "message")])


def check_view(view: dict[str, Any]) -> list[Problem]:
    """The problems of a modal or a home tab. With an empty list Slack accepts it."""
    problems = list(VIEW.check(view, ""))
    surface: Surface = "home" if view.get("type") == "home" else "modal"
    problems += _structure(view, surface)
    if len(_compact(view)) > MAX_VIEW_BYTES:
        problems.append(Problem("/", "view_too_large", "view is greater than 250kb"))
    if surface == "modal" and _has_input(view) and not view.get("submit"):
        problems.append(Problem("/submit", "submit-missing", "submit is required when there is an input block"))
    return _unique(problems)


def walk(value: Any, pointer: str = "", held_by: str = "") -> Iterator[Node]:
    """All objects in a payload, outer ones before inner ones."""
    if isinstance(value, dict):
        yield pointer, held_by, value
        for name, inner in value.items():
            yield from walk(inner, f"{pointer}/{name}", name)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from walk(inner, f"{pointer}/{place}", held_by)


def kind_of(one: dict[str, Any]) -> str:
    """The `type` of an object; "" if there is none or it is no string."""
    kind = one.get("type")
    return kind if isinstance(kind, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _unique(problems: list[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))


def _compact(view: dict[str, Any]) -> bytes:
    return json.dumps(view, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _blocks(payload: dict[str, Any]) -> list[dict[str, Any]]:
    return [one if isinstance(one, dict) else {} for one in _list(payload.get("blocks"))]


def _has_input(view: dict[str, Any]) -> bool:
    return any(block.get("type") == "input" for block in _blocks(view))


# --- messages


def _attachments(payload: dict[str, Any]) -> Iterator[Problem]:
    attachments = payload.get("attachments")
    for place, one in enumerate(attachments if isinstance(attachments, list) else []):
        if not isinstance(one, dict):
            yield Problem(f"/attachments/{place}", "wrong-type", "must be an object")
        elif "blocks" in one:
            yield from Array(BLOCK, 50).check(one["blocks"], f"/attachments/{place}/blocks")


def _content(payload: dict[str, Any], *, update: bool) -> Iterator[Problem]:
    text = payload.get("text")
    if isinstance(text, str):
        yield from _message_text(text, update=update)
    shown = any(payload.get(name) for name in ("text", "blocks", "attachments", "markdown_text", "delete_original"))
    if not shown and set(payload) - {"response_type", "replace_original"}:
        yield Problem("/", "no_text", "message has neither text nor blocks")
    if payload.get("markdown_text") and (text or payload.get("blocks")):
        yield Problem("/markdown_text", "markdown_text_conflict", "markdown_text excludes text and blocks")


def _message_text(text: str, *, update: bool) -> Iterator[Problem]:
    if update and len(text) > MAX_UPDATE_TEXT:
        yield Problem("/text", "msg_too_long", f"must be less than {MAX_UPDATE_TEXT + 1} characters")
    elif len(text) > MAX_MESSAGE_TEXT:
        yield Problem("/text", "limit", f"is cut after {MAX_MESSAGE_TEXT} characters", refused=False)
    if _BROADCAST.search(text):
        yield Problem("/text", "broadcast", "mentions a whole channel", refused=False)


# --- rules for both messages and views


def _structure(payload: dict[str, Any], surface: Surface) -> Iterator[Problem]:
    blocks = _blocks(payload)
    yield from _surfaces(blocks, surface)
    yield from _ids(blocks)
    nodes = list(walk(blocks, "/blocks"))
    for second in [at for at, _, one in nodes if one.get("focus_on_load") is True][1:]:
        yield Problem(second, "focus", "only one element may have focus_on_load")
    for node in nodes:
        yield from _node(node)
    yield from _totals(nodes, surface)


def _surfaces(blocks: list[dict[str, Any]], surface: Surface) -> Iterator[Problem]:
    for place, block in enumerate(blocks):
        kind = kind_of(block)
        if kind in BLOCK.kinds and kind not in SURFACES[surface]:
            yield Problem(f"/blocks/{place}/type", "surface", f"unsupported in a {surface}")
        element = block.get("element")
        if surface != "modal" and isinstance(element, dict) and kind_of(element) == "file_input":
            yield Problem(f"/blocks/{place}/element", "surface", "file_input is for modals only")


def _ids(blocks: list[dict[str, Any]]) -> Iterator[Problem]:
    """Find duplicates: a block_id is unique in its payload, an action_id in its block."""
    seen: list[Any] = []
    for place, block in enumerate(blocks):
        at = f"/blocks/{place}"
        if (block_id := block.get("block_id")) is not None:
            if block_id in seen:
                yield Problem(f"{at}/block_id", "duplicate-id", "block_id already exists")
            seen.append(block_id)
        actions: list[Any] = []
        for pointer, _, one in walk(block, at):
            if kind_of(one) not in INTERACTIVE or (action := one.get("action_id")) is None:
                continue
            if action in actions:
                yield Problem(f"{pointer}/action_id", "duplicate-id", "action_id already exists in this block")
            actions.append(action)


def _totals(nodes: list[Node], surface: Surface) -> Iterator[Problem]:
    texts = [one.get("text") for _, held_by, one in nodes if held_by == "blocks" and kind_of(one) == "markdown"]
    if sum(len(text) for text in texts if isinstance(text, str)) > MAX_MARKDOWN_TOTAL:
        yield Problem(
            "/blocks", "limit", f"markdown blocks together must be less than {MAX_MARKDOWN_TOTAL + 1} characters"
        )
    if surface == "message":
        tables = [at for at, _, one in nodes if kind_of(one) in ("table", "data_table")]
        for second in tables[1:]:
            yield Problem(second, "only_one_table_allowed", "one table per message")
        charts = [at for at, _, one in nodes if kind_of(one) == "data_visualization"]
        for third in charts[MAX_CHARTS:]:
            yield Problem(third, "limit", f"no more than {MAX_CHARTS} charts per message")


def _node(node: Node) -> Iterator[Problem]:
    at, _, one = node
    match kind_of(one):
        case "section" if not one.get("text") and not one.get("fields"):
            yield Problem(at, "section-empty", "must define either text or fields")
        case "card":
            yield from _card(at, one)
        case "data_table" if _characters(one.get("rows")) > MAX_TABLE_TEXT:
            yield Problem(at, "limit", f"must be less than {MAX_TABLE_TEXT + 1} characters")
        case "pie" | "bar" | "area" | "line":
            yield from _chart(at, one)
        case "static_select" | "multi_static_select" | "radio_buttons" | "checkboxes":
            yield from _choices(at, one)
        case "plain_text_input" if _exceeds(one.get("min_length"), one.get("max_length")):
            yield Problem(at, "range", "min_length must not be more than max_length")
        case "number_input" if _exceeds(_number(one.get("min_value")), _number(one.get("max_value"))):
            yield Problem(at, "range", "min_value must not be more than max_value")
        case "image" if not str(one.get("alt_text") or "").strip():
            yield Problem(f"{at}/alt_text", "a11y", "must say what the image shows")
        case "mrkdwn" if isinstance(one.get("text"), str) and _BROADCAST.search(one["text"]):
            yield Problem(f"{at}/text", "broadcast", "mentions a whole channel", refused=False)
        case _:
            pass


def _card(at: str, card: dict[str, Any]) -> Iterator[Problem]:
    if not any(card.get(name) for name in ("hero_image", "title", "actions", "body")):
        yield Problem(at, "card-empty", "must define one of hero_image, title, actions and body")
    if "icon" in card and "slack_icon" in card:
        yield Problem(f"{at}/slack_icon", "card-icons", "icon and slack_icon exclude each other")


def _chart(at: str, chart: dict[str, Any]) -> Iterator[Problem]:
    """The values of a pie are positive. Series have names of their own, and one value for each category, in order."""
    for place, segment in enumerate(_list(chart.get("segments"))):
        value = segment.get("value") if isinstance(segment, dict) else None
        if isinstance(value, int | float) and value <= 0:
            yield Problem(f"{at}/segments/{place}/value", "limit", "must be positive")
    series = [one for one in _list(chart.get("series")) if isinstance(one, dict)]
    axes = chart.get("axis_config")
    categories = _list(axes.get("categories")) if isinstance(axes, dict) else []
    names: list[Any] = []
    for place, one in enumerate(series):
        if one.get("name") in names:
            yield Problem(f"{at}/series/{place}/name", "duplicate-name", "name already exists in this chart")
        names.append(one.get("name"))
        labels = [point.get("label") for point in _list(one.get("data")) if isinstance(point, dict)]
        if labels != categories:
            yield Problem(f"{at}/series/{place}/data", "categories", "must have one value for each category")


def _characters(value: Any) -> int:
    """The length of all texts in a value."""
    return sum(len(one["text"]) for _, _, one in walk(value) if isinstance(one.get("text"), str))


def _choices(at: str, element: dict[str, Any]) -> Iterator[Problem]:
    if "select" in str(element["type"]) and bool(element.get("options")) == bool(element.get("option_groups")):
        yield Problem(at, "select-options", "must define exactly one of options and option_groups")
    options = choices_of(element)
    for place, option in enumerate(_list(element.get("options"))):
        if isinstance(option, dict) and "url" in option:
            yield Problem(f"{at}/options/{place}/url", "option-url", "url is for overflow menus only")
    chosen = element.get("initial_option")
    if chosen and chosen not in options:
        yield Problem(f"{at}/initial_option", "initial-option", "must equal one of the options")
    ticked = element.get("initial_options")
    if ticked == [] or any(one not in options for one in _list(ticked)):  # an app leaves the field out to check no box
        yield Problem(f"{at}/initial_options", "initial-option", "must be some of the options")


def choices_of(element: dict[str, Any]) -> list[dict[str, Any]]:
    """All options of a menu, those in groups included."""
    groups = [group for group in _list(element.get("option_groups")) if isinstance(group, dict)]
    return [*_list(element.get("options")), *(one for group in groups for one in _list(group.get("options")))]


def _exceeds(minimum: Any, maximum: Any) -> bool:
    return isinstance(minimum, int | float) and isinstance(maximum, int | float) and minimum > maximum


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
