"""API v1 of the emulated server: a request in, a response out. No waiting and no I/O happen here.

What differs between server versions stands in `Version` (versions.py). This module only reads it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.sandbox.onetime import api_v2, bodies, conceal_form, pages, refusals
from bot.sandbox.onetime.accounts import ANON, Caller, ServerAccounts
from bot.sandbox.onetime.exchange import (
    MalformedBody,
    RequestRefused,
    ServerRequest,
    ServerResponse,
    json_response,
    read_credentials,
    read_fields,
)
from bot.sandbox.onetime.rate_limits import ANONYMOUS, RateLimits
from bot.sandbox.onetime.refusals import NO_SUCH_ROUTE, UNEXPECTED, Refusals
from bot.sandbox.onetime.routes import Operation, RouteMatch, find_route
from bot.sandbox.onetime.store import LockedOut, PassphraseNeeded, SecretStore, StoredSecret
from bot.sandbox.onetime.versions import LimitedAction, Version

MIN_KEY_LENGTH = 20  # characters


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A v1 request after parsing: the caller, the key in the path ("" for none), the form fields."""

    caller: Caller
    key: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)

    @property
    def passphrase(self) -> str:
        return self.fields.get("passphrase", "")


class Api:
    """Answers requests as one server does. `auth_enabled` and `database_up` may be changed while the server runs."""

    def __init__(self, version: Version, store: SecretStore, accounts: ServerAccounts, rate_limits: RateLimits) -> None:
        self.version = version
        self.base = ""  # the server's URL, which is part of some answers; set when the server listens
        self.auth_enabled = True
        self.database_up = True
        self._store = store
        self._accounts = accounts
        self._rate_limits = rate_limits
        self._refusals = Refusals(version)
        self._v1: dict[Operation, Callable[[ApiCall], ServerResponse]] = {
            "status": self._status,
            "authcheck": self._authcheck,
            "share": self._share,
            "create": self._create,
            "generate": self._generate,
            "secret": self._open,
            "metadata": self._metadata,
            "burn": self._burn,
            "recent": self._recent,
        }

    def match(self, request: ServerRequest) -> RouteMatch:
        return find_route(request.method, request.path, self.version)

    def answer(self, request: ServerRequest) -> ServerResponse:
        try:
            answer = self._answer(request, self.match(request))
        except RequestRefused as refused:
            answer = refused.answer
        except MalformedBody:
            answer = ServerResponse(400, content_type=None)
        return self._add_headers(answer)

    def _answer(self, request: ServerRequest, match: RouteMatch) -> ServerResponse:
        if match.operation is None:
            return NO_SUCH_ROUTE
        if match.operation == "page":
            return pages.page()
        credentials = read_credentials(request)
        if not self.database_up:
            return self._refusals.without_database(anonymous=credentials is None)
        if (operation := self._v1.get(match.operation)) is None:
            return self._answer_v2(match, credentials)
        fields = read_fields(request, self.version)
        return operation(ApiCall(self._authenticate(request, credentials), match.key, fields))

    def _answer_v2(self, match: RouteMatch, credentials: tuple[str, str] | None) -> ServerResponse:
        if match.operation == "v2 recent":
            return api_v2.recent(self.version, self._store, self._accounts, credentials)
        if match.operation == "v2 secret status":
            return api_v2.secret_status(self.version, self._store, match.key)
        return api_v2.status(self.version)

    # --- one method for each operation of v1

    def _status(self, call: ApiCall) -> ServerResponse:
        self._check_rate_limit(call, "status")
        return json_response({"status": "nominal", "locale": "en"})

    def _authcheck(self, call: ApiCall) -> ServerResponse:
        if call.caller.account is None:
            raise self._refusals.not_authorized()
        return self._status(call)

    def _share(self, call: ApiCall) -> ServerResponse:
        self._check_rate_limit(call, "create")
        form = conceal_form.read_share_form(self.version, call.caller, dict(call.fields))
        return json_response(self._describe(self._store_secret(call, form), "share", call))

    def _create(self, call: ApiCall) -> ServerResponse:
        if not self.version.create_works:
            raise self._refusals.form_error(call.caller, "Incorrect payload format")
        return self._share(call)

    def _generate(self, call: ApiCall) -> ServerResponse:
        self._check_rate_limit(call, "create")
        form = conceal_form.read_generate_form(self.version, call.caller, dict(call.fields))
        secret = self._store_secret(call, form, generated=True)
        body = self._describe(secret, "share", call, value=form.text)
        if self.version.generated_is_viewed:
            self._store.poll(secret)
        return json_response(body)

    def _open(self, call: ApiCall) -> ServerResponse:
        self._check_rate_limit(call, "secret")
        self._check_key(call)
        secret = self._store.find_openable(call.key)
        if secret is None:
            raise refusals.unknown_secret(call.key)
        try:
            text = self._store.open(secret, call.passphrase)
        except PassphraseNeeded:
            self._check_rate_limit(call, "wrong passphrase")
            raise refusals.unknown_secret(call.key) from None
        except LockedOut:
            raise self._refusals.form_error(call.caller, UNEXPECTED) from None
        return json_response({"value": text, "secret_key": call.key, "share_domain": self.base})

    def _metadata(self, call: ApiCall) -> ServerResponse:
        self._check_rate_limit(call, "metadata")
        secret = self._find_metadata(call)
        value = self._store.poll(secret)
        return json_response(self._describe(secret, "poll", call, value=value))

    def _burn(self, call: ApiCall) -> ServerResponse:
        self._check_rate_limit(call, "burn")
        secret = self._find_metadata(call)
        if not secret.has_text(self._store.now()):
            raise refusals.unknown_secret(call.key)
        # Every version reads the metadata before it burns the secret, so the answer has the old state.
        stale = self._describe(secret, "burn", call)
        try:
            self._store.burn(secret, call.passphrase)
        except PassphraseNeeded:
            self._check_rate_limit(call, "wrong passphrase")
            raise self._refusals.wrong_burn_passphrase(call.caller) from None
        except LockedOut:
            raise self._refusals.form_error(call.caller, UNEXPECTED) from None
        return json_response({"state": stale, "secret_shortkey": secret.secret_key[: self.version.shortkey_length]})

    def _recent(self, call: ApiCall) -> ServerResponse:
        account = call.caller.account
        if account is None:
            raise self._refusals.not_authorized()
        if self.version.recent == "broken":
            raise self._refusals.form_error(call.caller, UNEXPECTED)
        self._check_rate_limit(call, "metadata")
        owned = self._store.list_owned_by(account.username)
        if self.version.recent == "newest first":
            # This version lists by whole seconds, and by key within the same second (an order that Redis gives).
            owned.sort(key=lambda each: (int(each.created), each.metadata_key), reverse=True)
        if self.version.recent_window is not None:
            oldest = self._store.now() - self.version.recent_window
            owned = [each for each in owned if each.created >= oldest]
        return json_response([self._describe(each, "recent", call) for each in owned])

    # --- shared by several operations

    def _authenticate(self, request: ServerRequest, credentials: tuple[str, str] | None) -> Caller:
        if credentials is not None and not self.auth_enabled:
            raise refusals.no_authentication_here(request.path)
        caller = self._accounts.authenticate(credentials)
        if caller is None:
            raise self._refusals.not_authorized()
        return caller

    def _check_rate_limit(self, call: ApiCall, action: LimitedAction) -> None:
        if self._rate_limits.exceeds(call.caller.username or ANONYMOUS, action, self._store.now()):
            raise self._refusals.limited()

    def _check_key(self, call: ApiCall) -> None:
        if self.version.short_key_is_no_route and len(call.key) < MIN_KEY_LENGTH:
            raise refusals.short_key()

    def _find_metadata(self, call: ApiCall) -> StoredSecret:
        self._check_key(call)
        secret = self._store.find_metadata(call.key)
        if secret is None:
            raise refusals.unknown_secret(call.key)
        return secret

    def _store_secret(self, call: ApiCall, form: conceal_form.ConcealForm, *, generated: bool = False) -> StoredSecret:
        return self._store.add(
            call.caller.username,
            form.text,
            form.ttl,
            passphrase=form.passphrase,
            recipients=form.recipients,
            generated=generated,
        )

    def _describe(
        self, secret: StoredSecret, occasion: bodies.Occasion, call: ApiCall, *, value: str | None = None
    ) -> bodies.Body:
        custid = call.caller.custid if self.version.custid_is_caller else secret.owner or ANON
        now = self._store.now()
        return bodies.metadata_body(self.version, secret, occasion, now=now, base=self.base, custid=custid, value=value)

    def _add_headers(self, answer: ServerResponse) -> ServerResponse:
        if not self.version.csrf_header or answer.content_type is None:
            return answer
        headers = dict(answer.headers) | {"x-csrf-token": secrets.token_urlsafe(32)}
        return ServerResponse(answer.status, answer.body, answer.content_type, headers)
