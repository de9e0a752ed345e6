"""What can be done to the world beside being a person in it: outages, time, strangers, and the bot's life.

Each is a value that the page sends; the union `Control` is all of them.
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
from bot.sandbox.world import World

MOST_AT_ONCE = 366 * 86_400.0  # seconds that the clock may be moved on
SLOW = 4.0  # seconds that a slow part takes; longer than Slack waits for an answer
ServiceMode = Literal["fine", "slow", "failing", "limited", "down"]

ONETIME_FAULTS: dict[str, Callable[[], onetime.OnetimeFault]] = {
    "slow": lambda: onetime.OnetimeFault("delay", seconds=SLOW),
    "failing": lambda: onetime.OnetimeFault("html", status=502),
    "limited": lambda: onetime.OnetimeFault("answer", status=429, headers={"retry-after": "30"}),
    "down": lambda: onetime.OnetimeFault("drop"),
}
SLACK_FAULTS: dict[str, Callable[[], slack.SlackFault]] = {
    "slow": lambda: slack.SlackFault.delay(SLOW),
    "failing": lambda: slack.SlackFault.http(503),
    "limited": lambda: slack.SlackFault.rate_limited(10),
    "down": slack.SlackFault.drop,
}


class MakeSecret(msgspec.Struct, tag_field="do", tag="make", forbid_unknown_fields=True):
    """A secret, as somebody makes it in a browser. `owner` is a user name, or None for nobody."""

    text: str
    passphrase: str = ""
    owner: str | None = None
    ttl: int = 604_800  # seconds


class ShowLinks(msgspec.Struct, tag_field="do", tag="links", forbid_unknown_fields=True):
    """What its maker was given for a secret. `id` is the page's name for it."""

    id: str


class LookAtLink(msgspec.Struct, tag_field="do", tag="look", forbid_unknown_fields=True):
    """A stranger opens the link in a browser, and sees whether there is something to open."""

    link: str


class OpenLink(msgspec.Struct, tag_field="do", tag="open", forbid_unknown_fields=True):
    """The stranger opens it."""

    link: str
    passphrase: str = ""


class BurnSecret(msgspec.Struct, tag_field="do", tag="burn", forbid_unknown_fields=True):
    """Its maker burns it on the site."""

    id: str


class MoveClock(msgspec.Struct, tag_field="do", tag="move_clock", forbid_unknown_fields=True):
    """Time goes on for all three parts, and never back."""

    seconds: Annotated[float, msgspec.Meta(ge=0, le=MOST_AT_ONCE)]


class SetOnetime(msgspec.Struct, tag_field="do", tag="onetime", forbid_unknown_fields=True):
    mode: ServiceMode


class SetSlack(msgspec.Struct, tag_field="do", tag="slack", forbid_unknown_fields=True):
    mode: ServiceMode


class SetBot(msgspec.Struct, tag_field="do", tag="bot", forbid_unknown_fields=True):
    """`kill` is SIGKILL; `stop` lets it finish what it does."""

    wish: Literal["kill", "stop", "start"]


Control = MakeSecret | ShowLinks | LookAtLink | OpenLink | BurnSecret | MoveClock | SetOnetime | SetSlack | SetBot
BotState = Literal["starting", "running", "stopped"]


class PartStates:
    """How each part is at the moment."""

    def __init__(self, world: World, accounts: dict[str, str]) -> None:
        self._world = world
        self._accounts = accounts  #: user name -> token, for people to connect with
        self.bot: BotState = "starting"
        self.onetime: ServiceMode = "fine"
        self.slack: ServiceMode = "fine"
        self.on_change: Callable[[], None] = lambda: None

    def set(self, **now: Any) -> None:
        for name, value in now.items():
            setattr(self, name, value)
        self.on_change()

    def shown(self) -> Json:
        server = self._world.onetime
        accounts = [{"username": username, "token": token} for username, token in self._accounts.items()]
        return {
            "bot": {"state": self.bot},
            "slack": {"mode": self.slack},
            "onetime": {"mode": self.onetime, "url": server.url, "version": server.version},
            "clock_ahead": self._world.clock.offset,
            "accounts": accounts,
        }


