"""What a check finds: a result, what it is about, and the remedy."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

CheckResult = Literal["ok", "warning", "failed", "not checkable"]

# The end of the first sentence, where the cause ends and the fix begins.
_SENTENCE_END = re.compile(r"(?<=[.)])\s+(?=[A-Z`])")
_CLAUSE_END = re.compile(r":\s+(?=[a-z`])")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor. A failure always has a remedy."""

    check: str
    result: CheckResult
    says: str
    remedy: str = ""


Check = Callable[[], Awaitable[list[Finding]]]


def ok(check: str, says: str) -> Finding:
    return Finding(check, "ok", says)


def warning(check: str, says: str, remedy: str) -> Finding:
    return Finding(check, "warning", says, remedy)


def failed(check: str, says: str, remedy: str) -> Finding:
    return Finding(check, "failed", says, remedy)


def not_checkable(check: str, says: str, remedy: str = "") -> Finding:
    return Finding(check, "not checkable", says, remedy)


def failed_by(check: str, sentences: str, otherwise: str = "See docs/operations.md.") -> Finding:
    """A failure from the text of a `CannotStart`, which names the cause and then the fix."""
    cause, *fix = _SENTENCE_END.split(sentences, maxsplit=1)
    if not fix:
        cause, *fix = _CLAUSE_END.split(sentences, maxsplit=1)
    remedy = fix[0][0].upper() + fix[0][1:] if fix else otherwise
    return failed(check, cause.removesuffix("."), remedy)
