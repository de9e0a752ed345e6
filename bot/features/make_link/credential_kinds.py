"""Which kinds of credentials a text seems to hold. Offline; says the kind alone, never where or what it is.

Only patterns that hardly anything else has: a password without a word before it is not found, and need not be.

Sources: the detectors of Yelp's detect-secrets 1.5 (AWS, Azure, GitHub, GitLab, JWT, npm, private keys, PyPI, SendGrid,
Slack, Stripe, Telegram, Twilio, basic authentication, keywords); GitHub's “About authentication to GitHub” and GitLab's
“Token overview” for their prefixes; docs.slack.dev for tokens; RFC 7468 for the labels of keys, RFC 7519 for JWT.
"""

from __future__ import annotations

import re

from bot.screen.pieces import Phrase, say
from bot.secret import Secret

MAX_TEXT = 40_000  # characters of a message; Slack takes no more

# A word and a sign in front of what may be a password; the word may be part of a name such as DB_PASSWORD.
_KEYWORD = (
    r"(?i)(?<![A-Za-z0-9])(?:password|passwort|passwd|passphrase|mot de passe|pwd|secret|api[ _-]?key|token)"
    r"(?:[_-][A-Za-z0-9_-]{1,30})?[\"']?[ \t]{0,5}[:=]"
)
_AWS_SECRET = r"(?i)\baws.{0,40}?(?:secret|key|token)[^A-Za-z0-9/+\n]{1,10}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"
_SLACK_HOOK = r"https://hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_+-]{20,120}"
_PRIVATE_KEY = r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-[23]:"

# Every pattern has a fixed beginning or a bounded length, so that no text makes the search slow.
_KINDS: tuple[tuple[Phrase, str], ...] = (
    (say("an AWS access key"), r"\b(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[A-Z0-9]{16}\b"),
    (say("an AWS secret key"), _AWS_SECRET),
    (say("an Azure storage key"), r"AccountKey=[A-Za-z0-9+/]{86}=="),
    (say("a GitHub token"), r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})"),
    (say("a GitLab token"), r"\bgl(?:pat|dt|rt|ptt|cbt|soat|ft|imt|agent|oas)-[A-Za-z0-9_-]{20,64}"),
    (say("a Slack token"), r"\b(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,250}"),
    (say("a Slack webhook"), _SLACK_HOOK),
    (say("a Google key"), r"\bAIza[A-Za-z0-9_-]{35}"),
    (say("a Stripe key"), r"\b[rs]k_live_[A-Za-z0-9]{20,247}"),
    (say("a SendGrid key"), r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    (say("a Twilio key"), r"\b(?:AC|SK)[0-9a-f]{32}\b"),
    (say("a Telegram bot token"), r"\b[0-9]{8,10}:[A-Za-z0-9_-]{35}\b"),
    (say("an npm token"), r"\bnpm_[A-Za-z0-9]{36}\b|//[a-z0-9.-]{1,80}/:_authToken=\S{8,200}"),
    (say("a PyPI token"), r"\bpypi-AgE[A-Za-z0-9_-]{50,300}"),
    (say("a JSON Web Token"), r"\beyJ[A-Za-z0-9_-]{10,400}\.eyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{10,2000}"),
    (say("a private key"), _PRIVATE_KEY),
    (say("an address with a password"), r"\b[a-z][a-z0-9+.-]{1,30}://[^\s:/?#@]{0,100}:[^\s:/?#@]{3,200}@[^\s/@]"),
    (say("a password"), _KEYWORD + r"[ \t]{0,5}\S{4,200}"),
)
_PATTERNS = tuple((kind, re.compile(pattern)) for kind, pattern in _KINDS)


def find_kinds(text: Secret) -> tuple[Phrase, ...]:
    """The kinds of credentials that the text seems to hold, each once, as things with their article."""
    plain = text.reveal()[:MAX_TEXT]
    return tuple(kind for kind, pattern in _PATTERNS if pattern.search(plain))
