"""`/ots generate`: a password that the host makes up, shown once to who asked for it, or sent without being shown."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from bot import steps
from bot.card import now
from bot.errors import LimitReached, NotUnderstood, OnetimeError, SecretGone, SlackTrouble
from bot.feature import Call, Feature, FieldErrors, Handler, Verb, any_member, own_handle
from bot.logs import Log
from bot.onetime.client import Caller
from bot.onetime.wire import Generated
from bot.screen.parts import Message, Modal, Note, Part, Revealed, Text
from bot.sharing import drafts, form, reading, submit
from bot.sharing.delivery import post_card, track
from bot.sharing.drafts import Draft
from bot.sharing.making import NO_SECRET
from bot.sharing.reading import Order
from bot.storage.handles import Handle
from bot.storage.parcels import Address, Parcel
from bot.storage.shares import NewShare, Share

SHORTEST = 300  # seconds: how long the host would keep its copy if it could not be burned

HOW = "Say `/ots generate`, or with names of people or one channel behind it: `/ots generate @somebody`."
NOT_BURNED = (
    ":warning: The host could not be asked to destroy its copy. Nobody has a link to that, and it expires by itself "
    "in 5 minutes. In our direct conversation you can burn it."
)
IN_DOUBT = (
    ":warning: *No password was received.* The host gave no usable answer. It may have made one; nobody has its link, "
    "and it expires by itself in 5 minutes."
)
TOO_EARLY = (
    "The window was closed before the password could be shown. It is kept nowhere, so it is gone. "
    "`/ots generate` makes another one."
)

log = Log("generate")


async def open_form(call: Call, _row: None) -> Modal:
    """`/ots generate [@person … | #channel]`."""
    try:
        draft = drafts.mentioned(call.text)
    except NotUnderstood:
        raise NotUnderstood("text behind generate", tell=HOW) from None
    return await form.open_form(call, replace(draft, made_up=True))


async def generate(call: Call, handle: Handle) -> Modal | None:
    """“Generate” was pressed."""
    draft = form.as_shown(call, handle)
    order = reading.read(call, draft)
    if call.chosen.get("what") == form.SEND:
        return await submit.share(call, draft, order, handle.id)
    if not order.to[0].is_nobody:
        raise FieldErrors({"what": "To send it to them, choose “Send it”."})
    if order.passphrase is not None:
        raise FieldErrors({"what": "A passphrase protects what is sent. What is shown to you is kept nowhere."})
    await call.show(Modal.of(form.GENERATE_FORM, form.GENERATE_TITLE, Text.of(":hourglass_flowing_sand: Being made…")))
    return await _show_once(call, draft, order, handle.id)


@dataclass(frozen=True, slots=True)
class _Begun:
    """What stands for the host's copy while there may be one: should the bot stop, its person is told of it."""

    caller: Caller
    share: Share
    parcel: Parcel


async def _show_once(call: Call, draft: Draft, order: Order, ref: str) -> Modal | None:
    """Make it, have the host's copy destroyed, and show it: only then is there none that nobody knows of."""
    try:
        begun = await _begin(call, await reading.with_account(call, order), ref)
        if begun is None:
            return _note("This window was sent before. What was made then was shown once.")
        made = await _ask(call, begun)
    except (LimitReached, *NO_SECRET) as error:
        return await submit.again(call, draft, Text.of(f":warning: {error.tell} Nothing was made."))
    except OnetimeError:
        return _note(IN_DOUBT)
    steps.at("generated")
    is_burned = await _destroy(call, begun, made)
    steps.at("copy_burned")
    await _show(call, made, *([] if is_burned else [Text.of(NOT_BURNED)]))
    steps.at("password_shown")
    if is_burned:  # nothing is left to be told of
        await call.services.shares.failed(begun.parcel.id, "shown")
        await call.services.shares.forget(begun.share.id)
    return None


async def _begin(call: Call, order: Order, ref: str) -> _Begun | None:
    """On disk before anything is asked. None if it was begun before. Raises `LimitReached`, `Unsealable`."""
    shares, account = call.services.shares, order.account
    caller = call.services.as_account(account) if account else Caller(order.host)
    await call.services.limits.take(call.person, call.services.limits.share, once=ref)
    new = NewShare(ref, order.host.url, account.id if account else None, quiet=True, note=None, label=None)
    share, (parcel,), is_new = await shares.begin(call.person, new, (Address(),))
    if not is_new or not await shares.ask(parcel.id):
        return None
    steps.at("parcel_asked")
    return _Begun(caller, share, parcel)


async def _ask(call: Call, begun: _Begun) -> Generated:
    """The one request. Raises `OnetimeError`; what may exist then is on the card that its person gets."""
    shares = call.services.shares
    try:
        return await call.services.onetime.generate(begun.caller, ttl=SHORTEST, passphrase=None)
    except NO_SECRET as error:
        await shares.failed(begun.parcel.id, type(error).__name__)
        await shares.forget(begun.share.id)
        raise
    except OnetimeError:
        await shares.doubtful(begun.parcel.id)
        await post_card(call.services, call.send, call.update, begun.share)
        raise


async def _destroy(call: Call, begun: _Begun, made: Generated) -> bool:
    """Burn the host's copy. Where that fails, its person gets a card of it, with Burn: False."""
    services = call.services
    try:
        with suppress(SecretGone):  # it is dead already: the answer to an earlier try was lost
            await services.onetime.burn(begun.caller, made.metadata_key)
    except OnetimeError as error:
        log.warning("copy_not_burned", error=str(error), ref=begun.parcel.id)
        parcel = await services.shares.made(
            begun.parcel,
            secret_key=made.secret_key,
            metadata_key=made.metadata_key,
            passphrase=None,
            passphrase_required=False,
            expires_at=now() + timedelta(seconds=made.ttl or SHORTEST),
        )
        await track(services, begun.share, parcel)
        await post_card(services, call.send, call.update, begun.share)
        return False
    return True


async def _show(call: Call, made: Generated, *more: Part) -> None:
    shown = (
        Revealed(made.value),
        *more,
        Note.of("Copy it now: this window is the only copy. It is not kept in Slack's messages, nor by the host."),
    )
    try:
        await call.show(Modal.of("generated", "Your password", *shown, close="Done"))
    except SlackTrouble as trouble:
        log.info("password_not_shown", error=str(trouble))
        await call.tell(Message.of(TOO_EARLY.replace("`", ""), Text.of(f":warning: {TOO_EARLY}")))


def _note(said: str) -> Modal:
    return Modal.of("generated", form.GENERATE_TITLE, Text.of(said), close="Done")


FEATURE = Feature(
    name="generate",
    verbs=(
        Verb(
            "generate",
            "makes up a password and shows or sends it",
            "[@person]",
            handler=Handler(open_form, any_member, opens_window=True),
        ),
    ),
    forms={form.GENERATE_FORM: Handler(generate, own_handle(drafts.KIND))},
)
