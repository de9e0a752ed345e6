"""What the sender can do with what they shared, from the buttons of its card."""

from __future__ import annotations

from bot.errors import OnetimeError, SlackError, WrongPassphrase
from bot.failpoints import failpoint
from bot.interaction.feature import FieldErrors, Interaction
from bot.logs import Log
from bot.screen.parts import Field, Message, Modal, Note, Part, Piece, Revealed, Text
from bot.secret import Secret
from bot.sharing import deliver, recipient_messages, result_window, sender_card
from bot.sharing.notify import redraw
from bot.sharing.words import whom
from bot.storage.shares.rows import Delivery, Share
from bot.storage.tables import new_id

TITLE = "Burn a secret"
FOREVER = "Burning destroys it for good. Nobody will be able to open it any more."
WRONG = "That is not its passphrase. Nothing was burned."
NOTHING_LEFT = "There is nothing left to do here: it was opened, burned, or has expired."

log = Log("share")

# --- burning


async def burn(interaction: Interaction, delivery: Delivery) -> Message | None:
    """“Burn” beside a recipient, after its confirm dialog. The card says what came of it."""
    try:
        await deliver.burn(interaction.services, delivery, delivery.passphrase)
    except WrongPassphrase:
        said = "This secret has a passphrase, and burning it needs that too. Nothing was burned."
        return Message.of(said, Text.of(said), without_replacing=True)
    await redraw(interaction.services, delivery)
    return None


async def ask_to_burn(_call: Interaction, delivery: Delivery) -> Modal:
    return _question(delivery.id) if delivery.can_be_opened else _nothing_left()


async def burn_with_passphrase(interaction: Interaction, delivery: Delivery) -> Modal:
    try:
        await deliver.burn(interaction.services, delivery, _typed(interaction), asked=True)
    except WrongPassphrase:
        raise FieldErrors({"passphrase": WRONG}, form=_question(delivery.id)) from None
    await redraw(interaction.services, delivery)
    return _outcome([await interaction.services.shares.own_delivery(interaction.person, delivery.id)])


async def burn_all(interaction: Interaction, share: Share) -> Message | None:
    """“Burn all”, after its confirm dialog."""
    unburned = await _burn_unopened(interaction, share, None)
    if not unburned:
        return None
    said = f"{unburned} could not be burned: the host did not answer, or wants the passphrase. Please try again."
    return Message.of(said, Text.of(f":warning: {said}"), without_replacing=True)


async def ask_to_burn_all(interaction: Interaction, share: Share) -> Modal:
    there = [one for one in await interaction.services.shares.deliveries_of(share.id) if one.can_be_opened]
    return _question(share.id, of_all=True) if there else _nothing_left()


async def burn_all_with_passphrase(interaction: Interaction, share: Share) -> Modal:
    """All deliveries of a share have one passphrase."""
    if await _burn_unopened(interaction, share, _typed(interaction)):
        raise FieldErrors({"passphrase": WRONG}, form=_question(share.id, of_all=True))
    return _outcome(await interaction.services.shares.deliveries_of(share.id))


async def _burn_unopened(interaction: Interaction, share: Share, passphrase: Secret | None) -> int:
    """How many could not be burned."""
    deliveries = [one for one in await interaction.services.shares.deliveries_of(share.id) if one.can_be_opened]
    unburned = 0
    for delivery in deliveries:
        try:
            await deliver.burn(interaction.services, delivery, passphrase, asked=passphrase is not None)
        except OnetimeError as error:
            log.info("not_burned", error=str(error), ref=delivery.id)
            unburned += 1
        else:
            await redraw(interaction.services, delivery)
    return unburned


def _typed(interaction: Interaction) -> Secret | None:
    return interaction.text_inputs.get("passphrase") or None


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


def _outcome(deliveries: list[Delivery]) -> Modal:
    return Modal.of("burned", TITLE, *(result_window.line(one) for one in deliveries), close="Done")


def _nothing_left() -> Modal:
    return Modal.of("note", "What you shared", Text.of(NOTHING_LEFT))


# --- reminding and telling


async def remind(interaction: Interaction, share: Share) -> Message:
    """“Remind”: those who have not opened it, each once an hour at most."""
    there = [one for one in await interaction.services.shares.deliveries_of(share.id) if one.state == "sent"]
    reminded = [one for one in there if await _reminded(interaction, share, one)]
    if reminded:
        said: list[Piece] = [":bell: Reminded: "]
        for delivery in reminded:
            said += [whom(delivery.recipient), " "]
        return Message("Reminded.", (Text(tuple(said)),), without_replacing=True)
    words = "They were reminded less than an hour ago." if there else "There is nobody to remind."
    return Message.of(words, Text.of(words), without_replacing=True)


async def _reminded(interaction: Interaction, share: Share, delivery: Delivery) -> bool:
    to = delivery.address
    if to is None or not await interaction.services.deliveries.claim_reminder(delivery.id):
        return False
    try:
        await interaction.services.send(to, recipient_messages.reminder(share, delivery), f"reminder:{new_id()}")
    except SlackError as trouble:
        log.info("not_reminded", error=str(trouble), ref=delivery.id)
        return False
    return True


async def copy(interaction: Interaction, share: Share) -> Modal:
    """“Copy instructions”: words without key or link, to be pasted where the recipients look."""
    words = Secret(sender_card.instructions(share, await interaction.services.shares.deliveries_of(share.id)))
    note = Note.of("There is no key and no link in these words: they may stand anywhere.")
    return Modal.of("note", "Copy instructions", Revealed(words), note, close="Done")


# --- what only the sender sees


async def link(interaction: Interaction, delivery: Delivery) -> Modal | None:
    """“Show the link” of a delivery that is for nobody in particular."""
    if not delivery.recipient.is_nobody or not delivery.can_be_opened or not delivery.secret_key:
        return _nothing_left()
    await interaction.show(_private("The link", *result_window.link(delivery)))
    await interaction.services.deliveries.mark_link_shown(delivery.id, interaction.person)
    return None


async def passphrase(interaction: Interaction, delivery: Delivery) -> Modal | None:
    """“Show the passphrase” that was made up and not shown yet. It is wiped when Slack has taken the window."""
    share = await interaction.services.shares.share_of(delivery)
    if share.passphrase_to != "sender" or delivery.passphrase is None:
        return _nothing_left()
    await interaction.show(_private("The passphrase", *result_window.passphrase_parts(delivery.passphrase)))
    failpoint("passphrase_shown")
    for one in await interaction.services.shares.deliveries_of(share.id):
        await interaction.services.deliveries.wipe_passphrase(one.id)
    await redraw(interaction.services, delivery)
    return None


def _private(title: str, *parts: Part) -> Modal:
    return Modal.of("note", title, *parts, close="Done")
