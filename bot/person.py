"""The person for whom the bot works. Every stored row belongs to a person, and every query names one."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True, slots=True)
class Person:
    """A Slack user, in the workspace that they belong to and not in a workspace that they visit.

    `enterprise_id` is None outside Enterprise Grid. Ids are Slack's own: `E…`, `T…`, `U…` or `W…`.
    """

    enterprise_id: str | None
    team_id: str
    user_id: str


def known_zone(name: object) -> ZoneInfo | None:
    """The time zone with this IANA name ("Europe/Berlin"); None if this machine does not know it.

    Slack, or another machine that stored the name, may know newer time zones, and `name` may be any value.
    """
    try:
        return ZoneInfo(name) if isinstance(name, str) else None
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, such as "America"
        return None
