"""How states are shown: all words, sentences and signs for the state of a secret, a delivery or a request are here.

There are four vocabularies of states, because four parties know different things:
`SecretState` is what a host says, `TrackedState` what the watcher keeps of that, `DeliveryState` what became of one
recipient's secret, `RequestState` what became of a request for a secret. mypy refuses a table that misses a state.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Generic, Literal, TypedDict, TypeVar, assert_never

from bot.onetime.wire import Metadata, SecretState
from bot.person import Person
from bot.screen.pieces import (
    Mark,
    Phrase,
    Piece,
    Plain,
    SecretNamed,
    Sentences,
    When,
    Where,
    Who,
    say,
    say_count,
    say_in,
)
from bot.status.names import note_at_start, note_inside, quoted
from bot.storage.requests import Request
from bot.storage.shares.rows import NOT_GIVEN, Delivery, Recipient
from bot.storage.tracking.rows import KnownEnd, NotificationKind, Tracked

ValueT = TypeVar("ValueT")

RecentFilter = Literal["all", "new", "received", "burned", "expired", "shared"]  # of `/ots recent`

# A sign has the blank behind it.
WORKING_SIGN: Final = Mark(":hourglass_flowing_sand: ")
UNOPENED_SIGN: Final = Mark(":large_green_circle: ")
OPENED_SIGN: Final = Mark(":white_check_mark: ")
BURNED_SIGN: Final = Mark(":fire: ")
EXPIRED_SIGN: Final = Mark(":hourglass: ")
GONE_SIGN: Final = Mark(":grey_question: ")
WARNING_SIGN: Final = Mark(":warning: ")
REMINDER_SIGN: Final = Mark(":bell: ")
DONE_SIGN: Final = Mark(":white_check_mark: ")
REFUSED_SIGN: Final = Mark(":no_entry: ")
DECLINED_SIGN: Final = Mark(":no_entry_sign: ")
WITHDRAWN_SIGN: Final = Mark(":leftwards_arrow_with_hook: ")
DOT: Final = Mark(" · ")


# --- a secret, as its host says


def secret_words(state: SecretState) -> Phrase:
    match state:
        case SecretState.NEW | SecretState.VIEWED:  # VIEWED: its metadata was read; it was not opened
            return say("Not opened yet")
        case SecretState.RECEIVED:
            return say("Opened")
        case SecretState.BURNED:
            return say("Burned before anybody opened it")
        case SecretState.EXPIRED:
            return say("Expired unopened")
        case SecretState.ORPHANED:
            return say("Gone before it expired")
        case SecretState.UNKNOWN:
            return say("With a status that this app does not know")
        case _:
            assert_never(state)


NOBODY_OPENED_IT: Final = say("Nobody opened it.")
WORKED_ONCE: Final = say("It worked once, and it is gone.")


def expired_words(at: datetime | None, *, is_unopened: bool = True) -> Piece:
    """That a secret expired, and when, if that is known."""
    said = say("It expired {when}.", when=When(at)) if at else say("It expired.")
    return Sentences.of(said, NOBODY_OPENED_IT) if is_unopened else said


def expiry_label(*, has_expired: bool, is_over: bool) -> Phrase:
    """The label of the time at which a secret expires. `is_over`: it has expired, or came to another end before."""
    if has_expired:
        return say_in("the label of a date", "Expired")
    return say("Would have expired") if is_over else say("Expires")


def secret_over_words(metadata: Metadata, state: SecretState) -> Piece:
    """What became of a secret that is in this final state, for somebody who wanted to open it."""
    match state:
        case SecretState.EXPIRED:
            return expired_words(metadata.expires_at)
        case SecretState.RECEIVED:
            return Sentences.of(_was_opened(metadata.received), WORKED_ONCE)
        case SecretState.BURNED:
            return say("It was burned before anybody opened it.")
        case _:
            return say("It is gone: its server lost it before it expired.")


def _was_opened(at: datetime | None) -> Phrase:
    return say("It was opened {when}.", when=When(at)) if at else say("It was opened.")


def secret_sign(state: SecretState) -> Mark:
    match state:
        case SecretState.NEW | SecretState.VIEWED:
            return UNOPENED_SIGN
        case SecretState.RECEIVED:
            return OPENED_SIGN
        case SecretState.BURNED:
            return BURNED_SIGN
        case SecretState.EXPIRED:
            return EXPIRED_SIGN
        case SecretState.ORPHANED | SecretState.UNKNOWN:
            return GONE_SIGN
        case _:
            assert_never(state)


NOT_NOTIFIED: Final = say("You got no message about this: Slack did not take it.")


def count_words(count: int, wanted: RecentFilter) -> Phrase:
    """How many secrets a filter of `/ots recent` has left."""
    match wanted:
        case "new":
            return say_count("{count} unopened secret", "{count} unopened secrets", count)
        case "received":
            return say_count("{count} opened secret", "{count} opened secrets", count)
        case "burned":
            return say_count("{count} burned secret", "{count} burned secrets", count)
        case "expired":
            return say_count("{count} expired secret", "{count} expired secrets", count)
        case "shared":
            return say_count("{count} secret shared in Slack", "{count} secrets shared in Slack", count)
        case "all":
            return say_count("{count} secret", "{count} secrets", count)


# --- the result of a try to burn a secret

NOT_KNOWN_SUMMARY: Final = say("Onetime Secret no longer knows this secret")
NOT_KNOWN: Final = (
    GONE_SIGN,
    say(
        "*Onetime Secret no longer knows this secret.* It was burned, opened or expired a while ago, or "
        "the link is not right."
    ),
)


def burn_outcome(state: SecretState) -> tuple[Piece, ...]:
    """What to say after a try to burn a secret that is in this state now."""
    match state:
        case SecretState.BURNED:
            return BURNED_SIGN, say("*Burned.* Nobody can open it any more.")
        case SecretState.RECEIVED:
            return OPENED_SIGN, say("*Too late to burn: it was opened already.*")
        case SecretState.EXPIRED:
            return EXPIRED_SIGN, say("*Nothing to burn: it expired unopened.*")
        case SecretState.ORPHANED:
            return GONE_SIGN, say("*Nothing to burn: it is gone already.*")
        case SecretState.UNKNOWN:
            return GONE_SIGN, say("*It was gone before this click.* Nobody could say just now what happened to it.")
        case SecretState.NEW | SecretState.VIEWED:
            return WARNING_SIGN, say("*It could not be burned.* Please try again.")
        case _:
            assert_never(state)


# --- a tracked secret


class _ByTrackedState(TypedDict, Generic[ValueT]):
    """A value for each `TrackedState`."""

    new: ValueT
    received: ValueT
    burned: ValueT
    expired: ValueT
    orphaned: ValueT
    unknown: ValueT


TRACKED_WORDS: Final[_ByTrackedState[Phrase]] = {
    "new": say("Not opened yet"),
    "received": say("Opened"),
    "burned": say("Burned before anybody opened it"),
    "expired": say("Expired unopened"),
    "orphaned": say("Gone before it expired"),
    "unknown": say("Onetime Secret no longer knows it"),
}

TRACKED_SIGNS: Final[_ByTrackedState[Mark]] = {
    "new": UNOPENED_SIGN,
    "received": OPENED_SIGN,
    "burned": BURNED_SIGN,
    "expired": EXPIRED_SIGN,
    "orphaned": GONE_SIGN,
    "unknown": GONE_SIGN,
}

# Kind of notification -> the words of its box in the settings, under “Send me a message when a secret that I track”.
NOTIFICATION_CHOICES: Final[dict[KnownEnd, Phrase]] = {
    "received": say("is opened"),
    "burned": say("is burned"),
    "expired": say("expires"),
    "orphaned": say("is gone for an unknown reason"),
}

REMINDER_SUMMARY: Final = say("not opened yet, expires soon")


def tracked_notification(  # noqa: PLR0911 - one for each kind
    tracked: Tracked, kind: NotificationKind, secret: Piece
) -> Phrase:
    """What a notification of this kind says about the secret, which has this name."""
    match kind:
        case "received" if tracked.received_at:
            return say("{secret} was opened {when}.", secret=secret, when=When(tracked.received_at))
        case "received":
            return say("{secret} was opened.", secret=secret)
        case "burned":
            return say("{secret} was burned before anybody opened it.", secret=secret)
        case "expired":
            return say("{secret} expired. Nobody opened it.", secret=secret)
        case "reminder" if tracked.expires_at:
            return say(
                "{secret} has not been opened yet and expires {when}.", secret=secret, when=When(tracked.expires_at)
            )
        case "reminder":
            return say("{secret} has not been opened yet and expires soon.", secret=secret)
        case "orphaned":
            return say(
                "{secret} was gone before it expired, and nobody knows why. It is safer to change it.", secret=secret
            )
        case _:
            return say(
                "{secret} no longer exists. Onetime Secret no longer knows whether it was opened.", secret=secret
            )


# --- a delivery: one recipient's secret


class _FixedDeliveryWords(TypedDict):
    """A text for each `DeliveryState` that is said without a name, a time or a reason."""

    waiting: Phrase
    asking: Phrase
    made: Phrase
    sent: Phrase
    opening: Phrase
    link_shown: Phrase
    unknown_outcome: Phrase
    burned: Phrase
    expired: Phrase
    gone: Phrase


class _DeliverySigns(TypedDict):
    """A sign for each `DeliveryState`."""

    waiting: Mark
    asking: Mark
    made: Mark
    sent: Mark
    opening: Mark
    link_shown: Mark
    opened: Mark
    failed: Mark
    unknown_outcome: Mark
    undeliverable: Mark
    burned: Mark
    expired: Mark
    gone: Mark


DELIVERY_SIGNS: Final[_DeliverySigns] = {
    "waiting": WORKING_SIGN,
    "asking": WORKING_SIGN,
    "made": UNOPENED_SIGN,
    "sent": UNOPENED_SIGN,
    "opening": UNOPENED_SIGN,
    "link_shown": UNOPENED_SIGN,
    "opened": OPENED_SIGN,
    "failed": Mark(":x: "),
    "unknown_outcome": WARNING_SIGN,
    "undeliverable": REFUSED_SIGN,
    "burned": BURNED_SIGN,
    "expired": EXPIRED_SIGN,
    "gone": GONE_SIGN,
}

_DELIVERY_WORDS: Final[_FixedDeliveryWords] = {
    "waiting": say("being made"),
    "asking": say("being made"),
    "made": say("made; its message is not sent yet"),
    "sent": say("not opened yet"),
    "opening": say("not opened yet"),
    "link_shown": say("not opened yet"),
    "unknown_outcome": say(
        "*the secret may exist, and nobody has its link*. No clear answer came from the server. It was not sent"
    ),
    "burned": say("burned before anybody opened it"),
    "expired": say("expired unopened"),
    "gone": say("gone, and nobody knows how"),
}

_MAY_BE_MAILED: Final = say(
    "*the secret may exist, and nobody here has its link*. No clear answer came from the server. If you gave an "
    "e-mail address, the server may have sent the link there"
)

# `Delivery.reason` of one that failed -> why there is no secret.
_WHY_FAILED: Final = {
    "interrupted": say("*not made*: the app was interrupted before it asked the server"),
    "not_tried": say("*not made*: the server had a problem, so it was not tried"),
    "passphrase_ignored": say("*not made*: the server ignored the passphrase, so the secret was burned at once"),
    "NotAuthorized": say("*not made*: the server did not accept your account's token"),
    "RateLimited": say("*not made*: the server is limiting requests"),
    "NothingSent": say("*not made*: the server could not be reached"),
    "Redirected": say("*not made*: the server redirects everything to another address"),
    "RefusedByProxy": say("*not made*: a proxy in front of the server refused it"),
    "AccountsOff": say("*not made*: the server does not take accounts"),
}
_FAILED: Final = say("*not made*: the server refused it")

# `Delivery.reason` of one that is undeliverable, which is Slack's error code -> why Slack did not take its message.
_NOT_IN_CHANNEL: Final = say("*not sent*: this app is not in that channel. Invite it there and share again")
_NOT_ALLOWED_THERE: Final = say("*not sent*: this app may not write in that channel")
_DEACTIVATED: Final = say("*not sent*: that person's account is deactivated")
_WHY_UNDELIVERABLE: Final = {
    "not_in_channel": _NOT_IN_CHANNEL,
    "channel_not_found": _NOT_IN_CHANNEL,
    "is_archived": say("*not sent*: that channel is archived"),
    "restricted_action": _NOT_ALLOWED_THERE,
    "restricted_action_read_only_channel": _NOT_ALLOWED_THERE,
    "cannot_dm_bot": say("*not sent*: that is a bot"),
    "user_disabled": _DEACTIVATED,
    "account_inactive": _DEACTIVATED,
    "messages_tab_disabled": say("*not sent*: this app cannot send direct messages here"),
}


def recipient_name(recipient: Recipient) -> Piece:
    """The recipient, as Slack shows them."""
    if recipient.user is not None:
        return Who(recipient.user.user_id)
    return Where(recipient.channel) if recipient.channel is not None else say("Just the link")


def delivery_words(delivery: Delivery) -> Piece:
    """What became of a delivery, for its sender: it follows the recipient and a colon, and has no full stop."""
    match delivery.state:
        case "made" if delivery.recipient.is_nobody:
            return say("not opened yet")
        case "link_shown" if delivery.opener is not None and delivery.opener != delivery.sender:
            return say("not opened yet; the link was shown to {person}", person=Who(delivery.opener.user_id))
        case "opened":
            return _opened_words(delivery)
        case "failed":
            return _WHY_FAILED.get(delivery.reason or "", _FAILED)
        case "undeliverable":
            return Sentences.of(
                say("{problem}.", problem=_why_undeliverable(delivery)),
                say("Its secret was burned, so nobody can open it"),
            )
        case state:
            may_be_mailed = state == "unknown_outcome" and delivery.recipient.is_nobody
            return _MAY_BE_MAILED if may_be_mailed else _DELIVERY_WORDS[state]


def _opened_words(delivery: Delivery) -> Phrase:
    if delivery.opened_at is None:
        return _opened_sometime_words(delivery)
    when = When(delivery.opened_at)
    if (shown_to := _link_was_shown_to(delivery)) is not None:
        return say("opened {when}; its link was shown to {person}", when=when, person=shown_to)
    if delivery.opener is not None and not delivery.is_by_link:
        return say("opened by {person} {when}", person=Who(delivery.opener.user_id), when=when)
    if _is_reader_unknown(delivery):
        return say("opened {when}; this app does not know who saw it", when=when)
    return say("opened {when}", when=when)


def _opened_sometime_words(delivery: Delivery) -> Phrase:
    """The server did not say when."""
    if (shown_to := _link_was_shown_to(delivery)) is not None:
        return say("opened; its link was shown to {person}", person=shown_to)
    if delivery.opener is not None and not delivery.is_by_link:
        return say("opened by {person}", person=Who(delivery.opener.user_id))
    return say("opened; this app does not know who saw it") if _is_reader_unknown(delivery) else say("opened")


def sent_words(delivery: Delivery) -> Piece:
    """What became of a delivery, in the window that its sender sees right after sharing."""
    match delivery.state:
        case "sent" if not delivery.recipient.is_nobody:
            return say("has a message with an Open button")
        case "made" if not delivery.recipient.is_nobody:
            return say("gets a message with an Open button in a moment")
        case _:
            return delivery_words(delivery)


def _why_undeliverable(delivery: Delivery) -> Phrase:
    known = _WHY_UNDELIVERABLE.get(delivery.reason or "")
    return known or say("*not sent*: Slack did not take the message ({code})", code=Plain(delivery.reason or "unknown"))


def _link_was_shown_to(delivery: Delivery) -> Who | None:
    """Who was shown the link of a secret; None where that was its sender, or nobody.

    In a browser, anybody who has the link can open the secret, so nothing more is known.
    """
    if not delivery.is_by_link or delivery.opener is None or delivery.opener == delivery.sender:
        return None
    return Who(delivery.opener.user_id)


def how_it_was_opened(delivery: Delivery) -> tuple[Phrase, ...]:
    """What this app knows of who read a secret that was not opened in Slack. Nothing for one that was."""
    if (shown_to := _link_was_shown_to(delivery)) is not None:
        return (say("Its link was shown to {person}.", person=shown_to),)
    return (say("This app does not know who saw it."),) if _is_reader_unknown(delivery) else ()


def _is_reader_unknown(delivery: Delivery) -> bool:
    """Whether a secret for somebody here was opened, and not by a button of its messages or with a link from them.

    An opening that was interrupted does that, or somebody who found the link elsewhere, and perhaps opened it here.
    """
    return delivery.opener is None and not delivery.recipient.is_nobody


def delivery_title(delivery: Delivery) -> Phrase:
    """What became of the only delivery of a share, for the title of the sender's card."""
    if delivery.state == "opened":
        return say("Opened")
    if delivery.state in NOT_GIVEN and not delivery.recipient.is_nobody:
        return say("Not sent")
    return say("Not opened") if delivery.is_over else say("Not opened yet")


