"""Slack's payloads as values: what was entered in a view, who acted, and on which message."""

from datetime import UTC, datetime

import pytest

from bot.interaction.feature import Kind
from bot.message_ref import MessageRef
from bot.person import Person
from bot.slack.payloads import (
    MAX_FORM_FIELDS,
    MAX_LINKS,
    decode_body,
    read_action,
    read_event,
    read_form,
    read_message_shortcut,
    read_options,
    read_payload,
)
from bot.storage.executions import StepInputs
from tests.support.rows import each_row

BODIES = {
    "a form": (
        b"command=%2Fots&text=two+words%2B+%F0%9F%94%91&empty=",
        {"command": "/ots", "text": "two words+ 🔑", "empty": ""},
    ),
    "a form with a payload": (b"payload=%7B%22type%22%3A%22view_closed%22%7D", {"type": "view_closed"}),
    "an event": (b'{"type": "event_callback"}', {"type": "event_callback"}),
    "no valid percent encoding": (b"text=100%+%zz", {"text": "100% %zz"}),
    "no UTF-8 in percent encoding": (b"text=%ff", {"text": "\ufffd"}),
    "a name without a value": (b"text", {"text": ""}),
    "a name twice": (b"text=1&text=2", {"text": "2"}),
    "as many fields as there may be": (b"a=1&" * (MAX_FORM_FIELDS - 1) + b"a=1", {"a": "1"}),
    "too many fields": (b"a=1&" * MAX_FORM_FIELDS + b"a=1", None),
    "no UTF-8": (b"text=\xff", None),
    "broken JSON": (b'{"type": ', None),
    "JSON that is nested too deeply": (b'{"a":' * 100_000, None),
    "a payload that is no object": (b"payload=%5B%5D", None),
}


@each_row(("raw", "expected"), BODIES.values(), ids=list(BODIES))
def test_a_body_is_a_form_or_json_or_nothing(raw, expected):
    assert decode_body(raw) == expected


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


# --- what each kind carries

ACTOR = {"team": {"id": "T1"}, "user": {"id": "U1", "team_id": "T1"}, "trigger_id": "1.2.t"}
ADA = Person(None, "T1", "U1")
URL = "https://hooks.slack.com/commands/T1/2/x"
REF = "r" * 22


def carried(incoming):
    return incoming.person, incoming.install_team, incoming.trigger_id, incoming.idempotency_key, incoming.name


def test_a_command_carries_who_where_and_how_to_answer():
    body = {
        "command": "/ots", "team_id": "T1", "user_id": "U1", "trigger_id": "1.2.t", "text": "recent", "response_url": URL,
    }  # fmt: skip

    incoming = read_payload(body)

    assert carried(incoming) == (ADA, "T1", "1.2.t", "trigger:1.2.t", "")
    assert (incoming.text, incoming.response_url.reveal()) == ("recent", URL)


@pytest.mark.parametrize(("said", "team"), [("true", "E1"), (True, "E1"), ("false", "T1"), (None, "T1")])
def test_a_command_of_an_organisations_install_names_the_organisation(said, team):
    incoming = read_payload({"command": "/ots", "team_id": "T1", "enterprise_id": "E1", "is_enterprise_install": said})

    assert (incoming.install_team, incoming.person) == (team, Person("E1", "T1", ""))


def test_a_click_carries_its_button_its_message_and_how_to_answer():
    body = {
        **ACTOR, "type": "block_actions", "response_url": URL,
        "actions": [{"action_id": "burn", "value": f"ref:{REF}", "action_ts": "9.9"}],
        "container": {"type": "message", "channel_id": "D1", "message_ts": "1.5"},
    }  # fmt: skip

    incoming = read_payload(body)

    assert carried(incoming) == (ADA, "T1", "1.2.t", "trigger:1.2.t:9.9", "burn")
    assert (incoming.ref, incoming.response_url.reveal()) == (REF, URL)
    assert incoming.message == MessageRef("T1", "D1", "1.5")


