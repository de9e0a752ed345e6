"""What a person has set about notifications and reminders, in sentences."""

from __future__ import annotations

from bot.screen.pieces import Listing, Mark, Piece, Sentences, say
from bot.status.words import NOTIFICATION_CHOICES, REMINDER_SIGN
from bot.storage.preferences import NotificationPreferences

UNTOLD = say("Without “is opened”, nobody tells you when somebody has read it: only `/ots tracked` shows that.")


def notifications_sentence(prefs: NotificationPreferences) -> Piece:
    wanted = [words for kind, words in NOTIFICATION_CHOICES.items() if kind in prefs.notifications]
    if not wanted:
        return say(
            "No message tells you any more that a secret is opened, burned or expired: only `/ots tracked` shows it."
        )
    said = say("You get a message when a secret that you track {events}.", events=Listing(tuple(wanted), "or"))
    return said if "received" in prefs.notifications else Sentences.of(said, UNTOLD)


def reminders_words(prefs: NotificationPreferences) -> tuple[Piece, ...]:
    """A sign and a sentence."""
    if prefs.reminders:
        return REMINDER_SIGN, say("You are reminded once before an unopened secret expires.")
    return Mark(":no_bell: "), say("You are not reminded before a secret expires.")
