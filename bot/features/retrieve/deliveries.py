"""Opens secrets that were shared with this bot: only for their recipient, and only from the message with the button.

A message carries the id of the delivery and nothing that opens it. Slack says who pressed the button and on which
message; a forwarded copy of the message opens nothing. A message that came twice, because the bot crashed between
Slack's answer and its own mark, works in both copies.
"""

from __future__ import annotations

from contextlib import suppress

from bot.clock import now
from bot.errors import NotYours, StorageUnavailable
from bot.failpoints import failpoint
from bot.features.retrieve import delivery_screens, screens
from bot.features.retrieve.asking import ask
from bot.features.retrieve.known import find_metadata
from bot.interaction.feature import Interaction, Outcome, Reply
from bot.onetime.links import Host
from bot.onetime.wire import Metadata
from bot.screen.parts import Modal
from bot.sharing.notify import redraw
from bot.storage.reveals.rows import Reveal
from bot.storage.shares.rows import Delivery


async def open_delivery(interaction: Interaction, delivery: Delivery) -> Reply:
    """“Open” on the message: show the window that asks, or what became of the delivery. Nothing is opened yet."""
    if (refusal := find_refusal(interaction, delivery)) is not None:
        return Reply(refusal, Outcome.REFUSED)
    return await ask(interaction, interaction.services.hosts.of(delivery.host), delivery.secret_key, delivery)


def find_refusal(interaction: Interaction, delivery: Delivery) -> Modal | None:
    """Why the button on the message cannot open the delivery; None if it can. Raises `NotYours` for other messages."""
    if delivery.state == "made":  # its message was posted, but that is not stored yet
        return delivery_screens.just_sent()
    if not _is_on_its_message(interaction, delivery):
        raise NotYours
    if not _can_try(interaction, delivery):
        return delivery_screens.taken(delivery, interaction.person)
    return None


async def find_delivery(interaction: Interaction, reveal: Reveal) -> Delivery | None:
    """The delivery of an opening; None for a pasted link. Raises `NotYours` if the delivery is gone, `Unsealable`."""
    if reveal.delivery_id is None:
        return None
    return await interaction.services.deliveries.find_for_recipient(interaction.person, reveal.delivery_id)


async def explain_taken(interaction: Interaction, reveal: Reveal) -> Modal:
    """Why an opening could not be reserved: an earlier click, another person's opening, or the delivery is over."""
    delivery = await find_delivery(interaction, reveal)
    if (
        delivery is None
        or _can_try(interaction, delivery)
        or (delivery.state == "opening" and delivery.opener == interaction.person)
    ):
        return screens.already_opening()
    if reveal.outcome_unknown and delivery.opener in (None, interaction.person):
        return delivery_screens.lost_by_earlier_try()
    return delivery_screens.taken(delivery, interaction.person)


async def explain_late(interaction: Interaction, host: Host, delivery: Delivery | None) -> Modal:
    """Why a window that was open for too long opens nothing: its secret is over, or the window is too old."""
    if delivery is None:
        return screens.too_old()
    if not _can_try(interaction, delivery):
        return delivery_screens.taken(delivery, interaction.person)
    metadata = await find_metadata(interaction, host, delivery.secret_key, delivery)
    if metadata is not None and (state := metadata.state_at(now())).is_over:
        return delivery_screens.over(metadata, state)
    return expired_window(delivery, metadata) or screens.too_old(delivery)


def expired_window(delivery: Delivery | None, metadata: Metadata | None) -> Modal | None:
    """The window for a delivery whose time is over, and of which its host says nothing any more; None for any other."""
    if delivery is None or metadata is not None or delivery.expires_at is None or delivery.expires_at > now():
        return None
    return delivery_screens.expired(delivery.expires_at)


async def open_in_browser(interaction: Interaction, reveal: Reveal) -> Reply:
    """“Open in the browser”: show the link to this person. Nobody else can open the delivery here from then on."""
    delivery = await find_delivery(interaction, reveal)
    if delivery is None:
        raise NotYours
    if reveal.is_expired:
        late = await explain_late(interaction, interaction.services.hosts.of(reveal.host), delivery)
        return Reply(late, Outcome.REFUSED)
    if not _can_try(interaction, delivery) or not await interaction.services.deliveries.mark_link_shown(
        delivery.id, interaction.person
    ):
        return Reply(await explain_taken(interaction, reveal), Outcome.REFUSED)
    failpoint("link_shown")
    host = interaction.services.hosts.of(delivery.host)
    await interaction.show(delivery_screens.link(host, host.secret_link(delivery.secret_key)))
    with suppress(StorageUnavailable):  # the link is shown; messages can be redrawn later
        await redraw(interaction.services, delivery)
    return Reply(None, Outcome.DONE)


def _is_on_its_message(interaction: Interaction, delivery: Delivery) -> bool:
    """Whether the button was pressed on the delivery's message or on a copy of it in the same conversation.

    The Home tab of the recipient is as good as the message: Slack says whose it is, and nobody can forward it.
    """
    if interaction.in_home:
        return delivery.recipient.user == interaction.person
    here, posted = interaction.message, delivery.message
    return here is not None and posted is not None and here[:2] == posted[:2]


def _can_try(interaction: Interaction, delivery: Delivery) -> bool:
    return delivery.state == "sent" or (delivery.state == "link_shown" and delivery.opener == interaction.person)
