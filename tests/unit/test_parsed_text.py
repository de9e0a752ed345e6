"""What a person wrote, as names, words and a text that reads as it was typed."""

import sys
import unicodedata

import pytest

from bot.characters import count_unseen, is_blank, remove_invisible
from bot.interaction.parsed_text import first_word, parse_field, parse_markup
from bot.secret import Secret
from tests.support.rows import each_row


@each_row(
    ("text", "person", "rest"),
    [
        ("<@U012ABCDEF|ben> the key", "U012ABCDEF", "the key"),
        ("<@W012ABCDEF>", "W012ABCDEF", ""),
        ("<@U012ABCDEF|>the key", "U012ABCDEF", "the key"),
        ("<@U012ABCDEF|ben>, the key", "U012ABCDEF", "the key"),
        ("<@U012ABCDEF|ben>: the key", "U012ABCDEF", "the key"),
        ("the key <@U012ABCDEF|ben> has", "U012ABCDEF", "the key @ben has"),
        ("the key of <@U012ABCDEF|ben> or <@U1CLEO|cleo>", None, "the key of @ben or @cleo"),
        ("<@U012ABCDEF|ben> the key of <@U1CLEO|cleo>", "U012ABCDEF", "the key of @cleo"),
        ("@ben the key", None, "the key"),
        ("<!subteam^S1|@ops> the key", None, "the key"),
        ("<@u012|ben>", None, "<@u012|ben>"),
        ("&lt;@U012ABCDEF|ben&gt;", None, "<@U012ABCDEF|ben>"),
        ("", None, ""),
    ],
)
def test_the_person_who_is_asked_and_what_for(text, person, rest):
    assert parse_markup(text).after_first_person() == (person, rest)


@each_row(
    ("text", "readable"),
    [
        ("for &lt;prod&gt; &amp; more", "for <prod> & more"),
        ("as <@U012ABCDEF|ben> said in <#C012ABCDEF|general>", "as @ben said in #general"),
        ("see <https://a.example/x|a.example/x>", "see a.example/x"),
        ("see <https://a.example/?a=1&amp;b=2>", "see https://a.example/?a=1&b=2"),
        ("&amp;lt;", "&lt;"),
        ("&amp;amp;", "&amp;"),
        ("<!here> and <!channel|channel>", "@here and @channel"),
        ("<!subteam^S1|@ops> the key", "@ops the key"),
        ("write to <mailto:ben@example.com|Ben>", "write to Ben"),
        ("two\u00a0 lines\nof\u200b text", "two lines of text"),
    ],
)
def test_the_text_is_read_as_it_was_typed(text, readable):
    assert parse_markup(text).readable == readable


def test_a_field_has_no_markup_and_no_escapes():
    assert parse_field(Secret(" R&amp;D for <@U012ABCDEF|ben>\u200b ")).readable == "R&amp;D for <@U012ABCDEF|ben>"


@each_row(
    ("text", "words"),
    [
        ("On.", ("on",)),
        ("  OFF!\u00a0", ("off",)),
        ("“on”", ("on",)),
        ("Received, EU.", ("received", "eu")),
        ("<http://eu.onetimesecret.com|eu.onetimesecret.com> new", ("http://eu.onetimesecret.com", "new")),
        ("o\u200bn", ("on",)),
        ("&amp; – ,", ()),
    ],
)
def test_case_and_punctuation_make_no_difference_to_words(text, words):
    assert parse_markup(text).words == words


def test_a_text_never_shows_itself():
    assert "hunter2" not in repr(parse_markup("hunter2 <https://a.example/hunter2|hunter2>"))


@pytest.mark.parametrize("text", ["Share", "share:", "`share`", " \u200bSHARE\u00a0", "share,"])
def test_a_verb_is_found_however_it_is_typed(text):
    assert first_word(f"{text} <@U012ABCDEF|ben>")[0] == "share"


# --- characters

IGNORED = (
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"  # Arabic signs, visible
)


def test_every_character_without_width_is_removed():
    hidden = [
        sign
        for sign in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(sign) in {"Cf", "Cc"}
        and not sign.isspace()
        and sign not in IGNORED
        and not 0x13430 <= ord(sign) <= 0x1345F  # joins Egyptian hieroglyphs
    ]

    assert [f"{ord(sign):x}" for sign in hidden if remove_invisible(sign)] == []
    assert remove_invisible("a b\tc\nd\u00a0é👍") == "a b\tc\nd\u00a0é👍"


@each_row(
    ("text", "count"),
    [("plain\ntext\t.", 0), ("👩‍👩‍👧 ❤️ 1️⃣", 0), ("a\u200bb", 1), ("\u202eab\u202c", 2), ("a\u00a0b", 1)],
)
def test_what_cannot_be_seen_is_counted(text, count):
    assert count_unseen(text) == count


@each_row("text", ["", " ", "\n\n", " \t\u00a0\u3000\r\n", "\u200b", "\u2800 \ufeff", "\u3164"])
def test_a_text_without_anything_to_see_is_blank(text):
    assert is_blank(text)
    assert not is_blank(f"{text}x{text}")
