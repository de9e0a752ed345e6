"""Everything that can be done, as forged payloads with the real ids of what its owner has.

A test delivers each act by whoever it likes, and sees what the bot said and did. test_authorization.py holds that
every handler has an act here.
"""

import asyncio
import itertools
import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bot.features import Registry
from bot.message_ref import MessageRef
from bot.person import Person
from bot.sandbox.slack.payloads import command_payload, interaction, view_payload
from bot.sandbox.world import World
from bot.secret import MetadataKey, Secret, SecretKey
from bot.sharing.form_state import FormState
from bot.storage.accounts import Accounts
from bot.storage.button_contexts import (
    ACTIVITY_PAGE,
    LEFT_PERSON,
    METADATA,
    RECENT_PAGE,
    REVEAL_PAGE,
    SECRET,
    SHARE_FORM,
    TRACKED_PAGE,
    ButtonContexts,
    NewButtonContext,
)
from bot.storage.engine.database import Database
from bot.storage.engine.migrate import migrate
from bot.storage.link_cards import LinkCards, PostedLink
from bot.storage.requests import Requests
from bot.storage.reveals.store import Reveals
from bot.storage.sealing.keyring import KeyRing
from bot.storage.sealing.sealer import Sealer
from bot.storage.shares.deliveries import Deliveries
from bot.storage.shares.rows import NewShare, Recipient
from bot.storage.shares.store import Shares
from bot.storage.tables import new_id
from bot.storage.tracking.store import Tracking
from tests.support.waiting import PATIENCE

EMAIL, TOKEN = "owner@example.com", "token-of-the-owner-0123456789"
OWNER = "U0OWNER"
TABLES = (
    "button_contexts",
    "reveals",
    "accounts",
    "notifications",
    "tracked",
    "watches",
    "requests",
    "limit_uses",
    "deliveries",
    "shares",
    "link_cards",
)
WITHOUT_ID = ("preferences", "share_choices")  # one row for each person
ABOUT_OTHERS = ("following_messages", "outdated_messages")  # recovery would change these messages: their rows are gone
TEXT = "the owner's secret"
MESSAGE = ("D0ANY", "1.0")  # the conversation and time stamp of a message with a button

NUMBERS = itertools.count(1)


@asynccontextmanager
async def owned_world():
    """An `Owned` with a bot of our own, the people of the matrix, and a way into its database.

    The bot does not watch: every call to Onetime Secret is then of somebody who did something.
    """
    world = World(version="0.18", command=("-m", "bot", "web"))
    migrate(f"sqlite:///{world.directory}/bot.db")
    async with world:
        for id_, flags in PEOPLE.items():
            person = world.workspace.person(id_, id_[2:].lower(), stranger="stranger" in flags)
            for flag in flags:
                setattr(person.person, flag, True)
        owned = Owned(world)
        await meet(owned)
        yield owned
        await owned.db.close()


async def meet(owned):
    """The bot asks Slack who somebody is the first time, and shows “One moment…” meanwhile."""
    for user in (OWNER, "U0OTHER"):
        await do(owned, LIST, Actor(user), None)


PEOPLE: dict[str, tuple[str, ...]] = {
    OWNER: ("admin",),
    "U0OTHER": (),
    "U0GUEST": ("guest",),
    "U0ULTRA": ("guest", "ultra_guest"),
    "U0STRANGER": ("stranger",),
    "U0GONE": ("deleted",),
    "U0FRIEND": (),
}


