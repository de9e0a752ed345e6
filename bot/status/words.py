"""How states are shown: all words, sentences and signs for the state of a secret, a delivery or a request are here.

There are four vocabularies of states, because four parties know different things:
`SecretState` is what a host says, `TrackedState` what the watcher keeps of that, `DeliveryState` what became of one
recipient's secret, `RequestState` what became of a request for a secret. mypy refuses a table that misses a state.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, TypedDict, assert_never

from bot.clock import now
from bot.onetime.wire import Metadata, SecretState
from bot.person import Person
from bot.screen.parts import Piece, Plain, When, Where, Who
from bot.screen.words import defang
from bot.storage.requests import Request, RequestState
from bot.storage.shares.rows import Delivery, Recipient
from bot.storage.tracking.rows import NotificationKind, Tracked

WORKING_SIGN: Final = ":hourglass_flowing_sand:"
UNOPENED_SIGN: Final = ":large_green_circle:"
OPENED_SIGN: Final = ":white_check_mark:"
BURNED_SIGN: Final = ":fire:"
EXPIRED_SIGN: Final = ":hourglass:"
GONE_SIGN: Final = ":grey_question:"


# --- which secret is meant, in the accessibility label of a button

MAX_NAME: Final = 36  # characters; a label has room for 75


def name_in_label(name: str | None, made_at: datetime | None = None, *, number: int | None = None) -> str:
    """Which secret a button is about, for people who hear its label alone: “staging database”, number 2.

    `number` is its place in a list or among the recipients of one share.
    """
    if name:
        name = defang(name).replace("<", "‹").replace(">", "›")
        said = f"“{name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + '…'}”"
    else:
        said = f"the secret made {made_at:%Y-%m-%d %H:%M} UTC" if made_at else "this secret"
    return said if number is None else f"{said}, number {number}"


# --- a secret, as its host says


def secret_words(state: SecretState) -> str:
    match state:
        case SecretState.NEW | SecretState.VIEWED:  # VIEWED: its metadata was read; it was not opened
            return "Not opened yet"
        case SecretState.RECEIVED:
            return "Opened"
        case SecretState.BURNED:
            return "Burned before anybody opened it"
        case SecretState.EXPIRED:
            return "Expired unopened"
        case SecretState.ORPHANED:
            return "Gone before its time"
        case SecretState.UNKNOWN:
            return "In a state this bot does not know"
        case _:
            assert_never(state)


def expired_words(at: datetime | None, *, is_unopened: bool = True) -> tuple[Piece, ...]:
    """That a secret expired, and when; with the date only if that was not just today."""
    end = ". Nobody opened it." if is_unopened else "."
    if at is None:
        return (f"It expired{end}",)
    is_recent = now() - at < timedelta(hours=12)
    return ("It expired at ", When(at, "clock" if is_recent else "moment"), end)


def secret_over_words(metadata: Metadata, state: SecretState) -> tuple[Piece, ...]:
    """What became of a secret that is in this final state, for somebody who wanted to open it."""
    match state:
        case SecretState.EXPIRED:
            return expired_words(metadata.expires_at)
        case SecretState.RECEIVED:
            return ("It was opened", *_moment(metadata.received), ". It worked once, and is gone.")
        case SecretState.BURNED:
            return ("It was burned before anybody opened it.",)
        case _:
            return ("It is gone: its server has lost it before its time.",)


def secret_sign(state: SecretState) -> str:
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


# A filter of `/ots recent` as the word in front of “secrets”.
FILTER_WORDS: Final = {"new": "unopened", "received": "opened", "burned": "burned", "expired": "expired"}


# --- the result of a try to burn a secret

NOT_KNOWN_SUMMARY: Final = "Not known any more"
NOT_KNOWN: Final = (
    ":grey_question: *Onetime Secret does not know it any more.* It was burned, opened or expired a while ago, "
    "or the link is not right."
)


def burn_outcome(state: SecretState) -> str:
    """What to say after a try to burn a secret that is in this state now."""
    match state:
        case SecretState.BURNED:
            return ":fire: *Burned.* Nobody can open it any more."
        case SecretState.RECEIVED:
            return ":white_check_mark: *Too late to burn: it was opened already.*"
        case SecretState.EXPIRED:
            return ":hourglass: *Nothing to burn: it expired unopened.*"
        case SecretState.ORPHANED:
            return ":grey_question: *Nothing to burn: its content is gone already.*"
        case SecretState.UNKNOWN:
            return ":grey_question: *It was gone before this click.* What became of it could not be asked just now."
        case SecretState.NEW | SecretState.VIEWED:
            return ":warning: *It could not be burned.* Please try again."
        case _:
            assert_never(state)


# --- a tracked secret


class _ByTrackedState(TypedDict):
    """A text for each `TrackedState`."""

    new: str
    received: str
    burned: str
    expired: str
    orphaned: str
    unknown: str


TRACKED_WORDS: Final[_ByTrackedState] = {
    "new": "Not opened yet",
    "received": "Opened",
    "burned": "Burned before anybody opened it",
    "expired": "Expired unopened",
    "orphaned": "Gone before its time",
    "unknown": "No longer known to the host",
}

TRACKED_SIGNS: Final[_ByTrackedState] = {
    "new": UNOPENED_SIGN,
    "received": OPENED_SIGN,
    "burned": BURNED_SIGN,
    "expired": EXPIRED_SIGN,
    "orphaned": GONE_SIGN,
    "unknown": GONE_SIGN,
}

# Kind of notification -> the end of the sentence “a message when a secret that you track …”, in the settings.
NOTIFICATION_CHOICES: Final = {
    "received": "is opened",
    "burned": "is burned",
    "expired": "expires",
    "orphaned": "is gone before its time",
}

REMINDER_SUMMARY: Final = "not opened yet, expires soon"


def tracked_notification_words(tracked: Tracked, kind: NotificationKind) -> tuple[Piece, ...]:
    """What a notification of this kind says after the name of the secret."""
    match kind:
        case "received":
            return (" was opened", *_moment(tracked.received_at), ".")
        case "burned":
            return (" was burned before anybody opened it.",)
        case "expired":
            return (" expired. Nobody opened it.",)
        case "reminder":
            expires: Piece = When(tracked.expires_at) if tracked.expires_at else "soon"
            return (" has not been opened yet and expires ", expires, ".")
        case "orphaned":
            return (" is gone before its time, and nobody knows why. Better take it for lost.",)
        case _:
            return (" has run out, and the host does not say any more whether it was opened.",)


# --- a delivery: one recipient's secret


class _FixedDeliveryWords(TypedDict):
    """A text for each `DeliveryState` that is said without a name, a time or a reason."""

    waiting: str
    asking: str
    made: str
    sent: str
    opening: str
    link_shown: str
    unknown_outcome: str
    burned: str
    expired: str
    gone: str


class _ByDeliveryState(_FixedDeliveryWords):
    """A text for each `DeliveryState`."""

    opened: str
    failed: str
    undeliverable: str


DELIVERY_SIGNS: Final[_ByDeliveryState] = {
    "waiting": WORKING_SIGN,
    "asking": WORKING_SIGN,
    "made": UNOPENED_SIGN,
    "sent": UNOPENED_SIGN,
    "opening": UNOPENED_SIGN,
    "link_shown": UNOPENED_SIGN,
    "opened": OPENED_SIGN,
    "failed": ":x:",
    "unknown_outcome": ":warning:",
    "undeliverable": ":no_entry:",
    "burned": BURNED_SIGN,
    "expired": EXPIRED_SIGN,
    "gone": GONE_SIGN,
}

_DELIVERY_WORDS: Final[_FixedDeliveryWords] = {
    "waiting": "being made",
    "asking": "being made",
    "made": "made; its message is not there yet",
    "sent": "not opened yet",
    "opening": "not opened yet",
    "link_shown": "not opened yet",
    "unknown_outcome": "*may exist, and nobody has its link*: the host gave no usable answer. It was not sent",
    "burned": "burned before anybody opened it",
    "expired": "expired unopened",
    "gone": "gone, and nobody knows how",
}

# `Delivery.reason` of one that failed -> why there is no secret.
_WHY_FAILED: Final = {
    "interrupted": "the bot was interrupted before it asked for it",
    "not_tried": "the host was in trouble, so it was not tried",
    "passphrase_ignored": "the host ignored the passphrase, so the secret was burned at once",
    "NotAuthorized": "the host did not accept your account's token",
    "RateLimited": "the host is limiting requests",
    "NothingSent": "the host could not be reached",
    "Redirected": "the host sends everything on to another address",
    "RefusedByProxy": "a proxy before the host refused it",
    "AccountsOff": "the host does not take accounts",
}

# `Delivery.reason` of one that is undeliverable, which is Slack's error code -> why Slack did not take its message.
_WHY_UNDELIVERABLE: Final = {
    "not_in_channel": "the bot is not in that channel: invite it there and share again",
    "channel_not_found": "the bot is not in that channel: invite it there and share again",
    "is_archived": "that channel is archived",
    "restricted_action": "the bot may not write in that channel",
    "restricted_action_read_only_channel": "the bot may not write in that channel",
    "cannot_dm_bot": "that is a bot",
    "user_disabled": "that account is deactivated",
    "account_inactive": "that account is deactivated",
    "messages_tab_disabled": "this app cannot send direct messages here",
}


def recipient_name(recipient: Recipient) -> Piece:
    """The recipient, as Slack shows them."""
    if recipient.user is not None:
        return Who(recipient.user.user_id)
    return Where(recipient.channel) if recipient.channel is not None else "Just the link"


def delivery_words(delivery: Delivery) -> tuple[Piece, ...]:
    """What became of a delivery, for its sender."""
    by: tuple[Piece, ...] = (Who(delivery.opener.user_id),) if delivery.opener else ()
    match delivery.state:
        case "made" if delivery.recipient.is_nobody:
            return ("not opened yet",)
        case "link_shown" if delivery.opener != delivery.sender:
            return ("not opened yet; the link was shown to ", *by)
        case "opened":
            opener = (" by ", *by) if by and not delivery.is_by_link else ()
            return ("opened", *opener, *_moment(delivery.opened_at), *link_words(delivery))
        case "failed":
            return ("*not made*: ", _WHY_FAILED.get(delivery.reason or "", "the host refused it"))
        case "undeliverable":
            return ("*not sent*: ", *_why_undeliverable(delivery), ". Its secret is taken back: nobody can open it")
        case state:
            return (_DELIVERY_WORDS[state],)


def sent_words(delivery: Delivery) -> tuple[Piece, ...]:
    """What became of a delivery, in the window that its sender sees right after sharing."""
    match delivery.state:
        case "sent" if not delivery.recipient.is_nobody:
            return ("has a message with an Open button",)
        case "made" if not delivery.recipient.is_nobody:
            return ("gets a message with an Open button in a moment",)
        case _:
            return delivery_words(delivery)


def _why_undeliverable(delivery: Delivery) -> tuple[Piece, ...]:
    known = _WHY_UNDELIVERABLE.get(delivery.reason or "")
    return (known,) if known else ("Slack did not take the message (", Plain(delivery.reason or "unknown"), ")")


def link_words(delivery: Delivery) -> tuple[Piece, ...]:
    """Who was shown the link that a secret was opened with; nothing where that was its sender, or nobody.

    In a browser, anybody who has the link can open the secret, so nothing more is known.
    """
    if not delivery.is_by_link or delivery.opener is None or delivery.opener == delivery.sender:
        return ()
    return (", with the link that ", Who(delivery.opener.user_id), " was shown")


def delivery_title(delivery: Delivery) -> str:
    """What became of the only delivery of a share, for the title of the sender's card."""
    return "Opened" if delivery.state == "opened" else "Not opened" if delivery.is_over else "Not opened yet"


