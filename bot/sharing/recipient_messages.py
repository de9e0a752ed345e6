"""What is said to those for whom something is shared. No key, no link, no content: only a button.

The one exception is a passphrase whose sender chose to have it sent apart from what it opens.
"""

from __future__ import annotations

from bot.onetime.links import Host
from bot.screen.parts import Button, Buttons, Facts, Message, Note, Part, Passphrase, Piece, Plain, Text, When, Who
from bot.sharing.words import MAX_NOTE, SIGNS, summary, with_link
from bot.storage.shares.rows import Delivery, Share


def recipient_message(share: Share, delivery: Delivery) -> Message:
    """The message that holds a delivery's Open button, all its life."""
    sender = Who(delivery.sender.user_id)
    if delivery.is_over:
        said = _ended(delivery)
        return Message.of(
            "A one-time secret that was shared with you here: " + summary(delivery) + ".",
            Text.of(f"{SIGNS[delivery.state]} ", *said),
            Note.of("Shared by ", sender, ". There is nothing left to open here."),
        )
    first = ": whoever opens it first gets it." if delivery.recipient.channel else " with you."
    parts: list[Part] = [Text.of(":closed_lock_with_key: ", sender, f" shares a one-time secret{first}")]
    if share.note:
        parts.append(Text.of("> ", Plain(share.note, MAX_NOTE)))
    parts += [_facts(share, delivery), Buttons.of(_open(delivery)), Note.of(_promise(delivery))]
    return Message("A one-time secret is shared with you. Open this message in Slack to see it.", tuple(parts))


def _open(delivery: Delivery) -> Button:
    return Button(
        "Open", "share_open", delivery.id, "primary", accessibility_label="Open this one-time secret, which works once"
    )


def _promise(delivery: Delivery) -> str:
    who = "whoever of this channel is first" if delivery.recipient.channel else "you"
    return f"It works once, and only for {who}. There is nothing of it in this message."


def _facts(share: Share, delivery: Delivery) -> Facts:
    rows: list[tuple[str, Piece]] = [("Host", Plain(Host(delivery.host).name))]
    if delivery.expires_at:
        rows.append(("Expires", When(delivery.expires_at)))
    if delivery.passphrase_required:
        apart = share.passphrase_to == "recipient"
        rows.append(("Passphrase", "Needed: it comes in a message apart" if apart else "Needed: ask for it"))
    return Facts(tuple(rows))


def _ended(delivery: Delivery) -> tuple[Piece, ...]:
    match delivery.state:
        case "opened":
            when: tuple[Piece, ...] = (" ", When(delivery.opened_at)) if delivery.opened_at else ()
            if delivery.opener is None or delivery.is_by_link:
                return ("This one-time secret was opened", *when, *with_link(delivery), ".")
            return (Who(delivery.opener.user_id), " opened this one-time secret", *when, ".")
        case "burned" | "undeliverable":
            return (Who(delivery.sender.user_id), " burned this one-time secret before it was opened.")
        case "expired":
            return ("This one-time secret expired. Nobody opened it.",)
        case _:
            return ("This one-time secret cannot be opened any more.",)


def passphrase_message(share: Share, delivery: Delivery) -> Message:
    """The passphrase, apart from what it opens. The one message that holds anything secret, because that was asked."""
    assert delivery.passphrase is not None
    return Message.of(
        "The passphrase of a one-time secret that is shared with you.",
        Text.of(":key: This is the passphrase of the one-time secret that ", Who(share.person.user_id), " shares."),
        Passphrase(delivery.passphrase),
        Note.of("It opens nothing by itself. The secret is in a message of its own, with an Open button."),
    )


def reminder(share: Share, delivery: Delivery) -> Message:
    """To the recipient, when the sender presses Remind. Only the one message that was posted first can open it."""
    until: tuple[Piece, ...] = (" until ", When(delivery.expires_at)) if delivery.expires_at else ()
    said: tuple[Piece, ...] = (
        ":bell: The one-time secret that ", Who(share.person.user_id), " shares waits", *until,
        ". Its message is further up, with an *Open* button.",
    )  # fmt: skip
    return Message("A reminder: a one-time secret waits to be opened. Its message is further up.", (Text(said),))
