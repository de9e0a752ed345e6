"""From an order to parcels: one request to the host for each, and never a second one for the same.

    begin -> for each: asking, on disk -> one POST -> made, keys on disk -> followed -> posted -> sent

The first is made alone. When the host refuses it, nothing was made and the person can correct what they typed;
when it gives no usable answer, the others are not tried.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from bot import steps
from bot.card import now
from bot.errors import (
    BotError,
    NotAuthorized,
    NothingSent,
    OnetimeError,
    RateLimited,
    Refused,
    SecretGone,
    StorageTrouble,
)
from bot.feature import Call
from bot.logs import Log
from bot.onetime.client import Caller
from bot.onetime.wire import AccountsOff, Generated, Shared
from bot.sharing.delivery import deliver
from bot.sharing.reading import Order
from bot.storage.parcels import Parcel
from bot.storage.shares import NewShare, Share

AT_ONCE = 4  # parcels that are made at the same time
LABEL_MOST = 80  # characters

NO_SECRET = (Refused, NotAuthorized, RateLimited, NothingSent, AccountsOff)  # the host made none, and that is sure

log = Log("making")


class PassphraseIgnored(Refused):
    """The host made the secret without its passphrase, so that anybody with the link could open it."""

    tell = "The host ignored the passphrase, so the secret was burned at once. Nothing was sent."


@dataclass(frozen=True, slots=True)
class Made:
    """What came of an order. `ttl` is what the host made of the one that was asked for, in seconds, if it said so."""

    share: Share
    parcels: list[Parcel]
    is_new: bool
    ttl: int | None = None


async def make(call: Call, order: Order, once: str, *, answers: str | None = None) -> Made:
    """Make and send all of it. The same `once` again makes nothing and says what became of it.

    `answers` is the id of a request. Raises `LimitReached`, `RequestOver`, `StorageTrouble`, and why the host made
    nothing: `Refused`, `NotAuthorized`, `RateLimited`, `HostTrouble`. Nothing is left of the share
    then, unless a secret may exist.
    """
    services = call.services
    await services.limits.take(call.person, services.limits.share, once=once)
    share, parcels, is_new = await services.shares.begin(call.person, _new(order, once), order.to, answers=answers)
    if not is_new:
        return Made(share, parcels, is_new=False)
    steps.at("share_begun")
    first, *others = parcels
    try:
        ttl = await _make(call, order, share, first)
    except OnetimeError as error:
        await _give_up(call, others)
        if isinstance(error, NO_SECRET):
            await services.shares.forget(share.id)
            raise
        ttl = None
    else:
        await _make_all(call, order, share, others)
    return Made(share, await services.shares.parcels(share.id), is_new=True, ttl=ttl)


def _new(order: Order, once: str) -> NewShare:
    return NewShare(
        once=once,
        host=order.host.url,
        account_id=order.account.id if order.account else None,
        quiet=order.quiet,
        note=order.note,
        label=order.note[:LABEL_MOST] if order.note else None,
        passphrase_to=order.passphrase_to,
    )


async def _give_up(call: Call, parcels: list[Parcel]) -> None:
    for parcel in parcels:
        await call.services.shares.failed(parcel.id, "not_tried")


async def _make_all(call: Call, order: Order, share: Share, parcels: list[Parcel]) -> None:
    """The others, a few at a time. One that goes wrong keeps none of the others back: its state says it."""
    free = asyncio.Semaphore(AT_ONCE)

    async def make(parcel: Parcel) -> None:
        async with free:
            try:
                await _make(call, order, share, parcel)
            except BotError as error:
                log.warning("parcel_not_made", error=str(error), ref=parcel.id)

    await asyncio.gather(*(make(parcel) for parcel in parcels))


async def _make(call: Call, order: Order, share: Share, parcel: Parcel) -> int | None:
    """One parcel, from waiting to sent. Raises `OnetimeError` with its state saying what is known."""
    shares = call.services.shares
    caller = call.services.as_account(order.account) if order.account else Caller(order.host)
    if not await shares.ask(parcel.id):
        return None
    steps.at("parcel_asked")
    try:
        made = await _ask(call, order, caller)
        steps.at("parcel_answered")
        await _check_passphrase(call, order, caller, made)
    except NO_SECRET as error:
        await shares.failed(parcel.id, _code(error))
        raise
    except OnetimeError:
        await shares.doubtful(parcel.id)
        raise
    parcel = await _keep(call, order, caller, parcel, made)
    steps.at("parcel_made")
    await deliver(call.services, call.send, share, parcel, call.zone)
    return made.ttl


async def _ask(call: Call, order: Order, caller: Caller) -> Shared | Generated:
    """The one POST. Never sent again: after an error that is not in `NO_SECRET` the secret may exist."""
    onetime = call.services.onetime
    if order.text is None:
        return await onetime.generate(caller, ttl=order.ttl, passphrase=order.passphrase)
    return await onetime.share(caller, order.text, ttl=order.ttl, passphrase=order.passphrase)


async def _check_passphrase(call: Call, order: Order, caller: Caller, made: Shared | Generated) -> None:
    """Burn a secret that was made without its passphrase. Raises `PassphraseIgnored`, or the error of the burn."""
    if order.passphrase is not None and made.passphrase_required is False:
        with suppress(SecretGone):
            await call.services.onetime.burn(caller, made.metadata_key)
        raise PassphraseIgnored("the passphrase was ignored")


def _code(error: OnetimeError) -> str:
    return "passphrase_ignored" if isinstance(error, PassphraseIgnored) else type(error).__name__


async def _keep(call: Call, order: Order, caller: Caller, parcel: Parcel, made: Shared | Generated) -> Parcel:
    """The keys, sealed and on disk. If that cannot be, the secret is burned: nobody could ever find it again."""
    ttl = order.ttl if made.ttl is None else made.ttl
    is_needed = (
        order.passphrase_to == "sender" or not parcel.to.is_nobody
    )  # to be shown; or to burn it, if Slack refuses
    try:
        return await call.services.shares.made(
            parcel,
            secret_key=made.secret_key,
            metadata_key=made.metadata_key,
            passphrase=order.passphrase if is_needed else None,
            passphrase_required=made.passphrase_required,
            expires_at=now() + timedelta(seconds=ttl),
        )
    except StorageTrouble:
        with suppress(OnetimeError):
            await call.services.onetime.burn(caller, made.metadata_key, order.passphrase)
        raise
