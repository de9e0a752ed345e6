"""Slack's payloads as values: what was entered in a view, who acted, and on which message."""

import pytest

from bot.interaction.feature import Kind
from bot.message_ref import MessageRef
from bot.person import Person
from bot.slack.payloads import read_action, read_event, read_form, read_message_shortcut, read_options, read_payload
from tests.support.rows import each_row


def submitted(**values):
    return {"type": "view_submission", "view": {"id": "V1", "callback_id": "any", "state": {"values": values}}}


def boxes(selected):
    return {"checked": {"type": "checkboxes", "selected_options": selected}}


ONE, TWO = ({"text": {"type": "plain_text", "text": one}, "value": one} for one in ("one", "two"))


@pytest.mark.parametrize(
    ("selected", "values"),
    [
        pytest.param([], frozenset(), id="none"),
        pytest.param(None, frozenset(), id="none, in other words"),
        pytest.param([TWO], frozenset({"two"}), id="one"),
        pytest.param([ONE, TWO], frozenset({"one", "two"}), id="all"),
    ],
)
def test_ticked_boxes_are_known_by_their_values(selected, values):
    assert read_form(submitted(news=boxes(selected))).inputs.checkboxes == {"news": values}


def test_each_kind_of_field_is_read_apart():
    menu = {"chosen": {"type": "static_select", "selected_option": {"value": "eu"}}}
    line = {"typed": {"type": "plain_text_input", "value": "hunter2"}}

    inputs = read_form(submitted(host=menu, token=line, news=boxes([ONE]))).inputs

    assert inputs.selects == {"host": "eu"}
    assert inputs.text_inputs["token"].reveal() == "hunter2"
    assert inputs.checkboxes == {"news": {"one"}}
    assert "hunter2" not in repr(inputs)


@pytest.mark.parametrize(
    "values",
    [
        [],
        {"a": []},
        {"a": {"b": None}},
        {"a": {"b": {"type": "checkboxes", "selected_options": [None]}}},
        {"a": {"b": {"type": "static_select", "selected_option": "eu"}}},
        {"a": {"b": {"type": "number_input", "value": 3}}},
    ],
)
def test_fields_of_a_shape_that_this_version_does_not_know_are_empty(values):
    form = {"type": "view_submission", "view": {"callback_id": "newer", "state": {"values": values}}}

    inputs = read_form(form).inputs

    assert not any(inputs.text_inputs.values())
    assert {*inputs.selects.values(), *inputs.checkboxes.values()} <= {"", frozenset({""})}


# --- kinds

TEAM = {"team": {"id": "T1"}, "user": {"id": "U1", "team_id": "T1"}}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"command": "/ots"}, Kind.COMMAND),
        ({"type": "block_actions"}, Kind.ACTION),
        ({"type": "view_submission"}, Kind.FORM),
        ({"type": "view_closed"}, Kind.CLOSED),
        ({"type": "shortcut"}, Kind.SHORTCUT),
        ({"type": "message_action"}, Kind.MESSAGE_SHORTCUT),
        ({"type": "block_suggestion"}, Kind.OPTIONS),
        ({"type": "dialog_suggestion"}, Kind.OPTIONS),
        ({"type": "event_callback"}, Kind.EVENT),
        ({"type": "event_callback", "event": {"type": "function_executed", "function": {"id": "F"}}}, Kind.FUNCTION),
    ],
    ids=lambda value: value if isinstance(value, str) else value.get("type", "command"),
)
def test_a_payload_that_has_nothing_in_it_is_still_of_its_kind(body, kind):
    incoming = read_payload(body)

    assert incoming is not None
    assert (incoming.kind, incoming.name, incoming.person.user_id) == (kind, "", "")


@pytest.mark.parametrize("body", [{}, {"type": None}, {"type": ["block_actions"]}, {"type": "workflow_step_edit"}])
def test_another_type_of_payload_is_nothing(body):
    assert read_payload(body) is None


@pytest.mark.parametrize(("view_type", "expected"), [("modal", "V1"), ("home", None), ("canvas", None), (None, None)])
def test_only_a_modal_is_taken_for_an_open_window(view_type, expected):
    body = {**TEAM, "view": {"id": "V1", "type": view_type}, "action_id": "any", "actions": [{"action_id": "any"}]}

    assert read_action(body).view_id == expected
    assert read_options(body).view_id == expected


def test_the_first_input_of_a_form_is_where_an_error_can_stand():
    blocks = [{"type": "section", "block_id": "a"}, {"type": "input", "block_id": "b"}, {"type": "input"}]

    assert read_form({"view": {"blocks": blocks}}).first_input == "b"
    assert read_form({"view": {"blocks": blocks[:1]}}).first_input is None


