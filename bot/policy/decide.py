"""The one place that decides: whether the rules of both levels allow something, and if not, whose rule says so."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Literal

from bot.errors import NotAllowed
from bot.policy.rules import COUNTS, SAYS_NOTHING, Policy
from bot.screen.pieces import Phrase, Piece, say

Whose = Literal["deployment", "workspace"]


@dataclass(frozen=True, slots=True)
class Layers:
    """The rules of whoever runs the bot, and those of the workspace, which are within them."""

    deployment: Policy = SAYS_NOTHING
    workspace: Policy = SAYS_NOTHING

    def each(self) -> tuple[tuple[Whose, Policy], ...]:
        return ("deployment", self.deployment), ("workspace", self.workspace)

    def lowest(self, rule: str, outer: int) -> int:
        """The number that counts: the lowest of both levels and the outer bound."""
        found: list[int | None] = [getattr(policy, rule) for _, policy in self.each()]
        return min([outer, *(one for one in found if one is not None)])

    @property
    def allows_guests(self) -> bool:
        """Guests are let in only where a level says so and none forbids it: without a rule they are not."""
        said = [policy.guests for _, policy in self.each()]
        return True in said and False not in said

    @property
    def default_host(self) -> str | None:
        """The base URL of the default host, if a level names one: the workspace's before the deployment's."""
        return self.workspace.default_host or self.deployment.default_host

    @property
    def wants_passphrase(self) -> bool:
        return any(policy.passphrase for _, policy in self.each())


class PolicyDenied(NotAllowed):
    """A rule does not allow it. `tell` says which rule and whose."""

    def __init__(self, rule: str, whose: Whose) -> None:
        super().__init__(f"{rule} by {whose}", tell=words(rule, whose))
        self.rule = rule
        self.whose = whose


NO_RULES = Layers()
DOING_IT: Final = True  # what is asked for where a rule is about doing it at all

# The rules for whoever acts in this task. Work that nobody asked for right now, such as the watcher's, has none.
acting: ContextVar[Layers] = ContextVar("acting_policy", default=NO_RULES)


def decide(layers: Layers, rule: str, wanted: object = DOING_IT) -> PolicyDenied | None:
    """None if both levels allow it; else the denial, the deployment's first.

    `wanted` is what is asked for: a base URL for `hosts`, seconds for `max_life`, whether there is a passphrase for
    `passphrase`. The other rules are about doing it at all.
    """
    return next((PolicyDenied(rule, whose) for whose, one in layers.each() if not _allows(one, rule, wanted)), None)


def find_denial(rule: str, wanted: object = DOING_IT) -> PolicyDenied | None:
    """As `decide`, by the rules for whoever acts now."""
    return decide(acting.get(), rule, wanted)


def require(rule: str, wanted: object = DOING_IT) -> None:
    """Raise `PolicyDenied` unless the rules for whoever acts now allow it."""
    if (denial := find_denial(rule, wanted)) is not None:
        raise denial


def is_allowed(rule: str, wanted: object = DOING_IT) -> bool:
    """Whether the rules for whoever acts now allow it."""
    return find_denial(rule, wanted) is None


def _allows(policy: Policy, rule: str, wanted: object) -> bool:
    value = getattr(policy, rule)
    if value is None:
        return True
    if rule == "hosts":
        return wanted in value
    if rule == "max_life":
        return isinstance(wanted, int) and wanted <= value
    if rule == "passphrase":
        return bool(wanted) or not value
    assert rule not in COUNTS, "numbers are counted, not decided"
    return bool(value)


def words(rule: str, whose: Whose) -> Phrase:
    """Says whose rule does not allow what, and its name."""
    what = WHAT[rule]
    if whose == "workspace":
        return say("Your workspace's admins do not allow {what} (rule: {rule}).", what=what, rule=NAMES[rule])
    return say("Whoever runs this app does not allow {what} (rule: {rule}).", what=what, rule=NAMES[rule])


WHAT: dict[str, Piece] = {
    "hosts": say("this server"),
    "max_life": say("secrets that live for so long"),
    "passphrase": say("secrets without a passphrase"),
    "channels": say("secrets for a channel"),
    "bare_links": say("a link for nobody in particular"),
    "guests": say("guests to use it"),
    "retrieve": say("secrets to be opened here; open the link in your browser"),
    "escrow": say("opened secrets to be held"),
    "unfurl": say("cards under links"),
    "shares_per_hour": say("more shares an hour"),
    "opens_per_hour": say("more openings an hour"),
    "workspace_shares_per_hour": say("more shares an hour by this workspace"),
    "workspace_opens_per_hour": say("more openings an hour by this workspace"),
}
NAMES: dict[str, Piece] = {
    "hosts": say("Servers"),
    "default_host": say("Default server"),
    "max_life": say("Longest lifetime"),
    "passphrase": say("Passphrase required"),
    "channels": say("Secrets for channels"),
    "bare_links": say("Just the link"),
    "guests": say("Guests"),
    "retrieve": say("Opening in Slack"),
    "escrow": say("Holding an opened secret until it is shown"),
    "unfurl": say("Cards under links"),
    "shares_per_hour": say("Shares an hour, each person"),
    "opens_per_hour": say("Openings an hour, each person"),
    "workspace_shares_per_hour": say("Shares an hour, all together"),
    "workspace_opens_per_hour": say("Openings an hour, all together"),
}
