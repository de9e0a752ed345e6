"""The workspaces and organisations that installed the app by OAuth: found in the database, each with its own token.

find ──known for less than `FRESH_FOR`──► as it was
  ├──no installation has changed since──► as it was: one query says so of all that are known
  └──► read the row ──the token is new──► a client with that token
                    ──the token ends soon──► one process asks Slack for the next one
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from cachetools import LRUCache

from bot.errors import SlackError, StorageUnavailable, Unsealable
from bot.logs import Log
from bot.secret import Secret
from bot.slack.background_tasks import BackgroundTasks
from bot.slack.web import AppCredentials, SlackClient
from bot.slack.workspaces import Workspace, Workspaces
from bot.storage.installations import Installation, Installations

FRESH_FOR = 10.0  # seconds in which an installation may have changed unnoticed
RENEW_BEFORE = 2 * 3_600.0  # seconds before a token ends
MIN_LEFT = 30.0  # seconds that a token has to live for a call
RENEWAL_WAIT = 0.25  # seconds between two looks for the token that another process asks for
MAX_RENEWAL_WAIT = 5.0  # seconds
MAX_WORKSPACES = 10_000  # that are remembered

log = Log("workspaces")


@dataclass(slots=True)
class _Known:
    read_at: float  # by the clock of `ManyWorkspaces`: when the reading began
    workspace: Workspace | None = None  # None: the app is not installed there
    token: Secret | None = None
    keeps_until: float = 0.0  # by the same clock: for so long only a change of the installations makes it old


@dataclass(frozen=True, slots=True)
class _Unchanged:
    """That all installations were the same ones from `since` to `until`, by the clock of `ManyWorkspaces`."""

    fingerprint: tuple[Any, ...]
    since: float
    until: float


class ManyWorkspaces(Workspaces):
    """Finds installations in the database, and remembers them for a moment.

    While the database is away the last known ones are used, so that messages under way can go out.
    """

    def __init__(
        self,
        installations: Installations,
        slack: SlackClient,
        app: AppCredentials,
        tasks: BackgroundTasks,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`slack` makes the clients of the workspaces, which use its connections."""
        self._installations = installations
        self._slack = slack
        self._app = app
        self._tasks = tasks
        self._clock = clock
        self._known: LRUCache[str, _Known] = LRUCache(MAX_WORKSPACES)
        self._reading: dict[str, asyncio.Future[Workspace | None]] = {}
        self._unchanged: _Unchanged | None = None
        self._comparing: asyncio.Future[None] | None = None
        self._members: LRUCache[str, str] = LRUCache(MAX_WORKSPACES)  # workspace -> its organisation, as stored
        self._app_ids: frozenset[str] = frozenset()

    async def load(self) -> None:
        """Read which app is ours. Raises `StorageUnavailable`."""
        self._app_ids = await self._installations.app_ids()
        await self._compare_once()

    async def find(self, install_team: str | None) -> Workspace | None:
        if install_team is None:
            return None
        known = self._known.get(install_team)
        if known is not None and self._is_fresh(known):
            return known.workspace
        if known is not None and self._clock() < known.keeps_until and not self._has_compared():
            try:
                await self._compare_once()
            except StorageUnavailable:
                return known.workspace
            if self._known.get(install_team) is known and self._is_fresh(known):
                return known.workspace
        reading = self._reading.get(install_team)
        if reading is None:
            reading = self._reading[install_team] = asyncio.ensure_future(self._read(install_team))
            reading.add_done_callback(lambda _: self._reading.pop(install_team, None))
        return await asyncio.shield(reading)

    async def still_installed(self, install_team: str) -> bool:  # noqa: ARG002 - the database says when it was
        return False

    def forget(self, install_team: str) -> None:
        self._known.pop(install_team, None)

    async def note_member(self, team_id: str, enterprise_id: str) -> None:
        if self._members.get(team_id) != enterprise_id:
            await self._installations.note_member(team_id, enterprise_id)
            self._members[team_id] = enterprise_id
            self.forget(team_id)

    def is_our_app(self, app_id: object) -> bool:
        return not self._app_ids or not isinstance(app_id, str) or not app_id or app_id in self._app_ids

    def _is_fresh(self, known: _Known) -> bool:
        """Whether it was read lately, or nothing has changed since, as a comparison said lately."""
        now = self._clock()
        if now - known.read_at < FRESH_FOR:
            return True
        if self._unchanged is None or not self._has_compared():
            return False
        return known.read_at >= self._unchanged.since and now < known.keeps_until

    def _has_compared(self) -> bool:
        return self._unchanged is not None and self._clock() - self._unchanged.until < FRESH_FOR

    async def _compare_once(self) -> None:
        """Compare once for all who want to know at the same time. Raises `StorageUnavailable`."""
        if self._comparing is None or self._comparing.done():
            self._comparing = asyncio.ensure_future(self._compare())
        await asyncio.shield(self._comparing)

    async def _compare(self) -> None:
        began, before = self._clock(), self._unchanged
        found = await self._installations.fingerprint()
        if before is not None and before.fingerprint == found:
            self._unchanged = replace(before, until=began)
        else:  # what was read before this comparison had ended may be from before the change
            self._unchanged = _Unchanged(found, since=self._clock(), until=began)

    async def _read(self, install_team: str) -> Workspace | None:
        known, began = self._known.get(install_team), self._clock()
        try:
            installation = await self._installations.find(install_team)
            if installation is not None:
                installation = await self._with_valid_token(installation)
        except StorageUnavailable:
            if known is None:
                raise
            return known.workspace
        except Unsealable:
            log.error(
                "installation_unreadable", reason="no key opens its token: restore the key, or install the app again"
            )
            installation = None
        found = self._known[install_team] = self._describe(installation, known, began)
        if installation is not None and installation.install_team == install_team:
            lives = math.inf if installation.token_lives is None else installation.token_lives
            found.keeps_until = began + lives - RENEW_BEFORE
        return found.workspace

    def _describe(self, installation: Installation | None, known: _Known | None, began: float) -> _Known:
        """The installation as a workspace: the same one as before while it has the same token."""
        if installation is None:
            return _Known(began)
        if installation.app_id is not None:
            self._app_ids |= {installation.app_id}
        before = None if known is None or known.token != installation.token else known.workspace
        if before is not None and before.is_revoked is installation.is_revoked:
            return _Known(began, before, installation.token)
        workspace = Workspace(
            self._slack.with_token(installation.token),
            installation.team_id,
            installation.enterprise_id,
            installation.bot_id,
            installation.bot_user_id,
            installation.is_revoked,
        )
        return _Known(began, workspace, installation.token)

    async def _with_valid_token(self, installation: Installation) -> Installation | None:
        """The installation with a token that can be used: at once, or when Slack has given the next one."""
        if installation.is_revoked or installation.token_lives is None or installation.refresh_token is None:
            return installation
        if installation.token_lives >= RENEW_BEFORE:
            return installation
        if installation.token_lives >= MIN_LEFT:
            self._tasks.start(self._renew_in_time(installation))
            return installation
        stop_at = self._clock() + MAX_RENEWAL_WAIT
        while self._clock() < stop_at:
            await self._renew(installation)
            found = await self._installations.find(installation.install_team)
            if found is None or found.token_lives is None or found.token_lives >= MIN_LEFT:
                return found
            await asyncio.sleep(RENEWAL_WAIT)
        return installation  # Slack says of its token what is wrong with it

    async def _renew_in_time(self, installation: Installation) -> None:
        """As `_renew`, for a token that is good meanwhile. The next look tries again."""
        with suppress(StorageUnavailable):
            await self._renew(installation)

    async def _renew(self, installation: Installation) -> None:
        """Ask Slack for the next token, unless another process does. Raises `StorageUnavailable`.

        Slack takes a refresh token once. If its answer is lost, the app has to be installed again.
        """
        assert installation.refresh_token is not None
        if not await self._installations.claim_renewal(installation.id):
            return
        try:
            answer = await self._slack.renew_token(self._app, installation.refresh_token)
        except SlackError as error:
            log.warning("token_not_renewed", error=str(error))
            return
        token, refresh_token = answer.get("access_token"), answer.get("refresh_token")
        lives = answer.get("expires_in")
        if not isinstance(token, str) or not isinstance(refresh_token, str) or not isinstance(lives, int):
            log.warning("token_not_renewed", error="unreadable")
            return
        await self._installations.renew(installation, Secret(token), Secret(refresh_token), float(lives))
        self.forget(installation.install_team)
        log.info("token_renewed")
