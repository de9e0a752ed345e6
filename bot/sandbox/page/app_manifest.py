"""The parts of an app manifest that a workspace shows: name, commands, shortcuts, tabs.

Source of the shape: docs.slack.dev/reference/app-manifest.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import msgspec
import yaml

CHECKOUT = Path(__file__).resolve().parents[3]
PLACES = (CHECKOUT / "manifest.yml", Path(sys.prefix) / "share" / "ots-bot" / "manifest.yml")


class ManifestCommand(msgspec.Struct, frozen=True):
    command: str
    description: str = ""
    usage_hint: str = ""
    should_escape: bool = False  #: Slack sends mentions, channels and links as <…>


class ManifestShortcut(msgspec.Struct, frozen=True):
    name: str
    type: Literal["global", "message"]
    callback_id: str
    description: str = ""


class _BotUser(msgspec.Struct, frozen=True):
    display_name: str = "App"


class _Tabs(msgspec.Struct, frozen=True):
    home_tab_enabled: bool = False
    messages_tab_enabled: bool = False
    messages_tab_read_only_enabled: bool = True


class _Features(msgspec.Struct, frozen=True):
    bot_user: _BotUser = _BotUser()
    app_home: _Tabs = _Tabs()
    slash_commands: list[ManifestCommand] = []
    shortcuts: list[ManifestShortcut] = []


class AppManifest(msgspec.Struct, frozen=True):
    """An app manifest, without the parts that a workspace does not show."""

    features: _Features = _Features()

    @property
    def name(self) -> str:
        return self.features.bot_user.display_name

    @property
    def tabs(self) -> _Tabs:
        return self.features.app_home

    @property
    def commands(self) -> list[ManifestCommand]:
        return self.features.slash_commands

    @property
    def shortcuts(self) -> list[ManifestShortcut]:
        return self.features.shortcuts

    def command(self, name: str) -> ManifestCommand | None:
        return next((one for one in self.commands if one.command == name), None)


def read_manifest(text: str | None = None) -> AppManifest:
    """Read the manifest in `text`, or the project's own. Raises `FileNotFoundError`, `msgspec.ValidationError`."""
    if text is None:
        found = next((place for place in PLACES if place.is_file()), PLACES[0])
        text = found.read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), AppManifest)
