"""The dashboard and the alert rules are about series that the bot has, and every alert fires."""

import json
import re
import shutil
import subprocess

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bot.metrics import Metrics, StoredFigures
from tests.readme import ROOT
from tests.support.postgres import fail_or_skip

DEPLOY = ROOT / "docs" / "deploy"
RULES = DEPLOY / "alerts.yml"
OF_PROMETHEUS = {"up": {"job", "instance"}}  # its own series
ADDED = {"le", "instance", "job"}  # labels that histograms have, and that a scrape adds


@pytest.fixture(scope="module")
def series():
    """Every series of the bot, with its labels."""
    made = Metrics()
    for count in (
        lambda: made.ack("command", 0.1), lambda: made.act("command", "done"), lambda: made.reveal("opened"),
        lambda: made.slack_call("auth.test", "ok", 0.1), lambda: made.onetime_call("share", "ok", 0.1),
        lambda: made.notification("sent"), lambda: made.denial("limit"),
    ):  # fmt: skip
        count()
    text = made.expose(StoredFigures(0, 0, 0.0, {"k1": 1})).decode()
    found = dict(OF_PROMETHEUS)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def expressions():
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    board = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
    return [rule["expr"] for rule in rules] + [one["expr"] for panel in board["panels"] for one in panel["targets"]]


def parts_of(expression):
    """The series of an expression, each with the labels that it names, and the labels that the expression joins by."""
    selectors = re.findall(r"\b((?:ots_bot_[a-z_]+|up))\b(?:\{([^}]*)\})?", expression)
    named = {name: set(re.findall(r"([a-z_]+)\s*=", labels)) for name, labels in selectors}
    joined = {one.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for one in group.split(",")}
    return named, joined


@pytest.mark.parametrize("expression", expressions())
def test_every_series_and_label_exists(series, expression):
    named, joined = parts_of(expression)
    assert named
    for name, labels in named.items():
        assert name in series, name
        assert labels <= series[name] | ADDED
        assert joined <= series[name] | ADDED


def test_a_series_that_does_not_exist_is_found(series):
    named, joined = parts_of('sum by (person) (rate(ots_bot_acts_total{team="T1"}[5m]))')
    assert (named, joined) == ({"ots_bot_acts_total": {"team"}}, {"person"})
    assert not {"team", "person"} & (series["ots_bot_acts_total"] | ADDED)


@pytest.mark.parametrize(
    "arguments", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")], ids=" ".join
)
def test_prometheus_takes_the_rules_and_fires_each(arguments):
    promtool = shutil.which("promtool")
    if promtool is None:
        fail_or_skip("promtool is missing (the package prometheus)")
        return
    done = subprocess.run([promtool, *arguments], cwd=DEPLOY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_fired_by_the_test_and_explained_in_the_documents():
    names = {rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}
    fired = set(re.findall(r'alertname="(\w+)"', (DEPLOY / "alerts_test.yml").read_text()))
    told = set(re.findall(r"^\| `(OtsBot\w+)` \|", (ROOT / "docs/operations.md").read_text(), re.MULTILINE))
    assert names == fired == told


def test_the_documents_have_every_metric(series):
    told = re.findall(
        r"^\| `(ots_bot_\w+)` \|[^|]*\|([^|]*)\|", (ROOT / "docs/operations.md").read_text(), re.MULTILINE
    )
    in_code = {
        re.sub(r"_(bucket|count|sum)$", "", name): labels - ADDED
        for name, labels in series.items()
        if name.startswith("ots_bot_")
    }
    assert {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in told} == in_code