def delivery_summary(delivery: Delivery) -> Phrase:
    """What became of a delivery that is over, for notifications and screen readers."""
    match delivery.state:
        case "opened":
            return say("opened")
        case "burned":
            return say("burned unopened")
        case "expired":
            return say("expired unopened")
        case _:
            return say("cannot be opened any more")


def delivery_over_words(delivery: Delivery, note: str | None) -> Piece:
    """What became of a delivery that is over, in the message that its recipient got. `note` is the sender's note."""
    sender = Who(delivery.sender.user_id)
    match delivery.state:
        case "opened":
            return _over_as_opened(delivery, note)
        case "burned" | "undeliverable":
            return say(
                "{person} burned {secret} before it was opened.", person=sender, secret=_which_for_recipient(note)
            )
        case "expired":
            return say("{secret} from {person} expired. Nobody opened it.", secret=_which_first(note), person=sender)
        case _:
            return say("{secret} from {person} cannot be opened any more.", secret=_which_first(note), person=sender)


def _which_for_recipient(note: str | None) -> Piece:
    """Which secret is meant, inside a sentence for its recipient."""
    return note_inside(note) if note else say("this one-time secret")


def _which_first(note: str | None) -> Piece:
    """Which secret is meant, at the start of a sentence for its recipient."""
    return note_at_start(note) if note else say("This one-time secret")


