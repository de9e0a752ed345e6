"""What reaches the bot from outside: whose requests it takes, how fast it answers, how it starts and stops."""

import asyncio
import itertools
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from bot.errors import NotAllowed
from bot.sandbox.bot_process import BotProcess
from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.slack import SlackFault
from bot.sandbox.slack.deliver import ACK_WITHIN, sign
from bot.sandbox.world import World
from bot.slack.dispatcher import FORM_DEADLINE
from tests.journeys.conftest import EMAIL, SOON, TOKEN, after_the_lines_so_far, connect
from tests.support.english import english
from tests.support.waiting import BUSY, PATIENCE, eventually

CANARY = "canary-in-the-body-4b1d"
METADATA = "/api/v1/private/{key}"
SECRET = "/api/v1/secret/{key}"
EVENTS = "/slack/events"
WORK = ("command", "action", "form", "closed", "delivery_outcome_unknown")

_numbers = itertools.count(1)
KNOWN = "U0KNOWN"  # somebody whom the bot knows, so that help is in the answer itself


@pytest_asyncio.fixture(loop_scope="session")
async def marked(world):
    """The world, and what the bot writes from here on."""
    log = Log(world)
    await log.complete()
    return world, Log(world)


@pytest_asyncio.fixture(loop_scope="session")
async def counting():
    """A world of its own, since a count is written seconds later; its log, and somebody in it."""
    async with World() as world:
        yield world, Log(world), world.workspace.person("U0ADA", "ada")


class Log:
    """The lines that the bot wrote since this was made, as values."""

    def __init__(self, world):
        self._world = world
        self._start = len(world.bot.output)

    @property
    def raw(self):
        """Lines on what was done are left out: another test's work may still be ending."""
        lines = bytes(self._world.bot.output[self._start :]).splitlines(keepends=True)
        return b"".join(line for line in lines if json.loads(line)["event"] not in WORK)

    @property
    def events(self):
        return [json.loads(line)["event"] for line in self.raw.splitlines()]

    async def complete(self):
        """Wait until all is here that was written before now."""
        output, start = self._world.bot.output, len(self._world.bot.output)
        body = command(self._world, "help", f"mark.{next(_numbers)}")
        await send(self._world.bot.port, signed(self._world, body), body)
        await eventually(lambda: b'"verb": "help"' in output[start:], every=0.002)


async def send(port, headers, body=b"", *, path=EVENTS, method="POST", finish=True):
    """One request, byte for byte as given, so that what no client would send can be sent. (status, body)"""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = [f"{method} {path} HTTP/1.1".encode(), b"Host: 127.0.0.1", b"Connection: close", *headers]
    writer.write(b"\r\n".join([*head, b"", b""]) + body)
    if not finish:
        return reader, writer
    answer = bytearray()
    with suppress(ConnectionError):  # it may answer, and hang up, before it has heard everything
        async with asyncio.timeout(PATIENCE):
            await writer.drain()
            while part := await reader.read(65536):
                answer += part
    writer.close()
    status, _, rest = bytes(answer).partition(b"\r\n\r\n")
    return int(status.split()[1]) if status else None, rest.decode()


def signed(world, body, *, at=None, secret=None, form=True):
    """The headers of a right request, but for what is asked to be wrong."""
    stamp = str(int(time.time())) if at is None else at
    return [
        f"Content-Length: {len(body)}".encode(),
        b"Content-Type: application/x-www-form-urlencoded" if form else b"Content-Type: application/json",
        f"X-Slack-Request-Timestamp: {stamp}".encode(),
        f"X-Slack-Signature: {sign(secret or world.workspace.signing_secret, stamp, body)}".encode(),
    ]


def command(world, text="help", trigger="1.2.3", **more):
    if KNOWN not in world.workspace.state.people:
        world.workspace.person(KNOWN, "known")
    fields = {
        "command": "/ots", "text": text, "team_id": world.workspace.state.team_id, "user_id": KNOWN,
        "channel_id": "D0", "trigger_id": trigger, "api_app_id": world.workspace.state.app_id,
    } | more  # fmt: skip
    return urlencode(fields).encode()


