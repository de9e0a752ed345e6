"""Which errors of Slack are worth another try."""

import pytest

from bot.errors import HostUnavailable, SlackError, WindowClosed
from bot.interaction.retry import slack_retry_predicate


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (SlackError("chat.postMessage", "connection"), True),
        (SlackError("chat.postMessage", "ratelimited", retry_after=5.0), 5.0),
        (SlackError("chat.postMessage", "ratelimited", retry_after=0.0), True),
        (SlackError("chat.postMessage", "ratelimited", retry_after=5.1), False),
        (SlackError("chat.postMessage", "channel_not_found"), False),
        (WindowClosed("views.update", "not_found"), False),
        (HostUnavailable("a timeout"), False),
    ],
    ids=["connection", "a short wait", "no wait", "a long wait", "nobody there", "no window", "not of Slack"],
)
def test_slack_is_called_again_only_where_that_can_help(error, answer):
    found = slack_retry_predicate(max_wait=5.0)(error)

    assert (type(found), found) == (type(answer), answer)
