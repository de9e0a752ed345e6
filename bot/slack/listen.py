"""Where the HTTP servers listen."""

from __future__ import annotations

import ipaddress
import socket

from aiohttp import web

from bot.errors import CannotStart
from bot.slack.connections import backlog


async def listen(runner: web.ServerRunner, host: str, port: int, *, setting: str) -> int:
    """Listen there; returns the port, which the system chooses for 0.

    `::` means every address of the machine, of IPv4 too. Raises `CannotStart`, with the name of the port's setting.
    """
    bare = host.strip().removeprefix("[").removesuffix("]")
    try:
        if _is_any_ipv6(bare):
            both = socket.create_server((bare, port), family=socket.AF_INET6, dualstack_ipv6=True)
            site: web.BaseSite = web.SockSite(runner, both, backlog=backlog())
        else:
            site = web.TCPSite(runner, bare, port, backlog=backlog())
        await site.start()
    except (OSError, ValueError) as error:  # ValueError: text that is no host's name
        why = error.strerror if isinstance(error, OSError) else "not the name of a host"
        raise CannotStart(f"{setting} {port} on {host} cannot be listened on: {why}.") from None
    return int(runner.addresses[0][1])


def _is_any_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host) == ipaddress.IPv6Address("::")
    except ValueError:
        return False
