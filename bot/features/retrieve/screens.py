"""What is shown while a one-time secret is opened. Direct messages here never hold content."""

from __future__ import annotations

from datetime import datetime

from bot.errors import SecretLocked
from bot.onetime.links import Host
from bot.screen.parts import (
    NO_FORM,
    Button,
    Buttons,
    Checkboxes,
    Field,
    HostName,
    Message,
    Modal,
    Note,
    Part,
    Piece,
    Revealed,
    Text,
    When,
    Who,
)
from bot.secret import Secret
from bot.storage.reveals.rows import MAX_WRONG_TRIES
from bot.storage.shares.rows import Delivery

FORM = "retrieve"
LINK_FORM = "retrieve_link"
DONE_FORM = "retrieve_done"
WITH_PASSPHRASE = "retrieve_with_passphrase"
IN_BROWSER = "retrieve_in_browser"
SHOW_AGAIN = "retrieve_again"
TRY_AGAIN = "retrieve_try_again"
PAGE_BACK = "retrieve_page_back"
PAGE_ON = "retrieve_page_on"
TITLE = "Open a one-time link"

CANNOT_TELL = (
    ":warning: *It did not open.* Onetime Secret does not say why: it was opened or burned before, it has expired, "
    "or its passphrase is missing or wrong. If you were given a passphrase, try it."
)
CANNOT_TELL_AFTER_UNKNOWN_OUTCOME = (
    ":warning: *It did not open.* An earlier try of yours got no answer, and it was possibly opened by that try "
    "without reaching you. Or its passphrase is missing or wrong: if you were given one, try it. Otherwise ask whoever "
    "sent it for a new one."
)
WRONG_PASSPHRASE = ":warning: *Wrong passphrase, {left} left.* The secret is still there, unopened."
NEEDS_PASSPHRASE = ":key: *It has a passphrase.* The secret is still there, unopened."
LOCKED = f":lock: {SecretLocked.tell} Nothing was opened."
MAY_BE_LOCKED = (
    ":lock: *{host} answered with an error.* If the secret has a passphrase, it is most likely locked for half an "
    "hour, after too many wrong tries, and nothing was opened. Trying again after that is safe: a secret opens once "
    "only."
)
STOPPED = (
    ":no_entry: *Stopped after 5 tries*, so that the secret is not locked by guessing. "
    "Ask whoever sent it for the passphrase, and {again} in an hour."
)
MAY_BE_OPENED = (
    ":warning: *It may have been opened.* Onetime Secret gave no usable answer. Trying again is safe: a secret opens "
    "once only, so you either get it or learn that it is gone."
)
RESTARTED = ":warning: *The bot was restarted.* Nothing was opened. Please try again."
OPENING_ELSEWHERE = ":warning: Another window of yours is opening this secret. Nothing was tried here."
NOT_REACHED = ":warning: *{host} could not be reached.* Nothing was opened. Please try again."


def one_moment() -> Modal:
    return Modal.of(FORM, TITLE, Text.of("One moment…"))


def ask_for_link() -> Modal:
    return Modal.of(
        LINK_FORM,
        TITLE,
        Field("link", "The link", placeholder="https://eu.onetimesecret.com/secret/…"),
        Note.of("Nothing is opened yet."),
        submit="Next",
        close="Cancel",
    )


def ask(
    host: Host,
    ref: str,
    said: str | None = None,
    *,
    passphrase: bool = False,
    delivery: Delivery | None = None,
    other_forms: tuple[str, Checkboxes] | None = None,
) -> Modal:
    """The window that asks for “Open”.

    `said` is the result of an earlier try. `other_forms` are a sentence about other forms of a passphrase that was
    refused, and boxes to choose them.
    """
    parts: list[Part] = [Text.of(said)] if said else []
    sentence, boxes = other_forms or ("", None)
    parts += [Text.of(f":keyboard: {sentence} Type it again, and it is tried as the boxes say.")] if boxes else []
    parts.append(_what_it_is(host, delivery))
    known = delivery.passphrase_required if delivery else None
    buttons: list[Button] = []
    if known:
        parts.append(Field("passphrase", "Passphrase", hint="Whoever shared it gives it to you apart from this."))
    elif passphrase and known is None:
        hint = "Leave it empty if you were given none." if said else None
        parts.append(Field("passphrase", "Passphrase", hint=hint, optional=said is not None))
    elif known is None:
        buttons.append(Button("It has a passphrase", WITH_PASSPHRASE, ref))
    parts += [boxes] if boxes else []
    if delivery:
        label = "Show me the link, to open it in the browser"
        buttons.append(Button("Open in the browser", IN_BROWSER, ref, accessibility_label=label))
    parts += [Buttons(tuple(buttons))] if buttons else []
    parts.append(Note.of("Keep this window open until the secret is shown. Only you see it."))
    submit = "Show here" if delivery else "Open"
    return Modal(FORM, TITLE, tuple(parts), ref=ref, submit=submit, close="Not now")


def _what_it_is(host: Host, delivery: Delivery | None) -> Text:
    if delivery is None:
        after = "*. *This works once*: when you have seen it, its link is empty."
        return Text.of("This opens a one-time secret on *", HostName(host.name), after)
    after = "*. *This works once*: when it was seen, nobody can open it again."
    return Text.of(Who(delivery.sender.user_id), " shared a one-time secret, kept on *", HostName(host.name), after)


def opening(host: Host, ref: str, *, escrow: bool) -> Modal:
    held = (
        "If this window closes too early, you get a message with a button to show it again."
        if escrow
        else "Keep this window open: closing it now loses the secret."
    )
    parts = (Text.of(":hourglass_flowing_sand: Opening the secret on *", HostName(host.name), "*…"), Note.of(held))
    return Modal(FORM, TITLE, parts, ref=ref)


