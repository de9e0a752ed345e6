"""`/ots connect`: a person's own account on one host, checked with that host before it is kept."""

from __future__ import annotations

from bot.errors import HostUnavailable, NotAuthorized, RateLimited, Refused
from bot.interaction import pasted
from bot.interaction.feature import Feature, FieldErrors, Handler, Interaction, Kind, Outcome, Reply, Verb
from bot.interaction.owners import any_member
from bot.interaction.parsed_text import parse_field
from bot.onetime.client import Credentials
from bot.onetime.links import Host, Hosts
from bot.screen.parts import Choice, Field, Modal, Note, Text
from bot.secret import Secret
from bot.status.buttons import CONNECT_OPEN

FORM = "connect"
CONNECTED_FORM = "connected"
MAX_LENGTH = 250  # characters of an e-mail address or a token
CASE_COUNTS = "As the account page has it: capital and small letters may count."


def form(hosts: Hosts, chosen: Host) -> Modal:
    return Modal.of(
        FORM,
        "Connect an account",
        Text.of("Your own account, for your own use. Its API token is on the account page of the host, under *API*."),
        Choice("host", "Where is the account?", tuple((h.name, h.name) for h in hosts.all), chosen.name),
        Field("username", "E-mail address of the account", CASE_COUNTS, is_mail_address=True),
        Field("token", "API token", hint="Not your password. It is stored encrypted.", max_length=MAX_LENGTH),
        Note.of("The regions share nothing: an account belongs to the one host where it was made."),
        submit="Connect",
        close="Cancel",
    )


async def open_form(interaction: Interaction, _row: None) -> Reply:
    """`/ots connect [region|host]`."""
    services = interaction.services
    host = pasted.read_host(interaction.text, services.hosts) if interaction.text else services.hosts.default
    return Reply(form(services.hosts, host), Outcome.SHOWN)


async def submit(interaction: Interaction, _row: None) -> Reply:
    """Check the token with its host, then keep it. Nothing is stored unless the host accepted it."""
    services = interaction.services
    host = services.hosts.named(interaction.selects.get("host", ""))
    username, token = _read_account(interaction)
    await _check(interaction, Credentials(host, username, token))
    account = await services.accounts.connect(interaction.person, host.url, username, token)
    await services.tracking.resume(interaction.person, host.url)
    rest = "It is your default account." if account.is_default else "`/ots accounts` shows all of yours."
    connected = Modal.of(
        CONNECTED_FORM,
        "Connected",
        Text.of(f":white_check_mark: Your account on *{host.name}* is connected. {rest}"),
        Text.of("Next: `/ots recent` lists your secrets, `/ots metadata` looks at one, `/ots burn` destroys one."),
        close="Done",
    )
    return Reply(connected, Outcome.DONE)


def _read_account(interaction: Interaction) -> tuple[Secret, Secret]:
    username, token = (_read_line(interaction, name) for name in ("username", "token"))
    wrong: dict[str, str] = {}
    if not username:
        wrong["username"] = "Please type the e-mail address of the account."
    elif ":" in username:
        wrong["username"] = "An e-mail address with a colon cannot be used with the API."
    elif not username.is_printable():
        wrong["username"] = "That has characters in it that an e-mail address cannot have."
    if not token:
        wrong["token"] = "Please paste the API token."
    elif not token.is_printable():
        wrong["token"] = "That has characters in it that a token cannot have. Please copy it again."
    if wrong:
        raise FieldErrors(wrong)
    return username, token


def _read_line(interaction: Interaction, name: str) -> Secret:
    """What was typed into a field that takes one word, without white space and invisible characters around or in it."""
    return Secret(parse_field(interaction.text_inputs.get(name, Secret(""))).readable)


async def _check(interaction: Interaction, credentials: Credentials) -> None:
    """Raises `FieldErrors` unless the host accepts the account, and `LimitReached` after too many that it did not."""
    host = credentials.host.name
    services = interaction.services
    assert credentials.username is not None
    account = services.accounts.name_indexes(credentials.host.url, credentials.username)
    attempt = await services.limits.begin_connecting(interaction.person, account)
    is_token_refused = False
    try:
        await services.onetime.authcheck(credentials)
    except NotAuthorized:
        is_token_refused = True
        field, said = "token", f"{host} did not accept this e-mail address with this token. Nothing was stored."
        if credentials.username is not None and credentials.username.has_capitals:
            said += " Capital and small letters of the address may count: try it in small letters."
    except RateLimited:
        field, said = "host", f"{host} is limiting requests right now. Please try again in a few minutes."
    except Refused as error:
        reason = f": “{error.reason}”" if error.reason else ""
        field, said = "host", f"{host} refused it{reason}. Nothing was stored."
    except HostUnavailable as error:
        field, said = "host", f"{host} could not be reached or did not answer. Nothing was stored; please try again."
        if error.tell != HostUnavailable.tell:
            said = f"{error.tell} Nothing was stored.".replace("`", "")  # an error at a field is plain text
    else:
        return
    finally:
        if not is_token_refused:
            await services.limits.give_back(attempt)
    raise FieldErrors({field: said}, form=form(interaction.services.hosts, credentials.host)) from None


FEATURE = Feature(
    name="connect",
    verbs=(
        Verb(
            "connect",
            "connects your account",
            "[region]",
            handler=Handler(open_form, any_member, opens_window=True),
        ),
    ),
    handlers={
        Kind.ACTION: {CONNECT_OPEN: Handler(open_form, any_member, opens_window=True)},
        Kind.FORM: {FORM: Handler(submit, any_member)},
    },
)
