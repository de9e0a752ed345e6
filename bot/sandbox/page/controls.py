"""The controls of the page: outages, the clock, the site of Onetime Secret, and starting and ending the bot.

The page sends each control as a value. `Control` is the union of all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from bot.sandbox import onetime, slack
from bot.sandbox.onetime import SecretSnapshot
from bot.sandbox.page import serializers
from bot.sandbox.page.serializers import Json
from bot.sandbox.page.settings import LOCALES, Locale, PageLanguage, PageSettings, Theme
from bot.sandbox.world import World

MAX_CLOCK_MOVE = 366 * 86_400.0  # seconds
SLOW_SECONDS = 4.0  # the delay of a slow service; longer than Slack waits for an answer
ServiceMode = Literal["fine", "slow", "failing", "limited", "down"]

Outage = Literal["slow", "failing", "limited", "down"]
ONETIME_FAULTS: dict[Outage, Callable[[], onetime.OnetimeFault]] = {
    "slow": lambda: onetime.OnetimeFault("delay", seconds=SLOW_SECONDS),
    "failing": lambda: onetime.OnetimeFault("html", status=502),
    "limited": lambda: onetime.OnetimeFault("answer", status=429, headers={"retry-after": "30"}),
    "down": lambda: onetime.OnetimeFault("drop"),
}
SLACK_FAULTS: dict[Outage, Callable[[], slack.SlackFault]] = {
    "slow": lambda: slack.SlackFault.delay(SLOW_SECONDS),
    "failing": lambda: slack.SlackFault.http(503),
    "limited": lambda: slack.SlackFault.rate_limited(10),
    "down": slack.SlackFault.drop,
}


BotState = Literal["starting", "running", "stopped"]
BotWish = Literal["kill", "stop", "start"]


class MakeSecret(msgspec.Struct, tag_field="do", tag="make", forbid_unknown_fields=True):
    """Makes a secret on the site. `owner` is a user name, or None for an anonymous visitor."""

    text: str
    passphrase: str = ""
    owner: str | None = None
    ttl: int = 604_800  # seconds


class ShowLinks(msgspec.Struct, tag_field="do", tag="links", forbid_unknown_fields=True):
    """Asks for the links of a secret. `id` is that of `serializers.secret_id`."""

    id: str


class LookAtLink(msgspec.Struct, tag_field="do", tag="look", forbid_unknown_fields=True):
    """Loads the page of a secret link as a stranger does, without opening the secret."""

    link: str


class OpenLink(msgspec.Struct, tag_field="do", tag="open", forbid_unknown_fields=True):
    """Opens the secret of a link as a stranger does."""

    link: str
    passphrase: str = ""


class BurnSecret(msgspec.Struct, tag_field="do", tag="burn", forbid_unknown_fields=True):
    """Burns a secret on the site, as its owner does."""

    id: str


class MoveClock(msgspec.Struct, tag_field="do", tag="move_clock", forbid_unknown_fields=True):
    """Moves the sandbox's clock forward."""

    seconds: Annotated[float, msgspec.Meta(ge=0, le=MAX_CLOCK_MOVE)]


class SetOnetime(msgspec.Struct, tag_field="do", tag="onetime", forbid_unknown_fields=True):
    mode: ServiceMode


class SetSlack(msgspec.Struct, tag_field="do", tag="slack", forbid_unknown_fields=True):
    mode: ServiceMode


class SetBot(msgspec.Struct, tag_field="do", tag="bot", forbid_unknown_fields=True):
    """Starts or ends the bot. `kill` sends SIGKILL, `stop` sends SIGTERM."""

    wish: BotWish


class SetLocale(msgspec.Struct, tag_field="do", tag="locale", forbid_unknown_fields=True):
    """Lets a person read Slack in another language."""

    person: str
    locale: Locale


class SetLanguage(msgspec.Struct, tag_field="do", tag="language", forbid_unknown_fields=True):
    """Shows the page in another language, in which everybody reads Slack from now on."""

    language: PageLanguage


class SetTheme(msgspec.Struct, tag_field="do", tag="theme", forbid_unknown_fields=True):
    """Shows the page in other colours."""

    theme: Theme


Control = (
    MakeSecret
    | ShowLinks
    | LookAtLink
    | OpenLink
    | BurnSecret
    | MoveClock
    | SetOnetime
    | SetSlack
    | SetBot
    | SetLocale
    | SetLanguage
    | SetTheme
)


class PartStates:
    """The current state of each part. Every change calls `on_change`."""

    def __init__(self, world: World, accounts: dict[str, str]) -> None:
        self._world = world
        self._accounts = accounts  #: user name -> API token, shown on the page
        self._bot: BotState = "starting"
        self._onetime: ServiceMode = "fine"
        self._slack: ServiceMode = "fine"
        self.on_change: Callable[[], None] = lambda: None

    def set_bot(self, state: BotState) -> None:
        self._bot = state
        self.on_change()

    def set_onetime(self, mode: ServiceMode) -> None:
        self._onetime = mode
        self.on_change()

    def set_slack(self, mode: ServiceMode) -> None:
        self._slack = mode
        self.on_change()

    def serialize(self) -> Json:
        """The states as the page gets them."""
        server = self._world.onetime
        accounts = [{"username": username, "token": token} for username, token in self._accounts.items()]
        return {
            "bot": {"state": self._bot},
            "slack": {"mode": self._slack},
            "onetime": {"mode": self._onetime, "url": server.url, "version": server.version},
            "clock_ahead": self._world.clock.offset,
            "accounts": accounts,
        }


