"""What the bot can do. To add a verb, add a file here and a line in `FEATURES`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from bot.features import (
    accounts,
    activity,
    burn,
    check_link,
    connect,
    generate,
    help,  # noqa: A004 - the verb
    home,
    leaving,
    left_people,
    link,
    make_link,
    metadata,
    policy,
    recent,
    request,
    retrieve,
    settings,
    share,
    track,
    unfurl,
)
from bot.interaction.commands import RUN
from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply, Verb
from bot.interaction.owners import own_names
from bot.interaction.parsed_text import ParsedText, first_word

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

FEATURES: tuple[Feature, ...] = (
    retrieve.FEATURE,
    share.FEATURE,
    generate.FEATURE,
    request.FEATURE,
    metadata.FEATURE,
    burn.FEATURE,
    recent.FEATURE,
    track.FEATURE,
    settings.FEATURE,
    policy.FEATURE,
    connect.FEATURE,
    accounts.FEATURE,
    link.FEATURE,
    check_link.FEATURE,
    make_link.FEATURE,
    unfurl.FEATURE,
    help.FEATURE,
    home.FEATURE,
    leaving.FEATURE,
    left_people.FEATURE,
    activity.FEATURE,
)


class Registry:
    """All handlers, by the kind and the name of an interaction.

    Raises `ValueError` for a name that two features claim.
    """

    def __init__(self, features: Iterable[Feature] = FEATURES) -> None:
        features = tuple(features)
        self.verbs: tuple[Verb, ...] = tuple(verb for feature in features for verb in feature.verbs)
        self.recoveries = tuple(feature.recover for feature in features if feature.recover)
        runs = {(Kind.ACTION, RUN + verb.name): _run_as_button(verb, self.verbs) for verb in self.verbs}
        self.handlers: Mapping[tuple[Kind, str], Handler[Any]] = _join_unique([*map(_handlers_of, features), runs])
        features_of = {key: feature.name for feature in features for key in _handlers_of(feature)}
        words_of = {(Kind.COMMAND, verb.name): feature.name for feature in features for verb in feature.verbs}
        runs_of = {(Kind.ACTION, RUN + verb): name for (_, verb), name in words_of.items()}
        self._features: Mapping[tuple[Kind, str], str] = features_of | words_of | runs_of
        self.resumes = _join_unique(feature.resumes for feature in features)
        self._by_word = _join_unique(dict.fromkeys((verb.name, *verb.aliases), verb) for verb in self.verbs)

    def find(self, kind: Kind, name: str) -> Handler[Any] | None:
        return self.handlers.get((kind, name))

    def feature_of(self, kind: Kind, name: str) -> str | None:
        """The name of the feature that handles this."""
        return self._features.get((kind, name))

    def names(self, kind: Kind) -> frozenset[str]:
        return frozenset(name for one, name in self.handlers if one is kind)

    def read(self, text: str) -> tuple[Verb | None, str]:
        """The verb of a command line and the text after it; None and the whole line if it has no verb."""
        first, rest = first_word(text)
        verb = self._by_word.get(first or "start")
        return (verb, rest) if verb else (None, text.strip())


def _run_as_button(verb: Verb, verbs: tuple[Verb, ...]) -> Handler[ParsedText]:
    """The verb as a button that runs it."""

    async def run(interaction: Interaction, names: ParsedText) -> Reply:
        if verb.handler is None:
            assert verb.words is not None
            return Reply(verb.words(verbs), Outcome.SHOWN)
        return await verb.handler.run(replace(interaction, text=names), None)

    if verb.handler is None:
        return Handler(run, own_names)
    return Handler(run, own_names, opens_window=verb.handler.opens_window, rule=verb.handler.rule)


def _handlers_of(feature: Feature) -> dict[tuple[Kind, str], Handler[Any]]:
    named = {(kind, name): handler for kind, by_name in feature.handlers.items() for name, handler in by_name.items()}
    return _join_unique([named, {(Kind.COMMAND, verb.name): verb.handler for verb in feature.verbs if verb.handler}])


def _join_unique(parts: Iterable[Mapping[_Key, _Value]]) -> dict[_Key, _Value]:
    joined: dict[_Key, _Value] = {}
    for part in parts:
        if both := joined.keys() & part.keys():
            raise ValueError(f"claimed twice: {sorted(map(str, both))}")
        joined |= part
    return joined