def test_a_message_shortcut_names_the_message_and_its_text():
    body = {**TEAM, "callback_id": "open", "message_ts": "1.2", "channel": {"id": "C1"}, "message": {"text": "hunter2"}}

    incoming = read_message_shortcut(body)

    assert (incoming.message, incoming.text) == (MessageRef("T1", "C1", "1.2"), "hunter2")
    assert "hunter2" not in repr(incoming)


# --- events


def event(of, **more):
    return {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": of, **more}


@pytest.mark.parametrize(
    ("of", "user"),
    [
        ({"type": "app_home_opened", "user": "U1"}, "U1"),
        ({"type": "user_change", "user": {"id": "U1"}}, "U1"),
        ({"type": "app_uninstalled"}, ""),
        ({"type": "app_home_opened", "user": ["U1"]}, ""),
    ],
    ids=["id", "user object", "nobody", "nonsense"],
)
def test_an_event_names_who_acted(of, user):
    assert read_event(event(of)).person == Person(None, "T1", user)


def test_an_event_of_somebody_elses_workspace_names_that_one():
    incoming = read_event(event({"type": "link_shared", "user": "U1", "user_team": "T2"}))

    assert incoming.person == Person(None, "T2", "U1")
    assert incoming.install_team == "T1"


@pytest.mark.parametrize(
    ("authorization", "team"),
    [({"team_id": "T3"}, "T3"), ({"team_id": None, "is_enterprise_install": True}, None), ({}, "T1"), ("none", "T1")],
)
def test_an_event_names_the_install_that_it_is_for(authorization, team):
    assert read_event(event({}, authorizations=[authorization])).install_team == team


def test_an_event_on_a_message_names_it():
    assert read_event(event({"channel": "C1", "ts": "1.2"})).message == MessageRef("T1", "C1", "1.2")
    assert read_event(event({"channel": {"id": "C1"}, "ts": "1.2"})).message is None


@pytest.mark.parametrize(
    ("inputs", "user"),
    [
        ({"who": {"interactor": {"id": "U1"}, "interactivity_pointer": "1.2"}, "note": "hunter2"}, "U1"),
        ({"user_id": "U1", "note": "hunter2"}, "U1"),
        ({"note": "hunter2"}, ""),
    ],
    ids=["interactivity", "user_id", "nobody"],
)
def test_a_workflow_step_is_a_kind_of_its_own_and_takes_its_person_from_its_inputs(inputs, user):
    step = {"type": "function_executed", "function": {"callback_id": "step"}, "inputs": inputs}

    incoming = read_event(event(step))

    assert (incoming.kind, incoming.name, incoming.person.user_id) == (Kind.FUNCTION, "step", user)
    assert incoming.inputs.text_inputs["note"].reveal() == "hunter2"
    assert "hunter2" not in repr(incoming)


# --- fields that Slack never sends, but that a signed request may hold

PICKERS = ("multi_users_select", "selected_users"), ("conversations_select", "selected_conversation")


@each_row(("kind", "name"), PICKERS)
@each_row("value", [5, True, {"id": "U1"}, [{"id": "U1"}, None, 7, "U\x00", "<@U1>", "x" * 256], "U1 ", "U\ud800"])
def test_what_is_no_id_is_not_picked(kind, name, value):
    assert read_form(submitted(to={"a": {"type": kind, name: value}})).inputs.pickers == {"to": ()}


@each_row("value", [5, {"value": "one"}, "one"])
def test_what_is_no_list_of_options_ticks_nothing(value):
    assert read_form(submitted(news=boxes(value))).inputs.checkboxes == {"news": frozenset()}


@each_row("odd", [None, 5, [], {"id": 5}, "", "U1\n", "U\u0660", "' OR 1=1--", "x" * 300])
def test_what_is_no_id_of_slacks_is_nobody(odd):
    command = read_payload({"command": "/ots", "user_id": odd, "team_id": odd, "trigger_id": odd})
    action = read_payload({"type": "block_actions", "user": {"id": odd}, "team": {"id": odd}, "view": {"id": odd}})

    assert (command.person, command.trigger_id) == (Person(None, "", ""), None)
    assert (action.person, action.view_id) == (Person(None, "", ""), None)


def test_half_of_a_surrogate_pair_becomes_the_replacement_character():
    typed = read_form(submitted(text={"a": {"type": "plain_text_input", "value": "a\ud83d b\U0001f511"}})).inputs

    assert typed.text_inputs["text"].reveal() == "a\N{REPLACEMENT CHARACTER} b\U0001f511"


def test_payloads_without_ids_are_told_apart_by_all_that_they_hold():
    payloads = [{"type": "shortcut", "trigger_id": odd, "callback_id": name} for odd in (None, 5) for name in "ab"]

    keys = [read_payload(payload).idempotency_key for payload in payloads]

    assert len(set(keys)) == len(keys)
    assert keys == [read_payload(dict(reversed(payload.items()))).idempotency_key for payload in payloads]
