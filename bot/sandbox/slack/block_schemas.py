"""The schemas of blocks, views and messages, and which block is allowed where.

Source: docs.slack.dev/reference/block-kit/blocks and docs.slack.dev/reference/views (2026).
"""

from __future__ import annotations

from bot.sandbox.slack.element_schemas import (
    ACCESSORY,
    ACTIONABLE,
    ANY,
    ANYTHING,
    BLOCK_ID,
    BUTTON,
    FEEDBACK_BUTTONS,
    ICON_BUTTON,
    IMAGE_ELEMENT,
    INPUT,
    MAX_ID,
    MAX_MARKDOWN_TOTAL,
    MAX_PRIVATE_METADATA,
    RICH_TEXT,
    SLACK_FILE,
    URL,
    plain,
    text,
)
from bot.sandbox.slack.schema import AnyObject, Array, Boolean, Either, Number, Object, OneOf, Schema, String

_ALT: dict[str, Schema] = {"alt_text": String(2000)}
_TITLED: dict[str, Schema] = BLOCK_ID | {"title": plain(2000)}
IMAGE = OneOf(
    Object("image", _ALT | {"image_url": URL}, _TITLED), Object("image", _ALT | {"slack_file": SLACK_FILE}, _TITLED)
)
SECTION = Object(
    "section",
    {},
    BLOCK_ID | {"text": text(), "fields": Array(text(2000), 10, 1), "accessory": ACCESSORY, "expand": Boolean()},
)
HEADER = Object("header", {"text": plain(150)}, BLOCK_ID)
DIVIDER = Object("divider", {}, BLOCK_ID)
CONTEXT = Object("context", {"elements": Array(OneOf(text(), IMAGE_ELEMENT), 10, 1)}, BLOCK_ID)
ACTIONS = Object("actions", {"elements": Array(ACTIONABLE, 25, 1)}, BLOCK_ID)
CONTEXT_ACTIONS = Object("context_actions", {"elements": Array(OneOf(FEEDBACK_BUTTONS, ICON_BUTTON), 5, 1)}, BLOCK_ID)
INPUT_BLOCK = Object(
    "input",
    {"label": plain(2000), "element": INPUT},
    BLOCK_ID | {"hint": plain(2000), "optional": Boolean(), "dispatch_action": Boolean()},
)
FILE = Object("file", {"external_id": ANY, "source": ANY}, BLOCK_ID)
MARKDOWN = Object("markdown", {"text": String(MAX_MARKDOWN_TOTAL)}, BLOCK_ID)
ALERT = Object(
    "alert",
    {"text": text(200)},
    BLOCK_ID | {"level": String(choices=("default", "info", "warning", "error", "success"))},
)
VIDEO = Object(
    "video",
    {"alt_text": String(2000), "thumbnail_url": ANY, "title": plain(200), "video_url": ANY},
    BLOCK_ID
    | {"author_name": String(50, 0), "description": plain(200), "title_url": ANY}
    | {"provider_icon_url": ANY, "provider_name": String(50, 0)},
)

# --- tables

_RAW = OneOf(Object("raw_text", {"text": ANY}), Object("raw_number", {"text": ANY, "value": Number()}))
_CELLS = Array(OneOf(_RAW, RICH_TEXT), 20)
_COLUMN = Object(None, optional={"align": String(choices=("left", "center", "right")), "is_wrapped": Boolean()})
TABLE = Object("table", {"rows": Array(_CELLS, 100, 1)}, BLOCK_ID | {"column_settings": Array(_COLUMN, 20)})
DATA_TABLE = Object(
    "data_table",
    {"caption": ANY, "rows": Array(_CELLS, 201, 2)},
    BLOCK_ID | {"page_size": Number(1, 100), "row_header_column_index": Number()},
)

# --- charts
# Source: docs.slack.dev/reference/block-kit/blocks/data-visualization-block. Its first edition (June 2026) allowed 6
# series or segments; SDKs that follow the page allow 12 since October 2026.

MAX_CHART_SERIES = 12
_LABEL = String(20)
_POINT = Object(None, {"label": _LABEL, "value": Number()})
_SERIES = Array(Object(None, {"name": _LABEL, "data": Array(_POINT, 20, 1)}), MAX_CHART_SERIES, 1)
_AXES = Object(None, {"categories": Array(_LABEL, 20, 1)}, {"x_label": String(50), "y_label": String(50)})
CHART = OneOf(
    Object("pie", {"segments": Array(_POINT, MAX_CHART_SERIES, 1)}),
    *(Object(kind, {"series": _SERIES, "axis_config": _AXES}) for kind in ("bar", "area", "line")),
)
DATA_VISUALIZATION = Object("data_visualization", {"title": String(50), "chart": CHART}, BLOCK_ID)

# --- cards, containers, plans

