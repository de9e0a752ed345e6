"""Opens a secret. The order of the steps keeps the secret from being used up or lost before the person has seen it.

Onetime Secret uses a secret up before it answers, and answers only once. So the secret can be lost in one place only:
between the request to the host and the commit of our escrow. The row in `reveals` says how far an opening is.

    step       row        what happens                                            ways out
    ────────   ────────   ─────────────────────────────────────────────────────   ──────────────────────────────────────
    asked      ready      the window asks for a passphrase and for “Open”
    reserved   opening    compare-and-set; a second click gets no further         taken by somebody, or over: say so
    counted    opening    the limit of openings                                   limit reached: release
    answered   opening    Slack has “Opening…” as the answer to the form
    probed     opening    the same window once more, to see that it is there      it is not: release, direct message
    claimed    claiming   compare-and-set, on disk before the request is sent     database away: nothing opened, say so
    fetched    claiming   the one POST to the host                                see below
    escrowed   escrowed   the text, sealed and committed                          off or database away: only in memory
    shown      escrowed   the window with the secret, tried for a minute          not shown: direct message “Show again”
    wiped      shown      key and escrow are deleted                              several pages: at “Done”, or by time

    The POST ended with                 row                     what the person gets
    ─────────────────────────────────   ─────────────────────   ────────────────────────────────────────────────────────
    the text                            escrowed                the secret
    `SecretGone`                        ready; over at the 5th  gone, or a wrong passphrase: the window asks again
    `UnexpectedError`, locked           ready                   nothing was opened: the window asks again
    `NothingDone`, a refusal            ready                   nothing was opened: the window asks again
    `HostUnavailable`                   ready, outcome_unknown  it may have been opened: the window asks again
    (the process died)                  claiming                recovery.py reports it and makes the row ready again

A delivery that surely has no passphrase is reserved at once, when “Open” on its message was confirmed: then `answered`
opens the window.

After each step from `reserved` on, except `counted`, is a failpoint with the step's name. Tests kill the process there.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from bot.clock import now
from bot.errors import (
    BotError,
    HostUnavailable,
    NothingDone,
    NothingSent,
    OnetimeError,
    SecretGone,
    SlackError,
    StorageUnavailable,
)
from bot.failpoints import failpoint
from bot.features.retrieve import deliveries, delivery_screens, screens
from bot.features.retrieve.button_messages import report_unknown_outcome, tell
from bot.features.retrieve.known import find_metadata
from bot.features.retrieve.origin import find_origin
from bot.features.retrieve.own_opening import settle_own_opening
from bot.features.retrieve.showing import show, show_patiently
from bot.interaction.access import HostAccess
from bot.interaction.feature import Interaction, Outcome, Reply, read_outcome
from bot.interaction.passphrases import offer_other_forms, read_passphrase
from bot.logs import Log
from bot.onetime.links import Host
from bot.onetime.wire import SecretState, UnexpectedError
from bot.policy.decide import is_allowed, require
from bot.screen.parts import Message, Modal, Part, Text
from bot.screen.pieces import Piece, Sentences
from bot.secret import Secret
from bot.sharing import on_watch_event
from bot.sharing.notify import announce
from bot.status.link_card import end_cards
from bot.status.tracked_card import show_card
from bot.status.words import WARNING_SIGN
from bot.storage.reveals.rows import MAX_WRONG_TRIES, Reveal
from bot.storage.shares.rows import Delivery
from bot.storage.tables import new_id

PROBE_TRIES = 3
PROBE_WITHIN = 10.0  # seconds

log = Log("opening")


async def open_secret(interaction: Interaction, reveal: Reveal) -> Reply:
    """“Open” was pressed."""
    host = interaction.services.hosts.of(reveal.host)
    require("hosts", host.url)
    delivery = await deliveries.find_delivery(interaction, reveal)
    if reveal.is_expired:
        return Reply(await deliveries.explain_late(interaction, host, delivery), Outcome.REFUSED)
    if not await interaction.services.reveals.reserve(reveal.id):
        return Reply(await deliveries.explain_taken(interaction, reveal), Outcome.REFUSED)
    return await _open_reserved(interaction, host, reveal, delivery)


async def open_at_once(interaction: Interaction, delivery: Delivery) -> Reply:
    """“Open” on the message of a delivery without a passphrase, after its confirm dialog.

    The window opens when the delivery is reserved, and not before: a new window replaces one that is open, and the
    second of two quick clicks would otherwise replace the secret that the first has shown. So a refusal is a message.
    """
    if not is_allowed("retrieve"):
        return await deliveries.open_delivery(interaction, delivery)  # its window has the way by the browser
    require("hosts", delivery.host)
    services, ref = interaction.services, new_id()
    if (refusal := deliveries.find_refusal(interaction, delivery)) is not None:
        return _refuse_beside(refusal)
    host = services.hosts.of(delivery.host)  # before anything is reserved: the operator may have removed it
    await services.reveals.begin(interaction.person, ref, delivery.host, delivery.secret_key, delivery_id=delivery.id)
    reveal = await services.reveals.find(interaction.person, ref)
    if not await services.reveals.reserve(ref):
        return _refuse_beside(await deliveries.explain_taken(interaction, reveal))
    return await _open_reserved(interaction, host, reveal, delivery)


def _refuse_beside(window: Modal) -> Reply:
    """What a window would say, as a message under the one with the button."""
    said = next((part for part in window.parts if isinstance(part, Text)), Text.of(window.title))
    return Reply(Message(said, window.parts, without_replacing=True), Outcome.REFUSED)


async def _open_reserved(interaction: Interaction, host: Host, reveal: Reveal, delivery: Delivery | None) -> Reply:
    """Open what was reserved, and count what came of it. An error that goes on from here is counted as unknown."""
    outcome = Outcome.UNKNOWN
    try:
        reply = await _try_to_open(interaction, host, reveal, delivery)
        outcome = reply.outcome
    finally:
        interaction.services.metrics.reveal(outcome)
    return reply


async def _try_to_open(interaction: Interaction, host: Host, reveal: Reveal, delivery: Delivery | None) -> Reply:
    services = interaction.services
    if delivery is not None:
        reveal = replace(reveal, key=delivery.secret_key)
    failpoint("reserved")
    await _count_opening(interaction, reveal)
    opening = screens.opening(host, reveal.id, escrow=services.holds_secrets)
    try:
        await interaction.show(opening)
        failpoint("answered")
        await show_patiently(interaction, opening, PROBE_TRIES, PROBE_WITHIN)
    except SlackError:
        await services.reveals.release(reveal.id)
        failpoint("released")
        await interaction.tell(screens.dm_nothing_opened(delivery))
        return Reply(None, Outcome.WINDOW_CLOSED)
    failpoint("probed")
    above = await find_origin(interaction.services, reveal)
    try:
        access = await interaction.services.access(interaction.person, host)
        if not await services.reveals.claim(reveal.id):
            return await _explain_unclaimed(interaction, host, reveal, delivery)
    except StorageUnavailable as error:
        log.warning("not_claimed", error=str(error), ref=reveal.id)
        return Reply(screens.not_begun(delivery), Outcome.UNAVAILABLE)  # recovery.py makes the row ready again
    failpoint("claimed")
    began = now()
    try:
        text = await _fetch(interaction, access, reveal)
    except OnetimeError as error:
        return await _explain_unopened(interaction, host, reveal, delivery, error)
    failpoint("fetched")
    await _show_or_report(interaction, access, reveal, text, above)
    if delivery is not None:
        await announce(interaction.services, delivery)
    await end_cards(interaction.services, interaction.person, host.url, reveal.key, "opened")
    await _settle_tracked(interaction, access, reveal, began)
    return Reply(None, Outcome.OPENED)


async def _explain_unclaimed(interaction: Interaction, host: Host, reveal: Reveal, delivery: Delivery | None) -> Reply:
    """Another window of this person is trying a passphrase, or has tried the last one that was allowed."""
    current = await interaction.services.reveals.find(interaction.person, reveal.id)
    if current.wrong_tries >= MAX_WRONG_TRIES:
        return Reply(screens.stopped(delivery), Outcome.REFUSED)
    if current.can_be_tried:
        question = screens.ask(host, reveal.id, screens.OPENING_ELSEWHERE, passphrase=True, delivery=delivery)
        return Reply(question, Outcome.REFUSED)
    return Reply(screens.already_opening(), Outcome.REFUSED)


async def _count_opening(interaction: Interaction, reveal: Reveal) -> None:
    """Count the opening after it was reserved. Raises `LimitReached`; the reservation is then released."""
    try:
        await interaction.services.limits.consume(
            interaction.person, interaction.services.limits.open, idempotency_key=reveal.id
        )
    except BotError:
        await interaction.services.reveals.release(reveal.id)
        raise


async def _fetch(interaction: Interaction, access: HostAccess, reveal: Reveal) -> Secret:
    """The one POST, with the person's account on that host, or without an account if the host refuses it."""
    passphrase = read_passphrase(interaction)
    return await access.call(
        lambda credentials: interaction.services.onetime.reveal(credentials, reveal.key, passphrase)
    )