class Owned:
    """Makes what the owner has: rows as the bot itself makes them, sealed with its key."""

    def __init__(self, world):
        self.world = world
        self.person = Person(None, world.workspace.state.team_id, OWNER)
        self.db = Database.open(f"sqlite:///{world.directory}/bot.db")
        sealer = Sealer(KeyRing.read(Secret(f"k1:{world.encryption_key}")))
        self.accounts, self.button_contexts = Accounts(self.db, sealer), ButtonContexts(self.db, sealer)
        self.reveals, self.tracking = Reveals(self.db, sealer), Tracking(self.db, sealer)
        self.requests, self.shares = Requests(self.db, sealer), Shares(self.db, sealer)
        self.deliveries = Deliveries(self.db, sealer)
        self.link_cards = LinkCards(self.db, sealer)
        self.friend = Person(None, self.person.team_id, "U0FRIEND")
        self.tracked_key = "none yet"

    def begin(self):
        """With nothing there: what is held unseen for two minutes would be told to its owner."""
        self.world.onetime.forget()
        self.world.onetime.add_account(EMAIL, TOKEN)

    def clear(self):
        self.change("DELETE FROM {}", tables=(*TABLES, *WITHOUT_ID, *ABOUT_OTHERS))

    @property
    def host(self):
        return self.world.onetime.url

    def share(self):
        return self.world.onetime.share(EMAIL, TEXT)

    async def account(self):
        return (await self.accounts.connect(self.person, self.host, Secret(EMAIL), Secret(TOKEN))).id

    async def context(self, kind, **more):
        key = more.pop("key", None)
        if kind is METADATA:
            key = MetadataKey(self.share().metadata_key)
        return (await self.button_contexts.keep(self.person, NewButtonContext(kind, self.host, key, **more)))[0]

    async def metadata(self):
        return await self.context(METADATA)

    async def link(self):
        return await self.context(SECRET, key=SecretKey(self.share().secret_key))

    async def page_of_recent(self):
        return await self.context(RECENT_PAGE, account_id=await self.account(), data={"filter": "all", "page": "1"})

    async def reveal(self):
        ref = new_id()
        await self.reveals.begin(self.person, ref, self.host, SecretKey(self.share().secret_key))
        return ref

    async def escrowed(self):
        ref = await self.reveal()
        await self.reveals.claim(ref)
        await self.reveals.keep(await self.reveals.find(self.person, ref), Secret(TEXT))
        return ref

    async def page_of_secret(self):
        reveal = await self.escrowed()
        return (
            await self.button_contexts.keep(
                self.person, NewButtonContext(REVEAL_PAGE, "-", None, data={"reveal": reveal, "page": "0"})
            )
        )[0]

    async def tracked(self):
        """`tracked_key` is the key of the one that was made last."""
        self.tracked_key = self.share().metadata_key
        row, _is_new = await self.tracking.track(
            self.person, self.host, MetadataKey(self.tracked_key), made_at=datetime.now(UTC), expires_at=None
        )
        return row.id

    async def page_of_tracked(self):
        await self.tracked()
        return (
            await self.button_contexts.keep(self.person, NewButtonContext(TRACKED_PAGE, "-", None, data={"page": "0"}))
        )[0]

    async def page_of_activity(self):
        return (
            await self.button_contexts.keep(self.person, NewButtonContext(ACTIVITY_PAGE, "-", None, data={"page": "0"}))
        )[0]

    async def somebody_who_left(self):
        context = NewButtonContext(LEFT_PERSON, "-", None, data={"user_id": "U0GONE"})
        return (await self.button_contexts.keep(self.person, context))[0]

    async def requested(self):
        """The owner has asked a friend."""
        return await self._request(self.person, self.friend)

    async def asked(self):
        """The owner was asked by a friend."""
        return await self._request(self.friend, self.person)

    async def _request(self, by, of):
        made = await self.requests.begin(by, of, Secret("what for"))
        await self.requests.mark_asked(made.id, MessageRef(by.team_id, "D0ANY", "1.0"))
        return made.id

    async def delivery(self):
        """A friend has shared something with the owner."""
        return (await self._delivery(self.friend, Recipient(self.person))).id

    async def shared(self):
        """The owner has shared something with a friend."""
        return (await self._delivery(self.person, Recipient(self.friend))).id

    async def share_of_shared(self):
        return (await self._delivery(self.person, Recipient(self.friend))).share_id

    async def link_of_shared(self):
        return (await self._delivery(self.person, Recipient())).id

    async def passphrase_of_shared(self):
        return (await self._delivery(self.person, Recipient(self.friend), Secret("made up"))).id

    async def _delivery(self, by, to, passphrase=None):
        new = NewShare(
            new_id(), self.host, None, quiet=False, note=None, label=None,
            passphrase_to="sender" if passphrase else "nobody",
        )  # fmt: skip
        _, (begun,), _ = await self.shares.begin(by, new, [to])
        held = self.share()
        await self.deliveries.begin_request(begun.id)
        made = await self.deliveries.mark_made(
            begun, secret_key=SecretKey(held.secret_key), metadata_key=MetadataKey(held.metadata_key),
            passphrase=passphrase, passphrase_required=False, expires_at=None,
        )  # fmt: skip
        if not to.is_nobody:
            await self.deliveries.mark_sent(made.id, MessageRef(by.team_id, *MESSAGE))
        return made

    async def window_of_delivery(self):
        delivery = await self.deliveries.find_for_recipient(self.person, await self.delivery())
        ref = new_id()
        await self.reveals.begin(self.person, ref, self.host, delivery.secret_key, delivery_id=delivery.id)
        return ref

    async def window_of_share(self):
        context = NewButtonContext(SHARE_FORM, "-", None, data=FormState(chosen_whom="link").data())
        return (await self.button_contexts.keep(self.person, context))[0]

    async def window_of_generate(self):
        return (
            await self.button_contexts.keep(
                self.person, NewButtonContext(SHARE_FORM, "-", None, data={"made_up": "yes"})
            )
        )[0]

    async def card(self):
        """The owner tracks a secret and has posted its link."""
        held = self.share()
        key = SecretKey(held.secret_key)
        await self.tracking.track(
            self.person, self.host, MetadataKey(held.metadata_key), made_at=datetime.now(UTC), expires_at=None,
            secret_key=key,
        )  # fmt: skip
        posted = PostedLink(Secret(f"{self.host}/secret/{held.secret_key}"), self.host, key)
        message = MessageRef(self.person.team_id, *MESSAGE)
        (card,) = await self.link_cards.keep(self.person, message, [posted])
        await self.link_cards.mark_posted([card])
        return card.id

    async def nothing(self):
        return None

    def rows(self):
        """All that is stored, to see that it did not change."""
        settings = self.change("SELECT * FROM {} ORDER BY user_id", tables=WITHOUT_ID)
        found = self.change("SELECT * FROM {} ORDER BY id") | settings
        found["limit_uses"] = [one for one in found["limit_uses"] if "card_call" not in one]  # by the way, at any time
        return found

    def own_rows(self):
        return {table: [row for row in rows if OWNER in row] for table, rows in self.rows().items()}

    def change(self, statement, *values, tables=TABLES):
        """Runs a statement on each table that has rows of people; table -> rows."""
        with closing(sqlite3.connect(self.world.directory / "bot.db")) as connection, connection:
            return {table: connection.execute(statement.format(table), values).fetchall() for table in tables}


