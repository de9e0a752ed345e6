"""Runs all checks: those of files first, then those that need the network, beside each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from yarl import URL

from bot.doctor import database, keys, machine, onetime, request_url, slack
from bot.doctor.finding import Check, Finding, failed, failed_by, not_checkable
from bot.doctor.settings import check_settings_given
from bot.errors import BotError, CannotStart
from bot.logs import describe_error
from bot.onetime.links import Host, Hosts
from bot.onetime.unfurl_domains import find_domains
from bot.proxy import ProxyRule
from bot.settings import CheckedSettings, Settings
from bot.slack import diagnosis
from bot.storage.sealing.keyring import KeyRing
from bot.watch.single_instance import is_locked

DEADLINE = 25.0  # seconds for one check; a call to Slack has 10
_PROXY_SETTINGS = ("HTTPS_PROXY", "NO_PROXY", "PROXY_PRIVATE_HOSTS")
_NETWORK = "Check the network, and a firewall or proxy between this machine and what was asked."


@dataclass(frozen=True, slots=True)
class Loaders:
    """How the bot makes its parts from the settings. Each raises `CannotStart`."""

    key_ring: Callable[[Settings], KeyRing | None]
    proxy_rule: Callable[[Settings, Hosts], ProxyRule]
    secret_sizes: Callable[[Hosts, Settings], Mapping[str, int]]


@dataclass(slots=True)
class Examination:
    """One run of the doctor. A part that cannot be made is None, and what needs it is not checkable."""

    checked: CheckedSettings
    env_file: Path | None
    load: Loaders
    path: Path | None = None  # of the SQLite file
    ring: KeyRing | None = None
    hosts: Hosts | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    proxy: ProxyRule | None = None
    has_place: bool = False  # whether a database can be where DATABASE_URL says

    @property
    def settings(self) -> Settings:
        return self.checked.settings

    @property
    def _lacks_file(self) -> bool:
        """Whether the file with the settings cannot be read: then nothing is known of what is in it."""
        return any(not one.name for one in self.checked.mistakes)

    def examine_files(self) -> list[Finding]:
        """What shows without the network and without opening the database."""
        found = list(check_settings_given(self.checked, self.env_file))
        if self._lacks_file:
            return found
        for check, needs, run in (
            (database.NAME, ("DATABASE_URL",), self._examine_place),
            (keys.NAME, ("ENCRYPTION_KEYS_FILE", "ENCRYPTION_KEYS", "ALLOW_SHARED_KEY_FILE"), self._examine_keys),
            (slack.TOKEN, (), lambda: slack.check_tokens_given(self.settings)),
            (onetime.NAME, ("ONETIME_HOSTS", "ONETIME_DEFAULT_HOST", "ONETIME_MAX_SECRET_BYTES"), self._make_hosts),
            (machine.PROXY, _PROXY_SETTINGS, self._make_proxy),
        ):
            found += self._without(check, needs) or _guard(check, run)
        return found

    async def examine(self, url: URL | None) -> list[Finding]:
        """All checks, sorted by subject."""
        found = self.examine_files()
        if self._lacks_file:
            return [*found, not_checkable("the rest", "waits for the file with the settings to be right")]
        checks = []
        for name, needs, check in self._network_checks(url):
            if waiting := self._without(name, needs):
                found += waiting
            else:
                checks.append(_run(name, check))
        found += [one for findings in await asyncio.gather(*checks) for one in findings]
        found.append(machine.check_python())
        found += slack.name_what_no_token_shows(
            self.settings, str(url.origin()) if url and url.scheme == "https" else None
        )
        order = list(dict.fromkeys([*_ORDER, *(one.check for one in found)]))
        return sorted(found, key=lambda one: order.index(one.check))

    def _network_checks(self, url: URL | None) -> Iterator[tuple[str, tuple[str, ...], Check]]:
        """Each check, and the settings that it needs."""
        settings, rule = self.settings, self.proxy
        if self.has_place and (self.path is None or self.path.exists()):
            yield database.NAME, (), lambda: database.check_contents(settings.database_url, self.ring)
        is_running = None if self.path is None else is_locked(self.path)
        ports = ("PORT", "HOST", "ADMIN_PORT", "ADMIN_HOST")
        yield machine.PORTS, ports, lambda: machine.check_ports(settings, is_running=is_running)
        if rule is None:  # that is a failure already
            return
        yield machine.PROXY, (), lambda: machine.check_proxy(rule)
        yield slack.TOKEN, ("SLACK_API_URL", "SLACK_BOT_TOKEN"), lambda: slack.check_token(settings, rule)
        yield slack.SOCKET, ("SLACK_API_URL", "SLACK_APP_TOKEN"), lambda: slack.check_app_token(settings, rule)
        secrets = ("SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN")
        yield request_url.NAME, secrets, lambda: request_url.check_request_url(settings, url, rule)
        for host in onetime.named_hosts(self.hosts) if self.hosts else ():
            most = self.sizes.get(host.url, settings.onetime_max_secret_bytes.default)
            yield onetime.NAME, (), partial(onetime.check_host, host, self._setting_of(host), most, rule)

    def _setting_of(self, host: Host) -> str:
        return "ONETIME_HOSTS" if self.hosts and host in self.hosts.own else "ONETIME_DEFAULT_HOST"

    def _without(self, check: str, needs: tuple[str, ...]) -> list[Finding]:
        """That a check makes no sense before one of its settings is right."""
        wrong = {one.name for one in self.checked.mistakes} & set(needs)
        return [not_checkable(check, f"waits for {', '.join(sorted(wrong))} to be right")] if wrong else []

    def _examine_place(self) -> list[Finding]:
        self.path, findings = database.check_place(self.settings.database_url)
        self.has_place = True
        return findings

    def _examine_keys(self) -> list[Finding]:
        self.ring, findings = keys.check_keys_given(self.settings, self.load.key_ring, self.path)
        return findings

    def _make_hosts(self) -> list[Finding]:
        self.hosts = Hosts(self.settings.onetime_hosts, self.settings.onetime_default_host)
        self.sizes = self.load.secret_sizes(self.hosts, self.settings)
        if self.settings.unfurl_links == "on" and not diagnosis.is_emulated(self.settings.slack_api_url):
            find_domains(self.hosts)  # an emulated Slack takes any host
        return []

    def _make_proxy(self) -> list[Finding]:
        self.proxy = self.load.proxy_rule(self.settings, self.hosts or Hosts())
        return []


_ORDER = (
    "settings", keys.NAME, database.NAME, machine.PROXY, slack.TOKEN, slack.SCOPES, slack.SECRET, slack.SOCKET,
    slack.CLOCK, request_url.NAME, onetime.NAME, machine.PORTS, machine.PYTHON, slack.APP,
)  # fmt: skip


def _guard(check: str, run: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return run()
    except Exception as error:  # noqa: BLE001 - a check that crashes is a line, never a traceback
        return [_judge_error(check, error)]


async def _run(name: str, check: Callable[[], Any]) -> list[Finding]:
    try:
        async with asyncio.timeout(DEADLINE):
            found: list[Finding] = await check()
            return found
    except TimeoutError:
        return [failed(name, f"no answer within {DEADLINE:g} s", _NETWORK)]
    except Exception as error:  # noqa: BLE001 - a check that crashes is a line, never a traceback
        return [_judge_error(name, error)]


def _judge_error(check: str, error: Exception) -> Finding:
    if isinstance(error, CannotStart | BotError):
        return failed_by(check, str(error))
    place = describe_error(error).partition(" < ")[0]
    return failed(check, f"the check itself failed: {place}", "Report this line to the project.")