def _over_as_opened(delivery: Delivery, note: str | None) -> Piece:
    if delivery.opener is None or delivery.is_by_link:
        return _over_as_opened_by_link(delivery, note)
    when = When(delivery.opened_at) if delivery.opened_at else None
    which = say("{secret} from {sender}", secret=_which_for_recipient(note), sender=Who(delivery.sender.user_id))
    if delivery.opener == delivery.recipient.user:
        if when is None:
            return say("You opened {secret}.", secret=which)
        return say("You opened {secret} {when}.", secret=which, when=when)
    who = Who(delivery.opener.user_id)
    if when is None:
        return say("{person} opened {secret}.", person=who, secret=which)
    return say("{person} opened {secret} {when}.", person=who, secret=which, when=when)


def _over_as_opened_by_link(delivery: Delivery, note: str | None) -> Piece:
    which = say("{secret} from {sender}", secret=_which_first(note), sender=Who(delivery.sender.user_id))
    said = say("{secret} was opened.", secret=which)
    if delivery.opened_at:
        said = say("{secret} was opened {when}.", secret=which, when=When(delivery.opened_at))
    if delivery.is_by_link and delivery.opener == delivery.recipient.user:
        return Sentences.of(said, say("Its link was shown to you."))
    return Sentences.of(said, *how_it_was_opened(delivery))


