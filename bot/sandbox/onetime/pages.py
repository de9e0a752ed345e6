"""The page that a browser gets for a link. A GET of a link, also by a link preview, changes nothing."""

from __future__ import annotations

from bot.sandbox.onetime.exchange import ServerResponse

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="robots" content="noindex">
<title>Onetime Secret (emulated)</title>
<p>Viewing this does not open it</p>
</html>
"""


def page() -> ServerResponse:
    return ServerResponse(200, _PAGE.encode(), "text/html; charset=utf-8", {"cache-control": "no-store"})
