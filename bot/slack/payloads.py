"""Slack's payloads as values: who did what, and where the answer goes. No I/O.

Source: docs.slack.dev, reference of slash commands, interaction payloads, and the Events API.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from yarl import URL

from bot.interaction.feature import NO_INPUTS, EventDetails, Inputs, Kind
from bot.interaction.message_content import MessageContent
from bot.message_ref import MessageRef, workspace_of
from bot.person import Person
from bot.screen.parts import OVER_HOME
from bot.secret import Secret
from bot.slack.blocks import MENU, read_menu_item, read_ref
from bot.slack.message_content import read_message_content
from bot.storage.executions import StepInputs

JsonObject = Mapping[str, Any]

MAX_FORM_FIELDS = 100  # a slash command has about 15
MAX_LINKS = 20  # of one message that are read
MAX_NAME = 255  # characters of an action_id, callback_id or block_id
MAX_EXECUTION = 100  # characters of the id of an execution; Slack's have about 13
MAX_STEP_INPUTS = 20  # of one workflow step that are read; ours has six
MAX_STEP_LIST = 100  # ids in one of them
NO_STEP_INPUTS = StepInputs()

# Ids, timestamps and hashes of Slack. No query, header or log ever gets anything else in the place of one.
_ID = re.compile(r"[A-Za-z0-9._:-]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One thing that happened in Slack. Holds only the parts of the payload that the bot uses."""

    kind: Kind
    name: str  # finds the handler; empty for a command, whose verb is in `text`
    person: Person  # `user_id` is empty where no person acted, as in the event app_uninstalled
    install_team: str | None  # the workspace or organisation that the app is installed in; None: the payload names none
    idempotency_key: str  # equal for repeated deliveries of one act
    text: str = field(default="", repr=False)  # of a command, a message or a search for options; may hold a key
    ref: str | None = None  # the id of a stored row, from a button's value or a view's private_metadata
    trigger_id: str | None = None
    response_url: Secret | None = None
    view_id: str | None = None  # the modal that it happened in; None in a Home tab
    in_home: bool = False  # it happened in a Home tab, or in a window that shows what one led to
    tab: str | None = None  # of the event app_home_opened: "home" or "messages"
    view_hash: str | None = None  # changes with each change of what that modal shows
    first_input: str | None = None  # of a form: the first field, where an error can be shown
    message: MessageRef | None = None  # the message that it happened on
    channel: str | None = None  # where a command was typed
    content: MessageContent | None = None  # of the message that a message shortcut was used on
    inputs: Inputs = NO_INPUTS
    links: tuple[Secret, ...] = ()  # that were posted in `message`, as Slack wrote them; each may hold a key
    event: EventDetails | None = None
    bot_id: str | None = None  # the bot that caused an event, where it was a bot
    execution: str | None = None  # of a workflow step: the id by which Slack is told how it ended
    step_inputs: StepInputs = NO_STEP_INPUTS


def decode_body(raw: bytes) -> dict[str, Any] | None:
    """The payload in the body of a request: JSON (an event), a form, or JSON in the form's field `payload`.

    None for anything else.
    """
    try:
        text = raw.decode()
        if text.startswith("{"):
            return _as_object(json.loads(text))
        if text.count("&") >= MAX_FORM_FIELDS:
            return None
        # yarl decodes a form in a sixth of the time that urllib takes.
        form: dict[str, str] = dict(URL.build(query_string=text, encoded=True).query.items())
        return _as_object(json.loads(form["payload"])) if "payload" in form else form
    except (ValueError, RecursionError):
        return None


def read_payload(body: JsonObject) -> Incoming | None:
    """What happened; None for a type of payload that this version does not know."""
    if "command" in body:
        return read_command(body)
    kind = body.get("type")
    read = _READERS.get(kind) if isinstance(kind, str) else None
    return read(body) if read else None


def read_command(body: JsonObject) -> Incoming:
    person = Person(
        _as_id(body.get("enterprise_id")), _as_id(body.get("team_id")) or "", _as_id(body.get("user_id")) or ""
    )
    return Incoming(
        kind=Kind.COMMAND,
        name="",
        person=person,
        install_team=person.enterprise_id if _is_organisations(body) else person.team_id,
        idempotency_key=_key(body, "trigger", body.get("trigger_id")),
        text=_as_text(body.get("text")) or "",
        trigger_id=_as_id(body.get("trigger_id")),
        response_url=_as_secret(body.get("response_url")),
        channel=_as_id(body.get("channel_id")),
    )


