"""Joins links that a mail client has broken over lines, where nothing else can be meant.

Broken is what ends a line in the middle of an address and goes on at the start of the next one: after the marks of a
quoted mail, after the `=` of quoted-printable, or between angle brackets (RFC 3986, appendix C). Whether the next line
is the rest of a key or other words shows in the length: servers make keys of 31 characters (up to 0.23) or 62.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, Literal

from bot.errors import NotUnderstood
from bot.interaction.addresses import find_addresses
from bot.interaction.parsed_text import CLOSING
from bot.onetime.links import MetadataLink, SecretLink
from bot.screen.pieces import say

KEY_LENGTHS: Final = frozenset({31, 62})
MAX_LINES: Final = 10  # that one link may be broken over: mail filters make long ones
MAX_ADDRESSES: Final = 20  # at the ends of lines, in one text: so a hostile text costs little
HINT: Final = say("That link is broken over two lines. Paste it as one line, without the break.")

Links = AbstractSet[SecretLink | MetadataLink]
Reading = Literal["join", "leave", "ambiguous"]

_BREAKS = r"\n\r\x0b\x0c\x85\u2028\u2029"
_BREAK = re.compile(rf"(?<![ \t])[ \t]*(?:\r\n|[{_BREAKS}])")
_NEXT = re.compile(  # the marks of a quoted mail, a part of an address, and what else is on the line
    rf"(?:[ \t]*(?:[>|]|&gt;))*[ \t]*(?P<word>[A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]+)(?P<rest>[^{_BREAKS}]*)"
)
_NEW_ADDRESS = re.compile(r"(?:https?|ftp|hxxps?)://|www\.", re.IGNORECASE)
_BEFORE_INNER = ("_", "=", "/")  # what mail filters have in front of the address that they wrap
_ENDS = CLOSING.replace("_", "").replace("?", "")  # after a link these end it


@dataclass(frozen=True, slots=True)
class _Joined:
    """A line with what follows it on the next lines."""

    text: str = field(repr=False)
    end: int  # in the whole text: where the part of the last line ends that was joined
    word: str = field(repr=False)  # that part
    is_whole_line: bool  # nothing else is on its line
    is_certain: bool = False  # the text says itself that it goes on


def join_lines(text: str, find: Callable[[str], Links]) -> str:
    """The text with its links in one piece. `find` gives the links in a text.

    Raises `NotUnderstood` where the next line may be the rest of a key, or may not.
    """
    begin = tried = 0  # where the line begins, and how many ended in an address
    while tried < MAX_ADDRESSES and (found := _BREAK.search(text, begin)):
        line = text[begin : found.start()]
        addresses = find_addresses(line)
        joined = None
        if addresses and addresses[-1].end == len(line):
            tried += 1
            joined = _join(text, line, found.end(), find)
        if joined is None:
            begin = found.end()
        else:
            text = text[:begin] + joined.text + text[joined.end :]
    return text


def _join(text: str, line: str, position: int, find: Callable[[str], Links]) -> _Joined | None:
    """The line, which ends in an address, joined with as many lines from `position` on as belong to the address."""
    links, best = find(line), None
    if links and line[-1] in _ENDS:
        return None
    for joined in _joinings(text, line, position):
        if best is not None and joined.end == best.end:
            continue  # the same lines were joined in another way
        found = find(joined.text)
        verdict = _judge(links, found, joined)
        if verdict == "ambiguous":
            raise NotUnderstood("a broken link", tell=HINT)
        if verdict == "join":
            links, best = found, joined
        elif links:
            break
    return best


def _joinings(text: str, line: str, position: int) -> Iterator[_Joined]:
    is_enclosed = "<" in line and ">" not in line.rpartition("<")[2]
    for _ in range(MAX_LINES):
        following = _NEXT.match(text, position)
        if following is None or (_NEW_ADDRESS.match(following["word"]) and not line.endswith(_BEFORE_INNER)):
            return
        word = following["word"]
        is_closed = is_enclosed and following["rest"].startswith(">")
        is_whole = not following["rest"].strip() or is_closed
        if line.endswith("="):  # of quoted-printable, or of a parameter
            yield _Joined(line[:-1] + word, following.end("word"), word, is_whole, is_certain=True)
        line += word
        yield _Joined(line, following.end("word"), word, is_whole, is_certain=is_closed)
        if not is_whole or is_closed:
            return
        after = _BREAK.match(text, following.end())
        if after is None:
            return
        position = after.end()


def _judge(before: Links, after: Links, joined: _Joined) -> Reading:
    """Whether the links of a line `after` it was joined are what was meant, and not those `before`."""
    if len(after) != 1 or len(before) > 1 or before == after:
        return "leave"
    (link,) = after
    word = joined.word.rstrip(CLOSING)
    has_digit = any(map(str.isdigit, word))
    is_usual = _length(link) in KEY_LENGTHS
    if joined.is_certain:
        return "join"
    if not before:
        return "join" if is_usual or len(word) >= _length(link) or (joined.is_whole_line and has_digit) else "leave"
    was_usual = any(_length(one) in KEY_LENGTHS for one in before)
    if is_usual and not was_usual:
        return "join" if joined.is_whole_line or has_digit else "leave"
    if is_usual == was_usual and joined.is_whole_line and (has_digit or is_usual):
        return "ambiguous"
    return "leave"


def _length(link: SecretLink | MetadataLink) -> int:
    return len(link.key)
