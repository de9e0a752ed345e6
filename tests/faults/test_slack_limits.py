"""The bot lives within Slack's rate limits: what Slack refuses as too often is done a moment later, and nothing is lost."""

import asyncio

import pytest

from bot.errors import SlackError
from bot.sandbox.slack import SlackFault, SlackWorkspace
from bot.sandbox.slack.rate_limits import IN_CHANNEL, TIER_3
from bot.secret import Secret
from bot.slack.web import MAX_RETRY_AFTER, SlackClient

MESSAGE = {"text": "Hello", "unfurl_links": False, "unfurl_media": False}


@pytest.fixture
async def workspace(slacks_own_limits):
    workspace = SlackWorkspace()
    people = [workspace.person("U0ADA", "ada")]
    workspace.channel("C0TEAM", "team", [*people, workspace.bot_user_id])
    await workspace.start()
    yield workspace
    await workspace.stop()


@pytest.fixture
async def slack(workspace):
    client = SlackClient(Secret(workspace.bot_token), workspace.api_url)
    yield client
    await client.close()


def refused(workspace):
    return [call.method for call in workspace.calls if call.error == "ratelimited"]


async def test_more_messages_than_slack_takes_at_once_arrive_all_the_same(workspace, slack):
    count = IN_CHANNEL.burst + 2

    await asyncio.gather(*(slack.post("C0TEAM", MESSAGE) for _ in range(count)))

    assert len(workspace.messages) == count
    assert refused(workspace)


async def test_more_edits_than_slack_takes_at_once_are_all_made(workspace, slack):
    ts = [await slack.post("C0TEAM", MESSAGE) for _ in range(2)]

    await asyncio.gather(*(slack.update("C0TEAM", one, {"text": "Changed"}) for one in ts * (TIER_3.burst // 2 + 1)))

    assert {message.text for message in workspace.messages} == {"Changed"}
    assert refused(workspace)


@pytest.mark.parametrize("wait", [MAX_RETRY_AFTER + 1, None], ids=["a long wait", "a wait that Slack does not name"])
async def test_a_long_wait_is_left_to_the_caller(workspace, slack, wait):
    workspace.plan("chat.postMessage", SlackFault.rate_limited(wait))

    with pytest.raises(SlackError, match="ratelimited"):
        await slack.post("C0TEAM", MESSAGE)

    assert workspace.messages == []


async def test_a_message_whose_answer_was_lost_is_not_posted_again_here(workspace, slack):
    workspace.plan("chat.postMessage", SlackFault.drop_after())

    with pytest.raises(SlackError, match="connection"):
        await slack.post("C0TEAM", MESSAGE)

    assert len(workspace.messages) == 1
