"""Shows a secret that was opened: with retries, in pages if it is long, again if its window was gone. Then wipes it."""

from __future__ import annotations

from contextlib import suppress

import stamina

from bot.errors import SlackError, StorageUnavailable
from bot.failpoints import failpoint
from bot.features.retrieve import screens
from bot.features.retrieve.button_messages import tell
from bot.features.retrieve.origin import find_origin
from bot.interaction import paging
from bot.interaction.feature import Interaction, Outcome, Reply
from bot.interaction.retry import slack_retry_predicate
from bot.logs import Log
from bot.screen.long import pages
from bot.screen.parts import Button, Buttons, Modal, Note, Part
from bot.screen.pieces import say
from bot.secret import Secret
from bot.storage.button_contexts import REVEAL_PAGE, ButtonContext, NewButtonContext
from bot.storage.reveals.rows import Reveal

SHOW_TRIES = 6
SHOW_WITHIN = 60.0  # seconds
MAX_WAIT = 30.0  # seconds; if Slack asks for a longer wait, a direct message is better

log = Log("showing")


async def show(
    interaction: Interaction,
    ref: str,
    text: Secret,
    page: int,
    *,
    held: bool = True,
    notes: tuple[Note, ...] = (),
    above: tuple[Part, ...] = (),
) -> bool:
    """Show one page, with retries. True if it was the whole secret: its escrow is then wiped.

    Other pages are read from the escrow. Without one (`held` is False) only the first page can be shown.
    """
    parts = pages(text)
    page = min(page, len(parts) - 1)
    turns = await _page_buttons(interaction, ref, page, len(parts)) if held else None
    modal = screens.secret(parts[page], ref, page=page + 1, pages=len(parts), turns=turns, notes=notes, above=above)
    await show_patiently(interaction, modal, SHOW_TRIES, SHOW_WITHIN)
    failpoint("shown")
    if held and len(parts) > 1:
        return False
    await _wipe(interaction, ref)
    failpoint("wiped")
    return True


async def show_patiently(interaction: Interaction, modal: Modal, tries: int, within: float) -> None:
    async for attempt in stamina.retry_context(on=slack_retry_predicate(MAX_WAIT), attempts=tries, timeout=within):
        with attempt:
            await interaction.show(modal)


async def _wipe(interaction: Interaction, ref: str) -> None:
    """Wipe the escrow of what was shown. Raises nothing: an error in the window would replace the secret."""
    try:
        await interaction.services.reveals.mark_shown(ref)
    except StorageUnavailable as error:
        log.warning("not_wiped", error=str(error), ref=ref)


async def _page_buttons(interaction: Interaction, ref: str, page: int, count: int) -> Buttons | None:
    return await paging.turns(
        interaction.keep, page, count - 1,
        lambda turn: Button(say("Previous page"), screens.PAGE_BACK, turn),
        lambda turn: Button(say("Next page"), screens.PAGE_ON, turn),
        lambda to: NewButtonContext(REVEAL_PAGE, "-", None, data={"reveal": ref, "page": str(to)}),
    )  # fmt: skip


async def turn_page(interaction: Interaction, context: ButtonContext[None]) -> Reply:
    ref = context.data["reveal"]
    text = await interaction.services.reveals.read_escrow(interaction.person, ref)
    if text is None:
        return Reply(screens.nothing_left(push=True), Outcome.REFUSED)
    above = await find_origin(interaction.services, await interaction.services.reveals.find(interaction.person, ref))
    await show(interaction, ref, text, int(context.data["page"]), above=above)
    return Reply(None, Outcome.SHOWN)


async def show_again(interaction: Interaction, reveal: Reveal) -> Reply:
    """“Show again” in the direct message: the secret in escrow, in a new window.

    A new window replaces one that is open. So none is opened before there is something to show: the second of two
    quick clicks would otherwise replace the secret that the first has shown and wiped.
    """
    text = await interaction.services.reveals.read_escrow(interaction.person, reveal.id)
    if text is None:
        return Reply(screens.dm_nothing_held(), Outcome.REFUSED)
    if await show(interaction, reveal.id, text, 0, above=await find_origin(interaction.services, reveal)):
        with suppress(SlackError):
            await interaction.show(screens.dm_shown())
    return Reply(None, Outcome.SHOWN)


async def finish(interaction: Interaction, reveal: Reveal) -> Reply:
    """“Done” under a secret of several pages: wipe its escrow."""
    await interaction.services.reveals.mark_shown(reveal.id)
    return Reply(None, Outcome.DONE)


async def close_pages(interaction: Interaction, reveal: Reveal) -> Reply:
    """The window of a secret of several pages was closed without “Done”: offer the escrow in a direct message."""
    if reveal.has_escrow:
        above = await find_origin(interaction.services, reveal)
        again = screens.dm_show_again(reveal.id, reveal.escrow_expires_at, above)
        await tell(interaction, "show_again", reveal.id, again)
        await interaction.services.reveals.mark_notified(reveal.id)
    return Reply(None, Outcome.SHOWN)
