"""The window of a share that was interrupted: it shows what is known, and the form with what was typed."""

from __future__ import annotations

from bot.errors import NotYours
from bot.interaction.feature import Resumption
from bot.interaction.services import Services
from bot.screen.parts import Message, Text
from bot.screen.pieces import Sentences, say
from bot.sharing import form
from bot.sharing.create import CreatedShare
from bot.sharing.form_state import FormState
from bot.sharing.submit import window_of
from bot.status.words import WARNING_SIGN
from bot.storage.acts import Act
from bot.storage.button_contexts import SHARE_FORM

NOTHING_MADE = say("The app was restarted before it began. Nothing was made.")


async def resume(services: Services, act: Act) -> Resumption:
    """After recovery, so every delivery is in a state that is known. The card says the same as the window."""
    try:
        context = await services.button_contexts.find(act.person, SHARE_FORM, act.ref)
    except NotYours:  # too old
        return Resumption()
    form_state = FormState.of(context)
    share = await services.shares.find_by_key(act.person, context.id)
    if share is None:
        form_was_replaced = act.window is not None  # then Slack has dropped what was typed
        kept = say("Please type it again.") if form_was_replaced else say("What you typed is still here.")
        again = form.form(form_state, context.id, Text.of(WARNING_SIGN, Sentences.of(NOTHING_MADE, kept)))
        said = Sentences.of(NOTHING_MADE, say("Please try again."))
        return Resumption(again, Message.of(NOTHING_MADE, Text.of(WARNING_SIGN, said)))
    made = CreatedShare(share, await services.shares.deliveries_of(share.id), is_new=False)
    return Resumption(await window_of(services, act.person, form_state, made, context.id))
