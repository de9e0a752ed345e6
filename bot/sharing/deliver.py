"""Sends a delivery that was made: tracked by the watcher, posted to its recipient, burned if Slack never takes it.

Each step may be repeated, so after a crash recovery.py repeats the steps. Tracking a key twice is one row. A message is
marked at once when Slack has taken it: only a crash in between lets it be posted once more, and both copies then work.
"""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import suppress

import stamina

from bot.clock import now
from bot.errors import OnetimeError, SlackError
from bot.failpoints import failpoint
from bot.interaction.access import HostAccess
from bot.interaction.retry import slack_retry_predicate
from bot.interaction.services import Services
from bot.logs import Log
from bot.message_ref import ChannelRef, MessageRef
from bot.onetime.wire import Metadata, SecretState
from bot.person import Person
from bot.screen.parts import Message
from bot.secret import Secret
from bot.sharing import recipient_messages, sender_card
from bot.sharing.notify import redraw
from bot.status.burn import guess_and_burn, try_burn
from bot.status.link_card import end_cards
from bot.status.patient_send import can_update
from bot.storage.shares.rows import Delivery, DeliveryEnd, Share

TRIES = 3
WITHIN = 10.0  # seconds
MAX_WAIT = 5.0  # seconds; if Slack asks for a longer wait, recovery.py sends the message a minute later

# State of the secret at its host (None: not known) -> state of its delivery. Other states change nothing.
ENDS_BY_STATE: dict[SecretState | None, DeliveryEnd] = {
    SecretState.BURNED: "burned",
    SecretState.RECEIVED: "opened",
    SecretState.EXPIRED: "expired",
    SecretState.ORPHANED: "gone",
    None: "gone",
}

log = Log("delivery")


async def deliver(services: Services, share: Share, delivery: Delivery, zone: str | None = None) -> None:
    """Made → sent, or undeliverable. It stays made if Slack does not take it now: recovery.py tries again.

    `zone` is the sender's time zone, if it is known: the watcher reminds them by day.
    Raises `StorageUnavailable`; the steps before it are kept.
    """
    if not delivery.secret_key:
        # Its row was changed behind our back, or its encryption key is gone. It is sent to nobody.
        log.warning("delivery_unreadable", ref=delivery.id)
        await services.deliveries.mark_undeliverable(delivery.id, "unsealable")
        await services.deliveries.close(delivery.id, "undeliverable")
        return
    await track(services, share, delivery, zone)
    to = address_of(share, delivery)
    if to is None:
        return
    try:
        posted = services.deliveries.find_posted(delivery.id) or await _post(services, to, share, delivery)
    except SlackError as error:
        if error.is_permanent:
            await mark_undeliverable(services, delivery, error.code)
        else:
            log.warning("delivery_not_sent", error=str(error), ref=delivery.id)
        return
    failpoint("delivery_posted")
    await services.deliveries.mark_sent(delivery.id, posted)
    failpoint("delivery_sent")
    await send_passphrase(services, share, delivery)


async def track(services: Services, share: Share, delivery: Delivery, zone: str | None = None) -> None:
    """Have the watcher follow the secret. This comes before anybody can open it, so that no opening is missed.

    Safe to repeat. The watcher may have found the secret before, without its label and its secret key.
    """
    tracked, _ = await services.tracking.track(
        delivery.sender, delivery.host, delivery.metadata_key, label=share.label, made_at=now(),
        expires_at=delivery.expires_at, passphrase_required=delivery.passphrase_required,
        secret_key=delivery.secret_key, zone=zone,
    )  # fmt: skip
    await services.deliveries.set_tracked(delivery.id, tracked.id)
    failpoint("delivery_tracked")


def address_of(share: Share, delivery: Delivery) -> Person | ChannelRef | None:
    """Where messages to the recipient go. None: only the link."""
    to = delivery.address
    return to._replace(thread=share.thread) if isinstance(to, ChannelRef) else to


async def _post(services: Services, to: Person | ChannelRef, share: Share, delivery: Delivery) -> MessageRef:
    message = recipient_messages.recipient_message(share, delivery, escrow=services.escrow)
    async for attempt in stamina.retry_context(on=slack_retry_predicate(MAX_WAIT), attempts=TRIES, timeout=WITHIN):
        with attempt:
            return await services.send(to, message, f"parcel:{delivery.id}")
    raise AssertionError("unreachable: the last attempt returns or raises")


