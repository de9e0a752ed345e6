"""What the emulated server answers to a request. One request is one step: no waiting, no I/O.

Differences between versions are facts of `Version`; here they are only looked up.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.sandbox.onetime import api_v2, bodies, conceal_form, pages, refusals
from bot.sandbox.onetime.accounts import ANON, Caller, ServerAccounts
from bot.sandbox.onetime.exchange import (
    ApiRequest,
    ApiResponse,
    MalformedBody,
    RequestRefused,
    as_json,
    credentials,
    fields_of,
)
from bot.sandbox.onetime.rate_limits import ANONYMOUS, RateLimits
from bot.sandbox.onetime.refusals import NO_SUCH_ROUTE, UNEXPECTED, Refusals
from bot.sandbox.onetime.routes import Operation, RouteMatch, find
from bot.sandbox.onetime.store import LockedOut, PassphraseNeeded, SecretStore, StoredSecret
from bot.sandbox.onetime.versions import LimitedAction, Version

KEY_LEAST = 20  # characters


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A v1 request, understood: who asks, about which key ("" for none), with which fields."""

    caller: Caller
    key: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)

    @property
    def passphrase(self) -> str:
        return self.fields.get("passphrase", "")


class Api:
    """One server's answers. `auth_enabled` and `database_up` may be switched while it runs."""

    def __init__(self, version: Version, store: SecretStore, accounts: ServerAccounts, limits: RateLimits) -> None:
        self.version = version
        self.base = ""  # the URL that answers carry; known once the server listens
        self.auth_enabled = True
        self.database_up = True
        self._store = store
        self._accounts = accounts
        self._limits = limits
        self._refusals = Refusals(version)
        self._v1: dict[Operation, Callable[[ApiCall], ApiResponse]] = {
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

    def match(self, asked: ApiRequest) -> RouteMatch:
        return find(asked.method, asked.path, self.version)

    def answer(self, asked: ApiRequest) -> ApiResponse:
        try:
            answer = self._answer(asked, self.match(asked))
        except RequestRefused as refused:
            answer = refused.answer
        except MalformedBody:
            answer = ApiResponse(400, content_type=None)
        return self._with_extras(answer)

    def _answer(self, asked: ApiRequest, match: RouteMatch) -> ApiResponse:
        if match.does is None:
            return NO_SUCH_ROUTE
        if match.does == "page":
            return pages.page()
        sent = credentials(asked)
        if not self.database_up:
            return self._refusals.without_database(anonymous=sent is None)
        if match.does == "v2 status":
            return api_v2.status(self.version)
        if match.does == "v2 recent":
            return api_v2.recent(self.version, self._store, self._accounts, sent)
        fields = fields_of(asked, self.version)
        return self._v1[match.does](ApiCall(self._caller(asked, sent), match.key, fields))

    # --- one method for each thing v1 does

    def _status(self, call: ApiCall) -> ApiResponse:
        self._count(call, "status")
        return as_json({"status": "nominal", "locale": "en"})

    def _authcheck(self, call: ApiCall) -> ApiResponse:
        if call.caller.account is None:
            raise self._refusals.not_authorized()
        return self._status(call)

    def _share(self, call: ApiCall) -> ApiResponse:
        self._count(call, "create")
        want = conceal_form.to_share(self.version, call.caller, dict(call.fields))
        return as_json(self._shown(self._keep(call, want), "share", call))

    def _create(self, call: ApiCall) -> ApiResponse:
        if not self.version.create_works:
            raise self._refusals.form_error(call.caller, "Incorrect payload format")
        return self._share(call)

    def _generate(self, call: ApiCall) -> ApiResponse:
        self._count(call, "create")
        want = conceal_form.to_generate(self.version, call.caller, dict(call.fields))
        kept = self._keep(call, want, generated=True)
        body = self._shown(kept, "share", call, value=want.text)
        if self.version.generated_is_viewed:
            self._store.poll(kept)
        return as_json(body)

    def _open(self, call: ApiCall) -> ApiResponse:
        self._count(call, "secret")
        self._check_key(call)
        kept = self._store.secret(call.key)
        if kept is None:
            raise refusals.unknown(call.key)
        try:
            text = self._store.open(kept, call.passphrase)
        except PassphraseNeeded:
            self._count(call, "wrong passphrase")
            raise refusals.unknown(call.key) from None
        except LockedOut:
            raise self._refusals.form_error(call.caller, UNEXPECTED) from None
        return as_json({"value": text, "secret_key": call.key, "share_domain": self.base})

    def _metadata(self, call: ApiCall) -> ApiResponse:
        self._count(call, "metadata")
        kept = self._kept(call)
        value = self._store.poll(kept)
        return as_json(self._shown(kept, "poll", call, value=value))

    def _burn(self, call: ApiCall) -> ApiResponse:
        self._count(call, "burn")
        kept = self._kept(call)
        if not kept.has_text(self._store.now()):
            raise refusals.unknown(call.key)
        # Every version answers with what it had read before it burned the secret: the state is the old one.
        stale = self._shown(kept, "burn", call)
        try:
            self._store.burn(kept, call.passphrase)
        except PassphraseNeeded:
            self._count(call, "wrong passphrase")
            raise self._refusals.wrong_burn_passphrase(call.caller) from None
        except LockedOut:
            raise self._refusals.form_error(call.caller, UNEXPECTED) from None
        return as_json({"state": stale, "secret_shortkey": kept.secret_key[: self.version.shortkey_length]})

    def _recent(self, call: ApiCall) -> ApiResponse:
        account = call.caller.account
        if account is None:
            raise self._refusals.not_authorized()
        if self.version.recent == "broken":
            raise self._refusals.form_error(call.caller, UNEXPECTED)
        self._count(call, "metadata")
        kept = self._store.of_owner(account.username)
        if self.version.recent == "newest first":
            # Redis orders by whole seconds here, and what is of the same second by key.
            kept.sort(key=lambda each: (int(each.created), each.metadata_key), reverse=True)
        if self.version.recent_window is not None:
            oldest = self._store.now() - self.version.recent_window
            kept = [each for each in kept if each.created >= oldest]
        return as_json([self._shown(each, "recent", call) for each in kept])

    # --- what they share

    def _caller(self, asked: ApiRequest, sent: tuple[str, str] | None) -> Caller:
        if sent is not None and not self.auth_enabled:
            raise refusals.no_authentication_here(asked.path)
        caller = self._accounts.caller(sent)
        if caller is None:
            raise self._refusals.not_authorized()
        return caller

    def _count(self, call: ApiCall, action: LimitedAction) -> None:
        if self._limits.is_too_much(call.caller.username or ANONYMOUS, action, self._store.now()):
            raise self._refusals.limited()

    def _check_key(self, call: ApiCall) -> None:
        if self.version.short_key_is_no_route and len(call.key) < KEY_LEAST:
            raise refusals.short_key()

    def _kept(self, call: ApiCall) -> StoredSecret:
        self._check_key(call)
        kept = self._store.metadata(call.key)
        if kept is None:
            raise refusals.unknown(call.key)
        return kept

    def _keep(self, call: ApiCall, want: conceal_form.ConcealForm, *, generated: bool = False) -> StoredSecret:
        return self._store.add(
            call.caller.username,
            want.text,
            want.ttl,
            passphrase=want.passphrase,
            recipients=want.recipients,
            generated=generated,
        )

    def _shown(
        self, kept: StoredSecret, occasion: bodies.Occasion, call: ApiCall, *, value: str | None = None
    ) -> bodies.Body:
        custid = call.caller.custid if self.version.custid_is_caller else kept.owner or ANON
        now = self._store.now()
        return bodies.metadata(self.version, kept, occasion, now=now, base=self.base, custid=custid, value=value)

    def _with_extras(self, answer: ApiResponse) -> ApiResponse:
        if not self.version.csrf_header or answer.content_type is None:
            return answer
        headers = dict(answer.headers) | {"x-csrf-token": secrets.token_urlsafe(32)}
        return ApiResponse(answer.status, answer.body, answer.content_type, headers)
