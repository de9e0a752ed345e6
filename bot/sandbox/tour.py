"""The journeys, played in the terminal: what the person did and saw, and what Onetime Secret was asked.

Nothing in it is scripted output: each line is read from the emulators after the bot did its work, and a
journey that does not end as it should ends the tour with exit code 1.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TextIO

from bot.sandbox.onetime import Held, Seen
from bot.sandbox.picture import draw_message, draw_window
from bot.sandbox.slack import Member, Message, View
from bot.sandbox.tour_sharing import Sharing
from bot.sandbox.world import World
from bot.watch.schedule import IN_FIRST_HOUR, JITTER

FAST = 600  # times as fast as the machine's clock
PATIENCE = 30.0  # seconds for each thing to come on a busy machine; without one it comes within two
A_MOMENT = 4.0  # seconds in which a message comes that is due: a look, and the sending
NEXT_LOOK = IN_FIRST_HOUR * (1 + JITTER) + 1  # seconds of the clock until a secret of an hour is looked at again
MOST_LOOKS = 5  # that are waited for, less than 4 minutes in all: after a reminder the secret has 9 left


class Tour:
    def __init__(self, world: World, email: str, token: str, out: TextIO) -> None:
        self._world = world
        self._email = email
        self._token = token
        self._out = out
        self._ada: Member = world.workspace.person("U0ADA", "ada")
        self._asked: list[Seen] = []
        self._read = 0  # how many private messages were looked at
        world.workspace.state.changes.patience = PATIENCE
        self._sharing = Sharing(world, self._ada, self._tell)
        world.onetime.subscribe(self._asked.append)

    async def play(self) -> int:
        """All journeys, one after another. 0 when each of them held."""
        journeys: tuple[tuple[str, Callable[[], Awaitable[None]]], ...] = (
            ("Connect an account", self.connect),
            ("List recent secrets", self.recent),
            ("Look at one without opening it", self.metadata),
            ("Open a one-time link that has a passphrase", self.retrieve),
            ("Close the window too early, and get it all the same", self.closed),
            ("Share a secret with two colleagues", self._sharing.share),
            ("Ask a colleague for a secret", self._sharing.request),
            ("Generate a password", self._sharing.generate),
            ("Burn a secret before anybody reads it", self.burn),
            ("Be told when a secret is opened", self.tracked),
            ("Be reminded, and told when it expired", self.expired),
            ("What was left where", self.left),
        )
        for number, (title, journey) in enumerate(journeys, 1):
            heading = f"{number}. {title}"
            self._write(f"\n{heading}\n{'-' * len(heading)}")
            try:
                await journey()
            except (TimeoutError, AssertionError) as error:
                self._write(f"   FAILED: {type(error).__name__} {error}\n   The person saw: {self._ada.sees()}")
                return 1
            self._flush()
        self._write("\nEverything held.")
        return 0

    # --- the journeys

    async def connect(self) -> None:
        form = await self._window("connect", "Connect")
        self._did("types a wrong token")
        await self._ada.submit(form, {"username": self._email, "token": "not-the-token"})
        assert "token" in form.errors
        self._saw(f"at the field: {form.errors['token']}")
        self._did("types the right one")
        await self._ada.submit(form, {"username": self._email, "token": self._token})
        await self._sees_window("is connected")
        await self._ada.close()

    async def recent(self) -> None:
        for text in ("the first", "the second"):
            self._world.onetime.share(self._email, text)
        opened = self._world.onetime.share(self._email, "the third")
        self._elsewhere("three secrets are made in a browser, and one of them is opened by somebody")
        self._world.onetime.open_as_outsider(opened.secret_key)
        await self._command("recent")
        await self._sees("3 secrets")
        await self._command("recent received")
        await self._sees("1 opened secret")

    async def metadata(self) -> None:
        held = self._share("a text that nobody needs yet")
        await self._command(
            f"metadata {self._world.onetime.url}/private/{held.metadata_key}", "metadata <private link>"
        )
        await self._sees("Not opened yet")
        assert self._state(held).has_plaintext
        self._elsewhere("Onetime Secret still has its text")

    async def retrieve(self) -> None:
        text = "correct horse\n\tbattery staple  & <tags> stay as they are"
        held = self._share(text, "the passphrase")
        view = await self._window(self._link(held), "Open", "retrieve <link>")
        assert self._world.onetime.posts_of(held.secret_key) == 0
        self._elsewhere("Onetime Secret was not asked for it yet")
        self._did("presses Open without a passphrase")
        await self._ada.submit(view)
        await self._sees_window("did not open")
        self._did("types the passphrase and presses Open")
        await self._ada.submit(self._ada.view, {"passphrase": "the passphrase"})
        await self._sees_secret(text)
        assert self._world.onetime.claims_of(held.secret_key) == 1
        await self._ada.close()
        self._did("closes the window")

    async def closed(self) -> None:
        held = self._share("nearly lost")
        view = await self._window(self._link(held), "Open", "retrieve <link>")
        unsubscribe = self._world.onetime.subscribe(self._close_on)
        self._did("presses Open, and the window closes while Onetime Secret is answering")
        await self._ada.submit(view)
        message = await self._ada.until(lambda: self._ada.dm[-1] if self._ada.dm else None)
        unsubscribe()
        self._saw("a direct message:", draw_message(message))
        assert "nearly lost" not in message.shows
        self._did("presses Show again")
        await self._ada.click(message, label="Show again")
        await self._sees_secret("nearly lost")
        await self._ada.close()

    def _close_on(self, seen: Seen) -> None:
        if seen.route == "/api/v1/secret/{key}" and self._ada.view is not None:
            self._world.workspace.state.close([self._ada.view])

    async def burn(self) -> None:
        held = self._share("sent to the wrong person")
        private = f"{self._world.onetime.url}/private/{held.metadata_key}"
        view = await self._window(f"burn {private}", "Burn it", "burn <private link>")
        self._did("presses Burn it")
        await self._ada.submit(view)
        await self._sees_window("Burned")
        assert self._state(held).state == "burned"
        assert not self._state(held).has_plaintext
        self._elsewhere("Onetime Secret does not have its text any more")
        await self._ada.close()

    async def tracked(self) -> None:
        held = self._share("for a colleague")
        before = len(self._ada.dm)
        private = f"{self._world.onetime.url}/private/{held.metadata_key}"
        await self._command(f"track {private} for a colleague", "track <private link> for a colleague")
        card = await self._ada.until(lambda: self._ada.dm[before] if len(self._ada.dm) > before else None)
        self._saw("a direct message, the card:", draw_message(card))
        await self._sees("You will get a message")
        self._elsewhere("somebody opens the link in a browser")
        self._world.onetime.open_as_outsider(held.secret_key)
        news = await self._told("was opened", before)
        # How often the bot had looked by then depends on the moment; each look is one call for the whole account.
        self._asked = [one for one in self._asked if not one.route.endswith("/recent")]
        self._saw("a new direct message:", draw_message(news))
        await self._ada.until(lambda: "Opened" in card.shows)
        self._saw("the card, changed in place:", draw_message(card))

    async def expired(self) -> None:
        held = self._world.onetime.share(self._email, "for somebody on holiday", ttl=3600)
        self._elsewhere("a secret that lives for an hour is made in a browser")
        before = len(self._ada.dm)
        private = f"{self._world.onetime.url}/private/{held.metadata_key}"
        await self._command(f"track {private} for the holidays", "track <private link> for the holidays")
        card = await self._ada.until(lambda: self._ada.dm[before] if len(self._ada.dm) > before else None)
        await self._sees("You will get a message")
        for seconds, part in ((51 * 60, "has not been opened yet"), (10 * 60, "Nobody opened it")):
            self._elsewhere(f"{seconds // 60} minutes pass, {FAST} times as fast, and nobody opens it")
            await self._world.clock.run(seconds, FAST)
            news = await self._told_late(part, before)
            self._asked.clear()  # how often the bot had looked by then depends on the moment
            self._saw("a new direct message:", draw_message(news))
        await self._ada.until(lambda: "Expired" in card.shows)
        self._saw("the card, changed in place:", draw_message(card))

    async def _told(self, part: str, before: int, within: float = PATIENCE) -> Message:
        """The direct message that says so, after so many others."""

        def told() -> Message | None:
            return next((one for one in self._ada.dm[before:] if part in one.shows), None)

        message: Message = await self._ada.until(told, within)
        return message

    async def _told_late(self, part: str, before: int) -> Message:
        """The direct message that the clock alone brings about.

        While the clock runs fast, minutes pass during one look. A look that began too early to see that the message
        is due may end when the clock stands, and the next look follows up to `NEXT_LOOK` seconds later. So the clock
        moves on by that while the message is not there.
        """
        for _ in range(MOST_LOOKS):
            with suppress(TimeoutError):
                return await self._told(part, before, A_MOMENT)
            self._world.clock.move(NEXT_LOOK)
        return await self._told(part, before)

    async def left(self) -> None:
        messages = [one.shows for one in self._world.workspace.messages]
        texts = ("correct horse", "nearly lost", "the passphrase", self._token, *self._sharing.texts)
        assert not any(text in message for text in texts for message in messages)
        self._saw(f"{len(messages)} messages are left in Slack: none has a secret, a passphrase or a token in it")
        output = bytes(self._world.bot.output).decode()
        assert not any(text in output for text in (*texts, self._email))
        self._saw(f"the bot wrote {len(output.splitlines())} log lines: none has one either")
        files = b"".join(path.read_bytes() for path in self._world.directory.iterdir() if path.is_file())
        assert not any(text.encode() in files for text in (*texts, self._email))
        self._saw(f"its database has {len(files)} bytes: nothing of it can be read there")

    # --- how they are played

    def _share(self, text: str, passphrase: str | None = None) -> Held:
        held = self._world.onetime.share(self._email, text, passphrase=passphrase)
        self._elsewhere(f"a secret is made in a browser{', with a passphrase' if passphrase else ''}")
        return held

    def _state(self, held: Held) -> Held:
        found = self._world.onetime.held(held.metadata_key)
        assert found is not None
        return found

    def _link(self, held: Held) -> str:
        return f"retrieve {self._world.onetime.url}/secret/{held.secret_key}"

    async def _command(self, text: str, shown: str | None = None) -> None:
        self._did(f"types /ots {shown or text}")
        delivery = await self._ada.command("/ots", text)
        assert delivery.ok, delivery.error
        self._write(f"   bot    acknowledges in {delivery.seconds * 1000:.0f} ms")

    async def _window(self, text: str, submit: str, shown: str | None = None) -> View:
        await self._command(text, shown)
        view: View = await self._ada.until(
            lambda: self._ada.view if self._ada.view and self._ada.view.submit == submit else None
        )
        self._saw("a window:", draw_window(view))
        return view

    async def _sees(self, part: str) -> None:
        message = await self._ada.until(lambda: next((one for one in self._fresh() if part in one.shows), None))
        self._read = len(self._ada.ephemerals)
        self._saw("a message that nobody else sees:", draw_message(message))

    def _fresh(self) -> list[Message]:
        return self._ada.ephemerals[self._read :]

    async def _sees_window(self, part: str) -> None:
        await self._ada.until(lambda: self._ada.view and part in self._ada.view.text)
        assert self._ada.view is not None
        self._saw("in the window:", draw_window(self._ada.view))

    async def _sees_secret(self, text: str) -> None:
        await self._ada.until(lambda: self._ada.view and self._ada.view.secret_text() == text)
        assert self._ada.view is not None
        self._saw("in the window:", draw_window(self._ada.view))
        self._elsewhere(f"that is what was put in, byte for byte: {text!r}")

    def _did(self, what: str) -> None:
        self._tell(f"ada    {what}")

    def _saw(self, what: str, picture: Sequence[str] = ()) -> None:
        self._tell(f"sees   {what}", picture)

    def _elsewhere(self, what: str) -> None:
        self._tell(f"…      {what}")

    def _tell(self, line: str, picture: Sequence[str] = ()) -> None:
        """What came next, behind what Onetime Secret was asked before it."""
        self._flush()
        for one in (line, *(f"       {part}" for part in picture)):
            self._write(f"   {one}")

    def _flush(self) -> None:
        """What Onetime Secret was asked since the last line, less the watcher's looks: they come when they are due."""
        for seen in self._asked:
            if self._sharing.is_watched and _is_a_look(seen):
                continue
            self._write(f"   asked  {seen.method} {seen.route} as {seen.caller} -> {seen.status}")
        self._asked.clear()

    def _write(self, line: str) -> None:
        for one in self._world.workspace.people:  # a person is shown by their name
            line = line.replace(f"@{one.id}", f"@{one.name}")
        print(line, file=self._out, flush=True)


def _is_a_look(seen: Seen) -> bool:
    return seen.method == "GET" and (seen.route.endswith("/recent") or seen.caller == "anonymous")
