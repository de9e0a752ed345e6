"""`/ots recent`: the secrets of a person's own account, newest first, a page at a time."""

from __future__ import annotations

from bot import card, paging
from bot.errors import NotConnected, NotUnderstood
from bot.feature import Call, Feature, Handler, Verb, any_member, own_handle
from bot.onetime.links import Host
from bot.onetime.wire import Metadata, State
from bot.screen.parts import Button, Divider, Message, Note, Part, Plain, Text
from bot.storage.accounts import Account
from bot.storage.handles import Handle, NewHandle

PAGE = 5  # secrets; each takes three of a message's 50 blocks, and a person reads few
FILTERS = {
    "all": frozenset(State),
    "new": frozenset({State.NEW, State.VIEWED}),
    "received": frozenset({State.RECEIVED}),
    "burned": frozenset({State.BURNED}),
    "expired": frozenset({State.EXPIRED, State.ORPHANED}),
}
OTHER_WORDS = {"opened": "received", "unopened": "new", "viewed": "new", "orphaned": "expired"}


async def list_recent(call: Call, _row: None) -> Message:
    """`/ots recent [new|received|burned|expired|all] [region]`, in any order."""
    wanted, host = _read(call)
    account = await _account(call, host)
    return await _page(call, account, wanted, 0)


async def turn(call: Call, handle: Handle) -> Message:
    """Newer and Older: the handle says which page of which account, and the filter."""
    if handle.account_id is None:
        raise NotConnected
    account = await call.services.accounts.find(call.person, handle.account_id)
    return await _page(call, account, handle.facts["filter"], int(handle.facts["page"]))


def _read(call: Call) -> tuple[str, Host | None]:
    wanted, host = "all", None
    for word in call.text.split():
        word = OTHER_WORDS.get(word.lower(), word.lower())  # noqa: PLW2901 - the same word, as we call it
        if word in FILTERS:
            wanted = word
        elif host is None:
            host = call.services.hosts.named(word)
        else:
            raise NotUnderstood("too many words", tell="Try `/ots recent`, or `/ots recent new`.")
    return wanted, host


async def _account(call: Call, host: Host | None) -> Account:
    accounts = call.services.accounts
    account = await (accounts.on_host(call.person, host.url) if host else accounts.default_of(call.person))
    if account is None:
        where = f" on {host.name}" if host else ""
        raise NotConnected(tell=f"You have not connected an account{where}. `/ots connect` does it in a minute.")
    return account


async def _page(call: Call, account: Account, wanted: str, page: int) -> Message:
    services = call.services
    caller = services.as_account(account)
    everything = await services.onetime.recent(caller)
    now = card.now()
    chosen = [one for one in everything if one.state_at(now) in FILTERS[wanted]]
    last = max(0, (len(chosen) - 1) // PAGE)
    page = max(0, min(page, last))
    shown = chosen[page * PAGE : (page + 1) * PAGE]
    refs = await services.handles.keep(
        call.person, *(NewHandle("metadata", caller.host.url, account.id, one.key, card.IN_A_LIST) for one in shown)
    )
    parts: list[Part] = [Text.of("*Your secrets on ", Plain(caller.host.name), f"* · {_count(len(chosen), wanted)}")]
    for one, ref in zip(shown, refs, strict=True):
        parts += [Divider(), *card.line(one), *card.actions(one, ref)]
    parts += await paging.foot(
        call, page, last,
        lambda ref: Button("Newer", "recent_newer", ref),
        lambda ref: Button("Older", "recent_older", ref),
        lambda to: NewHandle("recent", account.host, account.id, facts={"filter": wanted, "page": str(to)}),
    )  # fmt: skip
    parts += await _other_accounts(call, account)
    summary = f"{_count(len(chosen), wanted)} on {caller.host.name}: " + "; ".join(_said(one) for one in shown)
    return Message(summary.rstrip(": "), tuple(parts))


def _said(one: Metadata) -> str:
    return card.STATE_WORDS[one.state_at(card.now())]


def _count(count: int, wanted: str) -> str:
    kind = "" if wanted == "all" else {"new": "unopened ", "received": "opened "}.get(wanted, f"{wanted} ")
    return f"{count or 'no'} {kind}secret{'' if count == 1 else 's'}"


async def _other_accounts(call: Call, account: Account) -> list[Part]:
    others = [one for one in await call.services.accounts.all_of(call.person) if one.id != account.id]
    if not others:
        return []
    names = ", ".join(f"`/ots recent {Host(one.host).name}`" for one in others)
    return [Note.of(f"Your other accounts: {names}")]


FEATURE = Feature(
    name="recent",
    verbs=(
        Verb(
            "recent",
            "lists your secrets and what became of them",
            "[new|received|burned|expired|all]",
            aliases=("list",),
            handler=Handler(list_recent, any_member),
        ),
    ),
    actions={
        "recent_newer": Handler(turn, own_handle("recent")),
        "recent_older": Handler(turn, own_handle("recent")),
    },
)
