"""The window for sharing a secret.

Slack keeps what is typed when a window is updated with the same fields. So the same window is updated for everything:
to add a text field, while the host is asked, and when something has to be corrected. The bot never sends back what
was typed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from bot.interaction.feature import Interaction
from bot.interaction.lives import usual
from bot.screen.parts import (
    CANCEL,
    ONE_MOMENT,
    Button,
    Buttons,
    Channel,
    Checkboxes,
    Choice,
    Field,
    Modal,
    Note,
    Part,
    People,
    Text,
)
from bot.screen.pieces import Duration, HostName, Listing, Piece, Who, say
from bot.sharing.form_state import MAX_NOTE, MAX_PEOPLE, FormState, begin_form_state, store_form_state
from bot.status.words import WARNING_SIGN
from bot.storage.button_contexts import ButtonContext

FORM = "share"
ADD_TEXT_FIELD = "share_more"  # a button
TITLE = say("Share a secret")

TEXT_FIELD_LENGTH = 3_000  # characters of one field: Slack's limit
MAX_PASSPHRASE = 128  # characters
ROW_WITHIN = 0.25  # seconds

DAY = 86_400
ANONYMOUS = "anonymous"

GENERATE, APART, NEWS = "generate", "apart", "news"
OPTIONS = (
    (GENERATE, say("Make up a passphrase")),
    (APART, say("Send the passphrase separately, by direct message")),
    (NEWS, say("Tell me when it is opened")),
)

WHERE_IT_GOES = say("What you type goes to Onetime Secret. It is in no message, and not kept here.")
CHOOSE = say("Slack did not say who is meant by a name that you typed. Please choose below.")
GENERATE_FORM = "generate"
GENERATE_TITLE = say("Generate a password")
SHOW, SEND = "show", "send"
WHAT = (
    (SHOW, say("Show it to me, and keep it nowhere")),
    (SEND, say("Send it, or make a link, without showing it to me")),
)


async def open_form(interaction: Interaction, form_state: FormState, *said: Part) -> Modal:
    """The window, ready to be shown, with `said` at its top.

    Its state is stored first, so that nobody can submit it before it is stored.
    """
    storing = asyncio.create_task(begin_form_state(interaction, form_state))
    stored, _ = await asyncio.wait({storing}, timeout=ROW_WITHIN)
    try:
        if not stored:
            await interaction.show(Modal.of(FORM, TITLE, Text.of(ONE_MOMENT)))
    finally:
        ref, form_state = await storing
    return form(form_state, ref, *said)


def form(form_state: FormState, ref: str, *said: Part, at: Mapping[str, Piece] | None = None) -> Modal:
    """The window. `said` is shown at the top; each sentence in `at` is shown above the field with its name."""
    parts: list[Part] = [*said]
    for part in _fields(form_state, ref):
        sentence = (at or {}).get(getattr(part, "name", ""))
        parts += [Text.of(WARNING_SIGN, sentence), part] if sentence else [part]
    if form_state.is_generated:
        return Modal(GENERATE_FORM, GENERATE_TITLE, tuple(parts), ref=ref, submit=say("Generate"), close=CANCEL)
    return Modal(FORM, TITLE, tuple(parts), ref=ref, submit=say("Share"), close=CANCEL)


def _text_parts(form_state: FormState, ref: str) -> list[Part]:
    more = say("The secret goes on, with nothing in between")
    names = [say("The secret"), *[more] * (form_state.text_fields - 1)]
    parts: list[Part] = [
        Field(f"text{number}", name, max_length=TEXT_FIELD_LENGTH, optional=number > 1, long=True)
        for number, name in enumerate(names, 1)
    ]
    if form_state.text_fields < text_fields_for(form_state.max_bytes):
        parts.append(
            Buttons.of(
                Button(
                    say("Add more room"),
                    ADD_TEXT_FIELD,
                    ref,
                    accessibility_label=say("Add a field for a longer secret"),
                )
            )
        )
    return parts


def _generated_parts(form_state: FormState) -> list[Part]:
    whom = SEND if form_state.to or form_state.channel else SHOW
    return [
        Text.of(
            say(
                "What is shown to you is made up here. What is sent is made up by the server, a new one for each "
                "person."
            )
        ),
        Choice("what", say("What to do with it?"), WHAT, whom),
    ]


def _fields(form_state: FormState, ref: str) -> list[Part]:
    parts = _generated_parts(form_state) if form_state.is_generated else _text_parts(form_state, ref)
    parts += _recipients(form_state)
    ttls = tuple((str(ttl), Duration(ttl)) for ttl in form_state.lives)
    parts.append(Choice("ttl", say("It can be opened for"), ttls, str(usual(form_state.lives))))
    parts.append(Field("passphrase", say("Passphrase"), max_length=MAX_PASSPHRASE, optional=True))
    parts.append(Checkboxes("options", say("And"), OPTIONS, frozenset({NEWS})))
    hint = say("Not secret: everybody sees it in the message.")
    parts.append(
        Field("note", say("A note to go with it"), hint, max_length=MAX_NOTE, optional=True, initial=form_state.note)
    )
    if form_state.accounts:
        named: tuple[tuple[str, Piece], ...] = tuple(
            (account_id, HostName(name)) for account_id, name in form_state.accounts
        )
        accounts = (*named, (ANONYMOUS, say("Without an account")))
        parts.append(Choice("account", say("Made with the account on"), accounts, form_state.accounts[0][0]))
    goes = say("A password that is shown to you goes to no server.") if form_state.is_generated else WHERE_IT_GOES
    return [*parts, Note.of(goes)]


def _recipients(form_state: FormState) -> list[Part]:
    if form_state.only:
        names = Listing(tuple(Who(one) for one in form_state.only))
        return [Text.of(say("Only for {people}.", people=names))]
    unknown: list[Part] = [Text.of(WARNING_SIGN, CHOOSE)] if form_state.asks_to_choose else []
    return [
        *unknown,
        People(
            "to",
            say("For these people"),
            form_state.to,
            MAX_PEOPLE,
            say("Each gets a secret of their own that only they can open."),
        ),
        Channel(
            "channel",
            say("Or for one channel"),
            form_state.channel,
            say("Whoever opens it first. Neither: just the link."),
        ),
    ]


async def add_text_field(interaction: Interaction, context: ButtonContext[None]) -> Modal:
    """“Add more room”: half as many text fields more. What is typed stays, since the fields keep their names.

    The new state is stored, so that the window can be shown again with as many fields after a restart.
    """
    form_state = state_as_shown(interaction, context)
    text_fields = form_state.text_fields + max(1, form_state.text_fields // 2)
    form_state = replace(form_state, text_fields=min(text_fields, text_fields_for(form_state.max_bytes)))
    return form(form_state, await store_form_state(interaction.services, interaction.person, form_state))


def text_fields_for(size: int) -> int:
    """How many text fields have room for so many bytes. A character has one byte at least."""
    return -(-size // TEXT_FIELD_LENGTH)


def state_as_shown(interaction: Interaction, context: ButtonContext[None]) -> FormState:
    """The stored form state, with as many text fields as the window has now."""
    return replace(FormState.of(context), text_fields=count_text_fields(interaction))


def count_text_fields(interaction: Interaction) -> int:
    return max(1, sum(name.startswith("text") for name in interaction.text_inputs))
