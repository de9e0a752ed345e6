"""Buttons between the pages of a list that does not fit into one message or window. Pages count from 0."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.screen.parts import Button, Buttons, Divider, Note, Part
from bot.screen.pieces import say
from bot.storage.button_contexts import NewButtonContext

PAGE = 10  # secrets on one page of a list of them
_STORED_PAGE = 5  # secrets: in these pages button contexts count, as those of earlier versions do

Keep = Callable[..., Awaitable[list[str]]]  # stores button contexts for the person; returns their ids, in order
Turn = Callable[[str], Button]  # makes the button from the id of the button context that says where it leads


def store_page(page: int) -> str:
    """The page of a list of secrets, for a button context."""
    return str(page * PAGE // _STORED_PAGE)


def read_page(stored: str) -> int:
    """The page that a button context leads to, of an earlier version too."""
    return int(stored) * _STORED_PAGE // PAGE


async def turns(
    keep: Keep,
    page: int,
    last: int,
    back: Turn,
    on: Turn,
    leads_to: Callable[[int], NewButtonContext[None]],
) -> Buttons | None:
    """Buttons to the previous and the next page, where they exist. A button context says where each one leads."""
    found = [(to, turn) for to, turn in ((page - 1, back), (page + 1, on)) if 0 <= to <= last]
    if not found:
        return None
    refs = await keep(*(leads_to(to) for to, _ in found))
    return Buttons(tuple(turn(ref) for (_, turn), ref in zip(found, refs, strict=True)))


async def foot(
    keep: Keep,
    page: int,
    last: int,
    back: Turn,
    on: Turn,
    leads_to: Callable[[int], NewButtonContext[None]],
) -> list[Part]:
    """The parts under a page of a list: its number and its buttons. Empty for a list of one page."""
    buttons = await turns(keep, page, last, back, on, leads_to)
    return (
        [Divider(), Note.of(say("Page {page} of {pages}", page=page + 1, pages=last + 1)), buttons] if buttons else []
    )