def already_opening() -> Modal:
    """Pushed over the window, so that the secret in it stays."""
    return Modal(
        NO_FORM, TITLE, (Text.of("This secret is being opened, or was opened, by an earlier click."),), push=True
    )


def not_begun(delivery: Delivery | None = None) -> Modal:
    said = f":warning: The bot's database did not answer. Nothing was opened. Please {_again(delivery)} in a moment."
    return Modal.of(NO_FORM, TITLE, Text.of(said))


def _again(delivery: Delivery | None) -> str:
    return "press Open again" if delivery else "paste the link again"


def wrong_passphrase(tries: int) -> str:
    """`tries` is how many wrong ones there were."""
    left = MAX_WRONG_TRIES - tries
    return WRONG_PASSPHRASE.format(left=f"{left} {'try' if left == 1 else 'tries'}")


def unknown_outcome(host: Host) -> Modal:
    """Shown until the row says that the secret may be gone; then `ask` with `MAY_BE_OPENED` follows."""
    said = "* gave no usable answer. The secret may be open now, or not. One moment…"
    return Modal.of(FORM, TITLE, Text.of(":warning: *", HostName(host.name), said))


def too_old(delivery: Delivery | None = None) -> Modal:
    """The window was open for longer than its row can be used."""
    said = f"This window was open for more than an hour, so nothing was opened. Please {_again(delivery)}."
    return Modal.of(NO_FORM, TITLE, Text.of(said))


def nothing_left(*, push: bool = False) -> Modal:
    said = "There is nothing left to show here: it was shown to you, or its time is over."
    return Modal(NO_FORM, TITLE, (Text.of(said),), push=push)


def stopped(delivery: Delivery | None = None) -> Modal:
    return Modal.of(NO_FORM, TITLE, Text.of(STOPPED.format(again=_again(delivery))))


def secret(
    text: Secret,
    ref: str,
    *,
    page: int = 1,
    pages: int = 1,
    turns: Buttons | None = None,
    notes: tuple[Note, ...] = (),
) -> Modal:
    """The secret, or one page of it when one window cannot hold it all. `notes` are about the account."""
    of = f" · page {page} of {pages}" if pages > 1 else ""
    below: list[Part] = [
        Note.of(
            f"Copy it now: its link is empty, and this window is the only copy{of}. It is not kept in Slack's messages."
        ),
        *notes,
    ]
    shown = Revealed(text) if text else Text.of("_The secret is empty._")
    if turns:
        parts = (shown, turns, *below)
        return Modal(DONE_FORM, "Your secret", parts, ref=ref, submit="Done", close="Close", notify_on_close=True)
    if pages > 1:
        below.append(Note.of(":warning: It is too long for one window and nothing is held: the other pages are lost."))
    return Modal(NO_FORM, "Your secret", (shown, *below), close="Done")


# --- direct messages


def dm_nothing_opened(delivery: Delivery | None = None) -> Message:
    again = "Press Open on its message" if delivery else "Paste its link"
    said = f"The window was not there any more, so the one-time secret was *not* opened. {again} again to open it."
    return Message.of(said.replace("*", ""), Text.of(said))


def dm_show_again(ref: str, until: datetime | None) -> Message:
    """The secret was fetched, but the window was gone. The message has a button and no content."""
    pieces: list[Piece] = ["A one-time secret was opened for you, but its window closed before it was shown. "]
    pieces += ["It is held encrypted until ", When(until, "clock"), "."] if until else []
    button = Button("Show again", SHOW_AGAIN, ref, "primary", accessibility_label="Show the secret in a new window")
    return Message.of(
        "A one-time secret was opened for you but its window closed too early. Press Show again to see it.",
        Text(tuple(pieces)),
        Buttons.of(button),
        Note.of("If you have seen it already, there is nothing to do."),
    )


def dm_shown() -> Message:
    said = "The one-time secret was shown to you. It is not held here any more."
    return Message.of(said, Text.of(":white_check_mark: " + said))


def dm_nothing_held() -> Message:
    """The answer to “Show again” if no escrow is left."""
    said = "There is nothing left to show here: it was shown to you, or its time is over."
    return Message.of(said, Text.of(said))


def dm_expired(host: str) -> Message:
    """The escrow is over, and nothing says that the secret was seen."""
    said = (
        "was opened for you, and the time for which it is held is over. It was wiped: if you have not seen it, it is "
        "lost. Ask whoever sent it for a new one."
    )
    return Message.of(
        f"A one-time secret on {host} {said}", Text.of(":warning: A one-time secret on *", HostName(host), f"* {said}")
    )


def dm_may_be_opened(ref: str, host: str) -> Message:
    """The process died between the request to the host and the escrow."""
    return Message.of(
        "The bot was interrupted while it opened a one-time secret for you. It may have been opened. "
        "Try again: that is safe.",
        Text.of(
            "The bot was interrupted while it opened a one-time secret on *",
            HostName(host),
            "* for you. It may have been "
            "opened without reaching you. Trying again is safe: you either get it or learn that it is gone.",
        ),
        Buttons.of(Button("Try again", TRY_AGAIN, ref, "primary", accessibility_label="Try to open the secret again")),
    )


def dm_lost(host: str) -> Message:
    said = (
        "was opened, but the window closed before it could be shown, and nothing was kept. "
        "Ask whoever sent it for a new one."
    )
    return Message.of(
        f"A one-time secret on {host} {said}", Text.of(":warning: A one-time secret on *", HostName(host), f"* {said}")
    )
