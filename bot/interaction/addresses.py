"""Finds web addresses in a text, whatever chats, phones, mail filters, Markdown and quotes put around them.

Mail filters and redirects carry the real address inside their own: as it is, percent-encoded, in base64, or in the
spelling of Proofpoint. It is read from there. No address is ever followed.

Sources: Microsoft Safe Links (`?url=`), Google (`/url?q=`), Proofpoint URL Defense 1 to 3 (its own decoder), Sophos
(`u=` in base64), Check Point and Avanan (`___…___`), Cisco, Barracuda, Symantec, Trend Micro, Slack's own redirect.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import unquote

from bot.interaction.parsed_text import CLOSING, OPENING, unescape

MAX_DECODINGS = 4  # of one text: filters around filters

# What ends an address: white space, quotes, brackets, punctuation and letters that no link of Onetime Secret has in it.
_END = (
    r"\s<>\"'`´|‘’‚“”„«»‹›…\u0590-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    r"\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\u2010-\u2027\u2030-\u205e"
    r"\u2190-\u2bff\U0001f000-\U0001faff"
)
_SCHEME = re.compile(r"(?<![A-Za-z0-9+-])[A-Za-z][A-Za-z0-9+-]{0,30}://")
_REST = re.compile(rf"(?P<authority>[^\s/?#<>\"`|「『【（《]*)(?P<tail>[/?#][^{_END}]*)?")
_BARE = re.compile(
    rf"(?<![^\s{re.escape(OPENING)}>\])=|:,;，、：；」』】）》〉])"
    r"(?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*|localhost|(?:[0-9]{1,3}\.){3}[0-9]{1,3})"
    rf"(?::[0-9]{{1,5}})?/[^{_END}]*"
)
_NOT_IN_A_PATH = re.compile(r"[&,;()\[\]{}!$=|^*]")  # in the path of a link of ours
_IPV6 = r"\[(?=[^\]]*:)[0-9A-Fa-f:.]{2,45}\]"  # a host's address, whose brackets are no wrapping
_PATH = re.compile(rf"(?:[^/?#]*://)?(?P<host>{_IPV6})?[^/?#]*/[^?#]*")
_ENCODED = re.compile(r"https?%(?:25)*3A%(?:25)*2F", re.IGNORECASE)
_PROOFPOINT_2 = re.compile(r"https?-3A__?", re.IGNORECASE)
_BASE64 = re.compile(r"aHR0c[A-Za-z0-9+/_-]+={0,2}")  # of “http”
_ONE_SLASH = re.compile(r"(?<![A-Za-z0-9])(https?):/(?=[^/])", re.IGNORECASE)
_DEFANGED = (
    ("hxxp", "http"),
    ("[.]", "."),
    ("(.)", "."),
    ("[dot]", "."),
    ("(dot)", "."),
    ("\\/", "/"),
    ("[:]", ":"),
    ("[://]", "://"),
)


@dataclass(frozen=True, slots=True)
class Address:
    """A web address in a text: where it stands, and the address as it would be pasted alone. It may hold a key."""

    start: int
    end: int  # where the next blank, quote or bracket is
    marks: str  # in front of it: of emphasis, or of a mail filter. They stand behind it too
    text: str = field(repr=False)
    whole: str = field(repr=False)  # with all parameters: what a mail filter wrapped is in here


def find_addresses(text: str) -> list[Address]:
    """The addresses in a text, in their order, not those inside of others. Without a scheme they need a path."""
    starts = [found.start() for found in _SCHEME.finditer(text)]
    found: list[Address] = []
    for start, end in pairwise([*starts, len(text)]):
        is_joined = bool(found) and found[-1].end == start  # one inside the other, as redirects write them
        found.append(_read_at(text, start, end, found[-1].marks if is_joined else ""))
    masked = text
    for address in found:
        masked = masked[: address.start] + " " * (address.end - address.start) + masked[address.end :]
    found += [_cut(text, one.start(), one.group()) for one in _BARE.finditer(masked)]
    return sorted(found, key=lambda address: address.start)


def inside(address: Address) -> Iterator[str]:
    """Texts that the address carries behind its host and that may hold an address themselves."""
    rest = unescape(address.whole).removeprefix("//").partition("://")[2] or address.whole
    if _ONE_SLASH.search(rest):
        yield _ONE_SLASH.sub(r"\1://", rest.partition("/")[2])
        return
    path, *parameters = re.split(r"[?&;#]", rest)
    yield from _decode(path.partition("/")[2])
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        yield value or name
        yield from _decode(value or name)


def decoded(text: str) -> str:
    """The text with addresses as they were before somebody made them harmless, escaped or encoded them."""
    for defanged, plain in _DEFANGED:
        text = text.replace(defanged, plain)
    text = unescape(text)
    return unquote(unquote(text)) if _ENCODED.match(text) else text


def trim(text: str) -> str:
    """A word without the quotes, brackets and punctuation around it. Dashes and single underscores may be of a key."""
    before = None
    while text != before:
        before = text
        text = text.strip()
        if not re.match(_IPV6, text):
            text = text.lstrip(OPENING.replace("_", ""))
        if not re.search(rf"{_IPV6}$", text):
            text = text.rstrip(CLOSING.replace("_", ""))
        if re.fullmatch(r"(_+)[^_].*\1", text, re.DOTALL):
            text = text.strip("_")
    return text


def _read_at(text: str, start: int, end: int, marks: str) -> Address:
    scheme = _SCHEME.match(text, start)
    assert scheme is not None
    rest = _REST.match(text, scheme.end(), end)
    assert rest is not None
    return _cut(text, start, text[start : rest.end()], marks)


def _cut(text: str, start: int, found: str, marks: str = "") -> Address:
    """The address without what only follows it: punctuation, Markdown's and mail filters' marks, other parameters."""
    marks = text[:start][len(text[:start].rstrip("*_~")) :] or marks
    if text[start + len(found) :].startswith(">"):
        found = found.rstrip("-=")  # of an arrow
    whole = _trim_end(found, marks)
    address = whole
    if len(marks) > 1:
        whole = re.split(re.escape(marks[::-1]) + "[;.]", whole, maxsplit=1)[0]  # Proofpoint, Check Point
        address = _trim_end(whole.split(marks[::-1], 1)[0], marks)
    path = _PATH.match(address)
    if path and (other := _NOT_IN_A_PATH.search(address, max(path.end("host"), 0), path.end())):
        address = _trim_end(address[: other.start()], marks)
    return Address(start, start + len(found), marks, address, whole)


def _trim_end(address: str, marks: str) -> str:
    before = None
    while address != before:
        before = address
        address = address.rstrip(CLOSING.replace("_", ""))
        if marks.endswith("_"):
            address = address.removesuffix("_")
    return address


def _decode(text: str) -> Iterator[str]:
    """What the text says in other spellings. Nothing where it says the same."""
    if _PROOFPOINT_2.match(text):
        yield unquote(text.translate(str.maketrans("-_", "%/")))
    if found := _BASE64.search(text):
        encoded = found.group().rstrip("=").translate(str.maketrans("+/", "-_"))
        with suppress(ValueError):
            yield base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode(errors="replace")
    for _ in range(MAX_DECODINGS):
        plain = unquote(text)
        if plain == text:
            break
        text = plain
        yield _ONE_SLASH.sub(r"\1://", text)
