"""The workspaces and organisations that installed the app by OAuth, each with its token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, delete, func, insert, or_, select, update

from bot.person import Person
from bot.secret import Secret
from bot.storage.engine.database import Database, is_older, now
from bot.storage.sealing import bound_names
from bot.storage.sealing.data_keys import DataKeys
from bot.storage.sealing.sealer import NOBODY, Binding, Sealer, ValueOpener, ValueSealer
from bot.storage.tables import installations, new_id, organisation_workspaces

INSTALLATIONS_LOCK: Final = "installations"  # of all of them: which workspaces an organisation has depends on them
RENEWING: Final = 15.0  # seconds in which one process asks Slack for the next token, and no other


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInstallation:
    """What Slack says of an installation. Ids are Slack's own."""

    enterprise_id: str | None  # None outside Enterprise Grid
    team_id: str | None  # None: of the whole organisation
    installed_by: str | None  # a user id
    app_id: str | None
    bot_id: str | None
    bot_user_id: str | None
    scopes: tuple[str, ...]
    token: Secret
    refresh_token: Secret | None = None
    token_lives: float | None = None  # seconds from now; None: it does not expire

    @property
    def install_team(self) -> str:
        """The id of the workspace, or of the organisation. Raises `ValueError` if there is neither."""
        found = self.team_id or self.enterprise_id
        if found is None:
            raise ValueError("an installation of no workspace")
        return found


@dataclass(frozen=True, slots=True)
class Installation:
    """A workspace or organisation that has the app."""

    id: str
    install_team: str  #: the id of the workspace or organisation
    enterprise_id: str | None
    team_id: str | None  #: None: of the whole organisation
    app_id: str | None
    bot_id: str | None
    bot_user_id: str | None
    token: Secret
    refresh_token: Secret | None
    token_lives: float | None  #: seconds from when it was read; None: it does not expire
    is_revoked: bool = False  #: Slack takes its token no more


