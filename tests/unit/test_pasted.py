"""One allowed link is found in whatever people, phones, chats and mail filters make of it; anything else is refused."""

from __future__ import annotations

import base64
import re
import string
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import NotUnderstood
from bot.interaction import pasted
from bot.interaction.addresses import Address, find_addresses
from bot.interaction.broken_lines import HINT, KEY_LENGTHS
from bot.interaction.parsed_text import ParsedText, parse_field, parse_markup
from bot.onetime.links import BareKey, Host, Hosts, MetadataLink, SecretLink
from bot.screen.pieces import Piece
from bot.secret import MetadataKey, Secret, SecretKey
from tests.support.english import english
from tests.support.rows import each_row

HOSTS = Hosts(("http://127.0.0.1:7143", "https://ots.example.com", "https://intranet.example.com:8443/secrets"))
KEY = "3kq7v0p9x2m5n8b1c4z6a7s9d0f2g3h"
LINK = f"https://eu.onetimesecret.com/secret/{KEY}"
FOUND = SecretLink(Host("https://eu.onetimesecret.com"), SecretKey(KEY))

Wrap = Callable[[str], str]


def encoded(link: str) -> str:
    return quote(link, safe="")


def in_proofpoint_2(link: str) -> str:
    spelled = quote(link, safe="/").replace("-", "%2D").replace("_", "%5F")
    return spelled.replace("%", "-").replace("/", "_")


MAIL_FILTERS: dict[str, Wrap] = {
    "Microsoft Safe Links": lambda link: (
        f"https://eur01.safelinks.protection.outlook.com/?url={encoded(link)}&data=05%7C02%7Cada%40example.com%7C8a&"
        "sdata=q%2FuV%3D&reserved=0"
    ),
    "Safe Links in Teams": lambda link: (
        f"https://statics.teams.cdn.office.net/evergreen-assets/safelinks/1/atp-safelinks.html?url={encoded(link)}&"
        "locale=en-us&dest=https%3A%2F%2Fteams.microsoft.com%2Fapi&pc=x"
    ),
    "Proofpoint 1": lambda link: f"https://urldefense.proofpoint.com/v1/url?u={encoded(link)}&k=oIvRg1%2BdGAgOoM1&r=2",
    "Proofpoint 2": lambda link: (
        f"https://urldefense.proofpoint.com/v2/url?u={in_proofpoint_2(link)}&d=DwMFaQ&c=euG&r=x_Y&m=1-2&s=abc&e="
    ),
    "Proofpoint 3": lambda link: f"https://urldefense.com/v3/__{link}__;!!ORgEfCBsr282Fw!c_b-a$",
    "Proofpoint 3 with one slash": lambda link: (
        f"https://urldefense.us/v3/__{link.replace('://', ':/')}__;Iw!!ORgEfCBsr282Fw!c_b-a$"
    ),
    "Mimecast": lambda link: (
        f"https://protect-eu.mimecast.com/redirect/x?domain=eu.onetimesecret.com&url={encoded(link)}"
    ),
    "Google": lambda link: f"https://www.google.com/url?q={link}&sa=D&source=editors&ust=1764170000&usg=AOvVaw",
    "Google, encoded": lambda link: f"https://www.google.com/url?sa=t&url={encoded(link)}&ved=2ah",
    "Barracuda": lambda link: f"https://linkprotect.cudasvc.com/url?a={encoded(link)}&c=E,1,xyz&typo=1",
    "Cisco": lambda link: f"https://secure-web.cisco.com/1AbC-d_e/{encoded(link)}",
    "Symantec": lambda link: f"https://clicktime.symantec.com/3Abc?h=x%3D&u={encoded(link)}",
    "Trend Micro": lambda link: f"https://eu.tmcas.trendmicro.com/ctp/query?url={encoded(link)}&umid=A-B&auth=c",
    "Sophos": lambda link: (
        "https://eu-west-1.protection.sophos.com?d=onetimesecret.com&u="
        f"{base64.b64encode(link.encode()).decode()}&i=NjA%3D&t=x&h=y"
    ),
    "Check Point": lambda link: f"https://protect.checkpoint.com/v2/___{link}___.YzJlOmV4YW1wbGU6YzpvOmFiYw",
    "Slack's redirect": lambda link: f"https://slack-redir.net/link?url={encoded(link)}",
    "Facebook": lambda link: f"https://l.facebook.com/l.php?u={encoded(link)}&h=AT0",
    "an archive": lambda link: f"https://web.archive.org/web/2026/{link}",
    "a page to sign in at": lambda link: f"https://eu.onetimesecret.com/signin?next={encoded(link)}",
}
FILTER = st.sampled_from(list(MAIL_FILTERS))

