"""Everything that a Home tab shows without asking a server: a fixed number of queries, whatever a person has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.interaction import paging
from bot.interaction.services import Services
from bot.language import Language
from bot.storage.accounts import Account
from bot.storage.homes import Home
from bot.storage.preferences import NotificationPreferences
from bot.storage.requests import Request
from bot.storage.shares.rows import Recipient
from bot.storage.shares.store import Waiting
from bot.storage.tracking.rows import TrackedPage, Unnotified

MAX_WAITING = 5  # secrets, and as many requests; the messages have the others


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    waiting: Waiting  # secrets that the person can open
    requests: tuple[Request, ...]  # that the person can answer
    request_total: int
    tracked: TrackedPage
    recipients: Mapping[str, Recipient]  # of the tracked secrets on this page, by the id of their row
    unnotified: Unnotified
    accounts: tuple[Account, ...]  # the default first
    refusing: frozenset[str]  # base URLs of servers that do not accept the account any more
    preferences: NotificationPreferences
    language: Language | None  # that the person chose; None: as in Slack
    is_audited: bool  # whether what people do is noted
    may_be_admin: bool  # offers the policy, which asks Slack afresh
    escrow: bool  # whether a secret can be shown again whose window was closed too early

    @property
    def default_account(self) -> Account | None:
        return self.accounts[0] if self.accounts else None


async def load(services: Services, home: Home, *, may_be_admin: bool) -> Content:
    """Raises `StorageUnavailable`, `SlackError`."""
    person = home.person
    asked, total = await services.requests.waiting_for(person, MAX_WAITING)
    tracked = await services.tracking.page_of(person, home.tracked_page, paging.PAGE)
    watches = await services.tracking.watches_of(person)
    language = await services.languages.choice_of(person)
    return Content(
        waiting=await services.shares.waiting_for(person, MAX_WAITING),
        requests=tuple(asked),
        request_total=total,
        tracked=tracked,
        recipients=await services.shares.recipients_of(person, [one.id for one in tracked.secrets]),
        unnotified=await services.tracking.unnotified_of(person),
        accounts=tuple(await services.accounts.all_of(person)),
        refusing=frozenset(watch.host for watch in watches if watch.paused is not None),
        preferences=await services.preferences.of(person),
        language=language.chosen,
        is_audited=services.audit.store is not None,
        may_be_admin=may_be_admin,
        escrow=services.holds_secrets,
    )
