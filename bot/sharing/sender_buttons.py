"""Handles the buttons of the sender's card."""

from __future__ import annotations

from bot.errors import OnetimeError, SlackError, WrongPassphrase
from bot.failpoints import failpoint
from bot.interaction.access import HostAccess
from bot.interaction.feature import FieldErrors, Interaction, Outcome, Reply
from bot.interaction.passphrases import describe_other_forms
from bot.logs import Log
from bot.onetime.wire import SecretState
from bot.screen.parts import DONE, NO_FORM, Field, Message, Modal, Note, Part, Text
from bot.screen.pieces import Listing, Phrase, Piece, Sentences, say, say_count
from bot.secret import Secret
from bot.sharing import deliver, recipient_messages, result_window, sender_card
from bot.sharing.form import open_form
from bot.sharing.form_state import FormState
from bot.sharing.notify import redraw
from bot.status.burn import BURNED_FORM, read_burn_outcome
from bot.status.words import REMINDER_SIGN, WARNING_SIGN, recipient_name
from bot.storage.shares.rows import Delivery, Share
from bot.storage.tables import new_id

BURN_FORM = "share_burn"
BURN_ALL_FORM = "share_burn_all"
TITLE = say("Burn a secret")
FOREVER = say("Burning destroys it for good. Nobody will be able to open it any more.")
WRONG = say("That is not its passphrase. Nothing was burned.")
NOTHING_LEFT = say("There is nothing left to do here: it was opened or burned, or it has expired.")

log = Log("share")

# --- burning


async def burn(interaction: Interaction, delivery: Delivery) -> Reply:
    """“Burn” next to a recipient, after its confirm dialog. The card shows the result."""
    access = await _access(interaction, delivery.host)
    try:
        state = await deliver.burn(interaction.services, access, delivery, delivery.passphrase)
    except WrongPassphrase:
        said = say("This secret has a passphrase. Burning it needs that too. Nothing was burned.")
        message = Message.of(said, Text.of(said), *access.notes, without_replacing=True)
        return Reply(message, Outcome.REFUSED)
    await redraw(interaction.services, delivery)
    return Reply(_about_account(access), read_burn_outcome(state))


async def ask_to_burn(_interaction: Interaction, delivery: Delivery) -> Reply:
    return Reply(_question(delivery.id), Outcome.SHOWN) if delivery.can_be_opened else _refuse_as_over()


async def burn_with_passphrase(interaction: Interaction, delivery: Delivery) -> Reply:
    access = await _access(interaction, delivery.host)
    try:
        state = await deliver.burn(interaction.services, access, delivery, _read_passphrase(interaction), asked=True)
    except WrongPassphrase:
        raise FieldErrors({"passphrase": _wrong_words(interaction)}, form=_question(delivery.id)) from None
    await redraw(interaction.services, delivery)
    delivery = await interaction.services.shares.own_delivery(interaction.person, delivery.id)
    return Reply(_outcome_window([delivery], access), read_burn_outcome(state))


async def burn_all(interaction: Interaction, share: Share) -> Reply:
    """“Burn all”, after its confirm dialog."""
    access = await _access(interaction, share.host)
    burned, failed = await _burn_unopened(interaction, access, share, None)
    if not failed:
        return Reply(_about_account(access), Outcome.DONE if burned else Outcome.REFUSED)
    said = say_count(
        "{count} secret could not be burned: the server did not answer, or it wants the passphrase. Please try again.",
        "{count} secrets could not be burned: the server did not answer, or it wants the passphrase. Please try again.",
        failed,
    )
    message = Message.of(said, Text.of(WARNING_SIGN, said), *access.notes, without_replacing=True)
    return Reply(message, Outcome.PARTLY_DONE if burned else Outcome.REFUSED)


async def ask_to_burn_all(interaction: Interaction, share: Share) -> Reply:
    there = [one for one in await interaction.services.shares.deliveries_of(share.id) if one.can_be_opened]
    return Reply(_question(share.id, of_all=True), Outcome.SHOWN) if there else _refuse_as_over()


async def burn_all_with_passphrase(interaction: Interaction, share: Share) -> Reply:
    """All deliveries of a share have one passphrase."""
    access = await _access(interaction, share.host)
    burned, failed = await _burn_unopened(interaction, access, share, _read_passphrase(interaction))
    if failed:
        raise FieldErrors({"passphrase": _wrong_words(interaction)}, form=_question(share.id, of_all=True))
    window = _outcome_window(await interaction.services.shares.deliveries_of(share.id), access)
    return Reply(window, Outcome.DONE if burned else Outcome.REFUSED)


async def _access(interaction: Interaction, host: str) -> HostAccess:
    """The sender's access to the host of what they shared."""
    return await interaction.services.access(interaction.person, interaction.services.hosts.of(host))


def _about_account(access: HostAccess) -> Message | None:
    """What to tell the sender of their account, next to the card, which shows what became of the secret."""
    said = access.summary
    return None if said is None else Message.of(said, *access.notes, without_replacing=True)


async def _burn_unopened(
    interaction: Interaction, access: HostAccess, share: Share, passphrase: Secret | None
) -> tuple[int, int]:
    """Burn all deliveries that can be opened. Returns how many were burned, and how many tries failed."""
    deliveries = [one for one in await interaction.services.shares.deliveries_of(share.id) if one.can_be_opened]
    burned = failed = 0
    for delivery in deliveries:
        try:
            state = await deliver.burn(interaction.services, access, delivery, passphrase, asked=passphrase is not None)
        except OnetimeError as error:
            log.info("not_burned", error=str(error), ref=delivery.id)
            failed += 1
        else:
            burned += state is SecretState.BURNED
            await redraw(interaction.services, delivery)
    return burned, failed


