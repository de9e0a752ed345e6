"""What goes wrong in `storm`: calls to both emulators fail at random, and what was killed or lost is written down."""

from __future__ import annotations

import itertools
import random
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.sandbox.onetime import OnetimeFault, OnetimeServer
from bot.sandbox.slack import SlackFault, SlackMessage, SlackWorkspace
from bot.sandbox.slack.changes import WorkspaceChange

FAILING = 0.1  # of all calls
STRUCK = 0.2  # of all calls while a kill is due: the bot dies in the middle of one of them
MAX_DELAY = 2.0  # seconds; the bot gives up after 10
IN_FLIGHT = 4.0  # seconds: a call that the bot made before it was killed may take effect so much later
POST = "chat.postMessage"

SLACK_FAULTS: tuple[Callable[[], SlackFault], ...] = (
    lambda: SlackFault.error("internal_error"),
    lambda: SlackFault.error("fatal_error"),
    lambda: SlackFault.http(502, "<html>"),
    lambda: SlackFault.http(503),
    lambda: SlackFault.rate_limited(1),
    lambda: SlackFault.rate_limited(None),
    SlackFault.drop,
    SlackFault.drop_after,
    lambda: SlackFault.delay(random.uniform(0, MAX_DELAY)),
    lambda: SlackFault.delay(random.uniform(0, MAX_DELAY), after=True),
)
ONETIME_FAULTS: tuple[Callable[[], OnetimeFault], ...] = (
    lambda: OnetimeFault("html"),
    lambda: OnetimeFault("html", status=404),
    lambda: OnetimeFault("answer", status=429, headers={"Retry-After": "1"}),
    lambda: OnetimeFault("answer", status=500),
    lambda: OnetimeFault("drop"),
    lambda: OnetimeFault("drop after"),
    lambda: OnetimeFault("truncated"),
    lambda: OnetimeFault("delay", seconds=random.uniform(0, MAX_DELAY)),
    lambda: OnetimeFault("late", seconds=random.uniform(0, MAX_DELAY)),
)


class Trouble:
    """Lets calls fail while `is_on`, kills by `kill` in the middle of a call, and knows whose answer was lost."""

    def __init__(self, workspace: SlackWorkspace, onetime: OnetimeServer, rng: random.Random) -> None:
        self.is_on = True
        self.kill: Callable[[], None] | None = None  # set while a kill is due
        self.kills: list[float] = []  # monotonic seconds
        self.faults: Counter[str] = Counter()
        self._rng = rng
        self._lost: Counter[str] = Counter()  # client_msg_id -> answers that were lost
        self._posts: defaultdict[tuple[str, str], list[float]] = defaultdict(list)  # (channel, client_msg_id) -> when
        self._at: dict[str, float] = {}  # ts of a message -> when it came
        workspace.faults.consume = self._slack  # type: ignore[method-assign]
        onetime._faults.consume = self._onetime  # type: ignore[assignment, method-assign]
        workspace.subscribe(self._see)

    def _slack(self, method: str, args: Mapping[str, Any]) -> SlackFault | None:
        self._strike()
        if not self.is_on or self._rng.random() > FAILING:
            return None
        fault = self._rng.choice(SLACK_FAULTS)()
        self.faults[f"Slack: {fault.kind}"] += 1
        if fault.kind == "drop_after" and method == POST:
            self._lost[str(args.get("client_msg_id"))] += 1
        return fault

    def _onetime(self, _route: str) -> OnetimeFault | None:
        self._strike()
        if not self.is_on or self._rng.random() > FAILING:
            return None
        fault = self._rng.choice(ONETIME_FAULTS)()
        self.faults[f"Onetime Secret: {fault.kind}"] += 1
        return fault

    def _strike(self) -> None:
        if self.kill is not None and self._rng.random() < STRUCK:
            self.kill()

    def _see(self, change: WorkspaceChange) -> None:
        message = change.about
        if change.what == "message" and isinstance(message, SlackMessage) and message.client_msg_id:
            self._posts[message.channel, message.client_msg_id].append(time.monotonic())
            self._at[message.ts] = time.monotonic()

    @property
    def repeats(self) -> int:
        """How many messages came once more than they should."""
        return sum(len(times) - 1 for times in self._posts.values())

    def unexplained_repeats(self) -> list[str]:
        """The messages that came once more although the bot was not killed and no answer was lost meanwhile."""
        found = []
        for (channel, message_id), times in self._posts.items():
            calm = sum(not self._was_killed(first, second) for first, second in itertools.pairwise(times))
            if calm > self._lost[message_id]:
                since = [f"{at - times[0]:.1f}" for at in times]
                kills = [f"{at - times[0]:.1f}" for at in self.kills if times[0] - 60 < at < times[-1] + 60]
                found.append(f"{message_id} in {channel} after {since} s, kills after {kills} s")
        return found

    def explains(self, messages: Sequence[SlackMessage]) -> bool:
        """Whether each but the first came because the bot was killed or an answer was lost since the one before.

        After a kill an event may come again in a message of another id, together with others.
        """
        times = sorted(self._at[one.ts] for one in messages)
        calm = sum(not self._was_killed(first, second) for first, second in itertools.pairwise(times))
        return calm <= sum(self._lost[one.client_msg_id or ""] for one in messages)

    def _was_killed(self, since: float, until: float) -> bool:
        return bisect_left(self.kills, since - IN_FLIGHT) < bisect_left(self.kills, until)
