"""`python -m tests.support.every_kind_bot run`: the real bot, with one more feature that handles each kind of payload.

No feature of the bot uses all kinds yet. The one here takes the place of the Home tab's, and shows that each kind reaches its handler. Every handler sends
the person what it was given, as one line of JSON.
"""

from __future__ import annotations

import json
import runpy

import bot.wiring
from bot.features import FEATURES, Registry
from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply
from bot.interaction.owners import any_member
from bot.screen.parts import Message, Modal, Text
from bot.screen.pieces import Mark

COLOURS = ("red", "green", "blue")


async def say_what_came(interaction: Interaction, _row: None) -> Reply:
    return Reply(Message.of(Mark(describe(interaction))), Outcome.SHOWN)


async def tell_what_came(interaction: Interaction, _row: None) -> Reply:
    await interaction.tell(Message.of(Mark(describe(interaction))))
    return Reply(None, Outcome.DONE)


async def open_window(interaction: Interaction, _row: None) -> Reply:
    return Reply(Modal.of("note", Mark("Reached"), Text.of(Mark(describe(interaction)))), Outcome.SHOWN)


async def find_colours(interaction: Interaction, _row: None) -> Reply:
    found = tuple((one, Mark(one.title())) for one in COLOURS if one.startswith(interaction.text.readable))
    return Reply(None, Outcome.SHOWN, options=found)


async def forget(_interaction: Interaction, _row: None) -> Reply:
    return Reply(None, Outcome.DONE)


def describe(interaction: Interaction) -> str:
    """What the handler was given: the text, the channel and time stamp of the message, what was entered."""
    return json.dumps({
        "text": interaction.text.readable,
        "message": list(interaction.message or ())[1:],
        "inputs": {name: value.reveal() for name, value in interaction.text_inputs.items()},
    })  # fmt: skip


FEATURE = Feature(
    "every_kind",
    handlers={
        Kind.COMMAND: {"kinds": Handler(say_what_came, any_member)},
        Kind.ACTION: {
            "kinds_say": Handler(say_what_came, any_member),
            "kinds_open": Handler(open_window, any_member, opens_window=True),
        },
        Kind.FORM: {"kinds": Handler(tell_what_came, any_member)},
        Kind.CLOSED: {"kinds": Handler(tell_what_came, any_member)},
        Kind.SHORTCUT: {"kinds": Handler(open_window, any_member, opens_window=True)},
        Kind.MESSAGE_SHORTCUT: {"kinds": Handler(say_what_came, any_member)},
        Kind.EVENT: {
            "app_home_opened": Handler(tell_what_came, any_member),
            "app_uninstalled": Handler(forget, any_member, needs_member=False),
        },
        Kind.OPTIONS: {"kinds": Handler(find_colours, any_member)},
        Kind.FUNCTION: {"kinds": Handler(tell_what_came, any_member)},
    },
)


if __name__ == "__main__":
    others = [one for one in FEATURES if one.name not in ("home", "leaving")]  # which handle the same events
    vars(bot.wiring)["Registry"] = lambda: Registry((*others, FEATURE))
    runpy.run_module("bot", run_name="__main__", alter_sys=True)
