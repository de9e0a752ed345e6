"""The state of a window as it is now: what was stored when it was drawn, and what was chosen in it since."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from bot.interaction.feature import Interaction
from bot.interaction.parsed_text import parse_field
from bot.onetime.wire import is_address
from bot.secret import Secret
from bot.sharing.choices import ANONYMOUS, CHANNEL, LINK, PEOPLE, SERVER, SHOW, Whom, read_whom
from bot.sharing.form_options import APART, KIND, NEWS, can_be_apart, length_field
from bot.sharing.form_state import FormState
from bot.sharing.passwords import LENGTHS, PASSWORD_KINDS, PasswordKind
from bot.storage.button_contexts import ButtonContext
from bot.storage.share_choices import GENERATE, MINE, PassphraseMode, ShareChoices, read_passphrase_mode


def state_as_shown(interaction: Interaction, context: ButtonContext[None]) -> FormState:
    stored = FormState.of(context)
    pickers = interaction.pickers
    what = interaction.selects.get("what")
    return replace(
        stored,
        text_fields=count_text_fields(interaction),
        chosen_whom=_whom(interaction, stored),
        to=pickers.get("to", stored.to),
        channel=next(iter(pickers["channel"]), None) if "channel" in pickers else stored.channel,
        has_passphrase_field=bool(interaction.text_inputs.get("passphrase")),
        choices=_choices(interaction, stored),
        mail_address=_mail_address(interaction, stored),
        note=_note(interaction, stored),
        chosen_kind=_kind(interaction, stored),
        chosen_length=_length(interaction, stored),
        chosen_is_shown=stored.chosen_is_shown if what is None else what == SHOW,
    )


def count_text_fields(interaction: Interaction) -> int:
    return max(1, sum(name.startswith("text") for name in interaction.text_inputs))


def _mail_address(interaction: Interaction, stored: FormState) -> str:
    """The address that is in the field, or was. Half an address is not kept: Slack may refuse a field that has one."""
    if (typed := interaction.text_inputs.get("mail_address")) is None:
        return stored.mail_address
    address = parse_field(typed).readable
    return address if is_address(Secret(address)) else ""


def _note(interaction: Interaction, stored: FormState) -> str:
    """The note, which goes away while a generated password is to be shown. Any other window keeps its field."""
    typed = interaction.text_inputs.get("note") if stored.is_generated else None
    return stored.note if typed is None else parse_field(typed).readable


def _kind(interaction: Interaction, stored: FormState) -> PasswordKind | Literal["server"] | None:
    """The kind of password that was chosen. What the window itself had chosen is no choice of the person."""
    chosen = interaction.selects.get(KIND)
    shown = stored.password.kind if stored.password else SERVER
    if chosen is None or chosen == shown:
        return stored.chosen_kind
    return next((kind for kind in PASSWORD_KINDS if kind == chosen), SERVER)


def _length(interaction: Interaction, stored: FormState) -> int | None:
    """The length that was chosen for the kind that was shown. The next kind has its own usual length."""
    if stored.password is None or KIND not in interaction.selects:
        return stored.chosen_length
    if interaction.selects[KIND] != stored.password.kind:
        return None
    chosen = interaction.selects.get(length_field(stored.password.kind), "")
    return next((one for one in LENGTHS[stored.password.kind] if str(one) == chosen), stored.chosen_length)


def _whom(interaction: Interaction, stored: FormState) -> Whom | None:
    if (chosen := interaction.selects.get("whom")) is not None:
        return read_whom(chosen)
    if "to" in interaction.pickers and "channel" in interaction.pickers:  # a window from before there was this choice
        return CHANNEL if interaction.pickers["channel"] else PEOPLE if interaction.pickers["to"] else LINK
    return stored.chosen_whom


def _choices(interaction: Interaction, stored: FormState) -> ShareChoices:
    """What was chosen. For what the window does not show, the choice that is stored stays."""
    choices = stored.choices
    ttl = interaction.selects.get("ttl", "")
    boxes = interaction.checkboxes.get("options")
    account = interaction.selects.get("account")
    return ShareChoices(
        ttl=next((life for life in stored.lives if str(life) == ttl), choices.ttl),
        passphrase=_passphrase_mode(interaction, choices),
        apart=choices.apart if boxes is None else APART in boxes or (choices.apart and not can_be_apart(stored)),
        news=choices.news if boxes is None else NEWS in boxes,
        site=choices.site if account is None else _site(stored, account),
    )


def _passphrase_mode(interaction: Interaction, choices: ShareChoices) -> PassphraseMode:
    if (chosen := interaction.selects.get("passphrase_mode")) is not None:
        return read_passphrase_mode(chosen)
    if GENERATE in interaction.checkboxes.get("options", frozenset()):  # in a window from before there was this choice
        return GENERATE
    return MINE if interaction.text_inputs.get("passphrase") else choices.passphrase


def _site(stored: FormState, account: str) -> str | None:
    return ANONYMOUS if account == ANONYMOUS else next((name for one, name in stored.accounts if one == account), None)
