"""The JSON objects of Slack: those in answers of the Web API, and the payloads that Slack sends to the app.

Source: docs.slack.dev/reference/interaction-payloads, docs.slack.dev/apis/events-api.
"""

from __future__ import annotations

import copy
import secrets
from typing import Any, Literal

from bot.sandbox.slack.elements import Element, ElementState, initial_values
from bot.sandbox.slack.model import Payload, SlackChannel, SlackMessage, SlackUser, SlackView
from bot.sandbox.slack.state import WorkspaceState

InteractionKind = Literal["shortcut", "message_action", "block_actions", "view_submission", "view_closed"]
TEAM_DOMAIN = "sandbox"
TEAM_NAME = "Sandbox"
ENTERPRISE_NAME = "Sandbox Grid"
VERIFICATION_TOKEN = "legacy-verification-token"  # Slack still adds it to every payload; apps verify signatures instead


def enterprise_of(state: WorkspaceState) -> Payload | None:
    return {"id": state.enterprise_id, "name": ENTERPRISE_NAME} if state.enterprise_id else None


# --- things


def message_payload(state: WorkspaceState, message: SlackMessage) -> Payload:
    shown: Payload = {"user": message.user, "type": "message", "ts": message.ts, "text": message.text}
    if message.by_bot:
        profile: Payload = {"id": state.bot_id, "app_id": state.app_id, "name": state.bot.name, "icons": {}}
        profile |= {"deleted": False, "updated": 0, "team_id": state.team_id, "user_id": state.bot.id}
        shown |= {"bot_id": state.bot_id, "app_id": state.app_id, "bot_profile": profile}
    shown["team"] = state.team_id
    optional = {
        "blocks": copy.deepcopy(message.blocks),
        "attachments": copy.deepcopy(message.attachments),
        "metadata": copy.deepcopy(message.metadata),
        "thread_ts": message.thread_ts,
        "client_msg_id": message.client_msg_id,
        "edited": message.edited and {"user": message.user, "ts": message.edited},
    }
    return shown | {name: value for name, value in optional.items() if value}


def view_payload(state: WorkspaceState, view: SlackView) -> Payload:
    """The view object: all that the app sent, with the fields that Slack adds."""
    return {
        "id": view.id,
        "team_id": state.people[view.user].team_id,
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "clear_on_close": False,
        "notify_on_close": False,
        "close": None,
        "submit": None,
        **copy.deepcopy(view.payload),
        "state": {"values": copy.deepcopy(view.values)},
        "hash": view.hash,
        "previous_view_id": view.previous_id,
        "root_view_id": view.root_id,
        "app_id": state.app_id,
        "app_installed_team_id": state.enterprise_id if state.org_install else state.team_id,
        "bot_id": state.bot_id,
    }


# --- what is sent to the app


def command_payload(
    state: WorkspaceState, person: SlackUser, channel: SlackChannel, command: str, text: str, response_url: str
) -> Payload:
    """The fields of a slash command. All values are strings."""
    fields = {
        "token": VERIFICATION_TOKEN,
        "team_id": person.team_id,
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": "directmessage" if channel.is_im else channel.name,
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": state.app_id,
        "is_enterprise_install": "true" if state.org_install else "false",
        "response_url": response_url,
        "trigger_id": state.new_trigger(person.id),
    }
    if (enterprise := enterprise_of(state)) is not None:
        fields |= {"enterprise_id": enterprise["id"], "enterprise_name": enterprise["name"]}
    return fields


def interaction(state: WorkspaceState, person: SlackUser, kind: str, /, **more: Any) -> Payload:
    """An interactive payload of any type: the fields that all types have, and `more`."""
    team: Payload | None = {"id": state.team_id, "domain": TEAM_DOMAIN}
    if team is not None and state.enterprise_id:
        team |= {"enterprise_id": state.enterprise_id, "enterprise_name": ENTERPRISE_NAME}
    return {
        "type": kind,
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team_id},
        "api_app_id": state.app_id,
        "token": VERIFICATION_TOKEN,
        "team": None if state.org_install else team,
        "enterprise": enterprise_of(state),
        "is_enterprise_install": state.org_install,
        **more,
    }


def action_payload(element: Element, entered: ElementState, ts: str) -> Payload:
    """One element of `actions` in a block_actions payload."""
    keep = ("text", "value", "style", "confirm", "placeholder", "url", "initial_option")
    action = {name: copy.deepcopy(element.definition[name]) for name in keep if name in element.definition}
    return {
        "action_id": element.action_id,
        "block_id": element.block_id,
        **action,
        **entered,
        "type": element.kind,
        "action_ts": ts,
    }


def message_context(state: WorkspaceState, message: SlackMessage, block_id: str) -> Payload:
    """The fields of a block_actions payload about the message. An ephemeral message itself is not included.

    `block_id` is of the block that was used: it may be one of an attachment.
    """
    container: Payload = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": message.ephemeral_to is not None,
    }
    attachment = _find_attachment(message, block_id)
    if attachment is not None:
        container |= {"type": "message_attachment", "attachment_id": attachment.get("id", 1)}
        container |= {name: attachment[name] for name in ("is_app_unfurl", "app_unfurl_url") if name in attachment}
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    context: Payload = {
        "container": container,
        "channel": channel_payload(state.channels[message.channel]),
        "state": {"values": initial_values(message.all_blocks)},
    }
    if attachment is not None and attachment.get("is_app_unfurl"):
        context["app_unfurl"] = copy.deepcopy(attachment)
    return context if message.ephemeral_to else context | {"message": message_payload(state, message)}


def _find_attachment(message: SlackMessage, block_id: str) -> Payload | None:
    for one in message.attachments:
        if any(block.get("block_id") == block_id for block in one.get("blocks", [])):
            return one
    return None


def channel_payload(channel: SlackChannel) -> Payload:
    return {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name}


def event_payload(state: WorkspaceState, event: Payload) -> Payload:
    """An event in the envelope of the Events API."""
    authorization = {
        "enterprise_id": state.enterprise_id,
        "team_id": None if state.org_install else state.team_id,
        "user_id": state.bot.id,
        "is_bot": True,
        "is_enterprise_install": state.org_install,
    }
    envelope = {
        "token": VERIFICATION_TOKEN,
        "team_id": state.team_id,
        "api_app_id": state.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev{secrets.token_hex(5).upper()}",
        "event_time": int(state.clock()),
        "authorizations": [authorization],
        "is_ext_shared_channel": False,
    }
    return envelope | ({"enterprise_id": state.enterprise_id} if state.enterprise_id else {})
