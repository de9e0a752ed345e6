"""The window in which something is shared: what it is for, what it makes up, and where a host's refusal belongs."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.errors import HostUnavailable, NotAuthorized, NotUnderstood, RateLimited, Refused, Unsealable
from bot.interaction.feature import FieldErrors
from bot.interaction.parsed_text import parse_markup
from bot.language import Language
from bot.person import Person
from bot.sandbox.slack.rules import check_view
from bot.screen.parts import Text
from bot.screen.pieces import Mark, Plain
from bot.settings import MAX_SECRET_BYTES
from bot.sharing import form
from bot.sharing.create import PassphraseIgnored
from bot.sharing.form import field_names
from bot.sharing.form_state import FormState, read_mentions
from bot.sharing.passwords import generate_passphrase
from bot.sharing.submit import find_field_errors
from bot.slack import blocks
from bot.storage.button_contexts import SHARE_FORM, ButtonContext
from tests.support.english import english, plain_english
from tests.support.rows import each_row


@each_row(
    ("text", "people", "channel"),
    [
        ("", (), None),
        ("<@U0BEN|ben>", ("U0BEN",), None),
        ("  <@U0BEN>  <@W0CLEO|cleo> <@U0BEN|ben> ", ("U0BEN", "W0CLEO"), None),
        ("<@U0BEN|ben>, <@W0CLEO|cleo>", ("U0BEN", "W0CLEO"), None),
        ("<@U0BEN|ben>,<@W0CLEO|cleo>", ("U0BEN", "W0CLEO"), None),
        ("<@U0BEN|ben> and <@W0CLEO|cleo>.", ("U0BEN", "W0CLEO"), None),
        ("with <@U0BEN|ben> &amp; <@W0CLEO|cleo>", ("U0BEN", "W0CLEO"), None),
        ("<@U0BEN|ben>\u00a0und\u200b <@W0CLEO|cleo>; <@U0BEN>", ("U0BEN", "W0CLEO"), None),
        ("<@U0BEN|ben><@W0CLEO|cleo>", ("U0BEN", "W0CLEO"), None),
        ("<@U0BEN|ben> + <@W0CLEO|cleo> / <@U0BEN|ben>", ("U0BEN", "W0CLEO"), None),
        ("<#C0OPS|ops>", (), "C0OPS"),
        ("to <#C0OPS|ops>!", (), "C0OPS"),
        ("<#G0OPS|>", (), "G0OPS"),
    ],
)
def test_people_or_a_channel_may_be_named_behind_the_command(text, people, channel):
    form_state = read_mentions(parse_markup(text))

    assert (form_state.to, form_state.channel, form_state.asks_to_choose) == (people, channel, False)


@each_row(
    ("text", "people"),
    [
        ("@ben", ()),
        ("@ben, @cleo", ()),
        ("@ben and <@W0CLEO|cleo>", ("W0CLEO",)),
        ("#general", ()),
        ("<!subteam^S1|@ops>", ()),
        ("<!channel>", ()),
        ("<mailto:ben@example.com|ben@example.com>", ()),
    ],
)
def test_the_window_asks_to_choose_where_slack_does_not_say_who_is_meant(text, people):
    form_state = read_mentions(parse_markup(text))

    assert (form_state.to, form_state.asks_to_choose) == (people, True)
    view = str(blocks.modal(form.form(form_state, "r" * 22), Language.EN))
    assert english(form.CHOOSE) in view
    assert "ben" not in view  # what was typed may be a secret


@pytest.mark.parametrize(
    "text",
    [
        "hunter2",
        "<@U0BEN|ben> hunter2",
        "<@U0BEN|ben> and hunter2",
        "@ben hunter2",
        "U0BEN",
        "<https://example.com|x>",
        "https://example.com/x",
    ],
    ids=[
        "a word",
        "a word behind a name",
        "a word that is joined to a name",
        "a word behind a name that Slack did not know",
        "an id",
        "a link",
        "a plain link",
    ],
)
def test_anything_else_is_refused_without_being_repeated(text):
    with pytest.raises(NotUnderstood) as refused:
        read_mentions(parse_markup(text))

    assert "change it" in english(refused.value.tell)
    assert text not in english(refused.value.tell) + str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "<@U0BEN|ben> <#C0OPS|ops>",
        "<#C0OPS|ops> <#C1OPS|ops1>",
        " ".join(f"<@U0{number:04}>" for number in range(11)),
    ],
    ids=["people and a channel", "two channels", "eleven people"],
)
def test_whom_one_share_cannot_reach_together_is_said_and_nothing_about_secrets(text):
    with pytest.raises(NotUnderstood) as refused:
        read_mentions(parse_markup(text))

    assert "10 people, or to one channel" in english(refused.value.tell)
    assert "change it" not in english(refused.value.tell)


FORM_STATES = [
    FormState(),
    FormState(to=("U0BEN", "U0CLEO")),
    FormState(channel="C0OPS"),
    FormState(only=("U0BEN",), request="r" * 22, note="for the staging host"),
    FormState(only=("U0BEN", "U0CLEO"), earlier="s" * 22, max_bytes=MAX_SECRET_BYTES),
    FormState(accounts=(("a" * 22, "eu.onetimesecret.com"), ("b" * 22, "127.0.0.1:7143/prefix"))),
]


def stored(data):
    """The button context of a window, with this data."""
    return ButtonContext("r" * 22, Person(None, "T1", "U0ADA"), SHARE_FORM, "-", None, None, data, datetime.now(UTC))


every_form_state = each_row(
    "form_state", FORM_STATES, ids=["nothing", "people", "a channel", "a request", "two of several", "accounts"]
)


@every_form_state
def test_the_state_of_a_window_is_read_as_it_was_stored(form_state):
    assert FormState.of(stored(form_state.data())) == form_state
    assert all(isinstance(value, str) for value in form_state.data().values())


@each_row(
    ("data", "form_state"),
    [
        ({"most": "10000"}, FormState()),
        ({"to": "U0BEN,U0CLEO", "most": "10000"}, FormState(to=("U0BEN", "U0CLEO"))),
        ({"channel": "C0OPS", "made_up": "yes", "most": "10000"}, FormState(channel="C0OPS", is_generated=True)),
        ({"only": "U0BEN", "request": "r" * 22, "note": "for, and = it", "most": "200"},
         FormState(only=("U0BEN",), request="r" * 22, note="for, and = it", max_bytes=200)),
        ({"accounts": "a=eu.onetimesecret.com,b=127.0.0.1:7143/prefix"},
         FormState(accounts=(("a", "eu.onetimesecret.com"), ("b", "127.0.0.1:7143/prefix")))),
    ],
    ids=["nothing", "people", "a channel", "a request", "accounts"],
)  # fmt: skip
def test_the_state_of_a_window_that_an_older_version_opened_is_read(data, form_state):
    assert FormState.of(stored(data)) == form_state


def test_a_note_with_half_a_character_keeps_nobody_from_answering():
    assert FormState.of(stored(FormState(note="a\ud800b").data())).note == "a?b"


def test_data_that_is_no_form_state_is_not_read_and_not_repeated():
    with pytest.raises(Unsealable) as refused:
        FormState.of(stored({"form_state": '{"to": "hunter2"}'}))

    assert "hunter2" not in str(refused.value) + english(refused.value.tell)


@each_row("rooms", [1, 4, form.text_fields_for(MAX_SECRET_BYTES)])
@every_form_state
def test_the_window_is_taken_by_slack_however_much_room_it_has(form_state, rooms):
    said = [Text.of(Mark("what came of one"))] * 12
    view = blocks.modal(
        form.form(replace(form_state, text_fields=rooms), "r" * 22, *said, at={"text1": Plain("<!channel> *x*")}),
        Language.EN,
    )

    assert check_view(view) == []
    assert "<!channel>" not in str(view)
    assert len([one for one in view["blocks"] if str(one.get("block_id")).startswith("text")]) == rooms


@pytest.mark.parametrize(("most", "rooms"), [(1, 1), (3_000, 1), (3_001, 2), (10_000, 4), (MAX_SECRET_BYTES, 34)])
def test_there_are_as_many_fields_as_a_host_takes(most, rooms):
    form_state = FormState(max_bytes=most, text_fields=rooms)

    assert form.text_fields_for(most) == rooms
    assert "share_more" not in str(blocks.modal(form.form(form_state, "r" * 22), Language.EN))
    assert rooms == 1 or "share_more" in str(
        blocks.modal(form.form(replace(form_state, text_fields=rooms - 1), "r" * 22), Language.EN)
    )


def test_a_passphrase_that_is_made_up_is_never_the_same_and_easy_to_read_aloud():
    made = {generate_passphrase().reveal() for _ in range(1_000)}

    assert len(made) == 1_000
    assert all(re.fullmatch(r"([bdfghjklmnprstvz][aeiou]){2}(-([bdfghjklmnprstvz][aeiou]){2}){4}", one) for one in made)


@pytest.mark.parametrize(
    ("error", "fields"),
    [
        (Refused(reason="Passphrase must be at least 8 characters long"),
         {"passphrase": "The server wants at least 8 characters."}),
        (Refused(reason="Passphrase must be no more than 128 characters long"),
         {"passphrase": "The server takes at most 128 characters."}),
        (Refused(reason="A passphrase is required for all secrets"),
         {"passphrase": "The server says: “A passphrase is required for all secrets”."}),
        (Refused(reason="Secret value exceeds the maximum size of 10000 characters"),
         {"text2": "That is too long for the server. Its limit is 10,000 characters."}),
        (Refused(reason="Das ist zu groß (max. size 9)"), {"text2": "That is too long for the server. Its limit is 9."}),
        (PassphraseIgnored(), {"passphrase": plain_english(PassphraseIgnored.tell)}),
        (FieldErrors({"to": Mark("who")}), {"to": "who"}),
        (Refused(reason="Unknown domain: example.com"), {}),
        (NotAuthorized(), {}),
        (RateLimited(), {}),
        (HostUnavailable(), {}),
    ],
    ids=["too short", "too long", "required", "too much", "a size", "ignored", "ours", "a domain", "a token", "a limit", "trouble"],
)  # fmt: skip
def test_a_refusal_lands_at_the_field_that_it_is_about(error, fields):
    found = find_field_errors(error, FormState(text_fields=2))

    assert {name: plain_english(said) for name, said in found.items()} == fields


def test_where_the_recipient_cannot_be_chosen_there_is_no_field_to_complain_at():
    assert find_field_errors(FieldErrors({"to": Mark("who")}), FormState(only=("U0BEN",))) == {}


TWO = (("a1", "eu.onetimesecret.com"), ("a2", "us.onetimesecret.com"))
MAILED = FormState(chosen_whom="link", is_connected=True, mail_address="dora@example.com")


@each_row(
    ("form_state", "is_offered"),
    [
        (MAILED, True),
        (replace(MAILED, is_connected=False), False),
        (replace(MAILED, accounts=TWO, choices=replace(MAILED.choices, site="anonymous")), False),
        (replace(MAILED, accounts=TWO), True),
        (replace(MAILED, chosen_whom="people"), False),
        (replace(MAILED, only=("U0BEN",)), False),
    ],
)
def test_a_mail_is_offered_where_there_is_an_account_to_send_it_and_nobody_in_slack_to_get_it(form_state, is_offered):
    assert ("mail_address" in field_names(list(form.form(form_state, "r" * 22).parts))) is is_offered


@each_row(("whom", "is_for_each"), [("people", True), ("channel", False), ("link", False)], ids=str)
@each_row("kind", ["words", "server"], ids=str)
def test_what_is_generated_is_a_new_one_for_each_person_only_where_people_get_it(whom, is_for_each, kind):
    form_state = FormState(is_generated=True, chosen_whom=whom, chosen_is_shown=False, chosen_kind=kind)

    shown = json.dumps(blocks.modal(form.form(form_state, "f" * 22), Language.EN))

    assert "You do not see it." in shown
    assert ("for each person" in shown) == is_for_each
