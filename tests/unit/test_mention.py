"""Names in a slash command, as Slack writes them."""

import pytest

from bot.sharing.mention import as_typed, first_person


@pytest.mark.parametrize(
    ("text", "person", "rest"),
    [
        ("<@U012ABCDEF|ben> the key", "U012ABCDEF", "the key"),
        ("<@W012ABCDEF>", "W012ABCDEF", ""),
        ("<@U012ABCDEF|>the key", "U012ABCDEF", "the key"),
        ("the key <@U012ABCDEF|ben>", None, "the key <@U012ABCDEF|ben>"),
        ("@ben the key", None, "@ben the key"),
        ("<@u012|ben>", None, "<@u012|ben>"),
        ("&lt;@U012ABCDEF|ben&gt;", None, "&lt;@U012ABCDEF|ben&gt;"),
        ("", None, ""),
    ],
    ids=["named", "of an organisation", "without a name", "not first", "only typed", "no id", "escaped", "nothing"],
)
def test_whom_the_text_starts_with(text, person, rest):
    assert first_person(text) == (person, rest)


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("for &lt;prod&gt; &amp; more", "for <prod> & more"),
        ("as <@U012ABCDEF|ben> said in <#C012ABCDEF|general>", "as @ben said in #general"),
        ("see <https://a.example/x|a.example/x>", "see a.example/x"),
        ("see <https://a.example/?a=1&amp;b=2>", "see https://a.example/?a=1&b=2"),
        ("&amp;lt;", "&lt;"),
        ("<!here> stays as it is", "<!here> stays as it is"),
    ],
    ids=["escaped signs", "names", "a link with words", "a link", "escaped twice", "what is nothing of these"],
)
def test_the_text_as_it_was_typed(text, typed):
    assert as_typed(text) == typed
