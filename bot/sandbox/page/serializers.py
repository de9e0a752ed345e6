"""The objects of the sandbox as JSON for the page: only what a person may see."""

from __future__ import annotations

import hashlib
from typing import Any

from bot.sandbox.onetime import SecretSnapshot
from bot.sandbox.page.app_manifest import AppManifest
from bot.sandbox.page.masking import mask_key
from bot.sandbox.slack import SlackChannel, SlackMessage, SlackView, SlackWorkspace
from bot.sandbox.slack.model import SlackUser

Json = dict[str, Any]


def app(manifest: AppManifest, workspace: SlackWorkspace) -> Json:
    """The app: its name, its commands and shortcuts, and the tabs of its conversation."""
    tabs = manifest.tabs
    return {
        "user": workspace.bot_user_id,
        "name": manifest.name,
        "commands": [
            {"command": one.command, "description": one.description, "hint": one.usage_hint}
            for one in manifest.commands
        ],
        "shortcuts": [
            {"name": one.name, "kind": one.type, "callback_id": one.callback_id, "description": one.description}
            for one in manifest.shortcuts
        ],
        "has_home": tabs.home_tab_enabled,
        "has_messages": tabs.messages_tab_enabled,
        "is_read_only": tabs.messages_tab_read_only_enabled,
    }


def person(one: SlackUser) -> Json:
    return {"id": one.id, "name": one.name, "guest": one.guest or one.ultra_guest, "locale": one.locale}


def channel(one: SlackChannel, *, is_shared: bool) -> Json:
    members = sorted(one.members)
    return {
        "id": one.id, "name": one.name, "members": members, "user": one.user, "kind": one.kind, "is_shared": is_shared,
    }  # fmt: skip


def message_key(one: SlackMessage) -> str:
    return f"{one.channel}:{one.ts}"


def message(one: SlackMessage) -> Json:
    """A message. `reads` is the text for screen readers: Slack gives them `text`, not the blocks.

    `attachments` are the blocks of each attachment; one in the old style has none.
    """
    return {
        "key": message_key(one),
        "channel": one.channel,
        "ts": float(one.ts),
        "order": int(one.ts.partition(".")[2]),
        "user": one.user,
        "by_bot": one.by_bot,
        "to": one.ephemeral_to,
        "text": one.text,
        "reads": one.text or one.shows,
        "blocks": one.blocks,
        "attachments": [attached.get("blocks", []) for attached in one.attachments],
        "edited": one.edited is not None,
    }


def view(one: SlackView) -> Json:
    return {
        "id": one.id,
        "hash": one.hash,
        "type": one.type,
        "callback_id": one.callback_id,
        "title": one.title,
        "submit": one.submit,
        "close": str((one.payload.get("close") or {}).get("text", "")),
        "blocks": one.blocks,
        "values": one.values,
        "errors": one.errors,
    }


def secret_id(snapshot: SecretSnapshot) -> str:
    """An id for a secret that does not open the secret."""
    return hashlib.sha256(snapshot.metadata_key.encode()).hexdigest()[:12]


def secret(snapshot: SecretSnapshot, now: float) -> Json:
    return {
        "id": secret_id(snapshot),
        "key": mask_key(snapshot.secret_key),
        "state": snapshot.state,
        "has_text": snapshot.has_plaintext,
        "has_passphrase": snapshot.has_passphrase,
        "owner": snapshot.owner,
        "created": snapshot.created,
        "opened": snapshot.opened,
        "left": max(0.0, snapshot.created + snapshot.ttl - now) if snapshot.has_plaintext else None,
    }