async def _explain_unopened(
    interaction: Interaction, host: Host, reveal: Reveal, delivery: Delivery | None, error: OnetimeError
) -> Reply:
    reveals = interaction.services.reveals
    if isinstance(error, SecretGone):
        return await _explain_gone(interaction, host, reveal, delivery)
    if isinstance(error, UnexpectedError) and error.may_be_locked:
        return await _explain_locked(interaction, host, reveal, delivery)
    if isinstance(error, NothingSent):
        await reveals.release(reveal.id)
        said = screens.not_reached(host)
    elif isinstance(error, NothingDone):
        await reveals.release(reveal.id)
        said = (WARNING_SIGN, error.tell_without_effect(screens.NOTHING_OPENED))
    elif isinstance(error, HostUnavailable):
        await _report_unknown_outcome(interaction, host, reveal, delivery)
        return Reply(None, Outcome.UNKNOWN)
    else:
        await reveals.release(reveal.id)
        said = (WARNING_SIGN, Sentences.of(error.tell, screens.NOTHING_OPENED))
    has_field = "passphrase" in interaction.text_inputs
    question = screens.ask(host, reveal.id, said, passphrase=has_field, delivery=delivery)
    return Reply(question, read_outcome(error))


async def _explain_gone(interaction: Interaction, host: Host, reveal: Reveal, delivery: Delivery | None) -> Reply:
    """“Unknown secret”: it is over, or the passphrase is missing or wrong. The metadata tells which, if it is known."""
    reveals = interaction.services.reveals
    metadata = await find_metadata(interaction, host, reveal.key, delivery)
    state = metadata.state_at(now()) if metadata else SecretState.UNKNOWN
    has_passphrase = metadata.passphrase_required if metadata and state.is_open else None
    if delivery is not None and delivery.passphrase_required is not None:
        has_passphrase = delivery.passphrase_required
    has_field = "passphrase" in interaction.text_inputs
    may_be_wrong = has_passphrase is not False and not state.is_over
    tries = await reveals.release(reveal.id, tried=("passphrase" if has_field else "nothing") if may_be_wrong else None)
    if reveal.outcome_unknown and state is SecretState.RECEIVED:
        return Reply(delivery_screens.lost_by_earlier_try(), Outcome.REFUSED)
    if metadata is not None and state.is_over:
        return Reply(delivery_screens.over(metadata, state), Outcome.REFUSED)
    if not reveal.outcome_unknown and (expired := deliveries.expired_window(delivery, metadata)):
        return Reply(expired, Outcome.REFUSED)
    if delivery is not None and has_passphrase is False:
        is_lost = reveal.outcome_unknown
        window = delivery_screens.lost_by_earlier_try() if is_lost else delivery_screens.gone(host)
        return Reply(window, Outcome.REFUSED)
    if tries >= MAX_WRONG_TRIES:
        return Reply(screens.stopped(delivery), Outcome.REFUSED)
    if state.is_open and has_passphrase:
        said = screens.wrong_passphrase(tries) if has_field else screens.NEEDS_PASSPHRASE
    elif reveal.outcome_unknown:
        said = screens.CANNOT_TELL_AFTER_UNKNOWN_OUTCOME
    else:
        said = screens.CANNOT_TELL_WITH_PASSPHRASE if read_passphrase(interaction) else screens.CANNOT_TELL
    question = screens.ask(
        host, reveal.id, said, passphrase=True, delivery=delivery, other_forms=offer_other_forms(interaction)
    )
    return Reply(question, Outcome.REFUSED)


