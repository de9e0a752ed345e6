"""`/ots track`, `/ots untrack`, `/ots tracked`, `/ots watch`: notifications of what became of a secret."""

from __future__ import annotations

from dataclasses import replace

from bot import clock
from bot.errors import (
    HostNotAllowed,
    HostUnavailable,
    NotConnected,
    NotUnderstood,
    NotYours,
    SecretGone,
    SlackError,
    Unsealable,
)
from bot.interaction import paging, pasted
from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply, Verb
from bot.interaction.owners import any_member, own_button_context, own_tracked
from bot.interaction.services import Services
from bot.logs import Log
from bot.onetime.links import Host
from bot.onetime.wire import Metadata
from bot.screen.parts import Button, Item, MenuItem, Message, Note, Part, Text
from bot.screen.pieces import Bold, HostName, Listing, Mark, Piece, When, say
from bot.secret import MetadataKey
from bot.status import metadata_card
from bot.status.account_card import reconnect_line
from bot.status.buttons import TRACK, TRACKED_BURN_WITH_PASSPHRASE, TRACKED_REFRESH, TRACKED_STOP
from bot.status.change import find_change
from bot.status.last_change import end_tracked_reminders
from bot.status.names import SecretName, find_recipients, name_of_tracked
from bot.status.tracked_card import show_card, tracked_card
from bot.status.words import (
    DOT,
    NOT_NOTIFIED,
    TRACKED_SIGNS,
    TRACKED_WORDS,
    WARNING_SIGN,
    count_words,
    secret_words,
)
from bot.storage.button_contexts import METADATA, TRACKED_PAGE, ButtonContext, NewButtonContext
from bot.storage.outdated_messages import OutdatedMessage
from bot.storage.tracking.rows import Tracked

ASK = say("Paste the private link of the secret: `/ots track https://eu.onetimesecret.com/private/… [what it is]`.")
ASK_TO_UNTRACK = say("Paste the private link of the secret: `/ots untrack https://eu.onetimesecret.com/private/…`.")
MAX_LABEL = 80  # characters
LIST_STOP = "tracked_list_stop"
EYES = Mark(":eyes: ")
NEWER = "tracked_newer"
OLDER = "tracked_older"

log = Log("track")


async def track(interaction: Interaction, _row: None) -> Reply:
    """`/ots track <link|key> [label]`."""
    host, key, label = await pasted.metadata_key_and_words(interaction, ASK)
    return await _track(interaction, host, key, label[:MAX_LABEL].strip() or None)


async def track_from_card(interaction: Interaction, context: ButtonContext[MetadataKey]) -> Reply:
    """The Track button of a card."""
    return await _track(interaction, interaction.services.hosts.of(context.host), context.key, None)


async def _track(interaction: Interaction, host: Host, key: MetadataKey, label: str | None) -> Reply:
    services = interaction.services
    access = await services.access(interaction.person, host)
    metadata = await access.call(lambda credentials: services.onetime.metadata(credentials, key))
    state = metadata.state_at(clock.now())
    if state.is_over:
        said = say("There is nothing to track: the secret no longer exists.")
        summary = say("There is nothing to track. Status: {state}.", state=secret_words(state))
        message = Message.of(summary, Text(metadata_card.state_line(metadata)), Text.of(said), *access.notes)
        return Reply(message, Outcome.REFUSED)
    tracked, is_new = await services.tracking.track(
        interaction.person,
        host.url,
        key,
        label=label,
        made_at=metadata.created or clock.now(),
        expires_at=metadata.expires_at,
        passphrase_required=metadata.passphrase_required,
        secret_key=metadata.secret_key,
        zone=interaction.zone,
    )
    await show_card(interaction, tracked, host.name)
    said = (
        say(
            "You will get a message when it is opened, burned or expires. Its status is in your direct messages with "
            "this app."
        )
        if is_new
        else say("You are tracking it already. Its status is in your direct messages with this app.")
    )
    return Reply(Message.of(said, Text.of(EYES, said), *access.notes), Outcome.DONE)


async def untrack(interaction: Interaction, _row: None) -> Reply:
    """`/ots untrack <link|key>`."""
    host, key = await pasted.metadata_key(interaction, ASK_TO_UNTRACK)
    tracked = await interaction.services.tracking.find_key(interaction.person, host.url, key)
    if tracked is None:
        raise NotUnderstood(
            "not tracked", tell=say("You are not tracking that secret. `/ots tracked` lists those that you track.")
        )
    return await stop(interaction, tracked)


