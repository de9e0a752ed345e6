"""Opens a page in the person's own browser, if there is one."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Callable, Mapping


def has_browser(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Whether there is a screen. Without one a text browser could take over the terminal."""
    return platform in ("darwin", "win32") or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def show(url: str, opener: Callable[[str], bool] = webbrowser.open) -> None:
    """Open the page without waiting: some browsers return only when they are closed."""
    threading.Thread(target=opener, args=(url,), daemon=True).start()
