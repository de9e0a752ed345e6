"""Why a connection failed, in a few words for the log. No URL is ever among them: it may have a key in it."""

from __future__ import annotations

import errno
import socket
import ssl

import aiohttp

MAX_CAUSES = 6  # errors in a chain of causes that are looked at

_WORDS = {
    errno.ECONNREFUSED: "connection refused: nothing listens on that port",
    errno.ENETUNREACH: "no route to the host",
    errno.EHOSTUNREACH: "no route to the host",
    errno.ECONNRESET: "the connection broke",
    errno.EPIPE: "the connection broke",
    errno.ECONNABORTED: "the connection broke",
    errno.EMFILE: "too many open files in this process",
}

_KINDS: dict[type[BaseException], str] = {
    aiohttp.ServerDisconnectedError: "the connection broke",
    aiohttp.ClientPayloadError: "the connection broke",
    aiohttp.InvalidURL: "no usable address",
    TimeoutError: "no answer in time",
}


class RedirectRefused(aiohttp.ClientError):
    """The answer was a redirect, which is not followed."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status}, a redirect, not followed")


def explain_connection_failure(error: BaseException) -> str:
    """A few words for an error of aiohttp, of the system or of TLS, or for what wraps one."""
    chain = _find_causes(error)
    words = next((found for one in chain if (found := _explain(one))), type(chain[-1]).__name__)
    if any(isinstance(one, aiohttp.ClientProxyConnectionError) for one in chain):
        return f"the proxy: {words}"
    return words


def _find_causes(error: BaseException) -> list[BaseException]:
    """The error and what it wraps, the innermost first."""
    chain: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and len(chain) < MAX_CAUSES:
        chain.append(one)
        inner = getattr(one, "certificate_error", None) or getattr(one, "os_error", None)
        one = inner if isinstance(inner, BaseException) else one.__cause__ or one.__context__
    return chain[::-1]


def _explain(error: BaseException) -> str | None:
    match error:
        case ssl.SSLError():
            return _explain_tls(error)
        case socket.gaierror():
            is_unknown = error.errno != socket.EAI_AGAIN
            return "unknown host name" if is_unknown else "the host's name could not be looked up now"
        case RedirectRefused():
            return str(error)
        case aiohttp.ClientResponseError():
            who = "the proxy" if isinstance(error, aiohttp.ClientHttpProxyError) else "the host"
            return f"{who} answered {error.status}"
        case OSError(errno=number) if number in _WORDS:
            return _WORDS[number]
        case _:
            return next((words for kind, words in _KINDS.items() if isinstance(error, kind)), None)


def _explain_tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"untrusted certificate: {error.verify_message.rstrip('.')}"
    return f"no TLS: {(error.reason or 'failed').lower().replace('_', ' ')}"
