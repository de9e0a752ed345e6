"""The journeys of three people: sharing, asking for a secret, and generating one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.sandbox.picture import draw_message, draw_window
from bot.sandbox.slack import Member, Message, View
from bot.sandbox.world import World


class Sharing:
    """Played for a `Tour`, whose `tell` says what is done, with a picture, and what Onetime Secret was asked."""

    SHARED = "the staging password is correct-horse-staple"
    ANSWERED = "an answer that nobody else reads"

    def __init__(self, world: World, ada: Member, tell: Callable[[str, Sequence[str]], None]) -> None:
        self._world = world
        self._ada = ada
        self._ben = world.workspace.person("U0BEN", "ben")
        self._cleo = world.workspace.person("U0CLEO", "cleo")
        self._tell = tell
        self.is_watched = False  # from the first share on
        self.password = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """All that was secret in it."""
        keys = (key for one in self._world.onetime.everything() for key in (one.secret_key, one.metadata_key))
        return (self.SHARED, self.ANSWERED, self.password, *keys)

    # --- the journeys

    async def share(self) -> None:
        ada, ben, cleo = self._ada, self._ben, self._cleo
        self.is_watched = True
        view = await self._window(ada, f"share {_at(ben)} {_at(cleo)}", "share @ben @cleo", "Share")
        self._did(ada, "types the secret and a note, and presses Share")
        await ada.submit(view, {"text1": self.SHARED, "note": "for the staging host"})
        await self._sees_window(ada, "Shared")
        await ada.close()
        card = await self._message(ada, "0 of 2 opened")
        self._saw(ben, "a direct message:", draw_message(await self._message(ben, "for the staging host")))
        await self._opens(ben, await self._message(ben, "for the staging host"), self.SHARED)
        self._saw(ada, "a direct message:", draw_message(await self._message(ada, "opened your one-time secret")))
        await ada.until(lambda: "1 of 2 opened" in card.shows)
        self._saw(ada, "the card of it, changed in place:", draw_message(card))
        self._did(ada, "presses Burn for the other")
        await ada.click(card, label="Burn")
        message = await self._message(cleo, "burned this one-time secret")
        self._saw(cleo, "the message, changed in place:", draw_message(message))

    async def request(self) -> None:
        ada, cleo = self._ada, self._cleo
        text = f"request {_at(cleo)} the key of the archive"
        view = await self._window(ada, text, "request @cleo the key of the archive", "Ask")
        self._did(ada, "presses Ask")
        await ada.submit(view)
        message = await self._message(cleo, "asks you for a secret")
        await ada.until(lambda: ada.view and "was asked" in ada.view.text)
        await ada.close()
        self._saw(cleo, "a direct message:", draw_message(message))
        self._did(cleo, "presses Send…, types it into the window, and presses Share")
        await cleo.click(message, label="Send…")
        form = await cleo.until(lambda: cleo.view if cleo.view and cleo.view.submit == "Share" else None)
        await cleo.submit(form, {"text1": self.ANSWERED})
        await self._sees_window(cleo, "Shared")
        await cleo.close()
        card = await self._message(ada, "Answered")
        self._saw(ada, "the card of the request, changed in place:", draw_message(card))
        await self._opens(ada, await self._message(ada, "shares a one-time secret with you"), self.ANSWERED)

    async def generate(self) -> None:
        ada = self._ada
        view = await self._window(ada, "generate", "generate", "Generate")
        self._did(ada, "presses Generate")
        await ada.submit(view)
        await ada.until(lambda: ada.view and ada.view.title == "Your password")
        assert ada.view is not None
        self.password = ada.view.secret_text()
        hidden = [line.replace(self.password, "•" * len(self.password)) for line in draw_window(ada.view)]
        self._saw(ada, "in the window (here as dots):", hidden)
        assert self._world.onetime.everything()[-1].state == "burned"
        self._tell("…      Onetime Secret does not have it any more", ())
        await ada.close()

    # --- how they are played

    async def _opens(self, who: Member, message: Message, text: str) -> None:
        self._did(who, "presses Open, and in the window Show here")
        await who.click(message, label="Open")
        await who.submit(await who.until(lambda: who.view if who.view and who.view.submit == "Show here" else None))
        await who.until(lambda: who.view and who.view.secret_text() == text)
        assert who.view is not None
        self._saw(who, "in the window:", draw_window(who.view))
        await who.close()

    async def _window(self, who: Member, text: str, shown: str, submit: str) -> View:
        self._did(who, f"types /ots {shown}")
        delivery = await who.command("/ots", text)
        assert delivery.ok, delivery.error
        view = await who.until(lambda: who.view if who.view and who.view.submit == submit else None)
        self._saw(who, "a window:", draw_window(view))
        return view

    async def _sees_window(self, who: Member, title: str) -> None:
        await who.until(lambda: who.view and who.view.title == title)
        assert who.view is not None
        self._saw(who, "in the window:", draw_window(who.view))

    async def _message(self, who: Member, part: str) -> Message:
        """The newest direct message that has this in it."""
        return await who.until(lambda: next((one for one in reversed(who.dm) if part in one.shows), None))

    def _did(self, who: Member, what: str) -> None:
        self._tell(f"{who.name:<6} {what}", ())

    def _saw(self, who: Member, what: str, picture: Sequence[str]) -> None:
        self._tell(f"{who.name:<6} sees {what}", picture)


def _at(person: Member) -> str:
    """A person's name as Slack puts it into a command."""
    return f"<@{person.id}|{person.name}>"
