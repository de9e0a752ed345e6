"""The order in which a secret is opened, so that it is never consumed unseen and never lost.

    reserve the row (a second click stops here) -> answer “Opening…” -> probe that the window is there
    -> claim -> one POST -> escrow sealed and committed -> show -> wipe

Onetime Secret claims before it answers and never answers twice, so the only place where a crash can lose the
secret is between its claim and our escrow's commit. A row left `claiming` marks that; after_crash.py reports it.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

import stamina

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
    WindowClosed,
)
from bot.feature import Call
from bot.features.retrieve import screens
from bot.living_card import follow
from bot.logs import Log
from bot.onetime.client import Caller
from bot.onetime.links import Host
from bot.onetime.wire import AccountsOff
from bot.screen.long import pages
from bot.screen.parts import Button, Buttons, Message, Modal
from bot.secret import Secret
from bot.storage.handles import Handle, NewHandle
from bot.storage.reveals import MOST_WRONG_TRIES, Reveal

PROBE_TRIES = 3
PROBE_WITHIN = 10.0  # seconds
SHOW_TRIES = 6
SHOW_WITHIN = 60.0  # seconds
LONGEST_WAIT = 30.0  # seconds that Slack may ask for before a message is better

log = Log("opening")


async def open_secret(call: Call, reveal: Reveal) -> Modal | None:
    """“Open” was pressed. Returns what to show instead when it could not be opened."""
    services = call.services
    host = services.hosts.of(reveal.host)
    if not await services.reveals.reserve(reveal.id):
        return screens.already()
    steps.at("reserved")
    opening = screens.opening(host, reveal.id, escrow=services.escrow)
    try:
        await call.show(opening)
        steps.at("answered")
        await _show_patiently(call, opening, PROBE_TRIES, PROBE_WITHIN)
    except SlackTrouble:
        await services.reveals.release(reveal.id)
        steps.at("released")
        await call.tell(screens.dm_nothing_opened())
        return None
    steps.at("probed")
    try:
        caller = await _caller(call, host)
        if not await services.reveals.claim(reveal.id):
            return screens.already()
    except StorageTrouble as error:
        log.warning("not_claimed", error=str(error), ref=reveal.id)
        return screens.not_begun()  # the row goes back to ready within a minute
    steps.at("claimed")
    try:
        text = await _fetch(call, caller, reveal)
    except OnetimeError as error:
        return await _not_opened(call, host, reveal, error)
    steps.at("fetched")
    await _deliver(call, host, reveal, text)
    await _known_at_once(call, host, reveal)
    return None


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


async def _not_opened(call: Call, host: Host, reveal: Reveal, error: OnetimeError) -> Modal | None:
    reveals = call.services.reveals
    if isinstance(error, SecretGone):
        tries = await reveals.release(reveal.id, wrong_passphrase=True)
        if tries >= MOST_WRONG_TRIES:
            return screens.stopped()
        said = screens.CANNOT_TELL_AFTER_DOUBT if reveal.unsure else screens.CANNOT_TELL
        return screens.ask(host, reveal.id, said, passphrase=True)
    if isinstance(error, NothingSent):
        await reveals.release(reveal.id)
        said = screens.NOT_REACHED.format(host=host.name)
    elif isinstance(error, HostTrouble):
        await _say_doubt(call, host, reveal)
        return None
    else:
        await reveals.release(reveal.id)
        said = f":warning: {error.tell} Nothing was opened."
    return screens.ask(host, reveal.id, said, passphrase=True)


async def _say_doubt(call: Call, host: Host, reveal: Reveal) -> None:
    """It may have been opened. Said first and noted then: until it is noted, after_crash.py would say it."""
    steps.at("doubtful")
    try:
        await call.show(screens.doubtful(host))
        await call.services.reveals.release(reveal.id, unsure=True)
        steps.at("noted")
        await call.show(screens.ask(host, reveal.id, screens.MAY_BE_OPENED, passphrase=True))
    except SlackTrouble:
        await call.tell(screens.dm_may_be_opened(reveal.id, host.name))
        steps.at("told")
        await call.services.reveals.release(reveal.id, unsure=True)


async def _deliver(call: Call, host: Host, reveal: Reveal, text: Secret) -> None:
    """Told before it is marked, each time: a crash in between is told about twice, never not at all."""
    until = await _keep(call, reveal, text)
    steps.at("escrowed")
    try:
        await _show(call, reveal.id, text, 0, held=until is not None)
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


async def _show(call: Call, ref: str, text: Secret, page: int, *, held: bool = True) -> bool:
    """Show one page, patiently, and wipe what was held once all of it has been shown. Whether that is so.

    The pages are turned by reading what is held; where nothing is, the first is all that can be shown.
    """
    parts = pages(text)
    page = min(page, len(parts) - 1)
    turns = await _turns(call, ref, page, len(parts)) if held else None
    modal = screens.secret(parts[page], ref, page=page + 1, pages=len(parts), turns=turns)
    await _show_patiently(call, modal, SHOW_TRIES, SHOW_WITHIN)
    steps.at("shown")
    if held and len(parts) > 1:
        return False
    await _wipe(call, ref)
    steps.at("wiped")
    return True


async def _show_patiently(call: Call, modal: Modal, tries: int, within: float) -> None:
    async for attempt in stamina.retry_context(on=_worth_a_retry, attempts=tries, timeout=within):
        with attempt:
            await call.show(modal)


async def _wipe(call: Call, ref: str) -> None:
    """What was shown is not held any longer. An error here must not reach the window: it would cover the secret."""
    try:
        await call.services.reveals.shown(ref)
    except StorageTrouble as error:
        log.warning("not_wiped", error=str(error), ref=ref)


def _worth_a_retry(error: Exception) -> bool | float:
    """Whether to show it again after this: as soon as Slack's Retry-After says, or after a growing random wait."""
    if isinstance(error, WindowClosed) or not isinstance(error, SlackTrouble):
        return False
    if error.retry_after is not None and error.retry_after > LONGEST_WAIT:
        return False
    return error.retry_after or True


