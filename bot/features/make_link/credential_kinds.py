"""Which kinds of credentials a text seems to hold. Says the kind alone, never where or what it is.

The detectors are those of detect-secrets. Only its searches run: `verify`, which sends what was found to the service
that it is for, is never called. An own pattern stands where the library has none, or has one that misses too much or
takes quadratic time. A password without a word before it is not found, and need not be.

The library has more detectors. Artifactory's finds long words in capitals, those of high entropy find UUIDs and hashes
of commits, one finds IP addresses, and those of IBM, SoftLayer and Cloudant find any long word after `key`. Those for
JWT, keywords, npm and OpenAI take up to half a second for 2,000 characters: own patterns find these kinds.

Sources of the own patterns: GitHub's “About authentication to GitHub” for its prefixes; docs.slack.dev for tokens;
RFC 7468 for the labels of keys, RFC 7519 for JWT.
"""

from __future__ import annotations

import asyncio
import re

from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.base import BasePlugin, RegexBasedDetector
from detect_secrets.plugins.basic_auth import BasicAuthDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.private_key import PrivateKeyDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

from bot.screen.pieces import Phrase, say
from bot.secret import Secret

MAX_TEXT = 40_000  # characters of a message; Slack takes no more


class _Own(RegexBasedDetector):
    """A detector with own patterns. Each has a fixed beginning or a bounded length, so that no text makes it slow."""

    secret_type = "own"
    denylist: tuple[re.Pattern[str], ...] = ()

    def __init__(self, *patterns: str) -> None:
        self.denylist = tuple(map(re.compile, patterns))


# A word and a sign in front of what may be a password; the word may be part of a name such as DB_PASSWORD.
_PASSWORD = (
    r"(?i)(?<![A-Za-z0-9])(?:password|passwort|passwd|passphrase|mot de passe|pwd|secret|api[ _-]?key|token)"
    r"(?:[_-][A-Za-z0-9_-]{1,30})?[\"']?[ \t]{0,5}[:=][ \t]{0,5}\S{4,200}"
)
_AWS_SECRET = r"(?i)\baws.{0,40}?(?:secret|key|token)[^A-Za-z0-9/+\n]{1,10}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"
_SLACK_HOOK = r"https://hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_+-]{20,120}"
_PRIVATE_KEY = r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-3:"
_JWT = r"\beyJ[A-Za-z0-9_-]{10,400}\.eyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{10,2000}"
_ADDRESS = r"\b[a-z][a-z0-9+.-]{1,30}://[^\s:/?#@]{0,100}:[^\s:/?#@]{3,200}@[^\s/@]"
_NPM = r"\bnpm_[A-Za-z0-9]{36}\b|//[a-z0-9.-]{1,80}/:_authToken=\S{8,200}"

_KINDS: tuple[tuple[Phrase, tuple[BasePlugin, ...]], ...] = (
    # the library finds a secret key in quotes alone
    (say("an AWS key"), (AWSKeyDetector(), _Own(_AWS_SECRET))),
    (say("an Azure storage key"), (AzureStorageKeyDetector(),)),
    (say("a Discord bot token"), (DiscordBotTokenDetector(),)),
    # the library lacks the fine-grained tokens
    (say("a GitHub token"), (GitHubTokenDetector(), _Own(r"\bgithub_pat_[A-Za-z0-9_]{22,255}"))),
    (say("a GitLab token"), (GitLabTokenDetector(),)),
    (say("a Mailchimp key"), (MailchimpDetector(),)),
    # the library lacks tokens of apps, tokens that rotate, GovSlack, and hooks of workflows
    (
        say("a Slack token or webhook"),
        (SlackDetector(), _Own(r"\b(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,250}", _SLACK_HOOK)),
    ),
    # the library has none
    (say("a Google key"), (_Own(r"\bAIza[A-Za-z0-9_-]{35}"),)),
    # the library's takes quadratic time
    (say("an OpenAI key"), (_Own(r"\bsk-[A-Za-z0-9_-]{20,200}T3BlbkFJ[A-Za-z0-9_-]{20}"),)),
    (say("a Square key"), (SquareOAuthDetector(),)),
    (say("a Stripe key"), (StripeDetector(),)),
    (say("a SendGrid key"), (SendGridDetector(),)),
    (say("a Twilio key"), (TwilioKeyDetector(),)),
    (say("a Telegram bot token"), (TelegramBotTokenDetector(),)),
    # the library's finds a token in an .npmrc file alone, and takes quadratic time
    (say("an npm token"), (_Own(_NPM),)),
    # the library finds tokens of the public index and its test index alone
    (say("a PyPI token"), (PypiTokenDetector(), _Own(r"\bpypi-AgE[A-Za-z0-9_-]{50,300}"))),
    # the library's takes quadratic time
    (say("a JSON Web Token"), (_Own(_JWT),)),
    # the library lacks encrypted keys and PuTTY's third format
    (say("a private key"), (PrivateKeyDetector(), _Own(_PRIVATE_KEY))),
    # the library lacks addresses without a user, and passwords with punctuation
    (say("an address with a password"), (BasicAuthDetector(), _Own(_ADDRESS))),
    # the library's finds a value in quotes alone, and takes cubic time
    (say("a password"), (_Own(_PASSWORD),)),
)


async def find_kinds(text: Secret) -> tuple[Phrase, ...]:
    """The kinds of credentials that the text seems to hold, each once, as things with their article.

    The search of a long text takes longer than the event loop may wait, so it runs in a thread.
    """
    return await asyncio.to_thread(_find_kinds, text)


def _find_kinds(text: Secret) -> tuple[Phrase, ...]:
    plain = text.reveal()[:MAX_TEXT]
    return tuple(kind for kind, detectors in _KINDS if any(_finds(detector, plain) for detector in detectors))


def _finds(detector: BasePlugin, plain: str) -> bool:
    """Whether the detector finds something. `analyze_string` searches only; `analyze_line` may verify what it finds."""
    return next(iter(detector.analyze_string(plain)), None) is not None
