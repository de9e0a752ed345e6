"""Every link in a message is found, and what only looks like one is told apart."""

import json
import time

import pytest

from bot.features.check_link.screens import effect_of_checking, window
from bot.interaction.parsed_text import parse_field
from bot.interaction.pasted import find_all
from bot.language import Language
from bot.onetime.links import Host, Hosts, MetadataLink, SecretLink
from bot.secret import MetadataKey, Secret, SecretKey
from bot.slack import blocks
from tests.support.english import english

KEY, OTHER = "a" * 62, "b" * 62
OLD_KEY = "c" * 31
EU, OWN = Host("https://eu.onetimesecret.com"), Host("https://secrets.example.com")
HOSTS = Hosts([OWN.url])
LINK = f"https://eu.onetimesecret.com/secret/{KEY}"
PRIVATE = f"https://eu.onetimesecret.com/receipt/{OTHER}"


def find(*texts):
    return find_all([parse_field(Secret(text)) for text in texts], HOSTS)


FOUND = {
    "alone": LINK,
    "in a sentence": f"Here it is: {LINK}, thanks!",
    "in Slack's markup": f"see <{LINK}|this link>",
    "in Markdown": f"[open]({LINK})",
    "in code": f"`{LINK}`",
    "in quotes": f"“{LINK}”",
    "without a scheme": f"eu.onetimesecret.com/secret/{KEY}",
    "made harmless": f"hxxps://eu[.]onetimesecret[.]com/secret/{KEY}",
    "in a mail filter's address": f"https://safe.example/?url=https%3A%2F%2Feu.onetimesecret.com%2Fsecret%2F{KEY}&data=x",
    "broken over two lines": f"> {LINK[:60]}\n> {LINK[60:]}",
}


@pytest.mark.parametrize("text", FOUND.values(), ids=list(FOUND))
def test_a_link_is_found_however_it_is_wrapped(text):
    assert find(text).links == (SecretLink(EU, SecretKey(KEY)),)


def test_each_link_is_found_once_and_in_its_order():
    found = find(f"{PRIVATE} and {LINK}", LINK, f"<{PRIVATE}|{LINK}>")

    assert found.links == (MetadataLink(EU, MetadataKey(OTHER)), SecretLink(EU, SecretKey(KEY)))


def test_a_link_behind_many_other_addresses_is_found():
    many = " ".join(f"https://a.example/{number}" for number in range(150))

    assert find(f"{many} {LINK}").links == (SecretLink(EU, SecretKey(KEY)),)


def test_the_window_counts_what_it_shows_and_what_it_leaves_out():
    found = find(" ".join(f"https://vault{number}.example.org/secret/{KEY}" for number in range(7)))

    said = json.dumps(blocks.modal(window(found, [], author=None, is_own=False), Language.EN))

    assert said.count("which is not one of the Onetime Secret servers") == 5
    assert "There are 7 links in that message." in said
    assert "2 more links are not shown." in said


def test_texts_are_not_joined_with_each_other():
    assert find(LINK, "b" * 20).links == (SecretLink(EU, SecretKey(KEY)),)


FOREIGN = {
    "another server": (f"https://vault.example.org/secret/{KEY}", "vault.example.org", None),
    "a name with more behind it": (
        f"https://eu.onetimesecret.com.example.org/secret/{KEY}",
        "eu.onetimesecret.com.example.org",
        EU,
    ),
    "a letter changed": ("https://eu.0netimesecret.com/", "eu.0netimesecret.com", EU),
    "a hyphen": ("https://one-time-secret.com/login", "one-time-secret.com", "any"),
    "a look-alike of the operator's own": ("https://secrets-example.com/secret/x", "secrets-example.com", OWN),
    "a port": (f"https://vault.example.org:8443/private/{KEY}", "vault.example.org:8443", None),
    "a user": (f"https://eu.onetimesecret.com@vault.example.org/secret/{KEY}", None, None),
    "letters of another alphabet": (f"https://eu.\u043enetimesecret.com/secret/{KEY}", None, None),
    "a name that may be a key": (f"https://{'a' * 40}.example.org/secret/{KEY}", None, None),
}


@pytest.mark.parametrize(("text", "name", "lookalike"), FOREIGN.values(), ids=list(FOREIGN))
def test_a_link_to_another_server_is_named_and_a_look_alike_is_known(text, name, lookalike):
    found = find(text)

    (foreign,) = found.foreign
    assert found.links == ()
    assert foreign.name == name
    assert (foreign.lookalike is not None) if lookalike == "any" else foreign.lookalike == lookalike


@pytest.mark.parametrize(
    "text",
    [
        "", "no link here", "https://github.com/a/b/pull/7", "see docs.example.com/secrets and 10:30",
        "https://docs.example.com/x and https://www.example.com/secrets", "https://mysecrets.example.com/login",
        "https://blog.onetimesecret.com/", f"the commit {KEY}", "https://example.com/onetime",
    ],
)  # fmt: skip
def test_ordinary_addresses_are_no_finding(text):
    found = find(text)

    assert (found.links, found.foreign, found.broken) == ((), (), ())


@pytest.mark.parametrize(
    ("path", "part"),
    [("", "only the address"), ("secret/abc", "too short"), (f"private/{KEY}/burn", "burns a secret"), ("pricing", "is not the link")],
)  # fmt: skip
def test_what_is_wrong_with_a_link_of_our_servers_is_said(path, part):
    (said,) = find(f"https://eu.onetimesecret.com/{path}").broken

    assert part in english(said)


@pytest.mark.parametrize("repeated", ["\n", "a\n", " ", " \n", "https://a.example/x\n", "://", f"{LINK} "])
def test_no_text_makes_the_search_slow(repeated):
    text = (repeated * 40_000)[:40_000]
    started = time.process_time()

    find(text)

    assert time.process_time() - started < 2.0


def test_no_finding_shows_a_key_where_it_is_printed():
    assert KEY not in repr(find(LINK, f"https://vault.example.org/secret/{KEY}"))


@pytest.mark.parametrize(
    ("link", "part"),
    [
        (SecretLink(EU, SecretKey(KEY)), "The person who shared it can see"),
        (SecretLink(OWN, SecretKey(OLD_KEY)), "may not be able to tell"),
        (SecretLink(OWN, SecretKey(KEY)), "On new servers"),
        (MetadataLink(EU, MetadataKey(KEY)), "changes nothing on that server"),
        (MetadataLink(OWN, MetadataKey(OLD_KEY)), "That server is old: the first"),
        (MetadataLink(OWN, MetadataKey(KEY)), "Up to version 0.25"),
    ],
)
def test_what_a_look_does_is_said_for_the_server_and_the_key(link, part):
    assert part in english(effect_of_checking(link))
