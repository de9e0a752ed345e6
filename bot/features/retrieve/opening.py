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
    `NothingDone`, a refusal            ready                   nothing was opened: the window asks again
    `HostUnavailable`                   ready, outcome_unknown  it may have been opened: the window asks again
    (the process died)                  claiming                recovery.py reports it and makes the row ready again

After each step from `reserved` on, except `counted`, is a failpoint with the step's name. Tests kill the process there.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from bot.errors import (
    BotError,
    HostUnavailable,
    NotAuthorized,
    NothingDone,
    NothingSent,
    OnetimeError,
    SecretGone,
    SlackError,
    StorageUnavailable,
    Unsealable,
)
from bot.failpoints import failpoint
from bot.features.retrieve import deliveries, delivery_screens, screens
from bot.features.retrieve.showing import show, show_patiently
from bot.interaction.feature import Interaction, Outcome, Reply, read_outcome
from bot.interaction.passphrases import offer_other_forms, read_passphrase
from bot.logs import Log
from bot.onetime.client import Credentials
from bot.onetime.links import Host
from bot.onetime.wire import AccountsOff
from bot.secret import Secret
from bot.sharing import on_watch_event
from bot.sharing.notify import announce
from bot.status.tracked_card import follow
from bot.storage.reveals.rows import MAX_WRONG_TRIES, Reveal
from bot.storage.shares.rows import Delivery

PROBE_TRIES = 3
PROBE_WITHIN = 10.0  # seconds

log = Log("opening")


async def open_secret(interaction: Interaction, reveal: Reveal) -> Reply:
    """“Open” was pressed."""
    services = interaction.services
    host = services.hosts.of(reveal.host)
    delivery = await deliveries.find_delivery(interaction, reveal)
    if delivery is not None:
        reveal = replace(reveal, key=delivery.secret_key)
    if not await services.reveals.reserve(reveal.id):
        return Reply(await deliveries.explain_taken(interaction, reveal), Outcome.REFUSED)
    failpoint("reserved")
    await _count_opening(interaction, reveal)
    opening = screens.opening(host, reveal.id, escrow=services.escrow)
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
    try:
        credentials = await _load_credentials(interaction, host)
        if not await services.reveals.claim(reveal.id):
            return Reply(screens.already_opening(), Outcome.REFUSED)
    except StorageUnavailable as error:
        log.warning("not_claimed", error=str(error), ref=reveal.id)
        return Reply(screens.not_begun(delivery), Outcome.UNAVAILABLE)  # recovery.py makes the row ready again
    failpoint("claimed")
    try:
        text = await _fetch(interaction, credentials, reveal)
    except OnetimeError as error:
        return await _explain_unopened(interaction, host, reveal, delivery, error)
    failpoint("fetched")
    await _show_or_report(interaction, host, reveal, text)
    if delivery is not None:
        await announce(interaction.services, delivery)
    await _settle_tracked(interaction, host, reveal)
    return Reply(None, Outcome.OPENED)


async def _count_opening(interaction: Interaction, reveal: Reveal) -> None:
    """Count the opening after it was reserved. Raises `LimitReached`; the reservation is then released."""
    try:
        await interaction.services.limits.consume(
            interaction.person, interaction.services.limits.open, idempotency_key=reveal.id
        )
    except BotError:
        await interaction.services.reveals.release(reveal.id)
        raise


async def _load_credentials(interaction: Interaction, host: Host) -> Credentials:
    try:
        return await interaction.services.credentials(interaction.person, host)
    except Unsealable:
        return Credentials(host)  # a link can be opened without an account


async def _fetch(interaction: Interaction, credentials: Credentials, reveal: Reveal) -> Secret:
    """The one POST, with the person's account on that host, or without an account if the host refuses it."""
    passphrase = read_passphrase(interaction)
    try:
        return await interaction.services.onetime.reveal(credentials, reveal.key, passphrase)
    except (NotAuthorized, AccountsOff):
        if credentials.username is None:
            raise
        return await interaction.services.onetime.reveal(Credentials(credentials.host), reveal.key, passphrase)


