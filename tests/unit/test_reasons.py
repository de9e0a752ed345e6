"""A server's reason for a refusal: shown, but never what it may quote."""

from bot.onetime.wire.reasons import MAX_REASON, read_reason
from tests.support.rows import each_row

SENT = ("the passphrase is hunter2 & more", "Aa1!", "ada@example.com")


@each_row(
    ("message", "shown"),
    [
        ("A passphrase is required for all secrets", "A passphrase is required for all secrets"),
        ("This account\r\n\tis  suspended\u202e", "This account is suspended"),
        ("Der Schlüssel *wurde* <!channel> gesperrt", "Der Schlüssel *wurde* <!channel> gesperrt"),
        ("Your secret has no valid passphrase", "Your secret has no valid passphrase"),
        ("x" * 5000, "x" * MAX_REASON),
        ("", ""),
    ],
)
def test_a_reason_that_quotes_nothing_is_shown_on_one_line(message, shown):
    assert read_reason(message, SENT) == shown


@each_row(
    "message",
    [
        "Bad: the passphrase is hunter2 & more",
        "Bad: hunter2",
        "Bad: HUNTER2",
        "Bad: hunter…",
        "Bad: h u n t e r 2",
        "Bad: hunter2%20%26%20more",
        "Bad: hunt&#101;r2",
        "Bad: Aa1!",
        "Bad: ada%40example.com",
        "Nobody is called example.com",
        "A passphrase is required for all secrets: hunter2",
        "x" * 900 + " hunter2",
    ],
)
def test_a_reason_that_quotes_what_was_sent_is_empty(message):
    assert read_reason(message, SENT) == ""
