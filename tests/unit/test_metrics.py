"""What is counted: labels are bounded, and a database that is away takes nothing else with it."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot import metrics
from bot.interaction.feature import Kind, Outcome
from bot.metrics import Metrics, StoredFigures

ROOT = Path(__file__).resolve().parents[2]


def samples(made, figures=None):
    families = text_string_to_metric_families(made.expose(figures).decode())
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


@pytest.mark.parametrize(("known", "enum"), [(metrics.KINDS, Kind), (metrics.OUTCOMES, Outcome)])
def test_the_labels_are_the_words_of_the_bot(known, enum):
    assert known == {str(one) for one in enum}


def test_every_method_of_slack_that_is_called_has_its_label():
    source = (ROOT / "bot/slack/web.py").read_text()
    called = set(
        re.findall(r'(?:_call|_call_within_limits|_translate|_pick)\(\s*"([a-zA-Z.0-9]+\.[a-zA-Z.0-9]+)"', source)
    )
    assert called <= metrics.SLACK_METHODS
    assert len(called) > 10


def test_every_operation_of_onetime_secret_has_its_label():
    source = (ROOT / "bot/onetime/wire/requests.py").read_text()
    operations = set(re.findall(r'operation="([a-z_]+)"|ApiRequest\(\s*"([a-z_]+)"', source))
    named = {one or other for one, other in operations}
    assert named
    assert named <= metrics.ONETIME_OPERATIONS


@pytest.mark.parametrize(
    ("count", "series"),
    [
        (lambda made, odd: made.ack(odd, 0.1), "ots_bot_acks_seconds_count"),
        (lambda made, odd: made.act(odd, odd), "ots_bot_acts_total"),
        (lambda made, odd: made.slack_call(odd, odd, 0.1), "ots_bot_slack_calls_seconds_count"),
        (lambda made, odd: made.onetime_call(odd, odd, 0.1), "ots_bot_onetime_calls_seconds_count"),
        (lambda made, odd: made.notification(odd), "ots_bot_notifications_total"),
        (lambda made, odd: made.reveal(odd), "ots_bot_reveals_total"),
        (lambda made, odd: made.denial(odd), "ots_bot_denials_total"),
    ],
    ids=["ack", "act", "Slack", "Onetime Secret", "notification", "reveal", "denial"],
)
def test_a_label_that_nobody_knows_is_other(count, series):
    made = Metrics()
    for number in range(100):
        count(made, f"U0{number}")

    found = {name: value for name, value in samples(made).items() if name[0] == series}
    assert [(set(name[1:]), value) for name, value in found.items()] == [({"other"}, 100.0)]


def test_what_the_database_knows_is_left_out_while_it_is_away():
    made = Metrics()
    made.reveal_lost()
    known = samples(made, StoredFigures(3, 1, 4.5, {"k1": 7, "k2": 2}))
    assert (known["ots_bot_key_rows", "k1"], known["ots_bot_key_rows", "k2"]) == (7, 2)
    assert (known["ots_bot_notifications_due",], known["ots_bot_watch_lag_seconds",]) == (3, 4.5)
    assert known["ots_bot_database_up",] == 1

    later = samples(made)
    assert (later["ots_bot_database_up",], later["ots_bot_reveal_lost_reported_total",]) == (0, 1)
    assert samples(made, StoredFigures(0, 0, 0.0, {"k2": 2})).get(("ots_bot_key_rows", "k1")) is None
