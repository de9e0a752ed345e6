"""Shows windows, messages and Home tabs on the page, one after another, and looks for what is wrong with them.

It can keep a picture of each, and lay the pictures out on contact sheets for people to look at.
"""

from __future__ import annotations

import base64
import html
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, Locator, expect

from tests.browser.person import Person
from tests.support.screens import Screen

FIND_FLAWS = (Path(__file__).parent / "find_flaws.js").read_text(encoding="utf-8")
TALL = 3000  # pixels; a window on a screen of this height needs no scrolling, so its picture has all of it
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
AT_ONCE = 40  # messages
SHEET = 1600  # pixels wide
PER_SHEET = 12  # pictures


Shown = list[tuple[Screen, Locator]]


async def shown_one_by_one(notes: Any, me: Person, screens: Sequence[Screen]) -> AsyncIterator[tuple[Screen, Locator]]:
    """Each screen with the element that shows it, which is there until the next one is asked for."""
    async for group in shown_in_groups(notes, me, screens):
        for one in group:
            yield one


async def shown_in_groups(notes: Any, me: Person, screens: Sequence[Screen]) -> AsyncIterator[Shown]:
    """The screens that can be shown at once, with the elements that show them until the next group is asked for."""
    for screen in screens:
        if screen.kind == "modal":
            yield [(screen, await _window(notes, me, screen))]
    notes.workspace.state.close(list(notes.workspace.state.stack(notes.ada.id)))
    await expect(me.window).to_have_count(0)
    messages = [one for one in screens if one.kind == "message"]
    for start in range(0, len(messages), AT_ONCE):
        async for group in _messages(notes, me, messages[start : start + AT_ONCE]):
            yield group
    async for screen, shown in _homes(notes, me, [one for one in screens if one.kind == "home"]):
        yield [(screen, shown)]


async def _window(notes: Any, me: Person, screen: Screen) -> Locator:
    state = notes.workspace.state
    view = state.open_view(state.new_trigger(notes.ada.id), screen.payload)
    await me.page.wait_for_function("id => document.querySelector('#window')?.dataset.view === id", arg=view.id)
    shown: Locator = me.window
    return shown


async def _messages(notes: Any, me: Person, screens: Sequence[Screen]) -> AsyncIterator[Shown]:
    state = notes.workspace.state
    posted = [state.post(notes.channel, screen.payload) for screen in screens]
    articles = me.page.get_by_role("article")
    await expect(articles).to_have_count(len(posted))
    yield [(screen, articles.nth(place)) for place, screen in enumerate(screens)]
    for one in posted:
        state.delete(one)
    await expect(articles).to_have_count(0)


async def _homes(notes: Any, me: Person, screens: Sequence[Screen]) -> AsyncIterator[tuple[Screen, Locator]]:
    if not screens:
        return
    await me.go("Notes")
    await me.page.get_by_role("button", name="Home").click()
    for screen in screens:
        view = notes.workspace.state.publish(notes.ada.id, screen.payload)
        await me.page.wait_for_function(
            "hash => document.querySelector('#home [data-hash]')?.dataset.hash === hash", arg=view.hash
        )
        yield screen, me.page.locator("#home")


async def find_flaws(shown: Locator, *, is_wide: bool) -> list[str]:
    """What is wrong with what is shown, in words."""
    return list(await shown.evaluate(f"(node, isWide) => ({FIND_FLAWS})(node, isWide)", is_wide))


class Look:
    """Looks at what is shown, in light and dark, and keeps what is wrong with it. With a folder it keeps pictures, too."""

    def __init__(self, folder: Path | None, size: str) -> None:
        self.keeps_pictures = folder is not None
        self.sheets = Sheets(folder)
        self.count = 0
        self.flaws: dict[str, list[str]] = {}  #: what was looked at -> what is wrong
        self._size = size
        self._schemes = SCHEMES  # the one that is on comes first: to change it draws the whole page anew

    async def at(self, me: Person, *shown: tuple[str, Locator], name: str = "") -> None:
        """Look at all of these, which are on the page at once; each has the name of its sheet before it."""
        before, self.count = self.count, self.count + len(shown)
        for scheme in self._schemes:
            await me.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            for number, (sheet, one) in enumerate(shown, before + 1):
                flaws = await find_flaws(one, is_wide=self._size == "wide")
                if flaws:
                    said = name or (await one.inner_text())[:80]
                    self.flaws[f"{number} {sheet} {scheme}: {said!r}"] = flaws
                await self.sheets.add(f"{sheet}-{self._size}-{scheme}", f"{number} {' / '.join(flaws)}", one)
        self._schemes = self._schemes[::-1]

    async def write_sheets(self, browser: Browser) -> None:
        await self.sheets.write(browser)


class Sheets:
    """Contact sheets in a folder, each written as soon as it is full. Without a folder nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._pictures: dict[str, list[tuple[str, bytes]]] = {}
        self._written: Counter[str] = Counter()

    async def add(self, sheet: str, caption: str, shown: Locator) -> None:
        if self._folder is None:
            return
        pictures = self._pictures.setdefault(sheet, [])
        pictures.append((caption, await shown.screenshot(type="jpeg", quality=80)))
        if len(pictures) == PER_SHEET:
            browser = shown.page.context.browser
            assert browser is not None
            await self._write(browser, sheet)

    async def write(self, browser: Browser) -> None:
        """Write those that are not full."""
        for sheet in [*self._pictures]:
            await self._write(browser, sheet)

    async def _write(self, browser: Browser, sheet: str) -> None:
        assert self._folder is not None
        self._folder.mkdir(parents=True, exist_ok=True)
        self._written[sheet] += 1
        page = await browser.new_page(viewport={"width": SHEET, "height": 1000})
        await page.set_content(_sheet(sheet, self._pictures.pop(sheet)))
        await page.screenshot(path=self._folder / f"{sheet}-{self._written[sheet]:02}.png", full_page=True)
        await page.close()


def _sheet(title: str, pictures: Sequence[tuple[str, bytes]]) -> str:
    columns = 4 if "narrow" in title else 3
    figures = "".join(
        f'<figure style="break-inside:avoid;margin:0 0 14px"><img style="max-width:100%;border:1px solid #999" '
        f'src="data:image/jpeg;base64,{base64.b64encode(picture).decode()}">'
        f'<figcaption style="font:11px sans-serif">{html.escape(caption)}</figcaption></figure>'
        for caption, picture in pictures
    )
    return (
        f'<body style="margin:12px;background:#ccc"><h1 style="font:14px sans-serif">{html.escape(title)}</h1>'
        f'<div style="columns:{columns};column-gap:14px">{figures}</div>'
    )
