"""Who is asking. Every stored row belongs to one of these, and every look-up names one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """A Slack user in the workspace that they belong to (not the one they happen to be looking at).

    `enterprise_id` is None outside Enterprise Grid. Ids are Slack's own: `E…`, `T…`, `U…` or `W…`.
    """

    enterprise_id: str | None
    team_id: str
    user_id: str
