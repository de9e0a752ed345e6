"""“Share” was pressed: read, make, show what came of it, and leave the card.

Slack keeps what is typed while the window is shown again with the same fields. So while the host is asked the window
stays, with a line above it; when nothing could be sent it stays to be corrected; only a success takes its place.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

from bot import steps
from bot.errors import BotError, NotAuthorized, OnetimeError, Refused, SlackTrouble
from bot.feature import Call, FieldErrors
from bot.logs import Log
from bot.screen.parts import Modal, Part, Text
from bot.secret import Secret
from bot.sharing import drafts, form, outcome, reading, requesting
from bot.sharing.delivery import post_card
from bot.sharing.drafts import Draft
from bot.sharing.making import Made, PassphraseIgnored, make
from bot.sharing.reading import Order
from bot.storage.handles import Handle
from bot.storage.parcels import Parcel
from bot.storage.requests import RequestOver

PATIENCE = 1.2  # seconds of the 3 that Slack gives for an answer
WORKING = ":hourglass_flowing_sand: *Being made…* Please leave this window open."

log = Log("share")


async def submit(call: Call, handle: Handle) -> Modal | None:
    draft = form.as_shown(call, handle)
    return await share(call, draft, reading.read(call, draft), handle.id)


async def share(call: Call, draft: Draft, order: Order, ref: str) -> Modal | None:
    """Make what was ordered in the window `ref`. Raises `FieldErrors` as long as Slack can show them at the fields."""
    making = asyncio.create_task(_make(call, draft, order, ref))
    await asyncio.wait({making}, timeout=PATIENCE)
    waited = not making.done()
    if waited:
        await call.show(form.form(draft, ref, Text.of(WORKING)))
    try:
        made = await making
    except BotError as error:
        fields = at_fields(error, draft)
        if fields and not waited:
            raise FieldErrors(fields) from None
        return await again(call, draft, *([] if fields else _said(error)), at=fields)
    if not made.is_new:
        return outcome.earlier(made.parcels)
    unsent = _unsent(made.parcels)
    if not unsent:
        await _show(call, order, made, waited=waited)
    await requesting.settle(call.services, call.update, made.share)
    await post_card(call.services, call.send, call.update, made.share)
    return await _again_for(call, draft, made, unsent) if unsent else None


AGAIN = "What you typed is still here. Pressing *Share* makes a new secret."
AGAIN_FOR_THE_OTHERS = "What you typed is still here. Pressing *Share* makes a new secret for whom it says below."
PASSPHRASE_ON_THE_CARD = "The passphrase of those that were made is on your card, in our direct conversation."


def _unsent(parcels: list[Parcel]) -> list[Parcel]:
    """Those that can be made anew while what was typed is there: all if nothing came of any, else those not made."""
    if not any(parcel.has_arrived for parcel in parcels):
        return parcels
    return [parcel for parcel in parcels if parcel.state in {"failed", "doubtful"}]


async def _again_for(call: Call, draft: Draft, made: Made, unsent: list[Parcel]) -> Modal:
    """The window once more, for those who did not get it."""
    said = [outcome.line(parcel) for parcel in made.parcels]
    if len(unsent) == len(made.parcels):
        return await again(call, draft, *said, Text.of(AGAIN))
    if _for_the_sender(made) is not None:
        said.append(Text.of(PASSPHRASE_ON_THE_CARD))
    others = tuple(parcel.to.user.user_id for parcel in unsent if parcel.to.user is not None)
    return await again(call, replace(draft, only=others), *said, Text.of(AGAIN_FOR_THE_OTHERS))


async def _make(call: Call, draft: Draft, order: Order, ref: str) -> Made:
    """Make it, or say what came of it when that window was submitted before: what has changed since does not matter."""
    shares = call.services.shares
    if (before := await shares.begun(call.person, ref)) is not None:
        return Made(before, await shares.parcels(before.id), is_new=False)
    if draft.request and not (await call.services.requests.asked(call.person, draft.request)).is_open:
        raise RequestOver
    order = await reading.with_account(call, order)
    reading.check_size(call, draft, order)
    await reading.check_people(call, order)
    return await make(call, order, ref, answers=draft.request)


async def again(call: Call, draft: Draft, *said: Part, at: dict[str, str] | None = None) -> Modal:
    """The window once more, as another one: what is submitted next is another share."""
    return form.form(draft, await drafts.keep(call, draft), *said, at=at)


def at_fields(error: BotError, draft: Draft) -> dict[str, str]:
    """At which fields the error belongs, and what to say there; nothing if it is about none of them."""
    if isinstance(error, FieldErrors):
        return {} if draft.only and "to" in error.fields else error.fields
    if isinstance(error, PassphraseIgnored):
        return {"passphrase": error.tell}
    if not isinstance(error, Refused):
        return {}
    reason = error.reason.lower()
    number = re.search(r"(\d[\d,]{0,11})(?: bytes| characters)?", reason)
    if "passphrase" in reason:
        return {"passphrase": _about_the_passphrase(reason, number[1] if number else "")}
    if re.search(r"size|bytes|characters|too (?:big|long|large)", reason):
        most = f" It takes {number[0]}." if number else ""
        return {f"text{draft.rooms}": f"That is too long for the host.{most}"}
    return {}


def _about_the_passphrase(reason: str, number: str) -> str:
    if number and "least" in reason:
        return f"The host wants at least {number} characters."
    if number and "more" in reason:
        return f"The host takes at most {number} characters."
    return "The host wants another passphrase, or one at all."


def _said(error: BotError) -> list[Part]:
    if isinstance(error, Refused):  # its reason is not shown: a host may quote whatever it was sent
        return [Text.of(":warning: The host refused it. Nothing was made.")]
    rest = " Nothing was made." if isinstance(error, OnetimeError) and not isinstance(error, NotAuthorized) else ""
    return [Text.of(f":warning: {error.tell}{rest}")]


async def _show(call: Call, order: Order, made: Made, *, waited: bool) -> None:
    """The outcome. What only the sender is to see counts as seen when Slack has taken it; else the card offers it."""
    passphrase = _for_the_sender(made)
    window = outcome.window(made.parcels, asked=order.ttl, ttl=made.ttl, passphrase=passphrase)
    try:
        if window.shows_secret and not waited:
            await call.show(outcome.one_moment())  # the answer to Slack, which nobody confirms
        await call.show(window)
    except SlackTrouble as trouble:
        log.info("outcome_not_shown", error=str(trouble))
        return
    steps.at("outcome_shown")
    if window.shows_secret:
        await seen(call, made)


def _for_the_sender(made: Made) -> Secret | None:
    if made.share.passphrase_to != "sender":
        return None
    return next((parcel.passphrase for parcel in made.parcels if parcel.passphrase is not None), None)


async def seen(call: Call, made: Made) -> None:
    """The sender has the link and the passphrase."""
    for parcel in made.parcels:
        if parcel.to.is_nobody:
            await call.services.shares.handed(parcel.id, call.person)
        if made.share.passphrase_to == "sender":
            await call.services.shares.passphrase_sent(parcel.id)
    steps.at("sender_has_it")
