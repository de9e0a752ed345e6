"""Button contexts that stay the same from one drawing of a Home to the next."""

from __future__ import annotations

from cachetools import TTLCache

from bot.person import Person
from bot.storage.button_contexts import DAY, AnyNewButtonContext, ButtonContexts

MAX_REFS = 50_000
REUSED_FOR = DAY / 24  # seconds; a context lives for a day


class StableRefs:
    """A Home is drawn often, and nearly all of it is as before: so are its buttons."""

    def __init__(self, contexts: ButtonContexts) -> None:
        self._contexts = contexts
        self._known: TTLCache[object, str] = TTLCache(MAX_REFS, REUSED_FOR)

    async def keep(self, person: Person, *new: AnyNewButtonContext) -> list[str]:
        """The ids of these contexts, in order. Only those that are new are stored. Raises `StorageUnavailable`."""
        names = [_name(person, one) for one in new]
        missing = {name: one for name, one in zip(names, new, strict=True) if name not in self._known}
        kept = await self._contexts.keep(person, *missing.values())
        made = dict(zip(missing, kept, strict=True))
        found = [made.get(name) or self._known[name] for name in names]
        self._known.update(made)
        return found


def _name(person: Person, new: AnyNewButtonContext) -> object:
    return person, new.kind.name, new.host, new.key, new.account_id, tuple(sorted(new.data.items()))
