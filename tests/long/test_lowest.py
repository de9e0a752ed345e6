"""The lowest versions that pyproject.toml allows, which `python -m tests.long lowest` installs and tests."""

import tomllib

import pytest

from tests.long.lowest import find_lowest
from tests.readme import ROOT

LINES = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]


@pytest.mark.parametrize(
    ("line", "lowest"),
    [("aiohttp>=3.14", "aiohttp==3.14"), ("psycopg[binary]>=3.3,<4", "psycopg[binary]==3.3")],
)
def test_the_lowest_version_of_a_line_is_taken(line, lowest):
    assert find_lowest(line) == lowest


def test_every_dependency_says_its_lowest_version():
    assert len([find_lowest(line) for line in LINES]) == len(LINES)
