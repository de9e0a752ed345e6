"""Whose language is known, where it comes from, and that a message is never held up by it."""

import pytest

from bot.errors import SlackError, StorageUnavailable
from bot.interaction.languages import FRESH_FOR, Languages
from bot.language import Language
from bot.person import Person
from bot.storage.languages import LanguageChoice, StoredLanguages
from bot.storage.people import PeopleRows

ADA, BEN = Person(None, "T1", "U0ADA"), Person("E1", "T1", "U0BEN")


class Slack:
    """What users.info says, and how often it was asked."""

    def __init__(self):
        self.locales = {ADA: "de-DE", BEN: "pl-PL"}
        self.asked = []
        self.now = 0.0

    async def ask(self, person):
        self.asked.append(person)
        if person not in self.locales:
            raise SlackError("users.info", "user_not_found")
        return self.locales[person]


@pytest.fixture
def slack():
    return Slack()


@pytest.fixture
def stored(database):
    return StoredLanguages(database)


@pytest.fixture
def languages(stored, slack):
    return Languages(stored, slack.ask, lambda: slack.now)


async def test_slack_is_asked_once_and_the_answer_is_kept(languages, stored, slack):
    assert [await languages.of(ADA) for _ in range(3)] == [Language.DE] * 3
    assert (await stored.of(ADA), slack.asked) == (LanguageChoice("de-DE"), [ADA])
    assert await Languages(stored, slack.ask).of(ADA) is Language.DE
    assert slack.asked == [ADA]


async def test_a_language_that_the_bot_does_not_speak_and_somebody_unknown_are_english(languages, slack):
    assert await languages.of(BEN) is Language.EN
    assert await languages.of(Person(None, "T1", "U0GONE")) is Language.EN
    assert languages.known(Person(None, "T1", "U0NEW")) is Language.EN


async def test_what_slack_says_later_counts_from_then_on_but_not_over_a_choice(languages, stored):
    await languages.note(ADA, "fr-FR")
    assert languages.known(ADA) is Language.FR

    await languages.choose(ADA, Language.DE)
    await languages.note(ADA, "en-GB")

    assert (languages.known(ADA), await languages.of(ADA)) == (Language.DE, Language.DE)
    assert await stored.of(ADA) == LanguageChoice("en-GB", Language.DE)
    await languages.choose(ADA, None)
    assert languages.known(ADA) is Language.EN


async def test_a_choice_in_another_process_is_seen_soon(languages, stored, slack):
    await languages.note(ADA, "de-DE")
    await Languages(stored, slack.ask).choose(ADA, Language.FR)

    slack.now += FRESH_FOR + 1

    assert await languages.of(ADA) is Language.FR


async def test_what_slack_says_keeps_a_choice_that_was_made_in_another_process_a_moment_ago(languages, stored, slack):
    await languages.note(ADA, "de-DE")
    await Languages(stored, slack.ask).choose(ADA, Language.FR)

    await languages.note(ADA, "en-GB")

    assert await stored.of(ADA) == LanguageChoice("en-GB", Language.FR)
    assert languages.known(ADA) is Language.FR


async def test_what_slack_says_again_does_not_make_an_old_choice_fresh(languages, stored, slack):
    await languages.note(ADA, "de-DE")
    await Languages(stored, slack.ask).choose(ADA, Language.FR)
    slack.now += FRESH_FOR + 1

    await languages.note(ADA, "de-DE")

    assert await languages.of(ADA) is Language.FR


async def test_those_who_are_known_are_known_at_the_start(languages, stored, slack):
    await languages.note(ADA, "de-DE")

    started = Languages(stored, slack.ask)
    await started.preload()

    assert started.known(ADA) is Language.DE
    assert slack.asked == []


async def test_without_the_database_what_is_remembered_counts(slack):
    class Away:
        async def of(self, *_given):
            raise StorageUnavailable

        set_locale = all = of

    languages = Languages(Away(), slack.ask, lambda: slack.now)  # type: ignore[arg-type]
    await languages.preload()
    await languages.note(ADA, "de-DE")
    slack.now += FRESH_FOR + 1

    assert (await languages.of(ADA), await languages.of(BEN)) == (Language.DE, Language.EN)


async def test_the_language_goes_with_the_person(languages, stored, database):
    await languages.note(ADA, "de-DE")
    await languages.note(BEN, "fr-FR")

    await PeopleRows(database).erase(ADA)

    assert (await stored.of(ADA), await stored.of(BEN)) == (None, LanguageChoice("fr-FR"))