async def help_for_somebody_known(world, **more):
    """The status and the words of help, when the bot has asked Slack who that is. (status, body)"""
    for trigger in ("1.2.4", "1.2.5"):
        body = command(world, "help", trigger, **more)
        status, said = await send(world.bot.port, signed(world, body), body)
        await eventually(lambda: b'"verb": "help"' in world.bot.output)
    return status, said


# --- is it Slack?


async def test_a_right_signature_is_taken(marked):
    world, log = marked
    body = command(world)

    status, said = await send(world.bot.port, signed(world, body), body)

    assert status == 200
    assert "/ots retrieve" in said
    await log.complete()
    assert log.events == []


@pytest.mark.parametrize(
    "stamp",
    ["abc", "", "1" * 5000, "１２３", "-1", "1.5", "0x10", "+1600000000", " ", "1600000000\t1", "1" * 13],
    ids=["letters", "empty", "5000 digits", "full-width digits", "negative", "fraction", "hexadecimal", "plus",
         "blank", "two", "13 digits"],
)  # fmt: skip
async def test_a_timestamp_that_is_none_is_a_401_and_one_line(marked, stamp):
    world, log = marked
    body = command(world, CANARY)

    status, _ = await send(world.bot.port, signed(world, body, at=stamp), body)

    assert status == 401
    await assert_one_line_without_content(log)


@pytest.mark.parametrize(
    "signature",
    ["", "é".encode(), b"v0=" + b"A" * 64, b"v0=" + b"a" * 63, b"v0=" + b"a" * 65, b"v1=" + b"a" * 64,
     b"v0=" + b"g" * 64, b"a" * 8000, b"v0=" + b"a" * 64 + b", v0=" + b"a" * 64],
    ids=["empty", "not ASCII", "capitals", "short", "long", "other version", "not hexadecimal", "very long", "two"],
)  # fmt: skip
async def test_a_signature_that_is_none_is_a_401_and_one_line(marked, signature):
    world, log = marked
    body = command(world, CANARY)
    *headers, _ = signed(world, body)

    status, _ = await send(world.bot.port, [*headers, b"X-Slack-Signature: " + bytes(signature or b"")], body)

    assert status == 401
    await assert_one_line_without_content(log)


@pytest.mark.parametrize("missing", [b"X-Slack-Signature", b"X-Slack-Request-Timestamp"])
async def test_without_one_of_the_headers_it_is_a_401_and_one_line(marked, missing):
    world, log = marked
    body = command(world, CANARY)
    headers = [one for one in signed(world, body) if not one.startswith(missing)]

    status, _ = await send(world.bot.port, headers, body)

    assert status == 401
    await assert_one_line_without_content(log)


@pytest.mark.parametrize("away", [-301, 330])
async def test_a_request_from_another_time_is_a_401(marked, away):
    world, log = marked
    body = command(world, CANARY)

    status, _ = await send(world.bot.port, signed(world, body, at=str(int(time.time()) + away)), body)

    assert status == 401
    await assert_one_line_without_content(log)


async def test_another_secret_is_a_401_and_the_body_is_not_logged(marked):
    world, log = marked
    body = urlencode({"payload": json.dumps({"type": "view_submission", "view": {"state": CANARY}})}).encode()

    status, _ = await send(world.bot.port, signed(world, body, secret="another-secret-0123456789"), body)

    assert status == 401
    await assert_one_line_without_content(log)


async def test_a_body_that_was_changed_on_the_way_is_a_401(marked):
    world, log = marked
    body = command(world, CANARY)
    changed = body.replace(b"canary", b"kanary")

    status, _ = await send(world.bot.port, signed(world, body), changed)

    assert status == 401
    await assert_one_line_without_content(log)


async def assert_one_line_without_content(log):
    await log.complete()
    assert log.events == ["bad_signature"]
    assert len(log.raw) < 300
    assert CANARY.encode() not in log.raw
    assert b"kanary" not in log.raw


