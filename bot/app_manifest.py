"""The manifest of the Slack app: manifest.yml, fitted to an address or to Socket Mode, and to the parts switched on.

manifest.yml is the plain manifest and the only source of what every installation has. A `ManifestPart` adds what Slack
has to be asked for only where that part is switched on.

Source: docs.slack.dev, app manifest reference.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from bot.errors import CannotStart
from bot.workflow_step import FUNCTIONS

Manifest = dict[str, Any]

EXAMPLE_ADDRESS = "https://bot.example.com"  # of the bot, in manifest.yml
MAX_LINE = 120  # characters of printed YAML

_CHECKOUT = Path(__file__).resolve().parents[1]
_PLACES = (_CHECKOUT / "manifest.yml", Path(sys.prefix) / "share" / "ots-bot" / "manifest.yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestPart:
    """What one part of the bot that is off by default adds to the manifest."""

    scopes: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    unfurl_domains: tuple[str, ...] = ()
    redirect_path: str | None = None  # where Slack sends the browser of somebody who has installed the app
    settings: Mapping[str, bool | str] = field(default_factory=dict)
    functions: Mapping[str, Any] = field(default_factory=dict)  # workflow steps, by callback id


# The parts that `--with` names.
PARTS: Mapping[str, ManifestPart] = {
    "unfurl": ManifestPart(  # UNFURL_LINKS
        scopes=("links:read", "links:write"), events=("link_shared",), unfurl_domains=("onetimesecret.com",)
    ),
    "oauth": ManifestPart(  # SLACK_CLIENT_ID and SLACK_CLIENT_SECRET
        redirect_path="/slack/oauth_redirect", settings={"token_rotation_enabled": True}
    ),
    "workflow": ManifestPart(  # Slack takes steps only from an app that an organisation can install
        events=("function_executed",),
        settings={"org_deploy_enabled": True, "function_runtime": "remote"},
        functions=FUNCTIONS,
    ),
    "org": ManifestPart(settings={"org_deploy_enabled": True}),  # an organisation installs the app for all workspaces
}


def read_plain() -> Manifest:
    """The manifest in manifest.yml, as an installation or a checkout has it. Raises `CannotStart`."""
    found = next((place for place in _PLACES if place.is_file()), None)
    if found is None:
        raise CannotStart("manifest.yml is missing: it stands beside the folder bot/.")
    manifest: Manifest = yaml.safe_load(found.read_text(encoding="utf-8"))
    return manifest


def read_address(url: str) -> str:
    """The https address where Slack reaches the bot, without a slash at its end. Raises `CannotStart` for others."""
    try:
        parts = urlsplit(url)
        is_plain = bool(parts.hostname) and "@" not in parts.netloc and not parts.query and not parts.fragment
        is_https = parts.scheme == "https" and parts.port != 0
    except ValueError:
        is_plain = is_https = False
    if not (is_plain and is_https) or any(character.isspace() for character in url):
        raise CannotStart("--url has to be the address where Slack reaches the bot, such as https://bot.example.com.")
    return url.rstrip("/")


def read_parts(named: str, find_domains: Callable[[], tuple[str, ...]] | None = None) -> tuple[ManifestPart, ...]:
    """The parts that a list such as `one,two` names. Raises `CannotStart` for a part that does not exist.

    `find_domains` gives the domains of this installation, for a part that has any. It may raise `CannotStart`.
    """
    names = [name.strip() for name in named.split(",") if name.strip()]
    if unknown := [name for name in names if name not in PARTS]:
        raise CannotStart(f"No part is called {unknown[0]}. Parts for --with: {', '.join(sorted(PARTS)) or 'none'}.")
    parts = [PARTS[name] for name in dict.fromkeys(names)]
    if find_domains is not None:
        parts = [replace(part, unfurl_domains=find_domains()) if part.unfurl_domains else part for part in parts]
    return tuple(parts)


def fit(
    plain: Manifest, address: str | None, parts: Iterable[ManifestPart] = (), *, browser_address: str | None = None
) -> Manifest:
    """The manifest for a bot at this address, with these parts. Without an address it is for Socket Mode.

    The address may end with the path of Slack's requests, which people copy together with it. `browser_address` is
    where browsers reach a bot in Socket Mode: installing by OAuth needs one. Raises `CannotStart` if it is missing.
    """
    fitted = deepcopy(plain)
    for part in parts:
        _add(fitted, part, address or browser_address)
    settings = fitted["settings"]
    settings["socket_mode_enabled"] = address is None
    for place, key in _request_urls(fitted):
        if address is None:
            del place[key]
        else:
            path = place[key].removeprefix(EXAMPLE_ADDRESS)
            place[key] = address.removesuffix(path) + path
    return fitted


def _add(manifest: Manifest, part: ManifestPart, address: str | None) -> None:
    features, settings = manifest["features"], manifest["settings"]
    settings.update(part.settings)
    if part.redirect_path is not None:
        if address is None:
            raise CannotStart("The part oauth needs --url too: Slack sends browsers to the bot after an installation.")
        bare = address.removesuffix(urlsplit(settings["interactivity"]["request_url"]).path)
        _extend(manifest["oauth_config"], "redirect_urls", [bare + part.redirect_path])
    _extend(manifest["oauth_config"]["scopes"], "bot", part.scopes)
    if part.events:
        url = settings["interactivity"]["request_url"]  # Slack sends everything to one URL
        subscriptions = settings.setdefault("event_subscriptions", {"request_url": url})
        _extend(subscriptions, "bot_events", part.events)
    if part.functions:
        manifest.setdefault("functions", {}).update(deepcopy(dict(part.functions)))
    if part.unfurl_domains:
        _extend(features, "unfurl_domains", part.unfurl_domains)


def _extend(place: dict[str, Any], key: str, more: Iterable[str]) -> None:
    place[key] = list(dict.fromkeys([*place.get(key, ()), *more]))


def _request_urls(manifest: Manifest) -> list[tuple[dict[str, Any], str]]:
    """Where the manifest says at which URL Slack reaches the bot: each place, and its key there."""
    features, settings = manifest["features"], manifest["settings"]
    places = [
        *((command, "url") for command in features["slash_commands"]),
        (settings["interactivity"], "request_url"),
        (settings["interactivity"], "message_menu_options_url"),
        (settings.get("event_subscriptions", {}), "request_url"),
    ]
    return [(place, key) for place, key in places if key in place]


def bot_scopes(*, unfurl: bool) -> tuple[str, ...]:
    """The scopes that the manifest asks for, with or without cards under links. Raises `CannotStart`."""
    parts = (PARTS["unfurl"],) if unfurl else ()
    return tuple(fit(read_plain(), None, parts)["oauth_config"]["scopes"]["bot"])


def as_yaml(manifest: Manifest) -> str:
    return yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=MAX_LINE)


def as_json(manifest: Manifest) -> str:
    return json.dumps(manifest)
