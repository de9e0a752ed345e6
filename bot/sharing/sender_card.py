"""What the sender sees of a share: one card that is updated in place, and notifications next to it.

The card and the notifications hold no key, no link and no content. Their buttons offer what can still be done.
"""

from __future__ import annotations

from bot.onetime.links import Host
from bot.screen.parts import (
    Button,
    Buttons,
    Confirm,
    Divider,
    HostName,
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
from bot.sharing.form_state import MAX_NOTE
from bot.status.burn import BURN_CONFIRM
from bot.status.words import (
    DELIVERY_SIGNS,
    OPENED_SIGN,
    delivery_summary,
    delivery_title,
    delivery_words,
    link_words,
    name_in_label,
    recipient_name,
)
from bot.storage.shares.rows import Delivery, Share

NOT_GIVEN = ("failed", "unknown_outcome", "undeliverable")
DO_IT_ANEW = "To share it with whoever did not get it, do it anew: it is not kept here."

# names of actions; the handlers are in sender_buttons.py
SHOW_LINK = "share_link"
SHOW_PASSPHRASE = "share_passphrase"
ASK_TO_BURN = "share_burn_ask"
ASK_TO_BURN_ALL = "share_burn_all_ask"
BURN_ALL = "share_burn_all"
BURN = "share_burn"
REMIND = "share_remind"
COPY = "share_copy"

BURN_ALL_CONFIRM = Confirm(
    title="Burn all unopened?",
    question="What nobody has opened yet is destroyed for good. Its buttons and links will open nothing any more.",
    yes="Burn all",
    no="Keep them",
)


def sender_card(share: Share, deliveries: list[Delivery]) -> Message:
    """The one message that a share has for its sender: what became of each delivery, and what can be done."""
    opened = sum(delivery.state == "opened" for delivery in deliveries)
    title = f"{opened} of {len(deliveries)} opened" if len(deliveries) > 1 else delivery_title(deliveries[0])
    parts: list[Part] = [Text.of(f":outbox_tray: *What you shared* · *{title}*")]
    if share.note:
        parts.append(Text.of("> ", Plain(share.note, MAX_NOTE)))
    for number, delivery in enumerate(deliveries, 1):
        parts.append(Divider())
        parts += _delivery_parts(share, delivery, number if len(deliveries) > 1 else None)
    if any(delivery.state in NOT_GIVEN and not delivery.recipient.is_nobody for delivery in deliveries):
        parts += [Divider(), Text.of(DO_IT_ANEW)]
    if together := _buttons_for_all(share, deliveries):
        parts += [Divider(), Buttons(together)]
    parts.append(_small_print(share, deliveries))
    return Message(f"What you shared on {Host(share.host).name}: {title}.", tuple(parts))


def _small_print(share: Share, deliveries: list[Delivery]) -> Note:
    expires = max((one.expires_at for one in deliveries if one.expires_at and one.can_be_opened), default=None)
    if expires is None:
        return Note.of(HostName(Host(share.host).name), " · Nothing more will happen.")
    return Note.of(HostName(Host(share.host).name), " · Expires ", When(expires))


def _delivery_parts(share: Share, delivery: Delivery, number: int | None) -> list[Part]:
    which = name_in_label(share.label, share.created_at, number=number)
    parts: list[Part] = [
        Text.of(
            f"{DELIVERY_SIGNS[delivery.state]} ", recipient_name(delivery.recipient), ": ", *delivery_words(delivery)
        )
    ]
    buttons = [_burn_button(share, delivery, number)] if delivery.can_be_opened else []
    if delivery.recipient.is_nobody and delivery.state in {"made", "link_shown"}:
        buttons.insert(
            0, Button("Show the link", SHOW_LINK, delivery.id, accessibility_label=f"Show the link of {which}")
        )
    if delivery.passphrase is not None and share.passphrase_to == "sender" and delivery.can_be_opened:
        buttons.append(
            Button(
                "Show the passphrase",
                SHOW_PASSPHRASE,
                delivery.id,
                accessibility_label=f"Show the passphrase of {which}",
            )
        )
    return [*parts, Buttons(tuple(buttons))] if buttons else parts


def _burn_button(share: Share, delivery: Delivery, number: int | None = None) -> Button:
    which = name_in_label(share.label, share.created_at, number=number)
    if delivery.passphrase_required:
        label = f"Burn with its passphrase {which}"
        return Button("Burn…", ASK_TO_BURN, delivery.id, "danger", accessibility_label=label)
    return Button("Burn", BURN, delivery.id, "danger", BURN_CONFIRM, accessibility_label=f"Burn {which}")


def _buttons_for_all(share: Share, deliveries: list[Delivery]) -> tuple[Button, ...]:
    unopened = [delivery for delivery in deliveries if delivery.can_be_opened]
    if not unopened:
        return ()
    which = name_in_label(share.label, share.created_at)
    buttons: list[Button] = []
    if any(not delivery.recipient.is_nobody for delivery in unopened):
        buttons.append(_remind_button(share))
    buttons.append(
        Button("Copy instructions", COPY, share.id, accessibility_label=f"Show instructions to copy for {which}")
    )
    if len(unopened) > 1:
        if any(delivery.passphrase_required for delivery in unopened):
            ask = Button(
                "Burn all…",
                ASK_TO_BURN_ALL,
                share.id,
                "danger",
                accessibility_label=f"Burn with the passphrase all of {which}",
            )
            return (*buttons, ask)
        label = f"Burn all that nobody has opened of {which}"
        buttons.append(Button("Burn all", BURN_ALL, share.id, "danger", BURN_ALL_CONFIRM, label))
    return tuple(buttons)


def _remind_button(share: Share) -> Button:
    label = f"Remind those who have not opened {name_in_label(share.label, share.created_at)}"
    return Button("Remind", REMIND, share.id, accessibility_label=label)


def opened_or_over_notification(share: Share, delivery: Delivery) -> Message:
    """A message next to the card, since an edited message notifies nobody."""
    if delivery.state != "opened":
        said: tuple[Piece, ...] = (recipient_name(delivery.recipient), ": ", *delivery_words(delivery), ".")
        summary = Text.of("What you shared", *_name(share), *_with(delivery), f": {delivery_summary(delivery)}.")
        return Message(summary, (Text.of(f"{DELIVERY_SIGNS[delivery.state]} ", *said),))
    of = _name(share)
    where: tuple[Piece, ...] = (" in ", Where(delivery.recipient.channel)) if delivery.recipient.channel else ()
    when: tuple[Piece, ...] = (" ", When(delivery.opened_at)) if delivery.opened_at else ()
    said = (" opened your one-time secret", *of, *where, *when)
    if delivery.opener is None or delivery.is_by_link:
        said = ("Your one-time secret", *of, *where, " was opened", *when, *link_words(delivery))
    else:
        said = (Who(delivery.opener.user_id), *said)
    return Message(Text.of(*said, "."), (Text.of(f"{OPENED_SIGN} ", *said, "."),))


def _name(share: Share) -> tuple[Piece, ...]:
    return (" (“", Plain(share.label), "”)") if share.label else ()


def _with(delivery: Delivery) -> tuple[Piece, ...]:
    if delivery.recipient.is_nobody:
        return (" as a link",)
    return (" in " if delivery.recipient.channel else " with ", recipient_name(delivery.recipient))


def expires_soon_message(share: Share, delivery: Delivery) -> Message:
    """A reminder to the sender, with buttons for what can still be done."""
    expires: Piece = When(delivery.expires_at) if delivery.expires_at else "soon"
    buttons = [_burn_button(share, delivery)]
    if not delivery.recipient.is_nobody:
        buttons.append(_remind_button(share))
    return Message(
        Text.of("What you shared", *_name(share), *_with(delivery), " was not opened yet and expires soon."),
        (
            Text.of(
                ":bell: ",
                recipient_name(delivery.recipient),
                ": your one-time secret was not opened yet and expires ",
                expires,
                ".",
            ),
            Buttons(tuple(buttons)),
        ),
    )


def passphrase_not_sent_message(delivery: Delivery) -> Message:
    """Tells the sender that the secret arrived and its passphrase did not."""
    said = (
        recipient_name(delivery.recipient),
        ": the passphrase of your one-time secret could not be sent. Burn it and share it again.",
    )
    return Message.of(Text.of(*said), Text.of(":warning: ", *said))


def instructions(share: Share, deliveries: list[Delivery]) -> str:
    """Words to paste wherever the recipients look. No key, no link."""
    host = Host(share.host).name
    if all(delivery.recipient.is_nobody for delivery in deliveries):
        how = "I am sending you a one-time link. Open it in a browser and press the button to see what it holds."
    elif any(delivery.recipient.channel for delivery in deliveries):
        how = "There is a one-time secret in our Slack channel, in a message of the app Onetime Secret. Press Open."
    else:
        how = "In Slack, the app Onetime Secret has sent you a direct message with a one-time secret. Press Open."
    lines = [how, "It works once, so have a safe place ready to put it."]
    if any(delivery.passphrase_required for delivery in deliveries):
        lines.append("It asks for a passphrase, which you get from me another way.")
    expires = max((one.expires_at for one in deliveries if one.expires_at), default=None)
    if expires:
        lines.append(f"It is kept on {host} until {expires:%Y-%m-%d %H:%M} UTC.")
    return "\n".join(lines)
