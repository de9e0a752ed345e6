"""Reads the link or key that a person pasted after a verb or into a field, as the key that the verb needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from bot.errors import HostNotAllowed, NotUnderstood
from bot.interaction.addresses import Address, decoded, find_addresses, inside, trim
from bot.interaction.broken_lines import join_lines
from bot.interaction.feature import Interaction
from bot.interaction.parsed_text import CLOSING, OPENING, ParsedText, parse_field, without_addresses
from bot.onetime.links import KEY, BareKey, Host, Hosts, MetadataLink, SecretLink, read_address, read_base, read_word
from bot.screen.pieces import Phrase, Piece, Sentences, say
from bot.secret import MetadataKey, Secret, SecretKey

MAX_PASTED = 4000  # characters
MAX_SEARCHED = 40_000  # characters of one text; a message has no more
MAX_ADDRESSES = 100  # that are no links, in one text

NEEDS_THE_PRIVATE_LINK = say(
    "That is the link that opens the secret. This needs the *private* link (`/private/…` or "
    "`/receipt/…`), which only the person who made the secret has. `/ots tracked` lists what you shared here, "
    "and `/ots recent` what your account has made."
)
NEEDS_THE_SECRET_LINK = say(
    "That is a *private* link. It belongs to the person who made the secret, and it cannot open it. "
    "If somebody sent it to you, tell them: anybody who has it can burn the secret. The link that "
    "opens the secret has `/secret/` in it. `/ots metadata` shows the status."
)
MAIL_FILTER = say(
    "It may be the address of a mail filter, which hides the link. Ask the person who sent it for the link itself."
)

_PAGE = re.compile(r"/(?:secret|private|receipt|metadata)/")

PastedLink = SecretLink | MetadataLink


def read_pasted(text: ParsedText, hosts: Hosts) -> tuple[PastedLink | BareKey, str]:
    """The one link in the text, or the key that it begins with; and the other words, in one line.

    Raises `NotUnderstood`, or `HostNotAllowed` for links to other hosts only. Neither error repeats the text.
    """
    pasted = text.with_addresses
    if len(pasted) > MAX_PASTED:
        raise NotUnderstood("too long", tell=say("That is too long. Paste just the one link or key."))
    pasted = join_lines(pasted, lambda line: _find_links(line, hosts)[0].keys())
    error: NotUnderstood | None = None
    for spelling in dict.fromkeys((pasted, decoded(pasted))):
        found, refusal = _find_links(spelling, hosts)
        if len(found) > 1:
            raise NotUnderstood("two links", tell=say("Those are several links. Paste just the one link or key."))
        for link, spans in found.items():
            return link, _without(spelling, spans)
        error = refusal or error
    return _read_without_link(pasted, error, hosts)


@dataclass(frozen=True, slots=True)
class ForeignLink:
    """An address that has the form of a one-time link, or looks like an allowed host, and is on no allowed host."""

    name: str | None  # of its host; None if it is not safe to show
    lookalike: Host | None  # the allowed host that it looks like


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in several texts, each once and in their order."""

    links: tuple[PastedLink, ...] = ()
    foreign: tuple[ForeignLink, ...] = ()
    broken: tuple[Piece, ...] = ()  # what is wrong with addresses that were meant as links, each sentence once


def find_all(texts: Iterable[ParsedText], hosts: Hosts) -> Findings:
    """Every link in these texts, however it is wrapped, and what only looks like one. No address is ever followed."""
    links: dict[PastedLink, None] = {}
    foreign: dict[ForeignLink, None] = {}
    broken: dict[Piece, None] = {}
    seen: set[str] = set()
    for text in texts:
        searched = text.with_addresses[:MAX_SEARCHED]
        with suppress(NotUnderstood):  # a broken line that may mean two things
            searched = join_lines(searched, lambda line: _find_links(line, hosts)[0].keys())
        for address in _addresses_of(searched):
            found, refusal = _read_deep(address, hosts, seen)
            links |= dict.fromkeys(found)
            if found or refusal is None:
                continue
            if not isinstance(refusal, HostNotAllowed):
                broken[refusal.tell] = None
            elif (other := _read_foreign(address, hosts)) is not None:
                foreign[other] = None
    return Findings(tuple(links), tuple(foreign), tuple(broken))


