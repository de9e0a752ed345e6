"""`each_row` runs every row of a table in one test, and names those that fail."""

import inspect
from contextlib import contextmanager, suppress

import pytest

from tests.support.rows import each_row


class Reported(list[str]):
    """In the place of pytest's own `subtests`: the names of what failed."""

    @contextmanager
    def test(self, name):
        with suppress(AssertionError):
            yield
            return
        self.append(name)


def test_every_row_runs_and_those_that_fail_are_named():
    seen, reported = [], Reported()

    @each_row(("one", "other"), [(1, 1), pytest.param(1, 2, id="apart"), (2, 2), (3, 4)])
    def compare(one, other):
        seen.append((one, other))
        assert one == other

    compare(subtests=reported)

    assert seen == [(1, 1), (1, 2), (2, 2), (3, 4)]
    assert reported == ["apart", "3-4"]


async def test_a_test_that_awaits_is_awaited():
    reported = Reported()

    @each_row("one", [1, 2], ids=["first", "second"])
    async def is_one(one):
        assert one == 1

    await is_one(subtests=reported)

    assert reported == ["second"]


def test_two_tables_are_multiplied():
    reported = Reported()

    @each_row("one", ["a", "b"], ids=str)
    @each_row("other", ["a", "b"], ids=str)
    def differ(one, other):
        assert one != other

    differ(subtests=reported)

    assert reported == ["a-a", "b-b"]


def test_fixtures_are_those_of_the_test_without_its_rows():
    @each_row("one", [1])
    def uses(one, tmp_path):
        """Uses both."""

    assert list(inspect.signature(uses).parameters) == ["tmp_path", "subtests"]


def test_a_table_without_rows_is_refused():
    with pytest.raises(ValueError, match="tests nothing"):
        each_row("one", [])
