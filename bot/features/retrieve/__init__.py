"""`/ots retrieve`: opens a one-time secret in a window, so that it is never lost.

opening.py has the order of an opening, which matters more than anything else in this bot. asking.py shows the window
before it, showing.py the secret after it. screens.py has the words, origin.py says who it is from. deliveries.py is for
secrets that were shared with this bot: the recipient pastes no link, and the sender is notified. recovery.py finishes
openings that were interrupted, and resume.py their windows.
"""

from __future__ import annotations

from bot.errors import NotUnderstood
from bot.features.retrieve import deliveries, screens
from bot.features.retrieve.asking import ask
from bot.features.retrieve.opening import open_at_once, open_secret
from bot.features.retrieve.recovery import recover
from bot.features.retrieve.resume import resume, resume_at_once
from bot.features.retrieve.showing import close_pages, finish, show_again, turn_page
from bot.interaction.feature import Feature, FieldErrors, Handler, Interaction, Kind, Outcome, Reply, Verb
from bot.interaction.owners import (
    any_member,
    card_in_workspace,
    own_button_context,
    own_reveal,
    own_reveal_window,
    received_delivery,
)
from bot.interaction.pasted import from_field, secret_key, usual_host
from bot.screen.parts import OPEN_URL
from bot.screen.pieces import say
from bot.secret import SecretKey
from bot.sharing.recipient_messages import SHARE_OPEN, SHARE_OPEN_NOW
from bot.status.buttons import CARD_OPEN, RETRIEVE_OPEN
from bot.status.link_card import read_card, require_on_card
from bot.storage.button_contexts import REVEAL_PAGE, SECRET, ButtonContext
from bot.storage.link_cards import LinkCard
from bot.storage.reveals.rows import MAX_WRONG_TRIES, Reveal

SHORTCUT = "open_link"
ASK = say("Paste the link of the secret.")


async def open_window(interaction: Interaction, _row: None) -> Reply:
    """`/ots retrieve [link|key]`, or the shortcut. Without a link, the window asks for it."""
    if not interaction.text:
        return Reply(screens.ask_for_link(), Outcome.SHOWN)
    host, key = secret_key(interaction, ASK)
    if host is None:
        await interaction.show(screens.one_moment())
        host = await usual_host(interaction)
    return await ask(interaction, host, key)


async def read_link(interaction: Interaction, _row: None) -> Reply:
    """The link was typed into the window."""
    try:
        host, key = secret_key(from_field(interaction, "link"), ASK)
    except NotUnderstood as error:
        raise FieldErrors({"link": error.tell}) from None
    return await ask(interaction, host or await usual_host(interaction), key)


async def open_pasted(interaction: Interaction, context: ButtonContext[SecretKey]) -> Reply:
    """“Open…” under a pasted link."""
    return await ask(interaction, interaction.services.hosts.of(context.host), context.key)


async def open_posted(interaction: Interaction, card: LinkCard) -> Reply:
    """“Open” on the card under a link that somebody posted: the window is for who clicked alone."""
    require_on_card(interaction, card)
    if card.state != "open":
        return Reply(screens.used_up(card), Outcome.REFUSED)
    host, key = read_card(interaction.services, card)
    return await ask(interaction, host, key)


async def add_passphrase(interaction: Interaction, reveal: Reveal) -> Reply:
    host = interaction.services.hosts.of(reveal.host)
    delivery = await deliveries.find_delivery(interaction, reveal)
    if reveal.is_expired:
        return Reply(await deliveries.explain_late(interaction, host, delivery), Outcome.REFUSED)
    return Reply(screens.ask(host, reveal.id, passphrase=True, delivery=delivery), Outcome.SHOWN)


async def try_again(interaction: Interaction, reveal: Reveal) -> Reply:
    """“Try again” in the direct message after an interrupted opening."""
    host = interaction.services.hosts.of(reveal.host)
    delivery = await deliveries.find_delivery(interaction, reveal)
    if reveal.can_be_tried:
        question = screens.ask(host, reveal.id, screens.MAY_BE_OPENED, passphrase=True, delivery=delivery)
        return Reply(question, Outcome.SHOWN)
    is_stopped = reveal.wrong_tries >= MAX_WRONG_TRIES
    return Reply(screens.stopped(delivery) if is_stopped else screens.nothing_left(), Outcome.REFUSED)


async def note_browser(_interaction: Interaction, _row: None) -> Reply:
    """“Open in the browser” was pressed. Slack has gone to the link, and only reports it."""
    return Reply(None, Outcome.DONE)


FEATURE = Feature(
    name="retrieve",
    verbs=(
        Verb(
            "retrieve",
            say("opens a one-time link in a window that only you see"),
            say("<link>"),
            aliases=("get", "reveal", "open"),
            handler=Handler(open_window, any_member, opens_window=True, rule="retrieve"),
        ),
    ),
    handlers={
        Kind.SHORTCUT: {SHORTCUT: Handler(open_window, any_member, opens_window=True, rule="retrieve")},
        Kind.ACTION: {
            CARD_OPEN: Handler(open_posted, card_in_workspace, opens_window=True, rule="retrieve"),
            RETRIEVE_OPEN: Handler(open_pasted, own_button_context(SECRET), opens_window=True, rule="retrieve"),
            screens.WITH_PASSPHRASE: Handler(add_passphrase, own_reveal_window),
            screens.IN_BROWSER: Handler(deliveries.open_in_browser, own_reveal_window),
            SHARE_OPEN: Handler(deliveries.open_delivery, received_delivery, opens_window=True),
            SHARE_OPEN_NOW: Handler(open_at_once, received_delivery, opens_when_ready=True),  # when it is reserved
            OPEN_URL: Handler(note_browser, any_member),
            screens.SHOW_AGAIN: Handler(show_again, own_reveal, opens_when_ready=True),  # if there is something to show
            screens.TRY_AGAIN: Handler(try_again, own_reveal, opens_window=True),
            screens.PAGE_BACK: Handler(turn_page, own_button_context(REVEAL_PAGE)),
            screens.PAGE_ON: Handler(turn_page, own_button_context(REVEAL_PAGE)),
        },
        Kind.FORM: {
            screens.LINK_FORM: Handler(read_link, any_member, rule="retrieve"),
            screens.FORM: Handler(open_secret, own_reveal_window, rule="retrieve"),
            screens.DONE_FORM: Handler(finish, own_reveal),
        },
        Kind.CLOSED: {screens.DONE_FORM: Handler(close_pages, own_reveal)},
    },
    recover=recover,
    resumes={(Kind.FORM, screens.FORM): resume, (Kind.ACTION, SHARE_OPEN_NOW): resume_at_once},
)
