"""What a button or window is about: a row that lives for a day and holds the key that the button must not carry.

Each kind of context says which kind of key its rows have, so that a metadata key is never used as a secret key.
"""

# ruff: noqa: A002 - a row's id is called id
from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, Literal, TypeVar

from sqlalchemy import Row, delete, insert, select

from bot.errors import NotYours, Unsealable
from bot.person import Person
from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage.engine.database import Database, moment, now
from bot.storage.sealing import bound_names
from bot.storage.sealing.data_keys import DataKeys
from bot.storage.sealing.sealer import Binding, Sealer, ValueOpener, ValueSealer
from bot.storage.tables import button_contexts, new_id, own_row, owner, person_in

DAY: Final = 86_400.0  # seconds

Key = TypeVar("Key", SecretKey, MetadataKey, None)


@dataclass(frozen=True, slots=True)
class ContextKind(Generic[Key]):
    """A kind of context, and the type of its keys. `key_type` is None for a kind whose contexts have no key."""

    name: Literal[
        "secret", "metadata", "page", "recent", "tracked_page", "share", "command", "activity", "left"
    ]  # stored in each row
    key_type: type[Key] | None


SECRET: Final[ContextKind[SecretKey]] = ContextKind("secret", SecretKey)  # a secret that can be opened
METADATA: Final[ContextKind[MetadataKey]] = ContextKind(
    "metadata", MetadataKey
)  # a secret whose metadata can be shown, and that can be burned
REVEAL_PAGE: Final[ContextKind[None]] = ContextKind("page", None)  # one page of a secret that is shown
RECENT_PAGE: Final[ContextKind[None]] = ContextKind("recent", None)  # a page of an account's recent secrets
TRACKED_PAGE: Final[ContextKind[None]] = ContextKind("tracked_page", None)  # a page of the secrets that a person tracks
SHARE_FORM: Final[ContextKind[None]] = ContextKind("share", None)  # the window of `/ots share` or `/ots generate`

ACTIVITY_PAGE: Final[ContextKind[None]] = ContextKind("activity", None)  # a page of what the audit says of a person
LEFT_PERSON: Final[ContextKind[None]] = ContextKind("left", None)  # somebody who has left the workspace
COMMAND: Final[ContextKind[None]] = ContextKind("command", None)  # a command that can be gone on with
COMMAND_NAMES: Final = "names"  # the key in the data: whom it named, and words that are no secrets


@dataclass(frozen=True, slots=True)
class NewButtonContext(Generic[Key]):
    """What a button will be about. `data` are short texts; they are encrypted like the key."""

    kind: ContextKind[Key]
    host: str  #: canonical base URL; "-" for none
    key: Key
    account_id: str | None = None  # the context is deleted together with this account
    data: Mapping[str, str] = field(default_factory=dict)


AnyNewButtonContext = NewButtonContext[SecretKey] | NewButtonContext[MetadataKey] | NewButtonContext[None]


@dataclass(frozen=True, slots=True)
class ButtonContext(Generic[Key]):
    """A stored `NewButtonContext`."""

    id: str
    person: Person
    kind: ContextKind[Key]
    host: str  #: canonical base URL; "-" for none
    key: Key
    account_id: str | None
    data: Mapping[str, str]
    expires_at: datetime  #: UTC


class ButtonContexts:
    """Methods that find a context take its owner. All methods raise `StorageUnavailable`."""

    def __init__(self, db: Database, sealer: Sealer, ttl: float = DAY) -> None:
        self._db = db
        self._keys = DataKeys(db, sealer)
        self._ttl = ttl  # seconds

    async def keep(self, person: Person, *new: AnyNewButtonContext) -> list[str]:
        """Store all contexts or none. Returns their ids, in order.

        Raises `StorageUnavailable` also if the account of a context was disconnected in the meantime.
        """
        rows: list[dict[str, Any]] = []
        if new:
            async with self._db.writing() as connection:
                sealer = await self._keys.sealer_for(connection, person)
                rows = [_encrypt(person, context, sealer) for context in new]
                statement = insert(button_contexts).values(created_at=now, expires_at=now + self._ttl)
                await connection.execute(statement, rows)
        return [row["id"] for row in rows]

    async def find(self, person: Person, kind: ContextKind[Key], id: object) -> ButtonContext[Key]:
        """The context with this id, if it is this person's, of this kind, and not expired.

        Raises `NotYours` for everything else, and `Unsealable`. `id` may be any value: every value costs the same one
        query.
        """
        query = select(button_contexts).where(
            own_row(button_contexts, person, id),
            button_contexts.c.expires_at > now,
            button_contexts.c.kind == kind.name,
        )
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
            opener = await self._keys.opener(connection, [row])
        if row is None:
            raise NotYours
        return _decrypt(row, kind, opener)

    async def purge(self) -> int:
        """Delete expired contexts. Returns how many were deleted."""
        expired = delete(button_contexts).where(button_contexts.c.expires_at <= now)
        async with self._db.writing() as connection:
            gone = (await connection.execute(expired)).rowcount
        await self._db.checkpoint()
        return gone


def _encrypt(person: Person, new: AnyNewButtonContext, sealer: ValueSealer) -> dict[str, Any]:
    row_id = new_id()
    key = data = None
    if new.key is not None:
        key = sealer.seal_text("metadata_key", _binding("key", person, new.host, row_id), new.key)
    if new.data:
        plain = json.dumps(dict(new.data)).encode()
        binding = _binding(bound_names.BUTTON_CONTEXT_DATA, person, new.host, row_id)
        data = sealer.seal("metadata_key", binding, plain)
    return {
        "id": row_id,
        **owner(person),
        "kind": new.kind.name,
        "host": new.host,
        "account_id": new.account_id,
        "key": key,
        "data": data,
    }


def _decrypt(row: Row[Any], kind: ContextKind[Key], opener: ValueOpener) -> ButtonContext[Key]:
    """Raises `Unsealable`, also if only one of the row and its kind has a key."""
    person = person_in(row)
    text: Secret | None = None
    data: dict[str, str] = {}
    if row.key is not None:
        text = opener.open_text("metadata_key", _binding("key", person, row.host, row.id), row.key)
    if row.data is not None:
        binding = _binding(bound_names.BUTTON_CONTEXT_DATA, person, row.host, row.id)
        data = _decode_data(opener.open("metadata_key", binding, row.data))
    return ButtonContext(
        id=row.id,
        person=person,
        kind=kind,
        host=row.host,
        key=_typed(text, kind),
        account_id=row.account_id,
        data=data,
        expires_at=moment(row.expires_at),
    )


def _typed(text: Secret | None, kind: ContextKind[Key]) -> Key:
    if (text is None) != (kind.key_type is None):
        raise Unsealable
    key_type: Any = kind.key_type
    key: Any = None if text is None else text.as_kind(key_type)
    return key  # type: ignore[no-any-return]


def _decode_data(plain: bytes) -> dict[str, str]:
    try:
        data: dict[str, str] = json.loads(plain)
    except ValueError:
        raise Unsealable from None  # its text would be part of the original error
    return data


def _binding(column: str, person: Person, host: str, row_id: str) -> Binding:
    return Binding.of(bound_names.BUTTON_CONTEXTS, column, person, host, row_id)
