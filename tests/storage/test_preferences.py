"""Preferences: who wants to be told what, from the moment on that they say so."""

from __future__ import annotations

import pytest

from bot.storage.preferences import NEWS, Preferences, Prefs

ALL = frozenset(NEWS)
NOTHING = Prefs(frozenset(), reminders=False)
ALWAYS = ("reconnect", "card")  # what is no news of a secret: nobody can switch it off


async def test_who_never_said_anything_is_told_everything(database, ada):
    assert await Preferences(database).of(ada) == Prefs(ALL, reminders=True)


async def test_what_one_person_said_last_holds_for_that_person(database, ada, ben):
    preferences = Preferences(database)
    await preferences.set(ada, Prefs(frozenset({"burned"}), reminders=True))

    await preferences.set(ada, NOTHING)

    assert await preferences.of(ada) == NOTHING
    assert await preferences.of(ben) == Prefs()


@pytest.mark.parametrize("news", [frozenset(), *(frozenset({kind}) for kind in NEWS)], ids=sorted)
@pytest.mark.parametrize("reminders", [True, False])
def test_each_kind_is_wanted_by_itself(news, reminders):
    prefs = Prefs(news, reminders)

    assert {kind for kind in NEWS if prefs.want(kind)} == news
    assert prefs.want("reminder") is reminders
    assert all(prefs.want(kind) for kind in ALWAYS)


@pytest.mark.parametrize("kind", NEWS)
def test_that_nobody_knows_what_became_of_it_is_for_whoever_wants_any_news(kind):
    assert Prefs(frozenset({kind})).want("unknown")
    assert not Prefs(frozenset()).want("unknown")
