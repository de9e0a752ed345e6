"""The domains whose links Slack tells the app of, as the app's manifest names them (UNFURL_LINKS).

Slack takes five domains at most, without ports and paths. A domain covers its subdomains: in the event link_shared of
Slack's documentation, `https://yet.another-example.com/…` is a link of the domain `another-example.com`.

Source: docs.slack.dev, app manifest reference (unfurl_domains), unfurling links in messages, and the event link_shared.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from bot.errors import CannotStart
from bot.onetime.links import Host, Hosts

MAX_DOMAINS = 5


def find_domains(hosts: Hosts) -> tuple[str, ...]:
    """The domains of these hosts, without those that another one covers.

    Raises `CannotStart`, which names the host that does not fit, or the domains that are too many.
    """
    names = list(dict.fromkeys(_read_domain(host) for host in hosts.all))
    domains = tuple(one for one in names if not any(one.endswith(f".{other}") for other in names))
    if len(domains) > MAX_DOMAINS:
        raise CannotStart(
            f"UNFURL_LINKS: Slack takes {MAX_DOMAINS} domains at most, and these are {len(domains)}: "
            f"{', '.join(domains)}. Take hosts out of ONETIME_HOSTS, or set UNFURL_LINKS to off."
        )
    return domains


def _read_domain(host: Host) -> str:
    parts = urlsplit(host.url)
    name = parts.hostname or ""
    if parts.port is not None:
        raise _misfit(host, "has a port, and Slack's domains have none")
    if _is_address(name) or "." not in name:
        raise _misfit(host, "is no domain that Slack knows")
    return name


def _misfit(host: Host, why: str) -> CannotStart:
    return CannotStart(f"UNFURL_LINKS: {host.name} {why}. Take it out of ONETIME_HOSTS, or set UNFURL_LINKS to off.")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
