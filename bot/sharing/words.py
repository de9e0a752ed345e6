"""What a delivery's state is called, and whom it is for: the words that messages, cards and windows share."""

from __future__ import annotations

from bot.screen.parts import Piece, Plain, When, Where, Who
from bot.storage.shares.rows import Delivery, Recipient

MAX_NOTE = 500  # characters of the sender's note

SIGNS = {
    "waiting": ":hourglass_flowing_sand:",
    "asking": ":hourglass_flowing_sand:",
    "made": ":large_green_circle:",
    "sent": ":large_green_circle:",
    "opening": ":large_green_circle:",
    "link_shown": ":large_green_circle:",
    "opened": ":white_check_mark:",
    "failed": ":x:",
    "unknown_outcome": ":warning:",
    "undeliverable": ":no_entry:",
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
    "link_shown": "not opened yet",
    "unknown_outcome": "*may exist, and nobody has its link*: the host gave no usable answer. It was not sent",
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


def whom(to: Recipient) -> Piece:
    """The recipient, as Slack shows them."""
    if to.user is not None:
        return Who(to.user.user_id)
    return Where(to.channel) if to.channel is not None else "Just the link"


def state_words(delivery: Delivery) -> tuple[Piece, ...]:
    """What became of it, for its sender."""
    by: tuple[Piece, ...] = (Who(delivery.opener.user_id),) if delivery.opener else ()
    match delivery.state:
        case "made" if delivery.recipient.is_nobody:
            return ("not opened yet",)
        case "link_shown" if delivery.opener != delivery.sender:
            return ("not opened yet; the link was shown to ", *by)
        case "opened":
            when: tuple[Piece, ...] = (" ", When(delivery.opened_at)) if delivery.opened_at else ()
            return ("opened", *((" by ", *by) if by and not delivery.is_by_link else ()), *when, *with_link(delivery))
        case "failed":
            return ("*not made*: ", WHY_FAILED.get(delivery.reason or "", "the host refused it"))
        case "undeliverable":
            return ("*not sent*: ", *_why_refused(delivery), ". Its secret is taken back: nobody can open it")
        case state:
            return (WORDS[state],)


def _why_refused(delivery: Delivery) -> tuple[Piece, ...]:
    known = WHY_REFUSED.get(delivery.reason or "")
    return (known,) if known else ("Slack did not take the message (", Plain(delivery.reason or "unknown"), ")")


def with_link(delivery: Delivery) -> tuple[Piece, ...]:
    """Opened in a browser, it is only known who was shown the link; its sender, who made it, is no news."""
    if not delivery.is_by_link or delivery.opener is None or delivery.opener == delivery.sender:
        return ()
    return (", with the link that ", Who(delivery.opener.user_id), " was shown")


def summary(delivery: Delivery) -> str:
    """The state in a few words, for notifications and screen readers."""
    words = {"opened": "opened", "burned": "burned unopened", "expired": "expired unopened"}
    return words.get(delivery.state, "over")
