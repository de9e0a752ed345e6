"""What the audit can say has words for people."""

from bot.features import FEATURES, Registry
from bot.features.activity.words import ACTS, OUTCOMES
from bot.interaction.feature import UNKNOWN_VERB, Kind, Outcome
from bot.storage.audit.entry import ERASED, MAX_ACT, MAX_OUTCOME
from tests.support.rows import each_row


def test_every_feature_and_every_outcome_has_words():
    assert {feature.name for feature in FEATURES} | {UNKNOWN_VERB, ERASED, "seen", "notification"} <= ACTS.keys()
    assert set(Outcome) <= OUTCOMES.keys()


def test_a_name_fits_into_its_column():
    assert max(map(len, ACTS)) <= MAX_ACT
    assert max(map(len, OUTCOMES)) <= MAX_OUTCOME


@each_row(("kind", "name"), list(Registry().handlers))
def test_every_handler_belongs_to_a_feature(kind, name):
    assert Registry().feature_of(kind, name) in ACTS


def test_a_verb_of_words_belongs_to_a_feature():
    assert Registry().feature_of(Kind.COMMAND, "help") == "help"
