"""Which errors of Slack are worth another try, as a retry predicate for stamina."""

from __future__ import annotations

import math
from collections.abc import Callable

from bot.errors import SlackError, WindowClosed


def slack_retry_predicate(max_wait: float = math.inf) -> Callable[[Exception], bool | float]:
    """Says of an error whether to call Slack again: after the seconds that Slack asked for, or True for a growing wait.

    Not retried: what is about the recipient, the message or the workspace, a window that was closed, and a Retry-After
    of more than `max_wait` seconds.
    """

    def is_retryable(error: Exception) -> bool | float:
        if not isinstance(error, SlackError) or isinstance(error, WindowClosed):
            return False
        if error.is_permanent or error.about == "workspace":
            return False
        if error.retry_after is not None and error.retry_after > max_wait:
            return False
        return error.retry_after or True

    return is_retryable
