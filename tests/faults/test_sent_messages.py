"""The walk over all messages of a test run, which tests/conftest.py makes after each test, finds what it is for."""

import json
from unittest.mock import patch

import aiohttp
import pytest

from bot.sandbox.slack import SentPayload, SlackWorkspace
from bot.sandbox.world import World
from tests.support import sent_messages
from tests.support.rows import each_row

QUIET = {"text": "hello", "unfurl_links": False, "unfurl_media": False}


@each_row("method", ["chat.postMessage", "chat.postEphemeral", "response_url", "ack /ots"])
@each_row(
    "change",
    [{"unfurl_links": True}, {"unfurl_media": True}, {"unfurl_links": None}, {"link_names": True}, {"parse": "full"}],
)
def test_a_message_that_makes_slack_act_is_found(method, change):
    assert sent_messages.would_act(SentPayload(method, QUIET, "ok")) == []

    assert len(sent_messages.would_act(SentPayload(method, QUIET | change, "ok"))) == 1


def test_an_edit_unfurls_nothing_and_may_not_make_names_live():
    assert sent_messages.would_act(SentPayload("chat.update", {"text": "hello"}, "ok")) == []
    assert sent_messages.would_act(SentPayload("chat.update", {"text": "hello", "link_names": 1}, "ok")) != []


@pytest.mark.parametrize("way", ["a call", "a response_url"])
async def test_what_reaches_the_emulated_slack_is_looked_at(way):
    workspace = SlackWorkspace()
    await workspace.start()
    ada = workspace.person("U0ADA", "ada")
    url = workspace.response_url("commands", ada.id, workspace.state.open_dm(ada.id).id)
    target = url if way == "a response_url" else f"{workspace.api_url}chat.postMessage"
    headers = {"Authorization": f"Bearer {workspace.bot_token}", "Content-Type": "application/json"}

    async with aiohttp.ClientSession() as session:
        await session.post(target, data=json.dumps({"channel": ada.id, "text": "hello"}), headers=headers)
    await workspace.stop()

    assert len(sent_messages.take()) == 2
    assert "hello" in ada.sees()


async def test_an_answer_to_a_command_is_looked_at():
    async with World() as world:
        ada = world.workspace.person("U0ADA", "ada")
        with patch.object(sent_messages, "would_act", return_value=["looked at"]):
            await ada.command("/ots", "help")
            await ada.until(ada.sees)

    assert set(sent_messages.take()) == {"looked at"}
