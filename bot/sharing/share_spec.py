"""What was entered in the window, as a share spec: what to make, for whom, and with which account."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from bot.interaction.feature import FieldErrors, Interaction
from bot.interaction.parsed_text import parse_field
from bot.interaction.passphrases import find_problem
from bot.onetime.links import Host
from bot.onetime.wire import is_address
from bot.person import Person
from bot.policy.decide import find_denial
from bot.screen.pieces import HostName, Listing, Piece, Who, say
from bot.secret import Secret
from bot.sharing.choices import ANONYMOUS, CHANNEL, LINK, PEOPLE
from bot.sharing.form_options import APART, account_of, can_be_apart, life_of
from bot.sharing.form_state import MAX_PEOPLE, FormState, Original
from bot.sharing.passwords import PasswordSpec, generate_passphrase
from bot.storage.accounts import Account
from bot.storage.share_choices import GENERATE, MINE, NO_PASSPHRASE
from bot.storage.shares.rows import PassphraseTo, Recipient

CHANNEL_IDS = ("C", "G")  # the first letters of ids of channels; that of a direct message is a D


@dataclass(frozen=True, slots=True)
class ShareSpec:
    """What to make. Without a `text`, a password is made up for each recipient: as `password` says, or by the host."""

    text: Secret | None
    password: PasswordSpec | None
    recipients: tuple[Recipient, ...]
    ttl: int  # seconds
    passphrase: Secret | None
    passphrase_to: PassphraseTo
    note: str | None
    quiet: bool
    host: Host
    account: Account | None
    mail_address: Secret | None = None  # the server itself sends the link there
    thread: str | None = None  # the time stamp of the thread that it goes into, if it is for the thread's channel


def read(interaction: Interaction, form_state: FormState) -> ShareSpec:
    """What was entered, checked without any I/O. Raises `FieldErrors`."""
    wrong: dict[str, Piece] = {}
    text = None if form_state.is_generated else _read_text(interaction, form_state, wrong)
    to = _read_recipients(interaction, form_state, wrong)
    passphrase, passphrase_to = _read_passphrase(interaction, form_state, to, wrong)
    mail_address = _read_mail_address(interaction, form_state, wrong)
    if wrong:
        raise FieldErrors(wrong)
    return ShareSpec(
        text=text,
        password=form_state.password if form_state.is_generated else None,
        recipients=to,
        ttl=life_of(form_state),
        passphrase=passphrase,
        passphrase_to=passphrase_to,
        note=read_line(interaction.text_inputs.get("note")) or None,
        quiet=not form_state.choices.news,
        host=interaction.services.default_host,  # until the account is known
        account=None,
        mail_address=mail_address,
        thread=_thread_for(to, form_state.original),
    )


def _thread_for(to: tuple[Recipient, ...], original: Original | None) -> str | None:
    """A secret that was taken from a message in a thread goes into that thread, if it is for the thread's channel."""
    if original is None or [one.channel for one in to] != [original.channel]:
        return None
    return original.thread


def _read_text(interaction: Interaction, form_state: FormState, wrong: dict[str, Piece]) -> Secret:
    names = [f"text{number}" for number in range(1, form_state.text_fields + 1)]
    text = Secret.join(interaction.text_inputs[name] for name in names if name in interaction.text_inputs)
    if not text:
        wrong["text1"] = say("Please type or paste what you want to share.")
    elif text.is_blank:
        wrong["text1"] = say("There are only spaces in it. Please type or paste what you want to share.")
    return text


def _read_recipients(interaction: Interaction, form_state: FormState, wrong: dict[str, Piece]) -> tuple[Recipient, ...]:
    """The recipients, each person once. The ids come from Slack's own menus, in the sender's workspace."""
    people, channels = _read_chosen_ids(interaction, form_state)
    if people and channels:  # in a window from before there was a choice
        wrong["channel"] = say("Choose people or a channel, not both.")
    elif not all(one.startswith(CHANNEL_IDS) for one in channels):
        wrong["channel"] = say("That is not a channel. Choose a channel here, or “People” above.")
    elif len(people) > MAX_PEOPLE:
        wrong["to"] = say("At most {count} people at a time.", count=MAX_PEOPLE)
    elif form_state.whom == CHANNEL and not channels:
        wrong["channel"] = say("Choose a channel, or “Just the link” above.")
    elif form_state.whom == PEOPLE and not people:
        wrong["to"] = say("Choose who gets it, or “Just the link” above.")
    if people:
        return tuple(Recipient(replace(interaction.person, user_id=one)) for one in people)
    return tuple(Recipient(channel=one) for one in channels) or (Recipient(),)


def _read_mail_address(interaction: Interaction, form_state: FormState, wrong: dict[str, Piece]) -> Secret | None:
    """The address in the field, if the window has one. Older servers ignore a wrong address, so it is checked here."""
    typed = Secret(read_line(interaction.text_inputs.get("mail_address")))
    if not typed or form_state.whom != LINK:
        return None
    if not is_address(typed):
        wrong["mail_address"] = say(
            "Onetime Secret takes one e-mail address: an @, and else only plain letters, digits and . _ % + -"
        )
    return typed