async def stop(interaction: Interaction, tracked: Tracked) -> Reply:
    """The Stop button of a card."""
    return Reply(await _stop(interaction, tracked), Outcome.DONE)


async def stop_in_list(interaction: Interaction, tracked: Tracked) -> Reply:
    """The Stop button in `/ots tracked`. The list stays as it is."""
    return Reply(replace(await _stop(interaction, tracked), without_replacing=True), Outcome.DONE)


async def _stop(interaction: Interaction, tracked: Tracked) -> Message:
    """Stop tracking a secret. The secret itself does not change."""
    await interaction.services.tracking.stop(interaction.person, tracked.id)
    name = name_of_tracked(tracked).at_start()
    said = say("{secret} is not tracked any more. The secret itself stays as it is.", secret=Bold(name))
    message = Message.of(said, Text.of(said))
    if tracked.card is not None:
        try:
            await interaction.services.update(tracked.card, message, interaction.person)
        except SlackError as error:  # its buttons lead to `NotYours` from now on
            log.info("card_not_updated", error=str(error))
    return message


async def refresh(interaction: Interaction, tracked: Tracked) -> Reply:
    """Ask the host about a tracked secret now. A change is recorded like the watcher's: one notification."""
    services = interaction.services
    host = services.hosts.of(tracked.host)
    access = await services.access(interaction.person, host)
    found: Metadata | None
    try:
        found = await access.call(lambda credentials: services.onetime.metadata(credentials, tracked.key))
    except SecretGone:
        found = None
    if found is not None and found.key != tracked.key:
        raise HostUnavailable("an answer about another secret")
    now = clock.now()
    change = find_change(tracked, found, now)
    if change is None:
        card = tracked_card(tracked, host.name, asked_at=now, is_named=found is not None, notes=access.notes)
        return Reply(card, Outcome.SHOWN)
    after = await services.tracking.record_change(tracked, change)
    if after is None:
        raise NotYours
    return Reply(tracked_card(after, host.name, notes=access.notes), Outcome.SHOWN)


async def list_tracked(interaction: Interaction, _row: None) -> Reply:
    """`/ots tracked [@person|#channel]`."""
    whom = (*interaction.text.people, *interaction.text.channels)
    if len(whom) > 1:
        raise NotUnderstood("several names", tell=say("Name one person or channel at most: `/ots tracked @ben`."))
    return Reply(await _page(interaction, 0, whom[0] if whom else None), Outcome.SHOWN)


async def turn_page(interaction: Interaction, context: ButtonContext[None]) -> Reply:
    return Reply(
        await _page(interaction, paging.read_page(context.data["page"]), context.data.get("whom")), Outcome.SHOWN
    )


async def _page(interaction: Interaction, page: int, whom: str | None) -> Message:
    """A page of what is tracked: all of it, or what was shared here with `whom`, the id of a person or channel."""
    everything = await interaction.services.tracking.list_of(interaction.person)
    recipients = await find_recipients(interaction.services, interaction.person)
    if whom is not None:
        everything = [one for one in everything if one.id in recipients and recipients[one.id].is_called(whom)]
    unnotified = await interaction.services.tracking.unnotified_of(interaction.person)
    warnings = [reconnect_line(Host(host)) for host in sorted(unnotified.hosts)]
    if not everything:
        nothing = say("You are not tracking any secret.")
        if whom is not None:
            nothing = say("You are not tracking any secret for that person or channel.")
        return Message(nothing, (*warnings, Text.of(nothing), Note.of(ASK)))
    last = (len(everything) - 1) // paging.PAGE
    page = min(page, last)
    parts: list[Part] = [Text.of(Bold(say("What you track")), DOT, count_words(len(everything), "all"))]
    parts += warnings
    shown = everything[page * paging.PAGE : (page + 1) * paging.PAGE]
    names = [name_of_tracked(tracked, recipients.get(tracked.id)) for tracked in shown]
    for number, (tracked, name) in enumerate(zip(shown, names, strict=True), page * paging.PAGE + 1):
        parts += _line(tracked, name, number, is_notified=tracked.id not in unnotified.tracked_ids)
    parts += await paging.foot(
        interaction.keep,
        page,
        last,
        lambda ref: Button(say("Newer"), NEWER, ref),
        lambda ref: Button(say("Older"), OLDER, ref),
        lambda to: NewButtonContext(
            TRACKED_PAGE, "-", None, data={"page": paging.store_page(to)} | ({"whom": whom} if whom else {})
        ),
    )
    said = (
        say("{secret}: {state}", secret=name.in_list(), state=TRACKED_WORDS[tracked.state])
        for tracked, name in zip(shown, names, strict=True)
    )
    summary = say(
        "What you track: {secrets}. {states}", secrets=count_words(len(everything), "all"), states=Listing(tuple(said))
    )
    return Message(summary, tuple(parts))