def delivery_summary(delivery: Delivery) -> str:
    """What became of a delivery that is over, for notifications and screen readers."""
    words = {"opened": "opened", "burned": "burned unopened", "expired": "expired unopened"}
    return words.get(delivery.state, "over")


def delivery_over_words(delivery: Delivery) -> tuple[Piece, ...]:
    """What became of a delivery that is over, in the message that its recipient got."""
    match delivery.state:
        case "opened":
            when = _moment(delivery.opened_at)
            if delivery.opener is None or delivery.is_by_link:
                return ("This one-time secret was opened", *when, *link_words(delivery), ".")
            return (Who(delivery.opener.user_id), " opened this one-time secret", *when, ".")
        case "burned" | "undeliverable":
            return (Who(delivery.sender.user_id), " burned this one-time secret before it was opened.")
        case "expired":
            return ("This one-time secret expired. Nobody opened it.",)
        case _:
            return ("This one-time secret cannot be opened any more.",)


def delivery_taken_words(delivery: Delivery, person: Person) -> tuple[Piece, ...]:
    """Why this person cannot open a delivery now: who has it, or what became of it."""
    has_it = delivery.state in ("opening", "link_shown") or (delivery.state == "opened" and not delivery.is_by_link)
    if has_it and delivery.opener is not None:
        return _opener_words(delivery, person, delivery.opener)
    match delivery.state:
        case "opened":
            when = _moment(delivery.opened_at)
            return ("It was opened", *when, *link_words(delivery), ". It worked once, and is gone.")
        case "burned":
            return (Who(delivery.sender.user_id), " burned it before anybody opened it.")
        case "expired":
            return expired_words(delivery.expires_at)
        case _:
            return ("It is gone. Ask ", Who(delivery.sender.user_id), " for a new one.")


