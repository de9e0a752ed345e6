"""Handles the buttons of the sender's card."""

from __future__ import annotations

from bot.errors import BotError, LimitReached, OnetimeError, WrongPassphrase
from bot.failpoints import failpoint
from bot.interaction.access import HostAccess
from bot.interaction.feature import FieldErrors, Interaction, Outcome, Reply
from bot.interaction.passphrases import describe_other_forms
from bot.interaction.services import Services
from bot.logs import Log
from bot.onetime.wire import SecretState
from bot.screen.parts import DONE, NO_FORM, Field, Message, Modal, Note, Part, Text
from bot.screen.pieces import Phrase, Sentences, say, say_count
from bot.secret import Secret
from bot.sharing import deliver, result_window, sender_card
from bot.sharing.form import open_form
from bot.sharing.form_state import FormState
from bot.sharing.notify import redraw
from bot.status.burn import BURNED_FORM, read_burn_outcome
from bot.status.words import WARNING_SIGN
from bot.storage.shares.rows import Delivery, Share

BURN_FORM = "share_burn"
BURN_ALL_FORM = "share_burn_all"
TITLE = say("Burn a secret")
FOREVER = say("Burning destroys it for good. Nobody will be able to open it any more.")
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
    except WrongPassphrase as wrong:
        raise _field_error(interaction, wrong, _question(delivery.id)) from None
    await redraw(interaction.services, delivery)
    delivery = await interaction.services.shares.own_delivery(interaction.person, delivery.id)
    return Reply(_outcome_window([delivery], access), read_burn_outcome(state))


async def burn_all(interaction: Interaction, share: Share) -> Reply:
    """“Burn all”, after its confirm dialog."""
    access = await _access(interaction, share.host)
    burned, errors = await burn_unopened(interaction.services, access, share.id, None)
    if not errors:
        return Reply(_about_account(access), Outcome.DONE if burned else Outcome.REFUSED)
    said = _failed_words(len(errors))
    message = Message.of(said, Text.of(WARNING_SIGN, said), *access.notes, without_replacing=True)
    return Reply(message, Outcome.PARTLY_DONE if burned else Outcome.REFUSED)


async def ask_to_burn_all(interaction: Interaction, share: Share) -> Reply:
    there = [one for one in await interaction.services.shares.deliveries_of(share.id) if one.can_be_opened]
    return Reply(_question(share.id, of_all=True), Outcome.SHOWN) if there else _refuse_as_over()


async def burn_all_with_passphrase(interaction: Interaction, share: Share) -> Reply:
    """All deliveries of a share have one passphrase. The tries are counted for each delivery apart."""
    access = await _access(interaction, share.host)
    burned, errors = await burn_unopened(interaction.services, access, share.id, _read_passphrase(interaction))
    if errors:
        raise _field_error(interaction, _the_worst(errors, burned), _question(share.id, of_all=True)) from None
    window = _outcome_window(await interaction.services.shares.deliveries_of(share.id), access)
    return Reply(window, Outcome.DONE if burned else Outcome.REFUSED)


def _failed_words(failed: int) -> Phrase:
    return say_count(
        "{count} secret could not be burned: the server did not answer, or it wants the passphrase. Please try again.",
        "{count} secrets could not be burned: the server did not answer, or it wants the passphrase. Please try again.",
        failed,
    )


async def _access(interaction: Interaction, host: str) -> HostAccess:
    """The sender's access to the host of what they shared."""
    return await interaction.services.access(interaction.person, interaction.services.hosts.of(host))


def _about_account(access: HostAccess) -> Message | None:
    """What to tell the sender of their account, next to the card, which shows what became of the secret."""
    said = access.summary
    return None if said is None else Message.of(said, *access.notes, without_replacing=True)


async def burn_unopened(
    services: Services, access: HostAccess, share_id: str, passphrase: Secret | None
) -> tuple[list[Delivery], list[BotError]]:
    """Burn all deliveries of a share that can be opened. Returns those that were burned, and why others were not."""
    deliveries = [one for one in await services.shares.deliveries_of(share_id) if one.can_be_opened]
    burned, errors = list[Delivery](), list[BotError]()
    for delivery in deliveries:
        try:
            known = passphrase or delivery.passphrase
            state = await deliver.burn(services, access, delivery, known, asked=passphrase is not None)
        except (OnetimeError, LimitReached) as error:
            log.info("not_burned", error=str(error), ref=delivery.id)
            errors.append(error)
        else:
            if state is SecretState.BURNED:
                burned.append(delivery)
            await redraw(services, delivery)
    return burned, errors


def _read_passphrase(interaction: Interaction) -> Secret | None:
    return interaction.text_inputs.get("passphrase") or None


def _the_worst(errors: list[BotError], burned: list[Delivery]) -> BotError:
    """The error that the field shows for all. If a part was burned, it may not say that nothing was."""
    for kind in (LimitReached, WrongPassphrase):
        if not burned and (found := next((one for one in errors if isinstance(one, kind)), None)):
            return found
    return BotError("not all burned", tell=_failed_words(len(errors)))


def _field_error(interaction: Interaction, error: BotError, form: Modal) -> FieldErrors:
    """What is wrong, at the field for the passphrase of this window."""
    said = [error.tell]
    if isinstance(error, WrongPassphrase):
        said += describe_other_forms(_read_passphrase(interaction))
    return FieldErrors({"passphrase": Sentences(tuple(said))}, form=form)


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


# --- sharing again, and instructions


async def share_again(interaction: Interaction, share: Share) -> Reply:
    """“Share again”: the window of a new share, for those who did not open theirs, or for the same people."""
    deliveries = sender_card.to_share_again(await interaction.services.shares.deliveries_of(share.id))
    if not deliveries:
        return _refuse_as_over()
    people = tuple(one.recipient.user.user_id for one in deliveries if one.recipient.user is not None)
    channel = next((one.recipient.channel for one in deliveries if one.recipient.channel is not None), None)
    form_state = FormState(to=people, channel=channel, note=share.note or "", earlier=share.id)
    return Reply(await open_form(interaction, form_state, Text.of(sender_card.TYPE_AGAIN)), Outcome.SHOWN)


async def show_instructions(interaction: Interaction, share: Share) -> Reply:
    """“Show instructions”: words without key or link, to be pasted where the recipients look."""
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
