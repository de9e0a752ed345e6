"""The languages that the bot speaks to people. Its log, its command line and the manifest are English."""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """A language with a complete catalogue in bot/locales. The value is its code in ISO 639-1."""

    EN = "en"
    DE = "de"
    FR = "fr"

    @property
    def own_name(self) -> str:
        """The name that its speakers know it by."""
        return _OWN_NAMES[self]


_OWN_NAMES = {Language.EN: "English", Language.DE: "Deutsch", Language.FR: "Français"}


def read_language(locale: object) -> Language | None:
    """The language of a locale in Slack's spelling ("de-DE"); None where the bot does not speak it."""
    if not isinstance(locale, str):
        return None
    code = locale.replace("_", "-").partition("-")[0].lower()
    return next((language for language in Language if language == code), None)
