"""The workspaces to which nothing is sent for now: Slack limits their rate, or refuses our token there.

    sending ──429──► limited until Retry-After ──► sending
       │
       └──our token or the workspace is refused──► refused ──the pause is over──► probing with one notification
                                                    ▲                                │
                                                    └──refused again, pause doubled──┴──any other answer──► sending

Each process finds this out for itself.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

MIN_PAUSE, MAX_PAUSE = 5.0, 60.0  # seconds between two probes of a workspace that refuses us; doubled each time


@dataclass(slots=True)
class _Pause:
    until: float  # by `time.monotonic`
    length: float | None  # seconds; None: a limited rate, after which everything goes on
    is_probing: bool = False


class WorkspacePauses:
    """The pauses of this process, by the id of the workspace."""

    def __init__(self) -> None:
        self._pauses: dict[str, _Pause] = {}

    def limit(self, team_id: str, seconds: float) -> float:
        """Slack wants `seconds` without a message to this workspace. Returns these seconds."""
        known = self._pauses.get(team_id)
        if known is None or known.length is None or known.is_probing:
            self._pauses[team_id] = _Pause(time.monotonic() + seconds, None)
        return seconds

    def refuse(self, team_id: str) -> float:
        """Slack refuses our token or the workspace. Returns for how many seconds nothing is sent there."""
        now, known = time.monotonic(), self._pauses.get(team_id)
        if known is None or known.length is None:
            length = MIN_PAUSE
        elif known.is_probing or known.until <= now:
            length = min(2 * known.length, MAX_PAUSE)
        else:
            return known.until - now  # one of several that were under way
        self._pauses[team_id] = _Pause(now + length, length)
        return length

    def end(self, team_id: str) -> None:
        """Slack takes our calls there again, or nothing waits there."""
        self._pauses.pop(team_id, None)

    def is_refused(self, team_id: str) -> bool:
        known = self._pauses.get(team_id)
        return known is not None and known.length is not None

    def begin_probe(self, team_id: str) -> None:
        """One notification is tried. Until it has an answer, no other is."""
        self._pauses[team_id].is_probing = True

    def end_probe(self, team_id: str) -> None:
        """The probe is over. If it had no answer, another one follows."""
        if team_id in self._pauses:
            self._pauses[team_id].is_probing = False

    def to_probe(self) -> list[str]:
        """Workspaces whose pause is over, and where one notification may be tried."""
        now = time.monotonic()
        return [
            team
            for team, pause in self._pauses.items()
            if pause.length is not None and pause.until <= now and not pause.is_probing
        ]

    def paused(self) -> list[str]:
        """Workspaces to which nothing else is sent."""
        now = time.monotonic()
        self._pauses = {
            team: pause for team, pause in self._pauses.items() if pause.length is not None or pause.until > now
        }
        return list(self._pauses)
