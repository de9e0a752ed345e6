"""The secrets, what became of each, and the clock. No HTTP, no wording.

Everything here happens in one step of the event loop, so two callers can never both open a secret.
"""

from __future__ import annotations

import secrets
import string
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bot.sandbox.onetime.versions import Version

ALPHABET = string.digits + string.ascii_lowercase
GENERATED = string.ascii_letters + string.digits + "!@#$%^&*()[]{}<>?+=~-_.,:;"
OVER = frozenset({"received", "burned", "expired", "orphaned"})


class PassphraseNeeded(Exception):
    """The passphrase is wrong or missing. The secret stays as it was."""


class LockedOut(Exception):
    """There were too many wrong passphrases for this secret lately, so even the right one is refused."""


@dataclass(frozen=True, slots=True)
class SecretSnapshot:
    """One secret as it really is at this moment, whatever its version would say about it.

    `state` is new, viewed, received, burned, expired or orphaned. `has_plaintext`: could it still be opened?
    """

    secret_key: str = field(repr=False)
    metadata_key: str = field(repr=False)
    state: str
    has_plaintext: bool
    has_passphrase: bool
    created: float  # epoch seconds
    ttl: int  # seconds
    owner: str | None = field(repr=False)  # user name, or None if it was made anonymously


@dataclass(slots=True, eq=False)
class StoredSecret:
    """One secret as the server keeps it: the metadata, and the text while there is one."""

    metadata_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    owner: str | None = field(repr=False)
    text: str | None = field(repr=False)  # None once it is opened, burned, expired or orphaned
    passphrase: str = field(repr=False)  # "" is none
    ttl: int
    created: float
    updated: float
    dies: float  # when the text goes by itself: after `ttl`, but see `Version.look_prolongs_to`
    looked_at: bool = False
    state: str = "new"  # as last noticed: expiry shows only when somebody polls
    recipients: list[str] = field(default_factory=list, repr=False)  # obscured
    generated: bool = False
    shown: bool = False  # a poll has handed the text out
    viewed: float | None = None
    received: float | None = None
    burned: float | None = None
    wrong: list[float] = field(default_factory=list)  # when wrong passphrases were tried
    locked_until: float = 0.0

    def has_text(self, now: float) -> bool:
        return self.text is not None and now < self.dies

    def is_kept(self, now: float) -> bool:
        """Metadata lives twice as long as the secret was meant to."""
        return now < self.created + 2 * self.ttl

    def true_state(self, now: float) -> str:
        if self.state in OVER or self.has_text(now):
            return self.state
        return "expired" if now >= self.dies else "orphaned"