class Controls:
    """Carries out controls. `secrets_changed` is called after a change of secrets that no API call makes."""

    def __init__(
        self, world: World, parts: PartStates, settings: PageSettings, secrets_changed: Callable[[], None]
    ) -> None:
        self._world = world
        self._parts = parts
        self._settings = settings
        self._secrets_changed = secrets_changed
        self._handlers: dict[type, Callable[[Any], Json]] = {
            MakeSecret: self._make,
            ShowLinks: self._links,
            LookAtLink: self._look,
            OpenLink: self._open,
            BurnSecret: self._burn,
            MoveClock: self._move_clock,
            SetOnetime: self._set_onetime,
            SetSlack: self._set_slack,
            SetLocale: self._set_locale,
            SetLanguage: self._set_language,
            SetTheme: self._set_theme,
        }
        self._bot_watch: asyncio.Task[None] | None = None
        self._bot_lock = asyncio.Lock()

    async def do(self, control: Control) -> Json:
        """Carry out a control. Returns the answer for the page."""
        if isinstance(control, SetBot):
            async with self._bot_lock:
                await self._set_bot(control.wish)
            return {}
        return self._handlers[type(control)](control)

    # --- the bot's process

    def watch_bot(self) -> None:
        """Show the bot as running, and as stopped once its process ends."""
        self._parts.set_bot("running")
        self._bot_watch = asyncio.create_task(self._wait_for_bot_end())

    async def stop(self) -> None:
        if self._bot_watch is not None:
            self._bot_watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._bot_watch

    async def _wait_for_bot_end(self) -> None:
        await self._world.bot.wait_until_ended()
        self._parts.set_bot("stopped")

    async def _set_bot(self, wish: BotWish) -> None:
        bot = self._world.bot
        if wish == "start" and not bot.is_running:
            self._parts.set_bot("starting")
            await self._world.start_bot()
            self.watch_bot()
        elif wish == "kill" and bot.is_running:
            await bot.kill()
        elif wish == "stop" and bot.is_running:
            await bot.stop()

    # --- outages, languages and the clock

    def _set_onetime(self, control: SetOnetime) -> Json:
        self._world.onetime.clear_faults()
        if control.mode != "fine":
            self._world.onetime.plan("/api/", ONETIME_FAULTS[control.mode](), None)
        self._parts.set_onetime(control.mode)
        return {}

    def _set_slack(self, control: SetSlack) -> Json:
        self._world.workspace.clear_faults()
        if control.mode != "fine":
            self._world.workspace.plan("*", SLACK_FAULTS[control.mode](), None)
        self._parts.set_slack(control.mode)
        return {}

    def _set_locale(self, control: SetLocale) -> Json:
        self._world.workspace.set_locale(control.person, control.locale)
        return {}

    def _set_language(self, control: SetLanguage) -> Json:
        self._settings.set_language(control.language)
        for one in self._world.workspace.people:
            self._world.workspace.set_locale(one.id, LOCALES[control.language])
        return {}

    def _set_theme(self, control: SetTheme) -> Json:
        self._settings.set_theme(control.theme)
        return {}

    def _move_clock(self, control: MoveClock) -> Json:
        self._world.clock.move(control.seconds)
        self._parts.on_change()
        self._secrets_changed()
        return {}

    # --- secrets on the site

    def _make(self, control: MakeSecret) -> Json:
        secret = self._world.onetime.share(
            control.owner, control.text, ttl=control.ttl, passphrase=control.passphrase or None
        )  # fmt: skip
        self._secrets_changed()
        return {"id": serializers.secret_id(secret), **self._links_of(secret)}

    def _links(self, control: ShowLinks) -> Json:
        return self._links_of(self._find_secret(control.id))

    def _links_of(self, secret: SecretSnapshot) -> Json:
        base = self._world.onetime.url
        return {"secret": f"{base}/secret/{secret.secret_key}", "private": f"{base}/private/{secret.metadata_key}"}

    def _find_secret(self, number: str) -> SecretSnapshot:
        """The secret with the id of `serializers.secret_id`. Raises `KeyError`."""
        for secret in self._world.onetime.everything():
            if serializers.secret_id(secret) == number:
                return secret
        raise KeyError(number)

    def _look(self, control: LookAtLink) -> Json:
        key = self._parse_secret_key(control.link)
        secret = self._world.onetime.find_secret(key) if key else None
        is_there = bool(secret) and self._world.onetime.look_as_outsider(key)
        self._secrets_changed()
        return {"is_there": is_there, "has_passphrase": bool(secret and secret.has_passphrase)}

    def _open(self, control: OpenLink) -> Json:
        text = self._world.onetime.open_as_outsider(self._parse_secret_key(control.link), control.passphrase)
        self._secrets_changed()
        return {"text": text}

    def _burn(self, control: BurnSecret) -> Json:
        burned = self._world.onetime.burn_as_owner(self._find_secret(control.id).metadata_key)
        self._secrets_changed()
        return {"burned": burned}

    def _parse_secret_key(self, link: str) -> str:
        """The secret key in a link of the emulated server, "" for any other link."""
        base, parts = urlsplit(self._world.onetime.url), urlsplit(link.strip())
        kind, _, key = parts.path.strip("/").partition("/")
        return key if parts.netloc == base.netloc and kind == "secret" else ""
