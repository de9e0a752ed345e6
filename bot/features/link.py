"""A link or key without a verb: say what it is and offer what can be done with it. The host is not called."""

from __future__ import annotations

from bot.interaction import pasted
from bot.interaction.feature import LINK, Feature, Handler, Interaction, Kind, Outcome, Reply
from bot.interaction.owners import any_member
from bot.interaction.parsed_text import parse_markup
from bot.onetime.links import BareKey, Host, MetadataLink, SecretLink
from bot.screen.parts import Button, Buttons, Message, Note, Text
from bot.screen.pieces import HostName, say
from bot.secret import MetadataKey, Secret, SecretKey
from bot.status.buttons import BURN_WITH_PASSPHRASE, METADATA_REFRESH, RETRIEVE_OPEN, TRACK
from bot.storage.button_contexts import METADATA, SECRET, NewButtonContext

OPEN_IT = say("Open…")
SHOW_STATUS = say("Show status")
UNTOUCHED = Note.of(say("Nothing was opened, and the server was not asked."))


def looks_like_one(text: str) -> bool:
    """Whether a command line without a verb, as Slack sent it, is meant as a link or a key."""
    return pasted.has_link_or_key(parse_markup(text))


async def say_what_it_is(interaction: Interaction, _row: None) -> Reply:
    return Reply(await _message(interaction), Outcome.SHOWN)


async def _message(interaction: Interaction) -> Message:
    found, _ = pasted.read_pasted(interaction.text, interaction.services.hosts)
    match found:
        case SecretLink(host, key):
            return await _secret_link(interaction, host, key)
        case MetadataLink(host, key):
            return await _private_link(interaction, host, key)
        case BareKey(key):
            return await _bare_key(interaction, await pasted.usual_host(interaction), key)


async def _secret_link(interaction: Interaction, host: Host, key: SecretKey) -> Message:
    (ref,) = await interaction.services.button_contexts.keep(
        interaction.person, NewButtonContext(SECRET, host.url, key)
    )
    return Message.of(
        say("That link opens a one-time secret on {server}.", server=HostName(host.name)),
        Text.of(say("That link opens a one-time secret on *{server}*. It works once.", server=HostName(host.name))),
        Buttons.of(
            Button(OPEN_IT, RETRIEVE_OPEN, ref, "primary", accessibility_label=say("Open this one-time secret"))
        ),
        UNTOUCHED,
    )


async def _private_link(interaction: Interaction, host: Host, key: MetadataKey) -> Message:
    (ref,) = await interaction.services.button_contexts.keep(
        interaction.person, NewButtonContext(METADATA, host.url, key)
    )
    return Message.of(
        say("That is the private link of a one-time secret on {server}.", server=HostName(host.name)),
        Text.of(
            say(
                "That is the *private* link of a one-time secret on *{server}*. It is for the person who made "
                "the secret: it shows the status and can burn the secret, but it does not open it. Don't send it "
                "to anybody.",
                server=HostName(host.name),
            )
        ),
        Buttons.of(
            Button(SHOW_STATUS, METADATA_REFRESH, ref, "primary"),
            Button(say("Track"), TRACK, ref, accessibility_label=say("Track this secret")),
            Button(say("Burn…"), BURN_WITH_PASSPHRASE, ref, "danger", accessibility_label=say("Burn this secret")),
        ),
        UNTOUCHED,
    )


async def _bare_key(interaction: Interaction, host: Host, key: Secret) -> Message:
    refs = await interaction.services.button_contexts.keep(
        interaction.person,
        NewButtonContext(SECRET, host.url, key.as_kind(SecretKey)),
        NewButtonContext(METADATA, host.url, key.as_kind(MetadataKey)),
    )
    return Message.of(
        say("That looks like a key without its link."),
        Text.of(
            say(
                "That looks like a key without its link, so I can't tell which kind it is. On *{server}* I can "
                "try it as the key that opens a secret, or as the private key of the person who made it.",
                server=HostName(host.name),
            )
        ),
        Buttons.of(
            Button(OPEN_IT, RETRIEVE_OPEN, refs[0], accessibility_label=say("Open, with this as the key of a secret")),
            Button(
                SHOW_STATUS,
                METADATA_REFRESH,
                refs[1],
                accessibility_label=say("Show status, with this as a private key"),
            ),
        ),
        UNTOUCHED,
    )


# The dispatcher uses this verb for a command line that looks like a link or a key. Nobody types the verb.
FEATURE = Feature(name="link", handlers={Kind.COMMAND: {LINK: Handler(say_what_it_is, any_member)}})
