"""Reads what a person wrote, once: Slack's markup and escapes, white space, invisible characters, names, words.

Handlers get a `ParsedText` and never the text as Slack sent it. A secret or a passphrase never becomes one: these are
taken exactly as they were typed.

Source: docs.slack.dev, “Formatting message text” (escaping, mentions, links) and “Slash commands” (should_escape).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from bot.characters import remove_invisible
from bot.secret import Secret

OPENING = "`´'\"<([{*~_“”‘’«‹„‚「『【（《〈〔［｛"  # chats turn plain quotes into typographic ones
CLOSING = "`´'\">)]}*~_“”‘’»›」』】）》〉〕］｝.,;:!?…。、，；：！？"

_MARKUP = re.compile(r"<([^<>]*)>")
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&"}
_ENTITY = re.compile("&(lt|gt|amp);")
_USER_ID = re.compile(r"[UW][A-Z0-9]{1,30}")
_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{1,30}")
_MARKDOWN_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*\)")
_AND = frozenset({"and", "und", "et", "y", "e", "plus", "with", "to", "for"})  # between names, or in front of them

_SEPARATOR = re.compile(r"[\s,;]+")

TokenKind = Literal["text", "person", "channel", "group", "mail", "address"]


@dataclass(frozen=True, slots=True)
class Token:
    """A part of a text. `text` is what a reader sees; `target` is an id or a web address."""

    kind: TokenKind
    text: str = field(repr=False)
    target: str = field(default="", repr=False)


@dataclass(frozen=True)
class ParsedText:
    """What a person wrote, in parts. It may hold a key, so it never shows in a `repr`."""

    tokens: tuple[Token, ...] = field(default=(), repr=False)

    def __bool__(self) -> bool:
        return any(token.kind != "text" or token.text.strip() for token in self.tokens)

    @cached_property
    def people(self) -> tuple[str, ...]:
        """The ids of the people who are named, each once."""
        return tuple(dict.fromkeys(token.target for token in self.tokens if token.kind == "person"))

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """The ids of the channels that are named, each once."""
        return tuple(dict.fromkeys(token.target for token in self.tokens if token.kind == "channel"))

    @cached_property
    def has_unknown_names(self) -> bool:
        """Whether somebody is named whose id Slack did not send: a plain “@ben”, a group, a mail address."""
        return any(token.kind in {"group", "mail"} for token in self.tokens) or any(map(_is_name, self._raw_words))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words in lower case, without punctuation around them. Names are left out, and what joins names."""
        words = (word.strip(OPENING + CLOSING + "-–—&+/|").lower() for word in self._raw_words if not _is_name(word))
        return tuple(word for word in words if word)

    @cached_property
    def other_words(self) -> tuple[str, ...]:
        """The words that neither name somebody nor stand between names."""
        return tuple(word for word in self.words if word not in _AND)

    @cached_property
    def readable(self) -> str:
        """The whole text in one line, with names in the place of ids. It holds no markup, and mentions nobody."""
        return " ".join("".join(token.text for token in self.tokens).split())

    @cached_property
    def with_addresses(self) -> str:
        """The text with the address of each link. A link with other words is written as Markdown has it."""
        return "".join(
            f"[{token.text}]({token.target})" if token.target != token.text and token.kind == "address" else token.text
            for token in self.tokens
        )

    def after_first_person(self) -> tuple[str | None, str]:
        """The person that a text begins with, or the only one in it, and the text without a name at its start."""
        rest = list(self.tokens)
        while rest and rest[0].kind == "text" and not rest[0].text.strip():
            rest.pop(0)
        first = rest.pop(0) if rest and rest[0].kind in {"person", "group", "mail"} else None
        text = ParsedText(tuple(rest)).readable
        if first is None and _is_name(word := text.partition(" ")[0]):
            text = text.removeprefix(word)
        person = first.target if first and first.kind == "person" else None
        if first is None and len(self.people) == 1:
            person = self.people[0]
        return person, text.lstrip(" ,;:–—-") if text != self.readable else text

    @cached_property
    def _raw_words(self) -> list[str]:
        texts = (
            token.target if token.kind == "address" else token.text
            for token in self.tokens
            if token.kind in {"text", "address"}
        )
        return [word for word in _SEPARATOR.split(" ".join(texts)) if word]


NO_TEXT = ParsedText()


def parse_markup(text: str) -> ParsedText:
    """A text with Slack's markup, as in commands, messages and events. `&lt; &gt; &amp;` are undone once."""
    tokens, end = [], 0
    for found in _MARKUP.finditer(text):
        tokens += [Token("text", _clean(text[end : found.start()])), _read_markup(found[1])]
        end = found.end()
    tokens.append(Token("text", _clean(text[end:])))
    return ParsedText(tuple(token for token in tokens if token.text or token.target))


def parse_field(typed: Secret) -> ParsedText:
    """The content of a text field of a window, which Slack sends without markup and escapes."""
    return ParsedText((Token("text", remove_invisible(typed.reveal())),))


def first_word(text: str) -> tuple[str, str]:
    """The first word of a command line in lower case, and the text after it as Slack sent it."""
    text = remove_invisible(text).strip()
    first, *rest = text.split(maxsplit=1) or [""]
    return first.strip(OPENING + CLOSING).lower(), "".join(rest)


def unescape(text: str) -> str:
    """Undo Slack's three escapes, once: `&amp;lt;` becomes `&lt;`."""
    return _ENTITY.sub(lambda found: _ENTITIES[found[1]], text)


def without_addresses(text: str) -> str:
    """Links that are written as in Markdown become their words."""
    return _MARKDOWN_LINK.sub(lambda found: found[1], text)


def _clean(text: str) -> str:
    return remove_invisible(unescape(text))


def _read_markup(inside: str) -> Token:
    """`<@U…|ben>`, `<#C…|general>`, `<!subteam^S…|@ops>`, `<!here>`, `<!date^…|Monday>`, `<https://…|label>`."""
    target, _, label = (_clean(part) for part in inside.partition("|"))
    sign, name = target[:1], target[1:]
    if sign == "@" and _USER_ID.fullmatch(name):
        token = Token("person", f"@{label.removeprefix('@') or 'somebody'}", name)
    elif sign == "#" and _CHANNEL_ID.fullmatch(name):
        token = Token("channel", f"#{label.removeprefix('#') or 'channel'}", name)
    elif target.startswith("!date^"):
        token = Token("text", label or name.split("^")[1])
    elif sign == "!":
        named = label or name.partition("^")[0].replace("subteam", "group")
        token = Token("group", f"@{named.removeprefix('@')}", name)
    elif target.startswith("mailto:"):
        token = Token("mail", label or target.removeprefix("mailto:"), target)
    elif "/" in target or "." in target:
        token = Token("address", label or target, target)
    else:
        token = Token("text", f"<{target}|{label}>" if label else f"<{target}>")
    return token


def _is_name(word: str) -> bool:
    """Whether the word is a name that Slack sent as plain text: `@ben`, `#general`."""
    return re.fullmatch(r"[@#][\w.-]{1,80}", word.strip(OPENING + CLOSING)) is not None