@pytest.mark.parametrize("container", [{"type": "view"}, {"type": "message_attachment", "channel_id": "D1"}, None])
def test_a_click_elsewhere_is_on_no_message(container):
    assert read_payload({**ACTOR, "type": "block_actions", "container": container}).message is None


@pytest.mark.parametrize(("type_", "kind"), [("view_submission", Kind.FORM), ("view_closed", Kind.CLOSED)])
def test_a_window_carries_its_name_its_row_and_its_state(type_, kind):
    view = {"id": "V1", "callback_id": "retrieve", "hash": "h1", "private_metadata": f"ref:{REF}"}

    incoming = read_payload({**ACTOR, "type": type_, "view": view})

    assert carried(incoming) == (ADA, "T1", "1.2.t", "trigger:1.2.t", "retrieve")
    assert (incoming.kind, incoming.ref, incoming.view_id, incoming.view_hash) == (kind, REF, "V1", "h1")


def test_a_window_without_a_trigger_is_known_by_its_state():
    view = {"id": "V1", "callback_id": "retrieve", "hash": "h1"}
    body = {name: value for name, value in ACTOR.items() if name != "trigger_id"} | {
        "type": "view_closed",
        "view": view,
    }

    assert read_payload(body).idempotency_key == "closed:V1:h1"


def test_a_shortcut_a_menu_and_a_message_shortcut_carry_who_and_what():
    shortcut = read_payload({**ACTOR, "type": "shortcut", "callback_id": "share"})
    menu = read_payload({**ACTOR, "type": "block_suggestion", "action_id": "host", "value": "eu", "view": {
        "private_metadata": f"ref:{REF}"}})  # fmt: skip
    on_message = read_payload({**ACTOR, "type": "message_action", "callback_id": "open", "response_url": URL})

    assert carried(shortcut) == (ADA, "T1", "1.2.t", "trigger:1.2.t", "share")
    assert carried(menu) == (ADA, "T1", None, "", "host")
    assert (menu.text, menu.ref) == ("eu", REF)
    assert carried(on_message) == (ADA, "T1", "1.2.t", "trigger:1.2.t", "open")
    assert on_message.response_url.reveal() == URL


def test_people_and_conversations_that_are_picked_are_named():
    people = {"picked": {"type": "multi_users_select", "selected_users": ["U1", "U2"]}}
    place = {"picked": {"type": "conversations_select", "selected_conversation": "C1"}}
    nowhere = {"picked": {"type": "conversations_select", "selected_conversation": None}}

    assert read_form(submitted(to=people, channel=place, other=nowhere)).inputs.pickers == {
        "to": ("U1", "U2"), "channel": ("C1",), "other": (),
    }  # fmt: skip


