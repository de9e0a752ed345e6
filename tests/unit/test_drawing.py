"""Each part of a screen as the Block Kit that it becomes, whole, so that no field of it changes unseen."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.language import Language
from bot.screen.parts import (
    Button,
    Buttons,
    Channel,
    Checkboxes,
    Choice,
    Confirm,
    Divider,
    Facts,
    Field,
    Heading,
    Link,
    Message,
    Modal,
    MomentPicker,
    Note,
    Part,
    People,
    Revealed,
    Text,
)
from bot.screen.pieces import Mark, Plain, When, Where, Who, say
from bot.secret import Secret
from bot.slack import blocks, texts
from tests.support.rows import each_row


def plain(text):
    return {"type": "plain_text", "text": text, "emoji": True}


def mrkdwn(text):
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def an_input(name, label, element, **more):
    return {"type": "input", "block_id": name, "label": plain(label), "element": element, **more}


def preformatted(text):
    inner = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [inner]}


AT = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
ONE, TWO = {"text": plain("One"), "value": "1"}, {"text": plain("Two"), "value": "2"}
CONFIRM = Confirm(Mark("Burn?"), Mark("For good."), Mark("Burn"))
ASKED = {"title": plain("Burn?"), "text": plain("For good."), "confirm": plain("Burn"), "deny": plain("Cancel")}
FILTER = {"include": ["public", "private"], "exclude_bot_users": True, "exclude_external_shared_channels": True}
LONGEST = "x" * 3001

DRAWN: list[tuple[Part, list[dict[str, Any]]]] = [
    (Text.of(Mark("*a* "), Plain("<b>")), [{"type": "section", "text": mrkdwn("*a* &lt;b&gt;")}]),
    (Text.of(Mark(LONGEST)), [{"type": "section", "text": mrkdwn("x" * 3000)}]),
    (Heading(Mark("h")), [{"type": "header", "text": plain("h")}]),
    (Note.of(Mark("n")), [{"type": "context", "elements": [mrkdwn("n")]}]),
    (Divider(), [{"type": "divider"}]),
    (
        Facts(((Mark("To"), Plain("b&c")), (Mark("At"), When(AT, "clock")))),
        [
            {
                "type": "section",
                "fields": [mrkdwn("*To*\nb&amp;c"), mrkdwn("*At*\n<!date^1795431600^{time}|11:00 UTC>")],
            }
        ],
    ),
    (Facts(((Mark("a"), Mark("x" * 2000)),) * 11), [{"type": "section", "fields": [mrkdwn("*a*\n" + "x" * 1996)] * 10}]),
    (Text.of(Who("U1"), Where("C1")), [{"type": "section", "text": mrkdwn("<@U1><#C1>")}]),
    (Text.of(Where("C1><!here>")), [{"type": "section", "text": mrkdwn("<#C1&gt;&lt;!here&gt;>")}]),
    (
        Buttons.of(
            Button(Mark("Go"), "go"), Button(Mark("Burn"), "burn", "r", "danger", CONFIRM, Mark("Burn it " + "x" * 75)),
            Button(Mark("Ok"), "ok", None, "primary", CONFIRM),
        ),
        [
            {
                "type": "actions",
                "elements": [
                    {"type": "button", "text": plain("Go"), "action_id": "go"},
                    {
                        "type": "button", "text": plain("Burn"), "action_id": "burn", "value": "ref:r", "style": "danger",
                        "confirm": {**ASKED, "style": "danger"}, "accessibility_label": ("Burn it " + "x" * 75)[:75],
                    },
                    {"type": "button", "text": plain("Ok"), "action_id": "ok", "style": "primary", "confirm": ASKED},
                ],
            }
        ],
    ),
    (
        Field("f", Mark("L")),
        [an_input("f", "L", {"type": "plain_text_input", "action_id": "typed", "max_length": 3000})],
    ),
    (
        Field("f", Mark("L"), Mark("hint"), Mark("place"), 4, optional=True, long=True, initial="abcde"),
        [
            an_input(
                "f", "L",
                {
                    "type": "plain_text_input", "action_id": "typed", "max_length": 4, "placeholder": plain("place"),
                    "multiline": True, "initial_value": "abcd",
                },
                hint=plain("hint"), optional=True,
            )
        ],
    ),
    (
        Choice("c", Mark("L"), (("1", Mark("One")), ("2", Mark("Two"))), "2"),
        [an_input("c", "L", {"type": "static_select", "action_id": "chosen", "options": [ONE, TWO], "initial_option": TWO})],
    ),
    (
        Choice("c", Mark("L"), (("1", Mark("One")),) * 101),
        [an_input("c", "L", {"type": "static_select", "action_id": "chosen", "options": [ONE] * 100})],
    ),
    (
        Checkboxes("c", Mark("L"), (("1", Mark("One")), ("2", Mark("Two"))), frozenset({"1"})),
        [
            an_input(
                "c", "L",
                {"type": "checkboxes", "action_id": "checked", "options": [ONE, TWO], "initial_options": [ONE]},
                optional=True,
            )
        ],
    ),
    (
        People("p", Mark("L"), ("U1", "U2"), 3, Mark("hint")),
        [
            an_input(
                "p", "L",
                {
                    "type": "multi_users_select", "action_id": "picked", "max_selected_items": 3,
                    "initial_users": ["U1", "U2"],
                },
                hint=plain("hint"), optional=True,
            )
        ],
    ),
    (
        MomentPicker("m", Mark("L"), Mark("hint")),
        [an_input("m", "L", {"type": "datetimepicker", "action_id": "picked"}, hint=plain("hint"), optional=True)],
    ),
    (
        People("p", Mark("L")),
        [an_input("p", "L", {"type": "multi_users_select", "action_id": "picked", "max_selected_items": 10}, optional=True)],
    ),
    (
        Channel("c", Mark("L"), "C1", Mark("hint")),
        [
            an_input(
                "c", "L",
                {
                    "type": "conversations_select", "action_id": "picked", "filter": FILTER,
                    "initial_conversation": "C1",
                },
                hint=plain("hint"), optional=True,
            )
        ],
    ),
    (
        Channel("c", Mark("L")),
        [an_input("c", "L", {"type": "conversations_select", "action_id": "picked", "filter": FILTER}, optional=True)],
    ),
    (Revealed(Secret("a\x7f\x80b")), [
        preformatted("a␡\ufffdb"),
        {"type": "context",
         "elements": [mrkdwn("It has 2 control characters that cannot be shown. Signs such as ␀ are in their place.")]},
    ]),
    (Link(Secret("https://x/secret/k")), [
        {"type": "rich_text", "elements": [
            {"type": "rich_text_section", "elements": [{"type": "link", "url": "https://x/secret/k"}]}]},
    ]),
]  # fmt: skip


@each_row(("part", "expected"), DRAWN, ids=lambda value: type(value).__name__)
def test_each_part_is_drawn_so(part, expected):
    drawn = blocks.modal(Modal.of("form", Mark("title"), part), Language.EN)["blocks"]

    assert drawn[: len(expected)] == expected
    assert len(drawn) == len(expected)


def test_a_long_secret_says_that_its_boxes_are_one_text():
    *boxes, note = blocks.modal(Modal.of("form", Mark("title"), Revealed(Secret("x" * 6000))), Language.EN)["blocks"]

    assert "".join(box["elements"][0]["elements"][0]["text"] for box in boxes) == "x" * 6000
    assert note == {
        "type": "context",
        "elements": [mrkdwn(f"It is long: these {len(boxes)} boxes are one text, with nothing between them.")],
    }


@pytest.mark.parametrize("code", range(0x20))
def test_each_control_character_stands_as_its_own_picture_or_as_it_is(code):
    shown = blocks.modal(Modal.of("form", Mark("t"), Revealed(Secret(f"a{chr(code)}b"))), Language.EN)["blocks"][0]

    sign = chr(code) if chr(code) in "\t\n\r" else chr(0x2400 + code)
    assert shown == preformatted(f"a{sign}b")


def test_a_window_is_drawn_whole():
    screen = Modal("form", Mark("t" * 25), (Divider(),), "r" * 22, Mark("Send"), Mark("Close it"), notify_on_close=True)

    assert blocks.modal(screen, Language.EN) == {
        "type": "modal", "callback_id": "form", "title": plain("t" * 24), "close": plain("Close it"),
        "blocks": [{"type": "divider"}], "submit": plain("Send"), "private_metadata": "ref:" + "r" * 22,
        "notify_on_close": True,
    }  # fmt: skip
    assert blocks.modal(Modal.of("form", Mark("t"), Divider()), Language.EN).keys() == {
        "type",
        "callback_id",
        "title",
        "close",
        "blocks",
    }


def test_a_message_is_drawn_whole():
    drawn = blocks.message(Message(Text.of(say("<a> "), Mark("x" * 3000)), (Divider(),)), Language.EN)

    assert drawn == {
        "text": ("&lt;a&gt; " + "x" * 3000)[:3000], "unfurl_links": False, "unfurl_media": False,
        "blocks": [{"type": "divider"}],
    }  # fmt: skip
    assert "blocks" not in blocks.message(Message.of(Mark("a")), Language.EN)


@each_row(
    ("text", "expected"),
    [
        ("a" * 200, "a" * 200),
        ("a" * 201, "a" * 199 + "…"),
        ("snake_case _em_", "snake_case _\u200bem_\u200b"),
        (":tada: 10:30", ":\u200btada: 10:30"),
        ("~s~ `c`", "~\u200bs~\u200b `\u200bc`\u200b"),
        ("a\u202eb\x00c\ud83d", "a\ufffdb\ufffdc\ufffd"),
    ],
)
def test_text_from_elsewhere_is_cut_and_disarmed_exactly_so(text, expected):
    assert texts.literal(Plain(text)) == expected


def test_a_shorter_limit_holds_too():
    assert texts.literal(Plain("abcdef", 4)) == "abc…"


def test_an_id_is_read_as_it_was_drawn():
    assert blocks.read_ref("ref:abc") == "abc"