# --- the matrix: what stands in the registry, and what the owner has that it is about


@dataclass(frozen=True)
class Act:
    """`makes` stores what it is about and returns its id. Where `in_window`, the button is in a modal."""

    kind: str
    name: str
    makes: Callable[[Owned], Awaitable[str | None]] = Owned.nothing
    in_window: bool = False
    on_message: tuple[str, str] | None = None
    in_home: bool = False
    text: str = ""
    typed: tuple[tuple[str, str], ...] = ()
    picked: tuple[tuple[str, str], ...] = ()
    is_for_all: bool = False  # any member of the workspace may press the button; what it does then is another question

    @property
    def has_row(self):
        return self.makes is not Owned.nothing

    def __str__(self):
        return f"{self.kind} {self.name}{' in home' * self.in_home}"


ACTS = (
    Act("command", "retrieve", text="retrieve {link}"),
    Act("command", "metadata", text="metadata {private}"),
    Act("command", "burn", text="burn {private}"),
    Act("command", "recent", text="recent"),
    Act("command", "connect", text="connect"),
    Act("command", "accounts", text="accounts"),
    Act("command", "disconnect", text="disconnect"),
    Act("command", "link", text="{private}"),
    Act("command", "track", text="track {private} what it is"),
    Act("command", "untrack", text="untrack {tracked}"),
    Act("command", "tracked", text="tracked"),
    Act("command", "watch", text="watch on"),
    Act("command", "settings", text="settings"),
    Act("action", "retrieve_open", Owned.link),
    Act("action", "card_open", Owned.card, on_message=MESSAGE, is_for_all=True),
    Act("action", "card_check", Owned.card, on_message=MESSAGE, is_for_all=True),
    Act("action", "card_burn", Owned.card, on_message=MESSAGE, is_for_all=True),
    Act("action", "retrieve_with_passphrase", Owned.reveal, in_window=True),
    Act("action", "retrieve_in_browser", Owned.window_of_delivery, in_window=True),
    Act("action", "share_open", Owned.delivery, on_message=MESSAGE),
    Act("action", "share_open_now", Owned.delivery, on_message=MESSAGE),
    Act("action", "open_url", in_window=True),
    Act("command", "share", text="share <@U0FRIEND|friend>"),
    Act("action", "share_more", Owned.window_of_share, in_window=True),
    Act("action", "share_options", Owned.window_of_share, in_window=True),
    Act("action", "share_change", Owned.window_of_share, in_window=True),
    Act("action", "share_burn", Owned.shared),
    Act("action", "share_burn_ask", Owned.shared),
    Act("action", "share_burn_all", Owned.share_of_shared),
    Act("action", "share_burn_all_ask", Owned.share_of_shared),
    Act("action", "share_remind", Owned.share_of_shared),
    Act("action", "share_remind_cancel", Owned.share_of_shared),
    Act("form", "share_remind", Owned.share_of_shared),
    Act("action", "share_copy", Owned.share_of_shared),
    Act("action", "share_again", Owned.share_of_shared),
    Act("action", "share_link", Owned.link_of_shared),
    Act("action", "share_passphrase", Owned.passphrase_of_shared),
    Act("form", "share", Owned.window_of_share, typed=(("text1", TEXT),)),
    Act("form", "share_burn", Owned.shared),
    Act("form", "share_burn_all", Owned.share_of_shared),
    Act("action", "retrieve_again", Owned.escrowed),
    Act("action", "retrieve_try_again", Owned.reveal),
    Act("action", "retrieve_page_back", Owned.page_of_secret, in_window=True),
    Act("action", "retrieve_page_on", Owned.page_of_secret, in_window=True),
    Act("action", "metadata_refresh", Owned.metadata),
    Act("action", "metadata_details", Owned.metadata),
    Act("action", "burn", Owned.metadata),
    Act("action", "burn_with_passphrase", Owned.metadata),
    Act("action", "recent_newer", Owned.page_of_recent),
    Act("action", "recent_older", Owned.page_of_recent),
    Act("action", "recent_filter", Owned.page_of_recent),
    Act("action", "connect_open"),
    Act("action", "account_disconnect", Owned.account),
    Act("action", "account_default", Owned.account),
    Act("action", "track", Owned.metadata),
    Act("action", "tracked_refresh", Owned.tracked),
    Act("action", "tracked_stop", Owned.tracked),
    Act("action", "tracked_burn", Owned.tracked),
    Act("action", "tracked_burn_with_passphrase", Owned.tracked),
    Act("action", "tracked_list_stop", Owned.tracked),
    Act("action", "tracked_list_burn", Owned.tracked),
    Act("action", "tracked_newer", Owned.page_of_tracked),
    Act("action", "tracked_older", Owned.page_of_tracked),
    Act("command", "request", text="request <@U0FRIEND|friend> what for"),
    Act("command", "generate", text="generate"),
    Act("action", "request_answer", Owned.asked),
    Act("action", "request_decline", Owned.asked),
    Act("action", "request_withdraw", Owned.requested),
    Act("form", "generate", Owned.window_of_generate),
    Act("form", "request_decline", Owned.asked, typed=(("reason", "not here"),)),
    Act("form", "request", typed=(("note", "what for"),), picked=(("people", "U0FRIEND"),)),
    Act("form", "retrieve_link", typed=(("link", "{link}"),)),
    Act("form", "retrieve", Owned.reveal),
    Act("form", "retrieve_done", Owned.escrowed),
    Act("form", "burn", Owned.metadata),
    Act("form", "settings"),
    Act("form", "connect", typed=(("username", EMAIL), ("token", TOKEN))),
    Act("closed", "retrieve_done", Owned.escrowed),
    Act("message_shortcut", "check_link", text="{link} {private}"),
    Act("action", "check_link_secret", Owned.link, in_window=True),
    Act("action", "check_link_private", Owned.metadata, in_window=True),
    Act("message_shortcut", "make_link", text="the key is hunter2"),
    Act("shortcut", "share_secret"),
    Act("shortcut", "open_link"),
    Act("shortcut", "request_secret"),
    Act("action", "home_tracked_newer", Owned.page_of_tracked, in_home=True),
    Act("action", "home_tracked_older", Owned.page_of_tracked, in_home=True),
    Act("action", "home_recent_newer", Owned.page_of_recent, in_home=True),
    Act("action", "home_recent_older", Owned.page_of_recent, in_home=True),
    Act("action", "home_recent_filter", Owned.page_of_recent, in_home=True),
    Act("action", "activity_open"),
    Act("action", "activity_newer", Owned.page_of_activity, in_window=True),
    Act("action", "activity_older", Owned.page_of_activity, in_window=True),
    Act("action", "policy_open"),
    Act("form", "policy"),
    Act("action", "left_open"),
    Act("action", "left_burn", Owned.somebody_who_left, in_window=True),
    *(Act("action", f"run_{verb.name}") for verb in Registry().verbs),  # buttons that do what the command does
)
# The Home tab draws these buttons too.
HOME_ACTS = tuple(
    replace(act, in_home=True, on_message=None)
    for act in ACTS
    if act.name
    in {
        "share_open", "share_open_now", "request_answer", "request_decline", "tracked_burn", "tracked_refresh",
        "tracked_stop", "tracked_burn_with_passphrase", "account_disconnect", "account_default", "connect_open",
        "metadata_refresh", "track", "burn_with_passphrase", "run_share", "run_request", "run_retrieve",
        "run_settings", "run_help", "activity_open", "policy_open", "left_open",
    }
)  # fmt: skip
# Whoever opens Home or posts a link need not be a member: see the end of this file for Home, and test_unfurl.py for links.
# Nobody causes the other events: see test_installing.py.
FOR_ANYBODY = {
    ("event", name) for name in ("app_home_opened", "link_shared", "app_uninstalled", "tokens_revoked", "user_change")
}
# These verbs need what is typed after them, which a button does not have: it says what to type.
ASKS_FOR_MORE = {"run_burn", "run_metadata", "run_track", "run_untrack", "run_watch"}
LIST = Act("command", "accounts", text="accounts")
ALL_ACTS = (*ACTS, *HOME_ACTS)
WITH_ROW = [act for act in ALL_ACTS if act.has_row]

