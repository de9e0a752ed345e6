"""Whether a request comes from Slack: the headers of its signature, and the check over its body."""

from bot.sandbox.slack.deliver import sign
from bot.secret import Secret
from bot.slack.signature import MAX_AGE, SignatureChecker, Verdict, read_signature
from tests.support.rows import each_row

SECRET = "secret-of-the-app-0123456789"
NOW = 1_700_000_000
BODY = b"command=%2Fots&text=help"


def begin(signature, checker=None):
    assert signature is not None
    return (checker or SignatureChecker(Secret(SECRET))).begin(signature)


def verdict(*, secret=SECRET, stamp=str(NOW), body=BODY, parts=None, now=NOW):
    signature = read_signature([stamp], [sign(secret, stamp, body)])
    check = begin(signature)
    for part in parts or [body]:
        check.update(part)
    return check.verdict(now)


@each_row("parts", [[BODY], [BODY[:1], BODY[1:]], [b"", BODY, b""], [bytes([one]) for one in BODY]])
def test_a_right_signature_is_right_however_the_body_arrives(parts):
    assert verdict(parts=parts) is Verdict.RIGHT


@each_row("away", [-MAX_AGE, -1, 0, 1, MAX_AGE])
def test_a_time_within_five_minutes_is_right(away):
    assert verdict(now=NOW + away) is Verdict.RIGHT


@each_row("away", [-86_400, -MAX_AGE - 1, MAX_AGE + 1, 600, 86_400])
def test_a_rightly_signed_request_from_another_time_is_told_from_a_forgery(away):
    assert verdict(now=NOW + away) is Verdict.OUTDATED
    assert verdict(now=NOW + away, secret="another-secret") is Verdict.FORGED


@each_row("wrong", [{"secret": "another-secret"}, {"parts": [BODY + b"x"]}, {"parts": [BODY[:-1]]}, {"parts": [b"\0"]}])
def test_another_secret_or_another_body_is_forged(wrong):
    assert verdict(**wrong) is Verdict.FORGED


def test_the_time_is_part_of_what_is_signed():
    signature = read_signature([str(NOW + 1)], [sign(SECRET, str(NOW), BODY)])
    check = begin(signature)
    check.update(BODY)

    assert check.verdict(NOW) is Verdict.FORGED


def test_one_check_leaves_nothing_behind_for_the_next():
    checker = SignatureChecker(Secret(SECRET))
    signature = read_signature([str(NOW)], [sign(SECRET, str(NOW), BODY)])
    first, second = begin(signature, checker), begin(signature, checker)
    first.update(b"something else")
    second.update(BODY)

    assert (first.verdict(NOW), second.verdict(NOW)) == (Verdict.FORGED, Verdict.RIGHT)


GOOD_STAMP, GOOD_VALUE = str(NOW), "v0=" + "a" * 64


@each_row(
    ("stamps", "values"),
    [
        ([], [GOOD_VALUE]),
        ([GOOD_STAMP], []),
        ([GOOD_STAMP, GOOD_STAMP], [GOOD_VALUE]),
        ([GOOD_STAMP], [GOOD_VALUE, GOOD_VALUE]),
        ([GOOD_STAMP, str(NOW + 1)], [GOOD_VALUE]),
        ([GOOD_STAMP], [GOOD_VALUE, "v0=" + "b" * 64]),
        (["abc"], [GOOD_VALUE]),
        ([""], [GOOD_VALUE]),
        (["1" * 13], [GOOD_VALUE]),
        (["１２３"], [GOOD_VALUE]),
        (["-1"], [GOOD_VALUE]),
        (["1.5"], [GOOD_VALUE]),
        ([f"{NOW}\n"], [GOOD_VALUE]),
        ([GOOD_STAMP], [""]),
        ([GOOD_STAMP], ["v0=" + "A" * 64]),
        ([GOOD_STAMP], ["v0=" + "a" * 63]),
        ([GOOD_STAMP], ["v1=" + "a" * 64]),
        ([GOOD_STAMP], ["v0=" + "é" * 64]),
        ([GOOD_STAMP], [GOOD_VALUE + "\n"]),
        ([GOOD_STAMP], [f"{GOOD_VALUE}, {GOOD_VALUE}"]),
        ([GOOD_STAMP], ["a" * 1_000_000]),
    ],
    ids=range(21),
)
def test_headers_that_are_no_signature_are_none(stamps, values):
    assert read_signature(stamps, values) is None
