"""What was entered in the window, as an order: what is to be made, for whom, and with which account."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, replace

from bot.feature import Call, FieldErrors
from bot.onetime.links import Host
from bot.person import Person
from bot.secret import Secret
from bot.sharing.drafts import MOST_PEOPLE, Draft
from bot.sharing.form import ANONYMOUS, APART, GENERATE, NEWS, TTLS, USUAL_TTL
from bot.storage.accounts import Account
from bot.storage.parcels import Address
from bot.storage.shares import PassphraseTo

_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aeiou"


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made. Without `text` the host makes one up."""

    text: Secret | None
    to: tuple[Address, ...]
    ttl: int  # seconds
    passphrase: Secret | None
    passphrase_to: PassphraseTo
    note: str | None
    quiet: bool
    host: Host
    account: Account | None


def read(call: Call, draft: Draft) -> Order:
    """What was entered, as far as that can be said without asking anybody. Raises `FieldErrors`."""
    wrong: dict[str, str] = {}
    text = None if draft.made_up else _text(call, draft, wrong)
    to = _addresses(call, draft, wrong)
    passphrase, passphrase_to = _passphrase(call, to, wrong)
    if wrong:
        raise FieldErrors(wrong)
    return Order(
        text=text,
        to=to,
        ttl=_ttl(call),
        passphrase=passphrase,
        passphrase_to=passphrase_to,
        note=_line(call.typed.get("note")),
        quiet=NEWS not in call.checked.get("options", frozenset()),
        host=call.services.hosts.default,  # until the account is known
        account=None,
    )


def _text(call: Call, draft: Draft, wrong: dict[str, str]) -> Secret:
    text = Secret.joined(call.typed[f"text{number}"] for number in range(1, draft.rooms + 1))
    if not text:
        wrong["text1"] = "Please type or paste what you want to share."
    return text


def _addresses(call: Call, draft: Draft, wrong: dict[str, str]) -> tuple[Address, ...]:
    """Each person once. The ids come from Slack's own menus, in the sender's workspace."""
    people = draft.only or tuple(dict.fromkeys(call.picked.get("to", ())))
    channels = () if draft.only else call.picked.get("channel", ())
    if people and channels:
        wrong["channel"] = "Choose people or a channel, not both."
    if len(people) > MOST_PEOPLE:
        wrong["to"] = f"At most {MOST_PEOPLE} people at a time."
    if people:
        return tuple(Address(replace(call.person, user_id=one)) for one in people)
    return tuple(Address(channel=one) for one in channels) or (Address(),)


def _passphrase(call: Call, to: tuple[Address, ...], wrong: dict[str, str]) -> tuple[Secret | None, PassphraseTo]:
    options = call.checked.get("options", frozenset())
    typed = call.typed.get("passphrase") or None
    if typed and GENERATE in options:
        wrong["passphrase"] = "Type a passphrase or have one made up, not both."
    passphrase = generated() if GENERATE in options else typed
    if APART not in options:
        return passphrase, "sender" if GENERATE in options else "nobody"
    if passphrase is None:
        wrong["options"] = "There is no passphrase to send: type one, or have one made up."
    elif any(one.user is None for one in to):
        wrong["options"] = "A passphrase can be sent apart only to people whom you choose by name."
    return passphrase, "addressee"


def generated() -> Secret:
    """A passphrase that is easy to read aloud: ten syllables, 63 bits."""
    syllables = [secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(10)]
    return Secret("-".join("".join(syllables[at : at + 2]) for at in range(0, 10, 2)))


def _ttl(call: Call) -> int:
    chosen = call.chosen.get("ttl", "")
    return next((ttl for ttl in TTLS if str(ttl) == chosen), USUAL_TTL)


def _line(typed: Secret | None) -> str | None:
    """The note, which is no secret: it goes into messages."""
    return (" ".join(typed.reveal().split()) or None) if typed else None


async def with_account(call: Call, order: Order) -> Order:
    """The order with the account that was chosen, or the default one, or none. Raises `NotYours`, `Unsealable`."""
    chosen, services = call.chosen.get("account"), call.services
    if chosen == ANONYMOUS:
        return order
    account = await (
        services.accounts.find(call.person, chosen) if chosen else services.accounts.default_of(call.person)
    )
    if account is None:
        return order
    services.as_account(account)  # now, and not when the share has begun
    return replace(order, host=services.hosts.of(account.host), account=account)


def check_size(call: Call, draft: Draft, order: Order) -> None:
    """Raise `FieldErrors` unless the host takes that much."""
    most = call.services.takes(order.host)
    if order.text is not None and order.text.size > most:
        said = f"That is {order.text.size:,} bytes together. {order.host.name} takes {most:,}."
        raise FieldErrors({f"text{draft.rooms}": said})


async def check_people(call: Call, order: Order) -> None:
    """Raise `FieldErrors` unless all are full members: guests, strangers, bots and who has left are not."""
    people = [one.user for one in order.to if one.user is not None]
    known = await asyncio.gather(*(_is_member(call, one) for one in people))
    if all(known):
        return
    raise FieldErrors({"to": "Only full members of this workspace: no guests, apps or people who have left."})


async def _is_member(call: Call, person: Person) -> bool:
    return person == call.person or await call.is_member(person)
