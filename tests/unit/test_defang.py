"""What somebody wrote never becomes a link beside our buttons, and still reads the same."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.language import Language
from bot.screen.parts import Facts, Message, Modal, Note, Text
from bot.screen.pieces import HostName, Mark, Plain, Who
from bot.screen.words import defang
from bot.slack import blocks
from bot.slack.texts import mrkdwn
from tests.support.rows import each_row

URLS = [
    "https://evil.example/login",
    "http://evil.example",
    "HTTPS://Evil.Example/x?y=z#w",
    "https://eu.onetimesecret.com/secret/abc",
    "https://user@evil.example:8443/x",
    "https://127.0.0.1/x",
    "https://localhost:8080/x",
    "https://пример.рф/x",
    "ftp://evil.example/x",
    "slack://user?team=T1&id=U1",
    "www.evil.com",
    "evil.com",
    "evil.co.uk/login",
    "evil.io?x",
    "eu.onetimesecret.com/secret/abc",
    "onetimesecret.com.evil.com",
    "evil-onetimesecret.com",
    "bit.ly/x",
]
# What Slack finds by itself in a text: an address with a scheme, or a name with dots and a well-known ending.
LINK = re.compile(
    r"[a-z][a-z0-9+.-]*://\w|(?<![\w@-])[\w-]+(?:\.[\w-]+)*\.(?:com|example|io|uk|ly|рф)(?![\w-])", re.IGNORECASE
)


def texts(drawn):
    """All texts of something drawn."""
    if isinstance(drawn, dict):
        yield from (value for name, value in drawn.items() if name == "text" and isinstance(value, str))
        drawn = drawn.values()
    if not isinstance(drawn, str):
        for one in drawn if isinstance(drawn, (list, type({}.values()))) else ():
            yield from texts(one)


@each_row("url", URLS)
def test_an_address_that_somebody_wrote_becomes_no_link_anywhere(url):
    note = Plain(f"see {url} please")
    parts = (Text.of(Mark("> "), note), Note.of(note), Facts(((Mark("What for"), note),)))

    for drawn in (
        blocks.message(Message(Text.of(Who("U1"), Mark(": "), note), parts), Language.EN),
        blocks.modal(Modal("f", Mark("t"), parts), Language.EN),
    ):
        for text in texts(drawn):
            assert LINK.search(text) is None, text
            assert "see" not in text or "please" in text


@each_row(
    ("text", "shown"),
    [
        ("https://evil.example/a.b?c=d.e", "hxxps[:]//evil[.]example/a.b?c=d.e"),
        ("see www.evil.com.", "see www[.]evil[.]com."),
        ("(evil.com)", "(evil[.]com)"),
        ("version 1.2.3, e.g. of config.yaml, id_rsa.key and Mr. Smith... ok", None),
        ("12.50 EUR, 3.5.x, a.b, and so on.Then", None),
        ("ask ben@example.com", None),
        ("eu.onetimesecret.com", None),
    ],
)
def test_everything_else_reads_as_it_was_written(text, shown):
    assert defang(text) == (shown or text)


def test_the_name_of_a_host_is_shown_as_it_is():
    assert mrkdwn([HostName("secrets.example.com:8443/x")], Language.EN) == "secrets.example.com:8443/x"


def test_slack_is_told_to_find_no_links_and_mentions_in_any_text():
    drawn = blocks.message(
        Message.of(Mark("s"), Text.of(Mark("t")), Note.of(Mark("n")), Facts(((Mark("a"), Mark("b")),))), Language.EN
    )

    found = re.findall(r"'type': 'mrkdwn'[^}]*", str(drawn))
    assert len(found) == 3
    assert all("'verbatim': True" in one for one in found)


@settings(max_examples=300, derandomize=True)
@given(st.lists(st.sampled_from([*URLS, " ", ".", "a", "\u200b", "<", "*", "`", "@", "\n"]) | st.text(max_size=3)))
def test_no_text_hides_a_link_with_a_scheme(pieces):
    drawn = mrkdwn([Plain("".join(pieces), 1000)], Language.EN)

    assert re.search(r"https?://", drawn, re.IGNORECASE) is None