def delivery_taken_words(delivery: Delivery, person: Person) -> Piece:
    """Why this person cannot open a delivery now: who has it, or what became of it."""
    has_it = delivery.state in ("opening", "link_shown") or (delivery.state == "opened" and not delivery.is_by_link)
    if has_it and delivery.opener is not None:
        return _opener_words(delivery, person, delivery.opener)
    match delivery.state:
        case "opened":
            return Sentences.of(_was_opened(delivery.opened_at), *how_it_was_opened(delivery), WORKED_ONCE)
        case "burned":
            return say("{person} burned it before anybody opened it.", person=Who(delivery.sender.user_id))
        case "expired":
            return expired_words(delivery.expires_at)
        case _:
            return say("It is gone. Ask {person} for a new one.", person=Who(delivery.sender.user_id))


def _opener_words(delivery: Delivery, person: Person, opener: Person) -> Piece:
    is_own, who = opener == person, Who(opener.user_id)
    match delivery.state:
        case "opening":
            return Sentences.of(
                say("You are opening it right now.")
                if is_own
                else say("{person} is opening it right now.", person=who),
                say("If that does not work, you can try again."),
            )
        case "link_shown":
            if is_own:
                return say("You took its link to open it in the browser.")
            return say("{person} took its link to open it in the browser.", person=who)
        case _:
            return Sentences.of(_opened_by(delivery.opened_at, None if is_own else who), WORKED_ONCE)


