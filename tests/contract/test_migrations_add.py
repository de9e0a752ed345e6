"""Since schema 0024 a migration only adds, so that processes of the version before go on working beside the new ones."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.readme import ROOT

LAST_THAT_MIGHT = "0024"
# What takes something away from the code of before, or makes its statements fail.
TAKES_AWAY = frozenset({"drop_table", "drop_column", "rename_table", "alter_column", "drop_constraint"})
ADDS_A_COLUMN = "add_column"


def breaks(tree: ast.AST) -> Iterator[str]:
    """The calls in `upgrade` that code of before would notice."""
    upgrades = (one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef) and one.name != "downgrade")
    for call in (node for function in upgrades for node in ast.walk(function) if isinstance(node, ast.Call)):
        name = getattr(call.func, "attr", "")
        if name in TAKES_AWAY:
            yield f"line {call.lineno}: {name}"
        if name == ADDS_A_COLUMN:
            given = {
                word.arg: word.value for one in ast.walk(call) if isinstance(one, ast.Call) for word in one.keywords
            }
            empty = given.get("nullable")
            is_required = isinstance(empty, ast.Constant) and empty.value is False
            if is_required and "server_default" not in given:
                yield f"line {call.lineno}: a column that has to have a value, and no value for rows of before"


def test_a_migration_since_then_only_adds():
    files = sorted((ROOT / "migrations" / "versions").glob("*.py"))
    later = [file for file in files if file.name[:4] > LAST_THAT_MIGHT]

    found = {file.name: list(breaks(ast.parse(file.read_text()))) for file in later}

    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line",
    [
        "op.drop_column('accounts', 'token')",
        "op.rename_table('accounts', 'logins')",
        "batch.alter_column('token', new_column_name='secret')",
        "op.add_column('accounts', sa.Column('n', sa.Integer(), nullable=False))",
    ],
)
def test_a_migration_that_takes_away_would_be_found(line):
    assert list(breaks(ast.parse(f"def upgrade():\n    {line}\n")))


@pytest.mark.parametrize(
    "line",
    [
        "op.create_table('more', sa.Column('id', sa.String(22), nullable=False))",
        "op.add_column('accounts', sa.Column('n', sa.Integer(), nullable=True))",
        "op.add_column('accounts', sa.Column('n', sa.Integer(), nullable=False, server_default='0'))",
    ],
)
def test_a_migration_that_adds_is_none_of_them(line):
    assert list(breaks(ast.parse(f"def upgrade():\n    {line}\n"))) == []
