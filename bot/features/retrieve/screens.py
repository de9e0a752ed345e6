"""What is shown while a one-time secret is opened. Direct messages here never hold content."""

from __future__ import annotations

from datetime import datetime

from bot.errors import SecretLocked
from bot.onetime.links import Host
from bot.screen.parts import (
    CANCEL,
    CLOSE,
    DONE,
    NO_FORM,
    ONE_MOMENT,
    Button,
    Buttons,
    Checkboxes,
    Field,
    Message,
    Modal,
    Note,
    Part,
    Revealed,
    Text,
)
from bot.screen.pieces import HostName, Mark, Piece, Plain, Sentences, When, Who, say, say_count
from bot.secret import Secret
from bot.sharing.form_state import MAX_NOTE
from bot.status.link_card import link_card
from bot.status.words import DONE_SIGN, DOT, REFUSED_SIGN, WARNING_SIGN, WORKING_SIGN
from bot.storage.link_cards import LinkCard
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
TITLE = say("Open a one-time link")

CANNOT_TELL = (
    WARNING_SIGN,
    say(
        "*It did not open.* Onetime Secret does not say why: it was opened or burned before, it has expired, or its "
        "passphrase is missing or wrong. If you were given a passphrase, try it."
    ),
)
CANNOT_TELL_WITH_PASSPHRASE = (
    WARNING_SIGN,
    say(
        "*It did not open with that passphrase.* Onetime Secret does not say why: the passphrase is wrong, or the "
        "secret was opened or burned before, or it has expired."
    ),
)
CANNOT_TELL_AFTER_UNKNOWN_OUTCOME = (
    WARNING_SIGN,
    say(
        "*It did not open.* You tried before and got no answer. It may have been opened then. Or its "
        "passphrase is missing or wrong: if you were given one, try it. Otherwise ask the person who "
        "sent it for a new one."
    ),
)
NEEDS_PASSPHRASE = (Mark(":key: "), say("*It has a passphrase.* The secret is still there, unopened."))
NOTHING_OPENED = say("Nothing was opened.")
LOCKED = (Mark(":lock: "), Sentences.of(SecretLocked.tell, NOTHING_OPENED))
MAY_BE_OPENED = (
    WARNING_SIGN,
    say(
        "*It may have been opened.* No clear answer came from Onetime Secret. Trying again is safe: a secret opens "
        "only once, so you either get it or learn that it is gone."
    ),
)
_NOTHING_OPENED_BEFORE_RESTART = say("*The app was restarted.* Nothing was opened.")
RESTARTED = (WARNING_SIGN, Sentences.of(_NOTHING_OPENED_BEFORE_RESTART, say("Please try again.")))
_IF_IT_HAS_OPEN = say("If its message still has the Open button, press that.")
OPENING_ELSEWHERE = (
    WARNING_SIGN,
    say("Another window of yours is opening this secret. Nothing was tried here."),
)


def one_moment() -> Modal:
    return Modal.of(FORM, TITLE, Text.of(ONE_MOMENT))


def ask_for_link() -> Modal:
    return Modal.of(
        LINK_FORM,
        TITLE,
        Field("link", say("The link"), placeholder=Mark("https://eu.onetimesecret.com/secret/…")),
        Note.of(say("Nothing is opened yet.")),
        submit=say("Next"),
        close=CANCEL,
    )


def ask(
    host: Host,
    ref: str,
    said: tuple[Piece, ...] | None = None,
    *,
    passphrase: bool = False,
    delivery: Delivery | None = None,
    other_forms: tuple[Sentences, Checkboxes] | None = None,
) -> Modal:
    """The window that asks for “Open”.

    `said` is the result of an earlier try. `other_forms` are sentences about other forms of a passphrase that was
    refused, and boxes to choose them.
    """
    parts: list[Part] = [Text(said)] if said else []
    if other_forms:
        again = say("Type it again, and tick below how to try it.")
        parts.append(Text.of(Mark(":keyboard: "), Sentences.of(other_forms[0], again)))
    parts.append(_what_it_is(host, delivery))
    known = delivery.passphrase_required if delivery else None
    buttons: list[Button] = []
    if known:
        hint = say("The person who shared the secret gives you the passphrase separately.")
        parts.append(Field("passphrase", say("Passphrase"), hint))
    elif passphrase and known is None:
        empty = say("Leave it empty if you were given none.") if said else None
        parts.append(Field("passphrase", say("Passphrase"), hint=empty, optional=said is not None))
    elif known is None:
        buttons.append(Button(say("Enter a passphrase"), WITH_PASSPHRASE, ref))
    parts += [other_forms[1]] if other_forms else []
    if delivery:
        label = say("Show the link, to open it in the browser")
        buttons.append(Button(say("Show the link"), IN_BROWSER, ref, accessibility_label=label))
    parts += [Buttons(tuple(buttons))] if buttons else []
    parts.append(Note.of(say("Keep this window open until the secret is shown. Only you see it.")))
    submit = say("Show here") if delivery else say("Open")
    return Modal(FORM, TITLE, tuple(parts), ref=ref, submit=submit, close=say("Not now"))


