"""What the watcher saw of a secret that was shared here: opened by its link, burned elsewhere, expired."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot import steps
from bot.feature import Services, Tell, Update
from bot.person import Person
from bot.sharing import card
from bot.sharing.news import RECEIVED, redraw
from bot.storage.parcels import Parcel, State
from bot.storage.shares import Share

REMINDER = "reminder"
ENDS: dict[str, State] = {
    RECEIVED: "opened",
    "burned": "burned",
    "expired": "expired",
    "orphaned": "gone",
    "unknown": "gone",
}


async def heard(
    services: Services, tell: Tell, update: Update, share: Share, parcel: Parcel, kind: str, at: datetime | None,
    *, once: str, wanted: bool,
) -> None:  # fmt: skip
    """Tell the sender of a notice of this `kind`, and show it wherever the parcel stands.

    Said first and marked then, so that doing it again after a crash says it with the same `once`; what is marked as
    over was said, also when it was opened here (news.py). Raises `SlackTrouble`, `StorageTrouble`.
    """
    if kind == REMINDER:
        if wanted and parcel.can_be_opened:
            await tell(share.person, card.expires_soon(share, parcel), once)
        return
    end = ENDS[kind]
    if not parcel.is_over:
        if wanted and not (share.quiet and end == "opened"):
            await tell(share.person, card.news(share, replace(parcel, state=end, opened_at=at)), once)
        steps.at("notice_posted")
        await services.shares.over(parcel.id, end, at if end == "opened" else None)
    await redraw(services, update, parcel)


def must_wait(parcel: Parcel, kind: str) -> bool:
    """Whether somebody is opening it here right now: when they have it, that is told, with their name (news.py)."""
    return kind == RECEIVED and parcel.state == "opening"


async def opened(services: Services, update: Update, tracked_id: str, person: Person) -> None:
    """The sender opened it by its link, here. Raises `StorageTrouble`."""
    found = await services.shares.of_tracked(tracked_id)
    if found is not None and not found[1].is_over:
        parcel = await services.shares.opened(found[1].id, person)
        await services.shares.told(parcel.id)
        await redraw(services, update, parcel)


async def burned(services: Services, update: Update, tracked_id: str) -> None:
    """The sender burned it by its private link or from the list of what they track. Raises `StorageTrouble`."""
    found = await services.shares.of_tracked(tracked_id)
    if found is not None:
        _, parcel = found
        await services.shares.over(parcel.id, "burned")
        await redraw(services, update, parcel)
