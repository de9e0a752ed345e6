"""Protects the page's server from other sites in the same browser.

Its Host header must be our own. A request that changes something must also come from our origin, as JSON, which no HTML
form can send.
"""

from __future__ import annotations

from aiohttp import hdrs, web

from bot.sandbox.own_address import NextHandler, require_own_host

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
READS = (hdrs.METH_GET, hdrs.METH_HEAD)


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


@web.middleware
async def guard(request: web.Request, handler: NextHandler) -> web.StreamResponse:
    """Refuse requests that do not come from our page. Raises `HTTPForbidden`, `HTTPUnsupportedMediaType`."""
    require_own_host(request)
    if request.method not in READS:
        _must_be_from_our_page(request)
    return await handler(request)


def _must_be_from_our_page(request: web.Request) -> None:
    if request.headers.get(hdrs.ORIGIN) != f"http://{request.host}":
        raise web.HTTPForbidden(text="Another site cannot act here.")
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        raise web.HTTPForbidden(text="Another site cannot act here.")
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Send JSON.")
