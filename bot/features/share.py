"""`/ots share`: a secret for people, for a channel, or just a link; and what its sender can do with it afterwards.

What sharing has in common with generating and with answering a request is in bot/sharing.
"""

from __future__ import annotations

from bot.interaction.feature import Feature, Handler, Interaction, Verb
from bot.interaction.owners import any_member, own_button_context, own_delivery, own_share
from bot.screen.parts import Modal
from bot.sharing import form, sender_buttons
from bot.sharing.form_state import read_mentions
from bot.sharing.recovery import recover
from bot.sharing.submit import submit
from bot.storage.button_contexts import SHARE_FORM, ButtonContext


async def open_window(interaction: Interaction, _row: None) -> Modal:
    """`/ots share [@person … | #channel]`. Any other text is refused unseen."""
    return await form.open_form(interaction, read_mentions(interaction.text))


async def more_room(interaction: Interaction, context: ButtonContext[None]) -> Modal:
    return form.add_text_field(interaction, context)


FEATURE = Feature(
    name="share",
    verbs=(
        Verb(
            "share",
            "shares a secret that can be opened once",
            "[@person]",
            aliases=("send",),
            handler=Handler(open_window, any_member, opens_window=True),
        ),
    ),
    actions={
        "share_more": Handler(more_room, own_button_context(SHARE_FORM)),
        "share_burn": Handler(sender_buttons.burn, own_delivery),
        "share_burn_ask": Handler(sender_buttons.ask_to_burn, own_delivery, opens_window=True),
        "share_burn_all": Handler(sender_buttons.burn_all, own_share),
        "share_burn_all_ask": Handler(sender_buttons.ask_to_burn_all, own_share, opens_window=True),
        "share_remind": Handler(sender_buttons.remind, own_share),
        "share_copy": Handler(sender_buttons.copy, own_share, opens_window=True),
        "share_link": Handler(sender_buttons.link, own_delivery, opens_window=True),
        "share_passphrase": Handler(sender_buttons.passphrase, own_delivery, opens_window=True),
    },
    forms={
        form.FORM: Handler(submit, own_button_context(SHARE_FORM)),
        "share_burn": Handler(sender_buttons.burn_with_passphrase, own_delivery),
        "share_burn_all": Handler(sender_buttons.burn_all_with_passphrase, own_share),
    },
    recover=recover,
)