def _opened_by(at: datetime | None, who: Who | None) -> Phrase:
    """`who` is None for the reader."""
    if who is None:
        return say("You opened it {when}.", when=When(at)) if at else say("You opened it.")
    return (
        say("{person} opened it {when}.", person=who, when=When(at)) if at else say("{person} opened it.", person=who)
    )


# --- a request for a secret


class _ByRequestState(TypedDict):
    """A sign and a text for each `RequestState`."""

    waiting: tuple[Mark, Phrase]
    asked: tuple[Mark, Phrase]
    answered: tuple[Mark, Phrase]
    withdrawn: tuple[Mark, Phrase]
    declined: tuple[Mark, Phrase]
    expired: tuple[Mark, Phrase]
    undeliverable: tuple[Mark, Phrase]


# In the card of the person who asked.
REQUEST_WORDS: Final[_ByRequestState] = {
    "waiting": (WORKING_SIGN, say("Not asked yet: Slack has a problem. The app will try again.")),
    "asked": (UNOPENED_SIGN, say("Not answered yet")),
    "answered": (DONE_SIGN, say("Answered. The secret came in a separate message.")),
    "withdrawn": (WITHDRAWN_SIGN, say("Withdrawn")),
    "declined": (DECLINED_SIGN, say("Declined")),
    "expired": (EXPIRED_SIGN, say("Not answered within 7 days")),
    "undeliverable": (WARNING_SIGN, say("Not asked: Slack does not deliver messages from this app to this person")),
}


