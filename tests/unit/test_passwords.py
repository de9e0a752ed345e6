"""Passwords that are made up here."""

import math
import re
import string

import pytest

from bot.sharing.passwords import AMBIGUOUS, DEFAULT_LENGTHS, LENGTHS, PASSWORD_KINDS, PasswordSpec

SHAPES = {"words": "([bdfghjklmnprstvz][aeiou]){2}[bdfghjklmnprstvz]", "characters": "[!-~]", "digits": "[0-9]"}


@pytest.mark.parametrize("kind", PASSWORD_KINDS)
def test_a_password_has_the_kind_and_the_length_that_was_chosen(kind):
    for length in LENGTHS[kind]:
        text = PasswordSpec(kind, length).make_up().reveal()

        parts = text.split("-") if kind == "words" else list(text)
        assert len(parts) == length
        assert all(re.fullmatch(SHAPES[kind], part) for part in parts)


@pytest.mark.parametrize("kind", PASSWORD_KINDS)
def test_no_password_is_made_up_twice_and_every_letter_comes(kind):
    made = [PasswordSpec(kind, max(LENGTHS[kind])).make_up().reveal() for _ in range(500)]

    assert len(set(made)) == len(made)
    seen = set("".join(made))
    wanted = {"words": set("abdefghijklmnoprstuvz-"), "digits": set(string.digits)}
    assert seen == wanted.get(kind, seen)
    if kind == "characters":
        assert not seen & set(AMBIGUOUS)
        assert len(seen) == 66


def test_characters_have_one_of_each_alphabet():
    for _ in range(200):
        text = PasswordSpec("characters", 12).make_up().reveal()

        assert all(re.search(alphabet, text) for alphabet in ("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]"))


def test_the_usual_length_of_each_kind_withstands_guessing_but_digits_alone_do_not():
    bits = {"words": math.log2(16**3 * 5**2), "characters": math.log2(66), "digits": math.log2(10)}

    strength = {kind: bits[kind] * DEFAULT_LENGTHS[kind] for kind in PASSWORD_KINDS}

    assert min(strength["words"], strength["characters"]) >= 77
    assert strength["digits"] < 77
    assert all(DEFAULT_LENGTHS[kind] in LENGTHS[kind] for kind in PASSWORD_KINDS)
