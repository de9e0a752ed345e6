"""The rate limits of the emulated Slack, and that response_urls are not on the host of the Web API."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackWorkspace
from bot.sandbox.slack.rate_limits import IN_CHANNEL, LIMITS, SPECIAL, TIER_1, TIER_3, TIER_4
from bot.sandbox.slack.web_api import METHODS, OPEN_CONNECTION
from tests.readme import ROOT


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def workspace(clock: Clock, slacks_own_limits: None) -> AsyncIterator[SlackWorkspace]:
    workspace = SlackWorkspace(clock=clock)
    people = [workspace.person("U0ADA", "ada"), workspace.person("U0BEN", "ben")]
    workspace.channel("C0TEAM", "team", [*people, workspace.bot_user_id])
    await workspace.start()
    yield workspace
    await workspace.stop()


async def until_refused(call: Any, at_most: int = 400) -> tuple[int, SlackApiError]:
    """How many calls were accepted before the first 429, and that answer."""
    for accepted in range(at_most):
        try:
            await call()
        except SlackApiError as error:
            return accepted, error
    raise AssertionError(f"{at_most} calls were accepted")


async def test_a_channel_takes_a_short_burst_and_then_a_message_a_second(
    client: AsyncWebClient, workspace: SlackWorkspace, clock: Clock, ada: Any
) -> None:
    async def post(channel: str = "C0TEAM") -> Any:
        return await client.chat_postMessage(channel=channel, text="Hello")

    accepted, refused = await until_refused(post)

    assert accepted == IN_CHANNEL.burst
    assert (refused.response.status_code, refused.response["error"]) == (429, "ratelimited")
    assert refused.response.headers["Retry-After"] == "1"
    assert len(ada.messages) == accepted
    await post("U0BEN")  # another channel
    clock.now += 1
    await post()
    with pytest.raises(SlackApiError, match="ratelimited"):
        await post()


async def test_a_direct_message_is_one_channel_whatever_it_is_called(
    client: AsyncWebClient, workspace: SlackWorkspace
) -> None:
    dm = workspace.state.open_dm("U0ADA").id

    for name in ["U0ADA", dm] * (IN_CHANNEL.burst // 2):
        await client.chat_postMessage(channel=name, text="Hello")

    for name in ("U0ADA", dm):
        with pytest.raises(SlackApiError, match="ratelimited"):
            await client.chat_postMessage(channel=name, text="Hello")


async def test_messages_are_limited_for_the_whole_workspace_too(
    client: AsyncWebClient, workspace: SlackWorkspace
) -> None:
    for number in range(200):
        workspace.channel(f"C{number}", f"c{number}", [workspace.bot_user_id])
    sent = iter(range(400))

    accepted, _ = await until_refused(lambda: client.chat_postMessage(channel=f"C{next(sent) // 2}", text="Hello"))

    assert accepted == SPECIAL.burst


@pytest.mark.parametrize(("method", "tier", "pause"), [("chat.update", TIER_3, 1.2), ("users.info", TIER_4, 0.6)])
async def test_each_method_has_its_tier_and_leaves_the_others_alone(
    client: AsyncWebClient, workspace: SlackWorkspace, clock: Clock, method: str, tier: Any, pause: float
) -> None:
    ts = (await client.chat_postMessage(channel="C0TEAM", text="Hello"))["ts"]
    calls = {
        "chat.update": lambda: client.chat_update(channel="C0TEAM", ts=ts, text="Hello again"),
        "users.info": lambda: client.users_info(user="U0ADA"),
    }

    accepted, refused = await until_refused(calls.pop(method))

    assert accepted == tier.burst
    assert int(refused.response.headers["Retry-After"]) >= pause
    for other in calls.values():
        await other()
    assert tier.interval == pause


async def test_a_refused_call_has_no_effect_and_does_not_count(
    client: AsyncWebClient, workspace: SlackWorkspace, clock: Clock, ada: Any
) -> None:
    async def post() -> Any:
        return await client.chat_postMessage(channel="U0ADA", text="Hello")

    await until_refused(post)
    for _ in range(5):
        with pytest.raises(SlackApiError, match="ratelimited"):
            await post()
    clock.now += 1

    await post()

    assert len(ada.dm) == IN_CHANNEL.burst + 1


async def test_a_clock_that_is_set_back_gives_no_calls_away(
    client: AsyncWebClient, workspace: SlackWorkspace, clock: Clock
) -> None:
    async def post() -> Any:
        return await client.chat_postMessage(channel="U0ADA", text="Hello")

    await until_refused(post)
    clock.now -= 3600
    with pytest.raises(SlackApiError, match="ratelimited"):
        await post()
    clock.now += 1

    await post()


async def test_connections_of_socket_mode_are_limited(workspace: SlackWorkspace) -> None:
    client = AsyncWebClient(base_url=workspace.api_url, retry_handlers=[])

    accepted, _ = await until_refused(lambda: client.apps_connections_open(app_token=workspace.app_token))

    assert accepted == TIER_1.burst


async def test_the_limits_can_be_switched_off(client: AsyncWebClient, workspace: SlackWorkspace, ada: Any) -> None:
    workspace.rate_limits = False

    for _ in range(20):
        await client.chat_postMessage(channel="U0ADA", text="Hello")

    assert len(ada.dm) == 20


def test_the_limits_are_on_by_default() -> None:
    script = "from bot.sandbox.slack import SlackWorkspace; print(SlackWorkspace().rate_limits)"

    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "True"


def test_every_method_has_a_limit() -> None:
    assert set(LIMITS) == {*METHODS, OPEN_CONNECTION}


async def test_response_urls_are_on_another_host_than_the_web_api(workspace: SlackWorkspace, ada: Any) -> None:
    url = workspace.response_url("commands", ada.id, "C0TEAM")

    async with aiohttp.ClientSession() as session:
        answers = {}
        for base in (url, f"{workspace.api_url.removesuffix('/api/')}{urlsplit(url).path}"):
            async with session.post(base, data=json.dumps({"text": "Hello"})) as answer:
                answers[urlsplit(base).netloc] = answer.status

    assert urlsplit(url).netloc != urlsplit(workspace.api_url).netloc
    assert answers == {urlsplit(url).netloc: 200, urlsplit(workspace.api_url).netloc: 404}
