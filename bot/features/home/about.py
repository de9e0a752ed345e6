"""Settings and language, and where help is."""

from __future__ import annotations

from bot.features.home.content import Content
from bot.interaction.commands import PROMISES, command_button
from bot.language import Language
from bot.screen.parts import Button, Buttons, Divider, Heading, Note, Part, Text
from bot.screen.pieces import Mark, Piece, say
from bot.status.buttons import POLICY_OPEN
from bot.status.preference_words import notifications_sentence, reminders_words


def settings(content: Content) -> list[Part]:
    reminders = reminders_words(content.preferences)
    said: tuple[Piece, ...] = (notifications_sentence(content.preferences), Mark("\n"), *reminders)
    language = say("Language: {language}", language=_language(content.language))
    button = command_button(say("Change settings"), "settings")
    return [Divider(), Heading(say("Settings and language")), Text((*said, Mark("\n"), language)), Buttons.of(button)]


def policy(content: Content) -> list[Part]:
    """For the workspace's admins only."""
    if not content.may_be_admin:
        return []
    said = say("As an admin of this workspace you set what people may do with this app.")
    return [Divider(), Heading(say("Policy")), Text.of(said), Buttons.of(Button(say("Open the policy"), POLICY_OPEN))]


def _language(chosen: Language | None) -> Piece:
    return say("As in Slack") if chosen is None else Mark(chosen.own_name)


def help_parts() -> list[Part]:
    button = command_button(say("All commands"), "help")
    return [Divider(), Heading(say("Help")), Note.of(PROMISES), Buttons.of(button)]
