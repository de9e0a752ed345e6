"""The settings of the page: its language, its colours, and the steps of the first round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

PageLanguage = Literal["en", "de", "fr"]
Locale = Literal["en-GB", "de-DE", "fr-FR"]
Theme = Literal["neutral", "paper"]
Texts = dict[PageLanguage, str]

LOCALES: dict[PageLanguage, Locale] = {"en": "en-GB", "de": "de-DE", "fr": "fr-FR"}


@dataclass(frozen=True, slots=True)
class RoundOffer:
    """A button of a step: be `person`, go to `place` ("app": the conversation with the app), and write `write`."""

    labels: Texts
    person: str
    place: str
    write: str = ""


@dataclass(frozen=True, slots=True)
class RoundStep:
    """A step of the first round. It is over once `event` has happened to `person`.

    The events: the window with the callback id `window` is open, a `message` of the app came, a secret was `opened` by
    anybody after such a message, the person is `reading` the conversation with the app. A step without an event is the
    last one.
    """

    texts: Texts
    event: Literal["window", "message", "opened", "reading", ""] = ""
    person: str = ""
    window: str = ""
    offers: Sequence[RoundOffer] = ()


@dataclass(slots=True)
class PageSettings:
    """What a person can set on the page. Every change calls `on_change`."""

    round: Sequence[RoundStep] = ()
    language: PageLanguage = "en"
    theme: Theme = "neutral"
    on_change: Callable[[], None] = field(default=lambda: None, repr=False)

    def set_language(self, language: PageLanguage) -> None:
        self.language = language
        self.on_change()

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.on_change()

    def serialize(self) -> dict[str, Any]:
        """The settings as the page gets them."""
        return {"language": self.language, "theme": self.theme, "round": [_step(one) for one in self.round]}


def _step(step: RoundStep) -> dict[str, Any]:
    offers = [
        {"labels": one.labels, "person": one.person, "place": one.place, "write": one.write} for one in step.offers
    ]
    until = {"event": step.event, "person": step.person, "window": step.window}
    return {"texts": step.texts, "until": until, "offers": offers}
