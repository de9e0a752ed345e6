"""`/ots connect`: a person's own account on one host, checked with that host before it is kept."""

from __future__ import annotations

from collections.abc import Sequence

from bot.errors import HostUnavailable, NotAuthorized, RateLimited, Refused
from bot.interaction import pasted
from bot.interaction.commands import command_button
from bot.interaction.feature import Feature, FieldErrors, Handler, Interaction, Kind, Outcome, Reply, Verb
from bot.interaction.owners import any_member
from bot.interaction.parsed_text import parse_field
from bot.onetime.client import Credentials
from bot.onetime.links import Host
from bot.policy.decide import find_denial, is_allowed
from bot.screen.parts import CANCEL, DONE, Buttons, Choice, Field, Modal, Note, Text
from bot.screen.pieces import HostName, Phrase, Piece, Plain, Sentences, say
from bot.secret import Secret
from bot.status.buttons import CONNECT_ACCOUNT, CONNECT_OPEN
from bot.status.words import DONE_SIGN

FORM = "connect"
CONNECTED_FORM = "connected"
NOTHING_STORED = say("Nothing was stored.")
MAX_LENGTH = 250  # characters of an e-mail address or a token
CASE_COUNTS = say("As the account page has it: capital and small letters may count.")


def form(hosts: Sequence[Host], chosen: Host) -> Modal:
    return Modal.of(
        FORM,
        CONNECT_ACCOUNT,
        Text.of(
            say("Your own account, for your own use. Its API token is on the account page of the server, under *API*.")
        ),
        Choice(
            "host",
            say("Where is the account?"),
            tuple((one.name, HostName(one.name)) for one in hosts if one == chosen or is_allowed("hosts", one.url)),
            chosen.name,
        ),
        Field("username", say("E-mail address of the account"), CASE_COUNTS, is_mail_address=True),
        Field("token", say("API token"), say("Not your password. It is stored encrypted."), max_length=MAX_LENGTH),
        Note.of(say("The regions share nothing: an account belongs to the one server where it was made.")),
        submit=say("Connect"),
        close=CANCEL,
    )


async def open_form(interaction: Interaction, _row: None) -> Reply:
    """`/ots connect [region|host]`."""
    services = interaction.services
    host = pasted.read_host(interaction.text, services.hosts) if interaction.text else services.default_host
    return Reply(form(services.hosts.all, host), Outcome.SHOWN)


async def submit(interaction: Interaction, _row: None) -> Reply:
    """Check the token with its host, then keep it. Nothing is stored unless the host accepted it."""
    services = interaction.services
    host = services.hosts.named(interaction.selects.get("host", ""))
    if (denial := find_denial("hosts", host.url)) is not None:
        raise FieldErrors({"host": denial.tell}, rule=denial.rule)
    username, token = _read_account(interaction)
    await _check(interaction, Credentials(host, username, token))
    account = await services.accounts.connect(interaction.person, host.url, username, token)
    await services.tracking.resume(interaction.person, host.url)
    rest = say("It is your default account.") if account.is_default else say("`/ots accounts` shows all of yours.")
    connected = Modal.of(
        CONNECTED_FORM,
        say("Connected"),
        Text.of(
            DONE_SIGN,
            Sentences.of(say("Your account on *{server}* is connected.", server=HostName(host.name)), rest),
        ),
        Text.of(say("Next: share a secret. `/ots recent` shows those of your account.")),
        Buttons.of(command_button(say("Share a secret"), "share", style="primary")),
        close=DONE,
    )
    return Reply(connected, Outcome.DONE)


def _read_account(interaction: Interaction) -> tuple[Secret, Secret]:
    username, token = (_read_line(interaction, name) for name in ("username", "token"))
    wrong: dict[str, Piece] = {}
    if not username:
        wrong["username"] = say("Please type the e-mail address of the account.")
    elif ":" in username:
        wrong["username"] = say("An e-mail address with a colon cannot be used with the API.")
    elif not username.is_printable():
        wrong["username"] = say("That has characters in it that an e-mail address cannot have.")
    if not token:
        wrong["token"] = say("Please paste the API token.")
    elif not token.is_printable():
        wrong["token"] = say("That has characters in it that a token cannot have. Please copy it again.")
    if wrong:
        raise FieldErrors(wrong)
    return username, token


def _read_line(interaction: Interaction, name: str) -> Secret:
    """What was typed into a field that takes one word, without white space and invisible characters around or in it."""
    return Secret(parse_field(interaction.text_inputs.get(name, Secret(""))).readable)


async def _check(interaction: Interaction, credentials: Credentials) -> None:
    """Raises `FieldErrors` unless the host accepts the account, and `LimitReached` after too many that it did not."""
    server = HostName(credentials.host.name)
    services = interaction.services
    assert credentials.username is not None
    account = services.accounts.name_indexes(credentials.host.url, credentials.username)
    attempt = await services.limits.begin_connecting(interaction.person, account)
    is_token_refused = False
    field = "host"
    said: list[Piece]
    try:
        await services.onetime.authcheck(credentials)
    except NotAuthorized:
        is_token_refused = True
        field = "token"
        said = [say("{server} did not accept this e-mail address with this token.", server=server), NOTHING_STORED]
        if credentials.username is not None and credentials.username.has_capitals:
            said.append(say("Capital and small letters of the address may count: try it in small letters."))
    except RateLimited:
        said = [say("{server} is limiting requests right now. Please try again in a few minutes.", server=server)]
    except Refused as error:
        said = [_refusal(server, error.reason), NOTHING_STORED]
    except HostUnavailable as error:
        said = [error.tell, NOTHING_STORED]
        if error.tell == HostUnavailable.tell:
            not_reached = say("{server} could not be reached or did not answer.", server=server)
            said = [not_reached, say("Nothing was stored. Please try again.")]
    else:
        return
    finally:
        if not is_token_refused:
            await services.limits.give_back(attempt)
    raise FieldErrors(
        {field: Sentences(tuple(said))}, form=form(interaction.services.hosts.all, credentials.host)
    ) from None


def _refusal(server: HostName, reason: str) -> Phrase:
    if not reason:
        return say("{server} refused it.", server=server)
    return say("{server} refused it: “{reason}”.", server=server, reason=Plain(reason))


FEATURE = Feature(
    name="connect",
    verbs=(
        Verb(
            "connect",
            say("connects your account"),
            say("[region]"),
            handler=Handler(open_form, any_member, opens_window=True),
        ),
    ),
    handlers={
        Kind.ACTION: {CONNECT_OPEN: Handler(open_form, any_member, opens_window=True)},
        Kind.FORM: {FORM: Handler(submit, any_member)},
    },
)
