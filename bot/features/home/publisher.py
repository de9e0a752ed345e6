"""Publishes Home tabs: when they are opened, and when something changes that they show.

    marked ──► claimed: one caller in 3 seconds ──► drawn from the database ──► views.publish, with the last hash
                 ▲                                        │                        │
                 │                                        ▼                        ▼ the hash is another one by now
                 └── the server has answered ◄── asked meanwhile                  drawn anew, once

The server's list is waited for a moment. If it is not there by then, the Home says so, and the answer is a change like
any other. What is drawn as it was published before is not published again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from cachetools import LRUCache

from bot.errors import BotError, NotAllowed, SlackError, StorageUnavailable, ViewChanged
from bot.failpoints import failpoint
from bot.features.home import tab
from bot.features.home.content import load
from bot.features.home.refs import StableRefs
from bot.features.home.server_lists import ServerLists
from bot.interaction.home_changes import HomeChange
from bot.interaction.services import Services
from bot.language import Language
from bot.logs import Log
from bot.person import Person
from bot.policy.decide import acting
from bot.screen.parts import HomeView
from bot.storage.engine.turns import acting_person
from bot.storage.homes import Home

CONCURRENCY = 8  # Homes that are drawn at the same time
AGAIN = 30.0  # seconds until Slack or the database is tried again
MAX_PEOPLE = 10_000  # of whom it is remembered what they see

# Raises `NotAllowed` for who is no member of the workspace that the app is installed in, and `SlackError`.
RequireMember = Callable[[Person, str | None], Awaitable[object]]

log = Log("home")


@dataclass(frozen=True, slots=True)
class _Shown:
    """What was published last for a person."""

    hash: str | None
    view: int  # a digest
    language: Language


class HomePublisher:
    """One in each process. It draws for those whose changes this process has seen."""

    def __init__(
        self,
        services: Services,
        require_member: RequireMember,
        may_be_admin: Callable[[Person, str | None], bool],
    ) -> None:
        self._services = services
        self._require_member = require_member
        self._may_be_admin = may_be_admin
        self._refs = StableRefs(services.button_contexts)
        self._lists = ServerLists(services)
        self._shown: LRUCache[Person, _Shown] = LRUCache(MAX_PEOPLE)
        self._busy: set[Person] = set()
        self._slots = asyncio.Semaphore(CONCURRENCY)

    async def run(self) -> None:
        """Publish until it is cancelled. Homes that were open when an earlier process ended are drawn first."""
        async with asyncio.TaskGroup() as tasks:
            await self._mark_open()
            while True:
                marked = await self._services.home_changes.wait(lambda person: person not in self._busy)
                for person, change in marked.items():
                    self._busy.add(person)
                    tasks.create_task(self._work(person, change, tasks))

    async def _mark_open(self) -> None:
        try:
            people = await self._services.homes.all_open()
        except StorageUnavailable as error:
            log.warning("home_failed", error=str(error))
            return
        for person in people:
            self._services.home_changes.mark(person)

    async def _work(self, person: Person, change: HomeChange, tasks: asyncio.TaskGroup) -> None:
        """Publish the Home of one person. Raises nothing."""
        acting_person.set(person)
        try:
            await self._redraw(person, change, tasks)
        except BotError as error:
            log.info("home_failed", error=str(error))
            if not (isinstance(error, SlackError) and error.is_permanent):
                self._mark_later(person, change, error.retry_after if isinstance(error, SlackError) else None)
        except Exception as error:  # noqa: BLE001 - the Homes of others are drawn
            log.error("home_failed", cause=error)
        finally:
            self._busy.discard(person)
            self._services.home_changes.wake()

    def _mark_later(self, person: Person, change: HomeChange, seconds: float | None) -> None:
        mark = partial(self._services.home_changes.mark, person, change)
        asyncio.get_running_loop().call_later(seconds or AGAIN, mark)

    async def _redraw(self, person: Person, change: HomeChange, tasks: asyncio.TaskGroup) -> None:
        home, change = await self._wait_for_turn(person, change)
        if home is None:
            return
        failpoint("home_claimed")
        async with self._slots:
            if not await self._draw_and_publish(home, change, tasks):
                self._services.home_changes.mark(person, change)

    async def _wait_for_turn(self, person: Person, change: HomeChange) -> tuple[Home | None, HomeChange]:
        """The person's Home as soon as it may be published, and all that changed until then; None if it is not open."""
        while True:
            change |= self._services.home_changes.take(person)  # before the row is read, which tells the page
            claimed = await self._services.homes.claim(person)
            if not isinstance(claimed, float):
                return claimed, change
            await asyncio.sleep(claimed)

    async def _draw_and_publish(self, home: Home, change: HomeChange, tasks: asyncio.TaskGroup) -> bool:
        """False if Slack has shown something else by the time it was drawn, twice."""
        for _ in range(2):
            view = await self._draw(home, change, tasks)
            try:
                await self._publish(home, view, is_needed=change.opens)
            except ViewChanged:
                home = await self._with_newer_hash(home)
            else:
                return True
        return False

    async def _with_newer_hash(self, home: Home) -> Home:
        """With the hash that another process has stored; with none if nobody knows what Slack shows."""
        known = await self._services.homes.of(home.person)
        return replace(home, hash=None) if known is None or known.hash == home.hash else known

    async def _publish(self, home: Home, view: HomeView, *, is_needed: bool) -> None:
        language = await self._services.languages.of(home.person)
        if not is_needed and self._shown.get(home.person) == _Shown(home.hash, hash(view), language):
            return
        published = await self._services.publish_home(home.install_team, view, home.person, home.hash)
        failpoint("home_published")
        self._shown[home.person] = _Shown(published, hash(view), language)
        await self._services.homes.mark_published(home.person, published)

    async def _draw(self, home: Home, change: HomeChange, tasks: asyncio.TaskGroup) -> HomeView:
        try:
            await self._require_member(home.person, home.install_team)
        except NotAllowed:
            return tab.FOR_GUESTS
        acting.set(await self._services.policies.of(home.person))
        may_be_admin = self._may_be_admin(home.person, home.install_team)
        content = await load(self._services, home, may_be_admin=may_be_admin)
        account = content.default_account
        listed = None
        if account is not None:
            listed = await self._lists.of(home.person, account, change, tasks)
        return await tab.draw(self._services, home, content, listed, partial(self._refs.keep, home.person))
