"""What is read from the message that a message shortcut was used on."""

import pytest

from bot.slack.message_content import read_message_content

CHANNEL = {"id": "C1", "name": "team"}


def text(value):
    return {"type": "text", "text": value}


def rich(*elements):
    return {"blocks": [{"type": "rich_text", "elements": list(elements)}], "text": "not read"}


def section(*elements):
    return {"type": "rich_text_section", "elements": list(elements)}


def code(*elements):
    return {"type": "rich_text_preformatted", "elements": list(elements)}


def bullets(*items):
    return {"type": "rich_text_list", "style": "bullet", "elements": [section(text(item)) for item in items]}


def read(message, channel=CHANNEL, author="U1"):
    return read_message_content(message, channel, author)


WRITTEN = {
    "the blocks of an app": (
        {
            "text": "Build finished",
            "blocks": [
                {"type": "header", "text": {"type": "plain_text", "text": "Build"}},
                {"type": "section", "text": {"type": "mrkdwn", "text": "password: `hunter2`"}},
                {"type": "section", "fields": [{"type": "mrkdwn", "text": "user"}, {"type": "mrkdwn", "text": "ada"}]},
                {
                    "type": "context",
                    "elements": [{"type": "image", "alt_text": "x"}, {"type": "mrkdwn", "text": "end"}],
                },
            ],
        },
        "Build\npassword: hunter2\nuser\nada\nend",
    ),
    "the blocks of an attachment": (
        {"text": "", "attachments": [{"fallback": "x", "blocks": [{"type": "section", "text": text("hunter2")}]}]},
        "hunter2",
    ),
    "plain text": (rich(section(text("hunter2"))), "hunter2"),
    "blanks and signs, exactly": (rich(section(text("  a<b>&amp; *x* \t"))), "  a<b>&amp; *x* \t"),
    "styled text": (rich(section(text("a"), {"type": "text", "text": "b", "style": {"code": True}})), "ab"),
    "a code block without its ticks": (rich(code(text("line 1\n\tline 2"))), "line 1\n\tline 2"),
    "words before and after code": (
        rich(section(text("see\n")), code(text("x = 1")), section(text("ok"))),
        "see\nx = 1\nok",
    ),
    "a list": (rich(section(text("two:")), bullets("one", "two")), "two:\none\ntwo"),
    "a quote": (rich({"type": "rich_text_quote", "elements": [text("quoted")]}), "quoted"),
    "a link that Slack made": (
        rich(section({"type": "link", "url": "http://a.example", "text": "a.example"})),
        "a.example",
    ),
    "an address": (rich(section({"type": "link", "url": "https://a.example/?b=c&d"})), "https://a.example/?b=c&d"),
    "an emoji that may be part of a password": (
        rich(section(text("a"), {"type": "emoji", "name": "key"}, text("b"))),
        "a:key:b",
    ),
    "a mention": (rich(section({"type": "user", "user_id": "U7"}, text(" look"))), "<@U7> look"),
    "a broadcast": (rich(section({"type": "broadcast", "range": "here"})), "@here"),
    "a colour": (rich(section({"type": "color", "value": "#ff0000"})), "#ff0000"),
    "text alone, unescaped once": ({"text": "a &lt;b&gt; &amp;amp; c"}, "a <b> &amp; c"),
    "text alone, with a link": ({"text": "at <http://a.example|a.example>"}, "at a.example"),
    "text alone, in a code block": ({"text": "```\nx = 1\n\ty\n```"}, "x = 1\n\ty"),
    "text alone, in ticks": ({"text": "it is `hunter2`"}, "it is hunter2"),
    "an app's attachment": ({"text": "", "attachments": [{"fallback": "f", "text": "the key"}]}, "the key"),
    "half a character": ({"text": "a\ud800b"}, "a\ufffdb"),
    "nothing": ({"text": ""}, ""),
    "a file alone": ({"text": "", "files": [{"name": "x"}]}, ""),
    "broken blocks": (
        {"text": "words", "blocks": [None, {"type": "rich_text", "elements": [None, {"elements": 7}]}]},
        "",
    ),
}


@pytest.mark.parametrize(("message", "expected"), WRITTEN.values(), ids=list(WRITTEN))
def test_what_people_wrote_is_read(message, expected):
    assert read(message).text.reveal() == expected


def test_every_text_of_the_message_can_be_searched():
    message = {
        "text": "one",
        "blocks": [section(text("two")), {"type": "actions", "elements": [{"type": "button", "url": "https://three"}]}],
        "attachments": [
            {"title_link": "https://four", "fields": [{"value": "five"}], "blocks": [section(text("six"))]}
        ],
        "user": "U0seven",
    }

    found = [one.reveal() for one in read(message).texts]

    assert {"one", "two", "https://three", "https://four", "five", "six"} <= set(found)
    assert len(found) == len(set(found))
    assert "U0seven" not in found


def test_a_message_of_endless_depth_is_read_to_an_end():
    deep: dict[str, object] = {"text": "found"}
    for _ in range(400):
        deep = {"elements": [deep]}

    assert [one.reveal() for one in read({"text": "shallow", "blocks": [deep]}).texts] == ["shallow"]


@pytest.mark.parametrize(
    ("channel", "is_channel"),
    [
        ({"id": "C1", "name": "team"}, True),
        ({"id": "G1", "name": "privategroup"}, True),
        ({"id": "D1", "name": "directmessage"}, False),
        ({"id": "C2", "name": "mpdm-ada--ben-1"}, False),
        ({"id": "G2", "name": "mpdm-ada--ben-1"}, False),
    ],
)
def test_a_channel_is_told_from_a_conversation_of_people(channel, is_channel):
    assert read({"text": "x"}, channel).is_channel is is_channel


def test_the_thread_is_read_and_a_conversation_without_an_id_is_none():
    assert read({"text": "x", "thread_ts": "1.2"}).thread == "1.2"
    assert read({"text": "x"}).thread is None
    assert read({"text": "x"}, {}) is None