CHATS: dict[str, Wrap] = {
    "bare": lambda link: link,
    "Slack": lambda link: f"<{link.replace('&', '&amp;')}>",
    "Slack with words": lambda link: f"<{link.replace('&', '&amp;')}|the private link>",
    "Slack with its own words": lambda link: f"<{link.replace('&', '&amp;')}|{link.replace('&', '&amp;')}>",
    "Slack with shortened words": lambda link: f"<{link.replace('&', '&amp;')}|{link[:40]}…>",
    "Markdown": lambda link: f"[the password]({link})",
    "Markdown with its own words": lambda link: f"[{link}]({link})",
    "Markdown around Slack": lambda link: f"[the password](<{link.replace('&', '&amp;')}>)",
    "quotes": lambda link: f'"{link}"',
    "one quote": lambda link: f"'{link}'",
    "typographic quotes": lambda link: f"“{link}”",
    "German quotes": lambda link: f"„{link}“",
    "French quotes": lambda link: f"« {link} »",
    "Japanese quotes": lambda link: f"「{link}」",
    "Chinese brackets": lambda link: f"【{link}】",
    "in a Chinese sentence": lambda link: f"密码在这里：{link}，谢谢",
    "in a Japanese sentence": lambda link: f"これです{link}を開いて",
    "code": lambda link: f"`{link}`",
    "a code block": lambda link: f"```\n{link}\n```",
    "bold": lambda link: f"*{link}*",
    "italic": lambda link: f"_{link}_",
    "bold in Markdown": lambda link: f"**{link}**",
    "underscores": lambda link: f"__{link}__",
    "struck out": lambda link: f"~{link}~",
    "brackets": lambda link: f"({link})",
    "angles, escaped": lambda link: f"&lt;{link.replace('&', '&amp;')}&gt;",
    "a quoted mail": lambda link: f"&gt; {link}\n&gt; see you",
    "a mail": lambda link: f"Hello Ben,\n\nyour password: {link}\n\nSent from my iPhone (https://example.com/iphone)",
    "a sentence": lambda link: f"Please open {link}.",
    "a sentence with a comma": lambda link: f"Here, {link}, it is!",
    "HTML": lambda link: f'<a href="{link}">open</a>',
    "other addresses": lambda link: f"see https://docs.example.com/a and http://example.org/b?c=d: {link}",
    "pages of the site": lambda link: f"https://eu.onetimesecret.com/account {link} https://eu.onetimesecret.com",
    "an acute accent for a quote": lambda link: f"´{link}´",
    "an arrow behind it": lambda link: f"{link}-> see",
    "JSON": lambda link: '{"link":"' + link.replace("/", "\\/") + '"}',
    "dots in words": lambda link: link.replace(".", "[dot]"),
    "encoded twice": lambda link: encoded(encoded(link)),
    "made harmless": lambda link: link.replace("http", "hxxp").replace(".", "[.]"),
    "twice": lambda link: f"{link} {link}",
}
CHAT = st.sampled_from(list(CHATS))

INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u202e\u2060\u2066\u2069\ufeff\u00ad\u034f\ufe0f\x00\x1b"
BLANKS = "\u00a0\u202f\u3000\t\n\r\u2028\x0b\x85 "
NOISE = st.lists(st.sampled_from(INVISIBLE), max_size=3).map("".join)


@st.composite
def noisy(draw: st.DrawFn, text: str) -> str:
    """The text with invisible characters anywhere in it, and blanks around it."""
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(NOISE) + text[at:]
    blanks = st.text(st.sampled_from(BLANKS), max_size=3)
    return draw(blanks) + text + draw(blanks)


KEYS = st.text(string.digits + string.ascii_lowercase, min_size=20, max_size=64)
PAGES = st.sampled_from(["secret", "private", "receipt", "metadata"])


@st.composite
def links(draw: st.DrawFn) -> tuple[str, SecretLink | MetadataLink]:
    host, page, key = draw(st.sampled_from(HOSTS.all)), draw(PAGES), draw(KEYS)
    ending = draw(st.sampled_from(["", "/", "//", "?lang=en", "#top"]))
    name = host.url.replace("https://", draw(st.sampled_from(["https://", "https://www."])))
    kind = SecretLink(host, SecretKey(key)) if page == "secret" else MetadataLink(host, MetadataKey(key))
    return f"{name}/{page}/{key}{ending}", kind


