"""What the bot can do. A new verb is a file here and its line in `FEATURES`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.features import (
    accounts,
    burn,
    connect,
    generate,
    help,  # noqa: A004 - the verb
    link,
    metadata,
    recent,
    request,
    retrieve,
    settings,
    share,
    track,
)
from bot.interaction.feature import Feature, Handler, Verb

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
    connect.FEATURE,
    accounts.FEATURE,
    link.FEATURE,
    help.FEATURE,
)


class Registry:
    """All features by what reaches them. Two that claim the same name are refused at the start."""

    def __init__(self, features: Iterable[Feature] = FEATURES) -> None:
        features = tuple(features)
        self.verbs: tuple[Verb, ...] = tuple(verb for feature in features for verb in feature.verbs)
        self._by_word = _join_unique(dict.fromkeys((verb.name, *verb.aliases), verb) for verb in self.verbs)
        self.actions: Mapping[str, Handler[Any]] = _join_unique(feature.actions for feature in features)
        self.forms: Mapping[str, Handler[Any]] = _join_unique(feature.forms for feature in features)
        self.recoveries = tuple(feature.recover for feature in features if feature.recover)
        self.closed: Mapping[str, Handler[Any]] = _join_unique(feature.closed for feature in features)

    def read(self, text: str) -> tuple[Verb | None, str]:
        """The verb of a command line and what stands behind it; no verb, and all of it, where it has none."""
        first, *rest = text.split(maxsplit=1) or ["help"]
        verb = self._by_word.get(first.lower())
        return (verb, "".join(rest).strip()) if verb else (None, text.strip())


def _join_unique(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for part in parts:
        if both := joined.keys() & part.keys():
            raise ValueError(f"claimed twice: {sorted(both)}")
        joined |= part
    return joined
