"""What people see only when something went wrong or long ago: Slack takes it, in every language, with the longest values.

The journeys draw nearly everything else. `tests/browser/test_page_layout.py` looks at what all of them draw.
"""

from __future__ import annotations

import importlib
import itertools
import json
import pkgutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType
from typing import get_args

import pytest

import bot
from bot.errors import BotError
from bot.features.retrieve import delivery_screens, screens
from bot.interaction.access import AccountProblem, HostAccess
from bot.interaction.limits import requests_in_a_day
from bot.language import Language
from bot.onetime.client import Credentials
from bot.onetime.links import Host
from bot.onetime.wire import Metadata, SecretState
from bot.person import Person
from bot.sandbox.slack.rules import check_message, check_view
from bot.screen.parts import Message, Modal, Screen, Text
from bot.screen.pieces import Phrase
from bot.secret import MetadataKey, Secret, SecretKey
from bot.sharing import recipient_messages, request_messages, result_window, sender_card
from bot.slack import blocks
from bot.slack.answers import already_submitted_window, error_window
from bot.slack.dispatcher import make_apology
from bot.status import metadata_card, tracked_card
from bot.status.account_card import account_parts
from bot.status.names import NAMELESS
from bot.status.words import burn_outcome, secret_over_words, secret_words
from bot.storage.accounts import Account
from bot.storage.requests import Request, RequestState
from bot.storage.shares.rows import Delivery, DeliveryState, Recipient, Share
from bot.storage.tracking.rows import NotificationKind, Tracked, TrackedState
from tests.support.every_language import with_longest_values

ADA, BEN, CLEO = (Person(None, "T1", f"U0{name}") for name in ("ADA", "BEN", "CLEO"))
HOST = Host("https://eu.onetimesecret.com")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
METADATA_KEY = MetadataKey("m" * 62)
SHARE = Share("s" * 22, ADA, HOST.url, None, quiet=False, note="staging", card=None, created_at=NOON)
DELIVERY = Delivery(
    "p" * 22, SHARE.id, ADA, Recipient(BEN), HOST.url, "sent", SecretKey("k" * 62), METADATA_KEY, None,
    passphrase_required=False, expires_at=NOON, message=None, opener=None, opened_at=None, tracked_id=None,
)  # fmt: skip
TRACKED = Tracked("t" * 22, ADA, "w" * 22, HOST.url, METADATA_KEY, None, "new", NOON, NOON, None, None, None)
METADATA = Metadata(METADATA_KEY, SecretState.NEW, NOON, NOON, None, 3_600, None, None, ("be***@e***.com",))
REQUEST = Request(
    "r" * 22, ADA, BEN, "the VPN", "asked", is_open=True, message=None, card=None, created_at=NOON, expires_at=NOON
)
REASONS = (
    "interrupted", "not_tried", "passphrase_ignored", "NotAuthorized", "RateLimited", "NothingSent", "Redirected",
    "RefusedByProxy", "AccountsOff", "Refused", "not_in_channel", "is_archived", "restricted_action",
    "cannot_dm_bot", "user_disabled", "messages_tab_disabled", "no_code_of_slacks",
)  # fmt: skip


def modules() -> list[ModuleType]:
    names = [one.name for one in pkgutil.walk_packages(bot.__path__, "bot.")]
    return [importlib.import_module(name) for name in names if not name.startswith(("bot.sandbox", "bot.__main__"))]


def constants() -> Iterator[Screen]:
    """Sentences that a module keeps under a name: so are most of those that are seldom said."""
    for module in modules():
        for value in vars(module).values():
            for phrase in _phrases(value):
                yield Message.of(phrase, Text.of(phrase))


def _phrases(value: object) -> Iterator[Phrase]:
    match value:
        case Phrase():
            yield value
        case dict():
            yield from _phrases((*value.values(),))
        case tuple():
            for one in value:
                yield from _phrases(one)


def errors() -> Iterator[Screen]:
    """All that may go wrong, as a window and as a message."""
    assert modules()
    kinds: list[type[BotError]] = [BotError]
    for kind in kinds:
        kinds += kind.__subclasses__()
        error = BotError(tell=kind.tell)
        error.button = kind.button
        yield error_window(error)
    for problem in get_args(AccountProblem):
        yield Message.of(SECRET, *HostAccess(Credentials(HOST), problem=problem).notes)
    yield already_submitted_window()
    yield error_window(make_apology(RuntimeError()))
    yield Message.of(SECRET, Text.of(requests_in_a_day().reached))


def names() -> Iterator[Screen]:
    """Of secrets of which nothing is known."""
    yield Message.of(NAMELESS.inside(), Text.of(NAMELESS.in_label()))


def accounts() -> Iterator[Screen]:
    for is_default, is_readable in itertools.product((True, False), (True, False)):
        account = Account("a" * 22, ADA, HOST.url, Secret("x"), Secret("x"), is_default, NOON, is_readable)
        yield Message.of(SECRET, *account_parts(account))


SECRET = NAMELESS.at_start()


