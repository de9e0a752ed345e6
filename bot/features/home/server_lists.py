"""What the servers list for people's accounts: asked for when a Home is drawn, and remembered for a while."""

from __future__ import annotations

import asyncio

from cachetools import TTLCache

from bot.errors import BotError
from bot.interaction.home_changes import ANSWERED, HomeChange
from bot.interaction.services import Services
from bot.logs import Log
from bot.person import Person
from bot.status.recent_list import Recent, load_recent
from bot.storage.accounts import Account

GRACE = 0.3  # seconds that a Home waits for the server
LISTED_FOR = 600.0  # seconds; how long a list is shown without asking again
MAX_LISTED = 5_000  # secrets that are remembered, of all accounts together; each takes half a kB

Listed = Recent | BotError  # what the server answered

log = Log("home")


class ServerLists:
    """By account. Where more is listed than can be remembered, a server is asked again when a Home is drawn again."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: TTLCache[str, Listed] = TTLCache(MAX_LISTED, LISTED_FOR, getsizeof=_count)

    async def of(self, person: Person, account: Account, change: HomeChange, tasks: asyncio.TaskGroup) -> Listed | None:
        """What to show after this change. None if the server has not answered yet: the Home is marked when it has."""
        known = self._known.get(account.id)
        if known is not None and not change.asks:
            return known
        asking = tasks.create_task(self._ask(person, account))
        # If an answer could not be remembered until its Home is drawn, the next one is waited for.
        is_lost = change.is_answered and not change.asks
        if (await asyncio.wait({asking}, timeout=None if is_lost else GRACE))[0]:
            return asking.result()
        asking.add_done_callback(lambda _: self._services.home_changes.mark(person, ANSWERED))
        return known

    async def _ask(self, person: Person, account: Account) -> Listed:
        """Ask the server. Raises nothing."""
        try:
            listed: Listed = await load_recent(self._services, person, account)
        except BotError as error:
            listed = error
        except Exception as error:  # noqa: BLE001 - its Home says that it did not work
            log.error("home_failed", cause=error)
            listed = BotError()
        self._known[account.id] = listed
        return listed


def _count(listed: Listed) -> int:
    """What counts for MAX_LISTED. A list that is longer takes the place of all others."""
    secrets = len(listed.secrets) + len(listed.shared) if isinstance(listed, Recent) else 0
    return min(secrets + 1, MAX_LISTED)
