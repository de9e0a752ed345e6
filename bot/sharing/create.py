"""From an order to deliveries: one request to the host for each, and never a second one for the same.

    begin -> for each: asking, on disk -> one POST -> made, keys on disk -> followed -> posted -> sent

The first is made alone. When the host refuses it, nothing was made and the person can correct what they typed;
when it gives no usable answer, the others are not tried.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from bot.clock import now
from bot.errors import (
    BotError,
    NotAuthorized,
    NothingSent,
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
from bot.onetime.wire import AccountsOff, GeneratedSecret, SharedSecret
from bot.sharing.deliver import deliver
from bot.sharing.share_spec import ShareSpec
from bot.storage.shares.rows import Delivery, NewShare, Share

CONCURRENCY = 4  # deliveries that are made at the same time
MAX_LABEL = 80  # characters

NO_SECRET = (Refused, NotAuthorized, RateLimited, NothingSent, AccountsOff)  # the host made none, and that is sure

log = Log("making")


class PassphraseIgnored(Refused):
    """The host made the secret without its passphrase, so that anybody with the link could open it."""

    tell = "The host ignored the passphrase, so the secret was burned at once. Nothing was sent."


@dataclass(frozen=True, slots=True)
class CreatedShare:
    """What came of an order. `ttl` is what the host made of the one that was asked for, in seconds, if it said so."""

    share: Share
    deliveries: list[Delivery]
    is_new: bool
    ttl: int | None = None


async def create(
    interaction: Interaction, spec: ShareSpec, idempotency_key: str, *, answers: str | None = None
) -> CreatedShare:
    """Make and send all of it. The same `once` again makes nothing and says what became of it.

    `answers` is the id of a request. Raises `LimitReached`, `RequestOver`, `StorageUnavailable`, and why the host made
    nothing: `Refused`, `NotAuthorized`, `RateLimited`, `HostUnavailable`. Nothing is left of the share
    then, unless a secret may exist.
    """
    services = interaction.services
    await services.limits.consume(interaction.person, services.limits.share, idempotency_key=idempotency_key)
    share, deliveries, is_new = await services.shares.begin(
        interaction.person, _new(spec, idempotency_key), spec.recipients, answers=answers
    )
    if not is_new:
        return CreatedShare(share, deliveries, is_new=False)
    failpoint("share_begun")
    first, *others = deliveries
    try:
        ttl = await _create_delivery(interaction, spec, share, first)
    except OnetimeError as error:
        await _give_up(interaction, others)
        if isinstance(error, NO_SECRET):
            await services.shares.delete(share.id)
            raise
        ttl = None
    else:
        await _create_deliveries(interaction, spec, share, others)
    return CreatedShare(share, await services.shares.deliveries_of(share.id), is_new=True, ttl=ttl)


def _new(spec: ShareSpec, idempotency_key: str) -> NewShare:
    return NewShare(
        idempotency_key=idempotency_key,
        host=spec.host.url,
        account_id=spec.account.id if spec.account else None,
        quiet=spec.quiet,
        note=spec.note,
        label=spec.note[:MAX_LABEL] if spec.note else None,
        passphrase_to=spec.passphrase_to,
    )


async def _give_up(interaction: Interaction, deliveries: list[Delivery]) -> None:
    for delivery in deliveries:
        await interaction.services.deliveries.mark_failed(delivery.id, "not_tried")


async def _create_deliveries(
    interaction: Interaction, spec: ShareSpec, share: Share, deliveries: list[Delivery]
) -> None:
    """The others, a few at a time. One that goes wrong keeps none of the others back: its state says it."""
    free = asyncio.Semaphore(CONCURRENCY)

    async def make(delivery: Delivery) -> None:
        async with free:
            try:
                await _create_delivery(interaction, spec, share, delivery)
            except BotError as error:
                log.warning("delivery_not_made", error=str(error), ref=delivery.id)

    await asyncio.gather(*(make(delivery) for delivery in deliveries))


async def _create_delivery(interaction: Interaction, spec: ShareSpec, share: Share, delivery: Delivery) -> int | None:
    """One delivery, from waiting to sent. Raises `OnetimeError` with its state saying what is known."""
    deliveries = interaction.services.deliveries
    credentials = interaction.services.credentials_of(spec.account) if spec.account else Credentials(spec.host)
    if not await deliveries.begin_request(delivery.id):
        return None
    failpoint("delivery_asked")
    try:
        made = await _ask(interaction, spec, credentials)
        failpoint("delivery_answered")
        await _check_passphrase(interaction, spec, credentials, made)
    except NO_SECRET as error:
        await deliveries.mark_failed(delivery.id, _code(error))
        raise
    except OnetimeError:
        await deliveries.mark_outcome_unknown(delivery.id)
        raise
    delivery = await _keep(interaction, spec, credentials, delivery, made)
    failpoint("delivery_made")
    await deliver(interaction.services, share, delivery, interaction.zone)
    return made.ttl


async def _ask(interaction: Interaction, spec: ShareSpec, credentials: Credentials) -> SharedSecret | GeneratedSecret:
    """The one POST. Never sent again: after an error that is not in `NO_SECRET` the secret may exist."""
    onetime = interaction.services.onetime
    if spec.text is None:
        return await onetime.generate(credentials, ttl=spec.ttl, passphrase=spec.passphrase)
    return await onetime.share(credentials, spec.text, ttl=spec.ttl, passphrase=spec.passphrase)


async def _check_passphrase(
    interaction: Interaction, spec: ShareSpec, credentials: Credentials, made: SharedSecret | GeneratedSecret
) -> None:
    """Burn a secret that was made without its passphrase. Raises `PassphraseIgnored`, or the error of the burn."""
    if spec.passphrase is not None and made.passphrase_required is False:
        with suppress(SecretGone):
            await interaction.services.onetime.burn(credentials, made.metadata_key)
        raise PassphraseIgnored("the passphrase was ignored")


def _code(error: OnetimeError) -> str:
    return "passphrase_ignored" if isinstance(error, PassphraseIgnored) else type(error).__name__


async def _keep(
    interaction: Interaction,
    spec: ShareSpec,
    credentials: Credentials,
    delivery: Delivery,
    made: SharedSecret | GeneratedSecret,
) -> Delivery:
    """The keys, sealed and on disk. If that cannot be, the secret is burned: nobody could ever find it again."""
    ttl = spec.ttl if made.ttl is None else made.ttl
    is_needed = (
        spec.passphrase_to == "sender" or not delivery.recipient.is_nobody
    )  # to be shown; or to burn it, if Slack refuses
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
