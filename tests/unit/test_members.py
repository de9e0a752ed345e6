"""Who is a member, and where: the table of user objects, and how often and as whom Slack is asked."""

import asyncio
from types import SimpleNamespace

import pytest

from bot.errors import NotAllowed, SlackError
from bot.person import Person
from bot.policy.decide import NO_RULES
from bot.slack.members import Members, is_member, zone_of
from tests.support.rows import each_row

ADA = Person(None, "T1", "U1")
ON_GRID = Person("E1", "T1", "U1")


def user(**more):
    return {"id": "U1", "team_id": "T1", **more}


@pytest.mark.parametrize(
    "flag", ["deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger", "is_workflow_bot"]
)
def test_anybody_flagged_is_refused(flag):
    assert is_member(user(), ADA, "T1", None)
    assert not is_member(user(**{flag: True}), ADA, "T1", None)


def test_somebody_of_another_workspace_is_refused_also_where_slack_does_not_call_them_a_stranger():
    stranger = Person(None, "T2", "U1")

    assert not is_member(user(team_id="T2"), stranger, "T1", None)


def test_a_member_who_claims_to_act_for_another_workspace_is_refused():
    assert not is_member(user(), Person(None, "T2", "U1"), "T1", None)


def test_the_answer_must_be_about_the_person_who_asked():
    assert not is_member(user(id="U2"), ADA, "T1", None)


@pytest.mark.parametrize(
    ("of", "expected"),
    [({"enterprise_id": "E1"}, True), ({"enterprise_id": "E2"}, False), (None, False), ("E1", False)],
)
def test_in_an_organisation_its_own_people_are_members(of, expected):
    assert is_member(user(team_id="T9", enterprise_user=of), ON_GRID, "T1", "E1") is expected


def test_outside_an_organisation_nobody_is_a_member_by_one():
    assert not is_member(user(team_id="T9", enterprise_user={"enterprise_id": None}), ADA, "T1", None)


@each_row(
    ("tz", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("UTC", "UTC"),
        ("Nowhere/City", None),
        ("America", None),
        ("../../etc/passwd", None),
        ("/etc/localtime", None),
        ("Europe/Berlin\0", None),
        ("x" * 5000, None),
        ("\ud800", None),
        ("", None),
        (None, None),
        (7200, None),
        (["Europe/Berlin"], None),
    ],
    ids=ascii,
)
def test_a_time_zone_is_one_that_is_known_here_or_none(tz, zone):
    assert zone_of(user(tz=tz)) == zone


def test_who_has_no_time_zone_has_none():
    assert zone_of(user()) is None


# --- asking Slack


class Slack:
    """A workspace whose app is installed in T1, and the Web API that it is asked through."""

    def __init__(self):
        self.now = 0.0
        self.asked = []
        self.noted = {}
        self.left = set()
        self.guests = set()

    async def require(self, team_id):
        if team_id != "T1":
            raise SlackError("client", "team_not_installed")
        return SimpleNamespace(slack=self, team_id="T1", enterprise_id=None)

    async def note_locale(self, person, locale):
        self.noted[person] = locale

    async def of(self, _person):
        return NO_RULES

    async def user(self, user_id):
        await asyncio.sleep(0)
        self.asked.append(user_id)
        found = user(team_id="T1" if user_id == "U1" else "T2", tz="Europe/Berlin", deleted=user_id in self.left)
        return found | {"id": user_id, "is_restricted": user_id in self.guests}


@pytest.fixture
def slack():
    return Slack()


@pytest.fixture
def members(slack):
    return Members(slack, slack, slack.note_locale, clock=lambda: slack.now)


@pytest.mark.parametrize("became", ["left", "guests"])
async def test_who_was_deactivated_or_became_a_guest_has_left_at_once(slack, members, became):
    await members.require_member(ADA, "T1")
    assert not await members.has_left(ADA, "T1")

    getattr(slack, became).add(ADA.user_id)

    assert await members.has_left(ADA, "T1")


async def test_slack_is_asked_again_after_five_minutes(slack, members):
    for now, times in ((0, 1), (299, 1), (301, 2), (599, 2), (602, 3)):
        slack.now = now

        assert await members.require_member(ADA, "T1") == "Europe/Berlin"
        assert len(slack.asked) == times


async def test_who_has_left_is_refused_five_minutes_later_at_most(slack, members):
    await members.require_member(ADA, "T1")
    slack.left = {"U1"}
    slack.now = 301

    with pytest.raises(NotAllowed):
        await members.require_member(ADA, "T1")
    assert not await members.is_member(ADA)


async def test_several_acts_at_once_ask_slack_once(slack, members):
    assert not members.is_known(ADA, "T1")

    await asyncio.gather(*(members.require_member(ADA, "T1") for _ in range(5)))

    assert slack.asked == ["U1"]
    assert members.is_known(ADA, "T1")


async def test_a_stranger_is_looked_up_by_the_install_that_they_act_in(slack, members):
    stranger = Person(None, "T2", "U2")

    with pytest.raises(NotAllowed):
        await members.require_member(stranger, "T1")
    assert slack.asked == ["U2"]
    assert not await members.is_member(stranger)


async def test_a_member_of_one_workspace_is_asked_about_again_where_they_act_in_another(slack, members):
    await members.require_member(ADA, "T1")

    assert members.known_membership(ADA, "T1")
    assert members.known_membership(ADA, "T2") is None
    with pytest.raises(SlackError):
        await members.require_member(ADA, "T2")


async def test_slack_cannot_be_asked_where_the_app_is_not_installed(members):
    with pytest.raises(SlackError):
        await members.require_member(Person(None, "T2", "U2"), "T2")


async def test_nobody_is_no_member_and_slack_is_not_asked(slack, members):
    with pytest.raises(NotAllowed):
        await members.require_member(Person(None, "T1", ""), "T1")
    assert slack.asked == []