class Controls:
    """Does what the page asks for. `secrets_changed` is called when something became of a secret without a call."""

    def __init__(self, world: World, parts: PartStates, secrets_changed: Callable[[], None]) -> None:
        self._world = world
        self._parts = parts
        self._secrets_changed = secrets_changed
        self._does: dict[type, Callable[[Any], Json]] = {
            MakeSecret: self._make,
            ShowLinks: self._links,
            LookAtLink: self._look,
            OpenLink: self._open,
            BurnSecret: self._burn,
            MoveClock: self._move_clock,
            SetOnetime: self._set_onetime,
            SetSlack: self._set_slack,
        }
        self._watching: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def do(self, control: Control) -> Json:
        """The answer for the page."""
        if isinstance(control, SetBot):
            async with self._one_at_a_time:
                await self._set_bot(control.wish)
            return {}
        return self._does[type(control)](control)

    # --- the bot's life

    def bot_is_up(self) -> None:
        """From now on its end is noticed, whoever ends it."""
        self._parts.set(bot="running")
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching

    async def _watch(self) -> None:
        await self._world.bot.ended()
        self._parts.set(bot="stopped")

    async def _set_bot(self, wish: str) -> None:
        bot = self._world.bot
        if wish == "start" and not bot.is_running:
            self._parts.set(bot="starting")
            await self._world.start_bot()
            self.bot_is_up()
        elif wish == "kill" and bot.is_running:
            await bot.kill()
        elif wish == "stop" and bot.is_running:
            await bot.stop()

    # --- outages and time

    def _set_onetime(self, wish: SetOnetime) -> Json:
        self._world.onetime.clear_faults()
        if wish.mode != "fine":
            self._world.onetime.plan("/api/", ONETIME_FAULTS[wish.mode](), None)
        self._parts.set(onetime=wish.mode)
        return {}

    def _set_slack(self, wish: SetSlack) -> Json:
        self._world.workspace.clear_faults()
        if wish.mode != "fine":
            self._world.workspace.plan("*", SLACK_FAULTS[wish.mode](), None)
        self._parts.set(slack=wish.mode)
        return {}

    def _move_clock(self, wish: MoveClock) -> Json:
        self._world.clock.move(wish.seconds)
        self._parts.set()
        self._secrets_changed()
        return {}

    # --- secrets, in a browser

    def _make(self, wish: MakeSecret) -> Json:
        held = self._world.onetime.share(
            wish.owner, wish.text, ttl=wish.ttl, passphrase=wish.passphrase or None
        )  # fmt: skip
        self._secrets_changed()
        return {"id": serializers.secret_id(held), **self._links_of(held)}

    def _links(self, wish: ShowLinks) -> Json:
        return self._links_of(self._held(wish.id))

    def _links_of(self, held: SecretSnapshot) -> Json:
        base = self._world.onetime.url
        return {"secret": f"{base}/secret/{held.secret_key}", "private": f"{base}/private/{held.metadata_key}"}

    def _held(self, number: str) -> SecretSnapshot:
        """Raises `KeyError`."""
        for held in self._world.onetime.everything():
            if serializers.secret_id(held) == number:
                return held
        raise KeyError(number)

    def _look(self, wish: LookAtLink) -> Json:
        key = self._secret_key(wish.link)
        held = self._world.onetime.find_secret(key) if key else None
        is_there = bool(held) and self._world.onetime.look_as_outsider(key)
        self._secrets_changed()
        return {"is_there": is_there, "has_passphrase": bool(held and held.has_passphrase)}

    def _open(self, wish: OpenLink) -> Json:
        text = self._world.onetime.open_as_outsider(self._secret_key(wish.link), wish.passphrase)
        self._secrets_changed()
        return {"text": text}

    def _burn(self, wish: BurnSecret) -> Json:
        burned = self._world.onetime.burn_as_owner(self._held(wish.id).metadata_key)
        self._secrets_changed()
        return {"burned": burned}

    def _secret_key(self, link: str) -> str:
        """The key in a link of our own server, empty for any other link."""
        base, asked = urlsplit(self._world.onetime.url), urlsplit(link.strip())
        kind, _, key = asked.path.strip("/").partition("/")
        return key if asked.netloc == base.netloc and kind == "secret" else ""