# --- doing it


@dataclass(frozen=True)
class Actor:
    """Who it is by Slack's word. `team` None is our own."""

    user: str
    team: str | None = None


@dataclass
class Outcome:
    """What the bot wrote at the end of the work, and everything it sent to Slack for it."""

    outcome: str
    sent: list[Any]

    @property
    def words(self):
        return json.dumps(self.sent)


async def do(owned, act, actor, ref, *, raw=None):
    """Deliver `act` by `actor` with `ref` (or, in its place, any `raw` value), signed, and wait for its end."""
    workspace, before = owned.world.workspace, len(owned.world.bot.output)
    sent = len(workspace.export())
    payload = _payload(owned, act, actor, f"ref:{ref}" if ref and raw is None else raw)
    delivery = await workspace.deliver("slash_commands" if act.kind == "command" else "interactive", payload)
    assert delivery.status == 200
    ended = await _ended(owned.world.bot, before, act)
    answers = [one for one in workspace.export()[sent:] if one.method not in ASKED and not _is_of_recovery(one)]
    return Outcome(ended, [_plain(one.method, one.payload) for one in answers])


# Once for each person, whatever they do; and cards and Homes, which are drawn by the way, maybe after another test.
ASKED = ("users.info", "conversations.open", "chat.unfurl", "views.publish")


