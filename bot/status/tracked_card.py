"""What a person sees of a secret that they track: one card that is updated in place, and notifications next to it.

The card and the notifications hold no key, no link and no content. The card's buttons offer what can still be done.
"""

from __future__ import annotations

from datetime import datetime

from bot.errors import SlackError
from bot.interaction.feature import Interaction
from bot.screen.parts import Button, Buttons, Facts, Message, Note, Part, Text
from bot.screen.pieces import Bold, HostName, Mark, Phrase, Piece, When, say, say_in
from bot.status.burn import burn_confirm
from bot.status.buttons import (
    TRACKED_BURN,
    TRACKED_BURN_WITH_PASSPHRASE,
    TRACKED_REFRESH,
    TRACKED_STOP,
    connect_button,
)
from bot.status.names import name_of_tracked
from bot.status.words import (
    REMINDER_SIGN,
    REMINDER_SUMMARY,
    TRACKED_SIGNS,
    TRACKED_WORDS,
    WARNING_SIGN,
    expiry_label,
    tracked_notification,
)
from bot.storage.tracking.rows import NotificationKind, Tracked


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
    rows: list[tuple[Piece, Piece]] = [(say("Server"), HostName(host))]
    if tracked.made_at:
        rows.append((say("Created"), When(tracked.made_at)))
    if tracked.received_at:
        rows.append((say_in("the label of a date", "Opened"), When(tracked.received_at)))
    elif tracked.expires_at:
        label = expiry_label(has_expired=tracked.state == "expired", is_over=tracked.is_over)
        rows.append((label, When(tracked.expires_at)))
    parts: list[Part] = [
        Text.of(Bold(name_of_tracked(tracked).in_list()), Mark("\n"), TRACKED_SIGNS[tracked.state], words),
        Facts(tuple(rows)),
    ]
    parts += [Note.of(say("Nothing more will happen to it."))] if tracked.is_over else [tracked_buttons(tracked)]
    if asked_at is not None and not tracked.is_over:
        at = When(asked_at, "clock")
        parts.append(
            Note.of(
                say("Asked just now, at {time}: nothing new.", time=at)
                if is_named
                else say("Asked just now, at {time}: the server does not know it.", time=at)
            )
        )
    return Message(_summary(tracked, host, words), (*parts, *notes))


def _summary(tracked: Tracked, host: str, words: Phrase) -> Phrase:
    return say(
        "{secret} on {server}: {state}.", secret=name_of_tracked(tracked).at_start(), server=HostName(host), state=words
    )


async def show_card(interaction: Interaction, tracked: Tracked, host: str) -> None:
    """Update the card, or post it if there is none or Slack does not change it any more.

    Raises `SlackError`.
    """
    message = tracked_card(tracked, host)
    if tracked.card is not None:
        try:
            await interaction.services.update(tracked.card, message, interaction.person)
        except SlackError as error:
            if not error.is_permanent:
                raise
        else:
            return
    card = await interaction.tell(message)
    await interaction.services.tracking.set_card(tracked.id, card)


def _burn_button(tracked: Tracked) -> Button:
    """Burns at once, or opens a window for the passphrase if the secret has one."""
    name = name_of_tracked(tracked)
    which = name.in_label()
    if tracked.passphrase_required:
        label = say("Burn {secret}, with its passphrase", secret=which)
        return Button(say("Burn…"), TRACKED_BURN_WITH_PASSPHRASE, tracked.id, "danger", accessibility_label=label)
    return Button(
        say("Burn"),
        TRACKED_BURN,
        tracked.id,
        "danger",
        burn_confirm(name),
        accessibility_label=say("Burn {secret}", secret=which),
    )


def tracked_buttons(tracked: Tracked) -> Buttons:
    which = name_of_tracked(tracked).in_label()
    return Buttons.of(
        _burn_button(tracked),
        Button(
            say("Refresh"),
            TRACKED_REFRESH,
            tracked.id,
            accessibility_label=say("Refresh the status of {secret}", secret=which),
        ),
        Button(
            say("Stop tracking"),
            TRACKED_STOP,
            tracked.id,
            accessibility_label=say("Stop tracking {secret}", secret=which),
        ),
    )


def listed_message(tracked: Tracked, kind: NotificationKind) -> Message:
    """What a notification or a new card says, as one of several in a message: each names its secret."""
    sign, words = _sign_and_words(tracked, kind)
    name = name_of_tracked(tracked).at_start()
    long: Piece = (
        Bold(name) if tracked.label else say("{secret} (made {when})", secret=Bold(name), when=When(tracked.made_at))
    )
    if kind != "card":
        said = tracked_notification(tracked, kind, long)
    elif tracked.expires_at and not tracked.is_over:
        said = say("{secret}: {state}, expires {when}.", secret=long, state=words, when=When(tracked.expires_at))
    else:
        said = say("{secret}: {state}.", secret=long, state=words)
    return Message(say("{secret}: {state}", secret=name, state=words), (Text.of(sign, said),))


def _sign_and_words(tracked: Tracked, kind: NotificationKind) -> tuple[Mark, Phrase]:
    if kind == "reminder":
        return REMINDER_SIGN, REMINDER_SUMMARY
    return TRACKED_SIGNS[tracked.state], TRACKED_WORDS[tracked.state]


def notification(tracked: Tracked, kind: NotificationKind, host: str) -> Message:
    """A message next to the card, since an edited message notifies nobody."""
    sign, words = _sign_and_words(tracked, kind)
    parts: list[Part] = [Text.of(sign, tracked_notification(tracked, kind, Bold(name_of_tracked(tracked).at_start())))]
    if kind == "reminder":
        parts.append(tracked_buttons(tracked))
    return Message(_summary(tracked, host, words), tuple(parts))


def ended_reminder(tracked: Tracked) -> Message:
    """In the place of a reminder, when the secret is over."""
    said = say(
        "{secret}: {state}.", secret=Bold(name_of_tracked(tracked).at_start()), state=TRACKED_WORDS[tracked.state]
    )
    return Message.of(said, Text.of(TRACKED_SIGNS[tracked.state], said))


def reconnect_message(host: str) -> Message:
    """Sent when a host has stopped accepting the account's token."""
    said = say(
        "*{server}* does not accept your API token any more, so your secrets there are not tracked.",
        server=HostName(host),
    )
    return Message.of(
        said,
        Text.of(WARNING_SIGN, said, Mark(" "), say("Connect the account again to go on.")),
        Buttons.of(connect_button(say("Reconnect"))),
    )
