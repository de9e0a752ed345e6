"""What is said to those for whom something is shared. No key, no link, no content: only a button.

The one exception is a passphrase whose sender chose to have it sent apart from what it opens.
"""

from __future__ import annotations

from bot.onetime.links import Host
from bot.screen.parts import Button, Buttons, Facts, Message, Note, Part, Passphrase, Piece, Plain, Text, When, Who
from bot.sharing.words import NOTE_MOST, SIGNS, summary, with_link
from bot.storage.parcels import Parcel
from bot.storage.shares import Share


def addressee_message(share: Share, parcel: Parcel) -> Message:
    """The message that holds a parcel's Open button, all its life."""
    sender = Who(parcel.sender.user_id)
    if parcel.is_over:
        said = _ended(parcel)
        return Message.of(
            "A one-time secret that was shared with you here: " + summary(parcel) + ".",
            Text.of(f"{SIGNS[parcel.state]} ", *said),
            Note.of("Shared by ", sender, ". There is nothing left to open here."),
        )
    first = ": whoever opens it first gets it." if parcel.to.channel else " with you."
    parts: list[Part] = [Text.of(":closed_lock_with_key: ", sender, f" shares a one-time secret{first}")]
    if share.note:
        parts.append(Text.of("> ", Plain(share.note, NOTE_MOST)))
    parts += [_facts(share, parcel), Buttons.of(_open(parcel)), Note.of(_promise(parcel))]
    return Message("A one-time secret is shared with you. Open this message in Slack to see it.", tuple(parts))


def _open(parcel: Parcel) -> Button:
    return Button("Open", "share_open", parcel.id, "primary", spoken="Open this one-time secret, which works once")


def _promise(parcel: Parcel) -> str:
    who = "whoever of this channel is first" if parcel.to.channel else "you"
    return f"It works once, and only for {who}. There is nothing of it in this message."


def _facts(share: Share, parcel: Parcel) -> Facts:
    rows: list[tuple[str, Piece]] = [("Host", Plain(Host(parcel.host).name))]
    if parcel.expires_at:
        rows.append(("Expires", When(parcel.expires_at)))
    if parcel.passphrase_required:
        apart = share.passphrase_to == "addressee"
        rows.append(("Passphrase", "Needed: it comes in a message apart" if apart else "Needed: ask for it"))
    return Facts(tuple(rows))


def _ended(parcel: Parcel) -> tuple[Piece, ...]:
    match parcel.state:
        case "opened":
            when: tuple[Piece, ...] = (" ", When(parcel.opened_at)) if parcel.opened_at else ()
            if parcel.opener is None or parcel.by_link:
                return ("This one-time secret was opened", *when, *with_link(parcel), ".")
            return (Who(parcel.opener.user_id), " opened this one-time secret", *when, ".")
        case "burned" | "refused":
            return (Who(parcel.sender.user_id), " burned this one-time secret before it was opened.")
        case "expired":
            return ("This one-time secret expired. Nobody opened it.",)
        case _:
            return ("This one-time secret cannot be opened any more.",)


def passphrase_message(share: Share, parcel: Parcel) -> Message:
    """The passphrase, apart from what it opens. The one message that holds anything secret, because that was asked."""
    assert parcel.passphrase is not None
    return Message.of(
        "The passphrase of a one-time secret that is shared with you.",
        Text.of(":key: This is the passphrase of the one-time secret that ", Who(share.person.user_id), " shares."),
        Passphrase(parcel.passphrase),
        Note.of("It opens nothing by itself. The secret is in a message of its own, with an Open button."),
    )


def reminder(share: Share, parcel: Parcel) -> Message:
    """To the addressee, when the sender presses Remind. Only the one message that was posted first can open it."""
    until: tuple[Piece, ...] = (" until ", When(parcel.expires_at)) if parcel.expires_at else ()
    said: tuple[Piece, ...] = (
        ":bell: The one-time secret that ", Who(share.person.user_id), " shares waits", *until,
        ". Its message is further up, with an *Open* button.",
    )  # fmt: skip
    return Message("A reminder: a one-time secret waits to be opened. Its message is further up.", (Text(said),))