async def test_a_header_line_of_a_megabyte_is_refused_without_a_trace(marked):
    world, log = marked

    status, _ = await send(world.bot.port, [b"Content-Length: 0", b"X-Slack-Signature: " + b"a" * 1_000_000])

    assert status in (400, None)  # or it just hangs up
    await log.complete()
    assert b"aaaa" not in log.raw


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in chunks"])
async def test_a_body_over_a_megabyte_is_a_413_before_anything_is_done(marked, announced):
    world, log = marked
    body = b"x" * (10 * 1024 * 1024)
    headers = signed(world, b"x")[2:]
    headers += [b"Content-Length: " + str(len(body)).encode()] if announced else [b"Transfer-Encoding: chunked"]
    before = memory_of(world.bot.pid)

    status, _ = await send(world.bot.port, headers, body if announced else b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))

    assert status == 413
    await log.complete()
    assert log.events == []
    assert memory_of(world.bot.pid) - before < 8 * 1024


def memory_of(pid):
    """KiB that a process has in memory."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


async def test_a_body_that_is_no_text_is_a_400(marked):
    world, _ = marked
    body = b"text=\xff\xfe"

    status, _ = await send(world.bot.port, signed(world, body), body)

    assert status == 400


async def test_a_length_that_is_said_twice_is_a_400(marked):
    world, _ = marked
    body = command(world)

    status, _ = await send(world.bot.port, [*signed(world, body), b"Transfer-Encoding: chunked"], body)

    assert status == 400


async def test_slacks_certificate_check_is_answered(marked):
    world, log = marked
    body = b"ssl_check=1&token=legacy"

    status, _ = await send(world.bot.port, [f"Content-Length: {len(body)}".encode()], body)

    assert status == 200
    await log.complete()
    assert log.events == []


@pytest.mark.parametrize("is_signed", [True, False], ids=["signed", "not signed"])
async def test_slacks_url_verification_is_answered_when_it_is_signed(world, is_signed):
    body = json.dumps({"type": "url_verification", "challenge": "the-challenge", "token": "legacy"}).encode()
    headers = signed(world, body, form=False)

    status, said = await send(world.bot.port, headers if is_signed else headers[:2], body)

    assert status == (200 if is_signed else 401)
    assert ("the-challenge" in said) == is_signed


@pytest.mark.parametrize("body", [b"payload=%7B", b"payload=%5B%5D", b"payload=7", b"payload=null", b"", b"&&==", b"{"],
                         ids=["half", "list", "number", "null", "nothing", "signs", "brace"])  # fmt: skip
async def test_a_signed_body_that_is_no_payload_does_no_harm(marked, body):
    world, log = marked

    status, said = await send(world.bot.port, signed(world, body), body)

    assert status in (200, 400, 404)
    assert "Traceback" not in said
    await log.complete()
    assert set(log.events) <= {"bad_body", "unknown_payload"}


@pytest.mark.parametrize("body", [b"payload=%7B", b"payload=%5B%5D", b"payload=7", b"payload=" + b"[" * 200_000],
                         ids=["half", "list", "number", "very deep"])  # fmt: skip
async def test_a_body_that_is_no_payload_is_not_looked_at_without_a_right_signature(marked, body):
    world, log = marked

    status, _ = await send(world.bot.port, signed(world, body, secret="another-secret-0123456789"), body)

    assert status == 401
    await log.complete()
    assert log.events == ["bad_signature"]


# --- once


async def test_a_request_replayed_twenty_times_has_one_effect_and_twenty_answers(world, ada):
    held = world.onetime.share(EMAIL, "text")
    first = await ada.command("/ots", f"metadata {world.onetime.url}/private/{held.metadata_key}")
    await ada.until(lambda: "Not opened yet" in ada.sees())

    again = await asyncio.gather(*(ada.replay(first) for _ in range(20)))

    assert [one.status for one in again] == [200] * 20
    await ada.command("/ots", "accounts")
    await ada.until(lambda: "You have not connected" in ada.sees())
    assert [call.route for call in world.onetime.calls] == [METADATA]
    assert ada.sees().count("Not opened yet") == 1


async def test_a_click_that_slack_sends_again_has_one_effect():
    async with World() as world:
        ada = world.workspace.person("U0ADA", "ada")
        world.onetime.add_account(EMAIL, TOKEN)
        await connect(ada)
        held = world.onetime.share(EMAIL, "text")
        await ada.command("/ots", f"metadata {world.onetime.url}/private/{held.metadata_key}")
        await ada.until(lambda: "Not opened yet" in ada.sees())
        first = await ada.click(label="Burn")
        await ada.until(lambda: "Burned" in ada.sees())
        before = len(world.onetime.calls)

        retries = [await world.workspace.retry(first, number) for number in (1, 2, 3)]

        assert [one.status for one in retries] == [200] * 3
        await world.bot.stop()  # which ends all that was begun
        assert len(world.onetime.calls) == before


async def test_help_replayed_is_answered_and_said_once(world, ada):
    await ada.command("/ots", "accounts")
    await ada.until(lambda: ada.ephemerals)
    first = await ada.command("/ots", "help")

    again = await ada.replay(first)

    assert "/ots retrieve" in str(first.answer)
    assert (again.status, again.answer) == (200, None)


def foreign(world, ada, **more):
    """One payload of each way to be acknowledged, with a trigger each of its own."""
    team = {"id": world.workspace.state.team_id}
    user = {"id": ada.id, "team_id": team["id"]}
    common = {"team": team, "user": user, "api_app_id": world.workspace.state.app_id} | more
    view = {"type": "modal", "id": "V0ELSEWHERE", "hash": "1.2", "callback_id": "connect", "blocks": [], "state": {}}
    action = {"action_id": "connect_open", "value": "ref:x", "block_id": CANARY}
    return [
        {"type": "block_actions", "actions": [action], "trigger_id": f"{next(_numbers)}.1"} | common,
        {"type": "view_submission", "view": view, "trigger_id": f"{next(_numbers)}.2"} | common,
        {"type": "shortcut", "callback_id": "retrieve", "trigger_id": f"{next(_numbers)}.3"} | common,
        {"type": "block_suggestion", "action_id": "x", "value": CANARY} | common,
    ]


async def deliver_foreign(world, ada, command_fields, *, answer="", **more):
    for _ in range(4):
        body = command(world, "recent", f"{next(_numbers)}.4", **command_fields)
        status, said = await send(world.bot.port, signed(world, body), body)
        assert (status, said and json.loads(said)["text"]) == (200, answer)
        for payload in foreign(world, ada, **more):
            delivery = await ada.deliver("interactive", payload)
            assert (delivery.status, delivery.answer) in ((200, None), (200, {"options": []}))


async def test_what_is_meant_for_another_workspace_is_counted_and_only_a_command_is_answered(counting):
    world, log, ada = counting
    there = {"team": {"id": "T0ANOTHER"}, "user": {"id": ada.id, "team_id": "T0ANOTHER"}}

    await deliver_foreign(world, ada, {"team_id": "T0ANOTHER"}, answer=english(NotAllowed.tell), **there)

    await assert_counted(world, ada, log, "another workspace")


async def test_what_is_meant_for_another_app_is_ignored_and_counted(counting):
    world, log, ada = counting

    await deliver_foreign(world, ada, {"api_app_id": "A0ANOTHER"}, api_app_id="A0ANOTHER")

    await assert_counted(world, ada, log, "another app")


async def assert_counted(world, ada, log, reason):
    """Twenty payloads were ignored, and are some lines, not one each."""
    await log.complete()
    assert "not_ours" in log.events
    assert log.events.count("not_ours") < 10
    assert reason.encode() in log.raw
    assert CANARY.encode() not in log.raw
    assert world.onetime.calls == []
    assert ada.view is None


async def test_nothing_is_refused_where_slack_does_not_say_which_app_is_ours():
    world = World()
    world.workspace.plan("bots.info", SlackFault.error("missing_scope"), None)
    async with world:
        status, said = await help_for_somebody_known(world, api_app_id="A0ANOTHER")

        assert (status, "/ots retrieve" in said) == (200, True)
        assert await send(world.bot.port, [], path="/readyz", method="GET") == (200, "ready\n")


# --- fast


async def window(person, submit):
    return await person.until(lambda: person.view and person.view.submit == submit and person.view)


def _lines(world, held):
    private = f"{world.onetime.url}/private/{held.metadata_key}"
    return [f"metadata {private}", f"burn {private}", "recent", private, f"{world.onetime.url}/secret/{held.secret_key}",
            f"retrieve {world.onetime.url}/secret/{held.secret_key}", "accounts", "help", "wrong"]  # fmt: skip


@pytest.mark.parametrize("mode", ["http", "socket"])
async def test_slack_never_waits_while_onetime_secret_hangs(mode: Literal["http", "socket"]) -> None:
    async with World(mode=mode) as world:
        ada = world.workspace.person("U0ADA", "ada")
        world.onetime.add_account(EMAIL, TOKEN)
        held = world.onetime.share(EMAIL, "text")
        await connect(ada)
        world.onetime.plan("/", OnetimeFault("hang"), None)

        for line in _lines(world, held):
            delivery = await ada.command("/ots", line)
            assert delivery.ok
            assert delivery.seconds < SOON, line.split()[0]
        await window(ada, "Open")
        await ada.command("/ots", "connect")
        opened = await window(ada, "Connect")
        delivery = await ada.submit(opened, {"username": EMAIL, "token": TOKEN})

        assert delivery.ok
        assert delivery.seconds < SOON
        await ada.until(lambda: "One moment" in ada.view.text)
        world.onetime.clear_faults()
        await ada.until(lambda: ada.view.title == "Connected")


async def test_the_window_of_a_secret_that_takes_long_is_answered_at_once(world, ada):
    held = world.onetime.share(None, "text")
    await ada.command("/ots", f"retrieve {world.onetime.url}/secret/{held.secret_key}")
    view = await window(ada, "Open")
    hang = OnetimeFault("hang")
    world.onetime.plan(SECRET, hang)

    delivery = await ada.submit(view)

    assert delivery.seconds < SOON
    assert "Opening" in ada.view.text
    hang.release()
    await ada.until(lambda: ada.view.secret_text() == "text")


async def test_other_people_do_not_wait_for_somebody_whose_host_hangs(world, ada):
    held = world.onetime.share(EMAIL, "text")
    ben = world.workspace.person("U0BEN", "ben")
    hang = OnetimeFault("hang")
    world.onetime.plan(METADATA, hang)
    line = f"metadata {world.onetime.url}/private/{held.metadata_key}"
    await ada.command("/ots", line)
    await world.onetime.wait_for_call(METADATA)

    await ben.command("/ots", line)

    await ben.until(lambda: "Not opened yet" in ben.sees())
    hang.release()
    await ada.until(lambda: "Not opened yet" in ada.sees())


# --- what Slack is asked


@pytest.mark.parametrize("mode", ["http", "socket"])
async def test_slack_is_asked_who_we_are_once_and_who_somebody_is_once(mode):
    async with World(mode=mode) as world:
        ada = world.workspace.person("U0ADA", "ada")

        for number in range(5):
            await ada.command("/ots", "accounts")
            await ada.until(lambda: len(ada.ephemerals) == number + 1)  # noqa: B023 - awaited right here

        called = [call.method for call in world.workspace.calls]
        assert called.count("auth.test") == 1
        assert called.count("users.info") == 1


@pytest.mark.parametrize("trouble", [SlackFault.http(500), SlackFault.http(404, {"ok": False, "error": "used_url"}),
                                     SlackFault.drop(), SlackFault.rate_limited()],
                         ids=["500", "404", "dropped", "429"])  # fmt: skip
async def test_an_answer_that_slack_does_not_take_comes_as_a_direct_message(world, ada, trouble):
    world.workspace.plan("response_url", trouble)

    await ada.command("/ots", "accounts")

    await ada.until(lambda: any("You have not connected" in one.shows for one in ada.dm))


async def test_a_response_url_is_used_once(world, ada):
    await ada.command("/ots", "accounts")
    await ada.until(lambda: "You have not connected" in ada.sees())

    assert [one.uses for one in world.workspace.state.response_urls.values() if one.user == ada.id] == [1]


@pytest.mark.parametrize("response_url", ["https://evil.example/commands/x", "{host}/commands/x", "no URL at all",
                                          "https://", "/commands/x", "http://[::1", "javascript:alert(1)"])  # fmt: skip
async def test_a_response_url_to_somewhere_else_is_never_used(world, ada, response_url):
    evil = response_url.format(host=world.onetime.url.replace("http:", "https:"))
    start = await after_the_lines_so_far(world, ada)
    body = command(world, "accounts", user_id=ada.id, trigger=f"7.{ada.id}", response_url=evil)

    status, _ = await send(world.bot.port, signed(world, body), body)

    assert status == 200
    await ada.until(lambda: any("You have not connected" in one.shows for one in ada.dm))
    assert world.onetime.calls == []
    await eventually(lambda: b"foreign_url" in world.bot.output[start:])


# --- who watches the process


async def test_health_and_readiness_are_told(world):
    port = world.bot.port

    assert await send(port, [], path="/healthz", method="GET") == (200, "ok\n")
    status, said = await send(port, [], path="/readyz", method="GET")
    assert status == 200
    assert said == "ready\n"


@pytest.mark.parametrize("path", ["/", "/slack/events", "/slack/install", "/metrics/../readyz", "/.env"])
async def test_there_is_nothing_else_to_get(world, path):
    status, said = await send(world.bot.port, [], path=path, method="GET")

    assert status in (404, 405)
    assert len(said) < 100


@pytest.mark.parametrize("damage", ["gone", "other tables"])
async def test_without_its_database_the_bot_is_alive_but_not_ready(damage):
    async with World() as world:
        await (drop_version(world) if damage == "other tables" else remove_database(world))

        ready = await send(world.bot.port, [], path="/readyz", method="GET")
        alive = await send(world.bot.port, [], path="/healthz", method="GET")

        assert ready[0] == 503
        assert ready[1] == "not ready\n"
        assert alive == (200, "ok\n")


async def remove_database(world):
    for file in world.directory.glob("bot.db*"):
        file.unlink()


async def drop_version(world):
    import sqlite3

    with sqlite3.connect(world.directory / "bot.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()


async def test_over_socket_mode_nothing_can_be_posted():
    async with World(mode="socket") as world:
        body = command(world)

        status, _ = await send(world.bot.port, signed(world, body), body)
        ready = await send(world.bot.port, [], path="/readyz", method="GET")

        assert status == 404
        assert ready[0] == 200


# --- the end


@pytest.mark.parametrize("mode", ["http", "socket"])
async def test_a_sigterm_lets_what_is_being_done_end(mode):
    async with World(mode=mode) as world:
        ada = world.workspace.person("U0ADA", "ada")
        held = world.onetime.share(EMAIL, "text")
        hang = OnetimeFault("hang")
        world.onetime.plan(METADATA, hang)
        await ada.command("/ots", f"metadata {world.onetime.url}/private/{held.metadata_key}")
        await world.onetime.wait_for_call(METADATA)

        stopping = asyncio.create_task(world.bot.stop())
        await refuses(world.bot.port)
        hang.release()

        assert await stopping == 0
        assert "Not opened yet" in ada.sees()


@pytest.mark.parametrize("mode", ["http", "socket"])
async def test_a_sigterm_lets_the_late_answer_to_a_form_leave(mode):
    async with World(mode=mode) as world:
        world.onetime.add_account(EMAIL, TOKEN)
        ada = world.workspace.person("U0ADA", "ada")
        await ada.command("/ots", "connect")
        await ada.until(lambda: ada.view and ada.view.submit == "Connect")
        hang = OnetimeFault("hang")
        world.onetime.plan("/api/v1/authcheck", hang)
        submitted = asyncio.create_task(ada.submit(fields={"username": EMAIL, "token": TOKEN}))
        await world.onetime.wait_for_call("/api/v1/authcheck")

        stopping = asyncio.create_task(world.bot.stop())
        delivery = await submitted
        hang.release()

        assert (delivery.ok, delivery.error, ada.warnings) == (True, None, [])
        assert await stopping == 0
        assert ada.view.title == "Connected"


async def refuses(port):
    """Wait until nobody listens there any more."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                return
            writer.close()
            await asyncio.sleep(0.02)


