"""Which secret is meant: every list, card, notification and window names a secret as this file says.

A secret is called by its label or note, else by whom it is for, else by the short id that Onetime Secret's own pages
show. Lists add when it was made.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bot.interaction.services import Services
from bot.onetime.links import Host
from bot.onetime.wire import Metadata
from bot.person import Person
from bot.screen.pieces import Code, Listing, Phrase, Piece, Plain, SecretNamed, When, Where, Who, say
from bot.secret import SHORT_ID, MetadataKey
from bot.storage.shares.rows import Delivery, Recipient, Share
from bot.storage.tracking.rows import Tracked

# In the place of a name, in push notifications of people who want none there.
A_SECRET: Final = say("a secret")
A_SECRET_FIRST: Final = say("A secret")

MAX_IN_LABEL: Final = 36  # characters; an accessibility label and an option have room for 75


@dataclass(frozen=True, slots=True)
class SecretName:
    """What is known of a secret that tells it from others."""

    words: str | None = None  # the label, or the note that it was shared with
    recipient: Recipient | None = None  # for whom it was shared here
    addresses: tuple[str, ...] = ()  # obscured mail addresses that Onetime Secret itself sent it to
    short_id: str = ""
    made_at: datetime | None = None  #: UTC

    def in_list(self) -> SecretNamed:
        """The name in a row or in the title of a card, with whom the secret is for."""
        whom = self._whom()
        if self.words and whom:
            named = say("{secret} for {recipient}", secret=quoted(self.words), recipient=whom)
            return SecretNamed(named, A_SECRET_FIRST)
        return self.at_start()

    def at_start(self) -> SecretNamed:
        """The name at the start of a sentence, or alone."""
        if self.words:
            named = quoted(self.words)
        elif whom := self._whom():
            named = say("Secret for {recipient}", recipient=whom)
        elif self.short_id:
            named = say("Secret {id}", id=Code(Plain(self.short_id, SHORT_ID)))
        else:
            named = say("Your one-time secret")
        return SecretNamed(named, A_SECRET_FIRST)

    def inside(self) -> SecretNamed:
        """The name inside a sentence, as the one who does something or to whom something is done."""
        if self.words:
            named = quoted(self.words)
        elif whom := self._whom():
            named = say("your one-time secret for {recipient}", recipient=whom)
        elif self.short_id:
            named = say("your one-time secret {id}", id=Code(Plain(self.short_id, SHORT_ID)))
        else:
            named = say("your one-time secret")
        return SecretNamed(named, A_SECRET)

    def in_label(self, *, number: int | None = None) -> Phrase:
        """The name where Slack shows no people and no times of the reader: in a label, an option or a dialog.

        `number` is the place of the secret in a list or among the recipients of one share.
        """
        return name_in_label(self.words, self.made_at, short_id=self.short_id, number=number)

    def _whom(self) -> Piece | None:
        if self.recipient is not None and self.recipient.user is not None:
            return Who(self.recipient.user.user_id)
        if self.recipient is not None and self.recipient.channel is not None:
            return Where(self.recipient.channel)
        return Listing(tuple(map(Plain, self.addresses))) if self.addresses else None


NAMELESS: Final = SecretName()


def quoted(name: str, max_length: int = 200) -> Phrase:
    """A name that a person gave, in quotation marks."""
    return say("“{name}”", name=Plain(name, max_length))


def note_inside(note: str) -> SecretNamed:
    """How the recipient of a secret knows it, inside a sentence: by the note."""
    return SecretNamed(quoted(note), A_SECRET)


def note_at_start(note: str) -> SecretNamed:
    """How the recipient of a secret knows it, at the start of a sentence: by the note."""
    return SecretNamed(quoted(note), A_SECRET_FIRST)


def name_in_label(
    words: str | None, made_at: datetime | None = None, *, short_id: str = "", number: int | None = None
) -> Phrase:
    """Which secret a button is about, for people who hear its label alone: “staging database”, number 2.

    `number` is its place in a list or among the recipients of one share.
    """
    if words:
        said = quoted(words, MAX_IN_LABEL)
    elif short_id:
        return say("the secret {id}", id=Plain(short_id, SHORT_ID))  # no other one has it
    else:
        said = say("the secret made {when}", when=When(made_at)) if made_at else say("this secret")
    return said if number is None else say("{secret}, number {number}", secret=said, number=number)


def name_of_tracked(tracked: Tracked, recipient: Recipient | None = None) -> SecretName:
    """`recipient`: for whom the secret was shared here, if it was."""
    return SecretName(tracked.label, recipient, short_id=tracked.key.short_id, made_at=tracked.made_at)


def name_of_delivery(share: Share, delivery: Delivery) -> SecretName:
    """For the sender. Recipients know nothing of a label; they are shown the note."""
    return SecretName(
        share.label or share.note,
        delivery.recipient,
        short_id=delivery.metadata_key.short_id,
        made_at=share.created_at,
    )


def name_of_share(share: Share) -> SecretName:
    """What all secrets of one share have in common."""
    return SecretName(share.label or share.note, made_at=share.created_at)


def note_in_label(share: Share) -> Phrase:
    """How the recipient knows a secret: by the note, never by a label that its sender gave it."""
    return name_in_label(share.note, share.created_at)


async def find_shared(services: Services, person: Person, host: Host) -> dict[MetadataKey, tuple[Share, Delivery]]:
    """What the person shared here with this host, newest first. Raises `StorageUnavailable`."""
    return {pair[1].metadata_key: pair for pair in await services.shares.sent_by(person, host.url)}


async def find_names(
    services: Services,
    person: Person,
    host: Host,
    secrets: Collection[Metadata],
    shared: Mapping[MetadataKey, tuple[Share, Delivery]] | None = None,
) -> dict[MetadataKey, SecretName]:
    """The names of secrets on this host, by what the person tracks and shared. Raises `StorageUnavailable`.

    `shared` is what `find_shared` has found, if it was asked before.
    """
    tracked = await services.tracking.find_keys(person, host.url, [one.key for one in secrets])
    if shared is None:
        shared = await find_shared(services, person, host)
    known = {one.key: SecretName(None, None, one.recipients, one.short_id, one.created) for one in secrets}
    return {key: _complete(name, tracked.get(key), shared.get(key)) for key, name in known.items()}


async def find_name(
    services: Services, person: Person, host: Host, key: MetadataKey, metadata: Metadata | None = None
) -> SecretName:
    """The name of one secret, with what its `metadata` says, where that is known. Raises `StorageUnavailable`."""
    if metadata is not None:
        return (await find_names(services, person, host, [metadata]))[metadata.key]
    tracked = await services.tracking.find_keys(person, host.url, [key])
    shared = await find_shared(services, person, host)
    return _complete(SecretName(short_id=key.short_id), tracked.get(key), shared.get(key))


async def find_recipients(services: Services, person: Person) -> dict[str, Recipient]:
    """For whom tracked secrets were shared here, by the id of the tracked row. Raises `StorageUnavailable`."""
    found = await services.shares.sent_by(person)
    return {delivery.tracked_id: delivery.recipient for _, delivery in found if delivery.tracked_id}


def _complete(name: SecretName, tracked: Tracked | None, shared: tuple[Share, Delivery] | None) -> SecretName:
    words = tracked.label if tracked else None
    if shared is None:
        return replace(name, words=words)
    share, delivery = shared
    return replace(name, words=words or share.label or share.note, recipient=delivery.recipient)