def _read_passphrase(interaction: Interaction) -> Secret | None:
    return interaction.text_inputs.get("passphrase") or None


def _wrong_words(interaction: Interaction) -> Piece:
    return Sentences.of(WRONG, *describe_other_forms(_read_passphrase(interaction)))


def _question(ref: str, *, of_all: bool = False) -> Modal:
    field = Field("passphrase", say("Its passphrase"), say("It has one, so burning needs it too."))
    return Modal.of(
        BURN_ALL_FORM if of_all else BURN_FORM,
        TITLE,
        Text.of(FOREVER),
        field,
        ref=ref,
        submit=say("Burn it"),
        close=say("Keep it"),
    )


def _outcome_window(deliveries: list[Delivery], access: HostAccess) -> Modal:
    lines = (result_window.line(one) for one in deliveries)
    return Modal.of(BURNED_FORM, TITLE, *lines, *access.notes, close=DONE)


def _refuse_as_over() -> Reply:
    return Reply(Modal.of(NO_FORM, say("What you shared"), Text.of(NOTHING_LEFT)), Outcome.REFUSED)


# --- reminders and instructions


async def remind(interaction: Interaction, share: Share) -> Reply:
    """“Remind”: everybody who has not opened it, each once an hour at most."""
    there = [one for one in await interaction.services.shares.deliveries_of(share.id) if one.state == "sent"]
    reminded = [one for one in there if await _send_reminder(interaction, share, one)]
    if reminded:
        people = Listing(tuple(recipient_name(delivery.recipient) for delivery in reminded))
        said = say("Reminded: {people}.", people=people)
        message = Message(said, (Text.of(REMINDER_SIGN, said),), without_replacing=True)
        return Reply(message, Outcome.DONE if len(reminded) == len(there) else Outcome.PARTLY_DONE)
    words = say("They were reminded less than an hour ago.") if there else say("There is nobody to remind.")
    return Reply(Message.of(words, Text.of(words), without_replacing=True), Outcome.REFUSED)


async def _send_reminder(interaction: Interaction, share: Share, delivery: Delivery) -> bool:
    to = await deliver.find_address(interaction.services, share, delivery)
    if to is None or not await interaction.services.deliveries.claim_reminder(delivery.id):
        return False
    try:
        posted = await interaction.services.send(
            to,
            recipient_messages.reminder(share, delivery, escrow=interaction.services.escrow),
            f"reminder:{new_id()}",
        )
    except SlackError as error:
        log.info("not_reminded", error=str(error), ref=delivery.id)
        return False
    await interaction.services.following_messages.add("reminder", delivery.id, posted, delivery.reader)
    return True


async def share_again(interaction: Interaction, share: Share) -> Reply:
    """“Share again”: the window of a new share, for those who did not open theirs, or for the same people."""
    deliveries = sender_card.to_share_again(await interaction.services.shares.deliveries_of(share.id))
    if not deliveries:
        return _refuse_as_over()
    people = tuple(one.recipient.user.user_id for one in deliveries if one.recipient.user is not None)
    channel = next((one.recipient.channel for one in deliveries if one.recipient.channel is not None), None)
    form_state = FormState(to=people, channel=channel, note=share.note or "")
    return Reply(await open_form(interaction, form_state, Text.of(sender_card.TYPE_AGAIN)), Outcome.SHOWN)


async def show_instructions(interaction: Interaction, share: Share) -> Reply:
    """“Copy instructions”: words without key or link, to be pasted where the recipients look."""
    words = sender_card.instructions(share, await interaction.services.shares.deliveries_of(share.id))
    note = Note.of(say("There is no key and no link in this text: you can paste it anywhere."))
    return Reply(Modal.of(NO_FORM, say("Instructions to copy"), words, note, close=DONE), Outcome.SHOWN)


# --- what only the sender sees


async def show_link(interaction: Interaction, delivery: Delivery) -> Reply:
    """“Show the link” of a delivery without a recipient."""
    if not delivery.recipient.is_nobody or not delivery.can_be_opened or not delivery.secret_key:
        return _refuse_as_over()
    await interaction.show(_private_window(say("The link"), *result_window.link_parts(delivery)))
    await interaction.services.deliveries.mark_link_shown(delivery.id, interaction.person)
    return Reply(None, Outcome.DONE)


async def show_passphrase(interaction: Interaction, delivery: Delivery) -> Reply:
    """“Show the passphrase”: a generated one that was not shown yet. It is wiped when Slack has taken the window."""
    share = await interaction.services.shares.share_of(delivery)
    if share.passphrase_to != "sender" or delivery.passphrase is None:
        return _refuse_as_over()
    await interaction.show(_private_window(say("The passphrase"), *result_window.passphrase_parts(delivery.passphrase)))
    failpoint("passphrase_shown")
    for one in await interaction.services.shares.deliveries_of(share.id):
        await interaction.services.deliveries.wipe_passphrase(one.id)
    await redraw(interaction.services, delivery)
    return Reply(None, Outcome.DONE)


def _private_window(title: Phrase, *parts: Part) -> Modal:
    return Modal.of(NO_FORM, title, *parts, close=DONE)