# Source: docs.slack.dev/reference/block-kit/blocks/card-block, and the Slack icon object among the composition objects
_ICONS = (
    "archive", "book", "bookmark", "bot", "bug", "calendar", "call", "caret-left", "caret-right", "check",
    "clipboard", "code", "comment", "compass", "copy", "cube", "download", "edit", "email", "eye-closed",
    "eye-open", "file", "flag", "folder", "gear", "globe", "heart", "help", "image", "info", "key", "lightbulb", "link",
    "map", "mobile", "new-window", "pin", "plus", "refine", "refresh", "rocket", "save", "screen", "share",
    "sparkle", "star", "star-filled", "tag", "thumbs-down", "thumbs-up", "trash", "upload", "user", "warning",
)  # fmt: skip
SLACK_ICON = Object("icon", {"name": String(choices=_ICONS)})
CARD = Object(
    "card",
    {},
    BLOCK_ID
    | {"title": text(150), "subtitle": text(150), "body": text(200), "subtext": text(200)}
    | {"hero_image": IMAGE_ELEMENT, "icon": IMAGE_ELEMENT, "slack_icon": SLACK_ICON, "actions": Array(BUTTON, 3)},
)
CAROUSEL = Object("carousel", {"elements": Array(CARD, 10, 1)}, BLOCK_ID)
_CHILD = OneOf(ACTIONS, CONTEXT, DIVIDER, FILE, HEADER, IMAGE, INPUT_BLOCK, RICH_TEXT, SECTION, TABLE, VIDEO)
CONTAINER = Object(
    "container",
    {"child_blocks": Array(_CHILD, 10, 1)},
    BLOCK_ID
    | {"title": plain(150), "subtitle": text(150), "rich_text_title": RICH_TEXT, "icon": IMAGE_ELEMENT}
    | {"default_collapsed": Boolean(), "has_header_divider": Boolean(), "is_collapsible": Boolean()}
    | {"width": String(choices=("narrow", "standard", "wide", "full"))},
)
_SOURCE = Object("url", {"text": ANY, "url": ANY})
# Slack does not document the tasks of a plan, so any value is accepted
TASK_CARD = Object(
    "task_card",
    {"task_id": ANY, "title": ANY, "status": String(choices=("pending", "in_progress", "complete", "error"))},
    BLOCK_ID | {"details": RICH_TEXT, "output": RICH_TEXT, "sources": Array(_SOURCE)},
)
PLAN = Object("plan", {"title": ANY}, BLOCK_ID | {"tasks": Array(ANYTHING, 50)})

BLOCK = OneOf(
    SECTION,
    HEADER,
    DIVIDER,
    CONTEXT,
    ACTIONS,
    CONTEXT_ACTIONS,
    INPUT_BLOCK,
    IMAGE,
    RICH_TEXT,
    MARKDOWN,
    ALERT,
    VIDEO,
    FILE,
    TABLE,
    DATA_TABLE,
    DATA_VISUALIZATION,
    CARD,
    CAROUSEL,
    CONTAINER,
    TASK_CARD,
    PLAN,
)

# --- the surfaces of each block (docs.slack.dev/blocks.json); an app never sends `file`

EVERYWHERE = frozenset(
    {"actions", "card", "context", "divider", "header", "image", "input", "rich_text", "section", "video"}
)
SURFACES = {
    "modal": EVERYWHERE | {"alert"},
    "home": EVERYWHERE | {"carousel", "data_table", "table"},
    "message": EVERYWHERE
    | {"carousel", "container", "context_actions", "data_table", "data_visualization", "markdown", "plan", "table"}
    | {"task_card"},
}

# --- views and messages

_IDS: dict[str, Schema] = {
    "private_metadata": String(MAX_PRIVATE_METADATA, 0),
    "callback_id": String(MAX_ID, 0),
    "external_id": String(MAX_ID, 0),
}
_BLOCKS: dict[str, Schema] = {"blocks": Array(BLOCK, 100, 1)}
MODAL = Object(
    "modal",
    _BLOCKS | {"title": plain(24)},
    _IDS | {"submit": plain(24), "close": plain(24), "clear_on_close": Boolean(), "notify_on_close": Boolean()},
)
HOME = Object("home", _BLOCKS, _IDS)
VIEW = OneOf(MODAL, HOME)

# Work Objects. Source: docs.slack.dev/messaging/work-objects-implementation
_EXTERNAL_REF = Object(None, {"id": ANY}, {"type": ANY})
_ENTITY = Object(
    None,
    {"entity_type": ANY, "entity_payload": AnyObject(), "external_ref": _EXTERNAL_REF, "url": ANY},
    {"app_unfurl_url": ANY},
)
_ENTITIES = Array(_ENTITY)
_EVENT: dict[str, Schema] = {"event_type": String(MAX_ID), "event_payload": AnyObject()}
_METADATA = Either(Object(None, _EVENT, {"entities": _ENTITIES}), Object(None, {"entities": _ENTITIES}))
_NAMES = ("channel", "user", "ts", "thread_ts", "token", "username", "icon_emoji", "icon_url", "text")
_SWITCHES = ("delete_original", "replace_original", "reply_broadcast", "link_names", "mrkdwn")
_MESSAGE: dict[str, Schema] = {
    **dict.fromkeys(_NAMES, ANY),
    **dict.fromkeys(_SWITCHES, Boolean()),
    "unfurl_links": Boolean(),
    "unfurl_media": Boolean(),
    "post_at": ANYTHING,
    "metadata": _METADATA,
    "markdown_text": String(MAX_MARKDOWN_TOTAL, 0),
    "parse": String(choices=("full", "none")),
    "response_type": String(choices=("ephemeral", "in_channel")),
    "blocks": Array(BLOCK, 50),
    "attachments": Array(ANYTHING, 100),
}
MESSAGE = Object(optional=_MESSAGE)
