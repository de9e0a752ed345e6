"""What people come for: share, request, open."""

from __future__ import annotations

from bot.interaction.commands import WHAT_IT_DOES, start_buttons
from bot.screen.parts import Buttons, Part, Text


def parts() -> list[Part]:
    return [Text.of(WHAT_IT_DOES), Buttons(start_buttons())]
