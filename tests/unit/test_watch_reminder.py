"""When an unread secret is worth a reminder: in time, and not at night."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.features.settings import form
from bot.storage.preferences import NotificationPreferences
from bot.watch.schedule import EVENING, MORNING, NIGHT, is_reminder_due, reminder_time
from tests import readme
from tests.support.rows import each_row

MADE = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TEN, TWENTY = 10 * MINUTE, 20 * MINUTE
# Whole, half and quarter hours; summer time of one hour, of half an hour, of two, the other way round; both edges.
PLACES = (
    "Europe/Berlin", "America/New_York", "America/St_Johns", "Asia/Kathmandu", "Asia/Kolkata", "Australia/Lord_Howe",
    "Antarctica/Troll", "Africa/Casablanca", "Europe/Dublin", "Pacific/Apia", "Pacific/Kiritimati", "Pacific/Niue", "UTC",
)  # fmt: skip
ZONES = st.sampled_from(PLACES)
CLOCKS_CHANGE = (1_774_746_000, 1_792_890_000)  # in Europe: 29 March and 25 October 2026
MOMENTS = st.one_of(
    st.integers(1_577_836_800, 2_208_988_800),  # 2020 to 2040
    *(st.integers(change - 2 * 86_400, change + 2 * 86_400) for change in CLOCKS_CHANGE),
).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
LIVES = st.one_of(
    st.timedeltas(timedelta(0), HOUR), st.timedeltas(HOUR, 2 * DAY), st.timedeltas(2 * DAY, timedelta(days=400))
)
LONG_LIVES = LIVES.filter(lambda life: life >= TWENTY)


def at(clock: str, day: int = 24, zone: str = "Europe/Berlin", month: int = 11) -> datetime:
    return datetime.combine(date(2026, month, day), time.fromisoformat(clock), ZoneInfo(zone))


def at_night(moment: datetime, zone: str) -> bool:
    return not 8 <= moment.astimezone(ZoneInfo(zone)).hour < 21


def computed(made_at: datetime, life: timedelta) -> datetime:
    return made_at + life - max(life / 6, TEN)


@pytest.mark.parametrize(
    ("life", "before"),
    [
        pytest.param(6 * DAY, DAY, id="a sixth of its life"),
        pytest.param(HOUR, TEN, id="a sixth is just ten minutes"),
        pytest.param(30 * MINUTE, TEN, id="ten minutes at least"),
        pytest.param(TWENTY, TEN, id="the shortest life with a reminder"),
    ],
)
def test_a_reminder_is_due_before_the_end(life: timedelta, before: timedelta) -> None:
    assert reminder_time(MADE, MADE + life) == MADE + life - before


@pytest.mark.parametrize("life", [TWENTY - timedelta(seconds=1), 5 * MINUTE, timedelta(0), -HOUR], ids=str)
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_what_lives_shorter_than_twenty_minutes_has_none(life: timedelta, zone: str | None) -> None:
    assert reminder_time(MADE, MADE + life, zone) is None
    assert not is_reminder_due(MADE, MADE + life, MADE + life / 2, zone)


@pytest.mark.parametrize("zone", [None, "", "Nowhere/City", "America", "../zone"])
def test_without_a_zone_that_is_known_there_is_no_night(zone: str | None) -> None:
    expires_at = at("03:00")

    assert reminder_time(expires_at - 6 * HOUR, expires_at, zone) == at("02:00")


# A secret that lives so long, until then: when its owner in Berlin is reminded.
NIGHTS = {
    "by day nothing moves": (6 * DAY, at("12:00", 25), at("12:00")),
    "the last moment before the night": (6 * HOUR, at("21:59"), at("20:59")),
    "the first moment of the night waits": (6 * DAY, at("21:00", 25), at("08:00", 25)),
    "the last moment of the night waits": (6 * DAY, at("07:59", 25), at("08:00")),
    "the night is over at eight": (6 * DAY, at("08:00", 25), at("08:00")),
    "after midnight it waits for the same day's morning": (6 * DAY, at("02:00", 25), at("08:00")),
    "just ten minutes are left at eight": (6 * HOUR, at("08:10"), at("08:00")),
    "less are left at eight, and the evening before is too early": (6 * HOUR, at("08:09"), at("07:09")),
    "the evening before": (DAY, at("06:00"), at("20:45", 23)),
    "the evening before is the middle of its life": (18.5 * HOUR, at("06:00"), at("20:45", 23)),
    "the evening before is just in its first half": (18.5 * HOUR - MINUTE, at("06:00"), at("02:55:10")),
    "made at night, over before the morning": (4 * HOUR, at("04:00"), at("03:20")),
    "into summer time": (6 * DAY, at("23:00", 29, month=3), at("08:00", 29, month=3)),
    "out of summer time": (6 * DAY, at("20:30", 25, month=10), at("08:00", 25, month=10)),
    "the evening before, into summer time": (DAY, at("07:30", 29, month=3), at("20:45", 28, month=3)),
    "the evening before, out of it": (DAY, at("07:30", 25, month=10), at("20:45", 24, month=10)),
}


@each_row(("life", "expires_at", "expected"), NIGHTS.values(), ids=NIGHTS)
def test_nobody_is_woken_unless_nothing_else_is_left(life: timedelta, expires_at: datetime, expected: datetime) -> None:
    made_at = expires_at.astimezone(UTC) - life

    found = reminder_time(made_at, made_at + life, "Europe/Berlin")

    assert found is not None
    assert found.astimezone(ZoneInfo("Europe/Berlin")).isoformat() == expected.isoformat()


@given(MOMENTS, LIVES, ZONES)
def test_there_is_one_reminder_in_the_second_half_of_a_life_with_ten_minutes_left(
    made_at: datetime, life: timedelta, zone: str
) -> None:
    found = reminder_time(made_at, made_at + life, zone)

    assert (found is None) == (life < TWENTY)
    if found is not None:
        assert made_at + life / 2 <= found <= made_at + life - TEN


@given(MOMENTS, LONG_LIVES, ZONES)
def test_a_time_by_day_is_kept_and_another_is_moved_to_a_morning_or_an_evening(
    made_at: datetime, life: timedelta, zone: str
) -> None:
    found = reminder_time(made_at, made_at + life, zone)

    assert found is not None
    if not at_night(computed(made_at, life), zone) or at_night(found, zone):
        assert found == computed(made_at, life)
    else:
        clock = found.astimezone(ZoneInfo(zone)).time()
        assert clock == (time(8) if found > computed(made_at, life) else time(20, 45))
        assert abs(found - computed(made_at, life)) < 13 * HOUR


@given(MOMENTS, LONG_LIVES, ZONES)
def test_a_reminder_comes_at_night_only_if_the_whole_time_left_is_night(
    made_at: datetime, life: timedelta, zone: str
) -> None:
    """Found by walking through the night in both directions, which knows nothing of dates."""
    found = reminder_time(made_at, made_at + life, zone)
    assert found is not None
    if not at_night(found, zone):
        return

    while at_night(found, zone):
        found += MINUTE
    assert found > made_at + life - TEN - MINUTE

    found = computed(made_at, life)
    while found.astimezone(ZoneInfo(zone)).time() > time(20, 45) or at_night(found, zone):
        found -= MINUTE
    assert found < made_at + life / 2 + MINUTE


# --- when no poll came in time


@given(MOMENTS, LONG_LIVES, st.one_of(st.none(), ZONES))
def test_it_is_time_from_the_moment_on_that_was_found(made_at: datetime, life: timedelta, zone: str | None) -> None:
    found = reminder_time(made_at, made_at + life, zone)

    assert found is not None
    assert is_reminder_due(made_at, made_at + life, found, zone)
    assert not is_reminder_due(made_at, made_at + life, found - timedelta(microseconds=1), zone)
    assert not is_reminder_due(made_at, made_at + life, made_at + life, zone)


@pytest.mark.parametrize(
    ("now", "is_time"),
    [
        pytest.param(at("12:00"), True, id="the same day"),
        pytest.param(at("20:59"), True, id="before the night"),
        pytest.param(at("21:00"), False, id="in the night it waits"),
        pytest.param(at("07:59", 25), False, id="until the morning"),
        pytest.param(at("08:00", 25), True, id="in the morning"),
        pytest.param(at("21:00", 27), False, id="in the night before the last"),
        pytest.param(at("21:00", 28), True, id="in the last night there is nothing to wait for"),
    ],
)
def test_one_that_is_late_does_not_come_at_night_either(now: datetime, is_time: bool) -> None:
    expires_at = at("08:05", 29).astimezone(UTC)
    made_at = expires_at - 30 * DAY

    assert is_reminder_due(made_at, expires_at, now, "Europe/Berlin") is is_time


# --- what is said of it


def test_the_window_and_the_readme_say_the_hours_that_hold() -> None:
    window, told = str(form(NotificationPreferences(), "Europe/Berlin", None)), readme.section("Track a secret")
    hours = f"etween {NIGHT:%H:%M} and {MORNING:%H:%M}"

    assert hours in window
    assert hours in told.replace("\n", " ")
    assert f"at {EVENING:%H:%M}" in told
