"""The emulated Onetime Secret: its controls, its faults, and what holds whatever arrives at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.sandbox.onetime import VERSIONS, OnetimeFault, OnetimeServer, RequestRecord
from tests.support.waiting import PATIENCE

OPENING = "/api/v1/secret/{key}"
METADATA = "/api/v1/private/{key}"
BURN = "/api/v1/private/{key}/burn"
RECENT = "/api/v1/private/recent"
ADA = "ada@example.org"
TOKEN = "token-of-ada"
AS_ADA = {"Authorization": aiohttp.encode_basic_auth(ADA, TOKEN)}


@pytest.fixture
async def server() -> AsyncIterator[OnetimeServer]:
    emulator = OnetimeServer()
    emulator.add_account(ADA, TOKEN)
    async with emulator:
        yield emulator


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE)) as session:
        yield session


async def _post(client: aiohttp.ClientSession, url: str, **sent: Any) -> tuple[int, str]:
    async with client.post(url, **sent) as response:
        return response.status, await response.text()


def _opening(server: OnetimeServer, secret_key: str) -> str:
    return f"{server.url}/api/v1/secret/{secret_key}"


# --- one secret, one reader


@pytest.mark.parametrize("version", VERSIONS)
async def test_of_twenty_who_open_at_once_one_gets_it(version: str, client: aiohttp.ClientSession) -> None:
    async with OnetimeServer(version) as server:
        held = server.share(None, "for one")

        answers = await asyncio.gather(*(_post(client, _opening(server, held.secret_key)) for _ in range(20)))

        assert sorted(status for status, _ in answers) == [200] + [404] * 19
        assert server.claims_of(held.secret_key) == 1
        assert server.posts_of(held.secret_key) == 20


async def test_what_an_outsider_opened_is_received_and_gone(
    server: OnetimeServer, client: aiohttp.ClientSession
) -> None:
    held = server.share(ADA, "the text", passphrase="sesame")

    wrong = server.open_as_outsider(held.secret_key, "guess")
    right = server.open_as_outsider(held.secret_key, "sesame")
    again = server.open_as_outsider(held.secret_key, "sesame")

    assert (wrong, right, again) == (None, "the text", None)
    now = server.find_secret(held.metadata_key)
    assert now is not None
    assert (now.state, now.has_plaintext, now.has_passphrase) == ("received", False, True)
    assert (await _post(client, _opening(server, held.secret_key), data={"passphrase": "sesame"}))[0] == 404
    assert server.claims_of(held.secret_key) == 1


async def test_the_owner_burns_without_a_passphrase_and_once(server: OnetimeServer) -> None:
    held = server.share(ADA, "the text", passphrase="sesame")

    burned = [server.burn_as_owner(held.metadata_key) for _ in range(2)]

    assert burned == [True, False]
    assert server.open_as_outsider(held.secret_key, "sesame") is None
    assert [each.state for each in server.everything()] == ["burned"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_is_held_tells_the_truth_whatever_the_version_says(version: str) -> None:
    server = OnetimeServer(version, clock=lambda: 1_000_000.0)
    orphan, expiring, lasting = (server.share(None, "text", ttl=ttl) for ttl in (3600, 60, 3600))

    server.orphan(orphan.metadata_key)
    server.move_clock(61)

    states = [(each.state, each.has_plaintext) for each in server.everything()]
    assert states == [("orphaned", False), ("expired", False), ("new", True)]
    assert server.find_secret(lasting.secret_key) == server.find_secret(lasting.metadata_key)
    assert server.find_secret("0" * 62) is None
    assert server.open_as_outsider(expiring.secret_key) is None


async def test_a_wrong_passphrase_prolongs_a_secret_on_025_alone(client: aiohttp.ClientSession) -> None:
    lives = {}

    for version in VERSIONS:
        async with OnetimeServer(version) as server:
            held = server.share(None, "text", ttl=60, passphrase="sesame")
            await _post(client, _opening(server, held.secret_key), data={"passphrase": "guess"})
            server.move_clock(300)
            lives[version] = server.open_as_outsider(held.secret_key, "sesame") == "text"

    assert lives == {"0.18": False, "0.23": False, "0.25": True, "0.26": False}


@pytest.mark.parametrize("path", ["secret", "private", "receipt"])
async def test_opening_the_page_changes_nothing(
    path: str, server: OnetimeServer, client: aiohttp.ClientSession
) -> None:
    held = server.share(ADA, "the text")
    key = held.secret_key if path == "secret" else held.metadata_key

    async with client.get(f"{server.url}/{path}/{key}") as response:
        page = await response.text()

    assert response.status == 200
    assert "Viewing this does not open it" in page
    assert key not in page
    assert server.find_secret(key) == held


# --- accounts


async def test_a_changed_token_replaces_the_old_one(server: OnetimeServer, client: aiohttp.ClientSession) -> None:
    server.change_token(ADA, "another")
    url = f"{server.url}/api/v1/authcheck"
    new_token = {"Authorization": aiohttp.encode_basic_auth(ADA, "another")}

    async with client.get(url, headers=AS_ADA) as old, client.get(url, headers=new_token) as new:
        statuses = old.status, new.status

    assert statuses == (404, 200)


@pytest.mark.parametrize("scheme", ["Bearer", "Token", "Digest"])
async def test_good_credentials_under_another_scheme_are_refused(
    scheme: str, server: OnetimeServer, client: aiohttp.ClientSession
) -> None:
    header = {"Authorization": AS_ADA["Authorization"].replace("Basic", scheme)}

    async with client.get(f"{server.url}/api/v1/status", headers=header) as response:
        assert response.status == 404


def test_an_account_needs_a_token() -> None:
    server = OnetimeServer()

    with pytest.raises(ValueError, match="token"):
        server.add_account(ADA, "")


async def test_a_removed_account_leaves_its_secrets(server: OnetimeServer) -> None:
    held = server.share(ADA, "the text")

    server.remove_account(ADA)

    assert server.open_as_outsider(held.secret_key) == "the text"


@pytest.mark.parametrize("version", ["0.25", "0.26"])
async def test_a_caller_over_json_may_use_any_shape_and_gets_no_server_error(
    version: str, client: aiohttp.ClientSession
) -> None:
    bodies = ['{"secret": {"a": "b", "c": [1, {"d": null}]}}', "[1]", '{"secret": "\\ud800"}', '{"secret": 5}', ""]
    async with OnetimeServer(version) as server:
        json_type = {"Content-Type": "application/json"}

        answers = [await _post(client, f"{server.url}/api/v1/share", data=body, headers=json_type) for body in bodies]

    assert [status for status, _ in answers] == [200, 404, 200, 200, 404]


# --- limits


async def test_nothing_is_limited_unless_asked_for(client: aiohttp.ClientSession) -> None:
    async with OnetimeServer("0.23") as server:
        held = server.share(None, "text", passphrase="sesame phrase")

        answers = [await _post(client, _opening(server, held.secret_key)) for _ in range(8)]

    assert all("Unknown secret" in body for _, body in answers)


async def test_a_limit_ends_with_its_bucket(client: aiohttp.ClientSession) -> None:
    async with OnetimeServer("0.23", rate_limits=True, clock=lambda: 1_200_000.0) as server:
        held = server.share(None, "text", passphrase="sesame phrase")
        url = _opening(server, held.secret_key)
        limited = [("Cripes!" in (await _post(client, url))[1]) for _ in range(6)]

        server.move_clock(1_200)

        assert limited == [False] * 5 + [True]
        assert "Unknown secret" in (await _post(client, url))[1]


async def test_a_lockout_refuses_the_right_passphrase_and_the_burn_until_it_ends(
    client: aiohttp.ClientSession,
) -> None:
    async with OnetimeServer("0.26", rate_limits=True, clock=lambda: 1_000_000.0) as server:
        held = server.share(None, "text", passphrase="sesame")
        url, right = _opening(server, held.secret_key), {"passphrase": "sesame"}
        for _ in range(20):
            await _post(client, url)

        locked = await _post(client, url, data=right)
        unburned = await _post(client, f"{server.url}/api/v1/private/{held.metadata_key}/burn", data=right)
        server.move_clock(1_801)
        opened = await _post(client, url, data=right)

    assert "An unexpected error" in locked[1]
    assert "An unexpected error" in unburned[1]
    assert opened[0] == 200


# --- faults: does the call take effect, and what comes back?


async def test_an_answer_instead_has_no_effect(server: OnetimeServer, client: aiohttp.ClientSession) -> None:
    held = server.share(None, "text")
    server.plan(OPENING, OnetimeFault("answer", status=429, body=b"slow down", headers={"Retry-After": "7"}))

    async with client.post(_opening(server, held.secret_key)) as response:
        body = await response.text()

    assert (response.status, response.headers["Retry-After"], body) == (429, "7", "slow down")
    assert "Content-Type" not in response.headers
    assert (server.claims_of(held.secret_key), server.posts_of(held.secret_key)) == (0, 1)


async def test_a_proxys_page_is_html_and_has_no_effect(server: OnetimeServer, client: aiohttp.ClientSession) -> None:
    held = server.share(None, "text")
    server.plan(OPENING, OnetimeFault("html"))

    async with client.post(_opening(server, held.secret_key)) as response:
        body = await response.text()

    assert (response.status, response.content_type) == (502, "text/html")
    assert "<html>" in body
    assert server.claims_of(held.secret_key) == 0


@pytest.mark.parametrize(("kind", "claims"), [("drop", 0), ("drop after", 1)])
async def test_a_dropped_connection_has_an_effect_only_if_it_was_to(
    kind: Any, claims: int, server: OnetimeServer, client: aiohttp.ClientSession
) -> None:
    held = server.share(None, "text")
    server.plan(OPENING, OnetimeFault(kind))

    with pytest.raises(aiohttp.ClientConnectionError):
        await _post(client, _opening(server, held.secret_key))

    assert server.claims_of(held.secret_key) == claims
    assert [(seen.status, seen.fault) for seen in server.calls] == [(None, kind)]


async def test_a_truncated_body_took_effect_and_does_not_arrive(
    server: OnetimeServer, client: aiohttp.ClientSession
) -> None:
    held = server.share(None, "text")
    server.plan(OPENING, OnetimeFault("truncated"))

    with pytest.raises(aiohttp.ClientPayloadError):
        await _post(client, _opening(server, held.secret_key))

    assert server.claims_of(held.secret_key) == 1


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(OnetimeFault("delay", seconds=0.01), id="delayed"),
        pytest.param(OnetimeFault("late", seconds=0.01), id="answered late"),
        pytest.param(OnetimeFault("drip", at_once=7), id="dripping"),
    ],
)
async def test_a_slow_answer_is_whole(
    fault: OnetimeFault, server: OnetimeServer, client: aiohttp.ClientSession
) -> None:
    held = server.share(None, "text")
    server.plan(OPENING, fault)

    status, body = await _post(client, _opening(server, held.secret_key))

    assert status == 200
    assert '"value":"text"' in body


@pytest.mark.parametrize(("kind", "claims"), [("hang", 0), ("hang after", 1)])
async def test_what_hangs_goes_on_when_it_is_released(
    kind: Any, claims: int, server: OnetimeServer, client: aiohttp.ClientSession
) -> None:
    held = server.share(None, "text")
    fault = OnetimeFault(kind)
    server.plan(OPENING, fault)
    asking = asyncio.create_task(_post(client, _opening(server, held.secret_key)))

    await server.wait_for_call(OPENING)
    claims_meanwhile = server.claims_of(held.secret_key)
    fault.release()

    assert (await asking)[0] == 200
    assert claims_meanwhile == claims


async def test_an_effect_happens_although_the_client_gave_up(
    server: OnetimeServer, client: aiohttp.ClientSession
) -> None:
    held = server.share(None, "text")
    answered = asyncio.Event()
    server.subscribe(lambda _: answered.set())
    fault = OnetimeFault("hang")
    server.plan(OPENING, fault)
    asking = asyncio.create_task(_post(client, _opening(server, held.secret_key)))
    await server.wait_for_call(OPENING)

    asking.cancel()
    fault.release()
    await answered.wait()

    assert server.claims_of(held.secret_key) == 1


async def test_a_fault_happens_as_often_as_planned(server: OnetimeServer, client: aiohttp.ClientSession) -> None:
    server.plan("/api/v1/status", OnetimeFault("answer", status=503), times=2)

    statuses = []
    for _ in range(3):
        async with client.get(f"{server.url}/api/v1/status") as response:
            statuses.append(response.status)

    assert statuses == [503, 503, 200]


@pytest.mark.parametrize(
    ("planned", "hit"),
    [
        pytest.param(METADATA, {METADATA}, id="a template means itself"),
        pytest.param("/api/v1/private/", {METADATA, BURN, RECENT}, id="a beginning means all that begin so"),
        pytest.param("/api/v2", set(), id="another beginning means others"),
    ],
)
async def test_a_plan_hits_the_routes_it_names(
    planned: str, hit: set[str], server: OnetimeServer, client: aiohttp.ClientSession
) -> None:
    held = server.share(ADA, "text")
    server.plan(planned, OnetimeFault("answer", status=503), times=None)

    for route in (METADATA, RECENT):
        async with client.get(server.url + route.replace("{key}", held.metadata_key), headers=AS_ADA):
            pass
    await _post(client, server.url + BURN.replace("{key}", held.metadata_key))

    assert {seen.route for seen in server.calls if seen.status == 503} == hit


async def test_cleared_faults_are_over_and_ignored(server: OnetimeServer, client: aiohttp.ClientSession) -> None:
    held = server.share(None, "text")
    server.plan(OPENING, OnetimeFault("hang"), times=None)
    asking = asyncio.create_task(_post(client, _opening(server, held.secret_key)))
    await server.wait_for_call(OPENING)

    server.clear_faults()

    assert (await asking)[0] == 200
    assert (await _post(client, _opening(server, held.secret_key)))[0] == 404


async def test_a_server_stops_although_requests_hang(client: aiohttp.ClientSession) -> None:
    server = OnetimeServer()
    await server.start()
    server.plan("/", OnetimeFault("delay", seconds=3_600), times=None)
    asking = asyncio.create_task(_post(client, f"{server.url}/api/v1/generate"))
    await server.wait_for_call("/api/v1/generate")

    async with asyncio.timeout(PATIENCE):
        await server.stop()

    await asyncio.gather(asking, return_exceptions=True)


async def test_a_stopped_server_comes_back_on_its_port_with_its_secrets(client: aiohttp.ClientSession) -> None:
    server = OnetimeServer()
    url = await server.start()
    held = server.share(None, "text")
    await server.stop()

    with pytest.raises(aiohttp.ClientConnectorError):
        await _post(client, _opening(server, held.secret_key))
    again = await server.start(int(url.rpartition(":")[2]))

    assert again == url
    assert (await _post(client, _opening(server, held.secret_key)))[0] == 200
    await server.stop()


async def test_who_waits_after_planning_does_not_mean_what_came_before(
    server: OnetimeServer, client: aiohttp.ClientSession
) -> None:
    held = server.share(None, "text")
    await _post(client, _opening(server, held.secret_key))
    server.plan(OPENING, OnetimeFault("hang"))
    waiting = asyncio.create_task(server.wait_for_call(OPENING))
    await asyncio.sleep(0)

    assert not waiting.done()
    asking = asyncio.create_task(_post(client, _opening(server, held.secret_key)))
    await waiting
    server.clear_faults()
    await asking


@pytest.mark.parametrize("wrong", [lambda: OnetimeFault("nonsense"), lambda: OnetimeServer("9.9")])  # type: ignore[arg-type]
def test_an_unknown_fault_or_version_is_refused_by_name(wrong: Any) -> None:
    with pytest.raises(ValueError, match="there are"):
        wrong()


# --- what can be seen of it


async def test_every_call_is_shown_to_subscribers_without_key_or_name(
    server: OnetimeServer, client: aiohttp.ClientSession
) -> None:
    shown: list[RequestRecord] = []
    end = server.subscribe(shown.append)
    held = server.share(ADA, "text")
    await _post(client, _opening(server, held.secret_key), headers=AS_ADA)
    await _post(client, f"{server.url}/nowhere/{held.secret_key}")
    end()
    await _post(client, _opening(server, held.secret_key))

    calls = [(seen.method, seen.route, seen.caller, seen.status) for seen in shown]

    assert calls == [
        ("POST", OPENING, "a***@e***", 200),
        ("POST", "(no such route)", "anonymous", 404),
    ]
    assert server.calls[:2] == shown
    assert len(server.calls) == 3


async def test_nothing_secret_is_in_a_log_or_a_repr(
    server: OnetimeServer, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    held = server.share(ADA, "the plain text", passphrase="sesame")
    server.plan(OPENING, OnetimeFault("drop after", body=b"the plain text"))
    with pytest.raises(aiohttp.ClientConnectionError):
        await _post(client, _opening(server, held.secret_key), data={"passphrase": "sesame"}, headers=AS_ADA)

    shown = caplog.text + repr([held, server.everything(), server.calls, list(server._store), server._faults])
    shown += repr(OnetimeFault("answer", body=b"the plain text"))

    for hidden in (held.secret_key, held.metadata_key, "the plain text", "sesame", ADA, TOKEN):
        assert hidden not in shown


# --- other sites in the same browser


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:{port}"}, 403),
        ({"Host": "127.0.0.1"}, 403),
        ({"Host": "127.0.0.1:1"}, 403),
        ({"Host": "localhost.evil.example:{port}"}, 403),
        ({"Host": "[::1]:{port}"}, 403),
        ({"Host": "127.0.0.1.:{port}"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://evil.example:{port}"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({}, 200),
        ({"Host": "localhost:{port}"}, 200),
        ({"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"}, 200),
    ],
    ids=str,
)
async def test_another_host_name_and_another_site_are_turned_away(server, client, headers, status) -> None:
    held = server.share(None, "text")
    port = server.url.rpartition(":")[2]
    sent = {name: value.format(port=port) for name, value in headers.items()}

    async with client.get(f"{server.url}/api/v1/private/{held.metadata_key}", headers=sent) as answer:
        assert answer.status == status

    assert len(server.calls) == (status == 200)


async def test_another_site_cannot_open_or_burn_by_a_form(server, client) -> None:
    held = server.share(None, "text")
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    for path in (f"secret/{held.secret_key}", f"private/{held.metadata_key}/burn"):
        async with client.post(f"{server.url}/api/v1/{path}", headers=foreign) as answer:
            assert answer.status == 403

    assert server.find_secret(held.secret_key).has_plaintext
