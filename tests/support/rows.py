"""A table of cheap cases in one test, instead of hundreds of parametrized tests."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

LONGEST = 100  # characters of a row's name
Table = list[tuple[str, dict[str, Any]]]  # the name of a row, and its values by argument


def each_row(names: str | tuple[str, ...], rows: Iterable[Any], *, ids: Any = None) -> Callable[[Any], Any]:
    """Takes what `pytest.mark.parametrize` takes, and runs the test for each row within one test.

    Each row that fails is reported as a subtest with the row's name; the rows after it still run. Rows share the
    fixtures of the test, so this is for tests that leave nothing behind. Two tables on one test give all combinations.
    Raises `ValueError` for an empty table.
    """
    split = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    table = _table(split, list(rows), ids)

    def decorate(test: Any) -> Any:
        inner, more = getattr(test, "_each_row", (test, [("", {})]))
        product = [(f"{one}-{name}".strip("-"), one_row | row) for one, one_row in more for name, row in table]
        return _for_each(inner, product)

    return decorate


@contextmanager
def one_row(subtests: pytest.Subtests, name: str) -> Iterator[None]:
    """Reports the row as a subtest if it fails. Reporting a row that passes would take longer than most rows."""
    try:
        yield
    except (Exception, pytest.fail.Exception, pytest.skip.Exception):
        with subtests.test(name):
            raise


def _for_each(test: Any, table: Table) -> Any:
    if inspect.iscoroutinefunction(test):

        @functools.wraps(test)
        async def every(*, subtests: pytest.Subtests, **fixtures: Any) -> None:
            for name, row in table:
                with one_row(subtests, name):
                    await test(**fixtures, **row)
    else:

        @functools.wraps(test)
        def every(*, subtests: pytest.Subtests, **fixtures: Any) -> None:
            for name, row in table:
                with one_row(subtests, name):
                    test(**fixtures, **row)

    every._each_row = test, table  # type: ignore[attr-defined]
    fixtures = [one for one in inspect.signature(test).parameters.values() if one.name not in table[0][1]]
    given = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in fixtures]
    wants = inspect.Parameter("subtests", inspect.Parameter.KEYWORD_ONLY)
    every.__signature__ = inspect.Signature([*given, wants])  # type: ignore[attr-defined]
    return every


def _table(names: list[str], rows: list[Any], ids: Any) -> Table:
    if not rows:
        raise ValueError("a table without rows tests nothing")
    named = None if ids is None or callable(ids) else [str(one) for one in ids]
    if named is not None and len(named) != len(rows):
        raise ValueError(f"{len(named)} names for {len(rows)} rows")
    table = []
    for number, row in enumerate(rows):
        is_param = hasattr(row, "values") and hasattr(row, "marks")
        values = tuple(row.values) if is_param else (row,) if len(names) == 1 else tuple(row)
        if is_param and row.id is not None:
            name = str(row.id)
        elif named is not None:
            name = named[number]
        else:
            name = "-".join(str((ids or repr)(value)) for value in values)
        table.append((name[:LONGEST], dict(zip(names, values, strict=True))))
    return table
