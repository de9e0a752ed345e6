"""What a bot counts, as Prometheus reads it from its port for operators, and the id that joins the lines of its log."""

import asyncio
import json
import socket

import aiohttp
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from bot import metrics
from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL, SOON, TOKEN, connect
from tests.support.share_window import submit_share

NOTE = "canary-note-of-ada"
LABELS = {
    "kind": metrics.KINDS,
    "method": metrics.SLACK_METHODS,
    "operation": metrics.ONETIME_OPERATIONS,
    "outcome": metrics.OUTCOMES | metrics.SLACK_OUTCOMES | metrics.ONETIME_OUTCOMES | {"sent", "dead"},
    "rule": metrics.DENIALS,
    "key": {"k1"},
}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def counting():
    port = free_port()
    async with World(settings={"ADMIN_PORT": str(port)}) as world:
        world.onetime.add_account(EMAIL, TOKEN)
        yield world, port


async def scrape(port):
    """The samples by name and labels, and the text."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
        assert answer.status == 200
        text = await answer.text()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(one.name, *sorted(one.labels.items())): one.value for one in samples}, text


async def play(world):
    ada, ben = world.workspace.person("U0ADAMET", "ada"), world.workspace.person("U0BENMET", "ben")
    await connect(ada)
    await ada.command("/ots", "share")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Share" and ada.view)
    await submit_share(ada, view, {"text1": "hunter2", "to": [ben.id], "note": NOTE})
    message = await ben.until(lambda: ben.dm and ben.dm[0])
    await ben.click(message, label="Open")
    await ben.until(lambda: ben.view and "hunter2" in ben.view.text)
    guest = world.workspace.person("U0GUESTM", "gus", guest=True)
    await guest.command("/ots", "recent")
    await guest.until(lambda: guest.ephemerals)


async def test_what_was_done_is_counted_and_nothing_names_anybody(counting):
    world, port = counting
    await play(world)

    def value(name, **labels):
        return found.get((name, *sorted(labels.items())), 0)

    async with asyncio.timeout(SOON):
        while True:  # what is opened is counted when its messages are changed, too
            found, text = await scrape(port)
            if value("ots_bot_reveals_total", outcome="opened"):
                break
            await asyncio.sleep(0.1)

    assert value("ots_bot_acks_seconds_count", kind="command") >= 3
    assert value("ots_bot_acts_total", kind="form", outcome="done") >= 1
    assert value("ots_bot_reveals_total", outcome="opened") == 1
    assert value("ots_bot_slack_calls_seconds_count", method="chat.postMessage", outcome="ok") >= 2
    assert value("ots_bot_onetime_calls_seconds_count", operation="share", outcome="ok") == 1
    assert value("ots_bot_onetime_calls_seconds_count", operation="reveal", outcome="ok") == 1
    assert value("ots_bot_denials_total", rule="not_a_member") == 1
    assert value("ots_bot_key_rows", key="k1") > 0
    assert value("ots_bot_database_up") == 1
    for name, *labels in found:
        for label, given in labels:
            assert label == "le" or given in LABELS[label], (name, label)
    for canary in (NOTE, EMAIL, TOKEN, "U0ADAMET", world.workspace.state.team_id, "hunter2", world.onetime.url):
        assert canary not in text


async def test_slack_reaches_no_metrics(counting):
    world, _ = counting
    url = f"http://127.0.0.1:{world.bot.port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 404


async def test_one_id_joins_the_lines_from_a_payload_to_the_last_call():
    async with World() as world:
        await world.onetime.stop()
        ada = world.workspace.person("U0ADALOG", "ada")
        seen = len(world.bot.output)
        await ada.command("/ots", f"metadata {world.onetime.url}/private/{'k' * 31}")
        await ada.until(lambda: ada.ephemerals)
        await asyncio.sleep(0.1)  # a line may wait for others

    lines = [json.loads(line) for line in bytes(world.bot.output[seen:]).decode().splitlines()]
    act = next(line for line in lines if line.get("verb") == "metadata")
    call = next(line for line in lines if line["event"] == "host_unavailable")
    assert act["request"] == call["request"]
    assert len(act["request"]) == 12
    assert ada.id not in act["request"]
