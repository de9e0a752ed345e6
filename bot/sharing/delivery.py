"""What happens to a parcel that was made: followed by the watcher, posted to its addressee, burned if Slack refuses.

Each step may be repeated: tracking the same key twice is one row, and a message posted twice with one key is one
message. So a crash anywhere here is made good by doing it again (after_crash.py).
"""

from __future__ import annotations

from contextlib import suppress

import stamina

from bot import burning, steps
from bot.card import now
from bot.errors import NotAuthorized, OnetimeError, SlackTrouble, Unsealable
from bot.feature import Send, Services, Update
from bot.logs import Log
from bot.onetime.client import Caller
from bot.onetime.wire import AccountsOff, Metadata, State
from bot.person import Person
from bot.secret import Secret
from bot.sharing import card, messages
from bot.sharing.news import redraw
from bot.storage.parcels import Parcel
from bot.storage.parcels import State as ParcelState
from bot.storage.shares import Share

TRIES = 3
WITHIN = 10.0  # seconds
LONGEST_WAIT = 5.0  # seconds that Slack may ask for; what it asks more for is sent a minute later

# What a host says of a secret, as what became of its parcel. What is in no row leaves it as it is.
ENDS: dict[State | None, ParcelState] = {
    State.BURNED: "burned",
    State.RECEIVED: "opened",
    State.EXPIRED: "expired",
    State.ORPHANED: "gone",
    None: "gone",
}

log = Log("delivery")


async def deliver(services: Services, send: Send, share: Share, parcel: Parcel, zone: str | None = None) -> None:
    """From made to sent, or to refused. Left as made when Slack is in trouble: it is tried again in a minute.

    `zone` is the sender's time zone, if it is known: the watcher reminds them by day.
    Raises `StorageTrouble`; what was done stays done.
    """
    await track(services, share, parcel, zone)
    to = parcel.to.user or parcel.to.channel
    if to is None:
        return
    try:
        posted = await _post(send, to, share, parcel)
    except SlackTrouble as trouble:
        if trouble.is_final:
            await refuse(services, parcel, trouble.code)
        else:
            log.warning("parcel_not_sent", error=str(trouble), ref=parcel.id)
        return
    steps.at("parcel_posted")
    await services.shares.sent(parcel.id, *posted)
    steps.at("parcel_sent")
    await send_passphrase(services, send, share, parcel)


async def track(services: Services, share: Share, parcel: Parcel, zone: str | None = None) -> None:
    """Have the watcher follow it. Before anybody can open it, or its opening might go unseen."""
    if parcel.tracked_id is not None:
        return
    tracked, _ = await services.tracking.track(
        parcel.sender, parcel.host, parcel.metadata_key, label=share.label, made_at=now(),
        expires_at=parcel.expires_at, passphrase_required=parcel.passphrase_required,
        secret_key=parcel.secret_key, zone=zone,
    )  # fmt: skip
    await services.shares.tracked(parcel.id, tracked.id)
    steps.at("parcel_tracked")


async def _post(send: Send, to: Person | str, share: Share, parcel: Parcel) -> tuple[str, str]:
    message = messages.addressee_message(share, parcel)
    async for attempt in stamina.retry_context(on=_worth_a_retry, attempts=TRIES, timeout=WITHIN):
        with attempt:
            return await send(to, message, f"parcel:{parcel.id}")
    raise AssertionError("unreachable: the last attempt returns or raises")


def _worth_a_retry(error: Exception) -> bool | float:
    if not isinstance(error, SlackTrouble) or error.is_final:
        return False
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= LONGEST_WAIT else False
    return True


