"""`/ots recent`: the secrets of a person's own account, newest first, a page at a time."""

from __future__ import annotations

from bot import clock
from bot.errors import HostNotAllowed, NotConnected, NotUnderstood
from bot.interaction import paging
from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply, Verb
from bot.interaction.owners import any_member, own_button_context
from bot.onetime.links import Host, Hosts
from bot.onetime.wire import Metadata, SecretState
from bot.screen.parts import Button, Divider, Message, Note, Part, Text
from bot.screen.pieces import Bold, Code, HostName, Listing, Mark, Phrase, Sentences, say
from bot.status import metadata_card
from bot.status.words import DOT, count_words, secret_words
from bot.storage.accounts import Account
from bot.storage.button_contexts import METADATA, RECENT_PAGE, ButtonContext, NewButtonContext

PAGE = 5  # secrets; each takes three of a message's 50 blocks, and a person reads few
RECENT = Mark("/ots recent")
NEWER = "recent_newer"
OLDER = "recent_older"
FILTERS = {
    "all": frozenset(SecretState),
    "new": frozenset({SecretState.NEW, SecretState.VIEWED}),
    "received": frozenset({SecretState.RECEIVED}),
    "burned": frozenset({SecretState.BURNED}),
    "expired": frozenset({SecretState.EXPIRED, SecretState.ORPHANED}),
}
OTHER_WORDS = {"opened": "received", "unopened": "new", "viewed": "new", "orphaned": "expired"}


async def list_recent(interaction: Interaction, _row: None) -> Reply:
    """`/ots recent [new|received|burned|expired|all] [region]`, in any order."""
    wanted, host = _read(interaction)
    account = await _load_account(interaction, host)
    return await _page(interaction, account, wanted, 0)


async def turn_page(interaction: Interaction, context: ButtonContext[None]) -> Reply:
    """Newer and Older. The button context says which account, filter and page."""
    if context.account_id is None:
        raise NotConnected
    account = await interaction.services.accounts.find(interaction.person, context.account_id)
    return await _page(interaction, account, context.data["filter"], int(context.data["page"]))


def _read(interaction: Interaction) -> tuple[str, Host | None]:
    hosts = interaction.services.hosts
    states, named = [], []
    for number, word in enumerate(interaction.text.words, 1):
        state = OTHER_WORDS.get(word, word)
        if state in FILTERS:
            states.append(state)
            continue
        try:
            named.append(hosts.named(word))
        except HostNotAllowed:
            raise NotUnderstood("no filter and no host", tell=_possible_words(number, hosts)) from None
    if len(set(states)) > 1 or len(set(named)) > 1:
        raise NotUnderstood(
            "too many words", tell=say("Name one of each at most: `/ots recent new`, `/ots recent new eu`.")
        )
    return states[0] if states else "all", named[0] if named else None


def _possible_words(number: int, hosts: Hosts) -> Phrase:
    """What can be said, without repeating the word: it may be a secret."""
    return say(
        "I don't know word {number} after `recent`. It can be a status ({statuses}) or a server ({servers}).",
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
        raise NotConnected(tell=Sentences.of(missing, say("`/ots connect` does it in a minute.")))
    return account


async def _page(interaction: Interaction, account: Account, wanted: str, page: int) -> Reply:
    services = interaction.services
    credentials = services.credentials_of(account)
    everything = await services.onetime.recent(credentials)
    now = clock.now()
    chosen = [one for one in everything if one.state_at(now) in FILTERS[wanted]]
    last = max(0, (len(chosen) - 1) // PAGE)
    page = max(0, min(page, last))
    shown = chosen[page * PAGE : (page + 1) * PAGE]
    refs = await services.button_contexts.keep(
        interaction.person,
        *(
            NewButtonContext(METADATA, credentials.host.url, one.key, account.id, metadata_card.IN_A_LIST)
            for one in shown
        ),
    )
    server = HostName(credentials.host.name)
    parts: list[Part] = [
        Text.of(Bold(say("Your secrets on {server}", server=server)), DOT, count_words(len(chosen), wanted))
    ]
    for number, (one, ref) in enumerate(zip(shown, refs, strict=True), page * PAGE + 1):
        parts += [Divider(), *metadata_card.line(one), *metadata_card.actions(one, ref, number=number)]
    parts += await paging.foot(
        interaction, page, last,
        lambda ref: Button(say("Newer"), NEWER, ref),
        lambda ref: Button(say("Older"), OLDER, ref),
        lambda to: NewButtonContext(RECENT_PAGE, account.host, None, account.id, {"filter": wanted, "page": str(to)}),
    )  # fmt: skip
    parts += await _other_accounts(interaction, account)
    return Reply(Message(_summary(count_words(len(chosen), wanted), server, shown), tuple(parts)), Outcome.SHOWN)


def _summary(count: Phrase, server: HostName, shown: list[Metadata]) -> Phrase:
    if not shown:
        return say("{secrets} on {server}", secrets=count, server=server)
    states = Listing(tuple(secret_words(one.state_at(clock.now())) for one in shown))
    return say("{secrets} on {server}: {states}", secrets=count, server=server, states=states)


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
            Mark("[new|received|burned|expired|all]"),
            aliases=("list",),
            handler=Handler(list_recent, any_member),
        ),
    ),
    handlers={
        Kind.ACTION: {
            NEWER: Handler(turn_page, own_button_context(RECENT_PAGE)),
            OLDER: Handler(turn_page, own_button_context(RECENT_PAGE)),
        },
    },
)