async def _turns(call: Call, ref: str, page: int, count: int) -> Buttons | None:
    to = [number for number in (page - 1, page + 1) if 0 <= number < count]
    if not to:
        return None
    handles = (NewHandle("page", "-", facts={"reveal": ref, "page": str(number)}) for number in to)
    refs = await call.services.handles.keep(call.person, *handles)
    names = [
        ("Previous page", "retrieve_page_back") if number < page else ("Next page", "retrieve_page_on") for number in to
    ]
    return Buttons(tuple(Button(label, name, one) for (label, name), one in zip(names, refs, strict=True)))


async def turn_page(call: Call, handle: Handle) -> Modal | None:
    ref = handle.facts["reveal"]
    text = await call.services.reveals.escrowed(call.person, ref)
    if text is None:
        return screens.nothing_left(on_top=True)
    await _show(call, ref, text, int(handle.facts["page"]))
    return None


async def show_again(call: Call, reveal: Reveal) -> Message | None:
    """“Show again” in the direct message: what is held, in a new window.

    A new window takes the place of one that is open. So none is opened before there is something to show in it:
    the second of two quick clicks would cover what the first has shown and wiped.
    """
    text = await call.services.reveals.escrowed(call.person, reveal.id)
    if text is None:
        return screens.dm_nothing_held()
    if await _show(call, reveal.id, text, 0):
        with suppress(SlackTrouble):
            await call.show(screens.dm_shown())
    return None


async def finish(call: Call, reveal: Reveal) -> None:
    """“Done” under a secret of several pages: it is not held any longer."""
    await call.services.reveals.shown(reveal.id)


async def close_pages(call: Call, reveal: Reveal) -> None:
    """The window of a secret of several pages was closed without “Done”: it is still held."""
    if reveal.has_escrow:
        await call.tell(screens.dm_show_again(reveal.id, reveal.escrow_expires_at))
        await call.services.reveals.told(reveal.id)