def _opener_words(delivery: Delivery, person: Person, opener: Person) -> tuple[Piece, ...]:
    who: Piece = "You" if opener == person else Who(opener.user_id)
    match delivery.state:
        case "opening":
            return (who, " is opening it right now. If that does not work, you can try again.")
        case "link_shown":
            return (who, " took its link to open it in the browser.")
        case _:
            return (who, " opened it", *_moment(delivery.opened_at), ". It worked once, and is gone.")


# --- a request for a secret


class _ByRequestState(TypedDict):
    """A text for each `RequestState`."""

    waiting: str
    asked: str
    answered: str
    withdrawn: str
    declined: str
    expired: str
    undeliverable: str


# In the card of the person who asked.
REQUEST_WORDS: Final[_ByRequestState] = {
    "waiting": ":hourglass_flowing_sand: Not asked yet: Slack is in trouble. It is tried again.",
    "asked": ":large_green_circle: Not answered yet",
    "answered": ":white_check_mark: Answered. What was sent came as a message of its own.",
    "withdrawn": ":leftwards_arrow_with_hook: Withdrawn",
    "declined": ":no_entry_sign: Declined",
    "expired": ":hourglass: Not answered within 7 days",
    "undeliverable": ":warning: Not asked: Slack takes no message to them from this app",
}


