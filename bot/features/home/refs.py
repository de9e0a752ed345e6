"""Button contexts that stay the same from one drawing of a Home to the next."""

from __future__ import annotations

from cachetools import TTLCache

from bot.person import Person
from bot.storage.button_contexts import DAY, AnyNewButtonContext, ButtonContexts

MAX_PEOPLE = 10_000
MAX_REFS = 200  # of one person; a Home has about 30
REUSED_FOR = DAY / 24  # seconds; a context lives for a day


class StableRefs:
    """A Home is drawn often, and nearly all of it is as before: so are its buttons."""

    def __init__(self, contexts: ButtonContexts) -> None:
        self._contexts = contexts
        self._known: TTLCache[Person, dict[int, str]] = TTLCache(MAX_PEOPLE, REUSED_FOR)

    async def keep(self, person: Person, *new: AnyNewButtonContext) -> list[str]:
        """The ids of these contexts, in order. Only those that are new are stored. Raises `StorageUnavailable`."""
        known = self._known.get(person, {})
        names = [_name(one) for one in new]
        missing = {name: one for name, one in zip(names, new, strict=True) if name not in known}
        made = dict(zip(missing, await self._contexts.keep(person, *missing.values()), strict=True))
        found = [made.get(name) or known[name] for name in names]
        if len(known) + len(made) > MAX_REFS or person not in self._known:
            self._known[person] = made
        else:
            known.update(made)
        return found


def _name(new: AnyNewButtonContext) -> int:
    """64 bits in place of all that the context says: there may be very many."""
    return hash((new.kind.name, new.host, new.key, new.account_id, tuple(sorted(new.data.items()))))