class Installations:
    """All methods raise `StorageUnavailable`; nothing is changed then."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._keys = DataKeys(db, sealer)

    async def save(self, new: NewInstallation) -> None:
        """Store an installation. It replaces the one that this workspace or organisation had."""
        row_id = new_id()
        who = {
            "enterprise_id": new.enterprise_id or NOBODY,
            "team_id": new.team_id or NOBODY,
            "user_id": new.installed_by or NOBODY,
        }
        values = {
            "id": row_id,
            **who,
            "install_team": new.install_team,
            "app_id": new.app_id,
            "bot_id": new.bot_id,
            "bot_user_id": new.bot_user_id,
            "scopes": ",".join(new.scopes),
            "installed_at": now,
        }
        async with self._db.writing() as connection:
            await self._db.advisory_lock(connection, INSTALLATIONS_LOCK)
            person = Person(who["enterprise_id"], who["team_id"], who["user_id"])
            sealed = _seal(person, row_id, new, await self._keys.sealer_for(connection, person))
            await connection.execute(delete(installations).where(_is(new.install_team)))
            await connection.execute(insert(installations).values(**values, **sealed))
        await self._db.checkpoint()

    async def find(self, install_team: str) -> Installation | None:
        """The installation of this workspace or organisation, or else of the organisation that it is known to be in.

        None if there is none. Raises `Unsealable`.
        """
        above = select(organisation_workspaces.c.enterprise_id).where(organisation_workspaces.c.team_id == install_team)
        mine = or_(_is(install_team), installations.c.install_team == above.scalar_subquery())
        query = (
            select(installations, (installations.c.token_expires_at - now).label("lives"))
            .where(mine)
            .order_by(installations.c.revoked_at.is_not(None), (installations.c.install_team == install_team).desc())
            .limit(1)
        )
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
            opener = await self._keys.opener(connection, [row])
        return _read(row, opener) if row else None

    async def note_member(self, team_id: str, enterprise_id: str) -> None:
        """This workspace is one of that organisation's."""
        known = update(organisation_workspaces).where(organisation_workspaces.c.team_id == team_id)
        async with self._db.writing() as connection:
            await self._db.advisory_lock(connection, "organisation_workspaces", team_id)
            if not (await connection.execute(known.values(enterprise_id=enterprise_id))).rowcount:
                new = insert(organisation_workspaces).values(team_id=team_id, enterprise_id=enterprise_id)
                await connection.execute(new)

    async def app_ids(self) -> frozenset[str]:
        """The ids of the Slack app that was installed: one, unless the operator made the app anew."""
        query = select(installations.c.app_id).where(installations.c.app_id.is_not(None)).distinct()
        async with self._db.reading() as connection:
            return frozenset((await connection.scalars(query)).all())

    async def fingerprint(self) -> tuple[Any, ...]:
        """Another one whenever an installation is made, removed or revoked; not when a token is renewed."""
        made, revoked = installations.c.installed_at, installations.c.revoked_at
        query = select(func.count(made), func.max(made), func.count(revoked), func.max(revoked))
        async with self._db.reading() as connection:
            return tuple((await connection.execute(query)).one())

    async def claim_renewal(self, installation_id: str) -> bool:
        """Whether the caller may ask Slack for the next token: one process at a time, for `RENEWING` seconds."""
        free = or_(installations.c.renewing_until.is_(None), installations.c.renewing_until < now)
        claim = update(installations).where(installations.c.id == installation_id, free)
        async with self._db.writing() as connection:
            return bool((await connection.execute(claim.values(renewing_until=now + RENEWING))).rowcount)

    async def renew(self, old: Installation, token: Secret, refresh_token: Secret | None, lives: float | None) -> None:
        """Store the next token, unless the app was installed again meanwhile."""
        query = select(installations).where(installations.c.id == old.id)
        async with self._db.writing() as connection:
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                return
            person = Person(row.enterprise_id, row.team_id, row.user_id)
            sealer = await self._keys.sealer_for(connection, person)
            sealed = _seal(person, old.id, _Tokens(token, refresh_token, lives), sealer)
            change = update(installations).where(installations.c.id == old.id)
            await connection.execute(change.values(**sealed, renewing_until=None, revoked_at=None))
        await self._db.checkpoint()

    async def revoke(self, install_team: str, revoked_at: float) -> bool:
        """Slack revoked the token at that time, in seconds since 1970. A later installation stays as it is.

        Returns whether an installation was stopped.
        """
        earlier = (_is(install_team), installations.c.installed_at <= revoked_at, installations.c.revoked_at.is_(None))
        async with self._db.writing() as connection:
            return bool(
                (await connection.execute(update(installations).where(*earlier).values(revoked_at=now))).rowcount
            )

    async def revoked_for(self, seconds: float) -> list[str]:
        """The workspaces and organisations whose token was revoked so long ago."""
        query = select(installations.c.install_team).where(is_older(installations.c.revoked_at, seconds))
        async with self._db.reading() as connection:
            return list((await connection.scalars(query)).all())


@dataclass(frozen=True, slots=True)
class _Tokens:
    token: Secret
    refresh_token: Secret | None
    token_lives: float | None


def _seal(person: Person, row_id: str, given: NewInstallation | _Tokens, sealer: ValueSealer) -> dict[str, Any]:
    refresh = given.refresh_token
    return {
        "token": sealer.seal_text("slack_token", _binding("token", person, row_id), given.token),
        "refresh_token": refresh
        and sealer.seal_text("slack_token", _binding("refresh_token", person, row_id), refresh),
        "token_expires_at": None if given.token_lives is None else now + given.token_lives,
    }


def _read(row: Row[Any], opener: ValueOpener) -> Installation:
    person = Person(row.enterprise_id, row.team_id, row.user_id)
    refresh: Secret | None = None
    if row.refresh_token is not None:
        refresh = opener.open_text("slack_token", _binding("refresh_token", person, row.id), row.refresh_token)
    return Installation(
        row.id,
        row.install_team,
        None if row.enterprise_id == NOBODY else row.enterprise_id,
        None if row.team_id == NOBODY else row.team_id,
        row.app_id,
        row.bot_id,
        row.bot_user_id,
        opener.open_text("slack_token", _binding("token", person, row.id), row.token),
        refresh,
        row.lives,
        row.revoked_at is not None,
    )


def _is(install_team: str) -> ColumnElement[bool]:
    return installations.c.install_team == install_team


def _binding(column: str, person: Person, row_id: str) -> Binding:
    return Binding.of(bound_names.INSTALLATIONS, column, person, NOBODY, row_id)
