"""What credentials of real services look like: no file has any, and none is in the history."""

import re

# What real credentials look like. The parts of a pattern stand apart, so that it does not find itself.
CREDENTIALS = {
    "a Slack bot or user token": r"xox[abp]" + r"-\d{9,}-\d{9,}-[A-Za-z0-9]{20,}",
    "a Slack app token": r"xapp" + r"-\d-A[A-Z0-9]{8,}-\d{9,}-[a-f0-9]{32,}",
    "a Slack webhook": r"hooks\.slack\.com/services/T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/" + r"[A-Za-z0-9]{20,}",
    "a private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE" + r" KEY-----",
    "an AWS key": r"\b(?:AKIA|ASIA)" + r"[A-Z0-9]{16}\b",
    "a GitHub token": r"\bgh[pousr]_" + r"[A-Za-z0-9]{36,}|github_pat_" + r"[A-Za-z0-9_]{60,}",
    "a Google key": r"\bAIza" + r"[A-Za-z0-9_-]{35}\b",
    "a token of a package index": r"pypi-AgEI" + r"[A-Za-z0-9_-]{50,}|npm_" + r"[A-Za-z0-9]{36}",
    "a JSON Web Token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\." + r"[A-Za-z0-9_-]{20,}",
    "a key of a payment service": r"\b[rs]k_live_" + r"[A-Za-z0-9]{20,}",
    "a user and a password in a URL": r"https://[a-z0-9._-]{3,}:[A-Za-z0-9+/=_-]{16,}@" + r"[a-z0-9.-]+\.[a-z]{2,}",
}
EXAMPLE = "xoxb" + "-123456789012-123456789012-" + "a" * 24


def found_in(text):
    return {what for what, pattern in CREDENTIALS.items() if re.search(pattern, text)}
