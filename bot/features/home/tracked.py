"""What the person shared and tracks, a page at a time, with the buttons of the cards."""

from __future__ import annotations

from bot.features.home.actions import TRACKED_NEWER, TRACKED_OLDER
from bot.features.home.content import Content
from bot.interaction import paging
from bot.onetime.links import Host
from bot.screen.parts import Button, Divider, Heading, Part, Text
from bot.screen.pieces import Bold, Mark, Piece, When, say
from bot.status.account_card import reconnect_line
from bot.status.names import name_of_tracked
from bot.status.tracked_card import tracked_buttons
from bot.status.words import DOT, NOT_NOTIFIED, TRACKED_SIGNS, TRACKED_WORDS, WARNING_SIGN, count_words
from bot.storage.button_contexts import TRACKED_PAGE, NewButtonContext
from bot.storage.tracking.rows import Tracked

NOTHING = say(
    "Nothing yet. What you share in Slack appears here with its status, and you can burn it until somebody opens it. "
    "`/ots track` adds a secret that you made elsewhere."
)


async def parts(content: Content, keep: paging.Keep) -> list[Part]:
    secrets, page, total = content.tracked
    warnings = [reconnect_line(Host(host)) for host in sorted(content.unnotified.hosts - content.refusing)]
    heading: list[Part] = [Divider(), Heading(say("What you shared and track")), *warnings]
    if not secrets:
        return [*heading, Text.of(NOTHING)]
    found: list[Part] = [*heading, Text.of(count_words(total, "all"))]
    for tracked in secrets:
        found.append(Text(tuple(_line(content, tracked))))
        if not tracked.is_over:
            found.append(tracked_buttons(tracked))
    return found + await paging.foot(
        keep,
        page,
        (total - 1) // paging.PAGE,
        lambda ref: Button(say("Newer"), TRACKED_NEWER, ref),
        lambda ref: Button(say("Older"), TRACKED_OLDER, ref),
        lambda to: NewButtonContext(TRACKED_PAGE, "-", None, data={"page": paging.store_page(to)}),
    )


def _line(content: Content, tracked: Tracked) -> list[Piece]:
    name = name_of_tracked(tracked, content.recipients.get(tracked.id))
    said: list[Piece] = [TRACKED_SIGNS[tracked.state], Bold(name.in_list()), Mark("\n"), TRACKED_WORDS[tracked.state]]
    if tracked.received_at:
        said += [DOT, When(tracked.received_at)]
    elif tracked.expires_at and not tracked.is_over:
        said += [DOT, say("expires {when}", when=When(tracked.expires_at))]
    said += [DOT, say("made {when}", when=When(tracked.made_at))]
    if tracked.id in content.unnotified.tracked_ids:
        said += [Mark("\n"), WARNING_SIGN, NOT_NOTIFIED]
    return said
