"""What a code of Slack is about, and what the calls learn about our token."""

from bot.errors import SlackError, WindowClosed
from bot.slack.token_health import TokenHealth
from bot.slack_codes import advise, classify
from tests.support.english import english
from tests.support.rows import each_row

ABOUT = {
    "channel_not_found": "recipient",
    "user_disabled": "recipient",
    "messages_tab_disabled": "recipient",
    "invalid_blocks": "message",
    "msg_blocks_too_long": "message",
    "duplicate_message_not_found": "message",
    "message_not_found": "message",
    "token_revoked": "workspace",
    "invalid_auth": "workspace",
    "account_inactive": "workspace",
    "token_expired": "workspace",
    "missing_scope": "workspace",
    "team_access_not_granted": "workspace",
    "fatal_error": "now",
    "internal_error": "now",
    "ratelimited": "now",
    "connection": "now",
    "http_502": "now",
    "http_429": "now",
    "http_404": "unknown",
    "access_denied": "unknown",
    "a_code_of_next_year": "unknown",
}


@each_row(("code", "about"), list(ABOUT.items()), ids=ABOUT)
def test_every_code_is_about_one_thing(code, about):
    assert classify(code) == about


def test_an_error_about_our_token_says_so_to_the_person_and_to_the_operator():
    error = SlackError("chat.postMessage", "token_revoked")

    assert "tell whoever runs it" in english(error.tell)
    assert str(error) == "chat.postMessage: token_revoked"
    assert "install the app" in advise(error.code)


def test_only_the_recipient_and_the_message_make_an_error_permanent():
    permanent = [code for code in ABOUT if SlackError("chat.postMessage", code).is_permanent]

    assert permanent == [code for code, about in ABOUT.items() if about in ("recipient", "message")]


class _Steps:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_a_refused_token_is_said_once_until_it_is_taken_again(caplog):
    health = TokenHealth(_Steps())

    for _ in range(3):
        health.refuse(SlackError("chat.postMessage", "token_revoked"))

    assert (health.refused, bool(health.fix)) == ("token_revoked", True)
    assert [line.getMessage() for line in caplog.records if line.levelname == "WARNING"] == ["token_refused"]
    health.accept("users.info", health.begin())
    assert (health.refused, health.fix) == (None, None)


def test_a_slower_answer_to_an_earlier_call_does_not_prove_that_the_token_works():
    health = TokenHealth(_Steps())
    began = health.begin()

    health.refuse(SlackError("chat.postMessage", "invalid_auth"))
    health.accept("users.info", began)

    assert health.refused == "invalid_auth"


def test_what_one_method_may_not_do_is_not_disproved_by_another():
    health = TokenHealth(_Steps())
    health.refuse(SlackError("chat.postMessage", "missing_scope"))

    health.accept("users.info", health.begin())
    assert health.refused == "missing_scope"
    health.accept("chat.postMessage", health.begin())
    assert health.refused is None


def test_a_window_that_was_closed_is_no_fault_of_the_workspace():
    assert WindowClosed("views.update", "not_found").about == "message"