def _what_it_is(host: Host, delivery: Delivery | None) -> Text:
    server = HostName(host.name)
    if delivery is None:
        return Text.of(
            say(
                "This opens a one-time secret on *{server}*. *This works once*: when you have seen it, its link "
                "no longer works.",
                server=server,
            )
        )
    return Text.of(
        say(
            "{person} shared a one-time secret, kept on *{server}*. *This works once*: after that nobody can open it "
            "again.",
            person=Who(delivery.sender.user_id),
            server=server,
        )
    )


def not_reached(host: Host) -> tuple[Piece, ...]:
    return WARNING_SIGN, say(
        "*{server} could not be reached.* Nothing was opened. Please try again.", server=HostName(host.name)
    )


def may_be_locked(host: Host) -> tuple[Piece, ...]:
    return Mark(":lock: "), say(
        "*{server} answered with an error.* If the secret has a passphrase, it is most likely locked "
        "after too many wrong tries. Then nothing was opened, and the lock ends after half an hour. "
        "Trying again after that is safe: a secret opens only once.",
        server=HostName(host.name),
    )


def opening(host: Host, ref: str, *, escrow: bool) -> Modal:
    held = (
        say("If this window closes too early, you get a message with a button to show it again.")
        if escrow
        else say("Keep this window open: closing it now loses the secret.")
    )
    working = say("Opening the secret on *{server}*…", server=HostName(host.name))
    return Modal(FORM, TITLE, (Text.of(WORKING_SIGN, working), Note.of(held)), ref=ref)


def already_opening() -> Modal:
    """Pushed over the window, so that the secret in it stays."""
    said = say("This secret is being opened, or was opened, by an earlier click.")
    return Modal(NO_FORM, TITLE, (Text.of(said),), push=True)


def not_begun(delivery: Delivery | None = None) -> Modal:
    said = say("The app's database did not answer. Nothing was opened.")
    again = say("Please press Open again in a moment.") if delivery else say("Please paste the link again in a moment.")
    return Modal.of(NO_FORM, TITLE, Text.of(WARNING_SIGN, Sentences.of(said, again)))


def wrong_passphrase(tries: int) -> tuple[Piece, ...]:
    """`tries` is how many wrong ones there were."""
    return WARNING_SIGN, say_count(
        "*Wrong passphrase, {count} try left.* The secret is still there, unopened.",
        "*Wrong passphrase, {count} tries left.* The secret is still there, unopened.",
        MAX_WRONG_TRIES - tries,
    )


def unknown_outcome(host: Host) -> Modal:
    """Shown until the row says that the secret may be gone; then `ask` with `MAY_BE_OPENED` follows."""
    said = say(
        "No clear answer came from *{server}*. The secret may be open now, or not. One moment…",
        server=HostName(host.name),
    )
    return Modal.of(FORM, TITLE, Text.of(WARNING_SIGN, said))


def too_old(delivery: Delivery | None = None) -> Modal:
    """The window was open for longer than its row can be used."""
    said = say("This window was open for more than an hour, so nothing was opened.")
    again = say("Please press Open again.") if delivery else say("Please paste the link again.")
    return Modal.of(NO_FORM, TITLE, Text.of(Sentences.of(said, again)))


NOTHING_LEFT = say("There is nothing left to show here: the secret was shown to you, or it is no longer kept.")


def nothing_left(*, push: bool = False) -> Modal:
    return Modal(NO_FORM, TITLE, (Text.of(NOTHING_LEFT),), push=push)


def used_up(card: LinkCard) -> Modal:
    """The secret of a link that somebody posted was opened or burned here."""
    return Modal(NO_FORM, TITLE, link_card(card).parts)


def stopped(delivery: Delivery | None = None) -> Modal:
    said = say("*Stopped after 5 tries*, so that nobody can lock the secret by guessing.")
    again = (
        say("Ask the person who sent it for the passphrase, and press Open again in an hour.")
        if delivery
        else say("Ask the person who sent it for the passphrase, and paste the link again in an hour.")
    )
    return Modal.of(NO_FORM, TITLE, Text.of(REFUSED_SIGN, Sentences.of(said, again)))


def secret(
    text: Secret,
    ref: str,
    *,
    page: int = 1,
    pages: int = 1,
    turns: Buttons | None = None,
    notes: tuple[Note, ...] = (),
    above: tuple[Part, ...] = (),
) -> Modal:
    """The secret, or one page of it when one window cannot hold it all.

    `above` says where it is from; `notes` are about the account.
    """
    copy: list[Piece] = [
        say("Copy it now: its link no longer works, and this window is the only copy. No message of this app has it.")
    ]
    copy += [DOT, say("Page {page} of {pages}", page=page, pages=pages)] if pages > 1 else []
    below: list[Part] = [Note(tuple(copy)), *notes]
    shown = Revealed(text) if text else Text.of(say("The secret is empty."))
    title = say("Your secret")
    if turns:
        return Modal(
            DONE_FORM, title, (*above, shown, turns, *below), ref=ref, submit=DONE, close=CLOSE, notify_on_close=True
        )
    if pages > 1:
        lost = say("It is too long for one window, and nothing is kept: the other pages are lost.")
        below.append(Note.of(WARNING_SIGN, lost))
    return Modal(NO_FORM, title, (*above, shown, *below), close=DONE)


