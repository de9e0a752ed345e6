"""`python -m tests.pictures`: plays the journeys and writes their pictures. It needs Chromium."""

import asyncio

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
        await picture.journey(me)
        await me.page.evaluate(SETTLED)
        await me.page.screenshot(path=picture.file)
    size = picture.file.stat().st_size
    print(f"{picture.file.name}: {size // 1024} KiB")
    assert size <= MOST, "too large for the README"


async def main() -> None:
    for picture in PICTURES:
        await take(picture)


if __name__ == "__main__":
    asyncio.run(main())