def read_action(body: JsonObject) -> Incoming:
    """A block_actions payload. Slack sends one action in each."""
    actions = body.get("actions")
    action = _as_dict(actions[0]) if isinstance(actions, list) and actions else {}
    view = _as_dict(body.get("view"))
    person, install_team = _read_actor(body), _read_install(body)
    ref = read_ref(action.get("value") or view.get("private_metadata"))  # a menu of a window has no value of ours
    name = _as_name(action.get("action_id")) or ""
    if name == MENU:
        name, ref = read_menu_item(_as_dict(action.get("selected_option")).get("value")) or ("", None)
    return Incoming(
        kind=Kind.ACTION,
        name=name,
        person=person,
        install_team=install_team,
        idempotency_key=_key(body, "trigger", body.get("trigger_id"), action.get("action_ts")),
        ref=ref,
        trigger_id=_as_id(body.get("trigger_id")),
        response_url=_as_secret(body.get("response_url")),
        view_id=_read_modal_id(view),
        in_home=view.get("type") == "home" or view.get("callback_id") == OVER_HOME,
        view_hash=_as_id(view.get("hash")),
        message=_read_container(_as_dict(body.get("container")), workspace_of(install_team, person.team_id)),
        inputs=_read_inputs(view),
    )


def read_form(body: JsonObject) -> Incoming:
    """A view_submission."""
    return _read_view(Kind.FORM, body)


def read_closed(body: JsonObject) -> Incoming:
    """A view_closed."""
    return _read_view(Kind.CLOSED, body)


def read_shortcut(body: JsonObject) -> Incoming:
    """A global shortcut. It has a trigger and no response_url."""
    return Incoming(
        kind=Kind.SHORTCUT,
        name=_as_name(body.get("callback_id")) or "",
        person=_read_actor(body),
        install_team=_read_install(body),
        idempotency_key=_key(body, "trigger", body.get("trigger_id")),
        trigger_id=_as_id(body.get("trigger_id")),
    )


def read_message_shortcut(body: JsonObject) -> Incoming:
    """A message_action. `text` is the message's text, with Slack's markup."""
    person, install_team = _read_actor(body), _read_install(body)
    message, channel = _as_dict(body.get("message")), _as_dict(body.get("channel"))
    author = None if message.get("bot_id") else _as_id(message.get("user"))
    return Incoming(
        kind=Kind.MESSAGE_SHORTCUT,
        name=_as_name(body.get("callback_id")) or "",
        person=person,
        install_team=install_team,
        idempotency_key=_key(body, "trigger", body.get("trigger_id")),
        text=_as_text(message.get("text")) or "",
        trigger_id=_as_id(body.get("trigger_id")),
        response_url=_as_secret(body.get("response_url")),
        message=_read_message_ref(
            workspace_of(install_team, person.team_id),
            channel.get("id"),
            body.get("message_ts") or message.get("ts"),
        ),
        content=read_message_content(message, channel, author),
    )


def read_options(body: JsonObject) -> Incoming:
    """A block_suggestion. `text` is what the person typed into the menu so far."""
    view = _as_dict(body.get("view"))
    return Incoming(
        kind=Kind.OPTIONS,
        name=_as_name(body.get("action_id")) or "",
        person=_read_actor(body),
        install_team=_read_install(body),
        idempotency_key="",  # a search has no effect, so each one is answered
        text=_as_text(body.get("value")) or "",
        ref=read_ref(view.get("private_metadata")),
        view_id=_read_modal_id(view),
    )


def read_event(body: JsonObject) -> Incoming:
    """An event_callback. The event function_executed is a workflow step and has a kind of its own.

    Links that somebody is still writing into the composer belong to no message yet.
    """
    event = _as_dict(body.get("event"))
    name = _as_name(event.get("type")) or ""
    function = _as_dict(event.get("function")) if name == "function_executed" else {}
    inputs = _as_dict(event.get("inputs")) if function else {}
    enterprise, team = _as_id(body.get("enterprise_id")), _as_id(body.get("team_id")) or ""
    user_team = None if enterprise else _as_id(event.get("user_team"))
    person = Person(enterprise, user_team or team, _read_event_user(event, inputs) or "")
    install_team = _read_event_install(body)
    ts = None if event.get("source") == "composer" else event.get("message_ts") or event.get("ts")
    return Incoming(
        kind=Kind.FUNCTION if function else Kind.EVENT,
        name=(_as_name(function.get("callback_id")) or "") if function else name,
        person=person,
        install_team=install_team,
        idempotency_key=_key(body, "event", body.get("event_id")),
        text=_as_text(event.get("text")) or "",
        message=_read_message_ref(workspace_of(install_team, team), event.get("channel"), ts),
        inputs=Inputs(text_inputs={name: Secret(text) for name, value in inputs.items() if (text := _as_text(value))}),
        links=_read_links(event),
        event=_read_event_details(body, event),
        bot_id=_as_id(event.get("bot_id")),
        tab=_as_id(event.get("tab")),
        execution=_read_execution(event) if function else None,
        step_inputs=_read_step_inputs(inputs),
    )


