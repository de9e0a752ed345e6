"""The doctor where workspaces install the app by OAuth: the credentials of the app are tried, and no token."""

import asyncio
import json
import os
import sys

import pytest
import pytest_asyncio

from bot.sandbox.slack import SlackWorkspace
from bot.sandbox.slack.slack_platform import CLIENT_SECRET
from tests.support.many_world import ManyWorld

CANARY = "a-client-secret-of-nobody"


@pytest_asyncio.fixture
async def world():
    async with ManyWorld([SlackWorkspace()]) as started:
        yield started


async def examine(world, **changed):
    """The findings by their check, and all that was printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "doctor", "--json",
        env=os.environ | world.settings() | changed, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    findings = json.loads(said)
    return findings if isinstance(findings, list) else findings["findings"], said.decode()


def bad(findings):
    return [(one["check"], one["says"], one["remedy"]) for one in findings if one["result"] in ("failed", "warning")]


async def test_a_sound_installation_has_no_failure(world):
    findings, said = await examine(world)

    assert bad(findings) == []
    assert "credentials of the app are accepted" in said
    assert CLIENT_SECRET not in said


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"SLACK_CLIENT_SECRET": CANARY}, "refuses the credentials of the app (bad_client_secret)"),
        ({"SLACK_CLIENT_SECRET": ""}, "SLACK_CLIENT_SECRET is missing"),
        ({"SLACK_CLIENT_ID": ""}, "SLACK_CLIENT_ID is missing"),
        ({"SLACK_BOT_TOKEN": "xoxb-1-2-three"}, "eave out one or the other"),
        ({"INSTALL_ALLOWED": "acme"}, "INSTALL_ALLOWED"),
    ],
    ids=["wrong secret", "no secret", "no id", "a bot token too", "a name for an id"],
)
async def test_each_mistake_is_named(world, changed, says):
    findings, said = await examine(world, **changed)

    assert [one for one in bad(findings) if says in " ".join(one)], bad(findings)
    assert CANARY not in said
