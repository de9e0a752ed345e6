"""Draws whatever a bot shows in a test run in every language too, with the longest values, and finds what is cut or misnamed.

So each window, Home tab and message that any test opens is held against Slack's limits in all languages. `fork_server.py` starts
this in every bot that it forks; `tests/conftest.py` looks at what was found after each test.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.language import Language
from bot.screen.parts import MAX_FACT
from bot.screen.pieces import Duration, HostName, Listing, Plain, When
from bot.slack import blocks, texts

FOUND = "OTS_TEST_CUT_TEXTS"  # the variable of the fork server with the file for what is found

LONGEST_HOST = "secrets.intranet.example.com:8443"
LONGEST_MOMENT = datetime(2026, 9, 30, 22, 38, tzinfo=UTC)  # September is long in German, and two digits are
LONGEST_DURATION = 364 * 86_400 + 23 * 3_600


def with_longest_values(value: Any) -> Any:  # noqa: PLR0911 - one for each kind
    """The same screen, part or piece with values that take as much room as any can."""
    match value:
        case Plain():
            return replace(value, text="W" * value.max_length)
        case HostName():
            return HostName(LONGEST_HOST)
        case When():
            return replace(value, at=LONGEST_MOMENT)
        case Duration():
            return Duration(LONGEST_DURATION)
        case Listing():
            return value  # it is of any length
        case tuple():
            return tuple(map(with_longest_values, value))
        case _ if is_dataclass(value) and not isinstance(value, type):
            changed = {one.name: with_longest_values(getattr(value, one.name)) for one in fields(value)}
            return replace(value, **changed)
        case _:
            return value


def find_flaws(draw: Callable[[Any, Language], Any], screen: Any) -> list[str]:
    """Labels, titles, hints and questions that Slack has no room for, and buttons read aloud by other words, in any language."""
    found: list[str] = []
    cut = texts.cut

    def note(text: str, max_length: int) -> str:
        if len(text) > max_length and max_length <= MAX_FACT:
            found.append(f"{language}, {len(text)} of {max_length}: {text}")
        return cut(text, max_length)

    vars(texts)["cut"] = vars(blocks)["cut"] = note
    try:
        for language in Language:
            found += (f"{language}, read aloud: {one}" for one in _renamed_buttons(draw(screen, language)))
            draw(with_longest_values(screen), language)
    finally:
        vars(texts)["cut"] = vars(blocks)["cut"] = cut
    return found


def _renamed_buttons(drawn: Any) -> Iterator[str]:
    """Buttons that screen readers call otherwise than they are labelled: voice control finds a button by its label."""
    if isinstance(drawn, list):
        for one in drawn:
            yield from _renamed_buttons(one)
    elif isinstance(drawn, dict):
        if drawn.get("type") == "button" and "accessibility_label" in drawn:
            label, spoken = drawn["text"]["text"], drawn["accessibility_label"]
            if label.rstrip("… ").casefold() not in spoken.casefold():
                yield f"{label!r} as {spoken!r}"
        for one in drawn.values():
            yield from _renamed_buttons(one)


def watch() -> None:
    """From now on, whatever this process draws is drawn in every language."""
    path = os.environ.get(FOUND)
    if path is not None:
        watch_into(Path(path))


def watch_into(path: Path) -> None:
    """Write what is cut into this file, from now on."""
    for name in ("message", "modal", "home"):
        vars(blocks)[name] = _watched(getattr(blocks, name), path)


def _watched(draw: Callable[[Any, Language], Any], path: Path) -> Callable[[Any, Language], Any]:
    def draw_and_look(screen: Any, language: Language) -> Any:
        if found := find_flaws(draw, screen):
            with path.open("a") as file:
                file.write("".join(f"{one}\n" for one in found))
        return draw(screen, language)

    return draw_and_look