def _read_dialog_suggestion(body: JsonObject) -> Incoming:
    """A request for options of a legacy dialog. The bot opens none, so it has no name and nothing handles it."""
    return read_options({**body, "action_id": None})


_READERS: Mapping[str, Callable[[JsonObject], Incoming]] = {
    "block_actions": read_action,
    "view_submission": read_form,
    "view_closed": read_closed,
    "shortcut": read_shortcut,
    "message_action": read_message_shortcut,
    "block_suggestion": read_options,
    "dialog_suggestion": _read_dialog_suggestion,
    "event_callback": read_event,
}


# --- parts of payloads


def _read_view(kind: Kind, body: JsonObject) -> Incoming:
    view = _as_dict(body.get("view"))
    view_id, view_hash = _as_id(view.get("id")), _as_id(view.get("hash"))
    return Incoming(
        kind=kind,
        name=_as_name(view.get("callback_id")) or "",
        person=_read_actor(body),
        install_team=_read_install(body),
        idempotency_key=_key(body, "trigger", body["trigger_id"])
        if body.get("trigger_id")
        else _key(body, kind, view_id, view_hash),
        ref=read_ref(view.get("private_metadata")),
        trigger_id=_as_id(body.get("trigger_id")),
        view_id=view_id,
        view_hash=view_hash,
        first_input=_read_first_input(view),
        inputs=_read_inputs(view),
    )


def _read_modal_id(view: JsonObject) -> str | None:
    """The id of an open modal. A Home tab is a view too, but nothing can be opened or changed in its place."""
    return _as_id(view.get("id")) if view.get("type") == "modal" else None


def _read_first_input(view: JsonObject) -> str | None:
    """The block id of the first input block. Slack shows errors at input blocks only."""
    blocks = view.get("blocks")
    for block in blocks if isinstance(blocks, list) else ():
        if isinstance(block, dict) and block.get("type") == "input":
            return _as_name(block.get("block_id"))
    return None


def _read_inputs(view: JsonObject) -> Inputs:
    """What a person typed, chose, ticked and picked in a view, by field. All text is treated as secret."""
    typed: dict[str, Secret] = {}
    chosen: dict[str, str] = {}
    checked: dict[str, frozenset[str]] = {}
    pickers: dict[str, tuple[str, ...]] = {}
    moments: dict[str, datetime | None] = {}
    for name, block in _as_dict(_as_dict(view.get("state")).get("values")).items():
        for element in map(_as_dict, _as_dict(block).values()):
            match element.get("type"):
                case "static_select" | "external_select":
                    chosen[name] = _as_text(_as_dict(element.get("selected_option")).get("value")) or ""
                case "checkboxes":
                    options = map(_as_dict, _as_list(element.get("selected_options")))
                    checked[name] = frozenset(_as_text(one.get("value")) or "" for one in options)
                case "multi_users_select":
                    pickers[name] = tuple(filter(None, map(_as_id, _as_list(element.get("selected_users")))))
                case "conversations_select":
                    pickers[name] = tuple(filter(None, [_as_id(element.get("selected_conversation"))]))
                case "datetimepicker":
                    moments[name] = _as_moment(element.get("selected_date_time"))
                case _:
                    typed[name] = Secret(_as_text(element.get("value")) or "")
    return Inputs(text_inputs=typed, selects=chosen, checkboxes=checked, pickers=pickers, moments=moments)


def _read_actor(body: JsonObject) -> Person:
    """The acting user in their own workspace, which in a shared channel is not the one that the app is in.

    In an organisation (Enterprise Grid) it is the workspace where the person acted, as in a slash command: a user id is
    unique in the organisation, and the user object tells members from others.
    """
    user = _as_dict(body.get("user"))
    enterprise = _read_enterprise(body)
    own = _as_id(user.get("team_id"))
    return Person(
        enterprise,
        (_read_team(body) or own if enterprise else own or _read_team(body)) or "",
        _as_id(user.get("id")) or "",
    )


def _read_event_details(body: JsonObject, event: JsonObject) -> EventDetails | None:
    """None for an event without a time, which Slack does not send."""
    at = body.get("event_time")
    if not isinstance(at, int) or isinstance(at, bool):
        return None
    user, tokens = _as_dict(event.get("user")), _as_dict(event.get("tokens"))
    left = any(user.get(flag) is True for flag in ("deleted", "is_restricted", "is_ultra_restricted"))
    return EventDetails(happened_at=float(at), has_left=left, lost_token=bool(_as_list(tokens.get("bot"))))


