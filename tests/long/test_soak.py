"""`python -m tests.long`, and a soak of seconds: its fast clock, readers and figures. What it measures needs minutes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.long.__main__ import RUNS, main
from tests.long.fast_bot import fast
from tests.long.soak import slope, start_and_end

ROOT = Path(__file__).resolve().parents[2]


def test_what_takes_long_is_listed_without_a_name(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tests.long"])

    assert main() == 0

    listed = [line.split(maxsplit=1)[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == sorted(RUNS)


@pytest.mark.slow
def test_a_soak_tells_each_sender_whose_secret_was_opened_once():
    command = [sys.executable, "-m", "tests.long", "soak", "--quick"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)

    opened = int(re.search(r"(\d+) secrets opened", done.stdout).group(1))
    assert opened > 0, done.stderr
    assert f"{opened} times that it was told" in done.stdout
    assert len(re.findall(r"^(?:met|MISSED) ", done.stdout, re.MULTILINE)) == 4
    assert done.returncode == int("MISSED" in done.stdout), done.stderr


def test_the_fast_clock_begins_with_the_machines():
    assert fast(50.0, 1_000.0, 1_000.0) == 1_000.0
    assert fast(50.0, 1_000.0, 1_002.0) == 1_100.0


def test_the_first_quarter_is_not_counted():
    assert start_and_end([1.0, 1.0, 5.0, 5.0, 7.0, 7.0, 9.0, 9.0]) == (5.0, 9.0)


@pytest.mark.parametrize(
    ("figures", "steepness"),
    [([3.0, 3.0, 3.0], 0.0), ([1.0, 2.0, 3.0], 0.5), ([3.0], 0.0)],
    ids=["level", "rising", "one figure"],
)
def test_the_slope_is_for_each_second(figures, steepness):
    assert slope([0.0, 2.0, 4.0][: len(figures)], figures) == pytest.approx(steepness)
