"""E-mail addresses that a server may read, and what it says of them."""

import pytest

from bot.onetime.wire import can_be_of, is_address
from bot.secret import Secret


@pytest.mark.parametrize(
    "typed",
    [
        "dana@example.com",
        "Dana.Smith+x_1%2-3@Mail.example.co.uk",
        "_x@a-b.io",
        "x@example.online",
        "a" * 242 + "@example.com",
    ],
)
def test_one_address_that_every_server_finds_whole_is_sent(typed):
    assert is_address(Secret(typed))


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "dana",
        "dana@example",
        "@example.com",
        "dana@.com",
        "dana@example..com",
        "dana@example.c",
        "a@example.com,b@example.com",
        "a@example.com b@example.com",
        "a@b@example.com",
        "Dana <dana@example.com>",
        "o'neil@example.com",
        "jürgen@example.com",
        "dana@exämple.com",
        ".dana@example.com",
        "dana@example.com\n",
        "a" * 243 + "@example.com",
    ],
)
def test_what_a_server_would_find_only_a_part_of_is_not_sent(typed):
    assert not is_address(Secret(typed))


@pytest.mark.parametrize(
    ("obscured", "is_it"),
    [
        (("da*****@e*****.com",), True),
        (("da***@e***.com",), True),
        (("DA***@E***.com",), True),
        (("dana@example.com",), True),
        (("be***@e***.com",), False),
        (("da***@e***.org",), False),
        (("da***@x***.com",), False),
        (("dana@example.com.org",), False),
        (("dana@example.com***com",), False),
        (("da***@e***.com", "da***@e***.com"), False),
        ((), False),
    ],
)
def test_an_obscured_address_is_compared_with_the_one_that_was_typed(obscured, is_it):
    assert can_be_of(obscured, Secret("dana@example.com")) is is_it


def test_a_hostile_mask_costs_nothing():
    assert not can_be_of(("a*" * 120 + "b*",), Secret("a" * 200 + "@" + "a" * 40 + ".com"))