async def _explain_locked(interaction: Interaction, host: Host, reveal: Reveal, delivery: Delivery | None) -> Reply:
    """The secret is locked after too many wrong passphrases, or the server has an error of its own.

    The metadata tells which, if it is known: a secret that is still open was not opened by this try.
    """
    metadata = await find_metadata(interaction, host, reveal.key, delivery)
    state = metadata.state_at(now()) if metadata else SecretState.UNKNOWN
    if not state.is_open:
        may_be_locked = screens.may_be_locked(host)
        await _report_unknown_outcome(interaction, host, reveal, delivery, may_be_locked)
        return Reply(None, Outcome.UNKNOWN)
    await interaction.services.reveals.release(reveal.id)
    is_locked = metadata is not None and metadata.passphrase_required is not False
    said: tuple[Piece, ...] = screens.LOCKED
    if not is_locked:
        said = WARNING_SIGN, Sentences.of(UnexpectedError.tell, screens.NOTHING_OPENED)
    return Reply(screens.ask(host, reveal.id, said, passphrase=True, delivery=delivery), Outcome.REFUSED)


async def _report_unknown_outcome(
    interaction: Interaction,
    host: Host,
    reveal: Reveal,
    delivery: Delivery | None,
    said: tuple[Piece, ...] = screens.MAY_BE_OPENED,
) -> None:
    """Say that the secret may have been opened, then mark the row. After a crash in between, recovery.py repeats it."""
    failpoint("unknown_outcome")
    try:
        await interaction.show(screens.unknown_outcome(host))
        await interaction.services.reveals.release(reveal.id, outcome_unknown=True)
        failpoint("noted")
        await interaction.show(screens.ask(host, reveal.id, said, passphrase=True, delivery=delivery))
    except SlackError:
        await report_unknown_outcome(interaction.services, reveal, interaction.tell)
        failpoint("notified")
        await interaction.services.reveals.release(reveal.id, outcome_unknown=True)


