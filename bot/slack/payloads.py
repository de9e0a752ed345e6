"""What Slack sends, as values: who did what, where the answer goes. No I/O.

Source: docs.slack.dev, reference of interaction payloads and of slash commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.message_ref import MessageRef
from bot.person import Person
from bot.secret import Secret
from bot.slack.blocks import read_ref


@dataclass(frozen=True, slots=True)
class Incoming:
    """One thing that a person did in Slack. Holds no more of the payload than is used."""

    kind: str  # command, action, form, closed
    name: str  # the action's or form's name; empty for commands
    person: Person
    install_team: str | None  # the workspace that the app is installed in; None for an organisation's install
    idempotency_key: str  # the same for a repeated delivery of the same act
    text: str = field(default="", repr=False)  # may hold a key
    ref: str | None = None
    trigger_id: str | None = None
    response_url: Secret | None = None
    view_id: str | None = None  # the modal that it happened in
    view_hash: str | None = None  # of what that modal showed: another one after each change
    message: MessageRef | None = None  # the message that it happened on
    text_inputs: Mapping[str, Secret] = field(default_factory=dict)
    selects: Mapping[str, str] = field(default_factory=dict)
    checkboxes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    pickers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_command(body: Mapping[str, Any]) -> Incoming:
    person = Person(
        _as_text(body.get("enterprise_id")), _as_text(body.get("team_id")) or "", _as_text(body.get("user_id")) or ""
    )
    return Incoming(
        kind="command",
        name="",
        person=person,
        install_team=None if body.get("is_enterprise_install") in ("true", True) else person.team_id,
        idempotency_key=f"trigger:{body.get('trigger_id')}",
        text=_as_text(body.get("text")) or "",
        trigger_id=_as_text(body.get("trigger_id")),
        response_url=_as_secret(body.get("response_url")),
    )


def read_action(body: Mapping[str, Any]) -> Incoming:
    actions = body.get("actions")
    action = actions[0] if isinstance(actions, list) and actions and isinstance(actions[0], dict) else {}
    view = _as_dict(body.get("view"))
    person = _read_actor(body)
    return Incoming(
        kind="action",
        name=_as_text(action.get("action_id")) or "",
        person=person,
        install_team=_read_team(body),
        idempotency_key=f"trigger:{body.get('trigger_id')}:{action.get('action_ts')}",
        ref=read_ref(action.get("value")),
        trigger_id=_as_text(body.get("trigger_id")),
        response_url=_as_secret(body.get("response_url")),
        view_id=_as_text(view.get("id")),
        message=_read_message_ref(_as_dict(body.get("container")), person.team_id),
        **_read_inputs(view),
    )


def read_form(body: Mapping[str, Any], kind: str) -> Incoming:
    """A view_submission (`kind` form) or view_closed (`kind` closed)."""
    view = _as_dict(body.get("view"))
    view_hash = _as_text(view.get("hash"))
    return Incoming(
        kind=kind,
        name=_as_text(view.get("callback_id")) or "",
        person=_read_actor(body),
        install_team=_read_team(body),
        idempotency_key=f"trigger:{body.get('trigger_id')}"
        if body.get("trigger_id")
        else f"{kind}:{view.get('id')}:{view_hash}",
        ref=read_ref(view.get("private_metadata")),
        trigger_id=_as_text(body.get("trigger_id")),
        view_id=_as_text(view.get("id")),
        view_hash=view_hash,
        **_read_inputs(view),
    )


def _read_inputs(view: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed, chosen, ticked and picked, by field. Everything typed is taken for a secret."""
    typed: dict[str, Secret] = {}
    chosen: dict[str, str] = {}
    checked: dict[str, frozenset[str]] = {}
    picked: dict[str, tuple[str, ...]] = {}
    state = view.get("state")
    values = state.get("values") if isinstance(state, dict) else None
    for name, block in (values or {}).items():
        for element in block.values():
            match element.get("type"):
                case "static_select":
                    chosen[name] = (element.get("selected_option") or {}).get("value", "")
                case "checkboxes":
                    checked[name] = frozenset(one.get("value", "") for one in element.get("selected_options") or ())
                case "multi_users_select":
                    picked[name] = tuple(element.get("selected_users") or ())
                case "conversations_select":
                    picked[name] = tuple(filter(None, [element.get("selected_conversation")]))
                case _:
                    typed[name] = Secret(element.get("value") or "")
    return {"text_inputs": typed, "selects": chosen, "checkboxes": checked, "pickers": picked}


def _read_actor(body: Mapping[str, Any]) -> Person:
    """The acting user in their own workspace, which in a shared channel is not the one that the app is in.

    In an organisation (Enterprise Grid) it is the workspace of the act, as a slash command names it: a user id is
    unique there, and the user object tells members from others.
    """
    user = _as_dict(body.get("user"))
    enterprise = _as_text(_as_dict(body.get("enterprise")).get("id")) or _as_text(
        _as_dict(body.get("team")).get("enterprise_id")
    )
    own = _as_text(user.get("team_id"))
    return Person(
        enterprise,
        (_read_team(body) or own if enterprise else own or _read_team(body)) or "",
        _as_text(user.get("id")) or "",
    )


def _read_message_ref(container: Mapping[str, Any], team_id: str) -> MessageRef | None:
    """The very message that was posted; a copy that was forwarded is the attachment of another message."""
    channel, ts = _as_text(container.get("channel_id")), _as_text(container.get("message_ts"))
    return MessageRef(team_id, channel, ts) if container.get("type") == "message" and channel and ts else None


def _read_team(body: Mapping[str, Any]) -> str | None:
    return _as_text(_as_dict(body.get("team")).get("id"))


def _as_dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _as_text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _as_secret(value: object) -> Secret | None:
    text = _as_text(value)
    return Secret(text) if text else None
