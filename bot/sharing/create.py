"""Creates the secrets of a share: for each delivery one request to the host, and never a second one.

    step        row of the delivery   what happens                             ways out
    ─────────   ───────────────────   ──────────────────────────────────────   ─────────────────────────────────────────
    begun       waiting               share and deliveries are committed       process died: failed
    asked       asking                committed before the request is sent     process died: unknown_outcome
    answered    asking                the one POST to the host                 refused, or nothing sent: failed
                                                                               no usable answer: unknown_outcome
    made        made                  keys are sealed and committed            database away: the secret is burned
    tracked     made                  the watcher follows it
    posted      made                  its recipient has the message            never can: undeliverable, then burned
    sent        sent                  the message is stored                    process died: posted again, same key

The first delivery is made alone. If the host refuses it, nothing exists: the share is deleted, and the person can
correct what they typed. If the host gives no usable answer, the other deliveries are not tried.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from bot.clock import now
from bot.errors import (
    BotError,
    HostUnavailable,
    NotAuthorized,
    NothingDone,
    OnetimeError,
    RateLimited,
    Refused,
    SecretGone,
    StorageUnavailable,
)
from bot.failpoints import failpoint
from bot.interaction.feature import Interaction
from bot.logs import Log
from bot.onetime.client import Credentials
from bot.onetime.wire import GeneratedSecret, SharedSecret, can_be_of
from bot.screen.pieces import say
from bot.sharing.deliver import deliver
from bot.sharing.share_spec import ShareSpec
from bot.storage.shares.rows import Delivery, NewShare, Share

CONCURRENCY = 4  # deliveries that are made at the same time
MAX_LABEL = 80  # characters

NO_SECRET = (Refused, NotAuthorized, RateLimited, NothingDone)  # the host certainly made no secret

log = Log("create")


class PassphraseIgnored(Refused):
    """The host made the secret without its passphrase, so that anybody with the link could open it."""

    tell = say("The server ignored the passphrase, so the secret was burned at once. Its link opens nothing.")


@dataclass(frozen=True, slots=True)
class Mail:
    """What the server says about the mail with the link. `sent_to` are obscured addresses; empty: it sends no mail."""

    sent_to: tuple[str, ...]
    fits: bool  # whether `sent_to` can be the address that was typed, and nobody else's


@dataclass(frozen=True, slots=True)
class CreatedShare:
    """A share and its deliveries. `ttl` is the life in seconds that the host gave the secret, if it said so."""

    share: Share
    deliveries: list[Delivery]
    is_new: bool
    ttl: int | None = None
    mail: Mail | None = None


async def create(
    interaction: Interaction,
    spec: ShareSpec,
    idempotency_key: str,
    *,
    answers: str | None = None,
    earlier: str | None = None,
) -> CreatedShare:
    """Make and send all deliveries. A second call with the `idempotency_key` returns the earlier share.

    `answers` is the id of a request, `earlier` that of the share of an earlier try. Raises `LimitReached`,
    `RequestOver`, `StorageUnavailable`, and the reason why the host made nothing: `Refused`, `NotAuthorized`,
    `RateLimited`, `HostUnavailable`. The share is then deleted, unless a secret may exist.
    """
    services = interaction.services
    await services.limits.consume(interaction.person, services.limits.share, idempotency_key=idempotency_key)
    share, deliveries, is_new = await services.shares.begin(
        interaction.person, _new_share(spec, idempotency_key, earlier), spec.recipients, answers=answers
    )
    if not is_new:
        return CreatedShare(share, deliveries, is_new=False)
    failpoint("share_begun")
    first, *others = deliveries
    try:
        made = await _create_delivery(interaction, spec, share, first)
    except OnetimeError as error:
        await _give_up(interaction, others)
        if isinstance(error, NO_SECRET):
            await services.shares.delete(share.id)
            raise
        made = None
    else:
        await _create_deliveries(interaction, spec, share, others)
    found = await services.shares.deliveries_of(share.id)
    return CreatedShare(share, found, is_new=True, ttl=made.ttl if made else None, mail=_read_mail(spec, made))


def _read_mail(spec: ShareSpec, made: SharedSecret | GeneratedSecret | None) -> Mail | None:
    """None if no mail was asked for. Servers up to 0.23 make the secret and may ignore the address without a word."""
    if spec.mail_address is None or not isinstance(made, SharedSecret):
        return None
    return Mail(made.recipients, fits=can_be_of(made.recipients, spec.mail_address))


def _new_share(spec: ShareSpec, idempotency_key: str, earlier: str | None) -> NewShare:
    return NewShare(
        idempotency_key=idempotency_key,
        host=spec.host.url,
        account_id=spec.account.id if spec.account else None,
        quiet=spec.quiet,
        note=spec.note,
        label=spec.note[:MAX_LABEL] if spec.note else None,
        passphrase_to=spec.passphrase_to,
        earlier_id=earlier,
        thread=spec.thread,
    )


async def _give_up(interaction: Interaction, deliveries: list[Delivery]) -> None:
    for delivery in deliveries:
        await interaction.services.deliveries.mark_failed(delivery.id, "not_tried")


async def _create_deliveries(
    interaction: Interaction, spec: ShareSpec, share: Share, deliveries: list[Delivery]
) -> None:
    """Make deliveries, a few at a time. One that fails does not stop the others; its state says that it failed."""
    free = asyncio.Semaphore(CONCURRENCY)

    async def make(delivery: Delivery) -> None:
        async with free:
            try:
                await _create_delivery(interaction, spec, share, delivery)
            except BotError as error:
                log.warning("delivery_not_made", error=str(error), ref=delivery.id)

    await asyncio.gather(*(make(delivery) for delivery in deliveries))


async def _create_delivery(
    interaction: Interaction, spec: ShareSpec, share: Share, delivery: Delivery
) -> SharedSecret | GeneratedSecret | None:
    """One delivery, from waiting to sent. Raises `OnetimeError`; the stored state then says what is known."""
    deliveries = interaction.services.deliveries
    credentials = interaction.services.credentials_of(spec.account) if spec.account else Credentials(spec.host)
    if not await deliveries.begin_request(delivery.id):
        return None
    failpoint("delivery_asked")
    try:
        made = await _call_host(interaction, spec, credentials)
        failpoint("delivery_answered")
        await _check_passphrase(interaction, spec, credentials, made)
    except NO_SECRET as error:
        await deliveries.mark_failed(delivery.id, _failure_code(error))
        raise
    except OnetimeError:
        await deliveries.mark_outcome_unknown(delivery.id)
        raise
    account_id = spec.account.id if spec.account else None
    interaction.services.lives.note((spec.host.url, account_id), spec.ttl, made.ttl)
    delivery = await _store_keys(interaction, spec, credentials, delivery, made)
    failpoint("delivery_made")
    await deliver(interaction.services, share, delivery, interaction.zone)
    return made


async def _call_host(
    interaction: Interaction, spec: ShareSpec, credentials: Credentials
) -> SharedSecret | GeneratedSecret:
    """The one POST. Never sent again: after an error that is not in `NO_SECRET` the secret may exist."""
    onetime = interaction.services.onetime
    text = spec.password.make_up() if spec.password else spec.text
    if text is None:
        return await onetime.generate(credentials, ttl=spec.ttl, passphrase=spec.passphrase)
    return await onetime.share(credentials, text, ttl=spec.ttl, passphrase=spec.passphrase, recipient=spec.mail_address)


async def _check_passphrase(
    interaction: Interaction, spec: ShareSpec, credentials: Credentials, made: SharedSecret | GeneratedSecret
) -> None:
    """Burn a secret that was made without its passphrase.

    Raises `PassphraseIgnored`, or `HostUnavailable` if it could not be burned: then it still exists.
    """
    if spec.passphrase is not None and made.passphrase_required is False:
        try:
            await interaction.services.onetime.burn(credentials, made.metadata_key)
        except SecretGone:
            pass
        except OnetimeError as error:
            raise HostUnavailable(f"the passphrase was ignored, and the secret not burned: {error}") from None
        await interaction.services.tracking.settle(interaction.person, spec.host.url, made.metadata_key, "burned")
        raise PassphraseIgnored("the passphrase was ignored")


def _failure_code(error: OnetimeError) -> str:
    return "passphrase_ignored" if isinstance(error, PassphraseIgnored) else type(error).__name__


async def _store_keys(
    interaction: Interaction,
    spec: ShareSpec,
    credentials: Credentials,
    delivery: Delivery,
    made: SharedSecret | GeneratedSecret,
) -> Delivery:
    """Seal the keys and commit them. If that fails, the secret is burned: nobody could find it again."""
    ttl = spec.ttl if made.ttl is None else made.ttl
    is_needed = (
        spec.passphrase_to == "sender" or not delivery.recipient.is_nobody
    )  # to show it, or to burn the secret if it is undeliverable
    try:
        return await interaction.services.deliveries.mark_made(
            delivery,
            secret_key=made.secret_key,
            metadata_key=made.metadata_key,
            passphrase=spec.passphrase if is_needed else None,
            passphrase_required=made.passphrase_required,
            expires_at=now() + timedelta(seconds=ttl),
        )
    except StorageUnavailable:
        with suppress(OnetimeError):
            await interaction.services.onetime.burn(credentials, made.metadata_key, spec.passphrase)
        raise