def test_a_time_that_is_picked_is_a_moment():
    at = {"picked": {"type": "datetimepicker", "selected_date_time": 1905255420}}
    assert read_form(submitted(at=at)).inputs.moments == {"at": datetime(2030, 5, 17, 13, 37, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("body", "person"),
    [
        ({"team": {"id": "T1"}, "user": {"id": "U1", "team_id": "T2"}}, Person(None, "T2", "U1")),
        ({"team": {"id": "T1"}, "user": {"id": "U1"}}, Person(None, "T1", "U1")),
        ({"team": None, "enterprise": {"id": "E1"}, "user": {"id": "U1", "team_id": "T2"}}, Person("E1", "T2", "U1")),
        ({"team": {"id": "T1", "enterprise_id": "E1"}, "user": {"id": "U1", "team_id": "T2"}}, Person("E1", "T1", "U1")),
    ],
    ids=["of another workspace", "without a workspace", "of an organisation", "in a workspace of an organisation"],
)  # fmt: skip
def test_whoever_acts_is_known_by_their_own_workspace(body, person):
    assert read_payload({"type": "block_actions", **body}).person == person


ORGANISATION = {"enterprise": {"id": "E1"}, "is_enterprise_install": True}


@pytest.mark.parametrize(
    ("body", "install_team"),
    [
        ({"team": {"id": "T1"}}, "T1"),
        ({"team": {"id": "T1", "enterprise_id": "E1"}, "is_enterprise_install": False}, "T1"),
        ({**ORGANISATION, "team": {"id": "T1"}}, "E1"),
        ({**ORGANISATION, "team": None}, "E1"),
        ({"team": None, "enterprise": {"id": "E1"}}, "E1"),
        ({"team": {"id": "T2"}, "view": {"app_installed_team_id": "T1"}}, "T1"),
        ({"team": {"id": "T2"}, "view": {"app_installed_team_id": "E1"}}, "E1"),
        ({**ORGANISATION, "team": {"id": "T2"}, "view": {"app_installed_team_id": "T2"}}, "E1"),
        ({"team": {"id": "T1"}, "view": {"app_installed_team_id": ["T9"]}}, "T1"),
    ],
    ids=[
        "a workspace's", "a workspace's in an organisation", "an organisation's", "an organisation's, team null",
        "team null", "a window of another workspace", "a window of an organisation's", "an organisation's window",
        "nonsense",
    ],
)  # fmt: skip
def test_what_is_done_names_the_installation_that_it_belongs_to(body, install_team):
    user = {"user": {"id": "U1", "team_id": "T2"}}
    assert read_payload({"type": "block_actions", **user, **body}).install_team == install_team


def test_a_message_of_an_organisations_installation_is_in_the_workspace_where_somebody_acts():
    container = {"type": "message", "channel_id": "D1", "message_ts": "1.5"}
    body = {**ORGANISATION, "team": {"id": "T1"}, "user": {"id": "U1"}, "container": container}

    assert read_payload({"type": "block_actions", **body}).message == MessageRef("T1", "D1", "1.5")


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
    [
        ({"team_id": "T3"}, "T3"),
        ({"team_id": None, "enterprise_id": "E1", "is_enterprise_install": True}, "E1"),
        ({"team_id": None, "is_enterprise_install": True}, None),
        ({}, "T1"),
        ("none", "T1"),
    ],
)
def test_an_event_names_the_install_that_it_is_for(authorization, team):
    assert read_event(event({}, authorizations=[authorization])).install_team == team


def test_an_event_carries_its_text_and_is_known_by_its_id():
    incoming = read_event(event({"type": "message", "user": "U1", "text": "hello", "bot_id": "B1"}))

    assert carried(incoming) == (ADA, "T1", None, "event:Ev1", "message")
    assert (incoming.text, incoming.bot_id) == ("hello", "B1")
    assert read_event(event({"type": "message"})).text == ""


def test_an_event_on_a_message_names_it():
    assert read_event(event({"channel": "C1", "ts": "1.2"})).message == MessageRef("T1", "C1", "1.2")
    assert read_event(event({"channel": {"id": "C1"}, "ts": "1.2"})).message is None


@pytest.mark.parametrize(
    ("inputs", "user"),
    [
        ({"who": {"interactor": {"id": "U1"}, "interactivity_pointer": "1.2"}, "note": "hunter2"}, "U1"),
        ({"who": {"id": "U1", "secret": "s"}, "user_id": "U2", "note": "hunter2"}, "U1"),
        ({"user_id": "U1", "note": "hunter2"}, "U1"),
        ({"note": "hunter2"}, ""),
        ({"who": {"id": "U1"}, "note": "hunter2"}, ""),
    ],
    ids=["interactivity", "user context", "user_id", "nobody", "an object of another type"],
)
def test_a_workflow_step_is_a_kind_of_its_own_and_takes_its_person_from_its_inputs(inputs, user):
    step = {"type": "function_executed", "function": {"callback_id": "step"}, "inputs": inputs}

    incoming = read_event(event(step))

    assert (incoming.kind, incoming.name, incoming.person.user_id) == (Kind.FUNCTION, "step", user)
    assert incoming.inputs.text_inputs["note"].reveal() == "hunter2"
    assert "hunter2" not in repr(incoming)


