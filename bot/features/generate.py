"""`/ots generate`: a random password. It is shown once to the person, or sent without being shown.

A password that is shown is made up here, without any call: no host ever had it. A password that is sent is made up by
the host, so that not even this bot has it, unless its kind was chosen: hosts give no choice.
"""

from __future__ import annotations

from dataclasses import replace

from bot.interaction.feature import Feature, FieldErrors, Handler, Interaction, Kind, Outcome, Reply, Verb
from bot.interaction.owners import any_member, own_button_context
from bot.screen.parts import DONE, Modal, Note, Revealed
from bot.screen.pieces import say
from bot.sharing import form, submit
from bot.sharing.form_state import read_command
from bot.sharing.resume import resume
from bot.sharing.shown_state import state_as_shown
from bot.storage.button_contexts import SHARE_FORM, ButtonContext

GENERATED_FORM = "generated"

HOW = say("Type `/ots generate`, or name people or one channel after it: `/ots generate @somebody`.")


async def open_form(interaction: Interaction, _row: None) -> Reply:
    """`/ots generate [@person … | #channel]`."""
    form_state = await read_command(interaction, "generate", refusal=HOW)
    return Reply(await form.open_form(interaction, replace(form_state, is_generated=True)), Outcome.SHOWN)


async def generate(interaction: Interaction, context: ButtonContext[None]) -> Reply:
    """“Generate” was pressed."""
    form_state = state_as_shown(interaction, context)
    password = form_state.password
    if password is None or not form_state.is_shown:
        return await submit.submit(interaction, context)
    if any(interaction.pickers.values()):  # in a window from before there were less fields, or not changed yet
        raise FieldErrors({"what": say("To send it to them, choose “Send it”.")})
    if interaction.text_inputs.get("passphrase"):
        raise FieldErrors({"what": say("A passphrase protects what is sent. What is shown to you is kept nowhere.")})
    shown = Modal.of(
        GENERATED_FORM,
        say("Your password"),
        Revealed(password.make_up()),
        Note.of(say("Copy it now: this window is the only copy. It was generated here, and no server has it.")),
        close=DONE,
    )
    return Reply(shown, Outcome.DONE)


FEATURE = Feature(
    name="generate",
    verbs=(
        Verb(
            "generate",
            say("generates a password and shows or sends it"),
            say("[@person]"),
            handler=Handler(open_form, any_member, opens_window=True),
        ),
    ),
    handlers={
        Kind.FORM: {form.GENERATE_FORM: Handler(generate, own_button_context(SHARE_FORM))},
    },
    resumes={(Kind.FORM, form.GENERATE_FORM): resume},
)
