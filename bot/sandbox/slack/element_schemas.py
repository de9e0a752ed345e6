"""The schemas of Block Kit's composition objects and elements, with their fields and limits.

Source: docs.slack.dev/reference/block-kit (2026) and the types of Slack's own SDKs. Lengths are in
characters, lists in items.
"""

from __future__ import annotations

from bot.sandbox.slack.schema import Anything, Array, Boolean, Either, Number, Object, OneOf, Schema, String

MAX_ID = 255  # block_id, action_id, callback_id, external_id
ANY = String()
URL = String(3000)
BLOCK_ID: dict[str, Schema] = {"block_id": String(MAX_ID)}
MAX_PRIVATE_METADATA = 3000
MAX_VIEW_BYTES = 250_000
MAX_MARKDOWN_TOTAL = 12_000  # for all markdown blocks of a payload together
MAX_MESSAGE_TEXT = 40_000  # chat.postMessage cuts a longer text
MAX_UPDATE_TEXT = 4_000  # chat.update refuses a longer text


def plain(max_length: int = 3000) -> Object:
    return Object("plain_text", {"text": String(max_length)}, {"emoji": Boolean()})


def mrkdwn(max_length: int = 3000) -> Object:
    return Object("mrkdwn", {"text": String(max_length)}, {"verbatim": Boolean()})


def text(max_length: int = 3000) -> OneOf:
    return OneOf(plain(max_length), mrkdwn(max_length))


# --- composition objects

STYLE = String(choices=("primary", "danger"))
CONFIRM = Object(
    None, {"text": text(300)}, {"title": plain(100), "confirm": plain(30), "deny": plain(30), "style": STYLE}
)
_OPTION: dict[str, Schema] = {"value": String(150), "description": plain(75), "url": URL}
PLAIN_OPTION = Object(None, {"text": plain(75)}, _OPTION)
OPTION = Object(None, {"text": text(75)}, _OPTION)
OPTION_GROUP = Object(None, {"label": plain(75), "options": Array(PLAIN_OPTION, 100, 1)})
SLACK_FILE = Either(Object(None, {"url": ANY}), Object(None, {"id": ANY}))
DISPATCH_CONFIG = Object(
    None,
    optional={"trigger_actions_on": Array(String(choices=("on_enter_pressed", "on_character_entered")))},
)

# --- elements

ACTION: dict[str, Schema] = {"action_id": String(MAX_ID)}
WITH_CONFIRM: dict[str, Schema] = ACTION | {"confirm": CONFIRM}
FOCUS: dict[str, Schema] = {"focus_on_load": Boolean()}
PLACEHOLDER: dict[str, Schema] = {"placeholder": plain(150)}
TEXT_INPUT: dict[str, Schema] = ACTION | FOCUS | PLACEHOLDER | {"dispatch_action_config": DISPATCH_CONFIG}
MENU: dict[str, Schema] = WITH_CONFIRM | FOCUS | PLACEHOLDER
MULTIPLE: dict[str, Schema] = {"max_selected_items": Number()}
OPTIONS: dict[str, Schema] = {"options": Array(PLAIN_OPTION, 100, 1), "option_groups": Array(OPTION_GROUP, 100, 1)}
LABEL: dict[str, Schema] = {"accessibility_label": String(75)}
CONVERSATIONS: dict[str, Schema] = {
    "default_to_current_conversation": Boolean(),
    "filter": Object(
        None,
        optional={
            "include": Array(String(choices=("im", "mpim", "private", "public"))),
            "exclude_bot_users": Boolean(),
            "exclude_external_shared_channels": Boolean(),
        },
    ),
}
RESPONSE_URL_FLAG: dict[str, Schema] = {"response_url_enabled": Boolean()}

BUTTON = Object(
    "button", {"text": plain(75)}, WITH_CONFIRM | LABEL | {"value": String(2000, 0), "url": URL, "style": STYLE}
)
_PARAMETERS = Array(Object(None, {"name": ANY, "value": ANY}))
_TRIGGER = Object(None, {"url": ANY}, {"customizable_input_parameters": _PARAMETERS})
WORKFLOW_BUTTON = Object(
    "workflow_button",
    {"text": plain(75), "workflow": Object(None, {"trigger": _TRIGGER})},
    WITH_CONFIRM | LABEL | {"style": STYLE},
)
_FEEDBACK = Object(None, {"text": plain(), "value": ANY}, {"accessibility_label": ANY})
FEEDBACK_BUTTONS = Object("feedback_buttons", {"positive_button": _FEEDBACK, "negative_button": _FEEDBACK}, ACTION)
ICON_BUTTON = Object(
    "icon_button",
    {"text": plain(75), "icon": ANY},
    WITH_CONFIRM | LABEL | {"value": String(2000, 0), "visible_to_user_ids": Array(ANY, 10)},
)
CHECKBOXES = Object(
    "checkboxes", {"options": Array(OPTION, 10, 1)}, WITH_CONFIRM | FOCUS | {"initial_options": Array(OPTION)}
)
RADIO_BUTTONS = Object(
    "radio_buttons", {"options": Array(OPTION, 10, 1)}, WITH_CONFIRM | FOCUS | {"initial_option": OPTION}
)
OVERFLOW = Object("overflow", {"options": Array(PLAIN_OPTION, 5, 1)}, WITH_CONFIRM)
DATEPICKER = Object("datepicker", {}, MENU | {"initial_date": ANY})
TIMEPICKER = Object("timepicker", {}, MENU | {"initial_time": ANY, "timezone": ANY})
DATETIMEPICKER = Object("datetimepicker", {}, WITH_CONFIRM | FOCUS | {"initial_date_time": Number()})

