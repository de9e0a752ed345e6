"""Only what Slack signed is read, and what Bolt would answer by itself is answered as Slack expects."""

import asyncio
import json
import time
import zlib
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from bot.sandbox.slack import SlackFault
from bot.sandbox.slack.deliver import sign
from bot.sandbox.world import World
from tests.journeys.conftest import somebody
from tests.journeys.test_dispatcher import CANARY, KNOWN, Log, command, send, signed
from tests.support.rows import each_row
from tests.support.waiting import eventually

MIB = 1024 * 1024
ANOTHER = "another-secret-0123456789"


@pytest_asyncio.fixture(loop_scope="session")
async def marked(world):
    """The world, and what the bot writes from here on."""
    log = Log(world)
    await log.complete()
    return world, Log(world)


# --- nothing is done for a request that is not signed


@each_row("headers", [[], [b"X-Slack-Signature: v0=" + b"a" * 64], [b"X-Slack-Request-Timestamp: 1"]],
          ids=["none", "no time", "no signature"])  # fmt: skip
async def test_without_a_signature_the_body_is_not_waited_for(world, headers):
    announced = f"Content-Length: {MIB}".encode()

    reader, writer = await send(world.bot.port, [announced, *headers], finish=False)

    assert (await reader.readline()).split()[1] == b"401"
    writer.close()


@each_row("body", [b"payload=" + b"[" * 200_000, b"[" * MIB, b"&" * MIB, b"a=%" * 300_000, b"\xff" * MIB],
          ids=["deep", "deep without a name", "fields", "percent signs", "no text"])  # fmt: skip
async def test_a_forged_body_is_not_decoded(marked, body):
    world, log = marked

    status, _ = await send(world.bot.port, signed(world, body, secret=ANOTHER), body)

    assert status == 401
    await log.complete()
    assert '"reason": "forged"' in log.raw.decode()
    assert "bad_body" not in log.events


async def test_a_compressed_body_is_checked_as_it_came(marked):
    world, log = marked
    body = zlib.compress(command(world, CANARY) + b"&" * 900 * MIB)
    compressed = b"Content-Encoding: deflate"

    forged, _ = await send(world.bot.port, [*signed(world, body, secret=ANOTHER), compressed], body)
    right, _ = await send(world.bot.port, [*signed(world, body), compressed], body)

    assert (forged, right) == (401, 400)
    await log.complete()
    assert log.events == ["bad_signature", "bad_body"]


@each_row("twice", [b"X-Slack-Signature", b"X-Slack-Request-Timestamp"])
@each_row("order", [1, -1], ids=["right one first", "right one last"])
async def test_a_header_in_two_lines_is_no_signature(marked, twice, order):
    world, log = marked
    body = command(world, CANARY)
    headers = signed(world, body)
    (right,) = (one for one in headers if one.startswith(twice))
    wrong = right[:-1] + (b"0" if right[-1:] != b"0" else b"1")
    others = [one for one in headers if one != right]

    for pair in ([right, wrong], [right, right]):
        status, _ = await send(world.bot.port, [*others, *pair[::order]], body)

        assert status == 401
    await log.complete()
    assert CANARY.encode() not in log.raw


# --- a wrong clock is told from a forgery


@each_row("away", [-600, 600, -3600 * 24 * 365])
async def test_a_wrong_clock_is_named_in_the_log(marked, away):
    world, log = marked
    body = command(world, CANARY)
    stamp = str(int(time.time()) + away)

    status, _ = await send(world.bot.port, signed(world, body, at=stamp), body)
    forged, _ = await send(world.bot.port, signed(world, body, at=stamp, secret=ANOTHER), body)

    assert (status, forged) == (401, 401)
    await log.complete()
    reasons = [json.loads(line)["reason"] for line in log.raw.splitlines()[-2:]]
    assert reasons[0].startswith("clock: rightly signed")
    assert ("ahead" in reasons[0]) == (away > 0)
    assert reasons[1] == "forged"


# --- wherever Slack calls


@each_row("path", ["/", "/slack/commands", "/slack/events/", "/slack/interactive", "/slack/actions", "/ots/slack/events",
                   "/slack/events?a=b", "//slack//events"])  # fmt: skip
async def test_a_signed_request_is_taken_on_any_path(marked, path):
    world, _ = marked
    body = command(world, trigger=f"1.{path}")

    status, said = await send(world.bot.port, signed(world, body), body, path=path)

    assert status == 200
    assert "/ots retrieve" in said


@each_row("path", ["/", "/slack/commands", "/xmlrpc.php"])
async def test_what_is_not_from_slack_is_not_there_and_not_in_the_log(marked, path):
    world, log = marked
    body = b"a=b"

    status, said = await send(world.bot.port, [b"Content-Length: 3"], body, path=path)

    assert (status, said) == (404, "")
    await log.complete()
    assert log.events == []


async def test_a_forged_request_on_another_path_is_in_the_log(marked):
    world, log = marked
    body = command(world)

    status, _ = await send(world.bot.port, signed(world, body, secret=ANOTHER), body, path="/slack/commands")

    assert status == 401
    await log.complete()
    assert log.events == ["bad_signature"]


# --- what Bolt looks for in every request, and need not any more


