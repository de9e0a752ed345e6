"""The routes of a server, and the template of each, which is safe to show: a template holds no key."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote

from bot.sandbox.onetime.versions import Version

NO_ROUTE = "(no such route)"

Operation = Literal[
    "page",
    "status",
    "authcheck",
    "share",
    "create",
    "generate",
    "secret",
    "metadata",
    "burn",
    "recent",
    "v2 status",
    "v2 recent",
    "v2 secret status",
]


Switch = Literal["receipt_routes", "v2_receipt_recent", "v2_secret_status"]


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `switch` names the field of `Version` that must be true for a version to have the route."""

    methods: frozenset[str]
    template: str
    operation: Operation
    switch: Switch | None = None

    def pattern(self) -> re.Pattern[str]:
        return re.compile(self.template.replace("{key}", "([^/]+)"))


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """The route of a request. `operation` is None if the version does not know the path or the method for it.

    `key` is percent-decoded, "" if the route has none.
    """

    template: str
    operation: Operation | None
    key: str = field(default="", repr=False)


def _route(methods: str, template: str, operation: Operation, switch: Switch | None = None) -> Route:
    return Route(frozenset(methods.split()), template, operation, switch)


# A HEAD is served wherever a GET is.
ROUTES = (
    _route("GET HEAD", "/secret/{key}", "page"),
    _route("GET HEAD", "/private/{key}", "page"),
    _route("GET HEAD", "/metadata/{key}", "page"),
    _route("GET HEAD", "/receipt/{key}", "page"),
    _route("GET HEAD", "/api/v1/status", "status"),
    _route("GET HEAD", "/api/v1/authcheck", "authcheck"),
    _route("POST", "/api/v1/share", "share"),
    _route("POST", "/api/v1/create", "create"),
    _route("POST", "/api/v1/generate", "generate"),
    _route("POST", "/api/v1/secret/{key}", "secret"),
    _route("GET HEAD", "/api/v1/private/recent", "recent"),
    _route("GET HEAD", "/api/v1/metadata/recent", "recent"),
    _route("GET HEAD", "/api/v1/receipt/recent", "recent", "receipt_routes"),
    _route("GET HEAD POST", "/api/v1/private/{key}", "metadata"),
    _route("GET HEAD POST", "/api/v1/metadata/{key}", "metadata"),
    _route("GET HEAD POST", "/api/v1/receipt/{key}", "metadata", "receipt_routes"),
    _route("POST", "/api/v1/private/{key}/burn", "burn"),
    _route("POST", "/api/v1/metadata/{key}/burn", "burn", "receipt_routes"),
    _route("POST", "/api/v1/receipt/{key}/burn", "burn", "receipt_routes"),
    _route("GET HEAD", "/api/v2/status", "v2 status"),
    _route("GET HEAD", "/api/v2/private/recent", "v2 recent"),
    _route("GET HEAD", "/api/v2/receipt/recent", "v2 recent", "v2_receipt_recent"),
    _route("GET HEAD", "/api/v2/secret/{key}/status", "v2 secret status", "v2_secret_status"),
)
_PATTERNS = tuple((route.pattern(), route) for route in ROUTES)


def find_route(method: str, path: str, version: Version) -> RouteMatch:
    """The route for `method` and `path`, which is still percent-encoded."""
    if version.trailing_slash:
        path = path.removesuffix("/")
    template = NO_ROUTE
    for pattern, route in _PATTERNS:
        found = pattern.fullmatch(path)
        if found is None:
            continue
        template = route.template
        if method in route.methods and (route.switch is None or getattr(version, route.switch)):
            return RouteMatch(template, route.operation, unquote("".join(found.groups()), errors="replace"))
    return RouteMatch(template, None)


def covers(planned: str, template: str) -> bool:
    """Whether `planned` means `template`. `planned` is a whole template, or the beginning of several."""
    if planned in _TEMPLATES:
        return planned == template
    return template.startswith(planned)


_TEMPLATES = frozenset(route.template for route in ROUTES)
