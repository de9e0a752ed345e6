"""Who is asking. Every stored row belongs to one of these, and every look-up names one."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True, slots=True)
class Person:
    """A Slack user in the workspace that they belong to (not the one they happen to be looking at).

    `enterprise_id` is None outside Enterprise Grid. Ids are Slack's own: `E…`, `T…`, `U…` or `W…`.
    """

    enterprise_id: str | None
    team_id: str
    user_id: str


def known_zone(name: object) -> ZoneInfo | None:
    """The time zone of that IANA name ("Europe/Berlin"), None unless this machine knows it.

    What Slack says of a person, and what another machine stored, may be a name that is new, or no name at all.
    """
    try:
        return ZoneInfo(name) if isinstance(name, str) else None
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, such as "America"
        return None
