"""This machine: Python, the proxy, and the ports that the bot listens on."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import platform
import socket
import sqlite3
import sys

import aiohttp
from yarl import URL

from bot.connection_failures import explain_connection_failure
from bot.doctor.finding import Finding, failed, ok, warning
from bot.proxy import ProxyRule
from bot.settings import Settings

PYTHON, PROXY, PORTS = "Python", "proxy", "port"
MIN_PYTHON, MAX_PYTHON = (3, 11), (3, 13)  # those that the tests run on
ANSWER_WITHIN = 2.0  # seconds for /healthz of a bot that runs
CONNECT_WITHIN = 5.0  # seconds for the proxy


def check_python() -> Finding:
    found = f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.system()} {platform.machine()}"
    if not MIN_PYTHON <= sys.version_info[:2] <= MAX_PYTHON:
        return warning(PYTHON, f"{found}: the bot is tested on 3.11 to 3.13", "Use one of these for its .venv.")
    return ok(PYTHON, found)


async def check_proxy(rule: ProxyRule) -> list[Finding]:
    """Whether something listens at HTTPS_PROXY. What it lets through shows with Slack and the hosts."""
    if rule.host is None:
        return []
    url = URL(f"//{rule.host}")
    try:
        async with asyncio.timeout(CONNECT_WITHIN):
            _, writer = await asyncio.open_connection(url.host, url.port)
        writer.close()
    except (OSError, TimeoutError) as error:
        remedy = "Check host and port in HTTPS_PROXY, and that the proxy runs."
        return [failed(PROXY, f"{rule.host} could not be reached: {explain_connection_failure(error)}", remedy)]
    return [ok(PROXY, f"{rule.host} takes connections")]


async def check_ports(settings: Settings, *, is_running: bool | None) -> list[Finding]:
    """Whether the bot can listen. `is_running`: whether a bot has the SQLite database; None on PostgreSQL."""
    wanted = [("PORT", settings.host, settings.port)]
    if settings.admin_port:
        wanted.append(("ADMIN_PORT", settings.admin_host, settings.admin_port))
        if settings.admin_port == settings.port:
            return [failed(PORTS, f"PORT and ADMIN_PORT are both {settings.port}", "Give ADMIN_PORT another number.")]
    return [await _check_port(*one, is_running=is_running) for one in wanted]


async def _check_port(setting: str, host: str, port: int, *, is_running: bool | None) -> Finding:
    where = f"{setting} {port} on {host}"
    if not port:
        return ok(PORTS, f"{setting} is 0: the system chooses a free one")
    bare = host.strip().removeprefix("[").removesuffix("]")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(bare or None, port, type=socket.SOCK_STREAM)
        _bind(found[0][0], found[0][1], found[0][4])
    except (OSError, UnicodeError) as error:
        is_in_use = getattr(error, "errno", None) == errno.EADDRINUSE
        if is_in_use and is_running is not False and await _is_bot(bare, port):
            return ok(PORTS, f"{where}: a bot is running there")
        return failed(PORTS, *_explain(error, setting, where))
    return ok(PORTS, f"{where} is free")


def _bind(family: int, kind: int, address: tuple[object, ...]) -> None:
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


def _explain(error: Exception, setting: str, where: str) -> tuple[str, str]:
    host = setting.replace("PORT", "HOST")
    match getattr(error, "errno", None):
        case errno.EADDRINUSE:
            return f"{where} is in use by another program", f"End that program, or set {setting} to a free port."
        case errno.EACCES:
            return (
                f"{where} is only for root",
                f"Set {setting} to 1024 or more, and let the proxy pass requests on to it.",
            )
        case errno.EADDRNOTAVAIL:
            return f"{where}: this machine has no such address", f"Set {host} to an address of this machine."
        case _:
            return f"{where} cannot be listened on", f"Set {host} to an address of this machine, such as 127.0.0.1."


async def _is_bot(host: str, port: int) -> bool:
    """Whether a bot answers /healthz there."""
    try:
        address = ipaddress.ip_address(host)
        here = ("::1" if address.version == 6 else "127.0.0.1") if address.is_unspecified else host  # noqa: PLR2004
    except ValueError:
        here = host
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN), trust_env=False) as session,
            session.get(URL.build(scheme="http", host=here, port=port, path="/healthz"), allow_redirects=False) as said,
        ):
            return said.status == 200 and await said.content.read(16) == b"ok\n"  # noqa: PLR2004 - HTTP OK
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        return False
