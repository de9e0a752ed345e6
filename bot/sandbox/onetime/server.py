"""The emulated server on a port of 127.0.0.1, and the controls that tests, the tour and the page have over it.

It logs nothing: a key in a log would be a secret in a log. What arrived is in `calls`, without keys.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Self

from aiohttp import hdrs, web

from bot.sandbox.onetime.accounts import ServerAccounts, masked
from bot.sandbox.onetime.api import Api
from bot.sandbox.onetime.exchange import ApiRequest, credentials
from bot.sandbox.onetime.faults import OnetimeFault, OnetimeFaults
from bot.sandbox.onetime.rate_limits import RateLimits
from bot.sandbox.onetime.request_log import RequestLog, RequestRecord
from bot.sandbox.onetime.responder import Responder, leave_out_type
from bot.sandbox.onetime.store import PassphraseNeeded, SecretSnapshot, SecretStore
from bot.sandbox.onetime.versions import version_named

BODY_MOST = 8 * 1024 * 1024  # bytes
GRACE = 10.0  # seconds that open requests get when the server stops
OPENING = "/api/v1/secret/{key}"


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
        self._facts = version_named(version)
        self._clock, self._rate_limits = clock, rate_limits
        self.version = version
        self.url = ""
        self._calls = RequestLog()
        self._faults = OnetimeFaults()
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.forget()
        self._api.auth_enabled = auth_enabled

    def forget(self) -> None:
        """As new: no secrets, no accounts, no calls, no faults, the clock as it really is."""
        facts, clock, rate_limits = self._facts, self._clock, self._rate_limits
        self._faults.clear()
        self._calls.forget()
        self._posts: Counter[str] = Counter()
        self._store = SecretStore(facts, clock=clock, lockouts=rate_limits)
        self._accounts = ServerAccounts(external_ids=facts.external_ids)
        self._api = Api(facts, self._store, self._accounts, RateLimits(facts, on=rate_limits))
        self._api.base = self.url
        self._delivery = Responder(self._api, self._stopping)

    # --- running

    async def start(self, port: int = 0) -> str:
        """Listen on 127.0.0.1, on any free port if `port` is 0; returns the base URL."""
        app = web.Application(client_max_size=BODY_MOST)
        app.router.add_route("*", "/{rest:.*}", self._serve)
        app.on_response_prepare.append(leave_out_type)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=GRACE)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._api.base = self.url
        return self.url

    async def stop(self) -> None:
        """Let go what hangs and close. The secrets stay, so the same server may be started again."""
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
        """From now on it is `seconds` later. Rate limits and expiry follow; delays of faults do not."""
        self._store.move_clock(seconds)

    @property
    def now(self) -> float:
        """Epoch seconds, as this server has them."""
        return self._store.now()

    @property
    def auth_enabled(self) -> bool:
        return self._api.auth_enabled

    @auth_enabled.setter
    def auth_enabled(self, value: bool) -> None:
        self._api.auth_enabled = value

    @property
    def database_up(self) -> bool:
        """False answers as the version does when its Redis is away."""
        return self._api.database_up

    @database_up.setter
    def database_up(self, value: bool) -> None:
        self._api.database_up = value

    # --- secrets, without HTTP

    def share(
        self, username: str | None, text: str, *, ttl: int = 604_800, passphrase: str | None = None
    ) -> SecretSnapshot:
        """Keep `text` as if `username` (None: nobody) had shared it. `ttl` is seconds, and taken as it is."""
        return self._store.held(self._store.add(username, text, ttl, passphrase=passphrase or ""))

    def held(self, key: str) -> SecretSnapshot | None:
        """The secret with that secret key or metadata key, also when it is over; None if there never was one."""
        kept = self._store.find(key)
        return None if kept is None else self._store.held(kept)

    def everything(self) -> list[SecretSnapshot]:
        """All secrets there ever were, oldest first."""
        return [self._store.held(kept) for kept in self._store]

    def open_as_outsider(self, secret_key: str, passphrase: str | None = None) -> str | None:
        """What somebody does in a browser: the text, once; None if there is nothing to open or it stays shut."""
        kept = self._store.secret(secret_key)
        if kept is None:
            return None
        try:
            return self._store.open(kept, passphrase or "")
        except PassphraseNeeded:
            return None

    def look_as_outsider(self, secret_key: str) -> bool:
        """What a browser does before anybody asks it to show the text. False if there is nothing to see."""
        kept = self._store.secret(secret_key)
        if kept is not None:
            self._store.look(kept)
        return kept is not None

    def burn_as_owner(self, metadata_key: str) -> bool:
        """What the owner does on the site. False if there is nothing left to burn."""
        kept = self._store.metadata(metadata_key)
        if kept is None or not kept.has_text(self._store.now()):
            return False
        self._store.burn_unasked(kept)
        return True

    def orphan(self, metadata_key: str) -> bool:
        """The secret goes before its time and its metadata stays. False if there was none."""
        kept = self._store.metadata(metadata_key)
        if kept is None or not kept.has_text(self._store.now()):
            return False
        kept.text = None
        return True

    def claims_of(self, secret_key: str) -> int:
        """How often the secret was opened: 0 or 1, unless the emulator is wrong."""
        return self._store.claims_of(secret_key)

    def posts_of(self, secret_key: str) -> int:
        """How many requests to open it arrived, whatever became of them."""
        return self._posts[secret_key]

    # --- what arrives, and what goes wrong

    @property
    def calls(self) -> list[RequestRecord]:
        """Every request, in the order in which they arrived."""
        return self._calls.all

    def subscribe(self, callback: Callable[[RequestRecord], None]) -> Callable[[], None]:
        """Call `callback` with each request once it is answered or dropped. Returns what ends that."""
        return self._calls.subscribe(callback)

    def plan(self, route: str, fault: OnetimeFault, times: int | None = 1) -> None:
        """Let `fault` happen to the next `times` requests (None: to all) to `route`.

        `route` is a template as in `RequestRecord.route`, which means just that one, or the beginning of some.
        """
        self._calls.mark(route)
        self._faults.plan(route, fault, times)

    def clear_faults(self) -> None:
        """Forget all plans; what hangs goes on."""
        self._faults.clear()

    async def arrived(self, route: str, times: int = 1) -> None:
        """Return once `times` requests to `route` have arrived since it was last given to `plan`, or ever."""
        await self._calls.arrived(route, times)

    # --- HTTP

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = ApiRequest(request.method, request.raw_path, headers, await request.read())
        match = self._api.match(asked)
        fault = self._faults.take(match.template)
        seen = RequestRecord(self._store.now(), request.method, match.template, masked(credentials(asked)))
        seen.fault = fault.kind if fault else None
        if match.template == OPENING and request.method == hdrs.METH_POST:
            self._posts[match.key] += 1
        self._calls.add(seen)
        try:
            return await self._delivery.deliver(request, asked, seen, fault)
        finally:
            self._calls.done(seen)
