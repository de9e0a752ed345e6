"""What a window for sharing is for, before anything is typed: kept in its handle, and the same when it comes back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from bot.errors import NotUnderstood
from bot.feature import Call
from bot.onetime.links import Host
from bot.settings import USUALLY
from bot.sharing.mention import CHANNEL, PERSON
from bot.storage.handles import Handle, NewHandle

KIND = "share"  # of the handle that the window comes back with
MOST_PEOPLE = 10

NOT_HERE = (
    "What is typed behind a command stays in Slack's logs. If that was the secret: it was not read or kept by this "
    "bot, but please *change it*. Then type just `/ots share`, or `/ots share @somebody`, and use the window."
)
TOO_MANY = (
    f"A secret goes to up to {MOST_PEOPLE} people, or to one channel. Please name either, or type just `/ots share`."
)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a window is for. `only` is for whom it is, where nobody else can be chosen."""

    to: tuple[str, ...] = ()  # user ids, chosen already
    channel: str | None = None
    only: tuple[str, ...] = ()  # user ids
    request: str | None = None  # the id of the request that it answers
    accounts: tuple[tuple[str, str], ...] = ()  # ids and names, the default first
    rooms: int = 1
    made_up: bool = False  # by the host: there is no text to type
    note: str = ""  # what stands in the note already
    most: int = USUALLY  # bytes that there is to be room for

    @classmethod
    def of(cls, handle: Handle) -> Self:
        facts = handle.facts
        named = [one.split("=", 1) for one in facts.get("accounts", "").split(",") if one]
        accounts = tuple((ref, name) for ref, name in named)
        return cls(
            _ids(facts.get("to")),
            facts.get("channel"),
            _ids(facts.get("only")),
            facts.get("request"),
            accounts,
            made_up="made_up" in facts,
            note=facts.get("note", ""),
            most=int(facts.get("most", USUALLY)),
        )

    def facts(self) -> dict[str, str]:
        accounts = ",".join(f"{ref}={name}" for ref, name in self.accounts)
        said = {"to": ",".join(self.to), "channel": self.channel, "only": ",".join(self.only)}
        said |= {"request": self.request, "accounts": accounts, "made_up": "yes" if self.made_up else None}
        said |= {"note": self.note, "most": str(self.most)}
        return {name: value for name, value in said.items() if value}


def _ids(joined: str | None) -> tuple[str, ...]:
    return tuple(joined.split(",")) if joined else ()


def mentioned(text: str) -> Draft:
    """Who is named behind the command. Raises `NotUnderstood` for anything else, which is not looked at."""
    rest = CHANNEL.sub("", PERSON.sub("", text)).strip()
    people = tuple(dict.fromkeys(PERSON.findall(text)))
    channels = CHANNEL.findall(text)
    if rest:
        raise NotUnderstood("text behind share", tell=NOT_HERE)
    if len(channels) > 1 or len(people) > MOST_PEOPLE or (people and channels):
        raise NotUnderstood("too many behind share", tell=TOO_MANY)
    return Draft(people, channels[0] if channels else None)


async def remember(call: Call, draft: Draft) -> tuple[str, Draft]:
    """The id of a new window, and the draft with the accounts that can be chosen in it, and room for any of them."""
    services = call.services
    accounts = [one for one in await services.accounts.all_of(call.person) if one.readable]
    hosts = [Host(one.host) for one in accounts]
    if len(hosts) != 1:  # it can be made without an account, too
        hosts.append(services.hosts.default)
    named = tuple((one.id, Host(one.host).name) for one in accounts) if len(accounts) > 1 else ()
    draft = replace(draft, accounts=named, most=max(services.takes(host) for host in hosts))
    return await keep(call, draft), draft


async def keep(call: Call, draft: Draft) -> str:
    """A new id for the window: what is submitted with it is one share, whatever is clicked or repeated."""
    (ref,) = await call.services.handles.keep(call.person, NewHandle(KIND, "-", facts=draft.facts()))
    return ref
