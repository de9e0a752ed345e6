"""The benchmarks run and print ratios. What they measure is not tested: it would be another figure each time."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.load import Job, prepare
from tests.benchmarks.measure import Goal, percentile

ROOT = Path(__file__).resolve().parents[2]
RATIO = re.compile(r"^(met|MISSED) .+ / .+: \d+\.\d{3} \(goal: at (most|least) \d+\.\d{3}\)$", re.MULTILINE)


@pytest.mark.parametrize(("name", "ratios"), [("ack", 3), ("start", 4)])
def test_a_benchmark_prints_its_ratios(name, ratios):
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", name, "--quick"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )

    assert len(RATIO.findall(done.stdout)) == ratios, done.stderr
    assert done.returncode == int("MISSED" in done.stdout), done.stderr


def test_no_request_is_a_replay_of_another():
    job = Job(3000, "signing-secret", "T0SANDBOX0", in_flight=1, count=50, seconds=1)

    triggers = [re.search(rb"trigger_id=(\S+)", request).group(1) for run in range(2) for request in prepare(job)]

    assert len(set(triggers)) == 100


@pytest.mark.parametrize(
    ("bound", "ratio", "is_met"),
    [("at most", 1.3, True), ("at most", 1.31, False), ("at least", 0.8, True), ("at least", 0.79, False)],
)
def test_a_goal_is_met_on_its_own_side(bound, ratio, is_met):
    goal = Goal("ours / theirs", ratio, bound, 1.3 if bound == "at most" else 0.8)

    assert goal.is_met is is_met


def test_a_percentile_is_one_of_the_values():
    values = [float(n) for n in range(1, 101)]

    assert (percentile(values, 50), percentile(values, 99), percentile([7.0], 99)) == (50.0, 99.0, 7.0)
