"""What a list said: when it says the same again, and when not."""

from __future__ import annotations

import dataclasses
import json

import pytest

from bot.onetime.wire import read_entries
from bot.person import Person
from bot.storage.tracking.rows import Watch
from bot.watch import unchanged
from bot.watch.unchanged import UnchangedResponse, UnchangedResponseCache, digest

KEYS = [f"{letter}" * 31 for letter in "abc"]
WATCH = Watch("w" * 22, Person(None, "T1", "U1"), "https://example.com", False, "lease", 0)
LOOK = UnchangedResponse(WATCH, b"answer", until=100.0, youngest=1.0, ends=None)


def said(**changed: object) -> bytes | None:
    fields = {"state": "new", "created": 1, "updated": 1, "ttl": 60, "metadata_ttl": 120, "recipient": []}
    entries = [{"metadata_key": key, **fields} for key in KEYS]
    entries[1] |= changed
    return digest(read_entries(200, {}, json.dumps(entries).encode()))


@pytest.mark.parametrize(
    "changed",
    [
        {"state": "received"},
        {"state": None},
        {"received": 5},
        {"ttl": 61},
        {"created": 2},
        {"metadata_key": "d" * 31},
        {"passphrase_required": True},
        {"secret_ttl": None},
    ],
    ids=str,
)
def test_anything_that_is_read_makes_another_list(changed):
    assert said(**changed) != said()


@pytest.mark.parametrize("changed", [{"metadata_ttl": 119}, {"custid": "other"}], ids=str)
def test_what_is_not_read_does_not(changed):
    assert said(**changed) == said()
    assert said() is not None


@pytest.mark.parametrize("nonsense", [10**30, "\ud800", [[]] * 5, {"a": 10**40}], ids=repr)
def test_nonsense_is_another_list_or_none_that_is_ever_the_same(nonsense):
    assert said(state=nonsense) != said()


def test_a_secret_less_is_another_list():
    entries = [{"metadata_key": key, "state": "new"} for key in KEYS]

    assert digest(read_entries(200, {}, json.dumps(entries).encode())) != digest(
        read_entries(200, {}, json.dumps(entries[1:]).encode())
    )


@pytest.mark.parametrize("other", [{"version": 1}, {"everything": True}, {"zone": "Europe/Paris"}], ids=str)
def test_other_rows_and_other_wishes_are_compared_anew(other):
    memory = UnchangedResponseCache()
    memory.keep(LOOK)

    assert memory.same(WATCH, b"answer", 50) is LOOK
    assert memory.same(dataclasses.replace(WATCH, **other), b"answer", 50) is None
    assert not memory.knows(dataclasses.replace(WATCH, **other), 50)


def test_it_holds_under_another_lease_until_its_time_and_for_the_same_answer_only():
    memory = UnchangedResponseCache()
    memory.keep(LOOK)

    assert memory.same(dataclasses.replace(WATCH, lease="another"), b"answer", 99.9) is LOOK
    assert memory.same(WATCH, b"another", 50) is None
    assert memory.same(WATCH, b"answer", 100.0) is None
    memory.forget(WATCH)
    assert not memory.knows(WATCH, 50)


def test_an_answer_that_has_no_digest_is_never_the_same():
    memory = UnchangedResponseCache()
    memory.keep(LOOK)

    assert memory.same(WATCH, None, 50) is None


def test_the_oldest_makes_room(monkeypatch):
    monkeypatch.setattr(unchanged, "MAX_ENTRIES", 2)
    memory = UnchangedResponseCache()
    watches = [dataclasses.replace(WATCH, id=name * 22) for name in "abc"]
    for watch in watches:
        memory.keep(dataclasses.replace(LOOK, watch=watch))

    assert [memory.knows(watch, 50) for watch in watches] == [False, True, True]
