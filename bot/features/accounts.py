"""`/ots accounts` and `/ots disconnect`: the accounts that a person has connected, and disconnecting them."""

from __future__ import annotations

from bot.interaction import pasted
from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply, Verb
from bot.interaction.owners import any_member, own_account
from bot.onetime.links import Host
from bot.screen.parts import Button, Buttons, Confirm, Message, Note, Part, Text
from bot.screen.pieces import Bold, HostName, Listing, Piece, When, say
from bot.status.buttons import connect_button
from bot.status.words import DONE_SIGN, DOT, WARNING_SIGN
from bot.storage.accounts import Account

CONNECT = Buttons.of(connect_button())

DISCONNECT = "account_disconnect"
MAKE_DEFAULT = "account_default"

NONE_YET = Message.of(
    say("You have not connected an Onetime Secret account."),
    Text.of(
        say(
            "You have not connected an account. You can share, open and burn secrets without one. `/ots recent` needs "
            "one."
        )
    ),
    CONNECT,
)


def _name(account: Account) -> HostName:
    """The name of the account's host. It may be a host that is not allowed any more: it can still be disconnected."""
    return HostName(Host(account.host).name)


def _disconnect_button(account: Account, server: HostName) -> Button:
    question = say("Its API token is erased here. Your secrets on {server} stay as they are.", server=server)
    confirm = Confirm(say("Disconnect this account?"), question, say("Disconnect"))
    label = say("Disconnect the account on {server}", server=server)
    return Button(say("Disconnect"), DISCONNECT, account.id, "danger", confirm, label)


async def _accounts_message(interaction: Interaction) -> Message:
    accounts = await interaction.services.accounts.all_of(interaction.person)
    if not accounts:
        return NONE_YET
    parts: list[Part] = [Text.of(Bold(say("Your accounts")))]
    for account in accounts:
        host = _name(account)
        line: list[Piece] = [Bold(host)]
        line += [DOT, say("default")] if account.is_default else []
        if not account.is_readable:
            line += [DOT, WARNING_SIGN, say("cannot be read any more, please connect it again")]
        line += [DOT, say("connected {when}", when=When(account.created_at))]
        parts.append(Text(tuple(line)))
        buttons = [_disconnect_button(account, host)]
        if not account.is_default:
            label = say("Make the account on {server} the default", server=host)
            buttons.insert(0, Button(say("Make default"), MAKE_DEFAULT, account.id, accessibility_label=label))
        parts.append(Buttons(tuple(buttons)))
    parts += [CONNECT, Note.of(say("Only you see this, and only you can use these accounts."))]
    return Message(
        say("Your accounts: {servers}", servers=Listing(tuple(_name(account) for account in accounts))), tuple(parts)
    )


async def list_accounts(interaction: Interaction, _row: None) -> Reply:
    return Reply(await _accounts_message(interaction), Outcome.SHOWN)


async def choose_to_disconnect(interaction: Interaction, _row: None) -> Reply:
    """`/ots disconnect [region|host]`: asks first."""
    accounts = await interaction.services.accounts.all_of(interaction.person)
    if interaction.text:
        wanted = pasted.read_host(interaction.text, interaction.services.hosts)
        accounts = [account for account in accounts if account.host == wanted.url]
        if not accounts:
            said = say("You have no account connected on {server}.", server=HostName(wanted.name))
            lists = say("`/ots accounts` lists your accounts.")
            return Reply(Message.of(said, Text.of(said), Note.of(lists)), Outcome.REFUSED)
    if not accounts:
        return Reply(NONE_YET, Outcome.REFUSED)
    question = say("Which account do you want to disconnect?")
    parts: list[Part] = [Text.of(question)]
    for account in accounts:
        host = _name(account)
        parts += [Text.of(Bold(host)), Buttons.of(_disconnect_button(account, host))]
    return Reply(Message(question, tuple(parts)), Outcome.SHOWN)


async def disconnect(interaction: Interaction, account: Account) -> Reply:
    host = _name(account)
    await interaction.services.accounts.disconnect(interaction.person, account.id)
    await interaction.services.tracking.forget_host(interaction.person, account.host)
    message = Message.of(
        say("Your account on {server} is disconnected.", server=host),
        Text.of(
            DONE_SIGN,
            say("Your account on *{server}* is disconnected, and its token is erased here.", server=host),
        ),
        Note.of(say("If somebody else may know the token, make a new one on the account page as well.")),
    )
    return Reply(message, Outcome.DONE)


async def make_default(interaction: Interaction, account: Account) -> Reply:
    await interaction.services.accounts.make_default(interaction.person, account.id)
    return Reply(await _accounts_message(interaction), Outcome.DONE)


FEATURE = Feature(
    name="accounts",
    verbs=(
        Verb("accounts", say("shows your accounts"), handler=Handler(list_accounts, any_member)),
        Verb(
            "disconnect",
            say("disconnects one of your accounts"),
            say("[region]"),
            handler=Handler(choose_to_disconnect, any_member),
        ),
    ),
    handlers={
        Kind.ACTION: {
            DISCONNECT: Handler(disconnect, own_account),
            MAKE_DEFAULT: Handler(make_default, own_account),
        },
    },
)
