"""Preferences: who wants to be told what, from the moment on that they say so."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bot.storage.preferences import KINDS, NotificationPreferences, Preferences
from bot.storage.tracking.rows import NotificationKind

ALL = frozenset(KINDS)
NOTHING = NotificationPreferences(frozenset(), reminders=False)
ALWAYS: tuple[NotificationKind, ...] = ("reconnect", "card")  # what is no news of a secret: nobody can switch it off


async def test_who_never_said_anything_is_told_everything(database, ada):
    assert await Preferences(database).of(ada) == NotificationPreferences(ALL, reminders=True)


async def test_what_one_person_said_last_holds_for_that_person(database, ada, ben):
    preferences = Preferences(database)
    await preferences.set(ada, NotificationPreferences(frozenset({"burned"}), reminders=True))

    await preferences.set(ada, NOTHING)

    assert await preferences.of(ada) == NOTHING
    assert await preferences.of(ben) == NotificationPreferences()


async def test_names_are_hidden_from_whoever_said_so_and_while_the_database_does_not_say(database, ada, ben):
    preferences = Preferences(database)
    await preferences.set(ada, NotificationPreferences(names=False))

    assert await preferences.hides_names(ada)
    assert not await preferences.hides_names(ben)
    async with database.writing() as connection:
        await connection.execute(text("DROP TABLE preferences"))
    assert await preferences.hides_names(ben)


@pytest.mark.parametrize("news", [frozenset(), *(frozenset({kind}) for kind in KINDS)], ids=sorted)
@pytest.mark.parametrize("reminders", [True, False])
def test_each_kind_is_wanted_by_itself(news, reminders):
    prefs = NotificationPreferences(news, reminders)

    assert {kind for kind in KINDS if prefs.wants(kind)} == news
    assert prefs.wants("reminder") is reminders
    assert all(prefs.wants(kind) for kind in ALWAYS)


@pytest.mark.parametrize("kind", KINDS)
def test_that_nobody_knows_what_became_of_it_is_for_whoever_wants_any_news(kind):
    assert NotificationPreferences(frozenset({kind})).wants("unknown")
    assert not NotificationPreferences(frozenset()).wants("unknown")
