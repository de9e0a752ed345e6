"""`/ots track`, `/ots untrack`, `/ots tracked`, `/ots watch`: be told what became of a secret."""

from __future__ import annotations

from dataclasses import replace

from bot import card, paging, pasted
from bot.errors import HostTrouble, NotConnected, NotUnderstood, NotYours, SecretGone, SlackTrouble
from bot.feature import Call, Feature, Handler, Verb, any_member, own_handle, own_tracked
from bot.living_card import SIGNS, WORDS, burn_button, follow, living_card, name
from bot.logs import Log
from bot.onetime.links import Host
from bot.onetime.wire import Metadata
from bot.outcome import outcome
from bot.screen.parts import Button, Buttons, Divider, Message, Note, Part, Piece, Plain, Text, When
from bot.secret import MetadataKey
from bot.storage.handles import Handle, NewHandle
from bot.storage.tracked import Tracked

ASK = "Paste the private link of the secret: `/ots track https://eu.onetimesecret.com/private/… [what it is]`."
LABEL_MOST = 80  # characters
PAGE = 5
A_PAGE = "tracked_page"  # the kind of handle behind Newer and Older

log = Log("track")


async def track(call: Call, _row: None) -> Message:
    """`/ots track <link|key> [label]`."""
    link, label = pasted.with_label(call, LABEL_MOST)
    host, key = await pasted.metadata_key(link, ASK)
    return await _track(call, host, key, label)


async def track_handle(call: Call, handle: Handle) -> Message:
    """The Track button of a card."""
    assert handle.key is not None
    return await _track(call, call.services.hosts.of(handle.host), handle.key.as_kind(MetadataKey), None)


async def _track(call: Call, host: Host, key: MetadataKey, label: str | None) -> Message:
    services = call.services
    caller = await services.caller(call.person, host)
    metadata = await services.onetime.metadata(caller, key)
    state = metadata.state_at(card.now())
    if state.is_over:
        said = f"There is nothing to track: {card.STATE_WORDS[state].lower()}."
        return Message.of(said, Text.of(card.state_line(metadata)), Text.of(said))
    tracked, is_new = await services.tracking.track(
        call.person, host.url, key, label=label, made_at=metadata.created or card.now(), expires_at=metadata.expires_at,
        passphrase_required=metadata.passphrase_required, secret_key=metadata.secret_key, zone=call.zone,
    )  # fmt: skip
    await follow(call, tracked, host.name)
    said = (
        "You will get a message when it is opened, burned or expires. Its card is in our direct conversation."
        if is_new
        else "You are tracking it already. Its card is in our direct conversation."
    )
    return Message.of(said, Text.of(f":eyes: {said}"))


async def untrack(call: Call, _row: None) -> Message:
    """`/ots untrack <link|key>`."""
    host, key = await pasted.metadata_key(call, ASK.replace("track", "untrack"))
    tracked = await call.services.tracking.find_key(call.person, host.url, key)
    if tracked is None:
        raise NotUnderstood("not tracked", tell="You are not tracking that secret. `/ots tracked` lists those you do.")
    return await stop(call, tracked)


async def stop(call: Call, tracked: Tracked) -> Message:
    """The Stop button: no more looking, no more messages. The secret itself stays as it is."""
    await call.services.tracking.stop(call.person, tracked.id)
    said = f"{name(tracked)} is not tracked any more. The secret itself stays as it is."
    message = Message.of(said, Text.of("*", Plain(name(tracked)), "* is not tracked any more. It stays as it is."))
    if tracked.card is not None:
        try:
            await call.update(tracked.card, message)
        except SlackTrouble as trouble:  # its buttons answer like those of somebody else's
            log.info("card_not_updated", error=str(trouble))
    return message


async def stop_listed(call: Call, tracked: Tracked) -> Message:
    """Stop in `/ots tracked`: the list stays as it is."""
    return replace(await stop(call, tracked), beside=True)


