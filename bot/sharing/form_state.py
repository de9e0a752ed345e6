"""What a window for sharing is for, before anything is typed: kept in its handle, and the same when it comes back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from bot.errors import NotUnderstood
from bot.interaction.feature import Interaction
from bot.onetime.links import Host
from bot.settings import DEFAULT_SECRET_BYTES
from bot.sharing.mention import CHANNEL, PERSON
from bot.storage.button_contexts import SHARE_FORM, ButtonContext, NewButtonContext

MAX_PEOPLE = 10

NOT_HERE = (
    "What is typed behind a command stays in Slack's logs. If that was the secret: it was not read or kept by this "
    "bot, but please *change it*. Then type just `/ots share`, or `/ots share @somebody`, and use the window."
)
TOO_MANY = (
    f"A secret goes to up to {MAX_PEOPLE} people, or to one channel. Please name either, or type just `/ots share`."
)


@dataclass(frozen=True, slots=True)
class FormState:
    """What a window is for. `only` is for whom it is, where nobody else can be chosen."""

    to: tuple[str, ...] = ()  # user ids, chosen already
    channel: str | None = None
    only: tuple[str, ...] = ()  # user ids
    request: str | None = None  # the id of the request that it answers
    accounts: tuple[tuple[str, str], ...] = ()  # ids and names, the default first
    text_fields: int = 1
    is_generated: bool = False  # by the host: there is no text to type
    note: str = ""  # what stands in the note already
    max_bytes: int = DEFAULT_SECRET_BYTES  # bytes that there is to be room for

    @classmethod
    def of(cls, context: ButtonContext[None]) -> Self:
        facts = context.data
        named = [one.split("=", 1) for one in facts.get("accounts", "").split(",") if one]
        accounts = tuple((ref, name) for ref, name in named)
        return cls(
            _ids(facts.get("to")),
            facts.get("channel"),
            _ids(facts.get("only")),
            facts.get("request"),
            accounts,
            is_generated="made_up" in facts,
            note=facts.get("note", ""),
            max_bytes=int(facts.get("most", DEFAULT_SECRET_BYTES)),
        )

    def facts(self) -> dict[str, str]:
        accounts = ",".join(f"{ref}={name}" for ref, name in self.accounts)
        said = {"to": ",".join(self.to), "channel": self.channel, "only": ",".join(self.only)}
        said |= {"request": self.request, "accounts": accounts, "made_up": "yes" if self.is_generated else None}
        said |= {"note": self.note, "most": str(self.max_bytes)}
        return {name: value for name, value in said.items() if value}


def _ids(joined: str | None) -> tuple[str, ...]:
    return tuple(joined.split(",")) if joined else ()


def read_mentions(text: str) -> FormState:
    """Who is named behind the command. Raises `NotUnderstood` for anything else, which is not looked at."""
    rest = CHANNEL.sub("", PERSON.sub("", text)).strip()
    people = tuple(dict.fromkeys(PERSON.findall(text)))
    channels = CHANNEL.findall(text)
    if rest:
        raise NotUnderstood("text behind share", tell=NOT_HERE)
    if len(channels) > 1 or len(people) > MAX_PEOPLE or (people and channels):
        raise NotUnderstood("too many behind share", tell=TOO_MANY)
    return FormState(people, channels[0] if channels else None)


async def begin_form_state(interaction: Interaction, form_state: FormState) -> tuple[str, FormState]:
    """The id of a new window, and the draft with the accounts that can be chosen in it, and room for any of them."""
    services = interaction.services
    accounts = [one for one in await services.accounts.all_of(interaction.person) if one.is_readable]
    hosts = [Host(one.host) for one in accounts]
    if len(hosts) != 1:  # it can be made without an account, too
        hosts.append(services.hosts.default)
    named = tuple((one.id, Host(one.host).name) for one in accounts) if len(accounts) > 1 else ()
    form_state = replace(form_state, accounts=named, max_bytes=max(services.max_bytes_on(host) for host in hosts))
    return await store_form_state(interaction, form_state), form_state


async def store_form_state(interaction: Interaction, form_state: FormState) -> str:
    """A new id for the window: what is submitted with it is one share, whatever is clicked or repeated."""
    (ref,) = await interaction.services.button_contexts.keep(
        interaction.person, NewButtonContext(SHARE_FORM, "-", None, data=form_state.facts())
    )
    return ref
