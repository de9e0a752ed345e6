"""What a parcel's state is called, and whom it is for: the words that messages, cards and windows share."""

from __future__ import annotations

from bot.screen.parts import Piece, Plain, When, Where, Who
from bot.storage.parcels import Address, Parcel

NOTE_MOST = 500  # characters of the sender's note

SIGNS = {
    "waiting": ":hourglass_flowing_sand:",
    "asking": ":hourglass_flowing_sand:",
    "made": ":large_green_circle:",
    "sent": ":large_green_circle:",
    "opening": ":large_green_circle:",
    "handed": ":large_green_circle:",
    "opened": ":white_check_mark:",
    "failed": ":x:",
    "doubtful": ":warning:",
    "refused": ":no_entry:",
    "burned": ":fire:",
    "expired": ":hourglass:",
    "gone": ":grey_question:",
}

WORDS = {
    "waiting": "being made",
    "asking": "being made",
    "made": "made; its message is not there yet",
    "sent": "not opened yet",
    "opening": "not opened yet",
    "handed": "not opened yet",
    "doubtful": "*may exist, and nobody has its link*: the host gave no usable answer. It was not sent",
    "burned": "burned before anybody opened it",
    "expired": "expired unopened",
    "gone": "gone, and nobody knows how",
}
WHY_FAILED = {
    "interrupted": "the bot was interrupted before it asked for it",
    "not_tried": "the host was in trouble, so it was not tried",
    "passphrase_ignored": "the host ignored the passphrase, so the secret was burned at once",
    "NotAuthorized": "the host did not accept your account's token",
    "RateLimited": "the host is limiting requests",
    "NothingSent": "the host could not be reached",
}
WHY_REFUSED = {
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


def whom(to: Address) -> Piece:
    """The addressee, as Slack shows them."""
    if to.user is not None:
        return Who(to.user.user_id)
    return Where(to.channel) if to.channel is not None else "Just the link"


def state_words(parcel: Parcel) -> tuple[Piece, ...]:
    """What became of it, for its sender."""
    by: tuple[Piece, ...] = (Who(parcel.opener.user_id),) if parcel.opener else ()
    match parcel.state:
        case "made" if parcel.to.is_nobody:
            return ("not opened yet",)
        case "handed" if parcel.opener != parcel.sender:
            return ("not opened yet; the link was shown to ", *by)
        case "opened":
            when: tuple[Piece, ...] = (" ", When(parcel.opened_at)) if parcel.opened_at else ()
            return ("opened", *((" by ", *by) if by and not parcel.by_link else ()), *when, *with_link(parcel))
        case "failed":
            return ("*not made*: ", WHY_FAILED.get(parcel.why or "", "the host refused it"))
        case "refused":
            return ("*not sent*: ", *_why_refused(parcel), ". Its secret is taken back: nobody can open it")
        case state:
            return (WORDS[state],)


def _why_refused(parcel: Parcel) -> tuple[Piece, ...]:
    known = WHY_REFUSED.get(parcel.why or "")
    return (known,) if known else ("Slack did not take the message (", Plain(parcel.why or "unknown"), ")")


def with_link(parcel: Parcel) -> tuple[Piece, ...]:
    """Opened in a browser, it is only known who was shown the link; its sender, who made it, is no news."""
    if not parcel.by_link or parcel.opener is None or parcel.opener == parcel.sender:
        return ()
    return (", with the link that ", Who(parcel.opener.user_id), " was shown")


def summary(parcel: Parcel) -> str:
    """The state in a few words, for notifications and screen readers."""
    words = {"opened": "opened", "burned": "burned unopened", "expired": "expired unopened"}
    return words.get(parcel.state, "over")
