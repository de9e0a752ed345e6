"""What a server lists for the default account, with a filter and pages. It is drawn when the server has answered."""

from __future__ import annotations

from bot.errors import BotError, NotAuthorized, Unsealable
from bot.features.home.actions import RECENT_FILTER, RECENT_NEWER, RECENT_OLDER
from bot.interaction import paging
from bot.interaction.services import Services
from bot.screen.parts import Button, Buttons, Divider, Heading, Menu, MenuItem, Part, Text
from bot.screen.pieces import say
from bot.status.account_card import account_name
from bot.status.buttons import connect_button
from bot.status.recent_list import FILTERS, NONE_YET, Recent, context_of, names_of, read_filter, rows
from bot.status.words import WARNING_SIGN, WORKING_SIGN, RecentFilter, count_words
from bot.storage.accounts import Account
from bot.storage.button_contexts import RECENT_PAGE, NewButtonContext
from bot.storage.homes import Home

NOT_CONNECTED = say(
    "You need no account to share and to open. Connect one, and all its secrets are listed here, also those that you "
    "made elsewhere."
)


async def parts(
    services: Services, home: Home, account: Account | None, recent: Recent | BotError | None, keep: paging.Keep
) -> list[Part]:
    """`recent` is None while the server has not answered, and an error if it has not answered well."""
    if account is None:
        return [Divider(), Heading(say("Recent secrets of your account")), Text.of(NOT_CONNECTED)]
    heading: list[Part] = [Divider(), Heading(say("Recent secrets on {server}", server=account_name(account)))]
    if recent is None:
        asking = say("Asking {server}…", server=account_name(account))
        return [*heading, Text.of(WORKING_SIGN, asking)]
    if isinstance(recent, BotError):
        again = (
            (Buttons.of(connect_button(say("Reconnect"))),) if isinstance(recent, NotAuthorized | Unsealable) else ()
        )
        return [*heading, Text.of(WARNING_SIGN, recent.tell), *again]
    return [*heading, *await _list(services, home, recent, keep)]


async def _list(services: Services, home: Home, recent: Recent, keep: paging.Keep) -> list[Part]:
    state = read_filter(home.recent_filter) or "all"
    chosen = recent.choose(state)
    last = max(0, (len(chosen) - 1) // paging.PAGE)
    page = min(home.recent_page, last)
    shown = chosen[page * paging.PAGE : (page + 1) * paging.PAGE]
    refs = await keep(*(context_of(recent, one) for one in shown))
    names = await names_of(services, home.person, recent, shown)
    found: list[Part] = [await _filters(recent, state, keep), *rows(shown, names, refs, page * paging.PAGE + 1)]
    if not recent.secrets:
        found.append(Text.of(NONE_YET))
    return found + await paging.foot(
        keep,
        page,
        last,
        lambda ref: Button(say("Newer"), RECENT_NEWER, ref),
        lambda ref: Button(say("Older"), RECENT_OLDER, ref),
        lambda to: _leads_to(recent, state, to),
    )


async def _filters(recent: Recent, state: RecentFilter, keep: paging.Keep) -> Menu:
    refs = await keep(*(_leads_to(recent, one, 0) for one in FILTERS))
    items = (
        MenuItem(count_words(len(recent.choose(one)), one), RECENT_FILTER, ref)
        for one, ref in zip(FILTERS, refs, strict=True)
    )
    return Menu(tuple(items), tuple(FILTERS).index(state))


def _leads_to(recent: Recent, state: RecentFilter, page: int) -> NewButtonContext[None]:
    data = {"filter": state, "page": paging.store_page(page)}
    return NewButtonContext(RECENT_PAGE, recent.host.url, None, recent.account.id, data)