def deliveries() -> Iterator[Screen]:
    for state in get_args(DeliveryState):
        for one in _ways(replace(DELIVERY, state=state)):
            yield from _about(one)
        for recipient in (Recipient(channel="C0OPS"), Recipient()):
            yield from _about(replace(DELIVERY, state=state, recipient=recipient))
    for reason in REASONS:
        for one in (replace(DELIVERY, state="failed"), replace(DELIVERY, state="undeliverable")):
            yield sender_card.sender_card(SHARE, [replace(one, reason=reason)])
    for tries, one in itertools.product((1, 2), (DELIVERY, replace(DELIVERY, state="unknown_outcome"))):
        yield sender_card.sender_card(replace(SHARE, unknown_tries=tries), [one])
    yield sender_card.passphrase_not_sent_message(DELIVERY)
    yield sender_card.reminder_not_sent_message(DELIVERY)


def _ways(one: Delivery) -> Iterator[Delivery]:
    """A delivery in each way in which its secret may have come to its state."""
    yield one
    yield replace(one, expires_at=None)
    if one.state in {"opening", "link_shown", "opened"}:
        for opener, by_link, at in itertools.product((ADA, BEN, CLEO), (False, True), (None, NOON)):
            yield replace(one, opener=opener, is_by_link=by_link, opened_at=at)


def _about(one: Delivery) -> Iterator[Screen]:
    yield sender_card.sender_card(SHARE, [one])
    yield sender_card.opened_or_over_notification(SHARE, one)
    yield sender_card.expires_soon_message(SHARE, one)
    yield Message.of(SECRET, sender_card.instructions(SHARE, [one, replace(one, passphrase_required=True)]))
    yield result_window.window([one], asked=600, ttl=300, passphrase=Secret("open sesame"))
    yield result_window.already_shared([one])
    yield delivery_screens.taken(one, BEN)
    if not one.recipient.is_nobody:
        for share in (SHARE, replace(SHARE, note=None)):
            yield recipient_messages.recipient_message(share, one, escrow=False)
            yield recipient_messages.reminder(share, one, escrow=False)
            yield recipient_messages.passphrase_over(share, one)


def retrieving() -> Iterator[Screen]:
    for delivery in (None, DELIVERY):
        yield from (screens.not_begun(delivery), screens.too_old(delivery), screens.stopped(delivery))
        yield screens.dm_nothing_opened(delivery)
    for pieces in (screens.not_reached(HOST), screens.may_be_locked(HOST), screens.wrong_passphrase(4)):
        yield Modal.of(screens.FORM, screens.TITLE, Text(pieces))
    for text in ("", "\0", "\0\1", "one page"):
        yield screens.secret(Secret(text), "r" * 22, page=1, pages=2)
    yield from (screens.already_opening(), screens.unknown_outcome(HOST), screens.nothing_left())
    yield from (screens.dm_show_again("r" * 22, None), screens.dm_shown(), screens.dm_later_try_worked())
    yield from (screens.dm_too_old(), screens.dm_nothing_held(), screens.dm_expired(HOST.name))
    yield from (screens.dm_may_be_opened("r" * 22, HOST.name, again=again) for again in (False, True))
    yield screens.dm_lost(HOST.name)
    yield from (delivery_screens.just_sent(), delivery_screens.lost_by_earlier_try(), delivery_screens.gone(HOST))
    yield delivery_screens.expired(NOON)


def statuses() -> Iterator[Screen]:
    for state, received in itertools.product(SecretState, (None, NOON)):
        metadata = replace(METADATA, state=state, received=received, secret_ttl=60)
        yield Message.of(secret_words(state), *metadata_card.card(metadata, HOST, NAMELESS), Text(burn_outcome(state)))
        yield Message.of(SECRET, Text.of(secret_over_words(metadata, state)))


def tracking() -> Iterator[Screen]:
    kinds = [kind for kind in get_args(NotificationKind) if kind != "reconnect"]
    for state, label, expires in itertools.product(get_args(TrackedState), (None, "staging"), (None, NOON)):
        one = replace(TRACKED, state=state, label=label, expires_at=expires)
        yield from (tracked_card.listed_message(one, kind) for kind in kinds)
        yield from (tracked_card.notification(one, kind, HOST.name) for kind in kinds if kind != "card")
        yield from (tracked_card.tracked_card(one, HOST.name, asked_at=NOON, is_named=named) for named in (True, False))
        yield tracked_card.ended_reminder(one)
    yield tracked_card.tracked_card(replace(TRACKED, key=MetadataKey("")), HOST.name)
    yield tracked_card.reconnect_message(HOST.name)


def requests() -> Iterator[Screen]:
    possible = [(state, False) for state in get_args(RequestState)] + [("asked", True), ("waiting", True)]
    for (state, is_open), is_bound in itertools.product(possible, (True, False)):
        one = replace(REQUEST, state=state, is_open=is_open, is_bound=is_bound)
        yield from (request_messages.question(one), request_messages.card(one))
        if (message := request_messages.outcome_notification(one)) is not None:
            yield message


@pytest.mark.parametrize(
    "drawn", [errors, constants, names, accounts, deliveries, retrieving, statuses, tracking, requests]
)
@pytest.mark.parametrize("language", Language)
def test_what_people_seldom_see_is_taken_by_slack(drawn, language):
    seen: set[str] = set()
    for screen in drawn():
        for one in (screen, with_longest_values(screen)):
            draw, check = (blocks.message, check_message) if isinstance(one, Message) else (blocks.modal, check_view)
            payload = draw(one, language)
            if (looks := json.dumps(payload)) not in seen:  # many say the same
                assert check(payload) == []
            seen.add(looks)