def read_everywhere(text: str) -> set[SecretLink | MetadataLink | BareKey]:
    """What the text is read as behind a command and in the field of a window."""
    return {pasted.read_pasted(parse(text), HOSTS)[0] for parse in (parse_markup, in_field)}


def in_field(text: str) -> ParsedText:
    return parse_field(Secret(text))


@each_row("chat", CHATS, ids=CHATS)
def test_a_link_is_found_in_what_a_chat_a_mail_or_a_quote_makes_of_it(chat: str) -> None:
    assert read_everywhere(CHATS[chat](LINK)) == {FOUND}


@each_row("mail_filter", MAIL_FILTERS, ids=MAIL_FILTERS)
def test_a_link_is_found_in_the_address_of_a_mail_filter(mail_filter: str) -> None:
    wrapped = MAIL_FILTERS[mail_filter](LINK)

    assert read_everywhere(wrapped) == {FOUND}
    assert read_everywhere(f"<{wrapped.replace('&', '&amp;')}|click here>") == {FOUND}


@settings(max_examples=300, derandomize=True)
@given(st.data(), links(), st.lists(FILTER, max_size=2), CHAT)
def test_any_text_with_exactly_one_allowed_link_is_read_as_that_link(
    data: st.DataObject, link: tuple[str, SecretLink | MetadataLink], filters: list[str], chat: str
) -> None:
    address, expected = link
    for one in filters:
        address = MAIL_FILTERS[one](address)
    text = data.draw(noisy(CHATS[chat](address)))

    found = read_everywhere(text)

    assert found == {expected}


LONG_KEY = "k3m9x0q7v2p5n8b1c4z6a7s9d0f2g3h3kq7v0p9x2m5n8b1c4z6a7s9d0f2g3h"
BREAKS: dict[str, Callable[[str, str], str]] = {
    "a line break": lambda one, other: f"{one}\n{other}",
    "Windows' line break": lambda one, other: f"{one}\r\n{other}",
    "a flowed mail": lambda one, other: f"{one} \n{other}",
    "a quoted mail": lambda one, other: f"> {one}\n> {other}",
    "a quoted mail in Slack": lambda one, other: f"&gt; {one}\n&gt; {other}",
    "twice quoted": lambda one, other: f">> {one}\n>> {other}",
    "quoted-printable": lambda one, other: f"{one}=\n{other}",
    "angle brackets": lambda one, other: f"<{one}\n{other}>",
    "angle brackets in Slack": lambda one, other: f"&lt;{one}\n  {other}&gt;",
    "Slack's link to the first half": lambda one, other: f"<{one}>\n{other}",
    "a mail": lambda one, other: f"Hello Ben,\n\nyour password:\n{one}\n{other}\n\nYours, Ada",
    "a line separator": lambda one, other: f"{one}\u2028{other}",
}


@settings(max_examples=300, derandomize=True)
@given(
    st.sampled_from(HOSTS.all), PAGES, st.sampled_from([KEY, LONG_KEY]), st.sampled_from(list(BREAKS)),
    st.sampled_from(["", "", "Microsoft Safe Links", "Google", "Google, encoded", "Proofpoint 2", "Proofpoint 3"]), st.data(),
)  # fmt: skip
def test_a_link_that_is_broken_over_two_lines_is_joined_or_refused_with_a_hint(
    host: Host, page: str, key: str, how: str, mail_filter: str, data: st.DataObject
) -> None:
    """Wherever it is broken: it is never read as the link of another key."""
    kind = SecretLink(host, SecretKey(key)) if page == "secret" else MetadataLink(host, MetadataKey(key))
    link = f"{host.url}/{page}/{key}"
    link = MAIL_FILTERS[mail_filter](link) if mail_filter else link
    at = data.draw(st.integers(len("https://x"), len(link) - 1))
    text = BREAKS[how](link[:at], link[at:])

    for parse in (parse_markup,) if "Slack" in how else (parse_markup, in_field):
        assert read_or_refusal(parse(text)) in (kind, HINT)


def read_or_refusal(text: ParsedText) -> SecretLink | MetadataLink | BareKey | Piece | None:
    """The link, or what is said in its place."""
    try:
        return pasted.read_pasted(text, HOSTS)[0]
    except NotUnderstood as refused:
        return refused.tell


