"""The secrets of a server and their states. No HTTP happens here.

No method awaits anything, so two callers can never both open a secret.
"""

from __future__ import annotations

import secrets
import string
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from bot.sandbox.onetime.versions import Version

KEY_ALPHABET = string.digits + string.ascii_lowercase
PASSWORD_ALPHABET = string.ascii_letters + string.digits + "!@#$%^&*()[]{}<>?+=~-_.,:;"
StoredState = Literal["new", "viewed", "received", "burned", "expired", "orphaned"]
FINAL_STATES: frozenset[StoredState] = frozenset({"received", "burned", "expired", "orphaned"})


class PassphraseNeeded(Exception):
    """The passphrase is wrong or missing. The secret is unchanged."""


class LockedOut(Exception):
    """There were too many wrong passphrases for this secret, so even the right one is refused for a while."""


@dataclass(frozen=True, slots=True)
class SecretSnapshot:
    """One secret at one moment, with its actual state, which the API of a version may report differently.

    `has_plaintext` is true while the secret can be opened.
    """

    secret_key: str = field(repr=False)
    metadata_key: str = field(repr=False)
    state: StoredState
    has_plaintext: bool
    has_passphrase: bool
    created: float  # seconds since 1970
    ttl: int  # seconds
    owner: str | None = field(repr=False)  # user name; None for a secret that was made anonymously
    recipients: tuple[str, ...] = field(default=(), repr=False)  # obscured
    opened: float | None = None  # seconds since 1970


@dataclass(slots=True, eq=False)
class StoredSecret:
    """One secret in the server's database: the metadata, and the text while the secret can be opened.

    All times are seconds since 1970.
    """

    metadata_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    owner: str | None = field(repr=False)
    text: str | None = field(repr=False)  # None after it was opened, burned, expired or orphaned
    passphrase: str = field(repr=False)  # "" is none
    ttl: int  # seconds
    created: float
    updated: float
    text_expires_at: float  # after `ttl`, or later because of `Version.preview_extends_to`
    previewed: bool = False
    state: StoredState = "new"  # as stored; `expired` and `orphaned` are stored only at a poll
    recipients: list[str] = field(default_factory=list, repr=False)  # obscured
    generated: bool = False
    text_was_shown: bool = False  # a poll has returned the text
    viewed: float | None = None
    received: float | None = None
    burned: float | None = None
    wrong_passphrases_at: list[float] = field(default_factory=list)  # when wrong passphrases were tried
    locked_until: float = 0.0

    def has_text(self, now: float) -> bool:
        """Whether the secret can still be opened."""
        return self.text is not None and now < self.text_expires_at

    def has_metadata(self, now: float) -> bool:
        """Whether the metadata still exists: for twice the time to live of the secret."""
        return now < self.created + 2 * self.ttl

    def actual_state(self, now: float) -> StoredState:
        """The state at the moment `now`, which `state` may not have yet."""
        if self.state in FINAL_STATES or self.has_text(now):
            return self.state
        return "expired" if now >= self.text_expires_at else "orphaned"