def origin(host: Host, delivery: Delivery | None = None, note: str | None = None) -> tuple[Part, ...]:
    """What stands above a secret: who shared it, its server, and the sender's note."""
    server = HostName(host.name)
    if delivery is None:
        return (Note.of(server),)
    said: list[Part] = [Note.of(say("From {person}", person=Who(delivery.sender.user_id)), DOT, server)]
    return (*said, Text.of(Mark("> "), Plain(note, MAX_NOTE))) if note else tuple(said)


# --- direct messages


# These two stay as they are when the secret is over, so they promise nothing.


def dm_restarted() -> Message:
    """There was no window yet."""
    said = Sentences.of(_NOTHING_OPENED_BEFORE_RESTART, _IF_IT_HAS_OPEN)
    return Message.of(said, Text.of(WARNING_SIGN, said))


def dm_nothing_opened(delivery: Delivery | None = None) -> Message:
    said = Sentences.of(
        say("The window was closed too early, so the one-time secret was *not* opened."),
        _IF_IT_HAS_OPEN if delivery else say("If its link still works, paste it again."),
    )
    return Message.of(said, Text.of(said))


def dm_show_again(ref: str, until: datetime | None, above: tuple[Part, ...] = ()) -> Message:
    """The secret was fetched, but the window was gone. The message has a button and no content.

    `above` says where the secret is from.
    """
    opened = say("A one-time secret was opened for you, but its window closed too early.")
    said = (
        Sentences.of(opened, say("It is kept encrypted until {time}.", time=When(until, "clock"))) if until else opened
    )
    label = say("Show again, in a new window")
    return Message.of(
        Sentences.of(opened, say("Press Show again to see it.")),
        *above,
        Text.of(said),
        Buttons.of(Button(say("Show again"), SHOW_AGAIN, ref, "primary", accessibility_label=label)),
        Note.of(say("If you have seen it already, there is nothing to do.")),
    )


def dm_shown() -> Message:
    said = say("The one-time secret was shown to you. It is not kept here any more.")
    return Message.of(said, Text.of(DONE_SIGN, said))


def dm_later_try_worked() -> Message:
    """In the place of “Try again”."""
    said = say("An earlier try to open a one-time secret was interrupted. A later try worked: it was shown to you.")
    return Message.of(said, Text.of(DONE_SIGN, said))


def dm_too_old() -> Message:
    """In the place of “Try again”, when its button can do nothing more."""
    said = say("A try to open a one-time secret was interrupted. It may have been opened.")
    after = say(
        "If you have not seen it, use its link or its message again, or ask the person who sent it for a new one."
    )
    return Message.of(said, Text.of(WARNING_SIGN, Sentences.of(said, after)))


def dm_nothing_held() -> Message:
    """The answer to “Show again” if no escrow is left."""
    return Message.of(NOTHING_LEFT, Text.of(NOTHING_LEFT))


def dm_expired(host: str) -> Message:
    """The escrow is over, and nothing says that the secret was seen."""
    said = say(
        "A one-time secret on *{server}* was opened for you and kept for a short time. That time has "
        "passed, so it was deleted. If you have not seen it, it is lost. Ask the person who sent it for "
        "a new one.",
        server=HostName(host),
    )
    return Message.of(said, Text.of(WARNING_SIGN, said))


def dm_may_be_opened(ref: str, host: str, *, again: bool = False, above: tuple[Part, ...] = ()) -> Message:
    """The process died between the request to the host and the escrow. `again`: a later try was interrupted, too.

    `above` says where the secret is from.
    """
    label = say("Try again to open the secret")
    said = say(
        "The app was interrupted while it opened a one-time secret on *{server}* for you. It may have been opened "
        "without reaching you. Trying again is safe: you either get it or learn that it is gone.",
        server=HostName(host),
    )
    later = [say("*A later try was interrupted, too.*")] if again else []
    return Message.of(
        say(
            "The app was interrupted while it opened a one-time secret for you. It may have been opened. Try again: "
            "that is safe."
        ),
        *above,
        Text.of(Sentences.of(said, *later)),
        Buttons.of(Button(say("Try again"), TRY_AGAIN, ref, "primary", accessibility_label=label)),
    )


def dm_lost(host: str) -> Message:
    said = say(
        "A one-time secret on *{server}* was opened, but the window closed before it could be shown, and "
        "nothing was kept. Ask the person who sent it for a new one.",
        server=HostName(host),
    )
    return Message.of(said, Text.of(WARNING_SIGN, said))
