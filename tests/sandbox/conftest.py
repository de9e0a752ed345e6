"""What tests of the emulated Slack share. Each file has its own `workspace`, with the people that it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackWorkspace, WorkspaceMember


@pytest.fixture
async def client(workspace: SlackWorkspace) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(workspace.bot_token, workspace.api_url, session=session, retry_handlers=[])


@pytest.fixture
def ada(workspace: SlackWorkspace) -> WorkspaceMember:
    return workspace.people[0]
