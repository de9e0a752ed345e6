"""Which domains a manifest has, so that Slack tells of the links of all allowed hosts."""

import pytest

from bot.app_manifest import PARTS
from bot.errors import CannotStart
from bot.onetime.links import Hosts
from bot.onetime.unfurl_domains import find_domains


def test_one_domain_covers_all_regions():
    assert find_domains(Hosts()) == ("onetimesecret.com",)


def test_the_printed_manifest_has_the_domains_of_the_usual_hosts():
    assert PARTS["unfurl"].unfurl_domains == find_domains(Hosts())


def test_hosts_of_the_operator_have_domains_of_their_own_unless_another_covers_them():
    hosts = Hosts(["https://ots.example.com", "https://eu.ots.example.com/path", "https://ots.example.com/other"])

    assert find_domains(hosts) == ("onetimesecret.com", "ots.example.com")


def test_a_name_that_only_ends_alike_is_no_subdomain():
    hosts = Hosts(["https://example.com", "https://badexample.com"])

    assert find_domains(hosts) == ("onetimesecret.com", "example.com", "badexample.com")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://ots.example.com:8443", r"ots\.example\.com:8443 has a port"),
        ("http://127.0.0.1", r"127\.0\.0\.1 is no domain"),
        ("https://[2001:db8::1]", r"\[2001:db8::1\] is no domain"),
        ("http://localhost", "localhost is no domain"),
    ],
    ids=["a port", "an address", "an IPv6 address", "a name without a dot"],
)
def test_a_host_that_does_not_fit_is_named(url, why):
    with pytest.raises(CannotStart, match=f"UNFURL_LINKS: {why}"):
        find_domains(Hosts([url]))


def test_more_than_five_domains_are_named():
    with pytest.raises(
        CannotStart, match=r"5 domains at most, and these are 6: onetimesecret\.com, a\.example, b\.example"
    ):
        find_domains(Hosts([f"https://{letter}.example" for letter in "abcde"]))


def test_five_domains_fit():
    assert len(find_domains(Hosts([f"https://{letter}.example" for letter in "abcd"]))) == 5
