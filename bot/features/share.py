"""`/ots share`: shares a secret with people, with a channel, or as a link. The code is in bot/sharing."""

from __future__ import annotations

from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply, Verb
from bot.interaction.owners import any_member, own_button_context, own_delivery, own_share
from bot.screen.pieces import say
from bot.sharing import form, form_options, reminder_buttons, sender_buttons, sender_card
from bot.sharing.form_state import read_command
from bot.sharing.recovery import recover
from bot.sharing.resume import resume
from bot.sharing.submit import submit
from bot.storage.button_contexts import SHARE_FORM, ButtonContext

SHORTCUT = "share_secret"


async def open_window(interaction: Interaction, _row: None) -> Reply:
    """`/ots share [@person … | #channel]`, or the shortcut. Any other text is refused and not read."""
    form_state = await read_command(interaction, "share")
    return Reply(await form.open_form(interaction, form_state), Outcome.SHOWN)


async def fold(interaction: Interaction, context: ButtonContext[None]) -> Reply:
    return Reply(await form.fold(interaction, context), Outcome.SHOWN)


async def change(interaction: Interaction, context: ButtonContext[None]) -> Reply:
    return Reply(await form.change(interaction, context), Outcome.SHOWN)


async def add_text_field(interaction: Interaction, context: ButtonContext[None]) -> Reply:
    return Reply(await form.add_text_field(interaction, context), Outcome.SHOWN)


FEATURE = Feature(
    name="share",
    verbs=(
        Verb(
            "share",
            say("shares a secret that can be opened once"),
            say("[@person]"),
            aliases=("send",),
            handler=Handler(open_window, any_member, opens_window=True),
        ),
    ),
    handlers={
        Kind.SHORTCUT: {SHORTCUT: Handler(open_window, any_member, opens_window=True)},
        Kind.ACTION: {
            form.ADD_TEXT_FIELD: Handler(add_text_field, own_button_context(SHARE_FORM)),
            form_options.FOLD: Handler(fold, own_button_context(SHARE_FORM)),
            form_options.CHANGE: Handler(change, own_button_context(SHARE_FORM)),
            sender_card.BURN: Handler(sender_buttons.burn, own_delivery),
            sender_card.ASK_TO_BURN: Handler(sender_buttons.ask_to_burn, own_delivery, opens_window=True),
            sender_card.BURN_ALL: Handler(sender_buttons.burn_all, own_share),
            sender_card.ASK_TO_BURN_ALL: Handler(sender_buttons.ask_to_burn_all, own_share, opens_window=True),
            sender_card.REMIND: Handler(reminder_buttons.ask_when, own_share, opens_window=True),
            sender_card.CANCEL_REMINDER: Handler(reminder_buttons.cancel, own_share),
            sender_card.SHARE_AGAIN: Handler(sender_buttons.share_again, own_share, opens_window=True),
            sender_card.COPY: Handler(sender_buttons.show_instructions, own_share, opens_window=True),
            sender_card.SHOW_LINK: Handler(sender_buttons.show_link, own_delivery, opens_window=True),
            sender_card.SHOW_PASSPHRASE: Handler(sender_buttons.show_passphrase, own_delivery, opens_window=True),
        },
        Kind.FORM: {
            form.FORM: Handler(submit, own_button_context(SHARE_FORM)),
            reminder_buttons.FORM: Handler(reminder_buttons.remind, own_share),
            sender_buttons.BURN_FORM: Handler(sender_buttons.burn_with_passphrase, own_delivery),
            sender_buttons.BURN_ALL_FORM: Handler(sender_buttons.burn_all_with_passphrase, own_share),
        },
    },
    recover=recover,
    resumes={(Kind.FORM, form.FORM): resume},
)
