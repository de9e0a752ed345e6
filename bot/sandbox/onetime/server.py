"""The emulated server on a port of 127.0.0.1, with the controls that tests, the tour and the page use.

The server writes no log, because a key in a log would leak a secret. `calls` holds what arrived, without keys.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Self

from aiohttp import hdrs, web

from bot.sandbox.onetime.accounts import ServerAccounts, mask_username
from bot.sandbox.onetime.api import Api
from bot.sandbox.onetime.bodies import obscure
from bot.sandbox.onetime.exchange import ServerRequest, read_credentials
from bot.sandbox.onetime.faults import OnetimeFault, OnetimeFaults
from bot.sandbox.onetime.rate_limits import RateLimits
from bot.sandbox.onetime.request_log import RequestLog, RequestRecord
from bot.sandbox.onetime.responder import Responder, drop_content_type
from bot.sandbox.onetime.store import PassphraseNeeded, SecretSnapshot, SecretStore
from bot.sandbox.onetime.versions import find_version
from bot.sandbox.own_address import refuse_other_sites

MAX_BODY_BYTES = 8 * 1024 * 1024  # bytes
SHUTDOWN_GRACE = 10.0  # seconds that open requests get when the server stops
OPEN_ROUTE = "/api/v1/secret/{key}"


class OnetimeServer:
    """One emulated server of `version` ("0.18", "0.23", "0.25" or "0.26").

    `rate_limits` turns on the default limits of that version, with its lockout after wrong passphrases.
    `auth_enabled=False` is a server whose operator switched API authentication off. Raises `ValueError`
    for an unknown version.
    """

    def __init__(
        self,
        version: str = "0.26",
        *,
        clock: Callable[[], float] = time.time,
        rate_limits: bool = False,
        auth_enabled: bool = True,
    ) -> None:
        self._version_facts = find_version(version)
        self._clock, self._has_rate_limits = clock, rate_limits
        self.version = version
        self.url = ""
        self._log = RequestLog()
        self._faults = OnetimeFaults()
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.forget()
        self._api.auth_enabled = auth_enabled

    def forget(self) -> None:
        """Reset the server: no secrets, no accounts, no calls, no faults, the clock not moved."""
        facts, clock, rate_limits = self._version_facts, self._clock, self._has_rate_limits
        self._faults.clear()
        self._log.forget()
        self._posts: Counter[str] = Counter()
        self._store = SecretStore(facts, clock=clock, lockouts=rate_limits)
        self._accounts = ServerAccounts(external_ids=facts.external_ids)
        self._api = Api(facts, self._store, self._accounts, RateLimits(facts, on=rate_limits))
        self._api.base = self.url
        self._responder = Responder(self._api, self._stopping)

    # --- running

    async def start(self, port: int = 0) -> str:
        """Listen on 127.0.0.1, on any free port if `port` is 0; returns the base URL."""
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[refuse_other_sites])
        app.router.add_route("*", "/{rest:.*}", self._serve)
        app.on_response_prepare.append(drop_content_type)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_GRACE)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._api.base = self.url
        return self.url

    async def stop(self) -> None:
        """Continue the requests that hang, and close. The secrets stay: the server can be started again."""
        self.clear_faults()
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self._stopping.clear()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # --- accounts and switches

    def add_account(self, username: str, token: str) -> None:
        self._accounts.add(username, token)

    def change_token(self, username: str, token: str) -> None:
        self._accounts.change_token(username, token)

    def remove_account(self, username: str) -> None:
        self._accounts.remove(username)

    def move_clock(self, seconds: float) -> None:
        """Move the time of this server forward. Rate limits and expiry follow; the delays of faults do not."""
        self._store.move_clock(seconds)

    @property
    def now(self) -> float:
        """Seconds since 1970, by this server's clock."""
        return self._store.now()

    @property
    def auth_enabled(self) -> bool:
        return self._api.auth_enabled

    @auth_enabled.setter
    def auth_enabled(self, value: bool) -> None:
        self._api.auth_enabled = value

    @property
    def database_up(self) -> bool:
        """Set to False, every request is answered as the version does without its Redis."""
        return self._api.database_up

    @database_up.setter
    def database_up(self, value: bool) -> None:
        self._api.database_up = value

    # --- secrets, without a request

    def share(
        self,
        username: str | None,
        text: str,
        *,
        ttl: int = 604_800,
        passphrase: str | None = None,
        recipient: str | None = None,
    ) -> SecretSnapshot:
        """Store `text` as if `username` (None: nobody) had shared it. `ttl` is in seconds and not limited.

        `recipient`: the mail address that the server has sent the link to.
        """
        recipients = [obscure(recipient, self._version_facts.mask)] if recipient else None
        stored = self._store.add(username, text, ttl, passphrase=passphrase or "", recipients=recipients)
        return self._store.snapshot(stored)

    def find_secret(self, key: str) -> SecretSnapshot | None:
        """The secret with that secret key or metadata key, in any state; None if there never was one."""
        secret = self._store.find_by_either_key(key)
        return None if secret is None else self._store.snapshot(secret)

    def everything(self) -> list[SecretSnapshot]:
        """All secrets that were ever made, oldest first."""
        return [self._store.snapshot(secret) for secret in self._store]

    def open_as_outsider(self, secret_key: str, passphrase: str | None = None) -> str | None:
        """Open a secret in a browser. Returns the text; None if the secret is gone or the passphrase is wrong."""
        secret = self._store.find_openable(secret_key)
        if secret is None:
            return None
        try:
            return self._store.open(secret, passphrase or "")
        except PassphraseNeeded:
            return None

    def look_as_outsider(self, secret_key: str) -> bool:
        """Load the page of a secret link without opening the secret. Returns False if there is nothing to open."""
        secret = self._store.find_openable(secret_key)
        if secret is not None:
            self._store.preview(secret)
        return secret is not None

    def burn_as_owner(self, metadata_key: str) -> bool:
        """Burn a secret as its owner does on the site. Returns False if there is nothing to burn."""
        secret = self._store.find_metadata(metadata_key)
        if secret is None or not secret.has_text(self._store.now()):
            return False
        self._store.burn_without_check(secret)
        return True

    def orphan(self, metadata_key: str) -> bool:
        """Remove the text of a secret before its time, but not its metadata. Returns False if there was no text."""
        secret = self._store.find_metadata(metadata_key)
        if secret is None or not secret.has_text(self._store.now()):
            return False
        secret.text = None
        return True

    def claims_of(self, secret_key: str) -> int:
        """How often the secret was opened: 0 or 1, or the emulator has a bug."""
        return self._store.claims_of(secret_key)

    def posts_of(self, secret_key: str) -> int:
        """How many requests to open the secret arrived, answered or not."""
        return self._posts[secret_key]

    # --- requests and faults

    @property
    def calls(self) -> list[RequestRecord]:
        """All requests, in the order of their arrival."""
        return self._log.records

    def subscribe(self, callback: Callable[[RequestRecord], None]) -> Callable[[], None]:
        """Call `callback` with each request after it was answered or dropped. Returns a function that ends this."""
        return self._log.subscribe(callback)

    def plan(self, route: str, fault: OnetimeFault, times: int | None = 1) -> None:
        """Let the next `times` requests (None: all) to `route` meet `fault`.

        `route` is a template as in `RequestRecord.route`, or the beginning of several templates.
        """
        self._log.mark(route)
        self._faults.plan(route, fault, times)

    def clear_faults(self) -> None:
        """Remove all plans and continue the requests that hang."""
        self._faults.clear()

    async def wait_for_call(self, route: str, times: int = 1) -> None:
        """Wait until `times` requests to `route` have arrived since its last `plan`, or since the start."""
        await self._log.wait_for_call(route, times)

    # --- HTTP

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        server_request = ServerRequest(request.method, request.raw_path, headers, await request.read())
        match = self._api.match(server_request)
        fault = self._faults.consume(match.template)
        record = RequestRecord(
            self._store.now(), request.method, match.template, mask_username(read_credentials(server_request))
        )
        record.fault = fault.kind if fault else None
        if match.template == OPEN_ROUTE and request.method == hdrs.METH_POST:
            self._posts[match.key] += 1
        self._log.add(record)
        try:
            return await self._responder.respond(request, server_request, record, fault)
        finally:
            self._log.notify(record)
