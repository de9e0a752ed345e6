"""`/ots settings`: which notifications of tracked secrets a person gets, and whether they are reminded."""

from __future__ import annotations

from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply, Verb
from bot.interaction.owners import any_member
from bot.screen.parts import Checkboxes, Modal, Note, Plain, Text
from bot.status.words import NOTIFICATION_CHOICES
from bot.storage.preferences import NotificationPreferences

FORM = "settings"
SAVED_FORM = "settings_saved"
TITLE = "Settings"

UNTOLD = "Without “is opened”, nobody tells you when somebody has read it: only `/ots tracked` shows that."
REMINDER = "Remind me once before one expires that nobody has opened"


async def open_form(interaction: Interaction, _row: None) -> Reply:
    """`/ots settings`. The window opens before the settings are read, because its trigger lives 3 seconds."""
    await interaction.show(Modal.of(FORM, TITLE, Text.of("One moment…")))
    prefs = await interaction.services.preferences.of(interaction.person)
    return Reply(form(prefs, interaction.zone), Outcome.SHOWN)


def form(prefs: NotificationPreferences, zone: str | None) -> Modal:
    """What is set now, with boxes to change it."""
    return Modal.of(
        FORM,
        TITLE,
        Checkboxes(
            "news",
            "Send me a message when a secret that I track",
            tuple(NOTIFICATION_CHOICES.items()),
            prefs.notifications,
        ),
        Note.of(UNTOLD),
        Checkboxes("reminders", "Reminders", (("on", REMINDER),), frozenset({"on"} if prefs.reminders else ())),
        _quiet_hours(zone),
        submit="Save",
        close="Cancel",
    )


def _quiet_hours(zone: str | None) -> Note:
    if zone is None:
        return Note.of("Slack does not name your time zone, so a reminder may come at night.")
    return Note.of("Not between 21:00 and 08:00 where you are (", Plain(zone), "), unless no other time is left.")


async def save(interaction: Interaction, _row: None) -> Reply:
    """Save the settings. They also apply to notifications that already wait to be sent."""
    checked = interaction.checkboxes
    prefs = NotificationPreferences.of(
        checked.get("news", frozenset()), reminders="on" in checked.get("reminders", frozenset())
    )
    await interaction.services.preferences.set(interaction.person, prefs)
    saved = Modal.of(
        SAVED_FORM,
        TITLE,
        Text.of(f":white_check_mark: {_notifications_sentence(prefs)}"),
        Text.of(f"{':bell:' if prefs.reminders else ':no_bell:'} {_reminders_sentence(prefs)}"),
        close="Done",
    )
    return Reply(saved, Outcome.DONE)


def _notifications_sentence(prefs: NotificationPreferences) -> str:
    wanted = [words for kind, words in NOTIFICATION_CHOICES.items() if kind in prefs.notifications]
    if not wanted:
        return "No message tells you any more what became of a secret: only `/ots tracked` shows that."
    said = f"You get a message when a secret that you track {_join_words(wanted)}."
    return said if "received" in prefs.notifications else f"{said} {UNTOLD}"


def _reminders_sentence(prefs: NotificationPreferences) -> str:
    if prefs.reminders:
        return "You are reminded once before one expires that nobody has opened."
    return "You are not reminded before one expires."


def _join_words(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


FEATURE = Feature(
    name="settings",
    verbs=(
        Verb(
            "settings",
            "chooses what you are told",
            aliases=("preferences",),
            handler=Handler(open_form, any_member, opens_window=True),
        ),
    ),
    handlers={
        Kind.FORM: {FORM: Handler(save, any_member)},
    },
)
