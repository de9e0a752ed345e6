"""Each server of Onetime Secret that the settings name, and the default one."""

from __future__ import annotations

from bot.doctor.finding import Finding, failed, ok, warning
from bot.doctor.remedies import remedy_for
from bot.errors import HostUnavailable, OnetimeError, RateLimited
from bot.onetime.client import Onetime
from bot.onetime.links import Host, Hosts
from bot.onetime.wire import Redirected
from bot.onetime.wire.family import ServerFamily
from bot.proxy import ProxyRule
from bot.settings import DEFAULT_SECRET_BYTES as MAX

NAME = "Onetime Secret"
DEADLINE = 8.0  # seconds for one call


def named_hosts(hosts: Hosts) -> tuple[Host, ...]:
    """The operator's own hosts and the default one: the other regions are not asked."""
    return tuple(dict.fromkeys([*hosts.own, hosts.default]))


async def check_host(host: Host, setting: str, max_bytes: int, proxy: ProxyRule) -> list[Finding]:
    """`setting` names the host; `max_bytes` is what people may share on it."""
    onetime = Onetime(deadline=DEADLINE, tries=1, proxy=proxy)
    try:
        await onetime.status(host)
        family = await onetime.family(host)
    except OnetimeError as error:
        return [_judge_error(host, setting, error)]
    finally:
        await onetime.aclose()
    if host.is_official and max_bytes > MAX:
        return [
            warning(
                NAME,
                f"{host.name} takes {MAX} bytes, and ONETIME_MAX_SECRET_BYTES lets people try {max_bytes}",
                f"Name the larger size for your own hosts only: {MAX}, https://ots.example.com={max_bytes}.",
            )
        ]
    return [ok(NAME, f"{host.name} answers{_describe(family, max_bytes)}")]


def _describe(family: ServerFamily | None, max_bytes: int) -> str:
    version = f", version {family}" if family else ""
    if family == "0.24 or newer" and max_bytes > MAX:
        return f"{version}; {max_bytes} bytes fit only if its operator raised the limit of {MAX}"
    return f"{version}; people may share up to {max_bytes} bytes"


def _judge_error(host: Host, setting: str, error: OnetimeError) -> Finding:
    why = str(error).partition(": ")[2] or str(error)
    if isinstance(error, Redirected):
        to = f"Set {setting} to {error.base}" if error.base else f"Write the address that it leads to into {setting}"
        return failed(NAME, f"{host.name} answers {why}", f"{to}: the bot follows no redirect.")
    if isinstance(error, RateLimited):
        return warning(NAME, f"{host.name} limits requests now", "Run the doctor again in half an hour.")
    if isinstance(error, HostUnavailable) and why[:3].isdigit():
        return failed(
            NAME,
            f"{host.name} does not answer as Onetime Secret's API v1 does ({why})",
            f"Check the address in {setting}, its path too, and that the server and its database run.",
        )
    return failed(NAME, f"{host.name} could not be reached: {why}", remedy_for(why, setting))