def request_over_words(state: RequestState) -> str:
    """The words in the place of the buttons, in the message to the person who was asked."""
    match state:
        case "answered":
            return ":white_check_mark: You sent it."
        case "withdrawn":
            return ":leftwards_arrow_with_hook: It was withdrawn. There is nothing to do."
        case "declined":
            return ":no_entry_sign: You declined."
        case "expired" | "waiting" | "asked" | "undeliverable":  # a request whose time has run out is still `asked`
            return ":hourglass: Its 7 days are over. There is nothing to do."
        case _:
            assert_never(state)


def request_notification_words(request: Request) -> tuple[str, tuple[Piece, ...]] | None:
    """The sign and the sentence for the person who asked, without its full stop; None if there is nothing to say.

    For an answer there is none: the message with the secret is enough.
    """
    who = Who(request.asked.user_id)
    match request.state:
        case "declined":
            return ":no_entry_sign:", (who, " does not want to send you what you asked for")
        case "expired":
            return ":hourglass:", (who, " has not answered within 7 days")
        case "undeliverable" if not request.is_bound:
            return ":warning:", ("A request of yours cannot be read any more, so it was not sent. Please ask again",)
        case "undeliverable":
            return ":warning:", ("Slack takes no message to ", who, " from this app, so your request was not sent")
        case "waiting" | "asked" | "answered" | "withdrawn":
            return None
        case _:
            assert_never(request.state)


def _moment(at: datetime | None) -> tuple[Piece, ...]:
    return (" ", When(at)) if at else ()
