"""The secrets of an account as its server lists them: which are shown, under which names, with what can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot import clock
from bot.interaction.services import Services
from bot.onetime.links import Host
from bot.onetime.wire import Metadata, SecretState
from bot.person import Person
from bot.screen.parts import Part
from bot.screen.pieces import say
from bot.secret import MetadataKey
from bot.status import metadata_card
from bot.status.names import SecretName, find_names, find_shared
from bot.status.words import RecentFilter
from bot.storage.accounts import Account
from bot.storage.button_contexts import METADATA, NewButtonContext
from bot.storage.shares.rows import Delivery, Share

SHARED: Final = "shared"
FILTERS: Final[dict[RecentFilter, frozenset[SecretState]]] = {
    "all": frozenset(SecretState),
    "new": frozenset({SecretState.NEW, SecretState.VIEWED}),
    "received": frozenset({SecretState.RECEIVED}),
    "burned": frozenset({SecretState.BURNED}),
    "expired": frozenset({SecretState.EXPIRED, SecretState.ORPHANED}),
    SHARED: frozenset(SecretState),  # those that were shared here
}

Shared = Mapping[MetadataKey, tuple[Share, Delivery]]


NONE_YET: Final = say("None yet. `/ots share` shares one.")


def read_filter(word: str) -> RecentFilter | None:
    """The filter of this name; None if there is none."""
    return next((one for one in FILTERS if one == word), None)


@dataclass(frozen=True, slots=True)
class Recent:
    """What a server lists for an account, and what of it was shared here."""

    account: Account
    host: Host
    secrets: tuple[Metadata, ...]
    shared: Shared

    def choose(self, state: RecentFilter, whom: str | None = None) -> list[Metadata]:
        """Those that a filter lets through. `whom`: only those that were shared with this person or channel: an id."""
        return [one for one in self.secrets if self._fits(one, state, whom)]

    def _fits(self, metadata: Metadata, state: RecentFilter, whom: str | None) -> bool:
        delivery = self.shared[metadata.key][1] if metadata.key in self.shared else None
        if metadata.state_at(clock.now()) not in FILTERS[state]:
            return False
        if whom is not None:
            return delivery is not None and delivery.recipient.is_called(whom)
        return state != SHARED or delivery is not None


async def load_recent(services: Services, person: Person, account: Account) -> Recent:
    """Ask the server. Raises `OnetimeError`, `Unsealable`, `StorageUnavailable`."""
    credentials = services.credentials_of(account)
    secrets = await services.onetime.recent(credentials)
    return Recent(account, credentials.host, tuple(secrets), await find_shared(services, person, credentials.host))


async def names_of(services: Services, person: Person, recent: Recent, shown: Sequence[Metadata]) -> list[SecretName]:
    """The names of these secrets, in their order. Raises `StorageUnavailable`."""
    names = await find_names(services, person, recent.host, shown, recent.shared)
    return [names[one.key] for one in shown]


def context_of(recent: Recent, one: Metadata) -> NewButtonContext[MetadataKey]:
    """What the menu of a row leads to."""
    return NewButtonContext(METADATA, recent.host.url, one.key, recent.account.id, metadata_card.IN_A_LIST)


def rows(shown: Sequence[Metadata], names: Sequence[SecretName], refs: Sequence[str], first: int) -> list[Part]:
    """A row for each secret. `refs` are their button contexts; `first` is the place of the first one in the list."""
    numbered = enumerate(zip(shown, names, refs, strict=True), first)
    return [metadata_card.line(one, name, ref, number=number) for number, (one, name, ref) in numbered]
