"""What is said to the sender about what they shared: one card that follows it all its life, and the news beside it.

No key, no link, no content; what can still be done stands under it as buttons.
"""

from __future__ import annotations

from bot import card
from bot.onetime.links import Host
from bot.screen.parts import (
    Button,
    Buttons,
    Confirm,
    Divider,
    Message,
    Note,
    Part,
    Piece,
    Plain,
    Text,
    When,
    Where,
    Who,
)
from bot.sharing.words import NOTE_MOST, SIGNS, state_words, summary, whom, with_link
from bot.storage.parcels import Parcel
from bot.storage.shares import Share

NOT_GIVEN = ("failed", "doubtful", "refused")
DO_IT_ANEW = "To share it with whoever did not get it, do it anew: it is not kept here."

BURN_ALL_CONFIRM = Confirm(
    title="Burn all unopened?",
    question="What nobody has opened yet is destroyed for good. Its buttons and links will open nothing any more.",
    yes="Burn all",
    no="Keep them",
)


def sender_card(share: Share, parcels: list[Parcel]) -> Message:
    """The one message that a share has for its sender: what became of each parcel, and what can be done."""
    opened = sum(parcel.state == "opened" for parcel in parcels)
    title = f"{opened} of {len(parcels)} opened" if len(parcels) > 1 else _title(parcels)
    parts: list[Part] = [Text.of(f":outbox_tray: *What you shared* · *{title}*")]
    if share.note:
        parts.append(Text.of("> ", Plain(share.note, NOTE_MOST)))
    for parcel in parcels:
        parts.append(Divider())
        parts += _line(share, parcel)
    if any(parcel.state in NOT_GIVEN and not parcel.to.is_nobody for parcel in parcels):
        parts += [Divider(), Text.of(DO_IT_ANEW)]
    if together := _together(share, parcels):
        parts += [Divider(), Buttons(together)]
    parts.append(_small_print(share, parcels))
    return Message(f"What you shared on {Host(share.host).name}: {title}.", tuple(parts))


def _title(parcels: list[Parcel]) -> str:
    return "Opened" if parcels[0].state == "opened" else "Not opened" if parcels[0].is_over else "Not opened yet"


def _small_print(share: Share, parcels: list[Parcel]) -> Note:
    expires = max((one.expires_at for one in parcels if one.expires_at and one.can_be_opened), default=None)
    if expires is None:
        return Note.of(Plain(Host(share.host).name), " · Nothing more will happen.")
    return Note.of(Plain(Host(share.host).name), " · Expires ", When(expires))


def _line(share: Share, parcel: Parcel) -> list[Part]:
    parts: list[Part] = [Text.of(f"{SIGNS[parcel.state]} ", whom(parcel.to), ": ", *state_words(parcel))]
    buttons = [_burn(parcel)] if parcel.can_be_opened else []
    if parcel.to.is_nobody and parcel.state in {"made", "handed"}:
        buttons.insert(0, Button("Show the link", "share_link", parcel.id, spoken="Show the link in a window"))
    if parcel.passphrase is not None and share.passphrase_to == "sender" and parcel.can_be_opened:
        buttons.append(
            Button("Show the passphrase", "share_passphrase", parcel.id, spoken="Show the passphrase in a window")
        )
    return [*parts, Buttons(tuple(buttons))] if buttons else parts


def _burn(parcel: Parcel) -> Button:
    if parcel.passphrase_required:
        return Button("Burn…", "share_burn_ask", parcel.id, "danger", spoken="Burn it with its passphrase")
    return Button("Burn", "share_burn", parcel.id, "danger", card.BURN_CONFIRM, spoken="Burn this secret")


def _together(share: Share, parcels: list[Parcel]) -> tuple[Button, ...]:
    unopened = [parcel for parcel in parcels if parcel.can_be_opened]
    if not unopened:
        return ()
    buttons: list[Button] = []
    if any(not parcel.to.is_nobody for parcel in unopened):
        buttons.append(Button("Remind", "share_remind", share.id, spoken="Remind those who have not opened it"))
    buttons.append(Button("Copy instructions", "share_copy", share.id, spoken="Show instructions to copy"))
    if len(unopened) > 1:
        if any(parcel.passphrase_required for parcel in unopened):
            ask = Button("Burn all…", "share_burn_all_ask", share.id, "danger", spoken="Burn all with the passphrase")
            return (*buttons, ask)
        spoken = "Burn all that nobody has opened"
        buttons.append(Button("Burn all", "share_burn_all", share.id, "danger", BURN_ALL_CONFIRM, spoken))
    return tuple(buttons)


def news(share: Share, parcel: Parcel) -> Message:
    """The message beside the card, since an edited message notifies nobody."""
    if parcel.state != "opened":
        said: tuple[Piece, ...] = (whom(parcel.to), ": ", *state_words(parcel), ".")
        return Message(f"What you shared: {summary(parcel)}.", (Text.of(f"{SIGNS[parcel.state]} ", *said),))
    of: tuple[Piece, ...] = (" (“", Plain(share.label), "”)") if share.label else ()
    where: tuple[Piece, ...] = (" in ", Where(parcel.to.channel)) if parcel.to.channel else ()
    when: tuple[Piece, ...] = (" ", When(parcel.opened_at)) if parcel.opened_at else ()
    said = (" opened your one-time secret", *of, *where, *when)
    if parcel.opener is None or parcel.by_link:
        said = ("Your one-time secret", *of, *where, " was opened", *when, *with_link(parcel))
    else:
        said = (Who(parcel.opener.user_id), *said)
    return Message("What you shared was opened.", (Text.of(":white_check_mark: ", *said, "."),))


def expires_soon(share: Share, parcel: Parcel) -> Message:
    """While something can still be done about it."""
    expires: Piece = When(parcel.expires_at) if parcel.expires_at else "soon"
    buttons = [_burn(parcel)]
    if not parcel.to.is_nobody:
        buttons.append(Button("Remind", "share_remind", share.id, spoken="Remind those who have not opened it"))
    return Message(
        "What you shared was not opened yet and expires soon.",
        (
            Text.of(":bell: ", whom(parcel.to), ": your one-time secret was not opened yet and expires ", expires, "."),
            Buttons(tuple(buttons)),
        ),
    )


def passphrase_not_sent(parcel: Parcel) -> Message:
    """To the sender: the secret arrived, its passphrase did not."""
    said = "The passphrase of your one-time secret could not be sent. Burn it and share it again."
    return Message.of(said, Text.of(":warning: ", whom(parcel.to), ": ", said))


def instructions(share: Share, parcels: list[Parcel]) -> str:
    """Words to paste wherever the addressees look. No key, no link."""
    host = Host(share.host).name
    if all(parcel.to.is_nobody for parcel in parcels):
        how = "I am sending you a one-time link. Open it in a browser and press the button to see what it holds."
    elif any(parcel.to.channel for parcel in parcels):
        how = "There is a one-time secret in our Slack channel, in a message of the app Onetime Secret. Press Open."
    else:
        how = "In Slack, the app Onetime Secret has sent you a direct message with a one-time secret. Press Open."
    lines = [how, "It works once, so have a safe place ready to put it."]
    if any(parcel.passphrase_required for parcel in parcels):
        lines.append("It asks for a passphrase, which you get from me another way.")
    expires = max((one.expires_at for one in parcels if one.expires_at), default=None)
    if expires:
        lines.append(f"It is kept on {host} until {expires:%Y-%m-%d %H:%M} UTC.")
    return "\n".join(lines)
