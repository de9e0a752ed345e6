"""The errors that we expect. `str(error)` is for the log and never holds a secret; `error.tell` is for the person.

Features raise these errors; only the dispatcher catches them. A library's error is turned into one of these where it
is caught, with `from None` if the original carries a URL, a body or a value.
"""

from __future__ import annotations

from bot.screen.parts import Button
from bot.screen.pieces import Piece, Sentences, say
from bot.slack_codes import About, classify


class BotError(Exception):
    """An error that we expect: one INFO line in the log, `tell` for the person, and a `button` to go on with."""

    tell: Piece = say("That did not work. Please try again in a moment.")
    button: Button | None = None
    rule: str | None = None  # the name of the rule that refuses, for audit and metrics; None: no refusal of ours

    def __init__(self, why: str = "", *, tell: Piece | None = None) -> None:
        super().__init__(why or type(self).__name__)
        if tell is not None:
            self.tell = tell


# --- what a person typed or pasted


class NotUnderstood(BotError):
    """What was typed or pasted is not a link, a key or a host that we know. `tell` says what is wrong with it."""


class HostNotAllowed(NotUnderstood):
    """A link or name of a host that the operator did not allow. It is never contacted."""

    rule = "host"


# --- who may do what


class NotYours(BotError):
    """The row belongs to somebody else or does not exist: one error for both, so that nobody can find out which."""

    tell: Piece = say("This is not available to you, or not any more.")
    rule = "not_theirs"


class NotAllowed(BotError):
    """The person may not use the bot here: a guest, a stranger from another workspace, a deactivated account."""

    tell: Piece = say(
        "This app is for full members of this workspace. Guests and people from other workspaces open a "
        "one-time link in their browser."
    )
    rule = "not_a_member"


class LimitReached(BotError):
    """The person has used up a limit of this kind. `bot.interaction.limits` writes `tell`."""

    rule = "limit"

    def __init__(self, kind: str, wait: float, *, tell: Piece | None = None) -> None:
        super().__init__(kind, tell=tell)
        self.kind = kind
        self.wait = wait  # seconds until the person may do it again


class JustSent(BotError):
    """A button was pressed on a message before the database knew that Slack had taken the message."""

    tell: Piece = say("This was sent only just now. Please press the button again in a moment.")


class RequestOver(BotError):
    """The request for a secret was answered, declined or withdrawn, or its time has run out."""

    tell: Piece = say("That request is closed.")


class NotConnected(BotError):
    """The call needs an account on that host and the person has connected none."""

    tell: Piece = say("Connect your Onetime Secret account first.")


# --- what Onetime Secret answered


class OnetimeError(BotError):
    """A call to Onetime Secret failed. Carries the operation and the host, never a key."""


class SecretGone(OnetimeError):
    """The server said `Unknown secret`: the secret is unknown, opened, burned or expired.

    When opening a secret, a wrong or missing passphrase gets this answer too: API v1 does not tell them apart.
    """

    tell: Piece = say(
        "Onetime Secret does not know that secret. It was opened or burned, it has expired, or the key is wrong."
    )


class WrongPassphrase(OnetimeError):
    """The server said that the passphrase is missing or wrong. Only burning gets this answer."""

    tell: Piece = say("That passphrase is not right.")


class NotAuthorized(OnetimeError):
    """The account's user name or API token was not accepted."""

    tell: Piece = say(
        "Onetime Secret did not accept your account's API token. Connect the account again: `/ots connect`."
    )


class Refused(OnetimeError):
    """The server does not accept a field of the form. `reason` is the server's own sentence: untrusted text.

    The client shortens `reason` to a line that quotes nothing of what was sent; it is empty if that is not possible.
    """

    tell: Piece = say("Onetime Secret refused that.")

    def __init__(self, why: str = "", *, reason: str = "") -> None:
        super().__init__(why)
        self.reason = reason


class RateLimited(OnetimeError):
    """Too many calls. `retry_after` is in seconds, 15 minutes at most; None if the host does not say."""

    tell: Piece = say("Onetime Secret is limiting requests right now. Please try again in a few minutes.")

    def __init__(self, why: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class HostUnavailable(OnetimeError):
    """No usable answer: no connection, a server error, HTML, a truncated body, anything that we cannot read.

    The call may or may not have had its effect.
    """

    tell: Piece = say("Onetime Secret could not be reached, or its answer made no sense. Please try again in a moment.")


class NothingDone(HostUnavailable):
    """There was no usable answer, but it is certain that the call had no effect."""

    tells_effect = False  # whether `tell` says already that nothing was done

    def tell_without_effect(self, nothing_done: Piece) -> Piece:
        """`tell`, with the sentence that nothing was done, if `tell` does not say so already."""
        return self.tell if self.tells_effect else Sentences.of(self.tell, nothing_done)


class SecretLocked(NothingDone):
    """The server refuses every passphrase for the secret, right or wrong, because of too many wrong ones."""

    tell: Piece = say(
        "That server has locked this secret for half an hour, because of too many wrong passphrases. "
        "After that the right one works again."
    )


class NothingSent(NothingDone):
    """No connection could be made."""


# --- what Slack answered


class SlackError(BotError):
    """Slack did not accept a call. Carries Slack's method and error code, never the content."""

    tell: Piece = say("Slack did not take the answer. Please try again.")
    tell_refused = say(
        "Slack does not accept this app any more, so it can do nothing here. Please tell the person who runs it."
    )

    def __init__(
        self,
        method: str,
        code: str,
        *,
        retry_after: float | None = None,
        why: str = "",
        tell: Piece | None = None,
    ) -> None:
        super().__init__(f"{method}: {code}, {why}" if why else f"{method}: {code}", tell=tell)
        self.method = method
        self.code = code  # Slack's error code, or ours: connection, http_502
        self.why = why  # why there is no connection
        self.retry_after = retry_after  # seconds, when Slack said
        if self.about == "workspace" and tell is None:
            self.tell = self.tell_refused

    @property
    def about(self) -> About:
        """What the code is about. bot/slack_codes.py says what follows from that."""
        return classify(self.code)

    @property
    def is_permanent(self) -> bool:
        """Whether this very call can never succeed, because of its recipient or its message."""
        return self.about in ("recipient", "message")


class GivenUp(SlackError):
    """Slack did not take this message for so long, or so often, that it is not tried any more."""

    @property
    def is_permanent(self) -> bool:
        return True


class ViewChanged(SlackError):
    """A modal was to be changed only if it was as before, and it is not: its hash is another one."""


class WindowClosed(SlackError):
    """The modal is not open any more, or did not open because its trigger had expired."""

    tell: Piece = say("The window was closed before it could be shown.")


# --- ours


class Unsealable(BotError):
    """A sealed value cannot be decrypted: it has another key, row or purpose, or is damaged. Carries no details."""

    tell: Piece = say("What was stored for this cannot be read any more. Please start again.")


class StorageUnavailable(BotError):
    """The database could not carry out a statement: it is locked, full or unreachable. Nothing was changed."""

    tell: Piece = say("The app's database did not answer. Please try again in a moment.")


class StorageRefused(StorageUnavailable):
    """The database refuses us, or is damaged: no later try succeeds until an operator acts."""


class CannotStart(Exception):
    """A setting, a key or the database keeps the bot from starting. The text names the cause and the fix."""


class CannotStartYet(CannotStart):
    """Slack or the database is away: a later try may succeed, after `wait` seconds at the earliest."""

    def __init__(self, why: str, *, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait
