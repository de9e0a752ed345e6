"""Opening what somebody shared here: only for whom it was sent to, and from the very message that brought it.

A message carries the parcel's id and nothing that opens it. Who clicks is Slack's word, and so is where: a message
that was forwarded opens nothing.
"""

from __future__ import annotations

from contextlib import suppress

from bot import steps
from bot.errors import NotYours, StorageTrouble
from bot.feature import Call
from bot.features.retrieve import parcel_screens, screens
from bot.features.retrieve.asking import ask
from bot.screen.parts import Modal
from bot.sharing.news import redraw
from bot.storage.parcels import Parcel
from bot.storage.reveals import Reveal


async def open_parcel(call: Call, parcel: Parcel) -> Modal | None:
    """“Open” on the message. Nothing is opened yet; what cannot be opened any more says what became of it."""
    if parcel.state == "made":  # its message is there, but not yet known to be
        return parcel_screens.just_sent()
    if call.place is None or call.place != parcel.message:
        raise NotYours
    if not _can_try(call, parcel):
        return parcel_screens.taken(parcel, call.person)
    await ask(call, call.services.hosts.of(parcel.host), parcel.secret_key, parcel)
    return None


async def of(call: Call, reveal: Reveal) -> Parcel | None:
    """What the window is about, if it was shared here. Raises `NotYours` when it is there no more, `Unsealable`."""
    if reveal.parcel_id is None:
        return None
    return await call.services.shares.addressed(call.person, reveal.parcel_id)


async def taken(call: Call, reveal: Reveal) -> Modal:
    """Why it could not be reserved: an earlier click of the same person, somebody else, or it is over."""
    parcel = await of(call, reveal)
    if parcel is None or _can_try(call, parcel) or (parcel.state == "opening" and parcel.opener == call.person):
        return screens.already()
    if reveal.unsure and parcel.opener in (None, call.person):
        return parcel_screens.in_doubt()
    return parcel_screens.taken(parcel, call.person)


async def open_in_browser(call: Call, reveal: Reveal) -> Modal | None:
    """“Open in the browser”: the link, now and to this person alone. Nobody else can open it here any more."""
    parcel = await of(call, reveal)
    if parcel is None:
        raise NotYours
    if not _can_try(call, parcel) or not await call.services.shares.handed(parcel.id, call.person):
        return await taken(call, reveal)
    steps.at("handed")
    host = call.services.hosts.of(parcel.host)
    await call.show(parcel_screens.link(host, host.secret_link(parcel.secret_key)))
    with suppress(StorageTrouble):  # the link is there; that it was shown can be seen later too
        await redraw(call.services, call.update, parcel)
    return None


def _can_try(call: Call, parcel: Parcel) -> bool:
    return parcel.state == "sent" or (parcel.state == "handed" and parcel.opener == call.person)
