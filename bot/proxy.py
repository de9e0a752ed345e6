"""The proxy for outgoing calls: one rule for Slack's Web API, Socket Mode, response_urls and Onetime Secret.

HTTPS_PROXY serves every call, whatever its scheme, but for the hosts in NO_PROXY and for servers in ONETIME_HOSTS that
are on private addresses, unless PROXY_PRIVATE_HOSTS is on. Other variables, and `.netrc`, are never read.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, encode_basic_auth, hdrs
from cachetools import TTLCache
from yarl import URL

from bot.errors import CannotStart
from bot.secret import Secret

LOOKUP_KEPT = 300.0  # seconds that an answer of the name service is kept
LOOKUP_TIME = 3.0  # seconds for an answer of the name service

_WANTED = "HTTPS_PROXY should be http://host:port or http://user:password@host:port (https:// too)."


class ProxyRule:
    """Says which proxy a call takes. Without a URL no call takes one.

    `own_urls` are the base URLs of the servers in ONETIME_HOSTS, which are called directly if they are on private
    addresses. Raises `CannotStart` for a URL that is none of a proxy.
    """

    def __init__(self, url: Secret | None = None, no_proxy: Iterable[str] = (), own_urls: Iterable[str] = ()) -> None:
        self._url: Secret | None = None
        self._authorization: Secret | None = None
        if url is not None:
            self._url, self._authorization = _parse(url)
        self._exceptions = tuple(entry.strip().lower() for entry in no_proxy if entry.strip())
        self._own = frozenset(_origin(URL(one)) for one in own_urls)
        self._private: TTLCache[str, bool] = TTLCache(1000, LOOKUP_KEPT)

    @property
    def host(self) -> str | None:
        """The proxy's host and port, for the log."""
        if self._url is None:
            return None
        url = URL(self._url.reveal())
        return f"{url.host_subcomponent}:{url.port}"

    async def find(self, url: URL) -> URL | None:
        """The proxy for this call, without user and password; None for a direct call."""
        if self._url is None or self._is_exception(url) or await self._is_private(url):
            return None
        return URL(self._url.reveal())

    async def apply(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """A middleware of aiohttp: sends the request by way of the proxy, if there is one for it."""
        proxy = await self.find(request.url)
        headers = {hdrs.PROXY_AUTHORIZATION: self._authorization.reveal()} if proxy and self._authorization else None
        request.update_proxy(proxy, None, headers)
        if headers and not request.is_ssl():  # the proxy reads this request itself; the others go through a tunnel
            request.headers.update(headers)
        return await handler(request)

    def _is_exception(self, url: URL) -> bool:
        host = _bare(url.host or "")
        return any(_matches(entry, host, url.port) for entry in self._exceptions)

    async def _is_private(self, url: URL) -> bool:
        if _origin(url) not in self._own:
            return False
        host = _bare(url.host or "")
        known = self._private.get(host)
        if known is None:
            known = await _has_only_private_addresses(host)
            self._private[host] = known
        return known


def _parse(url: Secret) -> tuple[Secret, Secret | None]:
    """The URL without user and password, and the header that has them."""
    text = url.reveal()
    try:
        parsed = URL(text if "://" in text else f"http://{text}")
        usable = parsed.scheme in ("http", "https") and parsed.host and parsed.port and parsed.path in ("", "/")
    except ValueError:
        usable = False
    if not usable:
        raise CannotStart(f"HTTPS_PROXY is not the URL of a proxy. {_WANTED}") from None
    user = parsed.user
    header = None if user is None else Secret(encode_basic_auth(user, parsed.password or "", "utf-8"))
    return Secret(str(parsed.origin())), header


def _origin(url: URL) -> tuple[str, str | None, int | None]:
    return url.scheme, url.host, url.port


def _bare(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _matches(entry: str, host: str, port: int | None) -> bool:
    """Whether an entry of NO_PROXY names this host: a name with all below it, an address, a network, or `*`."""
    if entry == "*":
        return True
    if (address := _address(host)) is not None:
        try:
            if address in ipaddress.ip_network(entry.strip("[]"), strict=False):
                return True
        except ValueError:
            pass  # not a network; perhaps an address with a port
    name, colon, digits = entry.rpartition(":")
    if colon and digits.isdigit() and (":" not in name or name.endswith("]")):
        if int(digits) != port:
            return False
        entry = name
    name = _bare(entry).removeprefix("*").removeprefix(".")
    return bool(name) and (host == name or (address is None and host.endswith(f".{name}")))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


async def _has_only_private_addresses(host: str) -> bool:
    """False for a name that cannot be looked up here: the proxy may know it."""
    if (address := _address(host)) is not None:
        return address.is_private
    try:
        async with asyncio.timeout(LOOKUP_TIME):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return False
    return bool(found) and all(ipaddress.ip_address(str(where[0]).partition("%")[0]).is_private for *_, where in found)
