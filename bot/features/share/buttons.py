"""What the sender can do with what they shared, from the buttons of its card."""

from __future__ import annotations

from bot import steps
from bot.errors import OnetimeError, SlackTrouble, WrongPassphrase
from bot.feature import Call, FieldErrors
from bot.logs import Log
from bot.screen.parts import Field, Message, Modal, Note, Part, Piece, Revealed, Text
from bot.secret import Secret
from bot.sharing import card, delivery, messages, outcome
from bot.sharing.news import redraw
from bot.sharing.words import whom
from bot.storage.parcels import Parcel
from bot.storage.shares import Share
from bot.storage.tables import new_id

TITLE = "Burn a secret"
FOREVER = "Burning destroys it for good. Nobody will be able to open it any more."
WRONG = "That is not its passphrase. Nothing was burned."
NOTHING_LEFT = "There is nothing left to do here: it was opened, burned, or has expired."

log = Log("share")

# --- burning


async def burn(call: Call, parcel: Parcel) -> Message | None:
    """“Burn” beside an addressee, after its confirm dialog. The card says what came of it."""
    try:
        await delivery.burn(call.services, parcel, parcel.passphrase)
    except WrongPassphrase:
        said = "This secret has a passphrase, and burning it needs that too. Nothing was burned."
        return Message.of(said, Text.of(said), beside=True)
    await redraw(call.services, call.update, parcel)
    return None


async def ask_to_burn(_call: Call, parcel: Parcel) -> Modal:
    return _question(parcel.id) if parcel.can_be_opened else _nothing_left()


async def burn_with_passphrase(call: Call, parcel: Parcel) -> Modal:
    try:
        await delivery.burn(call.services, parcel, _typed(call), asked=True)
    except WrongPassphrase:
        raise FieldErrors({"passphrase": WRONG}, form=_question(parcel.id)) from None
    await redraw(call.services, call.update, parcel)
    return _outcome([await call.services.shares.own_parcel(call.person, parcel.id)])


async def burn_all(call: Call, share: Share) -> Message | None:
    """“Burn all”, after its confirm dialog."""
    unburned = await _burn_unopened(call, share, None)
    if not unburned:
        return None
    said = f"{unburned} could not be burned: the host did not answer, or wants the passphrase. Please try again."
    return Message.of(said, Text.of(f":warning: {said}"), beside=True)


async def ask_to_burn_all(call: Call, share: Share) -> Modal:
    there = [one for one in await call.services.shares.parcels(share.id) if one.can_be_opened]
    return _question(share.id, of_all=True) if there else _nothing_left()


async def burn_all_with_passphrase(call: Call, share: Share) -> Modal:
    """All parcels of a share have one passphrase."""
    if await _burn_unopened(call, share, _typed(call)):
        raise FieldErrors({"passphrase": WRONG}, form=_question(share.id, of_all=True))
    return _outcome(await call.services.shares.parcels(share.id))


async def _burn_unopened(call: Call, share: Share, passphrase: Secret | None) -> int:
    """How many could not be burned."""
    parcels = [one for one in await call.services.shares.parcels(share.id) if one.can_be_opened]
    unburned = 0
    for parcel in parcels:
        try:
            await delivery.burn(call.services, parcel, passphrase, asked=passphrase is not None)
        except OnetimeError as error:
            log.info("not_burned", error=str(error), ref=parcel.id)
            unburned += 1
        else:
            await redraw(call.services, call.update, parcel)
    return unburned


def _typed(call: Call) -> Secret | None:
    return call.typed.get("passphrase") or None


def _question(ref: str, *, of_all: bool = False) -> Modal:
    field = Field("passphrase", "Its passphrase", "It has one, so burning needs it too.")
    return Modal.of(
        "share_burn_all" if of_all else "share_burn",
        TITLE,
        Text.of(FOREVER),
        field,
        ref=ref,
        submit="Burn it",
        close="Keep it",
    )


def _outcome(parcels: list[Parcel]) -> Modal:
    return Modal.of("burned", TITLE, *(outcome.line(one) for one in parcels), close="Done")


def _nothing_left() -> Modal:
    return Modal.of("note", "What you shared", Text.of(NOTHING_LEFT))


# --- reminding and telling


async def remind(call: Call, share: Share) -> Message:
    """“Remind”: those who have not opened it, each once an hour at most."""
    there = [one for one in await call.services.shares.parcels(share.id) if one.state == "sent"]
    reminded = [one for one in there if await _reminded(call, share, one)]
    if reminded:
        said: list[Piece] = [":bell: Reminded: "]
        for parcel in reminded:
            said += [whom(parcel.to), " "]
        return Message("Reminded.", (Text(tuple(said)),), beside=True)
    words = "They were reminded less than an hour ago." if there else "There is nobody to remind."
    return Message.of(words, Text.of(words), beside=True)


async def _reminded(call: Call, share: Share, parcel: Parcel) -> bool:
    to = parcel.to.user or parcel.to.channel
    if to is None or not await call.services.shares.remind(parcel.id):
        return False
    try:
        await call.send(to, messages.reminder(share, parcel), f"reminder:{new_id()}")
    except SlackTrouble as trouble:
        log.info("not_reminded", error=str(trouble), ref=parcel.id)
        return False
    return True


async def copy(call: Call, share: Share) -> Modal:
    """“Copy instructions”: words without key or link, to be pasted where the addressees look."""
    words = Secret(card.instructions(share, await call.services.shares.parcels(share.id)))
    note = Note.of("There is no key and no link in these words: they may stand anywhere.")
    return Modal.of("note", "Copy instructions", Revealed(words), note, close="Done")


# --- what only the sender sees


async def link(call: Call, parcel: Parcel) -> Modal | None:
    """“Show the link” of a parcel that is for nobody in particular."""
    if not parcel.to.is_nobody or not parcel.can_be_opened or not parcel.secret_key:
        return _nothing_left()
    await call.show(_private("The link", *outcome.link(parcel)))
    await call.services.shares.handed(parcel.id, call.person)
    return None


async def passphrase(call: Call, parcel: Parcel) -> Modal | None:
    """“Show the passphrase” that was made up and not shown yet. It is wiped when Slack has taken the window."""
    share = await call.services.shares.share_of(parcel)
    if share.passphrase_to != "sender" or parcel.passphrase is None:
        return _nothing_left()
    await call.show(_private("The passphrase", *outcome.passphrase_parts(parcel.passphrase)))
    steps.at("passphrase_shown")
    for one in await call.services.shares.parcels(share.id):
        await call.services.shares.passphrase_sent(one.id)
    await redraw(call.services, call.update, parcel)
    return None


def _private(title: str, *parts: Part) -> Modal:
    return Modal.of("note", title, *parts, close="Done")