async def _show_or_report(
    interaction: Interaction, access: HostAccess, reveal: Reveal, text: Secret, above: tuple[Part, ...]
) -> None:
    """Escrow the text and show it. If it cannot be shown, send a direct message.

    The message is sent before the row is marked. After a crash in between, it is sent twice, but never lost.
    """
    until = await _store_escrow(interaction, reveal, text)
    failpoint("escrowed")
    try:
        await show(interaction, reveal.id, text, 0, held=until is not None, notes=access.notes, above=above)
    except (SlackError, StorageUnavailable):
        failpoint("unshown")
        if until:
            await tell(interaction, "show_again", reveal.id, screens.dm_show_again(reveal.id, until, above))
        else:
            await interaction.tell(screens.dm_lost(access.credentials.host.name))
        failpoint("notified")
        with suppress(StorageUnavailable):
            await (interaction.services.reveals.mark_notified if until else interaction.services.reveals.close)(
                reveal.id
            )


async def _settle_tracked(interaction: Interaction, access: HostAccess, reveal: Reveal, began: datetime) -> None:
    """If the person tracks the secret, mark it as opened, so that they get no notification of it. Raises nothing.

    An error must not reach the window: it would replace the secret that is shown there.
    """
    try:
        host = access.credentials.host
        tracked = await interaction.services.tracking.mark_opened(interaction.person, host.url, reveal.key)
        if tracked is None:
            tracked = await settle_own_opening(interaction, access, began)
        if tracked is not None:
            await on_watch_event.show_opened(interaction.services, tracked.id, interaction.person)
        if tracked is not None and tracked.card is not None:
            await show_card(interaction, tracked, host.name)
    except BotError as error:
        log.warning("not_settled", error=str(error))
    except Exception as error:  # noqa: BLE001 - an error message would replace the secret
        log.error("not_settled", cause=error)


async def _store_escrow(interaction: Interaction, reveal: Reveal, text: Secret) -> datetime | None:
    """Seal the text and commit it. Returns when the escrow ends; None if escrow is off or the database failed."""
    if not interaction.services.holds_secrets:
        return None
    try:
        return await interaction.services.reveals.keep(reveal, text)
    except StorageUnavailable as error:
        log.warning("not_kept", error=str(error), ref=reveal.id)
        return None