@each_row("how", BREAKS, ids=BREAKS)
def test_what_is_broken_in_the_middle_of_its_key_is_joined(how: str) -> None:
    for key in (KEY, LONG_KEY):
        link = f"https://eu.onetimesecret.com/secret/{key}"
        for cut in (3, 25):
            found, _ = pasted.read_pasted(parse_markup(BREAKS[how](link[:-cut], link[-cut:])), HOSTS)
            assert found == SecretLink(Host("https://eu.onetimesecret.com"), SecretKey(key))


def test_a_long_address_of_a_mail_filter_is_joined_from_many_lines() -> None:
    wrapped = MAIL_FILTERS["Microsoft Safe Links"](f"https://eu.onetimesecret.com/secret/{LONG_KEY}")
    lines = [wrapped[start : start + 38] for start in range(0, len(wrapped), 38)]

    assert len(lines) > 5
    assert pasted.read_pasted(in_field("\n".join(lines)), HOSTS)[0] == SecretLink(FOUND.host, SecretKey(LONG_KEY))


@each_row(
    ("text", "label"),
    [
        (f"{LINK}\nbank", "bank"),
        (f"{LINK}\ndb2", "db2"),
        (f"{LINK}\nserver01 in the cellar", "server01 in the cellar"),
        (f"{LINK}.\nserver01", "server01"),
        (f"({LINK})\nserver01", "server01"),
        (f"{LINK}\n\nserver01", "server01"),
        (f"{LINK}\nhttps://docs.example.com/a", "https://docs.example.com/a"),
        (f"https://eu.onetimesecret.com/secret/{LONG_KEY}\n{KEY[:8]}", KEY[:8]),
    ],
)
def test_words_on_the_next_line_are_no_part_of_a_whole_link(text: str, label: str) -> None:
    link, words = pasted.read_pasted(parse_markup(text), HOSTS)

    assert len(link.key.reveal()) in KEY_LENGTHS
    assert words == label


@each_row(
    "text",
    [f"{LINK}\n{KEY[::-1]}", f"https://eu.onetimesecret.com/secret/{KEY[:22]}\n{KEY[:5]}"],
    ids=["two whole keys", "two parts of no key"],
)
def test_what_may_be_broken_or_not_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(NotUnderstood) as caught:
        pasted.read_pasted(parse_markup(text), HOSTS)

    assert caught.value.tell == HINT


OTHER_HOSTS = st.sampled_from([
    "https://evil.example", "https://eu.onetimesecret.com@evil.example", "https://x@eu.onetimesecret.com",
    "https://eu.onetimesecret.com.evil.example", "https://еu.onetimesecret.com", "https://evilonetimesecret.com",
    "ftp://eu.onetimesecret.com", "https://eu.onetimesecret.com:8443", "https://eu.onetimesecret.com\\@evil.example",
])  # fmt: skip


@settings(max_examples=200, derandomize=True)
@given(st.data(), OTHER_HOSTS, PAGES, st.lists(FILTER, max_size=2), CHAT)
def test_any_text_without_an_allowed_link_is_refused_without_being_repeated(
    data: st.DataObject, base: str, page: str, filters: list[str], chat: str
) -> None:
    address = f"{base}/{page}/{KEY}"
    for one in filters:
        address = MAIL_FILTERS[one](address)
    text = data.draw(noisy(CHATS[chat](address)))

    for parse in (parse_markup, in_field):
        with pytest.raises(NotUnderstood) as caught:
            pasted.read_pasted(parse(text), HOSTS)

        said = f"{caught.value} {english(caught.value.tell)}"
        assert KEY not in said
        assert "/" not in re.sub(r"`/[a-z]+/?`|`https://`|`[a-z./:0-9]+`", "", said)


@each_row(
    ("text", "says"),
    [
        (f"{LINK} https://eu.onetimesecret.com/secret/{KEY[::-1]}", "several links"),
        (f"<{LINK}|https://eu.onetimesecret.com/secret/{KEY[::-1]}>", "several links"),
        (f"{LINK},https://eu.onetimesecret.com/private/{KEY}", "several links"),
        ("https://protect-eu.mimecast.com/s/AbC1?domain=eu.onetimesecret.com", "mail filter"),
        ("please open this", "no link in that"),
        ("x" * 5000, "too long"),
    ],
)
def test_a_refusal_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(NotUnderstood) as caught:
        pasted.read_pasted(parse_markup(text), HOSTS)

    assert says in english(caught.value.tell)


