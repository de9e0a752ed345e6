"""What could never be told is listed without a secret in it, and can be sent again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from bot.__main__ import main
from bot.secret import MetadataKey
from bot.storage import dead_letters
from bot.storage.message_failures import NO_FAILURE, MessageFailure, MessageFailures
from bot.storage.notifications import Notifications
from bot.storage.tables import notifications as table
from bot.storage.tracking.changes import Change
from bot.watch.notifier import MAX_REFUSALS, MAX_TRIES

HOST = "https://eu.onetimesecret.com"
MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def notifications(database, sealer) -> Notifications:
    return Notifications(database, sealer)


async def given_up(tracking, polls, notifications, person, name: str, code: str) -> str:
    """The id of a notification that is a dead letter."""
    key = MetadataKey(f"key{name}0123456789")
    secret, _ = await tracking.track(person, HOST, key, label=name, made_at=MADE, expires_at=None)
    (watch,) = await polls.claim(1, 30)
    await polls.record_poll(watch, [Change(secret.id, "received", notification="received")], next_poll_in=None)
    (notification,) = await notifications.claim(1)
    await notifications.dead_letter(notification, code)
    return str(notification.id)


async def test_what_was_given_up_is_listed_with_its_reason_and_without_its_secret(
    url, tracking, polls, notifications, ada, ben
):
    one = await given_up(tracking, polls, notifications, ada, "canary", "channel_not_found")
    two = await given_up(tracking, polls, notifications, ben, "other", "invalid_blocks")

    said = await dead_letters.list_dead(url)

    first, second, last = said.splitlines()
    assert first.split()[0] == one
    assert second.split()[0] == two
    assert first.endswith(f"received  channel_not_found  {ada.team_id}/{ada.user_id}")
    assert "invalid_blocks" in second
    assert last == "2 could not be sent."
    assert "canary" not in said
    assert "key" not in said


async def test_what_was_given_up_is_sent_again_by_its_id_or_all_of_it(url, tracking, polls, notifications, ada, ben):
    one = await given_up(tracking, polls, notifications, ada, "one", "channel_not_found")
    two = await given_up(tracking, polls, notifications, ben, "two", "invalid_blocks")

    said, unknown = await dead_letters.resend(url, [one, "nobody"])

    assert (said, unknown) == ("nobody  is no dead letter\n1 will be sent again.", 1)
    assert [each.id for each in await notifications.claim(10)] == [one]
    assert await dead_letters.resend(url, None) == ("1 will be sent again.", 0)
    assert [each.id for each in await notifications.claim(10)] == [two]
    assert await notifications.dead_count() == 0


async def test_what_is_sent_again_has_all_its_tries_before_it(url, database, tracking, polls, notifications, ada):
    await given_up(tracking, polls, notifications, ada, "one", "a_code_of_next_year")
    async with database.writing() as connection:
        await connection.execute(update(table).values(tries=MAX_TRIES, refusals=MAX_REFUSALS))

    await dead_letters.resend(url, None)

    (again,) = await notifications.claim(1)
    assert (again.tries, again.refusals) == (1, 0)


async def test_what_recovery_gave_up_is_listed_and_tried_again_too(url, database, tracking, polls, notifications, ada):
    failures = MessageFailures(database)
    one = await given_up(tracking, polls, notifications, ada, "one", "channel_not_found")
    await failures.record("act:one", ada, MessageFailure(5, 5, "a_code_of_next_year"))
    await failures.record("act:two", ada, MessageFailure(1, 1, None))

    said = await dead_letters.list_dead(url)

    assert [line.split()[0] for line in said.splitlines()] == [one, "act:one", "2"]
    assert f"recovery  a_code_of_next_year  {ada.team_id}/{ada.user_id}" in said
    assert await dead_letters.resend(url, ["act:one", "act:two"]) == (
        "act:two  is no dead letter\n1 will be sent again.",
        1,
    )
    assert await failures.find("act:one") == NO_FAILURE
    assert (await failures.find("act:two")).tries == 1


async def test_what_was_not_told_is_known_to_its_person(tracking, polls, notifications, ada, ben):
    await given_up(tracking, polls, notifications, ada, "one", "channel_not_found")
    (secret,) = await tracking.list_of(ada)

    assert (await tracking.unnotified_of(ada)).tracked_ids == {secret.id}
    assert (await tracking.unnotified_of(ben)).tracked_ids == frozenset()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["dead"], 0, "0 could not be sent."),
        (["resend", "--all"], 0, "0 will be sent again."),
        (["resend", "x"], 1, "x  is no dead letter"),
        (["resend"], 78, ""),
        (["resend", "x", "--all"], 78, ""),
    ],
    ids=["dead", "all", "an unknown id", "neither", "both"],
)
def test_the_commands_say_what_they_did(url, monkeypatch, capsys, words, code, says):
    monkeypatch.setenv("DATABASE_URL", url)

    assert main(["notifications", *words]) == code

    assert says in capsys.readouterr().out