def _addresses_of(text: str) -> Iterator[Address]:
    for spelling in dict.fromkeys((text, decoded(text))):
        yield from find_addresses(spelling)


def _read_foreign(address: Address, hosts: Hosts) -> ForeignLink | None:
    base = read_base(address.text)
    name = base.partition("://")[2] if base else None
    lookalike = hosts.find_lookalike(name.partition(":")[0]) if name else None
    if lookalike is None and not _PAGE.search(address.text):
        return None
    return ForeignLink(name, lookalike)


def _read_without_link(pasted: str, error: NotUnderstood | None, hosts: Hosts) -> tuple[BareKey, str]:
    first, *words = pasted.split() or [""]
    first = trim(decoded(first))
    if not first and not words:
        raise NotUnderstood("nothing pasted", tell=say("Paste a link or a key of Onetime Secret."))
    is_key = KEY.fullmatch(first) and not any(KEY.fullmatch(trim(word)) for word in words)
    if error is not None and not is_key:
        raise error
    if words and not is_key:
        raise NotUnderstood("no link in a text", tell=say("There is no link in that. Paste just the one link or key."))
    key = read_word(first, hosts)
    assert isinstance(key, BareKey)  # a link would have been found before
    return key, " ".join(words)


def _find_links(text: str, hosts: Hosts) -> tuple[dict[PastedLink, list[Address]], NotUnderstood | None]:
    """The links in the text, each with the addresses that hold it; and what is wrong with the first other address."""
    found: dict[PastedLink, list[Address]] = {}
    refusals: list[NotUnderstood] = []
    seen: set[str] = set()
    for address in find_addresses(text):
        links, refusal = _read_deep(address, hosts, seen)
        for link in links:
            found.setdefault(link, []).append(address)
        refusals += [refusal] if refusal else []
    of_our_hosts = [one for one in refusals if not isinstance(one, HostNotAllowed)]
    return found, next(iter(of_our_hosts or refusals), None)


def _read_deep(address: Address, hosts: Hosts, seen: set[str]) -> tuple[set[PastedLink], NotUnderstood | None]:
    """The link at this address, or the links that it carries inside, at any depth; or what is wrong with the address.

    `seen` are the addresses that were read in vain. Only `MAX_ADDRESSES` of them are searched for others inside, so a
    hostile text costs little.
    """
    links: set[PastedLink] = set()
    refusal: NotUnderstood | None = None
    waiting = [address]
    while waiting:
        one = waiting.pop(0)
        try:
            links.add(read_address(one.text, hosts))
        except NotUnderstood as error:
            refusal = refusal or error
            if one.whole not in seen and len(seen) < MAX_ADDRESSES:
                seen.add(one.whole)
                waiting += [inner for text in inside(one) for inner in find_addresses(text)]
    if isinstance(refusal, HostNotAllowed) and any(f"={host.name}" in address.whole for host in hosts.all):
        refusal = HostNotAllowed(str(refusal), tell=Sentences.of(refusal.tell, MAIL_FILTER))
    return links, refusal


def _without(text: str, addresses: list[Address]) -> str:
    """The words that stand beside the addresses, in one line, without what wraps or joins the addresses."""
    for address in reversed(addresses):
        before, after = text[: address.start], text[address.end :]
        if before.endswith("](") and "[" in before:
            before = before[: before.rindex("[")]
        while before and not before[-1].isspace() and "://" in before.split()[-1]:
            before = before[: before.rindex(before.split()[-1])]  # a mail filter's address in front of the real one
        text = before.rstrip(OPENING) + " " + after.lstrip(CLOSING + "|")
    words = without_addresses(text).split()
    while words and not words[0].strip(OPENING + CLOSING + "-–—|&"):
        words.pop(0)
    return " ".join(words)