def _line(tracked: Tracked, name: SecretName, number: int, *, is_notified: bool) -> list[Part]:
    said: list[Piece] = [TRACKED_SIGNS[tracked.state], Bold(name.in_list()), Mark("\n"), TRACKED_WORDS[tracked.state]]
    if tracked.expires_at and not tracked.is_over:
        said += [DOT, say("expires {when}", when=When(tracked.expires_at))]
    if tracked.made_at:
        said += [DOT, say("made {when}", when=When(tracked.made_at))]
    menu: tuple[MenuItem, ...] = ()
    if not tracked.is_over:
        which = name.in_label(number=number)
        menu = (
            MenuItem(say("Burn {secret}…", secret=which), TRACKED_BURN_WITH_PASSPHRASE, tracked.id),
            MenuItem(say("Stop tracking {secret}", secret=which), LIST_STOP, tracked.id),
        )
    parts: list[Part] = [Item(tuple(said), menu)]
    if not is_notified:
        parts.append(Note.of(WARNING_SIGN, NOT_NOTIFIED))
    return parts


async def watch(interaction: Interaction, _row: None) -> Reply:
    """`/ots watch on|off`: track everything on the default account, also secrets that are made in a browser."""
    if interaction.text.words not in {("on",), ("off",)}:
        raise NotUnderstood("neither on nor off", tell=say("Type `/ots watch on` or `/ots watch off`."))
    (word,) = interaction.text.words
    account = await interaction.services.accounts.default_of(interaction.person)
    if account is None:
        raise NotConnected
    host = interaction.services.hosts.of(account.host)
    await interaction.services.tracking.watch_everything(
        interaction.person, host.url, on=word == "on", zone=interaction.zone
    )
    server = HostName(host.name)
    if word == "on":
        said = say(
            "Every secret of your account on {server} is tracked from now on, wherever it is made.", server=server
        )
    else:
        said = say(
            "New secrets of your account on {server} are not tracked any more. You still track the earlier ones.",
            server=server,
        )
    return Reply(Message.of(said, Text.of(EYES, said)), Outcome.DONE)


async def recover(services: Services, _alone_for: float | None = None) -> None:
    """Update cards that Slack did not take, and change reminders of what is over or not tracked any more.

    Raises `StorageUnavailable`.
    """
    for outdated in await services.outdated_messages.all("tracked"):
        if await _redraw(services, outdated):
            await services.outdated_messages.mark_drawn(outdated)
    await end_tracked_reminders(services)


async def _redraw(services: Services, outdated: OutdatedMessage) -> bool:
    """Show in the card what is so now. False if Slack did not take it just now: retry in a minute."""
    try:
        tracked = await services.tracking.find(outdated.person, outdated.ref)
        if tracked.card is not None:
            card = tracked_card(tracked, services.hosts.of(tracked.host).name)
            await services.update(tracked.card, card, outdated.person)
    except SlackError as error:
        return error.is_permanent
    except (NotYours, Unsealable, HostNotAllowed):  # not tracked any more
        pass
    return True


FEATURE = Feature(
    name="track",
    verbs=(
        Verb(
            "track",
            say("tells you when a secret is opened"),
            say("<private link> [label]"),
            needs_text=True,
            key_button=lambda label, ref: Button(label, TRACK, ref, "primary"),
            handler=Handler(track, any_member),
        ),
        Verb(
            "untrack",
            say("stops tracking a secret"),
            say("<private link>"),
            needs_text=True,
            handler=Handler(untrack, any_member),
        ),
        Verb(
            "tracked",
            say("lists what you track"),
            say("[@person|#channel]"),
            handler=Handler(list_tracked, any_member),
        ),
        Verb(
            "watch",
            say("tracks all secrets of your account"),
            Mark("on|off"),
            needs_text=True,
            handler=Handler(watch, any_member),
        ),
    ),
    handlers={
        Kind.ACTION: {
            TRACK: Handler(track_from_card, own_button_context(METADATA)),
            TRACKED_REFRESH: Handler(refresh, own_tracked),
            TRACKED_STOP: Handler(stop, own_tracked),
            LIST_STOP: Handler(stop_in_list, own_tracked),
            NEWER: Handler(turn_page, own_button_context(TRACKED_PAGE)),
            OLDER: Handler(turn_page, own_button_context(TRACKED_PAGE)),
        },
    },
    recover=recover,
)
