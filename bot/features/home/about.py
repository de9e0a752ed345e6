"""Settings and language, what the person did, and where help is."""

from __future__ import annotations

from bot.features.home.content import Content
from bot.interaction.commands import PROMISES, command_button
from bot.language import Language
from bot.screen.parts import Button, Buttons, Confirm, Divider, Heading, Note, Part, Text
from bot.screen.pieces import Mark, Piece, say
from bot.status.buttons import ERASE_ME, LEFT_OPEN, POLICY_OPEN, activity_button
from bot.status.preference_words import notifications_sentence, reminders_words


def settings(content: Content) -> list[Part]:
    reminders = reminders_words(content.preferences)
    said: tuple[Piece, ...] = (notifications_sentence(content.preferences), Mark("\n"), *reminders)
    language = say("Language: {language}", language=_language(content.language))
    buttons = [command_button(say("Change settings"), "settings")]
    if content.is_audited:
        buttons.append(activity_button())
    buttons.append(_erase_button())
    return [Divider(), Heading(say("Settings and language")), Text((*said, Mark("\n"), language)), Buttons.of(*buttons)]


def _erase_button() -> Button:
    question = say(
        "This app forgets your accounts, what you track, and your settings. What you shared stays for whom you shared "
        "it with, until it expires. Nothing is burned."
    )
    confirm = Confirm(say("Erase your data?"), question, say("Erase"))
    return Button(say("Erase my data"), ERASE_ME, style="danger", confirm=confirm)


def for_admins(content: Content) -> list[Part]:
    """Empty for everybody else."""
    if not content.may_be_admin:
        return []
    said = say("You set what people of this workspace may do with this app, and burn secrets of people who left it.")
    buttons = Buttons.of(
        Button(say("Open the policy"), POLICY_OPEN), Button(say("Secrets of people who left"), LEFT_OPEN)
    )
    return [Divider(), Heading(say("For admins")), Text.of(said), buttons]


def _language(chosen: Language | None) -> Piece:
    return say("As in Slack") if chosen is None else Mark(chosen.own_name)


def help_parts() -> list[Part]:
    button = command_button(say("All commands"), "help")
    return [Divider(), Heading(say("Help")), Note.of(PROMISES), Buttons.of(button)]