def has_link_or_key(text: ParsedText) -> bool:
    """Whether a text without a verb is meant as a link or a key."""
    pasted = text.with_addresses[:MAX_PASTED]
    addresses = [address for one in (pasted, decoded(pasted)) for address in find_addresses(one)]
    return KEY.fullmatch(trim(pasted)) is not None or any(map(_is_meant_as_link, addresses))


def _is_meant_as_link(address: Address) -> bool:
    """Whether an address is none by accident: words with dots and slashes in a sentence may be a secret."""
    return address.start == 0 or "://" in address.text or _PAGE.search(address.text) is not None


def read_host(text: ParsedText, hosts: Hosts) -> Host:
    """The host that the text names: a region, a host's name or an address. Raises `HostNotAllowed`."""
    return hosts.named(trim(trim(text.with_addresses).partition("](")[0]))


async def usual_host(interaction: Interaction) -> Host:
    """The host for a key without a link: that of the person's default account, else the operator's default."""
    accounts = [one for one in await interaction.services.accounts.all_of(interaction.person) if one.is_default]
    with suppress(HostNotAllowed):  # the operator may have removed the host from the list
        return interaction.services.hosts.of(accounts[0].host) if accounts else interaction.services.default_host
    return interaction.services.default_host


async def metadata_key(interaction: Interaction, ask: Phrase) -> tuple[Host, MetadataKey]:
    """The metadata key that was pasted, and its host.

    Raises `NotUnderstood` for no text (`ask` is then shown), for text that is no link or key, and for a secret link.
    """
    return await locate_key(interaction, metadata_link(interaction, ask))


async def metadata_key_and_words(interaction: Interaction, ask: Phrase) -> tuple[Host, MetadataKey, str]:
    """The metadata key that was pasted, its host, and the other words in one line. Raises what `metadata_key` does."""
    link, words = _read_metadata(interaction, ask, words_allowed=True)
    return *await locate_key(interaction, link), words


def metadata_link(interaction: Interaction, ask: Phrase) -> MetadataLink | BareKey:
    """What was pasted, for `locate_key`. Does no I/O. Raises what `metadata_key` does.

    Words beside a link are allowed: they may be what a mail or a chat put around it.
    """
    return _read_metadata(interaction, ask, words_allowed=False)[0]


async def locate_key(interaction: Interaction, link: MetadataLink | BareKey) -> tuple[Host, MetadataKey]:
    """The metadata key, and its host: the person's usual one for a key without a link."""
    if isinstance(link, MetadataLink):
        return link.host, link.key
    return await usual_host(interaction), link.as_metadata()


def _read_metadata(interaction: Interaction, ask: Phrase, *, words_allowed: bool) -> tuple[MetadataLink | BareKey, str]:
    pasted, words = _read(interaction, ask, words_allowed=words_allowed)
    if isinstance(pasted, SecretLink):
        raise NotUnderstood("a secret link", tell=NEEDS_THE_PRIVATE_LINK)
    return pasted, words


def secret_key(interaction: Interaction, ask: Phrase) -> tuple[Host | None, SecretKey]:
    """The secret key that was pasted, and its host if it was a link. Does no I/O.

    Raises `NotUnderstood` for no text (`ask` is then shown), for text that is no link or key, and for a private link.
    """
    pasted, _ = _read(interaction, ask, words_allowed=False)
    match pasted:
        case MetadataLink():
            raise NotUnderstood("a private link", tell=NEEDS_THE_SECRET_LINK)
        case SecretLink(host, key):
            return host, key
        case BareKey() as bare:
            return None, bare.as_secret()


def _read(interaction: Interaction, ask: Phrase, *, words_allowed: bool) -> tuple[PastedLink | BareKey, str]:
    if not interaction.text:
        raise NotUnderstood("nothing pasted", tell=ask)
    pasted, words = read_pasted(interaction.text, interaction.services.hosts)
    if isinstance(pasted, BareKey) and words and not words_allowed:
        raise NotUnderstood("words beside a key", tell=say("Paste just the one link or key, with nothing around it."))
    return pasted, words


def from_field(interaction: Interaction, name: str) -> Interaction:
    """The interaction with the content of a field as its text."""
    return replace(interaction, text=parse_field(interaction.text_inputs.get(name, Secret(""))))
