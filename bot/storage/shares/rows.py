"""Shares and their deliveries as rows: what the rows hold, and which columns are encrypted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, cast

from sqlalchemy import ColumnElement, Row, null, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Unsealable
from bot.message_ref import ChannelRef, MessageRef
from bot.person import Person
from bot.secret import MetadataKey, Secret, SecretKey
from bot.storage.engine.database import moment, moment_or_none, now
from bot.storage.sealing import bound_names
from bot.storage.sealing.audience import new_bound_id, open_audience, seal_audience
from bot.storage.sealing.sealer import Binding, ValueOpener, ValueSealer
from bot.storage.tables import DELIVERY_RECIPIENT, deliveries, new_id, owner, person_in, person_of

PassphraseTo = Literal["nobody", "sender", "recipient"]

DeliveryState = Literal[
    "waiting",
    "asking",
    "made",
    "sent",
    "opening",
    "link_shown",  # the link was shown to somebody, to open it in a browser
    "opened",
    "failed",  # the host refused: there is no secret
    "unknown_outcome",  # no usable answer: there may be a secret, and nobody has its link
    "undeliverable",  # Slack refuses the recipient: the secret is burned
    "burned",
    "expired",
    "gone",  # it cannot be opened any more, and nobody knows why
]

DeliveryEnd = Literal["opened", "undeliverable", "burned", "expired", "gone"]  # what may become of a secret that exists

OVER: Final[tuple[DeliveryState, ...]] = (
    "opened", "failed", "unknown_outcome", "undeliverable", "burned", "expired", "gone"
)  # fmt: skip
NOT_GIVEN: Final[tuple[DeliveryState, ...]] = ("failed", "unknown_outcome", "undeliverable")  # nobody can open it
CAN_BE_OPENED: Final[tuple[DeliveryState, ...]] = ("made", "sent", "opening", "link_shown")
# Everything that opens the secret. The metadata key stays until the row is deleted: it cannot open anything.
WIPE: Final[dict[str, Any]] = {"secret_key": null(), "passphrase": null()}


@dataclass(frozen=True, slots=True)
class NewShare:
    """A share to begin. A repeated submit has the same `idempotency_key`; every other submit has another one.

    `passphrase_to` says who gets the passphrase: nobody (there is none, or the sender typed it), the sender (it is
    shown once), or the recipient (in a separate message).
    """

    idempotency_key: str
    host: str  #: canonical base URL
    account_id: str | None
    quiet: bool  # the sender wants no notification when the secret is opened
    note: str | None  # for the recipients; plain text as typed
    label: str | None  # for the sender's own lists; plain text as typed
    passphrase_to: PassphraseTo = "nobody"
    earlier_id: str | None = None  # the share of an earlier try
    thread: str | None = None  # the time stamp of the thread in the channel that it is for


@dataclass(frozen=True, slots=True)
class Share:
    """A stored `NewShare`. With an `earlier_id`, it takes over the card of that share, which came to nothing."""

    id: str
    person: Person
    host: str  #: canonical base URL
    account_id: str | None
    quiet: bool
    note: str | None
    card: MessageRef | None  # the message that shows the share to its sender
    created_at: datetime  #: UTC
    label: str | None = None
    passphrase_to: PassphraseTo = "nobody"
    earlier_id: str | None = None
    unknown_tries: int = 0  # earlier tries with an unknown outcome, of which the card is now that of this share
    thread: str | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who a delivery is for: a person, or the first one in a channel; if neither, the sender gets the link."""

    user: Person | None = None
    channel: str | None = None

    @property
    def is_nobody(self) -> bool:
        return self.user is None and self.channel is None

    def is_called(self, id: str) -> bool:  # noqa: A002 - Slack's id of a person or channel
        return id in {self.user and self.user.user_id, self.channel}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One secret for one recipient. The keys are empty before `made`; the secret key is wiped when it is over."""

    id: str
    share_id: str
    sender: Person
    recipient: Recipient
    host: str  #: canonical base URL
    state: DeliveryState
    secret_key: SecretKey
    metadata_key: MetadataKey
    passphrase: Secret | None  # still has to be sent to the recipient, or shown to the sender
    passphrase_required: bool | None
    expires_at: datetime | None  #: UTC
    message: MessageRef | None  # the message with the Open button
    opener: Person | None  # the person who opened it, is opening it, or was shown the link
    opened_at: datetime | None  #: UTC
    tracked_id: str | None
    reason: str | None = None  # a code: why the delivery failed or is undeliverable
    is_sender_notified: bool = False  # of the opening; messages may still have to be redrawn
    passphrase_to: PassphraseTo | None = None  # None: as in the share, in rows of before
    reminded_at: datetime | None = None  #: UTC; the last reminder
    remind_at: datetime | None = None  #: UTC; the reminder that is still to come
    is_by_link: bool = False  # the link was shown to the opener; if the secret is opened: most likely with that link

    @property
    def address(self) -> Person | ChannelRef | None:
        """Where the message goes: to a person, or to a channel of the sender's workspace. None: only the link."""
        if self.recipient.channel is not None:
            return ChannelRef(self.sender.team_id, self.recipient.channel, self.sender)
        return self.recipient.user

    def notification_key(self, kind: str) -> str:
        """The idempotency key of a message to the sender: that of the watcher's notification of this kind."""
        return f"{self.tracked_id or self.id}:{kind}"

    @property
    def reader(self) -> Person:
        """In whose language its message is: in the recipient's, and in a channel in the sender's."""
        return self.recipient.user or self.sender

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    @property
    def can_be_opened(self) -> bool:
        """Whether there is a secret that somebody can still open."""
        return self.state in CAN_BE_OPENED

    @property
    def has_arrived(self) -> bool:
        """Whether the recipient can open the secret or has opened it."""
        return self.can_be_opened or self.state == "opened"


