"""The state of a window for sharing, without what is typed: stored in a button context while the window is open."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import msgspec

from bot.errors import NotUnderstood, Unsealable
from bot.interaction.commands import command_button, go_on_button
from bot.interaction.feature import Interaction
from bot.interaction.lives import Place
from bot.interaction.parsed_text import ParsedText
from bot.interaction.services import Services
from bot.onetime.links import Host
from bot.person import Person
from bot.policy.decide import acting, is_allowed
from bot.screen.pieces import Piece, say
from bot.settings import DEFAULT_SECRET_BYTES, DEFAULT_SHARE_LIVES
from bot.sharing.choices import CHANNEL, PEOPLE, SERVER, Whom
from bot.sharing.passwords import DEFAULT_LENGTHS, LENGTHS, PasswordKind, PasswordSpec
from bot.storage.button_contexts import SHARE_FORM, ButtonContext, NewButtonContext
from bot.storage.share_choices import DEFAULT_CHOICES, GENERATE, NO_PASSPHRASE, ShareChoices

DATA = "form_state"  # the key in the data of the button context; its value is JSON
MAX_PEOPLE = 10
MAX_NOTE = 500  # characters of the sender's note

NOT_HERE = say(
    "What is typed after a command stays in Slack's logs. If that was the secret: this app did not read or keep it, "
    "but please *change it*. Secrets belong in the window: press the button."
)
TOO_MANY = say(
    "A secret goes to up to {count} people, or to one channel. Please name either, or type just `/ots share`.",
    count=MAX_PEOPLE,
)


@dataclass(frozen=True, slots=True)
class Original:
    """The message that a secret was taken from. Its text is not in here."""

    channel: str  # the id of its conversation
    thread: str | None = None  # the time stamp of the thread that it is in
    author: str | None = None  # the user id of whoever wrote it; None for an app


@dataclass(frozen=True, slots=True)
class FormState:
    """What a window is for, and what was chosen in it. Of what is typed only an e-mail address and a note are in here.

    With `only`, the recipients are fixed and nobody else can be chosen.
    """

    chosen_whom: Whom | None = None
    to: tuple[str, ...] = ()  # user ids, chosen already
    channel: str | None = None
    is_unfolded: bool = False  # whether the options can be seen
    has_passphrase_field: bool = False  # it stays as long as something is typed into it
    choices: ShareChoices = DEFAULT_CHOICES
    chosen_kind: PasswordKind | Literal["server"] | None = None  # of a generated password
    chosen_length: int | None = None  # of a generated password, in words, characters or digits
    chosen_is_shown: bool | None = None  # whether a generated password is shown to the sender, and to nobody else
    only: tuple[str, ...] = ()  # user ids
    earlier: str | None = None  # the id of the share that an earlier try made
    request: str | None = None  # the id of the request that the share answers
    original: Original | None = None  # the message that the text came from
    accounts: tuple[tuple[str, str], ...] = ()  # ids and host names, the default account first
    text_fields: int = 1
    is_generated: bool = False  # the secret is a password that is made up, so there is no text to type
    note: str = ""  # the initial text of the note: that of a request, or typed into a field that went away
    is_connected: bool = False  # to an account: for one, Onetime Secret itself can send the link by mail
    mail_address: str = ""  # typed into a field that the window may not show now
    asks_to_choose: bool = False  # somebody was named whose id Slack did not send
    max_bytes: int = DEFAULT_SECRET_BYTES  # of the largest secret that the window has room for
    lives: tuple[int, ...] = DEFAULT_SHARE_LIVES  # seconds, to choose from

    @classmethod
    def of(cls, context: ButtonContext[None]) -> Self:
        """Raises `Unsealable` for data that is no form state."""
        if DATA not in context.data:
            return cls(**_read_before_0007(context.data))
        try:
            return msgspec.json.decode(context.data[DATA], type=cls)
        except msgspec.MsgspecError:
            raise Unsealable from None

    @property
    def whom(self) -> Whom:
        """Until it is chosen, it is what fits whom the command named."""
        return self.chosen_whom or (CHANNEL if self.channel and not self.to else PEOPLE)

    @property
    def is_for_people(self) -> bool:
        """Whether it is sent to people: each gets a secret of their own."""
        return bool(self.only) or self.whom == PEOPLE

    @property
    def is_shown(self) -> bool:
        """Whether a generated password is shown: until it is chosen, if the command named nobody to send it to."""
        is_for_nobody = not (self.to or self.channel or self.asks_to_choose)
        return is_for_nobody if self.chosen_is_shown is None else self.chosen_is_shown

    @property
    def password(self) -> PasswordSpec | None:
        """What is made up here; None if the server makes it up, which never sees what is shown to the sender."""
        kind = self.chosen_kind
        if kind is None or kind == SERVER:
            if not self.is_shown:
                return None
            kind = "characters"
        is_offered = self.chosen_length in LENGTHS[kind]
        return PasswordSpec(kind, self.chosen_length if is_offered and self.chosen_length else DEFAULT_LENGTHS[kind])

    def data(self) -> dict[str, str]:
        """The form state as the data of a button context."""
        note = self.note.encode("utf-8", "replace").decode()  # half a surrogate pair, which JSON cannot hold, is “?”
        return {DATA: msgspec.json.encode(replace(self, note=note)).decode()}


def _read_before_0007(data: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a form state that was stored by a version before migration 0007.

    A button context lives for a day. So this function is needed for one day after an upgrade from such a version.
    """
    accounts = (one.partition("=") for one in data.get("accounts", "").split(",") if one)
    return {
        "to": _split(data.get("to")),
        "channel": data.get("channel"),
        "only": _split(data.get("only")),
        "request": data.get("request"),
        "accounts": tuple((account_id, name) for account_id, _, name in accounts),
        "is_generated": "made_up" in data,
        "note": data.get("note", ""),
        "max_bytes": int(data.get("most", DEFAULT_SECRET_BYTES)),
    }


