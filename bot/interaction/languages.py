"""In which language to speak to a person: as they chose in the settings, else as Slack says, else English."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from cachetools import LRUCache

from bot.errors import SlackError, StorageUnavailable
from bot.language import Language
from bot.logs import Log
from bot.person import Person
from bot.storage.languages import LanguageChoice, StoredLanguages

MAX_PEOPLE = 50_000  # whose languages are remembered
# Seconds; for so long, and for the next thing that the person does, a choice that was made in another process may go
# unnoticed.
FRESH_FOR = 10.0

AskLocale = Callable[[Person], Awaitable[str | None]]  # the locale that Slack says; raises `SlackError`

log = Log("languages")


class Languages:
    """Remembers the language of each person. Raises nothing, except where it says so: a message may be in English."""

    def __init__(
        self, stored: StoredLanguages, ask_locale: AskLocale, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stored = stored
        self._ask_locale = ask_locale
        self._clock = clock
        self._known: LRUCache[Person, tuple[LanguageChoice, float]] = LRUCache(MAX_PEOPLE)

    async def preload(self) -> None:
        """Remember whom the database knows, so that a window that has to open at once is in the right language."""
        try:
            for person, choice in (await self._stored.all(MAX_PEOPLE)).items():
                self._remember(person, choice)
        except StorageUnavailable as error:
            log.info("languages_not_read", error=str(error))

    def known(self, person: Person) -> Language:
        """The language as far as it is known without asking anybody; English for somebody unknown."""
        known = self._known.get(person)
        return known[0].language if known else Language.EN

    async def of(self, person: Person) -> Language:
        """The language of anybody, also of somebody who never used the bot: then Slack is asked."""
        known = self._known.get(person)
        if known is not None and self._clock() - known[1] < FRESH_FOR:
            return known[0].language
        try:
            return (await self.choice_of(person)).language
        except StorageUnavailable:
            return self.known(person)
        except SlackError as error:
            log.info("locale_not_asked", error=str(error))
            return Language.EN

    async def choice_of(self, person: Person) -> LanguageChoice:
        """Raises `StorageUnavailable`, and `SlackError` for somebody about whom Slack has to be asked."""
        choice = await self._stored.of(person)
        if choice is None:
            choice = await self._stored.set_locale(person, await self._ask_locale(person))
        self._remember(person, choice)
        return choice

    async def note(self, person: Person, locale: str | None) -> None:
        """Slack has said this locale, just now."""
        known = self._known.get(person)
        try:
            choice = known[0] if known else await self._stored.of(person)
            if choice is None or choice.locale != locale:
                self._remember(person, await self._stored.set_locale(person, locale))
            elif known is None:
                self._remember(person, choice)
        except StorageUnavailable:  # the next time
            if known is None:
                self._remember(person, LanguageChoice(locale))

    async def choose(self, person: Person, language: Language | None) -> None:
        """The person wants this language; None: the one that Slack says. Raises `StorageUnavailable`."""
        self._remember(person, await self._stored.set_chosen(person, language))

    def _remember(self, person: Person, choice: LanguageChoice) -> None:
        self._known[person] = choice, self._clock()