OF_RECOVERY = ("This one-time secret cannot be opened any more.", "A try to open a one-time secret was interrupted.")


def _is_of_recovery(call):
    """Whether the bot's round of each minute changes the message of a secret that an earlier test left without an end."""
    return call.method == "chat.update" and str(call.payload.get("text")).startswith(OF_RECOVERY)


async def _ended(bot, start, act):
    field = {"command": "verb", "form": "form", "closed": "form"}.get(act.kind, "action")
    async with asyncio.timeout(PATIENCE):
        while True:
            for line in bytes(bot.output[start:]).splitlines():
                said = json.loads(line) if line.endswith(b"}") else {}
                if said.get("event") == act.kind and said.get(field) == act.name and "outcome" in said:
                    return said.get("reason", "done")  # the error that stopped it
            await asyncio.sleep(0.002)


def _plain(method, payload):
    """What was said, without the ids that Slack gives to each window and trigger and we to each error."""
    kept = {name: value for name, value in payload.items() if name not in ("view_id", "trigger_id", "channel", "users")}
    return method, kept


def _payload(owned, act, actor, value):
    state = owned.world.workspace.state
    person = state.people[actor.user]
    if act.kind == "command":
        text = _text(owned, act)
        url = owned.world.workspace.response_url("commands", person.id, "D0ANY")
        channel = next(iter(state.channels.values()), None) or state.open_dm(OWNER)
        return command_payload(state, person, channel, "/ots", text, url) | {"team_id": actor.team or state.team_id}
    type_, parts = {
        "action": ("block_actions", _click),
        "form": ("view_submission", _form),
        "closed": ("view_closed", _form),
        "shortcut": ("shortcut", _shortcut),
        "message_shortcut": ("message_action", _message_shortcut),
    }[act.kind]
    made = interaction(state, person, type_, **parts(owned, act, person, value))
    return made | {"user": made["user"] | {"team_id": actor.team or person.team_id}}