@pytest.mark.slow
async def test_a_sigterm_ends_within_ten_seconds_whatever_hangs():
    async with World() as world:
        ada = world.workspace.person("U0ADA", "ada")
        held = world.onetime.share(EMAIL, "text")
        world.workspace.plan("response_url", SlackFault.hang(), None)
        world.workspace.plan("conversations.open", SlackFault.hang(), None)
        await ada.command("/ots", f"metadata {world.onetime.url}/private/{held.metadata_key}")
        await world.workspace.wait_for_call("response_url")
        _, half = await send(world.bot.port, [b"Content-Length: 1000"], b"half a request", finish=False)

        started = time.monotonic()
        code = await world.bot.stop()

        half.close()
        assert code == 0
        assert time.monotonic() - started < 10 + BUSY


async def test_a_second_sigterm_ends_it_at_once():
    async with World() as world:
        ada = world.workspace.person("U0ADA", "ada")
        held = world.onetime.share(EMAIL, "text")
        world.onetime.plan(METADATA, OnetimeFault("hang"), None)
        await ada.command("/ots", f"metadata {world.onetime.url}/private/{held.metadata_key}")
        await world.onetime.wait_for_call(METADATA)
        first = asyncio.create_task(world.bot.stop())
        await refuses(world.bot.port)

        code = await world.bot.stop()

        assert code == -15  # it would be 0 if it had waited for what hangs
        await first