async def send_passphrase(services: Services, share: Share, delivery: Delivery) -> None:
    """Send the passphrase in a message of its own, then wipe it. Does nothing if none waits for the recipient."""
    passphrase_to = delivery.passphrase_to or share.passphrase_to
    if passphrase_to != "recipient" or delivery.passphrase is None or delivery.recipient.user is None:
        return
    try:
        message = recipient_messages.passphrase_message(share, delivery)
        posted = services.following_messages.find_posted("passphrase", delivery.id)
        posted = posted or await services.send(delivery.recipient.user, message, f"passphrase:{delivery.id}")
        await services.following_messages.add("passphrase", delivery.id, posted, delivery.reader)
    except SlackError as error:
        log.warning("passphrase_not_sent", error=str(error), ref=delivery.id)
        if not error.is_permanent:
            return  # in a minute
        with suppress(SlackError):
            await services.send(
                share.person, sender_card.passphrase_not_sent_message(delivery), f"no-passphrase:{delivery.id}"
            )
    failpoint("passphrase_sent")
    await services.deliveries.wipe_passphrase(delivery.id)
    failpoint("passphrase_wiped")


async def mark_undeliverable(services: Services, delivery: Delivery, why: str) -> None:
    """Slack never takes a message to the recipient: end the delivery, then burn its secret. `why` is Slack's code."""
    await services.deliveries.mark_undeliverable(delivery.id, why)
    failpoint("delivery_undeliverable")
    await burn_undeliverable(services, delivery)


async def burn_undeliverable(services: Services, delivery: Delivery) -> None:
    """Burn the secret and stop tracking it: the sender's card says what happened.

    If the host does not answer, the delivery stays open and recovery.py tries again, until the secret has expired.
    """
    tracked = await services.tracking.find_key(delivery.sender, delivery.host, delivery.metadata_key)
    if tracked is not None:
        await services.tracking.stop(delivery.sender, tracked.id)
    try:
        access = await services.access(delivery.sender, services.hosts.of(delivery.host))
        burning = try_burn(services.onetime, access, delivery.metadata_key, delivery.passphrase, asked=False)
        await _settle(services, delivery, burning)
    except OnetimeError as error:
        log.warning("undeliverable_not_burned", error=str(error), ref=delivery.id)
        if delivery.expires_at is None or delivery.expires_at > now():
            return
    await services.deliveries.close(delivery.id, "undeliverable")
    failpoint("undeliverable_burned")


async def burn(
    services: Services, access: HostAccess, delivery: Delivery, passphrase: Secret | None, *, asked: bool = False
) -> SecretState | None:
    """Burn the secret of a delivery. Returns its state now (None: the host does not know it any more).

    `access` is the sender's, to the host of the delivery. `asked` says whether the sender was asked for its passphrase.
    What is typed may be wrong, and so may no passphrase: that counts as a guess. Raises `WrongPassphrase`,
    `LimitReached`, or the error of the call when nobody knows whether it is burned.
    """
    if asked or passphrase is None:
        names = services.guesses.names_of(delivery.host, delivery.secret_key) if delivery.secret_key else ()
        burning = guess_and_burn(
            services, delivery.sender, access, delivery.metadata_key, passphrase, asked=asked, names=names
        )
    else:
        burning = try_burn(services.onetime, access, delivery.metadata_key, passphrase, asked=False)
    state, metadata = await _settle(services, delivery, burning)
    end = ENDS_BY_STATE.get(state)
    if end is not None:
        await services.deliveries.close(delivery.id, end, metadata.received if metadata else None)
        failpoint("delivery_over")
    return state


async def _settle(
    services: Services, delivery: Delivery, burning: Awaitable[tuple[SecretState | None, Metadata | None]]
) -> tuple[SecretState | None, Metadata | None]:
    """Burn, and tell the watcher: it does not notify the sender."""
    state, metadata = await burning
    failpoint("delivery_burned")
    if state is SecretState.BURNED:  # so that the watcher does not notify the sender
        await services.tracking.settle(delivery.sender, delivery.host, delivery.metadata_key, "burned")
        await end_cards(services, delivery.sender, delivery.host, delivery.secret_key, "burned")
    return state, metadata


async def post_card(services: Services, share: Share) -> None:
    """Post the sender's card, or make it of the card of an earlier try that came to nothing.

    Only a crash before `set_card` lets it be posted once more. After a crash the card may be there already and show an
    older state; recovery.py then redraws it.
    """
    deliveries = await services.shares.deliveries_of(share.id)
    drawn = sender_card.sender_card(share, deliveries)
    try:
        posted = await _take_over_card(services, share, drawn)
        posted = posted or await services.send(share.person, drawn, f"share:{share.id}")
    except SlackError as error:
        log.warning("card_not_posted", error=str(error), ref=share.id)
        if error.is_permanent:
            await services.shares.mark_card_undeliverable(share.id)
        return
    failpoint("card_posted")
    await services.shares.set_card(share.id, posted)
    failpoint("card_kept")
    if (
        sender_card.sender_card(share, await services.shares.deliveries_of(share.id)) != drawn
    ):  # something changed while the card was not stored yet
        await redraw(services, deliveries[0])


async def _take_over_card(services: Services, share: Share, drawn: Message) -> MessageRef | None:
    """Draw the share on the card of the earlier try. None if there is none, or Slack never takes it. Safe to repeat."""
    card = await services.shares.find_earlier_card(share)
    return card if card and await can_update(services, card, drawn, share.person) else None
