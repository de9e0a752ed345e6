"""The window for sharing a secret: the secret, whom it is for, and a note. “More options” folds out the rest.

Slack keeps what is typed when a window is updated with the same fields. So the same window is updated for everything:
to add a text field, to fold out the options, while the host is asked, and when something has to be corrected. The bot
never sends back a secret or a passphrase. What else is in a field that may go away is kept in the form state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import get_args

from bot.interaction.feature import Interaction
from bot.policy.decide import is_allowed
from bot.screen.parts import (
    CANCEL,
    ONE_MOMENT,
    Button,
    Buttons,
    Channel,
    Choice,
    Field,
    Input,
    Modal,
    Note,
    Part,
    People,
    Text,
)
from bot.screen.pieces import Listing, Phrase, Piece, Sentences, Who, say
from bot.secret import Secret
from bot.sharing.choices import ANONYMOUS, CHANNEL, LINK, PEOPLE, SEND, SHOW
from bot.sharing.form_options import CHANGE, account_of, fold_button, option_parts, password_parts, summary
from bot.sharing.form_state import MAX_NOTE, MAX_PEOPLE, FormState, begin_form_state, store_form_state
from bot.sharing.shown_state import state_as_shown
from bot.status.words import WARNING_SIGN
from bot.storage.button_contexts import ButtonContext
from bot.storage.share_choices import MINE, NO_PASSPHRASE

FORM = "share"
ADD_TEXT_FIELD = "share_more"  # a button
TITLE = say("Share a secret")

TEXT_FIELD_LENGTH = 3_000  # characters of one field: Slack's limit
ROW_WITHIN = 0.25  # seconds

WHERE_IT_GOES = say("What you type goes to Onetime Secret. No message of this app has it, and it is not kept here.")
CHOOSE = say("Slack did not say who is meant by a name that you typed. Please choose below.")
GENERATE_FORM = "generate"
GENERATE_TITLE = say("Generate a password")
WHAT = (
    (SHOW, say("Show it to me")),
    (SEND, say("Send it, or make a link")),
)
WHOM = (
    (PEOPLE, say("People")),
    (CHANNEL, say("A channel")),
    (LINK, say("Just the link")),
)


async def open_form(
    interaction: Interaction, form_state: FormState, *said: Part, texts: Sequence[Secret] = ()
) -> Modal:
    """The window, ready to be shown, with `said` at its top and `texts` in its text fields.

    Its state is stored first, so that nobody can submit it before it is stored.
    """
    storing = asyncio.create_task(begin_form_state(interaction, form_state))
    stored, _ = await asyncio.wait({storing}, timeout=ROW_WITHIN)
    try:
        if not stored:
            name, title = (GENERATE_FORM, GENERATE_TITLE) if form_state.is_generated else (FORM, TITLE)
            await interaction.show(Modal.of(name, title, Text.of(ONE_MOMENT)))
    finally:
        ref, form_state = await storing
    return form(form_state, ref, *said, texts=texts)


def form(
    form_state: FormState,
    ref: str,
    *said: Part,
    at: Mapping[str, Piece] | None = None,
    texts: Sequence[Secret] = (),
) -> Modal:
    """The window. `said` is shown at the top, and each sentence in `at` above the field with its name.

    A sentence for a field that the window does not have is shown at the top, too. `texts` are what the text fields
    start with; Slack keeps them, like all that is typed, when the window is drawn again without them.
    """
    fields = _fields(form_state, ref, texts)
    above = dict(at or {})
    if "passphrase" in above and "passphrase" not in field_names(fields):
        above["passphrase_mode"] = above.pop("passphrase")  # of one that is made up
    others = [Text.of(WARNING_SIGN, one) for name, one in above.items() if name not in field_names(fields)]
    parts: list[Part] = [*said, *others]
    for part in fields:
        sentence = above.get(getattr(part, "name", ""))
        parts += [Text.of(WARNING_SIGN, sentence), part] if sentence else [part]
    if form_state.is_generated:
        return Modal(GENERATE_FORM, GENERATE_TITLE, tuple(parts), ref=ref, submit=say("Generate"), close=CANCEL)
    return Modal(FORM, TITLE, tuple(parts), ref=ref, submit=say("Share"), close=CANCEL)


def field_names(parts: list[Part]) -> frozenset[str]:
    return frozenset(part.name for part in parts if isinstance(part, get_args(Input)))


def unfold_for(form_state: FormState, names: Mapping[str, Piece]) -> FormState:
    """The state of a window that shows all these fields."""
    hidden = names.keys() - field_names(_fields(form_state, ""))
    if "passphrase" in hidden and form_state.choices.passphrase == NO_PASSPHRASE:  # the host wants one
        form_state = replace(form_state, choices=replace(form_state.choices, passphrase=MINE))
    return replace(form_state, is_unfolded=True) if hidden else form_state


def _fields(form_state: FormState, ref: str, texts: Sequence[Secret] = ()) -> list[Part]:
    if form_state.is_generated and form_state.is_shown:
        goes = say("It is generated here and goes to no server.")
        return [_what(form_state), *password_parts(form_state), Note.of(goes)]
    parts = [_what(form_state)] if form_state.is_generated else _text_parts(form_state, texts)
    parts += _recipients(form_state)
    parts.append(_note(form_state))
    parts += option_parts(form_state)
    buttons = [fold_button(form_state, ref)]
    if not form_state.is_generated and form_state.text_fields < text_fields_for(form_state.max_bytes):
        label = say("Add a field for a longer secret")
        buttons.append(Button(say("Add a field"), ADD_TEXT_FIELD, ref, accessibility_label=label))
    goes = _where_it_goes(form_state)
    return [*parts, Buttons(tuple(buttons)), Note.of(Sentences((*summary(form_state), goes)))]


def _where_it_goes(form_state: FormState) -> Phrase:
    if form_state.is_generated:
        if (password := form_state.password) is None:
            if form_state.is_for_people:
                return say("The server generates it, a new one for each person. You do not see it.")
            return say("The server generates it. You do not see it.")
        if not form_state.is_for_people:
            return say("It is generated here: {length}. You do not see it.", length=password.in_words())
        return say(
            "It is generated here, a new one for each person: {length}. You do not see it.", length=password.in_words()
        )
    return WHERE_IT_GOES


def _text_parts(form_state: FormState, texts: Sequence[Secret]) -> list[Part]:
    more = say("The secret, continued without a break")
    names = [say("The secret"), *[more] * (form_state.text_fields - 1)]
    initial = dict(enumerate(texts, 1))
    return [
        Field(
            f"text{number}",
            name,
            max_length=TEXT_FIELD_LENGTH,
            optional=number > 1,
            long=True,
            initial=initial.get(number, ""),
        )
        for number, name in enumerate(names, 1)
    ]


def _what(form_state: FormState) -> Part:
    return Choice("what", say("What to do with it?"), WHAT, SHOW if form_state.is_shown else SEND, CHANGE)


def _recipients(form_state: FormState) -> list[Part]:
    if form_state.only:
        names = Listing(tuple(Who(one) for one in form_state.only))
        return [Text.of(say("Only for {people}.", people=names))]
    unknown: list[Part] = [Text.of(WARNING_SIGN, CHOOSE)] if form_state.asks_to_choose else []
    offered = tuple(one for one in WHOM if one[0] == form_state.whom or _may_be_for(one[0]))
    return [*unknown, Choice("whom", say("Who is it for?"), offered, form_state.whom, CHANGE), *_whom_field(form_state)]


def _may_be_for(whom: str) -> bool:
    """Whether the rules allow it. What is chosen already stays, and is refused with the rule."""
    return is_allowed({CHANNEL: "channels", LINK: "bare_links"}[whom]) if whom in (CHANNEL, LINK) else True


def _whom_field(form_state: FormState) -> list[Part]:
    match form_state.whom:
        case "people":
            hint = say("Each gets a secret of their own that only they can open.")
            return [People("to", say("People"), form_state.to, MAX_PEOPLE, hint, optional=False)]
        case "channel":
            hint = say("The first member who opens it gets it.")
            return [Channel("channel", say("Channel"), form_state.channel, hint, optional=False)]
        case "link":
            return [
                Note.of(say("You get the link. Anybody who has it can open the secret, once.")),
                *_mail_field(form_state),
            ]


def _note(form_state: FormState) -> Field:
    match form_state.whom:
        case "people":
            hint = say("Not secret: the message to them shows it.")
        case "channel":
            hint = say("Not secret: everybody in the channel can read it.")
        case "link":
            hint = say("Not secret: it names the secret in your own lists.")
    return Field("note", say("A note to go with it"), hint, max_length=MAX_NOTE, optional=True, initial=form_state.note)


def _mail_field(form_state: FormState) -> list[Part]:
    """For somebody outside Slack. The server sends mail for accounts only, and the bot never does."""
    if not form_state.is_connected or form_state.is_generated or account_of(form_state) == ANONYMOUS:
        return []
    hint = say("Onetime Secret itself sends the link there. Leave it empty to send the link yourself.")
    label = say("E-mail address of the recipient")
    return [Field("mail_address", label, hint, optional=True, is_mail_address=True, initial=form_state.mail_address)]


async def add_text_field(interaction: Interaction, context: ButtonContext[None]) -> Modal:
    """“Add more room”: half as many text fields more. What is typed stays, since the fields keep their names.

    The new state is stored, so that the window can be shown again with as many fields after a restart.
    """
    form_state = state_as_shown(interaction, context)
    text_fields = form_state.text_fields + max(1, form_state.text_fields // 2)
    return await _change(
        interaction, replace(form_state, text_fields=min(text_fields, text_fields_for(form_state.max_bytes)))
    )


async def fold(interaction: Interaction, context: ButtonContext[None]) -> Modal:
    """“More options” or “Fewer options” was pressed."""
    form_state = state_as_shown(interaction, context)
    return await _change(interaction, replace(form_state, is_unfolded=not form_state.is_unfolded))


async def change(interaction: Interaction, context: ButtonContext[None]) -> Modal:
    """Something was chosen that changes which fields there are."""
    return await _change(interaction, state_as_shown(interaction, context))


async def _change(interaction: Interaction, form_state: FormState) -> Modal:
    ref = await store_form_state(interaction.services, interaction.person, form_state)
    return replace(form(form_state, ref), is_same_form=True)


def text_fields_for(size: int) -> int:
    """How many text fields have room for so many bytes. A character has one byte at least."""
    return -(-size // TEXT_FIELD_LENGTH)
