"""`/ots accounts` and `/ots disconnect`: the accounts that a person has connected, and disconnecting them."""

from __future__ import annotations

from bot.interaction import pasted
from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply, Verb
from bot.interaction.owners import any_member, own_account
from bot.onetime.links import Host
from bot.screen.parts import Button, Buttons, Confirm, HostName, Message, Note, Part, Text, When
from bot.status.buttons import connect_button
from bot.storage.accounts import Account

CONNECT = Buttons.of(connect_button())

DISCONNECT = "account_disconnect"
MAKE_DEFAULT = "account_default"

NONE_YET = Message.of(
    "You have not connected an Onetime Secret account.",
    Text.of(
        "You have not connected an account. Opening links, looking at a secret and burning it work without one; "
        "`/ots recent` needs one."
    ),
    CONNECT,
)


def _name(account: Account) -> str:
    """The name of the account's host. It may be a host that is not allowed any more: it can still be disconnected."""
    return Host(account.host).name


def _disconnect_button(account: Account, host: str) -> Button:
    question = f"Its API token is erased here. Your secrets on {host} stay as they are."
    confirm = Confirm("Disconnect this account?", question, "Disconnect")
    return Button("Disconnect", DISCONNECT, account.id, "danger", confirm, f"Disconnect the account on {host}")


async def _accounts_message(interaction: Interaction) -> Message:
    accounts = await interaction.services.accounts.all_of(interaction.person)
    if not accounts:
        return NONE_YET
    parts: list[Part] = [Text.of("*Your accounts*")]
    for account in accounts:
        host = _name(account)
        mark = " · default" if account.is_default else ""
        broken = "" if account.is_readable else " · :warning: cannot be read any more, please connect it again"
        parts.append(Text.of("*", HostName(host), f"*{mark}{broken} · connected ", When(account.created_at)))
        buttons = [_disconnect_button(account, host)]
        if not account.is_default:
            label = f"Make the account on {host} the default"
            buttons.insert(0, Button("Make default", MAKE_DEFAULT, account.id, accessibility_label=label))
        parts.append(Buttons(tuple(buttons)))
    parts += [CONNECT, Note.of("Only you see this, and only you can use these accounts.")]
    return Message("Your accounts: " + ", ".join(_name(a) for a in accounts), tuple(parts))


async def list_accounts(interaction: Interaction, _row: None) -> Reply:
    return Reply(await _accounts_message(interaction), Outcome.SHOWN)


async def choose_to_disconnect(interaction: Interaction, _row: None) -> Reply:
    """`/ots disconnect [region|host]`: asks first."""
    accounts = await interaction.services.accounts.all_of(interaction.person)
    if interaction.text:
        wanted = pasted.read_host(interaction.text, interaction.services.hosts)
        accounts = [account for account in accounts if account.host == wanted.url]
        if not accounts:
            said = f"You have no account connected on {wanted.name}."
            return Reply(Message.of(said, Text.of("`/ots accounts` lists them.")), Outcome.REFUSED)
    if not accounts:
        return Reply(NONE_YET, Outcome.REFUSED)
    parts: list[Part] = [Text.of("Which account do you want to disconnect?")]
    for account in accounts:
        host = _name(account)
        parts += [Text.of("*", HostName(host), "*"), Buttons.of(_disconnect_button(account, host))]
    return Reply(Message("Which account do you want to disconnect?", tuple(parts)), Outcome.SHOWN)


async def disconnect(interaction: Interaction, account: Account) -> Reply:
    host = _name(account)
    await interaction.services.accounts.disconnect(interaction.person, account.id)
    await interaction.services.tracking.forget_host(interaction.person, account.host)
    message = Message.of(
        f"Your account on {host} is disconnected.",
        Text.of(f":white_check_mark: Your account on *{host}* is disconnected and its token is erased here."),
        Note.of("If the token may be known to somebody, make a new one on the account page as well."),
    )
    return Reply(message, Outcome.DONE)


async def make_default(interaction: Interaction, account: Account) -> Reply:
    await interaction.services.accounts.make_default(interaction.person, account.id)
    return Reply(await _accounts_message(interaction), Outcome.DONE)


FEATURE = Feature(
    name="accounts",
    verbs=(
        Verb("accounts", "shows your accounts", handler=Handler(list_accounts, any_member)),
        Verb("disconnect", "lets go of one", "[region]", handler=Handler(choose_to_disconnect, any_member)),
    ),
    handlers={
        Kind.ACTION: {
            DISCONNECT: Handler(disconnect, own_account),
            MAKE_DEFAULT: Handler(make_default, own_account),
        },
    },
)