def test_a_workflow_step_is_read_with_its_execution_and_its_inputs():
    inputs = {"asked": "U1", "openers": ["U2", 3, "U 4"], "runner": {"id": "U5", "secret": "s"}, "number": 6}
    inputs |= {"half \ud83d": "a pair", "x" * 256: "a long name"}
    step = {"type": "function_executed", "function": {"callback_id": "step"}, "function_execution_id": "Fx1"}

    incoming = read_event(event(step | {"inputs": inputs}))

    assert incoming.execution == "Fx1"
    assert incoming.step_inputs == StepInputs({"asked": "U1", "half \ufffd": "a pair"}, {"openers": ("U2",)})


@pytest.mark.parametrize("named", [None, 1, "Fx 1", "F" * 101])
def test_a_step_without_a_usable_id_has_no_execution(named):
    step = {"type": "function_executed", "function": {"callback_id": "step"}, "function_execution_id": named}

    assert read_event(event(step)).execution is None


# --- fields that Slack never sends, but that a signed request may hold

PICKERS = ("multi_users_select", "selected_users"), ("conversations_select", "selected_conversation")


@each_row(("kind", "name"), PICKERS)
@each_row("value", [5, True, {"id": "U1"}, [{"id": "U1"}, None, 7, "U\x00", "<@U1>", "x" * 256], "U1 ", "U\ud800"])
def test_what_is_no_id_is_not_picked(kind, name, value):
    assert read_form(submitted(to={"a": {"type": kind, name: value}})).inputs.pickers == {"to": ()}


@each_row("value", [None, "1905255420", True, -1, 10**10, 1.5, {"time": 1905255420}])
def test_what_is_no_time_is_none(value):
    at = {"a": {"type": "datetimepicker", "selected_date_time": value}}
    assert read_form(submitted(at=at)).inputs.moments == {"at": None}


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


# --- links that were posted

LINKS = {"type": "link_shared", "user": "U1", "channel": "C1", "message_ts": "1.5", "source": "conversations_history"}


def shared(*urls):
    return read_event(event({**LINKS, "links": [{"domain": "example.com", "url": url} for url in urls]}))


def test_links_come_exactly_as_slack_wrote_them_and_each_once():
    url = "https://example.com/secret/aB&amp;c?x=%20"

    incoming = shared(url, url, "https://example.com/other")

    assert [link.reveal() for link in incoming.links] == [url, "https://example.com/other"]
    assert incoming.message == MessageRef("T1", "C1", "1.5")
    assert "secret" not in repr(incoming.links)


def test_links_in_the_composer_belong_to_no_message():
    composing = {**LINKS, "source": "composer", "channel": "COMPOSER", "message_ts": "U1-909b5454-75f8"}

    assert read_event(event({**composing, "links": [{"url": "https://example.com"}]})).message is None


def test_a_hostile_message_has_a_bounded_number_of_links():
    assert len(shared(*(f"https://example.com/{number}" for number in range(1000))).links) == MAX_LINKS


@pytest.mark.parametrize("links", [None, "https://example.com", [None], [{"url": 7}], [{"domain": "example.com"}], {}])
def test_what_is_no_list_of_links_is_none(links):
    assert read_event(event({**LINKS, "links": links})).links == ()


def test_no_other_event_has_links():
    assert read_event(event({**LINKS, "type": "message", "links": [{"url": "https://example.com"}]})).links == ()


@pytest.mark.parametrize(
    ("is_unfurl", "expected"), [(True, MessageRef("T1", "C1", "1.5")), (False, None), ("yes", None)]
)
def test_a_click_on_a_card_is_on_the_message_and_one_in_a_copy_on_none(is_unfurl, expected):
    container = {"type": "message_attachment", "channel_id": "C1", "message_ts": "1.5", "is_app_unfurl": is_unfurl}

    assert read_payload({**ACTOR, "type": "block_actions", "container": container}).message == expected