def test_www_in_front_of_an_allowed_host_makes_no_difference() -> None:
    for host in HOSTS.all:
        if "127.0.0.1" not in host.url:
            www = host.url.replace("https://", "https://www.")
            assert read_everywhere(f"{www}/secret/{KEY}") == {SecretLink(host, SecretKey(KEY))}
    for text in (f"https://www.www.onetimesecret.com/secret/{KEY}", f"http://www.127.0.0.1:7143/secret/{KEY}"):
        with pytest.raises(NotUnderstood):
            pasted.read_pasted(parse_markup(text), HOSTS)


LABELS = {
    "an ordinary blank": (f"{LINK} db password", "db password"),
    "a non-breaking blank": (f"{LINK}\u00a0db password", "db password"),
    "a tab": (f"{LINK}\tdb password", "db password"),
    "a line break": (f"{LINK}\ndb password", "db password"),
    "an ideographic blank": (f"{LINK}\u3000db password", "db password"),
    "a key and a non-breaking blank": (f"{KEY}\u00a0db password", "db password"),
    "a zero-width blank between": (f"{LINK}\u200b db\u200b password", "db password"),
    "Slack's link": (f"<{LINK}|the private link> for the bank", "for the bank"),
    "Markdown": (f"[the private link]({LINK}) for the bank", "for the bank"),
    "quotes": (f"“{LINK}” for the bank", "for the bank"),
    "a colon": (f"{LINK}: for the bank", "for the bank"),
    "a dash": (f"{LINK} – for the bank", "for the bank"),
    "a mail filter": (f"{MAIL_FILTERS['Google'](LINK)} for the bank", "for the bank"),
    "the words first": (f"for the bank {LINK}", "for the bank"),
    "an ampersand": (f"{LINK} R&amp;D &lt;new&gt;", "R&D <new>"),
    "an escape that was typed": (f"{LINK} R&amp;amp;D", "R&amp;D"),
    "a person": (f"{LINK} for <@UBEN123|ben>", "for @ben"),
    "a person without a name": (f"{LINK} for <@UBEN123>", "for @somebody"),
    "a group": (f"{LINK} for <!subteam^S1|@ops>", "for @ops"),
    "a group without a sign": (f"{LINK} for <!subteam^S1|ops>", "for @ops"),
    "everybody": (f"{LINK} for <!channel> and <!here|here>", "for @channel and @here"),
    "a channel": (f"{LINK} in <#C012345|general>", "in #general"),
    "another link": (f"{LINK} see <https://a.example/x|the docs>", "see the docs"),
    "a mail address": (f"{LINK} of <mailto:ben@example.com|ben@example.com>", "of ben@example.com"),
    "a moment": (f"{LINK} <!date^1764170000^{{date}}|Monday>", "Monday"),
    "nothing": (f"“{LINK}”.", ""),
}


@each_row(("text", "label"), LABELS.values(), ids=LABELS)
def test_the_other_words_are_what_a_person_reads(text: str, label: str) -> None:
    _, words = pasted.read_pasted(parse_markup(text), HOSTS)

    assert words == label


@each_row(
    ("text", "is_link"),
    [
        (f"please open {LINK}", True),
        (f"brun {LINK}", True),
        ("eu.onetimesecret.com/secret/x", True),
        (f"my link eu.onetimesecret.com/secret/{KEY}", True),
        (MAIL_FILTERS["Sophos"](LINK), True),
        (f"「{KEY}」", True),
        ("retreive hunter2", False),
        ("my password is hunter.two/abc", False),
        ("1.2.3 and a/b", False),
    ],
)
def test_words_without_a_verb_are_taken_for_a_link_only_if_one_is_meant(text: str, is_link: bool) -> None:
    assert pasted.has_link_or_key(parse_markup(text)) == is_link


def test_of_a_text_full_of_addresses_only_so_many_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def count(text: str) -> list[Address]:
        read.append(text)
        return find_addresses(text)

    monkeypatch.setattr(pasted, "find_addresses", count)
    text = "https://x.example/?u="
    for _ in range(3):
        text = "https://y.example/?u=" + quote(text + "https://a.example/?b=https://c.example/&" * 10, safe="")

    with pytest.raises(NotUnderstood):
        pasted.read_pasted(parse_markup(text[:4000]), HOSTS)

    assert len(read) < 20 * pasted.MAX_ADDRESSES
