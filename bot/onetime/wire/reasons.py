"""The sentence with which a server refused a form. It is untrusted: it may quote what was sent."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape
from urllib.parse import unquote_plus

MAX_REASON = 200  # characters of a server's sentence
MAX_READ = 1_000  # characters of a server's sentence that are looked at
MIN_QUOTE = 5  # characters: an equal run of so many counts as a quotation

# Sentences of Onetime Secret that hold nothing of what was sent, whatever words the secret has in it.
# Source: apps/api/v1/logic/secrets/base_secret_action.rb, releases 0.18 to 0.26.
_OWN_SENTENCES = re.compile(
    r"A passphrase is required for all secrets"
    r"|Passphrase must be (at least|no more than) \d{1,3} characters long"
    r"|Secret value exceeds the maximum size of \d{1,9} (bytes|characters)"
    r"|You did not provide anything to share"
    r"|Could not store your secret",
    re.ASCII,
)
_UNDELIVERABLE = "Undeliverable email address"  # how the sentence begins that quotes the recipient's address

# Words that a server needs to say what it refuses. They quote nothing, even if the secret has them too.
_COMMON_WORDS = frozenset({
    "about", "account", "accounts", "allowed", "already", "bytes", "character", "characters", "could", "domain",
    "email", "exceeds", "field", "from", "have", "invalid", "least", "length", "limit", "long", "longer", "maximum",
    "message", "minimum", "more", "must", "only", "passphrase", "passphrases", "password", "passwords", "please",
    "refused", "request", "requests", "required", "secret", "secrets", "server", "short", "shorter", "should", "size",
    "text", "than", "that", "their", "them", "there", "this", "token", "unknown", "user", "username", "valid",
    "value", "when", "which", "with", "without", "your",
})  # fmt: skip


def read_reason(message: str, sent: Iterable[str]) -> str:
    """The sentence on one line and cut to MAX_REASON characters; empty if it may quote a value that was `sent`."""
    message = message[:MAX_READ]
    shown = " ".join("".join(c if c.isprintable() else " " for c in message).split())
    if _OWN_SENTENCES.fullmatch(shown):
        return shown
    if shown.startswith(_UNDELIVERABLE):
        return _UNDELIVERABLE
    words = _words(message)
    uncommon = "".join("\0" if word in _COMMON_WORDS else word for word in words)
    if any(_quotes(words, uncommon, "".join(_words(value))) for value in sent):
        return ""
    return shown[:MAX_REASON]


def _words(text: str) -> list[str]:
    """The words of the text in one case, without escapes and signs, which could hide a quotation."""
    return re.findall(r"[^\W_]+", unquote_plus(unescape(text)).casefold())


def _quotes(words: list[str], uncommon: str, value: str) -> bool:
    """Whether a sentence holds the value, or a run of it. `uncommon` is the sentence without its common words."""
    if not value:
        return False
    length = min(MIN_QUOTE, len(value))
    runs = (uncommon[start : start + length] for start in range(len(uncommon) - length + 1))
    return value in words or any(run in value for run in runs)