def request_card_words(request: Request) -> tuple[Mark, Phrase]:
    """The state of a request, in the card of the person who asked."""
    state = request.state if request.is_open or request.state not in {"asked", "waiting"} else "expired"
    if state == "declined" and request.reason:
        return DECLINED_SIGN, say("Declined: {reason}", reason=Plain(request.reason))
    if state == "answered" and request.workflow is not None:
        return DONE_SIGN, say("Answered. The workflow goes on.")
    if state == "expired" and request.workflow is not None:
        return EXPIRED_SIGN, say("Not answered in time. The workflow goes on.")
    return REQUEST_WORDS[state]


def request_sentence(request: Request) -> Phrase:
    """Who asks for a secret: a person, or a workflow that a person ran."""
    who = Who(request.person.user_id)
    if request.workflow is None:
        return say("{person} asks you for a secret.", person=who)
    return say(
        "The workflow “{workflow}”, which {person} started, asks you for a secret.",
        workflow=Plain(request.workflow),
        person=who,
    )


def request_over_words(request: Request) -> tuple[Mark, Phrase]:
    """The words in the place of the buttons, in the message to the person who was asked."""
    match request.state:
        case "answered":
            return DONE_SIGN, say("You sent it.")
        case "withdrawn":
            return WITHDRAWN_SIGN, say("It was withdrawn. There is nothing to do.")
        case "declined" if request.reason:
            return DECLINED_SIGN, say("You declined: {reason}", reason=Plain(request.reason))
        case "declined":
            return DECLINED_SIGN, say("You declined.")
        case "expired" | "waiting" | "asked" | "undeliverable" if request.workflow is not None:
            return EXPIRED_SIGN, say("Its time has passed. There is nothing to do.")
        case "expired" | "waiting" | "asked" | "undeliverable":  # a request whose time has run out is still `asked`
            return EXPIRED_SIGN, say("Its 7 days have passed. There is nothing to do.")
        case _:
            assert_never(request.state)


def request_notification_words(request: Request) -> tuple[Mark, Phrase] | None:
    """The sign and the sentence for the person who asked; None if there is nothing to say.

    For an answer there is none: the message with the secret is enough.
    """
    who = Who(request.asked.user_id)
    match request.state:
        case "declined":
            return DECLINED_SIGN, _declined_sentence(request, who)
        case "expired" if request.workflow is not None:
            return EXPIRED_SIGN, say("{person} has not answered your workflow's request in time.", person=who)
        case "expired":
            return EXPIRED_SIGN, say("{person} has not answered your request for a secret within 7 days.", person=who)
        case "undeliverable" if not request.is_bound:
            return WARNING_SIGN, say(
                "A request of yours for a secret cannot be read any more, so it was not sent. Please ask again."
            )
        case "undeliverable":
            return WARNING_SIGN, say(
                "Slack does not deliver messages from this app to {person}, so your request for a secret was not sent.",
                person=who,
            )
        case "waiting" | "asked" | "answered" | "withdrawn":
            return None
        case _:
            assert_never(request.state)


def _declined_sentence(request: Request, who: Who) -> Phrase:
    """Who declined which request, and why. It has no note besides it, since it names the request."""
    which = SecretNamed(quoted(request.note), say("for a secret")) if request.note else None
    why = Plain(request.reason) if request.reason else None
    if which is None:
        if why is None:
            return say("{person} declined your request for a secret.", person=who)
        return say("{person} declined your request for a secret: {reason}", person=who, reason=why)
    if why is None:
        return say("{person} declined your request {request}.", person=who, request=which)
    return say("{person} declined your request {request}: {reason}", person=who, request=which, reason=why)


def what_for(note: str) -> Phrase:
    return say("Purpose: {note}", note=Plain(note))