def _read_chosen_ids(interaction: Interaction, form_state: FormState) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The people and the channels that the window shows. For “Just the link” neither counts."""
    if form_state.only:
        return form_state.only, ()
    people = tuple(dict.fromkeys(interaction.pickers.get("to", ())))
    channels = interaction.pickers.get("channel", ())
    if "whom" not in interaction.selects:
        return people, channels
    return (people, ()) if form_state.whom == PEOPLE else ((), channels) if form_state.whom == CHANNEL else ((), ())


def _read_passphrase(
    interaction: Interaction, form_state: FormState, to: tuple[Recipient, ...], wrong: dict[str, Piece]
) -> tuple[Secret | None, PassphraseTo]:
    mode = form_state.choices.passphrase
    typed = interaction.text_inputs.get("passphrase") or None
    if typed and mode == GENERATE:
        wrong["passphrase"] = say("Type a passphrase or have one generated, not both.")
    elif typed and mode == NO_PASSPHRASE:
        wrong["passphrase"] = say("To use this passphrase, choose “My own” above. Otherwise empty this field.")
    elif typed and (problem := find_problem(typed)):
        wrong["passphrase"] = problem
    elif mode == MINE and not typed:
        wrong["passphrase"] = say("Please type the passphrase.")
    passphrase = generate_passphrase() if mode == GENERATE else typed
    if APART in interaction.checkboxes.get("options", frozenset()):
        if mode == NO_PASSPHRASE:
            wrong["options"] = say("There is no passphrase to send: type one, or have one generated.")
        elif any(one.user is None for one in to) and not wrong:
            wrong["options"] = say("A passphrase can be sent separately only to people whom you choose by name.")
    if form_state.choices.apart and can_be_apart(form_state):
        return passphrase, "recipient"
    return passphrase, "sender" if mode == GENERATE else "nobody"


def read_line(typed: Secret | None) -> str:
    """A note or an address in one line, which is no secret: a note goes into messages, an address to the server."""
    return parse_field(typed).readable if typed else ""


async def load_account(interaction: Interaction, form_state: FormState, spec: ShareSpec) -> ShareSpec:
    """The spec with the account that was chosen, or the default one, or none. Raises `NotYours`, `Unsealable`."""
    chosen, services = interaction.selects.get("account") or account_of(form_state), interaction.services
    if chosen == ANONYMOUS:
        _require_no_mail(spec)
        return spec
    account = await (
        services.accounts.find(interaction.person, chosen)
        if chosen
        else services.accounts.default_of(interaction.person)
    )
    if account is None:
        _require_no_mail(spec)
        return spec
    services.credentials_of(account)  # raises now, and not after the share has begun
    return replace(spec, host=services.hosts.of(account.host), account=account)


def _require_no_mail(spec: ShareSpec) -> None:
    if spec.mail_address is not None:
        raise FieldErrors(
            {
                "mail_address": say(
                    "Onetime Secret sends mail only for an account: choose one under “More options”, or empty this."
                )
            }
        )


def check_policy(spec: ShareSpec) -> None:
    """Raise `FieldErrors` with each rule that does not allow this share, at its field."""
    found = {
        "account": find_denial("hosts", spec.host.url),
        "ttl": find_denial("max_life", spec.ttl),
        "passphrase_mode": find_denial("passphrase", spec.passphrase is not None),
        "channel": find_denial("channels") if any(one.channel for one in spec.recipients) else None,
        "whom": find_denial("bare_links") if any(one.is_nobody for one in spec.recipients) else None,
    }
    if denied := {name: denial for name, denial in found.items() if denial is not None}:
        wrong = {name: denial.tell for name, denial in denied.items()}
        raise FieldErrors(wrong, rule=next(iter(denied.values())).rule)


def check_size(interaction: Interaction, form_state: FormState, spec: ShareSpec) -> None:
    """Raise `FieldErrors` unless the host takes that much."""
    most = interaction.services.max_bytes_on(spec.host)
    if spec.text is not None and spec.text.size > most:
        said = say(
            "That is {size} bytes together. {server} takes at most {most}.",
            size=spec.text.size,
            server=HostName(spec.host.name),
            most=most,
        )
        raise FieldErrors({f"text{form_state.text_fields}": said})


async def check_people(interaction: Interaction, spec: ShareSpec) -> None:
    """Raise `FieldErrors` unless all are full members of the workspace: no guests, bots or deactivated accounts."""
    people = [one.user for one in spec.recipients if one.user is not None]
    known = await asyncio.gather(*(_is_member(interaction, one) for one in people))
    others = tuple(Who(one.user_id) for one, is_member in zip(people, known, strict=True) if not is_member)
    if not others:
        return
    why = say("Only full members of this workspace: no guests, apps or people who have left.")
    if len(people) > 1:
        why = say("{people} cannot get it. {why}", people=Listing(others), why=why)
    raise FieldErrors({"to": why})


async def _is_member(interaction: Interaction, person: Person) -> bool:
    return person == interaction.person or await interaction.is_member(person)