class SecretStore:
    """All secrets of one server. Times are epoch seconds of `clock`, moved on by `move_clock`."""

    def __init__(self, version: Version, *, clock: Callable[[], float] = time.time, lockouts: bool = False) -> None:
        self._version = version
        self._clock = clock
        self._moved = 0.0
        self._lockout = version.lockout if lockouts else None
        self._by_metadata: dict[str, StoredSecret] = {}
        self._by_secret: dict[str, StoredSecret] = {}
        self._claims: Counter[str] = Counter()

    def now(self) -> float:
        return self._clock() + self._moved

    def move_clock(self, seconds: float) -> None:
        self._moved += seconds

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
        """Keep `text` for `ttl` seconds; keys are new and random."""
        now = self.now()
        if self._version.drops_nul:
            text = text.replace("\0", "")
        kept = StoredSecret(self._key(), self._key(), owner, text, passphrase, ttl, now, now, now + ttl)
        kept.recipients = recipients or []
        kept.generated = generated
        self._by_metadata[kept.metadata_key] = self._by_secret[kept.secret_key] = kept
        return kept

    def metadata(self, metadata_key: str) -> StoredSecret | None:
        kept = self._by_metadata.get(metadata_key)
        return kept if kept is not None and kept.is_kept(self.now()) else None

    def secret(self, secret_key: str) -> StoredSecret | None:
        """Only while it can still be opened."""
        kept = self._by_secret.get(secret_key)
        return kept if kept is not None and kept.has_text(self.now()) else None

    def poll(self, kept: StoredSecret) -> str | None:
        """Look at the metadata: changes the state as the version does, returns the text if it hands it out."""
        now, version = self.now(), self._version
        if not kept.has_text(now):
            kept.text = None
            self._notice_death(kept, now)
            return None
        if version.poll_views:
            return self._view(kept, now)
        if kept.generated and not kept.shown and not kept.passphrase:
            kept.shown = True
            return kept.text if now - kept.created <= version.generated_shows_for else None
        return None

    def look(self, kept: StoredSecret) -> None:
        """Somebody sees that there is a secret, and does not open it."""
        if not kept.looked_at and self._version.look_prolongs_to is not None:
            kept.dies = self.now() + self._version.look_prolongs_to
        kept.looked_at = True

    def open(self, kept: StoredSecret, passphrase: str) -> str:
        """The text, which is gone afterwards. Raises `PassphraseNeeded`, `LockedOut`."""
        try:
            self._check(kept, passphrase)
        except PassphraseNeeded:
            self.look(kept)
            raise
        text = kept.text
        assert text is not None, "only what `secret` found is opened"
        now = self.now()
        kept.text, kept.state = None, "received"
        kept.received = kept.updated = now
        self._claims[kept.secret_key] += 1
        return text

    def burn(self, kept: StoredSecret, passphrase: str) -> None:
        """Raises `PassphraseNeeded`, `LockedOut`. The caller has made sure that there is something to burn."""
        self._check(kept, passphrase)
        self.burn_unasked(kept)

    def burn_unasked(self, kept: StoredSecret) -> None:
        kept.text, kept.state = None, "burned"
        kept.burned = kept.updated = self.now()

    def of_owner(self, owner: str) -> list[StoredSecret]:
        """Oldest first; what was made in the same moment in the order of making."""
        now = self.now()
        return [kept for kept in self if kept.owner == owner and kept.is_kept(now)]

    def claims_of(self, secret_key: str) -> int:
        return self._claims[secret_key]

    def held(self, kept: StoredSecret) -> SecretSnapshot:
        now = self.now()
        return SecretSnapshot(
            secret_key=kept.secret_key,
            metadata_key=kept.metadata_key,
            state=kept.true_state(now),
            has_plaintext=kept.has_text(now),
            has_passphrase=bool(kept.passphrase),
            created=kept.created,
            ttl=kept.ttl,
            owner=kept.owner,
        )

    def find(self, key: str) -> StoredSecret | None:
        """By either key, also when it is over."""
        return self._by_metadata.get(key) or self._by_secret.get(key)

    def __iter__(self) -> Iterator[StoredSecret]:
        return iter(self._by_metadata.values())

    def _key(self) -> str:
        return "".join(secrets.choice(ALPHABET) for _ in range(self._version.key_length))

    def _view(self, kept: StoredSecret, now: float) -> str | None:
        if kept.state != "new":
            return None
        kept.state = "viewed"
        kept.viewed = kept.updated = now
        return None if kept.passphrase else kept.text

    def _notice_death(self, kept: StoredSecret, now: float) -> None:
        if kept.state in OVER:
            return
        state = kept.true_state(now)
        says = self._version.says_expired if state == "expired" else self._version.says_orphaned
        if not says:
            state = "viewed"
        if kept.state != state:
            kept.state = state
            kept.updated = now

    def _check(self, kept: StoredSecret, passphrase: str) -> None:
        if not kept.passphrase:
            return
        now = self.now()
        if now < kept.locked_until:
            raise LockedOut
        if secrets.compare_digest(_bytes(kept.passphrase), _bytes(passphrase)):
            return
        if self._lockout is not None:
            kept.wrong = [*(at for at in kept.wrong if now - at < self._lockout.within), now]
            if len(kept.wrong) >= self._lockout.after:
                kept.locked_until = now + self._lockout.lasts
        raise PassphraseNeeded


def generated_text(length: int) -> str:
    return "".join(secrets.choice(GENERATED) for _ in range(length))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