def _text(owned, act):
    held = owned.share()
    return act.text.format(link=f"{owned.host}/secret/{held.secret_key}",
                           private=f"{owned.host}/private/{held.metadata_key}",
                           tracked=f"{owned.host}/private/{owned.tracked_key}")  # fmt: skip


def _shortcut(owned, act, person, _value):
    return {"callback_id": act.name, "trigger_id": owned.world.workspace.state.new_trigger(person.id)}


def _message_shortcut(owned, act, person, value):
    """On a message of a friend, in a channel."""
    message = {"type": "message", "user": "U0FRIEND", "ts": "1.000002", "text": _text(owned, act)}
    url = owned.world.workspace.response_url("actions", person.id, "D0ANY")
    channel = {"id": "C0ANY", "name": "any"}
    return _shortcut(owned, act, person, value) | {"message": message, "channel": channel, "response_url": url}


def _click(owned, act, person, value):
    state = owned.world.workspace.state
    action = {"action_id": act.name, "block_id": "b", "type": "button", "action_ts": f"{next(NUMBERS)}.0"}
    if value is not None:
        action["value"] = value
    if act.in_window:
        view = state.open_view(state.new_trigger(person.id), _window(act))
        trigger = state.new_trigger(person.id, view.id)
        return {"actions": [action], "view": view_payload(state, view), "trigger_id": trigger}
    url = owned.world.workspace.response_url("actions", person.id, "D0ANY")
    channel, ts = act.on_message or ("D0ANY", "2.0")
    container = {"type": "message", "channel_id": channel, "message_ts": ts, "is_ephemeral": False}
    container |= {"type": "message_attachment", "attachment_id": 1, "is_app_unfurl": True} if act.is_for_all else {}
    trigger = state.new_trigger(person.id)
    if act.in_home:
        return {"actions": [action], "view": {"id": "V0HOME", "type": "home"}, "trigger_id": trigger}
    return {"actions": [action], "response_url": url, "trigger_id": trigger, "container": container}


def _form(owned, act, person, value):
    state = owned.world.workspace.state
    view = state.open_view(state.new_trigger(person.id), _window(act))
    shown = view_payload(state, view) | {"private_metadata": "" if value is None else value}
    held = owned.share()
    typed = {name: text.format(link=f"{owned.host}/secret/{held.secret_key}") for name, text in act.typed}
    values = {name: {"typed": {"type": "plain_text_input", "value": text}} for name, text in typed.items()}
    chosen = {"host": {"chosen": {"type": "static_select", "selected_option": {"value": owned.host}}}}
    picked = {name: {"picked": {"type": "multi_users_select", "selected_users": [id_]}} for name, id_ in act.picked}
    shown["state"] = {"values": values | picked | (chosen if act.name == "connect" else {})}
    trigger = {"trigger_id": state.new_trigger(person.id, view.id)} if act.kind == "form" else {}
    return {"view": shown} | trigger


def _window(act):
    return {"type": "modal", "callback_id": act.name, "title": {"type": "plain_text", "text": "Any"},
            "blocks": [{"type": "divider"}]}  # fmt: skip
