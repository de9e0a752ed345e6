"""Whether Slack accepts our token: what the calls of one workspace learn, for /readyz and for one line in the log."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.errors import SlackError
from bot.logs import Log
from bot.slack_codes import advise, is_about_one_method

log = Log("token")


@dataclass(frozen=True, slots=True)
class _Refusal:
    method: str
    code: str
    at: float  # by the clock of `TokenHealth`


class TokenHealth:
    """The state of one workspace's token. Every call to Slack reports here how it ended."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._refusal: _Refusal | None = None

    @property
    def refused(self) -> str | None:
        """Slack's code for why it refuses our token, our app or the workspace; None while it accepts them."""
        return None if self._refusal is None else self._refusal.code

    @property
    def fix(self) -> str | None:
        """What an operator does about it; None while Slack accepts us."""
        return None if self._refusal is None else advise(self._refusal.code)

    def begin(self) -> float:
        """The moment at which a call begins, for `accept`."""
        return self._clock()

    def accept(self, method: str, began: float) -> None:
        """Slack answered a call of `method` that began at `began`, and did not refuse us.

        A call that began before the refusal proves nothing, since its answer may have been slower.
        """
        refusal = self._refusal
        if refusal is None or began < refusal.at:
            return
        if is_about_one_method(refusal.code) and method != refusal.method:
            return
        self._refusal = None
        log.info("token_accepted", error=str(SlackError(refusal.method, refusal.code)))

    def refuse(self, error: SlackError) -> None:
        """Slack refused a call because of our token, our app or the workspace. The log says so once."""
        known, self._refusal = self._refusal, _Refusal(error.method, error.code, self._clock())
        if known is None or known.code != error.code:
            log.warning("token_refused", error=str(error), reason=advise(error.code))
