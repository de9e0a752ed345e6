"""The rules, and how they are read: from `POLICY_FILE`, and from what is stored for a workspace."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

FLAGS = ("passphrase", "channels", "bare_links", "guests", "retrieve", "escrow", "unfurl")
COUNTS = ("shares_per_hour", "opens_per_hour", "workspace_shares_per_hour", "workspace_opens_per_hour")
MAX_COUNT = 1_000_000
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one level. None: this level says nothing about it."""

    hosts: tuple[str, ...] | None = None  # base URLs
    default_host: str | None = None  # a base URL
    max_life: int | None = None  # seconds
    passphrase: bool | None = None  # True: every secret that is shared has one
    channels: bool | None = None  # a secret may be shared with a channel
    bare_links: bool | None = None  # a sender may be given “just the link”
    guests: bool | None = None  # guests of the workspace may use the bot
    retrieve: bool | None = None  # secrets may be opened through the bot
    escrow: bool | None = None  # an opened secret is held until its window has shown it
    unfurl: bool | None = None  # links that people post get a card
    shares_per_hour: int | None = None  # of each person
    opens_per_hour: int | None = None
    workspace_shares_per_hour: int | None = None  # of all people of a workspace together
    workspace_opens_per_hour: int | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """The rules by name. Raises `RuleError` for one that is unknown or has an unusable value."""
        return cls(**{name: read_rule(name, value) for name, value in values.items()})

    def as_values(self) -> dict[str, Any]:
        """The rules that say something, by name."""
        found = {name: getattr(self, name) for name in RULES}
        return {name: value for name, value in found.items() if value is not None}


SAYS_NOTHING = Policy()
RULES = tuple(one.name for one in fields(Policy))


class RuleError(ValueError):
    """A rule that cannot be used. The text says what would be right."""

    def __init__(self, rule: str, fix: str) -> None:
        super().__init__(fix)
        self.rule = rule
        self.fix = fix


def read_rule(name: str, value: object) -> Any:
    """The value of one rule. Raises `RuleError`."""
    match name:
        case "hosts":
            if isinstance(value, list | tuple) and value and all(isinstance(one, str) for one in value):
                return tuple(one.rstrip("/") for one in value)
            raise RuleError(name, 'it should be a list of base URLs, such as ["https://eu.onetimesecret.com"]')
        case "default_host":
            if isinstance(value, str) and value:
                return value.rstrip("/")
            raise RuleError(name, 'it should be a base URL, such as "https://eu.onetimesecret.com"')
        case "max_life":
            return _read_life(name, value)
        case _ if name in FLAGS:
            if isinstance(value, bool):
                return value
            raise RuleError(name, "it should be true or false")
        case _ if name in COUNTS:
            if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_COUNT:
                return value
            raise RuleError(name, f"it should be a whole number from 1 to {MAX_COUNT}")
        case _:
            raise RuleError(name, f"there is no such rule. The rules are {', '.join(RULES)}")


def _read_life(name: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value  # seconds, as it is stored
    found = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", value) if isinstance(value, str) else None
    if not found:
        raise RuleError(name, 'it should be minutes, hours or days, such as "5m", "12h" or "7d"')
    return int(found[1]) * _SECONDS[found[2]]
