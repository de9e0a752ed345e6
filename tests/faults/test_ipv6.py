"""IPv6: where the bot listens, and every address that it may be given."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from bot.interaction.parsed_text import parse_field, parse_markup
from bot.interaction.pasted import read_host, read_pasted
from bot.onetime.client import Onetime
from bot.onetime.links import Hosts, SecretLink
from bot.sandbox.world import World
from bot.secret import Secret, SecretKey
from bot.settings import read_settings
from bot.slack.web import SlackClient

KEY = "ipv6secretkey0123456789abcdefghi"


async def is_alive(address: str, port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection(address, port)
    except OSError:
        return False
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    said = await reader.read()
    writer.close()
    return said.endswith(b"ok\n")


@pytest.mark.parametrize(
    ("host", "where"),
    [("::", {"127.0.0.1", "::1"}), ("[::]", {"127.0.0.1", "::1"}), ("::1", {"::1"}), ("0.0.0.0", {"127.0.0.1"})],
)
async def test_the_bot_listens_on_every_address_that_host_means(host: str, where: set[str]) -> None:
    async with World(settings={"HOST": host}) as world:
        assert {one for one in ("127.0.0.1", "::1") if await is_alive(one, world.bot.port)} == where


async def test_slack_and_onetime_secret_are_reached_by_an_ipv6_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        is_slack = request.path == "/api/auth.test"
        return web.json_response({"ok": True, "team_id": "T1"} if is_slack else {"status": "nominal"})

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "::1", 0).start()
    url = f"http://[::1]:{runner.addresses[0][1]}"
    monkeypatch.setenv("SLACK_API_URL", f"{url}/api/")
    monkeypatch.setenv("ONETIME_HOSTS", url)
    settings = read_settings()
    slack, onetime, hosts = (
        SlackClient(Secret("xoxb-1"), settings.slack_api_url),
        Onetime(),
        Hosts(settings.onetime_hosts),
    )
    link = f"{url}/secret/{KEY}"
    read = [read_pasted(text, hosts)[0] for text in (parse_field(Secret(link)), parse_markup(f"<{link}|{link}>"))]

    await onetime.status(hosts.of(url))
    known = await slack.who_am_i()

    assert read == [SecretLink(hosts.of(url), SecretKey(KEY))] * 2
    assert read_host(parse_markup(url.split("//")[1]), hosts) == hosts.of(url)
    assert known["team_id"] == "T1"
    await slack.close()
    await onetime.aclose()
    await runner.cleanup()
