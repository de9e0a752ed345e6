"""The benchmarks run and print ratios. What they measure is not tested: it would be another figure each time."""

import base64
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.onetime.wire import read_entries
from tests.benchmarks.load import Job, prepare
from tests.benchmarks.measure import Goal, percentile
from tests.benchmarks.watch import people
from tests.benchmarks.watch.host import Answers
from tests.benchmarks.watch.readers import simulate

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
GOAL = re.compile(r"^(?:met|MISSED) +(.+): -?\d+\.\d{3} \(goal: at (?:most|least) \d+\.\d{3}\)$", re.MULTILINE)


def quick(*names: str) -> tuple[list[str], subprocess.CompletedProcess[str]]:
    """What a benchmark has goals for, and how it went."""
    command = [sys.executable, "-m", "tests.benchmarks", *names, "--quick"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    return GOAL.findall(done.stdout), done


@pytest.mark.parametrize(
    ("name", "ratios"),
    [("ack", 3), ("audit", 2), ("door", 3), ("home", 2), ("ids", 2), ("links", 2), ("metrics", 2), ("start", 4)],
)
def test_a_benchmark_prints_its_ratios(name, ratios):
    goals, done = quick(name)

    assert len([goal for goal in goals if " / " in goal]) == ratios, done.stderr
    assert done.returncode == int("MISSED" in done.stdout), done.stderr


def test_every_part_of_the_watch_benchmark_runs():
    goals, done = quick("watch", "a", "b", "c", "d")

    assert [goal[:3] for goal in goals if "PostgreSQL" not in goal] == [
        *(["(a)"] * 2),
        *(["(b)"] * 2),
        "(c)",
        *(["(d)"] * 8),
    ], done.stderr
    assert done.returncode == int("MISSED" in done.stdout), done.stderr


@pytest.mark.parametrize("name", ["webs", "workspaces"])
def test_a_benchmark_of_several_processes_prints_its_ratios_where_postgresql_is_installed(name):
    goals, done = quick(name)

    assert len(goals) >= 2 or "nothing is measured" in done.stdout, done.stderr
    assert done.returncode == int("MISSED" in done.stdout), done.stderr


def test_only_the_watch_benchmark_has_parts():
    goals, done = quick("ack", "a")

    assert goals == []
    assert done.returncode == 2


def test_the_load_server_lists_each_secret_of_an_account_once():
    credentials = base64.b64encode(f"{people.username(7)}:{people.TOKEN}".encode())
    request = b"GET /api/v1/private/recent HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %b" % credentials
    _, answer = Answers(each=5).to(request)

    entries = read_entries(200, {}, answer.partition(b"\r\n\r\n")[2])

    assert [entry.find_key().reveal() for entry in entries] == [people.key(7, number) for number in range(5)]
    assert all(entry.says_open() for entry in entries)


def test_the_load_server_says_received_only_of_those_that_were():
    answers = Answers(each=3)
    answers.to(b"GET /bench/received/8 HTTP/1.1")
    asked = [people.key(7, 0), people.key(7, 1), people.key(8, 0)]

    said = [answers.to(f"GET /api/v1/private/{key} HTTP/1.1".encode())[1] for key in asked]

    assert [b'"state":"received"' in answer for answer in said] == [True, False, False]


def test_a_schedule_that_looks_more_often_brings_the_news_sooner():
    def every(seconds):
        def look(ages, _every, _ends):
            return seconds if ages else None

        return simulate(random.Random(1), look, accounts=100, each=1, median=600.0)

    often, seldom = every(10.0), every(100.0)

    assert max(often.delays) <= 12.0
    assert 40.0 < percentile(seldom.delays, 50) <= 60.0
    assert often.calls > 5 * seldom.calls


def test_a_read_secret_is_news_once_and_one_that_is_not_read_is_none():
    def look(ages, _every, _ends):
        return 60.0 if ages else None

    found = simulate(random.Random(1), look, accounts=20, each=5, median=600.0)
    unread = simulate(random.Random(1), look, accounts=2, each=1, median=1e12)

    assert found.secrets == len(found.delays) == 100
    assert unread.delays == []


def test_the_requests_are_of_all_workspaces_in_turns():
    job = Job(3000, "signing-secret", ["T1", "T2"], in_flight=1, count=5, seconds=1)

    teams = [re.search(rb"team_id=(\w+)", request).group(1) for request in prepare(job)]

    assert teams == [b"T1", b"T2", b"T1", b"T2", b"T1"]


def test_no_request_is_a_replay_of_another():
    job = Job(3000, "signing-secret", ["T0SANDBOX0"], in_flight=1, count=50, seconds=1)

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
