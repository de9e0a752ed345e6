"""`/ots recent`: the secrets of a person's own account, newest first, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot import clock
from bot.errors import HostNotAllowed, NotConnected, NotUnderstood
from bot.interaction import paging
from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply, Verb
from bot.interaction.owners import any_member, own_button_context
from bot.onetime.links import REGIONS, Host, Hosts
from bot.onetime.wire import Metadata
from bot.screen.parts import Button, Menu, MenuItem, Message, Note, Part, Text
from bot.screen.pieces import Bold, Code, HostName, Listing, Mark, Phrase, Sentences, say
from bot.status.names import SecretName
from bot.status.recent_list import FILTERS, NONE_YET, Recent, context_of, load_recent, names_of, read_filter, rows
from bot.status.words import DOT, RecentFilter, count_words, secret_words
from bot.storage.accounts import Account
from bot.storage.button_contexts import RECENT_PAGE, ButtonContext, NewButtonContext

RECENT = Mark("/ots recent")
NEWER = "recent_newer"
OLDER = "recent_older"
FILTER = "recent_filter"
OTHER_WORDS = {"opened": "received", "unopened": "new", "viewed": "new", "orphaned": "expired"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which secrets of an account are listed. `whom` is a person or channel that they were shared with: an id."""

    state: RecentFilter = "all"
    whom: str | None = None
    page: int = 0

    def context(self, account: Account) -> NewButtonContext[None]:
        data = {"filter": self.state, "page": paging.store_page(self.page)} | ({"whom": self.whom} if self.whom else {})
        return NewButtonContext(RECENT_PAGE, account.host, None, account.id, data)


async def list_recent(interaction: Interaction, _row: None) -> Reply:
    """`/ots recent [new|received|burned|expired|shared|all] [@person|#channel] [region]`, in any order."""
    wanted, host = _read(interaction)
    account = await _load_account(interaction, host)
    return await _page(interaction, account, wanted)


async def turn_page(interaction: Interaction, context: ButtonContext[None]) -> Reply:
    """Newer, Older, and the menu of filters. The button context says which account, filter and page."""
    if context.account_id is None:
        raise NotConnected
    account = await interaction.services.accounts.find(interaction.person, context.account_id)
    wanted = Wanted(
        read_filter(context.data["filter"]) or "all", context.data.get("whom"), paging.read_page(context.data["page"])
    )
    return await _page(interaction, account, wanted)


def _read(interaction: Interaction) -> tuple[Wanted, Host | None]:
    hosts = interaction.services.hosts
    states: list[RecentFilter] = []
    named: list[Host] = []
    for number, word in enumerate(interaction.text.words, 1):
        state = read_filter(OTHER_WORDS.get(word, word))
        if state is not None:
            states.append(state)
            continue
        try:
            named.append(hosts.named(word))
        except HostNotAllowed:
            raise NotUnderstood("no filter and no host", tell=_possible_words(number, hosts)) from None
    whom = (*interaction.text.people, *interaction.text.channels)
    if max(len(set(states)), len(set(named)), len(whom)) > 1:
        raise NotUnderstood(
            "too many words",
            tell=say(
                "Name at most one filter, one server and one person or channel: `/ots recent new`, `/ots recent "
                "new eu`."
            ),
        )
    wanted = Wanted(states[0] if states else "all", whom[0] if whom else None)
    return wanted, named[0] if named else None


def is_known(word: str, hosts: Hosts) -> bool:
    """Whether the word is a filter, a region or the name of a server."""
    is_server = word in REGIONS or any(word == host.name for host in hosts.all)
    return is_server or read_filter(OTHER_WORDS.get(word, word)) is not None


def _possible_words(number: int, hosts: Hosts) -> Phrase:
    """What can be said, without repeating the word: it may be a secret."""
    return say(
        "I don't know word {number} after `recent`. It can be a filter ({statuses}) or a server ({servers}).",
        number=number,
        statuses=Listing(tuple(Code(Mark(name)) for name in FILTERS), "or"),
        servers=Listing(tuple(Code(HostName(host.name)) for host in hosts.all), "or"),
    )


