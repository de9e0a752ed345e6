"""Drawing: nothing that came from elsewhere becomes markup, and a secret is shown exactly or not at all."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.language import Language
from bot.sandbox.slack import check_message, check_view
from bot.screen import long
from bot.screen.parts import (
    Button,
    Buttons,
    Checkboxes,
    Choice,
    Confirm,
    Facts,
    Field,
    Heading,
    Link,
    Message,
    Modal,
    Note,
    Revealed,
    Text,
)
from bot.screen.pieces import Bold, Mark, Plain, When, Who
from bot.secret import Secret
from bot.slack import blocks, texts
from bot.status.names import SecretName

HOSTILE = [
    "<!channel> <!here> <@U1> <#C1>",
    "<https://evil.example|https://eu.onetimesecret.com/secret/abc>",
    "```*b* _i_ ~s~ `c` &lt; :key: :+1:",
    "a\x00b\x1b[31m\u202e\u200b\ufeff",
    "x" * 5000,
]


def _shown(view):
    return "".join(
        leaf["text"]
        for block in view["blocks"]
        if block["type"] == "rich_text"
        for part in block["elements"]
        for leaf in part["elements"]
    )


@pytest.mark.parametrize("text", HOSTILE, ids=["mentions", "link", "markup", "controls", "long"])
def test_text_from_elsewhere_cannot_act(text):
    drawn = texts.mrkdwn([Plain(text)], Language.EN)

    assert "<" not in drawn
    assert ">" not in drawn
    assert not any(mark in drawn.replace("\u200b", "\0") for mark in ("*b*", "`c`", ":key:", "```"))
    assert "\u202e" not in drawn
    assert len(drawn) < 800


@pytest.mark.parametrize("text", HOSTILE, ids=["mentions", "link", "markup", "controls", "long"])
def test_a_message_with_hostile_text_is_one_that_slack_takes(text):
    message = Message.of(Plain(text), Text.of(Plain(text)), Facts(((Mark("To"), Plain(text)),)), Note.of(Plain(text)))

    drawn = blocks.message(message, Language.EN)

    assert check_message(drawn) == []
    assert "<" not in drawn["text"]
    assert (drawn["unfurl_links"], drawn["unfurl_media"]) == (False, False)


@pytest.mark.parametrize("part", [Revealed(Secret("s")), Link(Secret("https://example.com/secret/s"))])
def test_a_message_never_holds_a_secret_or_its_link(part):
    with pytest.raises(ValueError, match="modal only"):
        blocks.message(Message.of(Mark("x"), part), Language.EN)


@pytest.mark.parametrize("part", [Revealed(Secret("s")), Link(Secret("https://example.com/secret/s"))])
def test_a_window_knows_that_it_shows_something_secret(part):
    assert Modal.of("note", Mark("t"), Text.of(Mark("x")), part).shows_secret
    assert not Modal.of("note", Mark("t"), Text.of(Mark("x"))).shows_secret


def test_a_link_in_a_window_is_its_own_words():
    url = "https://eu.onetimesecret.com/secret/abc_*x*"

    view = blocks.modal(Modal.of("note", Mark("t"), Link(Secret(url))), Language.EN)

    assert check_view(view) == []
    (block,) = view["blocks"]
    assert block["elements"][0]["elements"] == [{"type": "link", "url": url}]


def test_a_mention_is_nothing_but_a_mention():
    assert texts.mrkdwn([Who("U1>&<!channel>")], Language.EN) == "<@U1&gt;&amp;&lt;!channel&gt;>"


@pytest.mark.parametrize("length", [1, 2899, 2900, 2901, 3000, 12_000, 300_000, 1_000_000])
def test_a_long_secret_is_shown_whole_over_pages_that_slack_takes(length):
    text = ("é&<>`*\n\t" * (length // 8 + 1))[:length]

    views = [
        blocks.modal(Modal.of("note", Mark("t"), Revealed(page)), Language.EN) for page in long.pages(Secret(text))
    ]

    assert "".join(_shown(view) for view in views) == text
    assert all(check_view(view) == [] for view in views)


@given(
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="".join(map(chr, [*range(32), *range(127, 160)]))),
        min_size=1,
    )
)
def test_a_secret_is_shown_character_for_character(text):
    view = blocks.modal(Modal.of("note", Mark("t"), Revealed(Secret(text))), Language.EN)

    assert _shown(view) == text
    assert check_view(view) == []


@given(st.text(st.characters(), min_size=1))
def test_any_secret_at_all_can_be_shown(text):
    view = blocks.modal(Modal.of("note", Mark("t"), Revealed(Secret(text))), Language.EN)

    assert check_view(view) == []
    assert len(_shown(view)) == len(text)


def test_what_cannot_be_shown_is_marked_and_said():
    view = blocks.modal(Modal.of("note", Mark("t"), Revealed(Secret("a\x00b\x07\ud800"))), Language.EN)

    assert _shown(view) == "a␀b␇\ufffd"
    assert "3 control characters" in view["blocks"][-1]["elements"][0]["text"]


@pytest.mark.parametrize("kept", ["  both  ", "a\r\nb\n", "\ttab\t", "\n"])
def test_white_space_in_a_secret_is_kept(kept):
    assert _shown(blocks.modal(Modal.of("note", Mark("t"), Revealed(Secret(kept))), Language.EN)) == kept


def test_a_button_carries_an_opaque_id_and_nothing_else():
    button = Button(
        Mark("Burn"),
        "burn",
        "r" * 22,
        "danger",
        Confirm(Mark("Burn?"), Mark("For good."), Mark("Burn")),
        Mark("Burn this secret"),
    )

    drawn = blocks.message(Message.of(Mark("x"), Buttons.of(button)), Language.EN)

    assert drawn["blocks"][0]["elements"][0]["value"] == "ref:" + "r" * 22
    assert check_message(drawn) == []


def test_a_form_is_one_that_slack_takes():
    modal = Modal.of(
        "connect", Mark("Connect an account"), Heading(Mark("h")), Choice("host", Mark("Where?"), (("a", Mark("A")), ("b", Mark("B"))), "b"),
        Field("token", Mark("Token"), hint=Mark("h"), placeholder=Mark("p"), max_length=100, optional=True), submit=Mark("Connect"), ref="r" * 22,
    )  # fmt: skip

    drawn = blocks.modal(modal, Language.EN)

    assert check_view(drawn) == []
    assert blocks.read_ref(drawn["private_metadata"]) == "r" * 22


@pytest.mark.parametrize(
    "chosen", [(), ("a",), ("a", "b"), ("c",)], ids=["none", "one", "all", "one that is not there"]
)
@pytest.mark.parametrize("optional", [True, False])
def test_boxes_to_tick_are_ones_that_slack_takes(chosen, optional):
    checks = Checkboxes(
        "news",
        Mark("Tell me"),
        (("a", Mark("When A")), ("b", Mark("When B" * 50))),
        frozenset(chosen),
        optional=optional,
    )

    drawn = blocks.modal(Modal.of("settings", Mark("Settings"), checks, submit=Mark("Save")), Language.EN)

    assert check_view(drawn) == []
    (block,) = drawn["blocks"]
    assert block.get("optional", False) is optional
    assert [one["value"] for one in block["element"].get("initial_options", [])] == [
        one for one in chosen if one != "c"
    ]


def test_times_are_in_the_readers_zone_with_utc_to_fall_back_on():
    at = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)

    assert (
        texts.moment(When(at), Language.EN)
        == "<!date^1795431600^{date_short_pretty} at {time}|Nov 23, 2026, 11:00 UTC>"
    )


@pytest.mark.parametrize("value", [None, 7, "", "abc", "ref", ["ref:x"], "key:abc"])
def test_anything_else_in_a_button_is_no_id(value):
    assert blocks.read_ref(value) is None


def test_an_asterisk_that_somebody_typed_does_not_end_bold_text():
    assert texts.mrkdwn([Bold(Plain("the VPN"))], Language.EN) == "*the VPN*"

    said = texts.mrkdwn([Bold(SecretName("a *bold* name").in_list()), Mark(": sent")], Language.EN)

    assert said == "“a *\u200bbold*\u200b name”: sent"
