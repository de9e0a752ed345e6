"""The accounts that the person has connected, and connecting one."""

from __future__ import annotations

from dataclasses import replace

from bot.features.home.content import Content
from bot.screen.parts import Buttons, Divider, Heading, Note, Part, Text
from bot.screen.pieces import Phrase, say, say_count
from bot.status.account_card import account_name, account_parts
from bot.status.buttons import connect_button
from bot.status.words import WARNING_SIGN
from bot.storage.accounts import Account

MAX_ACCOUNTS = 6  # `/ots accounts` has the others


def parts(content: Content) -> list[Part]:
    found: list[Part] = [Divider(), Heading(say("Your accounts"))]
    for account in content.accounts[:MAX_ACCOUNTS]:
        found += _account(account, is_refused=account.host in content.refusing)
    if (left := len(content.accounts) - MAX_ACCOUNTS) > 0:
        found.append(Note.of(_others(left)))
    if not content.accounts:
        return [*found, Text.of(say("You have not connected an account.")), Buttons.of(connect_button())]
    return [*found, Buttons.of(replace(connect_button(say("Connect another account")), style="plain"))]


def _others(count: int) -> Phrase:
    return say_count(
        "`/ots accounts` shows {count} more account.", "`/ots accounts` shows {count} more accounts.", count
    )


def _account(account: Account, *, is_refused: bool) -> list[Part]:
    refusal = say("{server} does not accept your API token any more.", server=account_name(account))
    warning = [Note.of(WARNING_SIGN, refusal)] if is_refused else []
    return [*account_parts(account, is_refused=is_refused), *warning]
