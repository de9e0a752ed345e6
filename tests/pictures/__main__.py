"""`python -m tests.pictures`: plays the journeys and writes their pictures. It needs Chromium."""

import asyncio
import base64
import html
from collections.abc import AsyncIterator

from playwright.async_api import Locator, Page

from tests.browser.stage import at, page_of, started_browser, started_world
from tests.pictures import MOST, PICTURES, Picture

SETTLED = "Promise.all(document.getAnimations().map(one => one.finished.catch(() => {})))"


async def take(picture: Picture) -> None:
    async with (
        started_browser() as browser,
        started_world() as world,
        page_of(world) as page,
        at(browser, page.url, picture.viewport, picture.scheme) as me,
    ):
        played = picture.journey(me)
        if isinstance(played, AsyncIterator):
            moments = [await _moment(me.page, said, part) async for said, part in played]
            sheet = await browser.new_page(viewport=picture.viewport)  # the sandbox's own page loads no such pictures
            await sheet.set_content(_side_by_side(moments))
            await sheet.locator("main").screenshot(path=picture.file)
        else:
            await played
            await me.page.evaluate(SETTLED)
            await me.page.screenshot(path=picture.file)
    size = picture.file.stat().st_size
    print(f"{picture.file.name}: {size // 1024} KiB")
    assert size <= MOST, "too large for the README"


async def _moment(page: Page, said: str, part: Locator) -> str:
    await page.evaluate(SETTLED)
    taken = base64.b64encode(await part.screenshot()).decode()
    return f'<figure><figcaption>{html.escape(said)}</figcaption><img src="data:image/png;base64,{taken}"></figure>'


def _side_by_side(moments: list[str]) -> str:
    style = (
        "main { display: flex; gap: 16px; padding: 16px; background: white; font: 16px sans-serif; align-items: start }"
        "figure { flex: 1; margin: 0 } figcaption { margin-bottom: 8px } img { width: 100%; border: 1px solid #ccc }"
    )
    return f"<style>{style}</style><main>{''.join(moments)}</main>"


async def main() -> None:
    for picture in PICTURES:
        await take(picture)


if __name__ == "__main__":
    asyncio.run(main())
