"""Who a row is for, bound into a sealed value of its own.

Whoever can write to the database, but has no key, cannot have such a row sent to or opened by somebody else. What else
is sealed in the row is not bound to who it is for, so that code from before this opens it too.

The ids of these rows end in `_`, as no other id does, and an id is part of what is sealed. So a row whose value was
emptied is not taken for one of before, which has no such value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Row

from bot.errors import Unsealable
from bot.storage.sealing.sealer import ValueOpener, ValueSealer
from bot.storage.tables import SealedColumn, new_id

_MARK: Final = "_"


def new_bound_id() -> str:
    """An id for a row that has such a value."""
    return new_id()[: -len(_MARK)] + _MARK


def has_bound_id(column: SealedColumn) -> ColumnElement[bool]:
    """The condition that a row must have a value in this column."""
    return column.table.c.id.endswith(_MARK, autoescape=True)


def seal_audience(sealer: ValueSealer, column: SealedColumn, values: Mapping[str, Any], plain: str = "") -> bytes:
    """The value for a new row with these `values`. `plain` is sealed in it."""
    return sealer.seal(column.purpose, column.binding(values), plain.encode())


def open_audience(opener: ValueOpener, column: SealedColumn, row: Row[Any]) -> str | None:
    """What `seal_audience` sealed; None for a row of before. Raises `Unsealable` if somebody changed who it is for."""
    blob = getattr(row, column.name)
    if blob is None:
        if row.id.endswith(_MARK):
            raise Unsealable
        return None
    try:
        return opener.open(column.purpose, column.binding(row._asdict()), blob).decode()
    except ValueError:  # a part of the row was emptied
        raise Unsealable from None
