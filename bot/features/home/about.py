"""Settings and language, what the person did, and where help is."""

from __future__ import annotations

from bot.features.home.content import Content
from bot.interaction.commands import PROMISES, command_button
from bot.language import Language
from bot.screen.parts import Buttons, Divider, Heading, Note, Part, Text
from bot.screen.pieces import Mark, Piece, say
from bot.status.buttons import activity_button
from bot.status.preference_words import notifications_sentence, reminders_words


def settings(content: Content) -> list[Part]:
    reminders = reminders_words(content.preferences)
    said: tuple[Piece, ...] = (notifications_sentence(content.preferences), Mark("\n"), *reminders)
    language = say("Language: {language}", language=_language(content.language))
    buttons = [command_button(say("Change settings"), "settings")]
    if content.is_audited:
        buttons.append(activity_button())
    return [Divider(), Heading(say("Settings and language")), Text((*said, Mark("\n"), language)), Buttons.of(*buttons)]


def _language(chosen: Language | None) -> Piece:
    return say("As in Slack") if chosen is None else Mark(chosen.own_name)


def help_parts() -> list[Part]:
    button = command_button(say("All commands"), "help")
    return [Divider(), Heading(say("Help")), Note.of(PROMISES), Buttons.of(button)]
