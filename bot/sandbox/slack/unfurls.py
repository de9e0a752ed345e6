"""Links on the app's domains, and the cards that the app attaches to them.

Source: docs.slack.dev, unfurling links in messages, the event link_shared and the method chat.unfurl. A domain covers
its subdomains, as in the event of the documentation: `yet.another-example.com` is a link of `another-example.com`. It
has no port, so links on all ports of a host belong to it. The app need not be in the conversation.
"""

from __future__ import annotations

import copy
import re
import secrets
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from bot.sandbox.slack.block_schemas import BLOCK
from bot.sandbox.slack.elements import complete
from bot.sandbox.slack.model import Payload, PostedLinks, SlackMessage
from bot.sandbox.slack.schema import Array
from bot.sandbox.slack.state import Refusal, WorkspaceState

MAX_DOMAINS = 5
MAX_LINKS = 5  # of one message that Slack tells of
COMPOSER = "COMPOSER"  # the channel of a link in a composer

_LINK = re.compile(r"<(https?://[^\s<>|]+)(?:\|[^<>]*)?>|(https?://[^\s<>|]+)")


def find_domain(url: str, domains: Iterable[str]) -> str | None:
    """The domain of the app that covers this URL, without a port."""
    host = urlsplit(url).hostname or ""
    return next((one for one in domains if host == one or host.endswith(f".{one}")), None)


def find_links(text: str, domains: Iterable[str]) -> tuple[str, ...]:
    """The URLs in a text that are on the app's domains, each once, as Slack tells of them."""
    urls = (marked or bare for marked, bare in _LINK.findall(text))
    plain = (url.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for url in urls)
    return tuple(dict.fromkeys(url for url in plain if find_domain(url, domains)))[:MAX_LINKS]


def link_shared(state: WorkspaceState, user: str, posted: PostedLinks, thread_ts: str | None = None) -> Payload:
    """The event that tells the app of the links."""
    channel = state.channels.get(posted.channel)
    event: Payload = {
        "type": "link_shared",
        "user": user,
        "channel": posted.channel,
        "message_ts": posted.ts,
        "unfurl_id": posted.number,
        "source": "composer" if posted.in_composer else "conversations_history",
        "is_bot_user_member": channel is None or state.bot.id in channel.members,
        "links": [{"domain": find_domain(url, state.unfurl_domains), "url": url} for url in posted.urls],
        "user_locale": state.people[user].locale,
        "event_ts": state.new_ts(),
    }
    person = state.people[user]
    event |= {"user_team": person.team_id} if person.team_id != state.team_id else {}
    return event | ({"thread_ts": thread_ts} if thread_ts else {})


async def unfurl(state: WorkspaceState, args: Payload) -> Payload:
    """chat.unfurl: attach cards, or change those that are there. The arguments name a message or an `unfurl_id`."""
    unfurls = args.get("unfurls")
    if not unfurls:
        raise Refusal("missing_unfurls")
    if not isinstance(unfurls, dict) or not all(isinstance(card, dict) for card in unfurls.values()):
        raise Refusal("invalid_unfurls_format")
    message, urls = _find_message(state, args)
    for url, card in unfurls.items():
        if url not in urls:
            raise Refusal("cannot_unfurl_url")
        if list(Array(BLOCK, 50).check(card.get("blocks", []), "/blocks")):
            raise Refusal("invalid_blocks")
    if message is not None:
        state.attach(message, {url: _attachment(state, url, card) for url, card in unfurls.items()})
    return {}


def _find_message(state: WorkspaceState, args: Payload) -> tuple[SlackMessage | None, tuple[str, ...]]:
    """The message, and its links that can be unfurled. No message for links in a composer."""
    if args.get("unfurl_id") or args.get("source"):
        return _find_by_number(state, args)
    for name in ("channel", "ts"):
        if not args.get(name):
            raise Refusal(f"missing_{name}")
    if str(args["channel"]) not in state.channels:
        raise Refusal("cannot_find_channel")
    try:
        message = state.find_message(str(args["channel"]), str(args["ts"]))
    except Refusal:
        raise Refusal("cannot_find_message") from None
    if message.by_bot:
        raise Refusal("cannot_unfurl_message")
    return message, find_links(message.text, state.unfurl_domains)


def _find_by_number(state: WorkspaceState, args: Payload) -> tuple[SlackMessage | None, tuple[str, ...]]:
    for name in ("unfurl_id", "source"):
        if not args.get(name):
            raise Refusal(f"missing_{name}")
    if args["source"] not in ("composer", "conversations_history"):
        raise Refusal("invalid_source")
    posted = state.posted_links.get(str(args["unfurl_id"]))
    if posted is None or posted.in_composer != (args["source"] == "composer"):
        raise Refusal("invalid_unfurl_id")
    return (None if posted.in_composer else state.find_message(posted.channel, posted.ts)), posted.urls


def _attachment(state: WorkspaceState, url: str, card: Payload) -> Payload:
    """The attachment that Slack makes of a card. Its `id` is given when it is attached."""
    shown: dict[str, Any] = complete({"blocks": copy.deepcopy(card.get("blocks", []))})
    return {
        **card,
        **shown,
        "from_url": url,
        "app_unfurl_url": url,
        "is_app_unfurl": True,
        "app_id": state.app_id,
        "bot_id": state.bot_id,
        "fallback": card.get("fallback", "[no preview available]"),
    }


def new_number() -> str:
    return secrets.token_hex(24)
