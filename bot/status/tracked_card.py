"""What a person sees of a secret that they track: one card that is updated in place, and notifications next to it.

The card and the notifications hold no key, no link and no content. The card's buttons offer what can still be done.
"""

from __future__ import annotations

from datetime import datetime

from bot.errors import SlackError
from bot.interaction.feature import Interaction
from bot.screen.parts import Button, Buttons, Facts, HostName, Message, Note, Part, Piece, Plain, Text, When
from bot.screen.words import defang
from bot.status.burn import BURN_CONFIRM
from bot.status.buttons import (
    TRACKED_BURN,
    TRACKED_BURN_WITH_PASSPHRASE,
    TRACKED_LIST_BURN,
    TRACKED_REFRESH,
    TRACKED_STOP,
    connect_button,
)
from bot.status.words import REMINDER_SUMMARY, TRACKED_SIGNS, TRACKED_WORDS, name_in_label, tracked_notification_words
from bot.storage.tracking.rows import NotificationKind, Tracked


def name(tracked: Tracked) -> str:
    return f"“{tracked.label}”" if tracked.label else "Your one-time secret"


def tracked_card(
    tracked: Tracked,
    host: str,
    *,
    asked_at: datetime | None = None,
    is_named: bool = True,
    notes: tuple[Note, ...] = (),
) -> Message:
    """The card as it is now. `asked_at`: when Refresh was pressed; `is_named`: the host knew the secret then.

    `notes`: what to tell the person of their account.
    """
    words = TRACKED_WORDS[tracked.state]
    rows: list[tuple[str, Piece]] = [("Host", HostName(host))]
    if tracked.made_at:
        rows.append(("Created", When(tracked.made_at)))
    if tracked.received_at:
        rows.append(("Opened", When(tracked.received_at)))
    elif tracked.expires_at:
        rows.append(("Would have expired" if tracked.is_over else "Expires", When(tracked.expires_at)))
    parts: list[Part] = [
        Text.of("*", Plain(name(tracked)), f"*\n{TRACKED_SIGNS[tracked.state]} {words}"),
        Facts(tuple(rows)),
    ]
    parts += [Note.of("Nothing more will happen to it.")] if tracked.is_over else [_buttons(tracked)]
    if asked_at is not None and not tracked.is_over:
        answer = "nothing new." if is_named else "the host does not name it."
        parts.append(Note.of("Asked just now, at ", When(asked_at, "clock"), f": {answer}"))
    return Message(f"{defang(name(tracked))} on {host}: {words}.", (*parts, *notes))


async def follow(interaction: Interaction, tracked: Tracked, host: str) -> None:
    """Update the card, or post it if there is none or Slack does not change it any more.

    Raises `SlackError`.
    """
    message = tracked_card(tracked, host)
    if tracked.card is not None:
        try:
            await interaction.services.update(tracked.card, message)
        except SlackError as error:
            if not error.is_permanent:
                raise
        else:
            return
    card = await interaction.tell(message)
    await interaction.services.tracking.set_card(tracked.id, card)


def burn_button(tracked: Tracked, *, number: int | None = None) -> Button:
    """Burns at once, or opens a window for the passphrase if the secret has one. `number` is its place in a list."""
    which = name_in_label(tracked.label, tracked.made_at, number=number)
    if tracked.passphrase_required:
        label = f"Burn with its passphrase {which}"
        return Button("Burn…", TRACKED_BURN_WITH_PASSPHRASE, tracked.id, "danger", accessibility_label=label)
    return Button(
        "Burn",
        TRACKED_BURN if number is None else TRACKED_LIST_BURN,
        tracked.id,
        "danger",
        BURN_CONFIRM,
        accessibility_label=f"Burn {which}",
    )


def _buttons(tracked: Tracked) -> Buttons:
    which = name_in_label(tracked.label, tracked.made_at)
    return Buttons.of(
        burn_button(tracked),
        Button("Refresh", TRACKED_REFRESH, tracked.id, accessibility_label=f"Look again at {which}"),
        Button("Stop", TRACKED_STOP, tracked.id, accessibility_label=f"Stop tracking {which}"),
    )


def listed_message(tracked: Tracked, kind: NotificationKind) -> Message:
    """What a notification or a new card says, as one of several in a message: each names its secret."""
    sign = ":bell:" if kind == "reminder" else TRACKED_SIGNS[tracked.state]
    words = REMINDER_SUMMARY if kind == "reminder" else TRACKED_WORDS[tracked.state]
    who: tuple[Piece, ...] = (f"{sign} *", Plain(name(tracked)), "*")
    if not tracked.label:  # several have the same name
        short_id = tracked.key.short_id
        who += (*((f" `{short_id}`",) if short_id else ()), " (created ", When(tracked.made_at), ")")
    said: tuple[Piece, ...] = tracked_notification_words(tracked, kind)
    if kind == "card":
        said = (f": {words}", *((", expires ", When(tracked.expires_at)) if tracked.expires_at else ()), ".")
    short = defang(name(tracked)) if tracked.label else f"{name(tracked)} {tracked.key.short_id}".rstrip()
    return Message(f"{short}: {words}", (Text.of(*who, *said),))


def notification(tracked: Tracked, kind: NotificationKind, host: str) -> Message:
    """A message next to the card, since an edited message notifies nobody."""
    sign = ":bell:" if kind == "reminder" else TRACKED_SIGNS[tracked.state]
    words = REMINDER_SUMMARY if kind == "reminder" else TRACKED_WORDS[tracked.state]
    parts: list[Part] = [Text.of(f"{sign} *", Plain(name(tracked)), "*", *tracked_notification_words(tracked, kind))]
    if kind == "reminder":
        parts.append(_buttons(tracked))
    return Message(f"{defang(name(tracked))} on {host}: {words}.", tuple(parts))


def reconnect_message(host: str) -> Message:
    """Sent when a host has stopped accepting the account's token."""
    return Message.of(
        f"{host} does not accept your API token any more, so your secrets there are not watched.",
        Text.of(
            ":warning: *",
            HostName(host),
            "* does not accept your API token any more, so your secrets there are not being "
            "watched. Connect the account again to go on.",
        ),
        Buttons.of(connect_button("Reconnect")),
    )
