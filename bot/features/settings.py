"""`/ots settings`: which notifications of tracked secrets a person gets, with which words, and the language."""

from __future__ import annotations

from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply, Verb
from bot.interaction.owners import any_member
from bot.language import Language, read_language
from bot.screen.parts import CANCEL, DONE, ONE_MOMENT, Checkboxes, Choice, Modal, Note, Text
from bot.screen.pieces import Mark, Piece, Plain, say
from bot.status.preference_words import UNTOLD, notifications_sentence, reminders_words
from bot.status.words import DONE_SIGN, NOTIFICATION_CHOICES
from bot.storage.preferences import NotificationPreferences

FORM = "settings"
SAVED_FORM = "settings_saved"
TITLE = say("Settings")
AS_IN_SLACK = "slack"  # the value of the choice that takes the language from Slack

NAMES = say("Name the secret in push notifications, such as on a lock screen")
NAMELESS = say("Push notifications say “a secret” and not which. The messages in Slack still name it.")
REMINDER = say("Remind me once before an unopened secret expires")


async def open_form(interaction: Interaction, _row: None) -> Reply:
    """`/ots settings`. The window opens before the settings are read, because its trigger lives 3 seconds."""
    await interaction.show(Modal.of(FORM, TITLE, Text.of(ONE_MOMENT)))
    prefs = await interaction.services.preferences.of(interaction.person)
    language = await interaction.services.languages.choice_of(interaction.person)
    return Reply(form(prefs, interaction.zone, language.chosen), Outcome.SHOWN)


def form(prefs: NotificationPreferences, zone: str | None, language: Language | None) -> Modal:
    """What is set now, with boxes to change it."""
    return Modal.of(
        FORM,
        TITLE,
        Checkboxes(
            "news",
            say("Send me a message when a secret that I track"),
            tuple(NOTIFICATION_CHOICES.items()),
            prefs.notifications,
        ),
        Note.of(UNTOLD),
        Checkboxes("reminders", say("Reminders"), (("on", REMINDER),), frozenset({"on"} if prefs.reminders else ())),
        _quiet_hours(zone),
        Checkboxes("names", say("Names"), (("on", NAMES),), frozenset({"on"} if prefs.names else ())),
        Note.of(say("If not, push notifications say “a secret”. The messages in Slack still name it.")),
        Choice("language", say("Language"), _languages(), language or AS_IN_SLACK),
        submit=say("Save"),
        close=CANCEL,
    )


def _languages() -> tuple[tuple[str, Piece], ...]:
    """Each language by its own name, which its readers find in any language."""
    return (AS_IN_SLACK, say("As in Slack")), *((one.value, Mark(one.own_name)) for one in Language)


def _quiet_hours(zone: str | None) -> Note:
    if zone is None:
        return Note.of(say("Slack does not name your time zone, so a reminder may come at night."))
    return Note.of(
        say("Not between 21:00 and 08:00 where you are ({zone}), unless no other time is left.", zone=Plain(zone))
    )


async def save(interaction: Interaction, _row: None) -> Reply:
    """Save the settings. They also apply to notifications that already wait to be sent."""
    checked = interaction.checkboxes
    before = await interaction.services.preferences.of(interaction.person)
    names = "on" in checked["names"] if "names" in checked else before.names  # a window from before has no such field
    prefs = NotificationPreferences.of(
        checked.get("news", frozenset()),
        reminders="on" in checked.get("reminders", frozenset()),
        names=names,
    )
    await interaction.services.preferences.set(interaction.person, prefs)
    if (chosen := interaction.selects.get("language")) is not None:  # a window from before has no such field
        await interaction.services.languages.choose(interaction.person, read_language(chosen))
    saved = Modal.of(
        SAVED_FORM,
        TITLE,
        Text.of(DONE_SIGN, notifications_sentence(prefs)),
        Text(reminders_words(prefs)),
        *(() if prefs.names else (Text.of(Mark(":lock: "), NAMELESS),)),
        close=DONE,
    )
    return Reply(saved, Outcome.DONE)


FEATURE = Feature(
    name="settings",
    verbs=(
        Verb(
            "settings",
            say("sets your notifications and your language"),
            aliases=("preferences",),
            handler=Handler(open_form, any_member, opens_window=True),
        ),
    ),
    handlers={
        Kind.FORM: {FORM: Handler(save, any_member)},
    },
)
