"""What is said of the links in a message, and what a look at each does on its server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.clock import now
from bot.interaction.pasted import Findings, ForeignLink, PastedLink
from bot.onetime.links import Host, MetadataLink, SecretLink
from bot.onetime.wire import SecretStatus
from bot.screen.parts import (
    DONE,
    NO_FORM,
    ONE_MOMENT,
    Button,
    Buttons,
    Copyable,
    Divider,
    Facts,
    Modal,
    Note,
    Part,
    Text,
)
from bot.screen.pieces import Bold, HostName, Mark, Phrase, Piece, Plain, Sentences, When, Who, say, say_count
from bot.secret import OLD_KEY
from bot.status.buttons import BURN_WITH_PASSPHRASE, RETRIEVE_OPEN, TRACK, TRACKED_BURN_WITH_PASSPHRASE
from bot.status.names import name_of_tracked
from bot.status.words import DOT, GONE_SIGN, TRACKED_SIGNS, TRACKED_WORDS, UNOPENED_SIGN, WARNING_SIGN, WORKING_SIGN
from bot.storage.tracking.rows import OVER, Tracked

CHECK_SECRET = "check_link_secret"
CHECK_PRIVATE = "check_link_private"
MAX_LINKS = 8  # that are shown: each has up to seven blocks of the 100 of a window
MAX_OTHERS = 5  # addresses of each kind that are no links of ours: each has two blocks
TITLE = say("Check one-time link")

REGION_NAMES = {
    "ca": say("Canada"),
    "eu": say("European Union"),
    "nz": say("New Zealand"),
    "uk": say("United Kingdom"),
    "us": say("United States"),
}
BURN = say("Burn…")
BURN_LABEL = say("Burn this secret")
UNTOUCHED = Note.of(say("Nothing was opened, and no server was asked."))
NO_LINK = say("There is no one-time link in that message.")
CANNOT_BE_OPENED: tuple[Part, ...] = (
    Text.of(GONE_SIGN, say("*It cannot be opened any more*: it was opened or burned, or it has expired.")),
)


@dataclass(frozen=True, slots=True)
class FoundLink:
    """A link, the id of its button context, and the secret of the link if this person tracks it."""

    link: PastedLink
    ref: str
    tracked: Tracked | None

    @property
    def can_be_burned(self) -> bool:
        return self.tracked is None or self.tracked.state not in OVER


def one_moment() -> Modal:
    return Modal.of(NO_FORM, TITLE, Text.of(ONE_MOMENT))


def asking(host: Host) -> Modal:
    return Modal.of(NO_FORM, TITLE, Text.of(WORKING_SIGN, say("Asking {server}…", server=HostName(host.name))))


def window(findings: Findings, links: list[FoundLink], *, author: str | None, is_own: bool) -> Modal:
    """Everything that was found in a message. `author` is who wrote it, if that is somebody else and no app."""
    groups = [_link_parts(one, author=author, is_own=is_own) for one in links]
    groups += [_foreign_parts(one) for one in findings.foreign[:MAX_OTHERS]]
    groups += [(Text.of(WARNING_SIGN, one),) for one in findings.broken[:MAX_OTHERS]]
    if not groups:
        return Modal.of(NO_FORM, TITLE, Text.of(NO_LINK), close=DONE)
    everything = len(findings.links) + len(findings.foreign) + len(findings.broken)
    parts: list[Part] = []
    if len(groups) > 1:
        found = say_count(
            "There is {count} link in that message.", "There are {count} links in that message.", everything
        )
        parts.append(Text.of(found))
    for group in groups:
        parts += [Divider(), *group] if parts else group
    if (left_out := everything - len(groups)) > 0:
        more = say_count("{count} more link is not shown.", "{count} more links are not shown.", left_out)
        parts.append(Note.of(more))
    return Modal.of(NO_FORM, TITLE, *parts, UNTOUCHED, close=DONE)


def over(parts: Sequence[Part]) -> Modal:
    """What a card says of a link whose secret was opened or burned."""
    return Modal.of(NO_FORM, TITLE, *parts, close=DONE)


def checked(found: FoundLink, result: tuple[Part, ...], *, is_over: bool) -> Modal:
    """What a server said of one link, and what can be done now: nothing with a secret that `is_over`."""
    offers = () if is_over else (Divider(), *_offers(found))
    return Modal.of(NO_FORM, TITLE, _what_it_is(found.link), *result, *offers, close=DONE)


# --- one link


def _link_parts(found: FoundLink, *, author: str | None, is_own: bool) -> tuple[Part, ...]:
    mistake = _wrong_link_parts(author, is_own=is_own) if isinstance(found.link, MetadataLink) else ()
    return (_what_it_is(found.link), *mistake, *_offers(found))


def _what_it_is(link: PastedLink) -> Text:
    server = Bold(_server(link.host))
    match link:
        case SecretLink():
            return Text.of(
                Mark(":link: "), say("A *one-time link* on {server}. It opens a secret, once.", server=server)
            )
        case MetadataLink():
            said = say(
                "A *private link* on {server}. It belongs to whoever made the secret: it shows the status and can burn "
                "the secret, but it does not open it.",
                server=server,
            )
            return Text.of(Mark(":closed_lock_with_key: "), said)


def _server(host: Host) -> Piece:
    if host.region is None:
        return HostName(host.name)
    return say("{server} ({region})", server=HostName(host.name), region=REGION_NAMES[host.region])


def _wrong_link_parts(author: str | None, *, is_own: bool) -> tuple[Part, ...]:
    """The most frequent mistake: the private link was posted where the one-time link belongs."""
    danger = say("Everybody who can read that message can burn the secret.")
    if is_own:
        advice = say("Delete your message, and send the one-time link: it has `/secret/` in it.")
        return (Text.of(WARNING_SIGN, Sentences.of(danger, advice)),)
    if author is None:
        return (Text.of(WARNING_SIGN, danger),)
    ask = say("Tell {person}, for example like this:", person=Who(author))
    words = Copyable.of(
        say("The link that you posted is the private link of your secret: it does not open it."),
        say("Everybody who reads it can burn the secret. Please delete that message."),
        say("The right link has /secret/ in it. If you do not have it any more, share the secret again."),
    )
    return (Text.of(WARNING_SIGN, Sentences.of(danger, ask)), words)


def _offers(found: FoundLink) -> tuple[Part, ...]:
    """What is known here, the buttons, and what a look does."""
    known = _known_parts(found.tracked) if found.tracked else ()
    buttons = _secret_buttons(found) if isinstance(found.link, SecretLink) else _private_buttons(found)
    notes: list[Piece] = [effect_of_checking(found.link)]
    if isinstance(found.link, SecretLink) and found.tracked is None:
        notes.append(say("Only the private link can burn it."))
    return (*known, Buttons(buttons), Note.of(Sentences(tuple(notes))))


def _known_parts(tracked: Tracked) -> tuple[Part, ...]:
    name = Bold(name_of_tracked(tracked).at_start())
    return (Text.of(TRACKED_SIGNS[tracked.state], name, DOT, TRACKED_WORDS[tracked.state]),)


def _secret_buttons(found: FoundLink) -> tuple[Button, ...]:
    label = say("Open this one-time secret")
    open_it = Button(say("Open…"), RETRIEVE_OPEN, found.ref, "primary", accessibility_label=label)
    label = say("Check now whether this secret can be opened")
    check = Button(say("Check now"), CHECK_SECRET, found.ref, accessibility_label=label)
    if found.tracked is None or not found.can_be_burned:
        return (open_it, check)
    ref = found.tracked.id
    burn = Button(BURN, TRACKED_BURN_WITH_PASSPHRASE, ref, "danger", accessibility_label=BURN_LABEL)
    return (open_it, check, burn)


def _private_buttons(found: FoundLink) -> tuple[Button, ...]:
    label = say("Check now: the status of this secret")
    check = Button(say("Check now"), CHECK_PRIVATE, found.ref, "primary", accessibility_label=label)
    if not found.can_be_burned:
        return (check,)
    burn = Button(BURN, BURN_WITH_PASSPHRASE, found.ref, "danger", accessibility_label=BURN_LABEL)
    if found.tracked is not None:
        return (check, burn)
    return (check, burn, Button(say("Track"), TRACK, found.ref, accessibility_label=say("Track this secret")))


def effect_of_checking(link: PastedLink) -> Phrase:
    """What “Check now” does on the server, as far as the link shows its version: no server is asked for that.

    Servers up to 0.23 make shorter keys. Onetime Secret's own run the newest version. Up to 0.25 the first look at
    the metadata changes the state and hands out the text; 0.25.11 prolongs its life. The newest servers note on the
    sender's page that somebody asked for the status by the secret key.
    """
    is_old, is_newest = len(link.key) <= OLD_KEY, link.host.is_official
    match link:
        case SecretLink() if is_newest:
            return say(
                "“Check now” does not open the secret. The person who shared it can see on the server that somebody "
                "checked."
            )
        case SecretLink() if is_old:
            return say("“Check now” does not open the secret. That server is old, and may not be able to tell.")
        case SecretLink():
            return say(
                "“Check now” does not open the secret. On new servers the person who shared it can see that somebody "
                "checked."
            )
        case MetadataLink() if is_newest:
            return say("“Check now” changes nothing on that server.")
        case MetadataLink() if is_old:
            return say(
                "That server is old: the first “Check now” changes the status of the secret there, and the server "
                "sends the secret to this app, which throws it away unread. The secret can still be opened."
            )
        case MetadataLink():
            return say(
                "Up to version 0.25, the first “Check now” changes the status of the secret on that server, may let "
                "the secret live for 7 days, and sends the secret to this app, which throws it away unread. Newer "
                "servers change nothing."
            )


# --- what is no link of ours


def _foreign_parts(foreign: ForeignLink) -> tuple[Part, ...]:
    if foreign.name is None:
        unusual = say("A link to a server that is not used here. Its name is unusual, so it is not shown.")
        return (Text.of(WARNING_SIGN, unusual),)
    name = Bold(Plain(foreign.name))
    if foreign.lookalike is None:
        said = say("A link to {name}, which is not one of the Onetime Secret servers used here.", name=name)
        return (Text.of(WARNING_SIGN, said),)
    said = say(
        "*Careful*: a link to {name}. That is *not* {server}, although it looks like it. Do not open it, and type "
        "nothing there.",
        name=name,
        server=HostName(foreign.lookalike.name),
    )
    return (Text.of(WARNING_SIGN, said),)


# --- what a server said


def can_be_opened(status: SecretStatus) -> tuple[Part, ...]:
    rows: list[tuple[Piece, Piece]] = []
    if status.seconds_left is not None:
        rows.append((say("Expires"), When(now() + timedelta(seconds=status.seconds_left))))
    if status.passphrase_required is not None:
        needed = say("Needed to open it") if status.passphrase_required else say("None")
        rows.append((say("Passphrase"), needed))
    facts = (Facts(tuple(rows)),) if rows else ()
    return (Text.of(UNOPENED_SIGN, say("*It can still be opened.* Nobody has opened it yet.")), *facts)


def cannot_be_known(host: Host) -> tuple[Part, ...]:
    said = say(
        "*There is no way to know.* {server} cannot check the secret without opening it.",
        server=HostName(host.name),
    )
    return (Text.of(GONE_SIGN, said),)
