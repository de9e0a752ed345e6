"""A person in front of the sandbox page: does what people do with mouse and keyboard, and reads what they read."""

import re

from playwright.async_api import Page, expect

OPEN = re.compile("^Open .* works once$")  # what a screen reader says of the button
PATIENCE = 30_000  # milliseconds; the bot starts in one second and looks every five, on a machine that is not busy


class Person:
    """Somebody at the page. `be` says who they are in the workspace; at first that is ada."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def arrive(self, url: str) -> None:
        await self.page.goto(url)
        await expect(self.page.get_by_role("radio", name="ada")).to_be_checked()

    async def be(self, name: str) -> None:
        await self.page.locator(".person", has_text=name).click()
        await expect(self.page.get_by_role("radio", name=name)).to_be_checked()

    async def go(self, place: str) -> None:
        await self.page.get_by_role("navigation", name="Conversations").get_by_role("button", name=place).click()
        await expect(self.page.locator(".conversation-title")).to_have_text(place)

    async def type(self, text: str) -> None:
        field = self.page.locator("#composer-text")
        await field.fill(text)
        await field.press("Enter")

    # --- what is there

    def message(self, text: str | re.Pattern[str]):
        return self.page.get_by_role("article").filter(has_text=text).last

    @property
    def window(self):
        """The app's window on top."""
        return self.page.locator("#window")

    @property
    def dialog(self):
        return self.page.locator("dialog[open]")

    @property
    def secrets(self):
        return self.page.locator(".secret")

    @property
    def badge(self):
        """How much is unread in another conversation."""
        return self.page.get_by_role("navigation", name="Conversations").locator(".badge")

    async def sees(self, text: str | re.Pattern[str]) -> None:
        await expect(self.message(text)).to_be_visible()

    async def sees_window(self, title: str, text: str | re.Pattern[str] = "") -> None:
        await expect(self.window.get_by_role("heading", level=2)).to_have_text(title)
        await expect(self.window).to_contain_text(text)

    # --- windows

    async def fill(self, label: str, value: str) -> None:
        await self.window.get_by_label(label).fill(value)

    async def pick(self, field, *names: str) -> None:
        """Chooses people, conversations or options in a field with tokens, by typing the start of each name."""
        for name in names:
            await field.fill(name[:3])
            await self.page.get_by_role("option", name=name).click()

    async def press(self, label: str) -> None:
        await self.window.get_by_role("button", name=label, exact=True).click()

    # --- beside the workspace

    async def beside(self) -> None:
        """On a narrow screen, to what happens behind the scenes."""
        await self._pane("Behind the scenes")

    async def workspace(self) -> None:
        await self._pane("Workspace")

    async def _pane(self, name: str) -> None:
        button = self.page.get_by_role("navigation", name="Panes").get_by_role("button", name=name)
        if await button.is_visible():
            await button.click()

    async def make_secret(self, text: str, *, passphrase: str = "", owner: str = "ada@example.com") -> None:
        """On Onetime Secret's own site, through the panel."""
        await self.beside()
        await self.page.get_by_role("button", name="Make one").click()
        await self.dialog.get_by_label("Text").fill(text)
        await self.dialog.get_by_label("Passphrase").fill(passphrase)
        await self.dialog.get_by_label("Made by").select_option(label=owner)
        await self.dialog.get_by_role("button", name="Make it").click()
        await expect(self.dialog.get_by_role("heading", level=2)).to_have_text("The secret is made")
        await self.dialog.get_by_role("button", name="Close").click()
        await self.workspace()

    async def with_newest(self, what: str) -> None:
        """Picks from the menu of the secret that was made last."""
        await self.beside()
        await self.secrets.first.get_by_role("button").click()
        await self.page.get_by_role("menuitem", name=re.compile(f"^{what}")).click()

    async def command(self, text: str, link: str = "", more: str = "") -> None:
        """A command, after it the secret or private link (“link”, “private link”) of the newest secret, then more."""
        field = self.page.locator("#composer-text")
        await field.fill(text)
        if link:
            await self.with_newest(f"Write its {link}")
            await expect(field).to_have_value(re.compile(f"^{re.escape(text)} http"))
        await field.press_sequentially(more)
        await field.press("Enter")

    async def open_as_stranger(self, passphrase: str | None = None) -> str:
        """The newest secret's text, read in a stranger's browser."""
        await self.with_newest("Open its link")
        if passphrase is not None:
            await self.dialog.get_by_label("Passphrase").fill(passphrase)
        await self.dialog.get_by_role("button", name="Open the secret").click()
        text: str = await self.dialog.locator("pre").inner_text()
        await self.dialog.get_by_role("button", name="Close").click()
        await self.workspace()
        return text

    async def open_shared(self, text: str) -> None:
        """Opens what a message with that text shares, without a passphrase, as far as the window with the secret."""
        await self.message(text).get_by_role("button", name=OPEN).click()
        await self.dialog.get_by_role("button", name="Open", exact=True).click()
        await expect(self.window.locator("pre")).to_be_visible()

    async def set_part(self, name: str, how: str) -> None:
        await self.beside()
        await self.page.get_by_role("combobox", name=name, exact=True).select_option(label=how)
        await expect(self.page.locator(".part", has_text=name)).to_have_class(
            re.compile("part-off$" if how != "works" else "^part$")
        )
        await self.workspace()

    async def connect(self, username: str = "ada@example.com", token: str = "sandbox-token-of-ada") -> None:
        await self.type("/ots connect")
        await self.sees_window("Connect an account")
        await self.fill("E-mail", username)
        await self.fill("API token", token)
        await self.press("Connect")
        await self.sees_window("Connected")
        await self.press("Done")
        await expect(self.window).to_have_count(0)