class SecretStore:
    """All secrets of one server. `clock` gives seconds since 1970; `move_clock` adds to them."""

    def __init__(self, version: Version, *, clock: Callable[[], float] = time.time, lockouts: bool = False) -> None:
        self._version = version
        self._clock = clock
        self._offset = 0.0
        self._lockout = version.lockout if lockouts else None
        self._by_metadata: dict[str, StoredSecret] = {}
        self._by_secret: dict[str, StoredSecret] = {}
        self._claims: Counter[str] = Counter()

    def now(self) -> float:
        return self._clock() + self._offset

    def move_clock(self, seconds: float) -> None:
        self._offset += seconds

    def add(
        self,
        owner: str | None,
        text: str,
        ttl: int,
        *,
        passphrase: str = "",
        recipients: list[str] | None = None,
        generated: bool = False,
    ) -> StoredSecret:
        """Store `text` for `ttl` seconds under two new random keys."""
        now = self.now()
        if self._version.drops_nul:
            text = text.replace("\0", "")
        secret = StoredSecret(self._new_key(), self._new_key(), owner, text, passphrase, ttl, now, now, now + ttl)
        secret.recipients = recipients or []
        secret.generated = generated
        self._by_metadata[secret.metadata_key] = self._by_secret[secret.secret_key] = secret
        return secret

    def find_metadata(self, metadata_key: str) -> StoredSecret | None:
        secret = self._by_metadata.get(metadata_key)
        return secret if secret is not None and secret.has_metadata(self.now()) else None

    def find_openable(self, secret_key: str) -> StoredSecret | None:
        """The secret with that secret key, while it can be opened; else None."""
        secret = self._by_secret.get(secret_key)
        return secret if secret is not None and secret.has_text(self.now()) else None

    def poll(self, secret: StoredSecret) -> str | None:
        """Read the metadata, which changes the state as the version does. Returns the text if the version shows it."""
        now, version = self.now(), self._version
        if not secret.has_text(now):
            secret.text = None
            self._update_state(secret, now)
            return None
        if version.poll_views:
            return self._mark_viewed(secret, now)
        if secret.generated and not secret.text_was_shown and not secret.passphrase:
            secret.text_was_shown = True
            return secret.text if now - secret.created <= version.generated_shows_for else None
        return None

    def preview(self, secret: StoredSecret) -> None:
        """A browser shows that there is a secret, without opening it. Some versions extend its life then."""
        if not secret.previewed and self._version.preview_extends_to is not None:
            secret.text_expires_at = self.now() + self._version.preview_extends_to
        secret.previewed = True

    def open(self, secret: StoredSecret, passphrase: str) -> str:
        """Return the text and delete it. Raises `PassphraseNeeded`, `LockedOut`."""
        try:
            self._check_passphrase(secret, passphrase)
        except PassphraseNeeded:
            self.preview(secret)
            raise
        text = secret.text
        assert text is not None, "only what `find_openable` found is opened"
        now = self.now()
        secret.text, secret.state = None, "received"
        secret.received = secret.updated = now
        self._claims[secret.secret_key] += 1
        return text

    def burn(self, secret: StoredSecret, passphrase: str) -> None:
        """Delete the text without returning it. The secret must have a text. Raises `PassphraseNeeded`, `LockedOut`."""
        self._check_passphrase(secret, passphrase)
        self.burn_without_check(secret)

    def burn_without_check(self, secret: StoredSecret) -> None:
        """Delete the text without asking for the passphrase."""
        secret.text, secret.state = None, "burned"
        secret.burned = secret.updated = self.now()

    def list_owned_by(self, owner: str) -> list[StoredSecret]:
        """The secrets of an account whose metadata still exists, in the order in which they were made."""
        now = self.now()
        return [secret for secret in self if secret.owner == owner and secret.has_metadata(now)]

    def claims_of(self, secret_key: str) -> int:
        return self._claims[secret_key]

    def snapshot(self, secret: StoredSecret) -> SecretSnapshot:
        now = self.now()
        return SecretSnapshot(
            secret_key=secret.secret_key,
            metadata_key=secret.metadata_key,
            state=secret.actual_state(now),
            has_plaintext=secret.has_text(now),
            has_passphrase=bool(secret.passphrase),
            created=secret.created,
            ttl=secret.ttl,
            owner=secret.owner,
            recipients=tuple(secret.recipients),
            opened=secret.received,
        )

    def find_by_either_key(self, key: str) -> StoredSecret | None:
        """The secret with that metadata key or secret key, in any state."""
        return self._by_metadata.get(key) or self._by_secret.get(key)

    def __iter__(self) -> Iterator[StoredSecret]:
        return iter(self._by_metadata.values())

    def _new_key(self) -> str:
        return "".join(secrets.choice(KEY_ALPHABET) for _ in range(self._version.key_length))

    def _mark_viewed(self, secret: StoredSecret, now: float) -> str | None:
        if secret.state != "new":
            return None
        secret.state = "viewed"
        secret.viewed = secret.updated = now
        return None if secret.passphrase else secret.text

    def _update_state(self, secret: StoredSecret, now: float) -> None:
        if secret.state in FINAL_STATES:
            return
        state = secret.actual_state(now)
        says = self._version.says_expired if state == "expired" else self._version.says_orphaned
        if not says:
            state = "viewed"
        if secret.state != state:
            secret.state = state
            secret.updated = now

    def _check_passphrase(self, secret: StoredSecret, passphrase: str) -> None:
        if not secret.passphrase:
            return
        now = self.now()
        if now < secret.locked_until:
            raise LockedOut
        if secrets.compare_digest(_bytes(secret.passphrase), _bytes(passphrase)):
            return
        if self._lockout is not None:
            secret.wrong_passphrases_at = [
                *(at for at in secret.wrong_passphrases_at if now - at < self._lockout.within),
                now,
            ]
            if len(secret.wrong_passphrases_at) >= self._lockout.after:
                secret.locked_until = now + self._lockout.lasts
        raise PassphraseNeeded


def generate_password(length: int) -> str:
    return "".join(secrets.choice(PASSWORD_ALPHABET) for _ in range(length))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
