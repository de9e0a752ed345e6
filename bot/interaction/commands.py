"""Buttons that go on with a command, for the people or the channel that it named.

No other text of it is kept than words of a closed list, which a secret cannot be in.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.interaction.feature import Interaction
from bot.screen.parts import Button, Style
from bot.screen.pieces import Phrase, say, say_in
from bot.storage.button_contexts import COMMAND, COMMAND_NAMES, NewButtonContext

WHAT_IT_DOES = say("Share a password or a private note through a link that works once.")
PROMISES = say(
    "Type secrets, passphrases and tokens into windows only, never after `/ots` and never in a message. "
    "Slash commands do not work in threads: use the shortcuts of this app there."
)
RUN = "run_"  # and the name of a verb: the name of an action, which does what `/ots VERB` does


def command_button(label: Phrase, verb: str, ref: str | None = None, style: Style = "plain") -> Button:
    """Does what `/ots VERB` does, for the people or the channel in the button context `ref`."""
    return Button(label, RUN + verb, ref, style)


def start_buttons() -> tuple[Button, ...]:
    """What people come for."""
    return (
        command_button(say_in("the button", "Share"), "share", style="primary"),
        command_button(say_in("the button", "Request"), "request"),
        command_button(say("Open a link"), "retrieve"),
    )


async def go_on_button(interaction: Interaction, label: Phrase, verb: str, words: Sequence[str] = ()) -> Button:
    """A button that runs the verb for whom the command named, with these words."""
    named = [f"<@{one}>" for one in interaction.text.people] + [f"<#{one}>" for one in interaction.text.channels]
    kept = [*words, *named]
    if not kept:
        return command_button(label, verb, style="primary")
    context = NewButtonContext(COMMAND, "-", None, data={COMMAND_NAMES: " ".join(kept)})
    (ref,) = await interaction.services.button_contexts.keep(interaction.person, context)
    return command_button(label, verb, ref, "primary")