async def refresh(call: Call, tracked: Tracked) -> Message:
    """Ask the host about this one now. What became of it is told as the watcher tells it, once."""
    services = call.services
    host = services.hosts.of(tracked.host)
    caller = await services.caller(call.person, host)
    found: Metadata | None
    try:
        found = await services.onetime.metadata(caller, tracked.key)
    except SecretGone:
        found = None
    if found is not None and found.key != tracked.key:
        raise HostTrouble("an answer about another secret")
    now = card.now()
    change = outcome(tracked, found, now)
    if change is None:
        return living_card(tracked, host.name, asked_at=now, is_named=found is not None)
    after = await services.tracking.learned(tracked, change)
    if after is None:
        raise NotYours
    return living_card(after, host.name)


async def list_tracked(call: Call, _row: None) -> Message:
    return await _page(call, 0)


async def turn(call: Call, handle: Handle) -> Message:
    return await _page(call, int(handle.facts["page"]))


async def _page(call: Call, page: int) -> Message:
    everything = await call.services.tracking.of(call.person)
    if not everything:
        return Message.of("You are not tracking any secret.", Text.of("You are not tracking any secret."), Note.of(ASK))
    last = (len(everything) - 1) // PAGE
    page = min(page, last)
    parts: list[Part] = [Text.of(f"*What you track* · {len(everything)} secret{'' if len(everything) == 1 else 's'}")]
    for tracked in everything[page * PAGE : (page + 1) * PAGE]:
        parts += [Divider(), *_line(tracked)]
    parts += await paging.foot(
        call, page, last,
        lambda ref: Button("Newer", "tracked_newer", ref),
        lambda ref: Button("Older", "tracked_older", ref),
        lambda to: NewHandle(A_PAGE, "-", facts={"page": str(to)}),
    )  # fmt: skip
    return Message(f"What you track: {len(everything)}", tuple(parts))


def _line(tracked: Tracked) -> list[Part]:
    said: list[Piece] = [f"{SIGNS[tracked.state]} *", Plain(name(tracked)), f"* · {WORDS[tracked.state]}"]
    if tracked.made_at:
        said += [" · made ", When(tracked.made_at)]
    if tracked.expires_at and not tracked.is_over:
        said += [" · expires ", When(tracked.expires_at)]
    parts: list[Part] = [Text(tuple(said))]
    if not tracked.is_over:
        stop_it = Button("Stop", "tracked_list_stop", tracked.id, spoken="Stop tracking this secret")
        parts.append(Buttons.of(burn_button(tracked, listed=True), stop_it))
    return parts


async def watch(call: Call, _row: None) -> Message:
    """`/ots watch on|off`: track everything on the default account, also what is made in a browser."""
    word = call.text.strip().lower()
    if word not in {"on", "off"}:
        raise NotUnderstood("neither on nor off", tell="Say `/ots watch on` or `/ots watch off`.")
    account = await call.services.accounts.default_of(call.person)
    if account is None:
        raise NotConnected
    host = call.services.hosts.of(account.host)
    await call.services.tracking.watch_everything(call.person, host.url, on=word == "on", zone=call.zone)
    said = (
        f"Every secret of your account on {host.name} is tracked from now on, wherever it is made."
        if word == "on"
        else f"New secrets of your account on {host.name} are not tracked any more. What is tracked stays."
    )
    return Message.of(said, Text.of(f":eyes: {said}"))


FEATURE = Feature(
    name="track",
    verbs=(
        Verb(
            "track", "tells you when a secret is opened", "<private link> [label]", handler=Handler(track, any_member)
        ),
        Verb("untrack", "stops that", "<private link>", handler=Handler(untrack, any_member)),
        Verb("tracked", "lists what you track", handler=Handler(list_tracked, any_member)),
        Verb("watch", "tracks all secrets of your account", "on|off", handler=Handler(watch, any_member)),
    ),
    actions={
        "track": Handler(track_handle, own_handle("metadata")),
        "tracked_refresh": Handler(refresh, own_tracked),
        "tracked_stop": Handler(stop, own_tracked),
        "tracked_list_stop": Handler(stop_listed, own_tracked),
        "tracked_newer": Handler(turn, own_handle(A_PAGE)),
        "tracked_older": Handler(turn, own_handle(A_PAGE)),
    },
)
