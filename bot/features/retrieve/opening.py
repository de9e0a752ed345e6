"""The order in which a secret is opened, so that it is never consumed unseen and never lost.

    reserve the row (a second click stops here) -> count it -> answer “Opening…” -> probe that the window is there
    -> claim -> one POST -> escrow sealed and committed -> show -> wipe

Onetime Secret claims before it answers and never answers twice, so the only place where a crash can lose the
secret is between its claim and our escrow's commit. A row left `claiming` marks that; after_crash.py reports it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from bot import steps
from bot.errors import (
    BotError,
    HostTrouble,
    NotAuthorized,
    NothingSent,
    OnetimeError,
    SecretGone,
    SlackTrouble,
    StorageTrouble,
    Unsealable,
)
from bot.feature import Call
from bot.features.retrieve import parcel_screens, parcels, screens
from bot.features.retrieve.showing import show, show_patiently
from bot.living_card import follow
from bot.logs import Log
from bot.onetime.client import Caller
from bot.onetime.links import Host
from bot.onetime.wire import AccountsOff
from bot.screen.parts import Modal
from bot.secret import Secret
from bot.sharing import followed
from bot.sharing.news import announce
from bot.storage.parcels import Parcel
from bot.storage.reveals import MOST_WRONG_TRIES, Reveal

PROBE_TRIES = 3
PROBE_WITHIN = 10.0  # seconds

log = Log("opening")


async def open_secret(call: Call, reveal: Reveal) -> Modal | None:
    """“Open” was pressed. Returns what to show instead when it could not be opened."""
    services = call.services
    host = services.hosts.of(reveal.host)
    parcel = await parcels.of(call, reveal)
    if parcel is not None:
        reveal = replace(reveal, key=parcel.secret_key)
    if not await services.reveals.reserve(reveal.id):
        return await parcels.taken(call, reveal)
    steps.at("reserved")
    await _count(call, reveal)
    opening = screens.opening(host, reveal.id, escrow=services.escrow)
    try:
        await call.show(opening)
        steps.at("answered")
        await show_patiently(call, opening, PROBE_TRIES, PROBE_WITHIN)
    except SlackTrouble:
        await services.reveals.release(reveal.id)
        steps.at("released")
        await call.tell(screens.dm_nothing_opened(parcel))
        return None
    steps.at("probed")
    try:
        caller = await _caller(call, host)
        if not await services.reveals.claim(reveal.id):
            return screens.already()
    except StorageTrouble as error:
        log.warning("not_claimed", error=str(error), ref=reveal.id)
        return screens.not_begun(parcel)  # the row goes back to ready within a minute
    steps.at("claimed")
    try:
        text = await _fetch(call, caller, reveal)
    except OnetimeError as error:
        return await _not_opened(call, host, reveal, parcel, error)
    steps.at("fetched")
    await _deliver(call, host, reveal, text)
    if parcel is not None:
        await announce(call.services, call.send, call.update, parcel)
    await _known_at_once(call, host, reveal)
    return None


async def _count(call: Call, reveal: Reveal) -> None:
    """Only who has it to open counts: not who was told that somebody else has. Raises `LimitReached`."""
    try:
        await call.services.limits.take(call.person, call.services.limits.open, once=reveal.id)
    except BotError:
        await call.services.reveals.release(reveal.id)
        raise


async def _caller(call: Call, host: Host) -> Caller:
    try:
        return await call.services.caller(call.person, host)
    except Unsealable:
        return Caller(host)  # an account that cannot be read keeps nobody from opening a link


async def _fetch(call: Call, caller: Caller, reveal: Reveal) -> Secret:
    """The one POST. With the person's own account on that host; without one when the host does not take that."""
    passphrase = call.typed.get("passphrase") or None
    try:
        return await call.services.onetime.reveal(caller, reveal.key, passphrase)
    except (NotAuthorized, AccountsOff):
        if caller.username is None:
            raise
        return await call.services.onetime.reveal(Caller(caller.host), reveal.key, passphrase)


async def _not_opened(
    call: Call, host: Host, reveal: Reveal, parcel: Parcel | None, error: OnetimeError
) -> Modal | None:
    reveals = call.services.reveals
    if isinstance(error, SecretGone):
        may_be_wrong = parcel is None or parcel.passphrase_required is not False
        tries = await reveals.release(reveal.id, wrong_passphrase=may_be_wrong)
        if not may_be_wrong:
            return parcel_screens.in_doubt() if reveal.unsure else parcel_screens.gone(host)
        if tries >= MOST_WRONG_TRIES:
            return screens.stopped(parcel)
        said = screens.CANNOT_TELL_AFTER_DOUBT if reveal.unsure else screens.CANNOT_TELL
        return screens.ask(host, reveal.id, said, passphrase=True, parcel=parcel)
    if isinstance(error, NothingSent):
        await reveals.release(reveal.id)
        said = screens.NOT_REACHED.format(host=host.name)
    elif isinstance(error, HostTrouble):
        await _say_doubt(call, host, reveal, parcel)
        return None
    else:
        await reveals.release(reveal.id)
        said = f":warning: {error.tell} Nothing was opened."
    return screens.ask(host, reveal.id, said, passphrase=True, parcel=parcel)


async def _say_doubt(call: Call, host: Host, reveal: Reveal, parcel: Parcel | None) -> None:
    """It may have been opened. Said first and noted then: until it is noted, after_crash.py would say it."""
    steps.at("doubtful")
    try:
        await call.show(screens.doubtful(host))
        await call.services.reveals.release(reveal.id, unsure=True)
        steps.at("noted")
        await call.show(screens.ask(host, reveal.id, screens.MAY_BE_OPENED, passphrase=True, parcel=parcel))
    except SlackTrouble:
        await call.tell(screens.dm_may_be_opened(reveal.id, host.name))
        steps.at("told")
        await call.services.reveals.release(reveal.id, unsure=True)


async def _deliver(call: Call, host: Host, reveal: Reveal, text: Secret) -> None:
    """Told before it is marked, each time: a crash in between is told about twice, never not at all."""
    until = await _keep(call, reveal, text)
    steps.at("escrowed")
    try:
        await show(call, reveal.id, text, 0, held=until is not None)
    except (SlackTrouble, StorageTrouble):
        steps.at("unshown")
        await call.tell(screens.dm_show_again(reveal.id, until) if until else screens.dm_lost(host.name))
        steps.at("told")
        with suppress(StorageTrouble):
            await (call.services.reveals.told if until else call.services.reveals.over)(reveal.id)


async def _known_at_once(call: Call, host: Host, reveal: Reveal) -> None:
    """Who tracks what they opened themselves is not told that somebody did. Nothing here reaches the window."""
    try:
        tracked = await call.services.tracking.opened(call.person, host.url, reveal.key)
        if tracked is not None:
            await followed.opened(call.services, call.update, tracked.id, call.person)
        if tracked is not None and tracked.card is not None:
            await follow(call, tracked, host.name)
    except BotError as error:
        log.warning("not_settled", error=str(error))
    except Exception as error:  # noqa: BLE001 - the secret was shown: whatever this is, it comes too late to tell
        log.error("not_settled", cause=error)


async def _keep(call: Call, reveal: Reveal, text: Secret) -> datetime | None:
    """Seal it and commit. None when it is not kept: switched off, or the database failed (then memory has to do)."""
    if not call.services.escrow:
        return None
    try:
        return await call.services.reveals.keep(reveal, text)
    except StorageTrouble as error:
        log.warning("not_kept", error=str(error), ref=reveal.id)
        return None