# --- the start


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def settings():
    """The settings of a bot that would start. It has run before, so its database has rows."""
    async with World() as world:
        world.onetime.add_account(EMAIL, TOKEN)
        await connect(world.workspace.person("U0ADA", "ada"))
        taken = world.bot.port
        yield world.settings(), str(taken)


OTHER_KEY = "k1:" + "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"


OWN_DATABASE = {"DATABASE_URL": "own"}  # a second process on the one of the running bot is refused before


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN is missing"),
        ({"SLACK_BOT_TOKEN": "xoxb-not-the-token", **OWN_DATABASE}, "SLACK_BOT_TOKEN was not accepted"),
        ({"SLACK_SIGNING_SECRET": ""}, "SLACK_SIGNING_SECRET is missing"),
        ({"SLACK_SIGNING_SECRET": "changeme"}, "SLACK_SIGNING_SECRET is too short"),
        ({"ENCRYPTION_KEYS": ""}, "No encryption key is configured"),
        ({"ENCRYPTION_KEYS": "k1:short"}, "k1"),
        ({"ENCRYPTION_KEYS": OTHER_KEY}, "The key k1 is not the k1"),
        ({"ENCRYPTION_KEYS": OTHER_KEY.replace("k1", "k2")}, "need k1"),
        ({"PORT": "taken", **OWN_DATABASE}, "cannot be listened on"),
        ({"DATABASE_URL": "sqlite:////no/such/directory/bot.db"}, "/no/such/directory"),
        ({"ONETIME_HOSTS": "not a host"}, "ONETIME_HOSTS"),
        ({"SLACK_APP_TOKEN": "xapp-not-the-token", **OWN_DATABASE}, "SLACK_APP_TOKEN"),
    ],
    ids=["no token", "other token", "no signing secret", "changeme", "no key", "half a key", "other key", "key gone",
         "port taken", "no directory", "no host", "other app token"],
)  # fmt: skip
async def test_what_cannot_work_stops_the_start_with_one_line(settings, wrong, said, tmp_path):
    right, taken = settings
    meant = {"taken": taken, "own": f"sqlite:///{tmp_path}/bot.db"}
    wrong = {name: meant.get(value, value) for name, value in wrong.items()}
    bot = BotProcess(right | wrong)

    with pytest.raises(RuntimeError):
        await bot.start()

    assert await bot.wait_until_ended() == 78
    (line,) = (line for line in bytes(bot.output).decode().splitlines() if not line.startswith("{"))
    assert said in line
    assert not any(value in line for name, value in wrong.items() if value and ("KEY" in name or "TOKEN" in name))


async def test_the_answer_to_a_form_leaves_a_second_before_slack_gives_up():
    assert FORM_DEADLINE <= ACK_WITHIN - 1
