"""Everything a person may paste, as what it is, or as an error that says what is wrong with it."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import CannotStart, HostNotAllowed, NotUnderstood
from bot.interaction import pasted
from bot.interaction.parsed_text import ParsedText, parse_field, parse_markup
from bot.onetime.links import BareKey, Host, Hosts, MetadataLink, SecretLink, read_base
from bot.secret import MetadataKey, Secret, SecretKey
from tests.support.english import english
from tests.support.rows import each_row

KEY = "3kq7v0p9x2m5n8b1c4z6a7s9d0f2g3h"  # 31 characters, as up to 0.23
LONG = KEY * 2  # 62, as since 0.24
OWN = ("http://127.0.0.1:7143", "https://ots.example.com", "https://intranet.example.com:8443/secrets")
HOSTS = Hosts(OWN)
EU = Host("https://eu.onetimesecret.com")


def read_pasted(text: str, hosts: Hosts) -> SecretLink | MetadataLink | BareKey:
    """What the text is read as, which is the same behind a command and in the field of a window."""
    behind_a_command, in_a_field = (
        _found_or_refusal(parsed, hosts) for parsed in (parse_markup(text), parse_field(Secret(text)))
    )
    if isinstance(behind_a_command, NotUnderstood):
        assert isinstance(in_a_field, NotUnderstood)
        raise behind_a_command
    assert behind_a_command == in_a_field
    return behind_a_command


def read_host(text: str) -> Host:
    """The host that a text names behind a command."""
    return pasted.read_host(parse_markup(text), HOSTS)


def _found_or_refusal(text: ParsedText, hosts: Hosts) -> SecretLink | MetadataLink | BareKey | NotUnderstood:
    try:
        return pasted.read_pasted(text, hosts)[0]
    except NotUnderstood as error:
        return error


BUILT_IN = ("ca", "eu", "nz", "uk", "us")


# --- links

WRAPPINGS = {
    "bare": "{}",
    "blanks around it": "  {}\n",
    "as Slack sends a link": "<{}>",
    "with Slack's label": "<{}|look here>",
    "escaped by Slack": "&lt;{}&gt;",
    "in backticks": "`{}`",
    "in quotes": '"{}"',
    "in typographic quotes": "“{}”",
    "in a bold code block": "*`{}`*",
    "in brackets": "({})",
    "at the end of a sentence": "{}.",
    "with a comma": "{},",
    "with a bracket of the text": "{})",
    "with a sign of Slack's": "{}>",
    "all of it": "“`<{}|label>`”).",
}
ENDINGS = {
    "nothing": "",
    "a slash": "/",
    "a query": "?utm=1&lang=en",
    "an escaped query": "?utm=1&amp;lang=en",
    "a fragment": "#top",
    "all of it": "/?a=b#c",
}


@each_row("ending", ENDINGS.values(), ids=ENDINGS)
@each_row("wrapping", WRAPPINGS.values(), ids=WRAPPINGS)
@each_row("scheme", ["https://", "", "HTTPS://", "http://"])
def test_a_secret_link_is_found_in_whatever_a_chat_makes_of_it(scheme: str, wrapping: str, ending: str) -> None:
    text = wrapping.format(f"{scheme}eu.onetimesecret.com/secret/{KEY}{ending}")

    found = read_pasted(text, HOSTS)

    assert found == SecretLink(EU, SecretKey(KEY))


@each_row(
    ("host", "url"),
    [
        *((f"{region}.onetimesecret.com", f"https://{region}.onetimesecret.com") for region in BUILT_IN),
        ("onetimesecret.com", "https://onetimesecret.com"),
        ("www.onetimesecret.com", "https://onetimesecret.com"),
        ("ots.example.com", "https://ots.example.com"),
        ("OTS.Example.COM", "https://ots.example.com"),
        ("https://ots.example.com:443", "https://ots.example.com"),
        ("http://127.0.0.1:7143", "http://127.0.0.1:7143"),
        ("127.0.0.1:7143", "http://127.0.0.1:7143"),
        ("https://intranet.example.com:8443/secrets", "https://intranet.example.com:8443/secrets"),
    ],
)
@each_row(
    ("page", "expected"),
    [("secret", SecretLink), ("private", MetadataLink), ("receipt", MetadataLink), ("metadata", MetadataLink)],
)
def test_each_page_of_each_host_is_known(host: str, url: str, page: str, expected: type) -> None:
    found = read_pasted(f"{host}/{page}/{LONG}", HOSTS)

    assert type(found) is expected
    assert isinstance(found, SecretLink | MetadataLink)
    assert found.host.url == url
    assert found.key.reveal() == LONG


def test_http_before_a_name_that_was_typed_without_it_is_slacks_doing() -> None:
    text = f"<http://uk.onetimesecret.com/secret/{KEY}|uk.onetimesecret.com/secret/{KEY}>"

    found = read_pasted(text, HOSTS)

    assert isinstance(found, SecretLink)
    assert found.host.url == "https://uk.onetimesecret.com"  # and it is never contacted over http


@pytest.mark.parametrize("key", ["a" * 20, "A-_9" * 8, KEY, LONG, "z" * 128, f"{KEY}/", f"`{KEY}`", f" {KEY}. "])
def test_a_key_alone_is_either_kind(key: str) -> None:
    found = read_pasted(key, HOSTS)

    assert isinstance(found, BareKey)
    bare = re.sub(r"[^A-Za-z0-9_-]", "", key)
    assert found.as_secret() == SecretKey(bare)
    assert found.as_metadata() == MetadataKey(bare)


def test_dashes_and_underscores_at_the_ends_belong_to_the_key() -> None:
    found = read_pasted(f"_{KEY}-", HOSTS)

    assert isinstance(found, BareKey)
    assert found.key.reveal() == f"_{KEY}-"


# --- what is not understood

PAGE = "https://eu.onetimesecret.com"
WRONG = {
    "nothing": ("", "Paste a link"),
    "only punctuation": ("...", "Paste a link"),
    "a key of 15": ("k" * 15, "too short"),
    "a key of 16": ("k" * 16, "too short"),
    "a key of 19": ("k" * 19, "too short"),
    "a key of 129": ("k" * 129, "too long"),
    "a link with a short key": (f"{PAGE}/secret/{'k' * 19}", "too short"),
    "a link with a long key": (f"{PAGE}/secret/{'k' * 129}", "too long"),
    "a link without a key": (f"{PAGE}/secret/", "not the link of a secret"),
    "a link to the list": (f"{PAGE}/private/recent", "no key in that link"),
    "burn for a key": (f"{PAGE}/secret/burn", "no key in that link"),
    "the page that burns": (f"{PAGE}/private/{KEY}/burn", "without `/burn`"),
    "the newer page that burns": (f"{PAGE}/receipt/{KEY}/burn/", "without `/burn`"),
    "only the host": (PAGE, "only the address"),
    "only the host's name": ("eu.onetimesecret.com", "only the address"),
    "another page": (f"{PAGE}/account", "not the link of a secret"),
    "an address of the API": (f"{PAGE}/api/v1/secret/{KEY}", "not the link of a secret"),
    "steps up": (f"{PAGE}/secret/../{KEY}", "not the link of a secret"),
    "encoded steps up": (f"{PAGE}/secret/%2e%2e", "characters in it"),
    "an encoded question mark": (f"{PAGE}/secret/{KEY}%3f", "characters in it"),
    "two slashes": (f"{PAGE}//secret/{KEY}", "not the link of a secret"),
    "a key with letters of another alphabet": (f"{PAGE}/secret/{KEY}é", "characters in it"),
    "a key with full-width digits": (f"{PAGE}/secret/{'１' * 30}", "characters in it"),
    "two keys": (f"{KEY} {LONG}", "just the one"),
    "two links": (f"{PAGE}/secret/{KEY} {PAGE}/secret/{LONG}", "just the one"),
    "two links without a blank": (f"{PAGE}/secret/{KEY},{PAGE}/secret/{LONG}", "just the one"),
    "two links in one of a mail filter": (
        f"https://a.example/?a={PAGE}/secret/{KEY}&b={PAGE}/secret/{LONG}",
        "just the one",
    ),
    "a sentence": ("please open this", "just the one"),
    "no host": (f"/secret/{KEY}", "whole link"),
    "a page without a host": (f"secret/{KEY}", "whole link"),
    "a host without a scheme's name": (f"//eu.onetimesecret.com/secret/{KEY}", "whole link"),
    "a very long text": (f"{PAGE}/secret/{'k' * 5000}", "just the one"),
}


@each_row(("text", "says"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_without_repeating_it(text: str, says: str) -> None:
    with pytest.raises(NotUnderstood) as caught:
        read_pasted(text, HOSTS)

    assert says in english(caught.value.tell)
    assert not isinstance(caught.value, HostNotAllowed)
    assert not re.search(
        r"[A-Za-z0-9_-]{16}", f"{english(caught.value.tell)} {caught.value}".replace("onetimesecret", "")
    )


ELSEWHERE = {
    "another host": "https://evil.example",
    "a user before another host": "https://eu.onetimesecret.com@evil.example",
    "a user before our host": "https://x@eu.onetimesecret.com",
    "a longer name": "https://eu.onetimesecret.com.evil.example",
    "a dot at the end": "https://eu.onetimesecret.com.",
    "a backslash": "https://eu.onetimesecret.com\\@evil.example",
    "a name that ends alike": "https://evilonetimesecret.com",
    "a name below ours": "https://mail.onetimesecret.com",
    "a name with www. twice": "https://www.www.onetimesecret.com",
    "www. before an address of digits": "http://www.127.0.0.1:7143",
    "a region that is none": "https://xx.onetimesecret.com",
    "Cyrillic letters": "https://еu.onetimesecret.com",
    "full-width letters": "https://ｅｕ.onetimesecret.com",
    "a port of no use": "https://eu.onetimesecret.com:99999",
    "port 0": "https://eu.onetimesecret.com:0",
    "another port": "https://eu.onetimesecret.com:8443",
    "the port of http": "http://eu.onetimesecret.com:80",
    "an empty port": "https://eu.onetimesecret.com:",
    "a percent sign": "https://eu.onetimesecret.com%2eevil.example",
    "another scheme": "ftp://eu.onetimesecret.com",
    "https where the operator gave http": "https://127.0.0.1:7143",
    "another port of an address": "http://127.0.0.1:7144",
    "an address written short": "http://127.1:7143",
    "an address as a number": "http://2130706433:7143",
    "an address in hex": "http://0x7f.1:7143",
    "an address in octal": "http://0177.0.0.1:7143",
    "an address in circled digits": "http://①②⑦.⓪.⓪.①:7143",
    "the machine itself": "http://localhost:7143",
    "above the operator's prefix": "https://intranet.example.com:8443",
    "beside the operator's prefix": "https://intranet.example.com:8443/secretsx",
}


@each_row("base", ELSEWHERE.values(), ids=ELSEWHERE)
def test_no_other_host_passes(base: str) -> None:
    with pytest.raises(HostNotAllowed) as caught:
        read_pasted(f"{base}/secret/{KEY}", HOSTS)

    assert "`eu.onetimesecret.com`" in english(caught.value.tell)
    assert KEY not in f"{english(caught.value.tell)} {caught.value}"


def test_a_host_that_is_named_back_is_short_and_literal() -> None:
    with pytest.raises(HostNotAllowed) as short:
        read_pasted(f"https://evil.example/secret/{KEY}", HOSTS)
    with pytest.raises(HostNotAllowed) as with_a_key_in_it:
        read_pasted(f"https://{KEY}.evil.example/secret/x", HOSTS)

    with pytest.raises(HostNotAllowed) as without_a_dot:
        read_pasted(f"https://intranet/secret/{KEY}", HOSTS)

    assert english(short.value.tell).startswith("`evil.example` is not one")
    assert english(with_a_key_in_it.value.tell).startswith("That is not one")
    assert english(without_a_dot.value.tell).startswith("That is not one")


PIECES = st.sampled_from(
    (
        *("https://", "http://", "eu.onetimesecret.com", "evil.example", "/", "/secret/", "/private/", "/burn"),
        *("recent", "<", ">", "|", "&lt;", "&gt;", "&amp;", "`", " ", "\n", "%", "..", "?", "#", ":", "@", "\\", "["),
        *("]", "\0"),
    )
)


def refusal_of(text: str) -> NotUnderstood | None:
    """Read as a host and as a link, behind a command and in a field: None, or the last refusal. No other error."""
    refused = None
    as_link = (
        lambda text: pasted.read_pasted(parse_field(Secret(text)), HOSTS),
        lambda text: pasted.read_pasted(parse_markup(text), HOSTS),
    )
    for read in (read_host, *as_link):
        try:
            read(text)
        except NotUnderstood as error:
            refused = error
    return refused


@given(st.lists(PIECES | st.text(max_size=4) | st.just(KEY), max_size=9).map("".join) | st.text(max_size=300))
def test_nothing_that_is_pasted_is_worse_than_not_understood(text: str) -> None:
    error = refusal_of(text)

    if error is None:
        found, _ = pasted.read_pasted(parse_markup(text), HOSTS)
        assert KEY not in repr(found)
        assert isinstance(found, BareKey) or found.host in HOSTS.all
    else:
        assert error.tell
        assert KEY not in f"{error} {error!r} {error.tell}"


@given(st.from_regex(r"[A-Za-z0-9_-]{20,128}", fullmatch=True), st.sampled_from(HOSTS.all))
def test_a_link_that_we_build_is_read_as_what_it_was(key: str, host: Host) -> None:
    link = host.secret_link(SecretKey(key))

    found = read_pasted(link.reveal(), HOSTS)

    assert found == SecretLink(host, SecretKey(key))
    assert key not in repr(link)


# --- hosts


@each_row(
    ("text", "url"),
    [
        *((region, f"https://{region}.onetimesecret.com") for region in BUILT_IN),
        ("EU", "https://eu.onetimesecret.com"),
        (" `eu` ", "https://eu.onetimesecret.com"),
        ("eu.onetimesecret.com", "https://eu.onetimesecret.com"),
        ("<http://eu.onetimesecret.com|eu.onetimesecret.com>", "https://eu.onetimesecret.com"),
        ("https://eu.onetimesecret.com/", "https://eu.onetimesecret.com"),
        ("https://eu.onetimesecret.com/account", "https://eu.onetimesecret.com"),
        ("onetimesecret.com", "https://onetimesecret.com"),
        ("127.0.0.1:7143", "http://127.0.0.1:7143"),
        ("intranet.example.com:8443", "https://intranet.example.com:8443/secrets"),
        ("https://intranet.example.com:8443/", "https://intranet.example.com:8443/secrets"),
        ("https://intranet.example.com:8443/secrets/account", "https://intranet.example.com:8443/secrets"),
    ],
)
def test_a_host_is_known_by_its_region_name_or_address(text: str, url: str) -> None:
    assert read_host(text).url == url


NO_SENTENCE = [text for text in ELSEWHERE.values() if text[-1] not in ".:"]  # those end like a sentence


@each_row("text", ["", "fr", "example.com", "https://127.0.0.1:7143", "eu eu", "<>", KEY, *NO_SENTENCE])
def test_any_other_name_is_refused_with_the_names_that_are_known(text: str) -> None:
    if text == ELSEWHERE["above the operator's prefix"]:
        text = "https://intranet.example.com"

    with pytest.raises(HostNotAllowed) as caught:
        read_host(text)

    assert all(f"`{host.name}`" in english(caught.value.tell) for host in HOSTS.all)
    assert KEY not in english(caught.value.tell)


def test_a_stored_host_is_found_only_as_it_was_stored() -> None:
    assert HOSTS.of("https://eu.onetimesecret.com") == EU
    for other in ("https://eu.onetimesecret.com/", "http://eu.onetimesecret.com", "eu", "https://evil.example", ""):
        with pytest.raises(HostNotAllowed):
            HOSTS.of(other)


def test_the_regions_come_first_and_the_operators_hosts_once() -> None:
    hosts = Hosts(["https://OTS.example.com:443/", "https://ots.example.com", "https://eu.onetimesecret.com"])

    names = [host.name for host in hosts.all]
    assert names == [*(f"{region}.onetimesecret.com" for region in BUILT_IN), "onetimesecret.com", "ots.example.com"]
    assert hosts.default == EU
    assert [host.name for host in hosts.own] == ["ots.example.com", "ots.example.com", "eu.onetimesecret.com"]


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://new.example.com/secret/x?a=b", "https://new.example.com"),
        ("https://new.example.com:443/", "https://new.example.com"),
        ("http://new.example.com:8080", "http://new.example.com:8080"),
        ("/elsewhere", None),
        ("ftp://new.example.com", None),
        ("https://user@new.example.com", None),
        (f"https://{KEY}.example.com", None),
    ],
)
def test_of_an_address_that_a_server_names_only_a_plain_base_is_shown(url: str, base: str | None) -> None:
    assert read_base(url) == base


def test_a_host_is_named_with_its_port_and_prefix() -> None:
    assert Host("https://intranet.example.com:8443/secrets").name == "intranet.example.com:8443/secrets"


OPERATORS_WRONG = {
    "no scheme": "ots.example.com",
    "another scheme": "ftp://ots.example.com",
    "a user": "https://user:canary@ots.example.com",
    "a query": "https://ots.example.com/?a=b",
    "a fragment": "https://ots.example.com/#a",
    "no host": "https://",
    "only a port": "https://:8443",
    "a port too high": "https://ots.example.com:65536",
    "port 0": "https://ots.example.com:0",
    "a port that is none": "https://ots.example.com:http",
    "a dot at the end": "https://ots.example.com.",
    "an empty label": "https://ots..example.com",
    "a blank": "https://ots example.com",
    "a backslash": "https://ots.example.com\\",
    "an address written short": "http://127.1",
    "an address as a number": "http://2130706433",
    "an address in octal": "http://0177.0.0.1",
    "an address in hex": "http://0x7f.0x1",
    "steps up": "https://ots.example.com/a/../b",
    "an encoded path": "https://ots.example.com/%2e%2e",
    "two slashes": "https://ots.example.com//a",
    "no IPv6 address": "http://[::g]",
}


@each_row("entry", OPERATORS_WRONG.values(), ids=OPERATORS_WRONG)
def test_a_malformed_entry_of_the_operator_names_the_setting_and_the_fix(entry: str) -> None:
    with pytest.raises(CannotStart, match=r"(needs|belong|is not one|base URL has not)") as caught:
        Hosts([entry])

    assert str(caught.value).startswith("ONETIME_HOSTS: ")
    assert "https://secrets.example.com" in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("https://ots.example.com", "https://ots.example.com"),
        (" https://ots.example.com/ ", "https://ots.example.com"),
        ("HTTP://ots.example.com:80", "http://ots.example.com"),
        ("http://[::1]:7143", "http://[::1]:7143"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://ots.example.com/a/b/", "https://ots.example.com/a/b"),
        ("https://ots.example.com/X", "https://ots.example.com/X"),
        ("https://ots.example.com:1", "https://ots.example.com:1"),
        ("https://ots.example.com:65535", "https://ots.example.com:65535"),
    ],
)
def test_an_entry_of_the_operator_becomes_canonical(entry: str, url: str) -> None:
    assert Hosts([entry]).all[-1].url == url


def test_the_default_must_be_one_of_the_allowed() -> None:
    assert Hosts(OWN, default="https://ots.example.com/").default.url == "https://ots.example.com"
    with pytest.raises(CannotStart, match=r"ONETIME_DEFAULT_HOST .* add it to ONETIME_HOSTS"):
        Hosts((), default="https://ots.example.com")
    with pytest.raises(CannotStart, match=r"^ONETIME_DEFAULT_HOST: "):
        Hosts((), default="eu")


@pytest.mark.parametrize(("scheme", "order"), list(product(("http", "https"), (1, -1))))
def test_of_two_hosts_of_one_name_the_scheme_decides(scheme: str, order: int) -> None:
    hosts = Hosts(["http://ots.example.com", "https://ots.example.com"][::order])

    found = read_pasted(f"{scheme}://ots.example.com/secret/{KEY}", hosts)

    assert isinstance(found, SecretLink)
    assert found.host.url == f"{scheme}://ots.example.com"