async def _explain_unopened(
    interaction: Interaction, host: Host, reveal: Reveal, delivery: Delivery | None, error: OnetimeError
) -> Reply:
    reveals = interaction.services.reveals
    if isinstance(error, SecretGone):
        may_be_wrong = delivery is None or delivery.passphrase_required is not False
        tries = await reveals.release(reveal.id, wrong_passphrase=may_be_wrong)
        if not may_be_wrong:
            is_lost = reveal.outcome_unknown
            window = delivery_screens.lost_by_earlier_try() if is_lost else delivery_screens.gone(host)
            return Reply(window, Outcome.REFUSED)
        if tries >= MAX_WRONG_TRIES:
            return Reply(screens.stopped(delivery), Outcome.REFUSED)
        said = screens.CANNOT_TELL_AFTER_UNKNOWN_OUTCOME if reveal.outcome_unknown else screens.CANNOT_TELL
        question = screens.ask(
            host, reveal.id, said, passphrase=True, delivery=delivery, other_forms=offer_other_forms(interaction)
        )
        return Reply(question, Outcome.REFUSED)
    if isinstance(error, NothingSent):
        await reveals.release(reveal.id)
        said = screens.NOT_REACHED.format(host=host.name)
    elif isinstance(error, NothingDone):
        await reveals.release(reveal.id)
        said = f":warning: {error.tell_without_effect('opened')}"
    elif isinstance(error, HostUnavailable):
        await _report_unknown_outcome(interaction, host, reveal, delivery)
        return Reply(None, Outcome.UNKNOWN)
    else:
        await reveals.release(reveal.id)
        said = f":warning: {error.tell} Nothing was opened."
    question = screens.ask(host, reveal.id, said, passphrase=True, delivery=delivery)
    return Reply(question, read_outcome(error))


async def _report_unknown_outcome(
    interaction: Interaction, host: Host, reveal: Reveal, delivery: Delivery | None
) -> None:
    """Say that the secret may have been opened, then mark the row. After a crash in between, recovery.py repeats it."""
    failpoint("unknown_outcome")
    try:
        await interaction.show(screens.unknown_outcome(host))
        await interaction.services.reveals.release(reveal.id, outcome_unknown=True)
        failpoint("noted")
        await interaction.show(screens.ask(host, reveal.id, screens.MAY_BE_OPENED, passphrase=True, delivery=delivery))
    except SlackError:
        await interaction.tell(screens.dm_may_be_opened(reveal.id, host.name))
        failpoint("notified")
        await interaction.services.reveals.release(reveal.id, outcome_unknown=True)


async def _show_or_report(interaction: Interaction, host: Host, reveal: Reveal, text: Secret) -> None:
    """Escrow the text and show it. If it cannot be shown, send a direct message.

    The message is sent before the row is marked. After a crash in between, it is sent twice, but never lost.
    """
    until = await _store_escrow(interaction, reveal, text)
    failpoint("escrowed")
    try:
        await show(interaction, reveal.id, text, 0, held=until is not None)
    except (SlackError, StorageUnavailable):
        failpoint("unshown")
        await interaction.tell(screens.dm_show_again(reveal.id, until) if until else screens.dm_lost(host.name))
        failpoint("notified")
        with suppress(StorageUnavailable):
            await (interaction.services.reveals.mark_notified if until else interaction.services.reveals.close)(
                reveal.id
            )


async def _settle_tracked(interaction: Interaction, host: Host, reveal: Reveal) -> None:
    """If the person tracks the secret, mark it as opened, so that they get no notification of it. Raises nothing.

    An error must not reach the window: it would replace the secret that is shown there.
    """
    try:
        tracked = await interaction.services.tracking.mark_opened(interaction.person, host.url, reveal.key)
        if tracked is not None:
            await on_watch_event.show_opened(interaction.services, tracked.id, interaction.person)
        if tracked is not None and tracked.card is not None:
            await follow(interaction, tracked, host.name)
    except BotError as error:
        log.warning("not_settled", error=str(error))
    except Exception as error:  # noqa: BLE001 - an error message would replace the secret
        log.error("not_settled", cause=error)


async def _store_escrow(interaction: Interaction, reveal: Reveal, text: Secret) -> datetime | None:
    """Seal the text and commit it. Returns when the escrow ends; None if escrow is off or the database failed."""
    if not interaction.services.escrow:
        return None
    try:
        return await interaction.services.reveals.keep(reveal, text)
    except StorageUnavailable as error:
        log.warning("not_kept", error=str(error), ref=reveal.id)
        return None
