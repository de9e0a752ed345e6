"""Which call takes the proxy."""

import socket

import pytest
from yarl import URL

from bot.errors import CannotStart
from bot.proxy import ProxyRule
from bot.secret import Secret
from tests.support.rows import each_row

PROXY = Secret("http://ada:canary@proxy.example:3128")


@each_row(
    ("no_proxy", "url", "is_direct"),
    [
        ("", "https://slack.com/api/", False),
        ("*", "https://slack.com/api/", True),
        ("slack.com", "https://slack.com/api/", True),
        ("slack.com", "https://hooks.slack.com/x", True),
        (".slack.com", "wss://wss-primary.slack.com/link", True),
        ("*.slack.com", "https://hooks.slack.com/x", True),
        ("SLACK.com.", "https://slack.com/api/", True),
        ("slack.com", "https://notslack.com/", False),
        ("slack.com:443", "https://slack.com/api/", True),
        ("slack.com:8443", "https://slack.com/api/", False),
        ("10.0.0.0/8", "http://10.1.2.3:7143/", True),
        ("10.0.0.0/8", "http://11.1.2.3/", False),
        ("10.1.2.3", "http://10.1.2.3/", True),
        ("10.1.2.3:80", "http://10.1.2.3/", True),
        ("2.3", "http://10.1.2.3/", False),
        ("::1", "http://[::1]:7143/", True),
        ("[::1]:7143", "http://[::1]:7143/", True),
        ("[::1]:7144", "http://[::1]:7143/", False),
        ("fd00::/8", "http://[fd00::7]/", True),
        ("com", "https://slack.com/", True),
        (".", "https://slack.com/", False),
        ("localhost 127.0.0.1 slack.com", "https://slack.com/", True),
    ],
)
async def test_a_host_of_no_proxy_is_called_directly(no_proxy, url, is_direct):
    found = await ProxyRule(PROXY, no_proxy.split()).find(URL(url))

    assert found == (None if is_direct else URL("http://proxy.example:3128"))


@each_row(
    ("addresses", "is_direct"),
    [(["10.1.2.3"], True), (["fd00::7", "192.168.0.1"], True), (["10.1.2.3", "203.0.114.9"], False), ([], False)],
)
async def test_a_server_of_the_operator_is_private_if_all_its_addresses_are(monkeypatch, addresses, is_direct):
    def look_up(*_arguments, **_more):
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (one, 0)) for one in addresses]

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", look_up)
        rule = ProxyRule(PROXY, own_urls={"https://ots.example/path"})

        assert (await rule.find(URL("https://ots.example/api"))) == (
            None if is_direct else URL("http://proxy.example:3128")
        )
        assert await rule.find(URL("https://slack.com/")) is not None


@each_row(
    "url", ["socks5://canary:1080", "http://", "http://canary:99999", "ftp://canary", "http://canary:80/path", "://"]
)
def test_what_is_no_proxy_stops_the_start_without_its_value(url):
    with pytest.raises(CannotStart, match="HTTPS_PROXY") as caught:
        ProxyRule(Secret(url))

    assert "canary" not in str(caught.value)


@each_row(
    ("url", "host"),
    [("proxy:3128", "proxy:3128"), ("https://a:b@proxy.example", "proxy.example:443"), ("http://[::1]:1/", "[::1]:1")],
)
def test_the_log_shows_the_proxys_host_alone(url, host):
    assert ProxyRule(Secret(url)).host == host
