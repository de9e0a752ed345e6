"""Durations in words, and web addresses that nobody can click."""

from __future__ import annotations

import re
from datetime import timedelta


def in_words(seconds: int) -> str:
    """A duration in words, in at most two units: “7 days”, “1 hour 30 minutes”. A negative one is “0 seconds”."""
    units = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
    said = []
    rest = max(0, int(timedelta(seconds=seconds).total_seconds()))
    for name, size in units:
        count, rest = divmod(rest, size)
        if count:
            said.append(f"{count} {name}{'s' if count > 1 else ''}")
    return " ".join(said[:2]) or "0 seconds"


# Slack makes links of these by itself: addresses with a scheme, and names with a well-known ending or a path.
_ENDINGS = (
    "app|biz|click|cloud|club|com|dev|digital|edu|email|example|gov|group|info|int|life|link|live|media|mil|mobi|mov|"
    "name|net|network|news|ninja|online|org|page|pro|rocks|services|shop|site|solutions|space|store|support|systems|team|"
    "tech|today|top|website|wiki|work|world|xn--[a-z0-9-]+|xyz|zip|zone|[a-z]{2}"
)
_HTTP = re.compile(r"http(s?)://", re.IGNORECASE)
_HOST = re.compile(r"(?<=\[:\]//)[^\s/?#]*")
_BARE_NAME = re.compile(
    rf"(?<![\w@.-])(?:[^\W_](?:[\w-]*[^\W_])?\.)+(?:(?:{_ENDINGS})(?![\w-])|[^\W\d_]{{2,}}(?=[/?#]|:\d))", re.IGNORECASE
)
_OWN_NAME = re.compile(r"(?:[a-z]{2}\.)?onetimesecret\.com")


def defang(text: str) -> str:
    """The text with web addresses that read the same and that Slack makes no links of: `hxxps[:]//evil[.]example`."""
    text = _HTTP.sub(r"hxxp\1://", text).replace("://", "[:]//")
    text = _HOST.sub(lambda found: found[0].replace(".", "[.]"), text)
    return _BARE_NAME.sub(_defang_name, text)


def _defang_name(found: re.Match[str]) -> str:
    """A name of Onetime Secret's own, without a path, stays as it is: our own sentences have it."""
    is_harmless = _OWN_NAME.fullmatch(found[0]) and found.string[found.end() : found.end() + 1] not in {"/", "?", "#"}
    return found[0] if is_harmless else found[0].replace(".", "[.]")