SELECT = OneOf(
    Object("static_select", {}, MENU | OPTIONS | {"initial_option": PLAIN_OPTION}),
    Object("external_select", {}, MENU | {"initial_option": PLAIN_OPTION, "min_query_length": Number()}),
    Object("users_select", {}, MENU | {"initial_user": ANY}),
    Object("conversations_select", {}, MENU | CONVERSATIONS | RESPONSE_URL_FLAG | {"initial_conversation": ANY}),
    Object("channels_select", {}, MENU | RESPONSE_URL_FLAG | {"initial_channel": ANY}),
)
_FOUND: dict[str, Schema] = {"initial_options": Array(PLAIN_OPTION), "min_query_length": Number()}
MULTI_SELECT = OneOf(
    Object("multi_static_select", {}, MENU | MULTIPLE | OPTIONS | {"initial_options": Array(PLAIN_OPTION)}),
    Object("multi_external_select", {}, MENU | MULTIPLE | _FOUND),
    Object("multi_users_select", {}, MENU | MULTIPLE | {"initial_users": Array(ANY)}),
    Object("multi_conversations_select", {}, MENU | MULTIPLE | CONVERSATIONS | {"initial_conversations": Array(ANY)}),
    Object("multi_channels_select", {}, MENU | MULTIPLE | {"initial_channels": Array(ANY)}),
)

_IMAGE: dict[str, Schema] = {"alt_text": String(2000)}
IMAGE_ELEMENT = OneOf(
    Object("image", _IMAGE | {"image_url": URL}), Object("image", _IMAGE | {"slack_file": SLACK_FILE})
)

# --- rich text

_STYLED: dict[str, Schema] = {
    "style": Object(None, optional={name: Boolean() for name in ("bold", "italic", "strike", "code", "underline")})
}
_SPAN = Object("text", {"text": ANY}, _STYLED)
_LINK = Object("link", {"url": ANY}, _STYLED | {"text": ANY, "unsafe": Boolean()})
RICH_SPAN = OneOf(
    _SPAN,
    _LINK,
    Object("broadcast", {"range": String(choices=("here", "channel", "everyone"))}, _STYLED),
    Object("color", {"value": ANY}, _STYLED),
    Object("channel", {"channel_id": ANY}, _STYLED),
    Object("date", {"timestamp": Number(), "format": ANY}, _STYLED | {"url": ANY, "fallback": ANY}),
    Object("emoji", {"name": ANY}, _STYLED | {"unicode": ANY, "url": ANY}),
    Object("team", {"team_id": ANY}, _STYLED),
    Object("user", {"user_id": ANY}, _STYLED),
    Object("usergroup", {"usergroup_id": ANY}, _STYLED),
)
_BORDER: dict[str, Schema] = {"border": Number(0, 1)}
RICH_SECTION = Object("rich_text_section", {"elements": Array(RICH_SPAN)})
RICH_PART = OneOf(
    RICH_SECTION,
    Object(
        "rich_text_list",
        {"elements": Array(RICH_SECTION), "style": String(choices=("bullet", "ordered"))},
        _BORDER | {"indent": Number()},
    ),
    Object("rich_text_quote", {"elements": Array(RICH_SPAN)}, _BORDER),
    Object("rich_text_preformatted", {"elements": Array(OneOf(_SPAN, _LINK))}, _BORDER),
)
RICH_TEXT = Object("rich_text", {"elements": Array(RICH_PART)}, BLOCK_ID)

# --- inputs

_TEXT: dict[str, Schema] = {"initial_value": ANY}
RICH_TEXT_INPUT = Object(
    "rich_text_input",
    {},
    TEXT_INPUT | {"initial_value": RICH_TEXT, "min_lines": Number(1, 100), "max_lines": Number(1, 100)},
)
INPUT = OneOf(
    Object(
        "plain_text_input",
        {},
        TEXT_INPUT
        | {"initial_value": String(3000, 0), "multiline": Boolean()}
        | {"min_length": Number(0, 3000), "max_length": Number(1, 3000)},
    ),
    Object("email_text_input", {}, TEXT_INPUT | _TEXT),
    Object("url_text_input", {}, TEXT_INPUT | _TEXT),
    Object(
        "number_input", {"is_decimal_allowed": Boolean()}, TEXT_INPUT | _TEXT | {"min_value": ANY, "max_value": ANY}
    ),
    Object("file_input", {}, ACTION | {"filetypes": Array(ANY), "max_files": Number(1, 10)}),
    RICH_TEXT_INPUT,
    CHECKBOXES,
    RADIO_BUTTONS,
    DATEPICKER,
    TIMEPICKER,
    DATETIMEPICKER,
    SELECT,
    MULTI_SELECT,
)

ACCESSORY = OneOf(
    BUTTON,
    WORKFLOW_BUTTON,
    CHECKBOXES,
    RADIO_BUTTONS,
    OVERFLOW,
    DATEPICKER,
    TIMEPICKER,
    SELECT,
    MULTI_SELECT,
    IMAGE_ELEMENT,
)
ACTIONABLE = OneOf(
    BUTTON,
    WORKFLOW_BUTTON,
    CHECKBOXES,
    RADIO_BUTTONS,
    OVERFLOW,
    DATEPICKER,
    TIMEPICKER,
    DATETIMEPICKER,
    RICH_TEXT_INPUT,
    SELECT,
    MULTI_SELECT,
)
INTERACTIVE = INPUT.kinds | ACTIONABLE.kinds | {"feedback_buttons", "icon_button"}
ANYTHING = Anything()