async def send_passphrase(services: Services, send: Send, share: Share, parcel: Parcel) -> None:
    """The passphrase, in a message apart; then it is wiped. Nothing if none waits for the addressee."""
    if share.passphrase_to != "addressee" or parcel.passphrase is None or parcel.to.user is None:
        return
    try:
        await send(parcel.to.user, messages.passphrase_message(share, parcel), f"passphrase:{parcel.id}")
    except SlackTrouble as trouble:
        log.warning("passphrase_not_sent", error=str(trouble), ref=parcel.id)
        if not trouble.is_final:
            return  # in a minute
        with suppress(SlackTrouble):
            await send(share.person, card.passphrase_not_sent(parcel), f"no-passphrase:{parcel.id}")
    steps.at("passphrase_told")
    await services.shares.passphrase_sent(parcel.id)
    steps.at("passphrase_wiped")


async def refuse(services: Services, parcel: Parcel, why: str) -> None:
    """Slack does not take the addressee, for good: nobody can open it here any more, and then it is burned."""
    await services.shares.refused(parcel.id, why)
    steps.at("parcel_refused")
    await burn_refused(services, parcel)


async def burn_refused(services: Services, parcel: Parcel) -> None:
    """Burn it. Left open when the host does not answer: it is tried again in a minute, until it has expired.

    The sender hears of it from the card, so the watcher follows it no more.
    """
    tracked = await services.tracking.find_key(parcel.sender, parcel.host, parcel.metadata_key)
    if tracked is not None:
        await services.tracking.stop(parcel.sender, tracked.id)
    try:
        await _burn(services, parcel, parcel.passphrase)
    except OnetimeError as error:
        log.warning("refused_not_burned", error=str(error), ref=parcel.id)
        if parcel.expires_at is None or parcel.expires_at > now():
            return
    await services.shares.over(parcel.id, "refused")
    steps.at("refused_burned")


async def burn(services: Services, parcel: Parcel, passphrase: Secret | None, *, asked: bool = False) -> State | None:
    """Burn the secret of a parcel: what it is now (None: the host does not know it any more).

    `asked` says whether the sender was asked for its passphrase. Raises `WrongPassphrase`, or the error of the call
    when nobody knows whether it is burned.
    """
    state, metadata = await _burn(services, parcel, passphrase, asked=asked)
    end = ENDS.get(state)
    if end is not None:
        await services.shares.over(parcel.id, end, metadata.received if metadata else None)
        steps.at("parcel_over")
    return state


async def _burn(
    services: Services, parcel: Parcel, passphrase: Secret | None, *, asked: bool = False
) -> tuple[State | None, Metadata | None]:
    """With the sender's account if it is still taken; who has the metadata key may burn without one, too."""
    host, key = services.hosts.of(parcel.host), parcel.metadata_key
    try:
        caller = await services.caller(parcel.sender, host)
        state, metadata = await burning.burn(services.onetime, caller, key, passphrase, asked=asked)
    except (NotAuthorized, AccountsOff, Unsealable):
        state, metadata = await burning.burn(services.onetime, Caller(host), key, passphrase, asked=asked)
    steps.at("parcel_burned")
    if state is State.BURNED:  # one's own doing is no news
        await services.tracking.settle(parcel.sender, parcel.host, key, "burned")
    return state, metadata


async def post_card(services: Services, send: Send, update: Update, share: Share) -> None:
    """Tell the sender what became of everything, in the one message that follows it from then on.

    One message, however often this is done; after a crash it may be there already, and older (see after_crash.py).
    """
    parcels = await services.shares.parcels(share.id)
    drawn = card.sender_card(share, parcels)
    try:
        posted = await send(share.person, drawn, f"share:{share.id}")
    except SlackTrouble as trouble:
        log.warning("card_not_posted", error=str(trouble), ref=share.id)
        if trouble.is_final:
            await services.shares.no_card(share.id)
        return
    steps.at("card_posted")
    await services.shares.set_card(share.id, *posted)
    steps.at("card_kept")
    if card.sender_card(share, await services.shares.parcels(share.id)) != drawn:  # while nobody knew of the card
        await redraw(services, update, parcels[0])
