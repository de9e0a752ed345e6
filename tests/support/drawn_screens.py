"""Lets the bot write down every window and message that it draws, with its language.

Together with every_language.py, which draws all of them in every language, the file has what any reader may see.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from bot.language import Language
from bot.slack import blocks

FILE = "OTS_TEST_DRAWN_SCREENS"  # the variable with the name of the file; one JSON object on a line
_FILLED = "W" * 12  # every_language.py fills values like this to test Slack's limits; nobody reads such a text


def keep() -> None:
    """Keep what is drawn in this process, and in the processes that are forked from it, if a file is named."""
    if FILE in os.environ:
        for kind in ("message", "modal"):
            vars(blocks)[kind] = _kept(kind, getattr(blocks, kind), Path(os.environ[FILE]))


def _kept(kind: str, draw: Callable[[Any, Language], Any], path: Path) -> Callable[[Any, Language], Any]:
    def draw_and_keep(screen: Any, language: Language) -> Any:
        drawn = draw(screen, language)
        payload = drawn if kind == "message" else {"view": drawn}
        line = json.dumps({"method": f"drawn {kind}", "payload": payload, "verdict": "ok", "language": language})
        if _FILLED not in line:
            with suppress(OSError), path.open("a", encoding="utf-8") as file:  # a test may have made the disk full
                file.write(f"{line}\n")
        return drawn

    return draw_and_keep
