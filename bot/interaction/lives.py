"""How long a secret may live: the lives that the operator offers, up to the limit of each host.

No API says for how long a host keeps secrets: it shortens a longer life without a word, and its answer has the life
that it took. So this process remembers the longest life that a host gave, for each account and for sharing without one.

Another process may know of another limit, or of none. That does no harm: the lives that a window offers are stored with
the window, so every process takes what was chosen there. If a life is too long, the host shortens it and the answer to
the share says so; nothing that was typed is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cachetools import TTLCache

LIMIT_LIFE = 86_400.0  # seconds: an operator may change the limit, or the account its plan
MAX_LIMITS = 10_000  # limits
USUAL_TTL = 7 * 86_400  # seconds

Place = tuple[str, str | None]  # the base URL of a host, and the id of an account; None: without an account


class Lives:
    """`offered` are lives in seconds."""

    def __init__(self, offered: Iterable[int]) -> None:
        self.offered = tuple(sorted(set(offered)))
        self._limits: TTLCache[Place, int] = TTLCache(MAX_LIMITS, LIMIT_LIFE)

    def note(self, place: Place, asked: int, given: int | None) -> None:
        """Remember that the host gave a shorter life than was asked for, or as long a one as its limit was thought."""
        if given is None:
            return
        if given < asked:
            self._limits[place] = given
        elif given > self._limits.get(place, given):
            del self._limits[place]

    def possible(self, places: Sequence[Place]) -> tuple[int, ...]:
        """The lives to choose from, in seconds, if the secret is made at one of these places. Never empty."""
        limits = [self._limits.get(place) for place in places]
        known = [limit for limit in limits if limit is not None]
        if not known or len(known) < len(limits):
            return self.offered
        limit = max(known)
        below = [life for life in self.offered if life < limit]
        return (*below, limit) if len(below) < len(self.offered) else self.offered


def usual(lives: Sequence[int]) -> int:
    """The life that is chosen beforehand: seven days, or the longest below, or else the shortest."""
    return max((life for life in lives if life <= USUAL_TTL), default=lives[0])
