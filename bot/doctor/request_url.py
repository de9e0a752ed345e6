"""The address where Slack reaches the bot, tried as Slack tries it."""

from __future__ import annotations

from yarl import URL

from bot import app_manifest
from bot.doctor.finding import Finding, failed, not_checkable, ok, warning
from bot.doctor.remedies import remedy_for
from bot.errors import CannotStart
from bot.proxy import ProxyRule
from bot.settings import Settings
from bot.slack import diagnosis
from bot.slack.diagnosis import REQUEST_URL, HttpFailure, UrlAnswer

NAME = "request URL"
SLACK_WAITS = 3.0  # seconds

_BY_STATUS = {
    403: ("refuses requests", "Let requests from everywhere reach {path}: Slack has no fixed addresses."),
    404: ("has nothing there", "Let the proxy or tunnel pass {path} on to the bot, and start the bot."),
    405: ("takes no POST there", "Let the proxy or tunnel pass POST {path} on to the bot."),
    413: ("finds the request too large", "Let the proxy take requests of 1 MiB."),
    429: ("limits requests", "Let the proxy or tunnel take Slack's requests without a limit."),
}
_AWAY = frozenset({500, 502, 503, 504, 521, 522, 523, 530})


def read_url(text: str) -> URL:
    """The URL that Slack calls: https, or http on this machine. Raises `CannotStart`."""
    url = text.strip().removesuffix(REQUEST_URL)
    try:
        is_local = URL(url).scheme == "http" and diagnosis.is_emulated(url)
    except ValueError:
        is_local = False
    base = url.rstrip("/") if is_local else app_manifest.read_address(url)
    try:
        return URL(base + REQUEST_URL)
    except ValueError:
        raise CannotStart("--url is not an address.") from None


async def check_request_url(settings: Settings, url: URL | None, proxy: ProxyRule) -> list[Finding]:
    """Send a url_verification that is rightly signed, which the bot answers, and one that it refuses."""
    if settings.slack_app_token is not None:
        return [] if url is None else [not_checkable(NAME, "with SLACK_APP_TOKEN Slack calls no URL (Socket Mode)")]
    if url is None:
        return [
            not_checkable(
                NAME,
                "whether Slack reaches the bot",
                f"Start the bot, and run `python -m bot doctor --url {app_manifest.EXAMPLE_ADDRESS}` with its address.",
            )
        ]
    if settings.slack_signing_secret is None:
        return [not_checkable(NAME, "without SLACK_SIGNING_SECRET nothing can be sent as Slack sends it")]
    right, wrong = await diagnosis.verify_url(url, settings.slack_signing_secret, proxy)
    return [_judge(url, right, wrong)]


def _judge(url: URL, right: UrlAnswer | HttpFailure, wrong: UrlAnswer | HttpFailure) -> Finding:
    where = f"{url.host_subcomponent}{'' if url.is_default_port() else f':{url.port}'}"
    if isinstance(right, HttpFailure):
        if right.is_redirect:
            remedy = "Give Slack, and --url, the address that it leads to: Slack follows no redirect."
            return failed(NAME, f"{where} answers {right.why}", remedy)
        return failed(NAME, f"{where} does not answer: {right.why}", remedy_for(right.why, "--url"))
    if problem := _judge_right(where, right):
        return problem
    if isinstance(wrong, HttpFailure) or wrong.status != 401:  # noqa: PLR2004 - HTTP Unauthorized
        return failed(
            NAME,
            f"{where} takes a request with a wrong signature: what answers there is not this bot",
            f"Let the proxy or tunnel pass {REQUEST_URL} on to the bot.",
        )
    if right.seconds > SLACK_WAITS:
        return warning(
            NAME,
            f"{where} took {right.seconds:.1f} s to answer, and Slack waits {SLACK_WAITS:g} s",
            "Find what is slow between the internet and the bot.",
        )
    return ok(NAME, f"{url} answers as Slack wants it")


def _judge_right(where: str, answer: UrlAnswer) -> Finding | None:
    """What is wrong with the answer to the request that is rightly signed; None if nothing is."""
    if answer.status == 200:  # noqa: PLR2004 - HTTP OK
        if answer.has_challenge:
            return None
        says = f"{where} is another server: it answers 200, but not Slack's challenge"
        return failed(NAME, says, f"Let the proxy or tunnel pass {REQUEST_URL} on to the bot.")
    if answer.status == 401:  # noqa: PLR2004 - HTTP Unauthorized
        return failed(
            NAME,
            f"{where} refuses this signing secret (401)",
            "Give the bot there and the doctor the same SLACK_SIGNING_SECRET, and restart it.",
        )
    if answer.status in _AWAY:
        remedy = "Start the bot, and let the proxy or tunnel pass requests on to its HOST and PORT."
        return failed(NAME, f"{where} answers {answer.status}: nothing works behind that proxy", remedy)
    does, remedy = _BY_STATUS.get(answer.status, ("is another server", "Let the proxy pass {path} on to the bot."))
    return failed(NAME, f"{where} {does} (it answers {answer.status})", remedy.format(path=REQUEST_URL))