def _read_event_user(event: JsonObject, inputs: JsonObject) -> str | None:
    """Who acted. A workflow step names the person only in its inputs.

    That is the one of type user_context, the one of type interactivity, or `user_id`. Slack fills in the first two.
    """
    user = event.get("user")
    if isinstance(user, dict):
        return _as_id(user.get("id"))
    objects = [_as_dict(one) for one in inputs.values()]
    contexts = [one for one in objects if "secret" in one] + [_as_dict(one.get("interactor")) for one in objects]
    named = next(filter(None, (one.get("id") for one in contexts)), None)
    return _as_id(user) or _as_id(named) or _as_id(inputs.get("user_id"))


def _read_event_install(body: JsonObject) -> str | None:
    """The workspace or organisation that the app is installed in."""
    authorizations = body.get("authorizations")
    first = _as_dict(authorizations[0]) if isinstance(authorizations, list) and authorizations else {}
    if _is_organisations(first):
        return _as_id(first.get("enterprise_id")) or _as_id(body.get("enterprise_id"))
    return _as_id(first.get("team_id")) or _as_id(body.get("team_id")) or ""


def _read_execution(event: JsonObject) -> str | None:
    named = _as_id(event.get("function_execution_id"))
    return named if named is not None and len(named) <= MAX_EXECUTION else None


def _read_step_inputs(inputs: JsonObject) -> StepInputs:
    """The texts and the lists of ids that a workflow gave to a step. Nothing else is an input of ours."""
    first = list(inputs.items())[:MAX_STEP_INPUTS]
    named = [(name, value) for key, value in first if (name := _as_name(key)) is not None]
    return StepInputs(
        texts={name: text for name, value in named if (text := _as_text(value))},
        lists={
            name: tuple(filter(None, map(_as_id, value[:MAX_STEP_LIST])))
            for name, value in named
            if isinstance(value, list)
        },
    )


def _read_links(event: JsonObject) -> tuple[Secret, ...]:
    """The links of a link_shared event, each once. No other event has any."""
    links = event.get("links") if event.get("type") == "link_shared" else ()
    urls = (_as_text(_as_dict(one).get("url")) for one in _as_list(links)[:MAX_LINKS])
    return tuple(dict.fromkeys(Secret(url) for url in urls if url is not None))


def _read_container(container: JsonObject, team_id: str) -> MessageRef | None:
    """The message as it was posted, never a forwarded copy: that is only an attachment of another message.

    An unfurl of ours is an attachment too, of the message that it was made for.
    """
    is_unfurl = container.get("type") == "message_attachment" and container.get("is_app_unfurl") is True
    if container.get("type") != "message" and not is_unfurl:
        return None
    return _read_message_ref(team_id, container.get("channel_id"), container.get("message_ts"))


def _read_message_ref(team_id: str, channel: object, ts: object) -> MessageRef | None:
    named, at = _as_id(channel), _as_id(ts)
    return MessageRef(team_id, named, at) if named and at else None


def _read_install(body: JsonObject) -> str | None:
    """The workspace or organisation that the app is installed in, as a view names it, or else the payload.

    In a channel that workspaces share, the person who acts may be of another one.
    """
    enterprise = _read_enterprise(body)
    if _is_organisations(body):
        return enterprise
    named = _as_id(_as_dict(body.get("view")).get("app_installed_team_id"))
    return named or _read_team(body) or enterprise


def _is_organisations(body: JsonObject) -> bool:
    """Whether this is about an organisation's installation. A slash command says it in a string."""
    return body.get("is_enterprise_install") in (True, "true")


def _read_enterprise(body: JsonObject) -> str | None:
    own = _as_id(_as_dict(body.get("enterprise")).get("id"))
    return own or _as_id(_as_dict(body.get("team")).get("enterprise_id"))


def _read_team(body: JsonObject) -> str | None:
    return _as_id(_as_dict(body.get("team")).get("id"))


def _as_object(value: object) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _as_dict(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _as_moment(value: object) -> datetime | None:
    """Slack's times are whole seconds since 1970, with ten digits."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10**10:
        return None
    return datetime.fromtimestamp(value, UTC)


def _as_text(value: object) -> str | None:
    """JSON can hold half of a surrogate pair, which is no character: nothing could store or send it."""
    if not isinstance(value, str) or not value:
        return None
    return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _as_name(value: object) -> str | None:
    text = _as_text(value)
    return text if text is not None and len(text) <= MAX_NAME else None


def _as_id(value: object) -> str | None:
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _key(body: JsonObject, *parts: object) -> str:
    """Equal for repeated deliveries of one act: made of the ids that Slack gave it or, if it has none, of all of it."""
    ids = [one for part in parts if (one := _as_id(part)) is not None]
    if len(ids) == len(parts):
        return ":".join(ids)
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _as_secret(value: object) -> Secret | None:
    text = _as_text(value)
    return Secret(text) if text else None
