"""Reads the link or key that a person pasted after a verb, as the key that the verb needs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from bot.errors import HostNotAllowed, NotUnderstood
from bot.interaction.feature import Interaction
from bot.onetime.links import BareKey, Host, MetadataLink, SecretLink, read_pasted
from bot.secret import MetadataKey, SecretKey

NEEDS_THE_PRIVATE_LINK = (
    "That is the link that opens the secret. For this the *private* link (`/private/…` or `/receipt/…`) is needed, "
    "which whoever made the secret has. `/ots recent` lists yours."
)
NEEDS_THE_SECRET_LINK = (
    "That is a *private* link: it belongs to whoever made the secret and cannot open it. If somebody sent it to you, "
    "tell them: anybody who has it can burn the secret. The link that opens it has `/secret/` in it. "
    "`/ots metadata` shows what became of it."
)


async def usual_host(interaction: Interaction) -> Host:
    """The host for a key without a link: that of the person's default account, else the operator's default."""
    accounts = [one for one in await interaction.services.accounts.all_of(interaction.person) if one.is_default]
    with suppress(HostNotAllowed):  # the operator may have removed the host from the list
        return interaction.services.hosts.of(accounts[0].host) if accounts else interaction.services.hosts.default
    return interaction.services.hosts.default


async def metadata_key(interaction: Interaction, ask: str) -> tuple[Host, MetadataKey]:
    """The metadata key that was pasted, and its host.

    Raises `NotUnderstood` for no text (`ask` is then shown), for text that is no link or key, and for a secret link.
    """
    match _read(interaction, ask):
        case SecretLink():
            raise NotUnderstood("a secret link", tell=NEEDS_THE_PRIVATE_LINK)
        case MetadataLink(host, key):
            return host, key
        case BareKey() as bare:
            return await usual_host(interaction), bare.as_metadata()


def secret_key(interaction: Interaction, ask: str) -> tuple[Host | None, SecretKey]:
    """The secret key that was pasted, and its host if it was a link. Does no I/O.

    Raises `NotUnderstood` for no text (`ask` is then shown), for text that is no link or key, and for a private link.
    """
    match _read(interaction, ask):
        case MetadataLink():
            raise NotUnderstood("a private link", tell=NEEDS_THE_SECRET_LINK)
        case SecretLink(host, key):
            return host, key
        case BareKey() as bare:
            return None, bare.as_secret()


def _read(interaction: Interaction, ask: str) -> SecretLink | MetadataLink | BareKey:
    if not interaction.text:
        raise NotUnderstood("nothing pasted", tell=ask)
    return read_pasted(interaction.text, interaction.services.hosts)


def with_label(interaction: Interaction, most: int) -> tuple[Interaction, str | None]:
    """The interaction with only the link as its text, and the words after the link, cut at `most` characters."""
    link, _, label = interaction.text.partition(" ")
    return replace(interaction, text=link), label.strip()[:most] or None


def from_field(interaction: Interaction, name: str) -> Interaction:
    """The interaction with the content of a field as its text."""
    return replace(interaction, text=interaction.text_inputs[name].reveal())
