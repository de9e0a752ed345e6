"""Whether a request comes from Slack: the time and the signature in its headers, checked over the raw body. No I/O.

Source: docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.secret import Secret

MAX_AGE = 300  # seconds that a signature is valid, before and after the time in its header
STAMP = "X-Slack-Request-Timestamp"
SIGNATURE = "X-Slack-Signature"

_STAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Signature:
    """The two headers of a request, in the form that Slack gives them. Whether they are right is not known yet."""

    stamp: str  # seconds since 1970
    value: str


def read_signature(stamps: Sequence[str], values: Sequence[str]) -> Signature | None:
    """From all lines of the headers `STAMP` and `SIGNATURE`. None unless there is one of each, in Slack's form."""
    if len(stamps) != 1 or len(values) != 1:
        return None
    if not _STAMP.fullmatch(stamps[0]) or not _SIGNATURE.fullmatch(values[0]):
        return None
    return Signature(stamps[0], values[0])


def sign(signing_secret: Secret, stamp: str, body: bytes) -> str:
    """The value of the header `SIGNATURE` that Slack gives to a request at this time, in seconds since 1970."""
    message = b"v0:" + stamp.encode() + b":" + body
    return "v0=" + hmac.new(signing_secret.reveal().encode(), message, hashlib.sha256).hexdigest()


class Verdict(StrEnum):
    RIGHT = "right"
    FORGED = "forged"
    OUTDATED = "outdated"  # signed with our secret, at a time too far from ours: a wrong clock, or an old request


class SignatureCheck:
    """Checks one request. Takes its body piece by piece, so that a forged body is never put together."""

    def __init__(self, hashing: hmac.HMAC, signature: Signature) -> None:
        self._signature = signature
        self._hashing = hashing
        self._hashing.update(f"v0:{signature.stamp}:".encode())

    def update(self, part: bytes) -> None:
        self._hashing.update(part)

    def seconds_ahead(self, now: float) -> float:
        """How far the time of the request is ahead of `now`; below zero if it is behind."""
        return int(self._signature.stamp) - now

    def verdict(self, now: float) -> Verdict:
        """Whether the whole body is rightly signed. `now` is in seconds since 1970."""
        if not hmac.compare_digest(f"v0={self._hashing.hexdigest()}", self._signature.value):
            return Verdict.FORGED
        return Verdict.RIGHT if abs(self.seconds_ahead(now)) <= MAX_AGE else Verdict.OUTDATED


class SignatureChecker:
    """Begins checks with the signing secret of our app."""

    def __init__(self, signing_secret: Secret) -> None:
        self._keyed = hmac.new(signing_secret.reveal().encode(), digestmod=hashlib.sha256)

    def begin(self, signature: Signature) -> SignatureCheck:
        return SignatureCheck(self._keyed.copy(), signature)
