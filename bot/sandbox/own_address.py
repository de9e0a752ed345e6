"""Protects the servers on loopback from other sites in the same browser.

Another site can send requests to loopback, and by DNS rebinding even under its own name. So the Host header must be
our own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

NextHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def require_own_host(request: web.Request) -> None:
    """Raises `HTTPForbidden` unless the Host header is one that a browser sends to this server itself."""
    if request.host not in _own_hosts(request):
        raise web.HTTPForbidden(text="This server answers only under its own address on this machine.")


def require_own_origin(request: web.Request) -> None:
    """Raises `HTTPForbidden` for a request that another site made. A program sends none of these headers.

    A link that a person follows from another page is allowed: its `Sec-Fetch-Mode` is “navigate”.
    """
    origin = request.headers.get(hdrs.ORIGIN)
    is_followed = request.headers.get("Sec-Fetch-Mode") == "navigate" and request.method == hdrs.METH_GET
    is_foreign = request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") and not is_followed
    if is_foreign or origin not in (None, f"http://{request.host}"):
        raise web.HTTPForbidden(text="Another site cannot act here.")


@web.middleware
async def refuse_other_sites(request: web.Request, handler: NextHandler) -> web.StreamResponse:
    require_own_host(request)
    require_own_origin(request)
    return await handler(request)


def _own_hosts(request: web.Request) -> set[str]:
    """The values of Host that a browser sends to this server. A browser leaves port 80 out."""
    port = request.transport.get_extra_info("sockname")[1] if request.transport else 0
    names = ("127.0.0.1", "localhost")
    return {f"{name}:{port}" for name in names} | (set(names) if port == 80 else set())