async def _load_account(interaction: Interaction, host: Host | None) -> Account:
    accounts = interaction.services.accounts
    account = await (
        accounts.on_host(interaction.person, host.url) if host else accounts.default_of(interaction.person)
    )
    if account is None:
        missing = say("You have not connected an account.")
        if host:
            missing = say("You have not connected an account on {server}.", server=HostName(host.name))
        connect = say("`/ots connect` does it in a minute.")
        raise NotConnected(tell=Sentences.of(missing, connect, say("`/ots tracked` lists what you shared here.")))
    return account


async def _page(interaction: Interaction, account: Account, wanted: Wanted) -> Reply:
    services = interaction.services
    recent = await load_recent(services, interaction.person, account)
    chosen = recent.choose(wanted.state, wanted.whom)
    last = max(0, (len(chosen) - 1) // paging.PAGE)
    page = max(0, min(wanted.page, last))
    shown = chosen[page * paging.PAGE : (page + 1) * paging.PAGE]
    names = await names_of(services, interaction.person, recent, shown)
    refs = await services.button_contexts.keep(interaction.person, *(context_of(recent, one) for one in shown))
    server = HostName(recent.host.name)
    parts: list[Part] = [
        Text.of(Bold(say("Your secrets on {server}", server=server)), DOT, count_words(len(chosen), wanted.state)),
        await _filters(interaction, recent, wanted),
        *rows(shown, names, refs, page * paging.PAGE + 1),
    ]
    if not recent.secrets:
        parts.append(Text.of(NONE_YET))
    parts += await paging.foot(
        interaction.keep, page, last,
        lambda ref: Button(say("Newer"), NEWER, ref),
        lambda ref: Button(say("Older"), OLDER, ref),
        lambda to: replace(wanted, page=to).context(account),
    )  # fmt: skip
    parts += await _other_accounts(interaction, account)
    summary = _summary(count_words(len(chosen), wanted.state), server, list(zip(shown, names, strict=True)))
    return Reply(Message(summary, tuple(parts)), Outcome.SHOWN)


async def _filters(interaction: Interaction, recent: Recent, wanted: Wanted) -> Menu:
    """The menu that shows other secrets of the account, with how many there are."""
    choices = [replace(wanted, state=state, page=0) for state in FILTERS]
    refs = await interaction.services.button_contexts.keep(
        interaction.person, *(choice.context(recent.account) for choice in choices)
    )
    items = (
        MenuItem(count_words(len(recent.choose(choice.state, choice.whom)), choice.state), FILTER, ref)
        for choice, ref in zip(choices, refs, strict=True)
    )
    return Menu(tuple(items), tuple(FILTERS).index(wanted.state))


def _summary(count: Phrase, server: HostName, shown: list[tuple[Metadata, SecretName]]) -> Phrase:
    if not shown:
        return say("{secrets} on {server}", secrets=count, server=server)
    said = (
        say("{secret}: {state}", secret=name.in_list(), state=secret_words(one.state_at(clock.now())))
        for one, name in shown
    )
    return say("{secrets} on {server}: {states}", secrets=count, server=server, states=Listing(tuple(said)))


async def _other_accounts(interaction: Interaction, account: Account) -> list[Part]:
    others = [one for one in await interaction.services.accounts.all_of(interaction.person) if one.id != account.id]
    if not others:
        return []
    commands = (
        Code(say("{command} {arguments}", command=RECENT, arguments=HostName(Host(one.host).name))) for one in others
    )
    return [Note.of(say("Your other accounts: {commands}", commands=Listing(tuple(commands))))]


FEATURE = Feature(
    name="recent",
    verbs=(
        Verb(
            "recent",
            say("lists your secrets and their status"),
            say("[new|received|burned|expired|shared|all] [@person|#channel]"),
            aliases=("list",),
            knows_word=is_known,
            handler=Handler(list_recent, any_member),
        ),
    ),
    handlers={
        Kind.ACTION: {
            NEWER: Handler(turn_page, own_button_context(RECENT_PAGE)),
            OLDER: Handler(turn_page, own_button_context(RECENT_PAGE)),
            FILTER: Handler(turn_page, own_button_context(RECENT_PAGE)),
        },
    },
)
