"""The journeys that README.md has pictures of, as far as the moment that is pictured.

`python -m tests.pictures` plays them and takes the pictures anew. The browser tests play the same journeys to their end,
so that one that does not play any more is noticed.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Locator, expect

from tests.browser.person import Person

FOLDER = Path(__file__).parent
MOST = 150 * 1024  # bytes of one
WIDE, NARROW = {"width": 1160, "height": 700}, {"width": 390, "height": 700}
TEXT = "correct horse\n\tbattery staple  & <b>tags</b> stay as they are"


async def opened(me: Person) -> None:
    """A wrong passphrase, then the right one: the secret is shown."""
    await me.make_secret(TEXT, passphrase="the passphrase")
    await me.command("/ots retrieve", "link")
    await me.sees_window("Open a one-time link", "This works once")
    await me.press("Open")
    await me.sees_window("Open a one-time link", "It did not open")
    await me.fill("Passphrase", "the passphrase")
    await me.press("Open")
    await me.sees_window("Your secret")


async def tracked(me: Person) -> None:
    """A stranger opens what ada tracks: her card changes, and a message comes."""
    await me.connect()
    await me.make_secret("for a colleague")
    await me.command("/ots track", "private link", "the staging password")
    await me.sees("You will get a message")
    assert await me.open_as_stranger() == "for a colleague"
    await expect(me.badge).to_have_text("2 unread")
    await me.go("Onetime Secret")
    await me.sees("was opened")
    await me.sees("Nothing more will happen to it")


async def burning(me: Person) -> None:
    """The question before a secret is burned."""
    await me.make_secret("sent to the wrong person", owner="nobody (anonymous)")
    await me.command("/ots track", "private link")
    await me.go("Onetime Secret")
    await me.sees("Not opened yet")
    await me.message("Not opened yet").get_by_role("button", name="Burn").click()
    await expect(me.dialog).to_contain_text("Burn this secret?")


async def shared(me: Person) -> AsyncIterator[tuple[str, Locator]]:
    """A share from its window to its end: each moment with a line about it, and the part of the page to look at."""
    await me.go("team")
    await me.type("/ots share @ben")
    await me.sees_window("Share a secret")
    await me.fill("The secret", "correct horse battery staple")
    await me.fill("A note to go with it", "staging database")
    yield "1. Ada types the secret into a window", me.window
    await me.press("Share")
    await me.sees_window("Shared")
    await me.press("Done")
    await me.be("ben")
    await me.go("Onetime Secret")
    await me.sees("shares a one-time secret")
    yield "2. Ben gets a message, and opens it", me.message("shares a one-time secret")
    await me.open_shared("shares a one-time secret")
    await me.press("Done")
    await me.be("ada")
    await me.go("Onetime Secret")
    await me.sees("What you shared · Opened")
    yield "3. Ada's message about it changes", me.message("What you shared · Opened")


@dataclass(frozen=True)
class Picture:
    """Of the page at the end of a journey, or of several moments of one, side by side."""

    journey: Callable[[Person], Awaitable[None] | AsyncIterator[tuple[str, Locator]]]
    viewport: dict[str, int]
    scheme: str

    @property
    def file(self) -> Path:
        return FOLDER / f"{self.journey.__name__}.png"


PICTURES = (
    Picture(shared, WIDE, "light"),
    Picture(opened, WIDE, "light"),
    Picture(tracked, WIDE, "dark"),
    Picture(burning, NARROW, "light"),
)
