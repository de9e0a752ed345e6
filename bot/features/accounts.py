"""`/ots accounts` and `/ots disconnect`: the accounts that a person has connected, and disconnecting them."""

from __future__ import annotations

from bot.interaction import pasted
from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply, Verb
from bot.interaction.owners import any_member, own_account
from bot.screen.parts import Buttons, Message, Note, Part, Text
from bot.screen.pieces import Bold, HostName, Listing, say
from bot.status.account_card import DISCONNECT, MAKE_DEFAULT, account_name, account_parts, disconnect_button
from bot.status.buttons import connect_button
from bot.status.words import DONE_SIGN
from bot.storage.accounts import Account

CONNECT = Buttons.of(connect_button())

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


async def _accounts_message(interaction: Interaction) -> Message:
    accounts = await interaction.services.accounts.all_of(interaction.person)
    if not accounts:
        return NONE_YET
    parts: list[Part] = [Text.of(Bold(say("Your accounts")))]
    for account in accounts:
        parts += account_parts(account)
    parts += [CONNECT, Note.of(say("Only you see this, and only you can use these accounts."))]
    return Message(
        say("Your accounts: {servers}", servers=Listing(tuple(account_name(account) for account in accounts))),
        tuple(parts),
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
        parts += [Text.of(Bold(account_name(account))), Buttons.of(disconnect_button(account))]
    return Reply(Message(question, tuple(parts)), Outcome.SHOWN)


async def disconnect(interaction: Interaction, account: Account) -> Reply:
    host = account_name(account)
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