def _split(joined: str | None) -> tuple[str, ...]:
    return tuple(joined.split(",")) if joined else ()


def read_mentions(text: ParsedText) -> FormState:
    """The people or the channel named after the command, however separated. Raises `NotUnderstood` for other words.

    Where Slack did not say who is meant by a name, the window asks to choose.
    """
    if text.other_words:
        raise NotUnderstood("text behind share", tell=NOT_HERE)
    if len(text.channels) > 1 or len(text.people) > MAX_PEOPLE or (text.people and text.channels):
        raise NotUnderstood("too many behind share", tell=TOO_MANY)
    channel = next(iter(text.channels), None)
    return FormState(to=text.people, channel=channel, asks_to_choose=text.has_unknown_names)


async def read_command(interaction: Interaction, verb: str, *, refusal: Piece | None = None) -> FormState:
    """Whom the command named. Raises `NotUnderstood` for other words, with a button that goes on without them."""
    try:
        return read_mentions(interaction.text)
    except NotUnderstood as error:
        names_too_many = error.tell == TOO_MANY
        if refusal is not None:
            error.tell = refusal
        if names_too_many:
            error.button = command_button(say("Choose in the window"), verb, style="primary")
        else:
            error.button = await go_on_button(interaction, say("Go on without that text"), verb)
        raise


async def begin_form_state(interaction: Interaction, form_state: FormState) -> tuple[str, FormState]:
    """The id of a new window, and its state: what to choose from, and what the person chose the last time."""
    services = interaction.services
    choices, everything = await asyncio.gather(
        services.share_choices.of(interaction.person), services.accounts.all_of(interaction.person)
    )
    accounts = [one for one in everything if one.is_readable and is_allowed("hosts", one.host)]
    if choices.passphrase == NO_PASSPHRASE and acting.get().wants_passphrase:
        choices = replace(choices, passphrase=GENERATE)
    hosts = [Host(one.host) for one in accounts]
    places: list[Place] = [(one.host, one.id) for one in accounts]
    if len(hosts) != 1:  # it can be made without an account, too
        hosts.append(services.default_host)
        places.append((services.default_host.url, None))
    named = tuple((one.id, Host(one.host).name) for one in accounts) if len(accounts) > 1 else ()
    form_state = replace(
        form_state,
        choices=choices,
        is_connected=bool(accounts),
        accounts=named,
        max_bytes=max(services.max_bytes_on(host) for host in hosts),
        lives=allowed_lives(services.lives.possible(places)),
    )
    return await store_form_state(services, interaction.person, form_state), form_state


def allowed_lives(lives: tuple[int, ...]) -> tuple[int, ...]:
    """Those that the rules allow; the shortest of the rules if they allow none of them."""
    allowed = tuple(life for life in lives if is_allowed("max_life", life))
    return allowed or (acting.get().lowest("max_life", lives[0]),)


async def store_form_state(services: Services, person: Person, form_state: FormState) -> str:
    """Store the state under a new id for the window. All submits with the same id give one share."""
    context = NewButtonContext(SHARE_FORM, "-", None, data=form_state.data())
    (ref,) = await services.button_contexts.keep(person, context)
    return ref
