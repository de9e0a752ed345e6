"""The rules for each workspace, remembered for seconds so that all processes agree soon."""

from __future__ import annotations

import time
from collections.abc import Callable

from cachetools import TTLCache

from bot.logs import Log
from bot.person import Person
from bot.policy.decide import Layers
from bot.policy.rules import RULES, SAYS_NOTHING, Policy
from bot.storage.policies import StoredPolicies

CACHED_FOR = 3.0  # seconds
MAX_WORKSPACES = 10_000

log = Log("policy")


class Policies:
    """All methods raise `StorageUnavailable`: where the rules are not known, nothing is allowed."""

    def __init__(
        self, stored: StoredPolicies, deployment: Policy = SAYS_NOTHING, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.deployment = deployment
        self._stored = stored
        self._known: TTLCache[tuple[str | None, str | None], Policy] = TTLCache(MAX_WORKSPACES, CACHED_FOR, timer=clock)

    async def of(self, person: Person) -> Layers:
        """The rules of both levels for somebody of this workspace."""
        key = (person.enterprise_id, person.team_id)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = await self._stored.of(person)
        return Layers(self.deployment, known)

    async def fresh(self, person: Person) -> Layers:
        """As `of`, as it is stored now."""
        self._known.pop((person.enterprise_id, person.team_id), None)
        return await self.of(person)

    async def set(self, person: Person, policy: Policy) -> tuple[str, ...]:
        """Replace the workspace's rules. Returns the names of those that changed, which are also logged."""
        before = (await self.fresh(person)).workspace
        await self._stored.set(person, policy)
        self._known.pop((person.enterprise_id, person.team_id), None)
        changed = tuple(name for name in RULES if getattr(before, name) != getattr(policy, name))
        if changed:
            log.info("policy_changed", reason=" ".join(changed))
        return changed
