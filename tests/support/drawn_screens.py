"""Writes down all windows, Home tabs and messages that the bot or a test draws, with language and texts of the catalogue.

Together with every_language.py, which draws all of them in every language, the file has what any reader may see. An error
at a field, and a piece that a test turns into English, is written down as a message.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from bot.language import Language
from bot.screen import localization
from bot.screen.parts import Message, Text
from bot.screen.pieces import Phrase, Piece
from bot.slack import answers, blocks

FILE = "OTS_TEST_DRAWN_SCREENS"  # the variable with the name of the file; one JSON object on a line
LONGEST = "OTS_TEST_DRAWN_LONGEST"  # set: what is drawn with the longest values is kept too, which nobody reads
_FILLED = "W" * 12  # every_language.py fills values like this to test Slack's limits

Draw = Callable[[Any, Language], dict[str, Any]]


def keep() -> None:
    """Keep what is drawn in this process, and in the processes that are forked from it, if a file is named."""
    if FILE in os.environ:
        _Keeper(Path(os.environ[FILE])).start()


def show_pieces(*pieces: Piece) -> None:
    """Draw pieces as a message, if a file is named."""
    if FILE in os.environ:
        blocks.message(Message(Text(pieces), (Text(pieces),)), Language.EN)


class _Keeper:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._texts: set[tuple[str, str | None]] = set()  # of the screen that is being drawn
        self._written: set[int] = set()

    def start(self) -> None:
        vars(localization)["translate"] = self._noted(localization.translate)
        for name in ("message", "modal", "home"):
            vars(blocks)[name] = self._kept(getattr(blocks, name))
        vars(answers)["draw"] = _shown(vars(answers)["draw"])  # of errors at fields

    def _noted(self, translate: Callable[[Phrase, Language], str]) -> Callable[[Phrase, Language], str]:
        def translate_and_note(phrase: Phrase, language: Language) -> str:
            self._texts.add((phrase.text, phrase.context))
            return translate(phrase, language)

        return translate_and_note

    def _kept(self, draw: Draw) -> Draw:
        def draw_and_keep(screen: Any, language: Language) -> dict[str, Any]:
            self._texts.clear()
            drawn = draw(screen, language)
            if isinstance(screen, Message):
                self._write("drawn message", drawn, language)
                nameless = blocks.message_text(screen, language, hides_names=True)
                self._write("drawn message", drawn | {"text": nameless}, language)
            else:
                self._write("drawn view", {"view": drawn}, language)
            return drawn

        return draw_and_keep

    def _write(self, method: str, payload: dict[str, Any], language: Language) -> None:
        said = {"method": method, "payload": payload, "verdict": "ok", "language": language}
        line = json.dumps(said | {"texts": sorted(self._texts, key=str)})
        if hash(line) in self._written or (_FILLED in line and LONGEST not in os.environ):
            return
        self._written.add(hash(line))
        with suppress(OSError), self._path.open("a", encoding="utf-8") as file:  # a test may have made the disk full
            file.write(f"{line}\n")


def _shown(draw: Callable[..., str]) -> Callable[..., str]:
    def draw_and_show(piece: Piece, *how: Any) -> str:
        show_pieces(piece)
        return draw(piece, *how)

    return draw_and_show
