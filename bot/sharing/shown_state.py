"""The state of a window as it is now: what was stored when it was drawn, and what was chosen in it since."""

from __future__ import annotations

from dataclasses import replace

from bot.interaction.feature import Interaction
from bot.interaction.parsed_text import parse_field
from bot.sharing.choices import ANONYMOUS, CHANNEL, LINK, PEOPLE, SHOW, Whom, read_whom
from bot.sharing.form_options import APART, NEWS, can_be_apart
from bot.sharing.form_state import FormState
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
        chosen_is_shown=stored.chosen_is_shown if what is None else what == SHOW,
    )


def count_text_fields(interaction: Interaction) -> int:
    return max(1, sum(name.startswith("text") for name in interaction.text_inputs))


def _mail_address(interaction: Interaction, stored: FormState) -> str:
    typed = interaction.text_inputs.get("mail_address")
    return stored.mail_address if typed is None else parse_field(typed).readable


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