def encrypt_share(
    person: Person, new: NewShare, to: Sequence[Recipient], sealer: ValueSealer
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The rows of a new share and of its deliveries."""
    share_id = new_id()

    def words(column: str, text: str | None) -> bytes | None:
        binding = _share_binding(column, person, new.host, share_id)
        return None if text is None else sealer.seal("metadata_key", binding, text.encode("utf-8", "surrogatepass"))

    share = {
        "id": share_id,
        **owner(person),
        "idempotency_key": new.idempotency_key,
        "host": new.host,
        "account_id": new.account_id,
        "quiet": new.quiet,
        "note": words("note", new.note),
        "label": words("label", new.label),
        "passphrase_to": new.passphrase_to,
        "thread_ts": new.thread,
        "created_at": now,
    }
    common = {
        "share_id": share_id,
        **owner(person),
        "host": new.host,
        "state": "waiting",
    }
    empty = dict.fromkeys(("recipient_enterprise_id", "recipient_team_id", "recipient_user_id"))
    rows = [
        {"id": new_bound_id(), "position": place, **common, **empty, **recipient_values(one)}
        for place, one in enumerate(to)
    ]
    for row in rows:
        row["recipient"] = seal_audience(sealer, DELIVERY_RECIPIENT, row, new.passphrase_to)
    return share, rows


def decrypt_share(row: Row[Any], opener: ValueOpener) -> Share:
    return Share(
        id=row.id,
        person=person_in(row),
        host=row.host,
        account_id=row.account_id,
        quiet=row.quiet,
        note=_words(row, "note", opener),
        card=MessageRef(row.team_id, row.card_channel, row.card_ts) if row.card_channel else None,
        created_at=moment(row.created_at),
        label=_words(row, "label", opener),
        passphrase_to=row.passphrase_to,
        earlier_id=row.earlier_id,
        unknown_tries=row.unknown_tries,
        thread=row.thread_ts,
    )


def _words(row: Row[Any], column: str, opener: ValueOpener) -> str | None:
    blob = getattr(row, column)
    if blob is None:
        return None
    binding = _share_binding(column, person_in(row), row.host, row.id)
    try:
        return opener.open("metadata_key", binding, blob).decode("utf-8", "surrogatepass")
    except Unsealable:
        return None  # the share can be followed and burned without its note and label


def encrypt_text(delivery: Delivery, column: str, text: Secret, sealer: ValueSealer) -> bytes:
    """A key or passphrase for this column of the delivery."""
    return sealer.seal_text("metadata_key", _binding(column, delivery.sender, delivery.host, delivery.id), text)


def decrypt_delivery(row: Row[Any], opener: ValueOpener) -> Delivery:
    """Raises `Unsealable`, also if somebody changed in the row who the delivery is for."""
    sender = person_in(row)
    passphrase_to = cast("PassphraseTo | None", open_audience(opener, DELIVERY_RECIPIENT, row))

    def text(column: str) -> Secret:
        blob = getattr(row, column)
        binding = _binding(column, sender, row.host, row.id)
        return Secret("") if blob is None else opener.open_text("metadata_key", binding, blob)

    keys = text("secret_key").as_kind(SecretKey), text("metadata_key").as_kind(MetadataKey)
    return _delivery(row, *keys, text("passphrase") if row.passphrase is not None else None, passphrase_to)


def decrypt_or_empty(row: Row[Any], opener: ValueOpener) -> Delivery:
    """Like `decrypt_delivery`, with empty keys if they cannot be decrypted: lists still show the delivery."""
    try:
        return decrypt_delivery(row, opener)
    except Unsealable:
        return _delivery(row, SecretKey(""), MetadataKey(""), None, None)


def is_in(*states: DeliveryState) -> ColumnElement[bool]:
    """The condition that a delivery is in one of these states."""
    return deliveries.c.state.in_(states)


async def change(
    connection: AsyncConnection,
    delivery_id: str,
    condition: ColumnElement[bool],
    *,
    state: DeliveryState | ColumnElement[str] | None = None,
    **values: Any,
) -> Row[Any] | None:
    """Compare-and-set: the row after the change, or None if the row did not meet the condition.

    `state` None leaves the state as it is.
    """
    if state is not None:
        values["state"] = state
    changed = update(deliveries).where(deliveries.c.id == delivery_id, condition).values(changed_at=now, **values)
    row: Row[Any] | None = (await connection.execute(changed.returning(deliveries))).one_or_none()
    return row


def columns_of(prefix: str, person: Person) -> dict[str, str]:
    """The person as the values of three columns with this prefix."""
    return {f"{prefix}{name}": value for name, value in owner(person).items()}


def recipient_values(to: Recipient) -> dict[str, Any]:
    """The recipient as the values of a row."""
    return {"recipient_channel": to.channel, **(columns_of("recipient_", to.user) if to.user else {})}


def _delivery(
    row: Row[Any],
    secret: SecretKey,
    key: MetadataKey,
    passphrase: Secret | None,
    passphrase_to: PassphraseTo | None,
) -> Delivery:
    return Delivery(
        id=row.id,
        share_id=row.share_id,
        sender=person_in(row),
        recipient=_recipient(row),
        host=row.host,
        state=row.state,
        secret_key=secret,
        metadata_key=key,
        passphrase=passphrase,
        passphrase_required=row.passphrase_required,
        expires_at=moment_or_none(row.expires_at),
        message=None if row.message_ts is None else MessageRef(_message_team(row), row.message_channel, row.message_ts),
        opener=_person(row.opener_enterprise_id, row.opener_team_id, row.opener_user_id),
        opened_at=moment_or_none(row.opened_at),
        tracked_id=row.tracked_id,
        reason=row.reason,
        is_sender_notified=row.sender_notified_at is not None,
        reminded_at=moment_or_none(row.reminded_at),
        remind_at=moment_or_none(row.remind_at),
        is_by_link=row.link_shown_at is not None,
        passphrase_to=passphrase_to,
    )


def _recipient(row: Row[Any]) -> Recipient:
    user = _person(row.recipient_enterprise_id, row.recipient_team_id, row.recipient_user_id)
    return Recipient(user, row.recipient_channel)


def _message_team(row: Row[Any]) -> str:
    """The workspace of the delivery's message: the recipient's, or the sender's for a channel."""
    return row.recipient_team_id or row.team_id  # type: ignore[no-any-return]


def _person(enterprise_id: str | None, team_id: str | None, user_id: str | None) -> Person | None:
    return None if enterprise_id is None or not team_id or not user_id else person_of(enterprise_id, team_id, user_id)


def _binding(column: str, sender: Person, host: str, row_id: str) -> Binding:
    return Binding.of(bound_names.DELIVERIES, column, sender, host, row_id)


def _share_binding(column: str, person: Person, host: str, row_id: str) -> Binding:
    return Binding.of(bound_names.SHARES, column, person, host, row_id)