@each_row("path", ["/slack/events", "/", "/slack/commands"])
@each_row("is_signed", [True, False], ids=["signed", "not signed"])
async def test_the_certificate_check_is_answered_with_an_empty_200(marked, path, is_signed):
    world, log = marked
    body = b"ssl_check=1&token=legacy-verification-token"
    headers = signed(world, body) if is_signed else [f"Content-Length: {len(body)}".encode()]

    answer = await send(world.bot.port, headers, body, path=path)

    assert answer == (200, "")
    await log.complete()
    assert log.events == []


async def test_the_url_verification_is_answered_with_its_challenge(world):
    body = json.dumps({"type": "url_verification", "challenge": CANARY, "token": "legacy"}).encode()

    status, said = await send(world.bot.port, signed(world, body, form=False), body)

    assert (status, json.loads(said)) == (200, {"challenge": CANARY})


async def test_a_url_verification_that_is_not_signed_says_nothing(world):
    body = json.dumps({"type": "url_verification", "challenge": CANARY}).encode()

    status, said = await send(world.bot.port, signed(world, body, secret=ANOTHER, form=False), body)

    assert (status, said) == (401, "")


async def test_a_command_about_a_payload_is_a_command(world, ada):
    """Bolt takes every form in which the word occurs for an interaction, and reads it as nothing."""
    await ada.command("/ots", "accounts")
    await ada.until(lambda: ada.ephemerals)
    body = command(world, "help payload", user_id=ada.id, trigger=f"{ada.id}.payload")

    status, said = await send(world.bot.port, signed(world, body), body)

    assert status == 200
    assert "/ots retrieve" in said


@pytest.mark.parametrize("fields", [{"ssl_check": "0"}, {"ssl_check": "1x"}, {"type": "url_verification_"}])
async def test_what_only_looks_like_slacks_own_checks_is_a_payload(marked, fields):
    world, _ = marked
    body = urlencode({"text": "help", "command": "/ots", "team_id": world.workspace.state.team_id,
                      "user_id": KNOWN, "trigger_id": f"1.{fields}"} | fields).encode()  # fmt: skip

    status, said = await send(world.bot.port, signed(world, body), body)

    assert status == 200
    assert "/ots retrieve" in said


async def test_the_same_connection_can_be_used_again(world):
    """Also after a refusal of a short request, as a proxy that keeps its connections does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.bot.port)
    for number in range(3):
        body = command(world, trigger=f"2.{number}")
        stamp = str(int(time.time()))
        head = "\r\n".join([
            "POST /slack/events HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}",
            f"X-Slack-Request-Timestamp: {stamp}", f"X-Slack-Signature: {sign(world.workspace.signing_secret, stamp, body)}",
        ])  # fmt: skip
        writer.write(f"{head}\r\n\r\n".encode() + body)
        assert (await reader.readline()).split()[1] == b"200"
        headers = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split()[1]) for line in headers.lower().splitlines() if line.startswith(b"content-length")
        )
        await reader.readexactly(length)
    writer.close()


# --- what the bot does itself


@each_row("field", ["user", "bot_id"])
async def test_an_event_that_the_bot_caused_itself_is_ignored(marked, field):
    world, log = marked
    state = world.workspace.state
    who = {"user": world.workspace.bot_user_id} if field == "user" else {"bot_id": state.bot_id}

    delivery = await world.workspace.emit({"type": "reaction_added", **who})

    assert (delivery.status, delivery.answer) == (200, None)
    await log.complete()
    assert "unknown_payload" not in log.events


async def test_a_channel_that_the_bot_was_invited_to_is_an_event_for_it(marked):
    world, log = marked

    delivery = await world.workspace.emit({"type": "member_joined_channel", "user": world.workspace.bot_user_id})

    assert (delivery.status, delivery.answer) == (200, None)
    await eventually(lambda: "unknown_payload" in log.events)


# --- where the answer goes


@each_row("url", ["no URL", "http://", "https://[", "//", "javascript:alert(1)", "https://hooks.slack.com:bad/x", "\x00",
                  "https://\ud800/"])  # fmt: skip
async def test_a_response_url_that_is_no_url_gives_way_to_a_direct_message(world, url):
    ada = somebody(world, "ada")
    start = len(world.bot.output)
    body = json.dumps({
        "command": "/ots", "text": "accounts", "team_id": world.workspace.state.team_id, "user_id": ada.id,
        "trigger_id": f"{ada.id}.url", "response_url": url,
    }).encode()  # fmt: skip

    status, _ = await send(world.bot.port, signed(world, body), body)

    assert status == 200
    await ada.until(lambda: any("You have not connected" in one.shows for one in ada.dm))
    assert b"unexpected" not in world.bot.output[start:]


@pytest.mark.parametrize("number", [1, pytest.param(3, marks=pytest.mark.slow)])
async def test_an_event_that_slack_sends_again_after_a_crash_counts_once_and_not_never(number):
    async with World(command=("-m", "tests.support.every_kind_bot", "run")) as world:
        ada = world.workspace.person("U0ADA", "ada")
        world.workspace.plan("users.info", SlackFault.hang())
        first = await ada.open_home()
        await world.workspace.wait_for_call("users.info")
        await world.bot.kill()
        await world.start_bot()

        for again in range(number):
            retried = await world.workspace.retry(first, again + 1)
            assert retried.status == 200

        await ada.until(lambda: ada.dm)
        await world.bot.stop()  # which ends all that was begun
        assert len(ada.dm) == 1
