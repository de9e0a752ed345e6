"""How an account that a person connected is shown, with what can be done about it."""

from __future__ import annotations

from typing import Final

from bot.onetime.links import Host
from bot.screen.parts import Button, Buttons, Confirm, Part, Text
from bot.screen.pieces import Bold, HostName, Piece, When, say
from bot.status.buttons import connect_button
from bot.status.words import DOT, WARNING_SIGN
from bot.storage.accounts import Account

# names of actions; the handlers are in features/accounts. `ref` is the account
DISCONNECT: Final = "account_disconnect"
MAKE_DEFAULT: Final = "account_default"


def account_name(account: Account) -> HostName:
    """The name of the account's host. It may be a host that is not allowed any more: it can still be disconnected."""
    return HostName(Host(account.host).name)


def reconnect_line(host: Host) -> Text:
    """For somebody who got no message of it."""
    said = say(
        "{server} does not accept your API token any more. Connect the account again: `/ots connect`.",
        server=HostName(host.name),
    )
    return Text.of(WARNING_SIGN, said)


def disconnect_button(account: Account) -> Button:
    server = account_name(account)
    question = say("Its API token is erased here. Your secrets on {server} stay as they are.", server=server)
    confirm = Confirm(say("Disconnect this account?"), question, say("Disconnect"))
    label = say("Disconnect the account on {server}", server=server)
    return Button(say("Disconnect"), DISCONNECT, account.id, "danger", confirm, label)


def account_parts(account: Account, *, is_refused: bool = False) -> list[Part]:
    """What is known of an account, and its buttons. `is_refused`: its server does not accept its token any more."""
    server = account_name(account)
    line: list[Piece] = [Bold(server)]
    line += [DOT, say("default")] if account.is_default else []
    if not account.is_readable:
        line += [DOT, WARNING_SIGN, say("cannot be read any more, please connect it again")]
    line += [DOT, say("connected {when}", when=When(account.created_at))]
    buttons = [connect_button(say("Reconnect"))] if is_refused or not account.is_readable else []
    if not account.is_default:
        label = say("Make default: the account on {server}", server=server)
        buttons.append(Button(say("Make default"), MAKE_DEFAULT, account.id, accessibility_label=label))
    return [Text(tuple(line)), Buttons((*buttons, disconnect_button(account)))]
