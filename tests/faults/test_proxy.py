"""HTTPS_PROXY: one rule for Slack's Web API, Socket Mode, response_urls and Onetime Secret, with a real proxy."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from bot.errors import NothingSent
from bot.onetime.client import Onetime
from bot.onetime.links import Host
from bot.proxy import ProxyRule
from bot.sandbox.world import World
from bot.secret import Secret
from tests.faults.test_hostile_host import Exchange, certificate, hostile
from tests.support.postgres import free_port
from tests.support.proxying import Proxy

NAME = "ots.test"  # only the proxy can find it


async def nominal(exchange: Exchange) -> None:
    await exchange.answer(200, {"status": "nominal"})


async def ask(url: str, rule: ProxyRule) -> None:
    onetime = Onetime(tries=1, proxy=rule)
    try:
        await onetime.status(Host(url))
    finally:
        await onetime.aclose()


@pytest.mark.parametrize("mode", ["http", "socket"])
async def test_every_call_to_slack_goes_through_the_proxy_and_a_server_on_this_machine_does_not(
    mode: Literal["http", "socket"],
) -> None:
    async with Proxy() as proxy, World(mode=mode, settings={"HTTPS_PROXY": proxy.url}) as world:
        ada = world.workspace.person("U0ADA", "ada")
        held = world.onetime.share(None, "text")

        await ada.command("/ots", "accounts")  # answered by a response_url
        await ada.until(lambda: "You have not connected" in ada.sees())
        await ada.command("/ots", f"metadata {world.onetime.url}/private/{held.metadata_key}")
        await ada.until(lambda: "Not opened yet" in ada.sees())

        assert {call.method for call in world.workspace.calls} >= {"auth.test", "response_url"}
        assert set(proxy.asked) == {where_of(world.workspace.api_url), where_of(world.workspace._app.hooks_url)}
        assert world.onetime.calls

        await world.bot.stop()
        proxy.asked.clear()
        await world.start_bot(NO_PROXY="127.0.0.0/8")
        await ada.command("/ots", "accounts")
        await ada.until(lambda: len([one for one in ada.ephemerals if "You have not connected" in one.shows]) > 1)
        assert proxy.asked == []


async def test_onetime_secret_is_called_through_a_tunnel_and_its_certificate_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = certificate(tmp_path, NAME)
    async with hostile(nominal, tls=tls) as host, Proxy({NAME: ("127.0.0.1", port_of(host.url))}) as proxy:
        rule = ProxyRule(Secret(proxy.url))
        with pytest.raises(NothingSent, match="untrusted certificate"):
            await ask(f"https://{NAME}", rule)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))

        await ask(f"https://{NAME}", rule)

        assert proxy.asked == [f"{NAME}:443"] * 2
        assert [one.target for one in host.seen] == ["/api/v1/status"]
        assert "proxy-authorization" not in host.seen[0].headers


async def test_a_server_on_a_private_address_is_called_directly_unless_it_is_said() -> None:
    async with hostile(nominal) as host, Proxy() as proxy:
        await ask(host.url, ProxyRule(Secret(proxy.url), own_urls={host.url}))
        assert proxy.asked == []

        await ask(host.url, ProxyRule(Secret(proxy.url)))
        assert proxy.asked == [host.url.split("//")[1]]


async def test_a_proxy_that_asks_who_we_are_is_told_and_no_host_is(tmp_path, monkeypatch) -> None:
    tls = certificate(tmp_path, NAME)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    async with (
        hostile(nominal, tls=tls) as host,
        Proxy({NAME: ("127.0.0.1", port_of(host.url))}, "Basic YWRhOnDDpHNz") as proxy,
    ):
        with pytest.raises(NothingSent, match="the proxy answered 407"):
            await ask(f"https://{NAME}", ProxyRule(Secret(proxy.url)))
        await ask(f"https://{NAME}", ProxyRule(Secret(proxy.url.replace("//", "//ada:p%C3%A4ss@"))))

    assert len(host.seen) == 1
    assert "proxy-authorization" not in host.seen[0].headers


async def test_a_proxy_that_is_away_is_named_as_what_failed() -> None:
    with pytest.raises(NothingSent, match="the proxy: connection refused"):
        await ask(f"https://{NAME}", ProxyRule(Secret(f"http://127.0.0.1:{free_port()}")))


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
async def test_the_environment_alone_changes_no_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ada password canary\n")
    (tmp_path / "netrc").chmod(0o600)
    async with hostile(nominal) as host, Proxy() as proxy:
        monkeypatch.setenv(variable, proxy.url)
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

        await ask(host.url, ProxyRule())

        assert proxy.asked == []
        assert "authorization" not in host.seen[0].headers


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def where_of(url: str) -> str:
    return url.split("/")[2]
