"""Who is told what became of a parcel: the sender, in words and on their card, and whoever sees its message."""

from __future__ import annotations

from collections.abc import Awaitable

from bot import steps
from bot.errors import BotError, NotYours, SlackTrouble, Unsealable
from bot.feature import Posted, Send, Services, Update
from bot.living_card import NOT_CHANGED_ANY_MORE, living_card
from bot.logs import Log
from bot.onetime.links import Host
from bot.screen.parts import Message
from bot.sharing import card, messages
from bot.storage.parcels import Parcel
from bot.storage.shares import Share

UNCHANGEABLE = NOT_CHANGED_ANY_MORE | {"update_failed"}

RECEIVED = "received"  # the kind of news that it is, for what its person wants to hear of

log = Log("news")


async def announce(services: Services, send: Send, update: Update, parcel: Parcel) -> None:
    """It was opened here: said to the sender, who does not hear it from the watcher too, and shown where it stands.

    Safe to repeat. Raises nothing: what could not be said is left to the next round of after_crash.py.
    """
    try:
        await _announce(services, send, update, parcel)
    except BotError as error:
        log.warning("not_announced", error=str(error), ref=parcel.id)


async def _announce(services: Services, send: Send, update: Update, before: Parcel) -> None:
    share = await services.shares.share_of(before)
    (parcel,) = [one for one in await services.shares.parcels(share.id) if one.id == before.id]
    await services.tracking.settle(parcel.sender, parcel.host, parcel.metadata_key, RECEIVED)
    steps.at("settled")
    done = await _tell_sender(services, send, share, parcel)
    steps.at("sender_told")
    if await redraw(services, update, parcel) and done:
        await services.shares.told(parcel.id)
    steps.at("all_told")


async def _tell_sender(services: Services, send: Send, share: Share, parcel: Parcel) -> bool:
    """Whether the sender was told, never can be, or does not need to be.

    With the key of the watcher's notice: should that be on its way already, both are one message.
    """
    if share.quiet or parcel.opener == parcel.sender:
        return True
    if not (await services.preferences.of(parcel.sender)).want(RECEIVED):
        return True
    return await _said(send(parcel.sender, card.news(share, parcel), f"{parcel.tracked_id or parcel.id}:{RECEIVED}"))


async def redraw(services: Services, update: Update, parcel: Parcel) -> bool:
    """Draw its message and the sender's card as things are now. Whether nothing is left to draw.

    Two that draw at once may overtake each other, so it is looked again whether what was drawn is still so.
    Raises `StorageTrouble`.
    """
    done, drawn = True, None
    while drawn != (screens := await _screens(services, parcel)):
        drawn = screens
        outcomes = [await _said(update(where, message)) for where, message in drawn]
        done = all(outcomes)
    return done


async def _screens(services: Services, parcel: Parcel) -> list[tuple[Posted, Message]]:
    share = await services.shares.share_of(parcel)
    parcels = await services.shares.parcels(share.id)
    own = [
        (one.message, messages.addressee_message(share, one)) for one in parcels if one.id == parcel.id and one.message
    ]
    own += [(share.card, card.sender_card(share, parcels))] if share.card else []
    return own + await _tracked_by_hand(services, parcel)


async def _tracked_by_hand(services: Services, parcel: Parcel) -> list[tuple[Posted, Message]]:
    """The card that its sender has of it besides, after `/ots track`."""
    try:
        tracked = await services.tracking.find(parcel.sender, parcel.tracked_id)
    except (NotYours, Unsealable):  # not followed any more
        return []
    return [(tracked.card, living_card(tracked, Host(tracked.host).name))] if tracked.card else []


async def _said(saying: Awaitable[object]) -> bool:
    """Whether it arrived, or never can."""
    try:
        await saying
    except SlackTrouble as error:
        log.warning("not_told", error=str(error))
        return error.is_final or error.code in UNCHANGEABLE
    return True
