"""The tour: plays the journeys of a person and prints what the person did and saw, and the calls to Onetime Secret.

No output is scripted. Each line is read from the emulators after the bot has done its work. A journey that does not
end as expected ends the tour with exit code 1.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TextIO

from bot.sandbox.onetime import RequestRecord, SecretSnapshot
from bot.sandbox.slack import SlackMessage, SlackView, WorkspaceMember
from bot.sandbox.terminal import draw_home, draw_message, draw_window
from bot.sandbox.tour_sharing import SharingTour
from bot.sandbox.world import World
from bot.watch.schedule import FIRST_HOUR_INTERVAL, JITTER

SPEED = 600  # sandbox seconds for each real second
PATIENCE = 30.0  # seconds to wait for each thing on a busy machine; on a quiet one it comes within two
DUE_PATIENCE = 4.0  # seconds to wait for a notification that is due: one poll, and the sending
NEXT_POLL = (
    FIRST_HOUR_INTERVAL * (1 + JITTER) + 1
)  # sandbox seconds until the next poll for a secret that lives for an hour
MAX_POLLS = 5  # to wait for, less than 4 minutes in all: after the reminder the secret has 9 minutes left


class Tour:
    """Plays the journeys of Ada, who has the account `email` with the API token `token`, and writes them to `out`."""

    def __init__(self, world: World, email: str, token: str, out: TextIO) -> None:
        self._world = world
        self._email = email
        self._token = token
        self._out = out
        self._ada: WorkspaceMember = world.workspace.person("U0ADA", "ada")
        self._requests: list[RequestRecord] = []
        self._ephemerals_read = 0  # ephemeral messages that were printed already
        world.workspace.state.changes.patience = PATIENCE
        self._sharing = SharingTour(world, self._ada, self._print)
        world.onetime.subscribe(self._requests.append)

    async def play(self) -> int:
        """Play all journeys, one after another. Returns 0 when all of them held, 1 after the first that did not."""
        journeys: tuple[tuple[str, Callable[[], Awaitable[None]]], ...] = (
            ("Connect an account", self.connect),
            ("List recent secrets", self.list_recent),
            ("Look at one without opening it", self.show_metadata),
            ("Open a one-time link that has a passphrase", self.retrieve),
            ("Close the window too early, and get it all the same", self.close_too_early),
            ("Share a secret with two colleagues", self._sharing.share),
            ("Ask a colleague for a secret", self._sharing.request),
            ("Generate a password", self._sharing.generate),
            ("Use shortcuts, in a thread too", self._sharing.use_shortcuts),
            ("Post a one-time link, and open it from its card", self._sharing.post_link),
            ("Burn a secret before anybody reads it", self.burn),
            ("See everything in the Home tab, and burn one there", self.burn_in_home),
            ("Be told when a secret is opened", self.track_until_opened),
            ("Be reminded, and told when it expired", self.track_until_expired),
            ("What was left where", self.check_what_is_left),
        )
        for number, (title, journey) in enumerate(journeys, 1):
            heading = f"{number}. {title}"
            self._print_line(f"\n{heading}\n{'-' * len(heading)}")
            try:
                await journey()
            except (TimeoutError, AssertionError) as error:
                self._print_line(f"   FAILED: {type(error).__name__} {error}\n   The person saw: {self._ada.sees()}")
                return 1
            self._print_requests()
        self._print_line("\nEverything held.")
        return 0

    # --- the journeys

    async def connect(self) -> None:
        form = await self._open_window("connect", "Connect")
        self._print_action("types a wrong token")
        await self._ada.submit(form, {"username": self._email, "token": "not-the-token"})
        assert "token" in form.errors
        self._print_sight(f"at the field: {form.errors['token']}")
        self._print_action("types the right one")
        await self._ada.submit(form, {"username": self._email, "token": self._token})
        await self._expect_window("is connected")
        await self._ada.close()

    async def list_recent(self) -> None:
        for text in ("the first", "the second"):
            self._world.onetime.share(self._email, text)
        opened = self._world.onetime.share(self._email, "the third")
        self._print_elsewhere("three secrets are made in a browser, and one of them is opened by somebody")
        self._world.onetime.open_as_outsider(opened.secret_key)
        await self._type_command("recent")
        await self._expect_message("3 secrets")
        await self._type_command("recent received")
        await self._expect_message("1 opened secret")

    async def show_metadata(self) -> None:
        held = self._make_secret("a text that nobody needs yet")
        await self._type_command(
            f"metadata {self._world.onetime.url}/private/{held.metadata_key}", "metadata <private link>"
        )
        await self._expect_message("Not opened yet")
        assert self._current(held).has_plaintext
        self._print_elsewhere("Onetime Secret still has its text")

    async def retrieve(self) -> None:
        text = "correct horse\n\tbattery staple  & <tags> stay as they are"
        held = self._make_secret(text, "the passphrase")
        view = await self._open_window(self._retrieve_command(held), "Open", "retrieve <link>")
        assert self._world.onetime.posts_of(held.secret_key) == 0
        self._print_elsewhere("Onetime Secret was not asked for it yet")
        self._print_action("presses Open without a passphrase")
        await self._ada.submit(view)
        await self._expect_window("did not open")
        self._print_action("types the passphrase and presses Open")
        await self._ada.submit(self._ada.view, {"passphrase": "the passphrase"})
        await self._expect_secret(text)
        assert self._world.onetime.claims_of(held.secret_key) == 1
        await self._ada.close()
        self._print_action("closes the window")

    async def close_too_early(self) -> None:
        held = self._make_secret("nearly lost")
        view = await self._open_window(self._retrieve_command(held), "Open", "retrieve <link>")
        unsubscribe = self._world.onetime.subscribe(self._close_on)
        self._print_action("presses Open, and the window closes while Onetime Secret is answering")
        await self._ada.submit(view)
        message = await self._ada.until(lambda: self._ada.dm[-1] if self._ada.dm else None)
        unsubscribe()
        self._print_sight("a direct message:", draw_message(message))
        assert "nearly lost" not in message.shows
        self._print_action("presses Show again")
        await self._ada.click(message, label="Show again")
        await self._expect_secret("nearly lost")
        await self._ada.close()

    def _close_on(self, seen: RequestRecord) -> None:
        if seen.route == "/api/v1/secret/{key}" and self._ada.view is not None:
            self._world.workspace.state.close([self._ada.view])

    async def burn(self) -> None:
        held = self._make_secret("sent to the wrong person")
        private = f"{self._world.onetime.url}/private/{held.metadata_key}"
        view = await self._open_window(f"burn {private}", "Burn it", "burn <private link>")
        self._print_action("presses Burn it")
        await self._ada.submit(view)
        await self._expect_window("Burned")
        assert self._current(held).state == "burned"
        assert not self._current(held).has_plaintext
        self._print_elsewhere("Onetime Secret does not have its text any more")
        await self._ada.close()

    async def burn_in_home(self) -> None:
        self._world.clock.move(60)  # seconds: what was made before is older, also where a server counts whole seconds
        held = self._make_secret("sent in a hurry")
        before = len(self._ada.dm)
        private = f"{self._world.onetime.url}/private/{held.metadata_key}"
        await self._type_command(f"track {private} sent in a hurry", "track <private link> sent in a hurry")
        card = await self._wait_for_dm("sent in a hurry", before)
        await self._expect_message("You will get a message")
        self._print_action("opens the Home tab of the app")
        await self._ada.open_home()
        home = await self._ada.until(
            lambda: self._ada.home if self._ada.home and "sent in a hurry" in self._ada.home.text else None
        )
        # The server is asked by the way, and what it lists comes with this Home or with the next: that is left out.
        self._requests = [one for one in self._requests if not one.route.endswith("/recent")]
        lines = draw_home(home)
        until = next(number for number, line in enumerate(lines) if line.startswith("Recent"))
        self._print_sight("the Home tab; its upper half:", lines[:until])
        self._print_action("presses Burn there, and confirms")
        await self._ada.click(home, block_id=_find_row(home, "Burn “sent in a hurry”"), label="Burn")
        await self._expect_window("Burned")
        await self._ada.until(lambda: "Burned" in card.shows)
        assert self._current(held).state == "burned"
        self._requests = [one for one in self._requests if not one.route.endswith("/recent")]
        self._print_sight("the card, changed in place:", draw_message(card))
        await self._ada.close()
        self._ada.has_home_open = False

    async def track_until_opened(self) -> None:
        held = self._make_secret("for a colleague")
        before = len(self._ada.dm)
        private = f"{self._world.onetime.url}/private/{held.metadata_key}"
        await self._type_command(f"track {private} for a colleague", "track <private link> for a colleague")
        card = await self._wait_for_dm("for a colleague", before)
        self._print_sight("a direct message, the card:", draw_message(card))
        await self._expect_message("You will get a message")
        self._print_elsewhere("somebody opens the link in a browser")
        self._world.onetime.open_as_outsider(held.secret_key)
        notification = await self._wait_for_dm("was opened", before)
        # How often the bot has polled by now differs from run to run. Each poll is one call for the whole account.
        self._requests = [one for one in self._requests if not one.route.endswith("/recent")]
        self._print_sight("a new direct message:", draw_message(notification))
        await self._ada.until(lambda: "Opened" in card.shows)
        self._print_sight("the card, changed in place:", draw_message(card))

    async def track_until_expired(self) -> None:
        held = self._world.onetime.share(self._email, "for somebody on holiday", ttl=3600)
        self._print_elsewhere("a secret that lives for an hour is made in a browser")
        before = len(self._ada.dm)
        private = f"{self._world.onetime.url}/private/{held.metadata_key}"
        await self._type_command(f"track {private} for the holidays", "track <private link> for the holidays")
        card = await self._wait_for_dm("for the holidays", before)
        await self._expect_message("You will get a message")
        for seconds, part in ((51 * 60, "has not been opened yet"), (10 * 60, "Nobody opened it")):
            self._print_elsewhere(f"{seconds // 60} minutes pass, {SPEED} times as fast, and nobody opens it")
            await self._world.clock.run(seconds, SPEED)
            notification = await self._wait_for_due_dm(part, before)
            self._requests.clear()  # how often the bot has polled by now differs from run to run
            self._print_sight("a new direct message:", draw_message(notification))
        await self._ada.until(lambda: "Expired" in card.shows)
        self._print_sight("the card, changed in place:", draw_message(card))

    async def _wait_for_dm(self, part: str, before: int, timeout: float = PATIENCE) -> SlackMessage:  # noqa: ASYNC109  callers choose the timeout
        """Wait for a direct message with `part` in it, after the first `before` messages. Raises `TimeoutError`."""

        def find() -> SlackMessage | None:
            return next((one for one in self._ada.dm[before:] if part in one.shows), None)

        message: SlackMessage = await self._ada.until(find, timeout)
        return message

    async def _wait_for_due_dm(self, part: str, before: int) -> SlackMessage:
        """Wait for a direct message that is due because of the clock alone.

        While the clock runs fast, minutes of the sandbox pass during one poll. A poll that began too early to see that
        the message is due may end when the clock has stopped, and the next poll follows up to `NEXT_POLL` seconds
        later. So the clock is moved by `NEXT_POLL` while the message has not come.
        """
        for _ in range(MAX_POLLS):
            with suppress(TimeoutError):
                return await self._wait_for_dm(part, before, DUE_PATIENCE)
            self._world.clock.move(NEXT_POLL)
        return await self._wait_for_dm(part, before)

    async def check_what_is_left(self) -> None:
        messages = [one.shows for one in self._world.workspace.messages]
        texts = ("correct horse", "nearly lost", "the passphrase", self._token, *self._sharing.texts)
        assert not any(text in message for text in texts for message in messages)
        self._print_sight(
            f"{len(messages)} messages are left in Slack: none has a secret, a passphrase or a token in it"
        )
        output = bytes(self._world.bot.output).decode()
        assert not any(text in output for text in (*texts, self._email))
        self._print_sight(f"the bot wrote {len(output.splitlines())} log lines: none has one either")
        files = b"".join(path.read_bytes() for path in self._world.directory.iterdir() if path.is_file())
        assert not any(text.encode() in files for text in (*texts, self._email))
        self._print_sight(f"its database has {len(files)} bytes: nothing of it can be read there")

    # --- the steps of a journey

    def _make_secret(self, text: str, passphrase: str | None = None) -> SecretSnapshot:
        held = self._world.onetime.share(self._email, text, passphrase=passphrase)
        self._print_elsewhere(f"a secret is made in a browser{', with a passphrase' if passphrase else ''}")
        return held

    def _current(self, held: SecretSnapshot) -> SecretSnapshot:
        found = self._world.onetime.find_secret(held.metadata_key)
        assert found is not None
        return found

    def _retrieve_command(self, held: SecretSnapshot) -> str:
        return f"retrieve {self._world.onetime.url}/secret/{held.secret_key}"

    async def _type_command(self, text: str, shown: str | None = None) -> None:
        self._print_action(f"types /ots {shown or text}")
        delivery = await self._ada.command("/ots", text)
        assert delivery.ok, delivery.error
        self._print_line(f"   bot    acknowledges in {delivery.seconds * 1000:.0f} ms")

    async def _open_window(self, text: str, submit: str, shown: str | None = None) -> SlackView:
        await self._type_command(text, shown)
        view: SlackView = await self._ada.until(
            lambda: self._ada.view if self._ada.view and self._ada.view.submit == submit else None
        )
        self._print_sight("a window:", draw_window(view))
        return view

    async def _expect_message(self, part: str) -> None:
        message = await self._ada.until(
            lambda: next((one for one in self._unread_ephemerals() if part in one.shows), None)
        )
        self._ephemerals_read = len(self._ada.ephemerals)
        self._print_sight("a message that nobody else sees:", draw_message(message))

    def _unread_ephemerals(self) -> list[SlackMessage]:
        return self._ada.ephemerals[self._ephemerals_read :]

    async def _expect_window(self, part: str) -> None:
        await self._ada.until(lambda: self._ada.view and part in self._ada.view.text)
        assert self._ada.view is not None
        self._print_sight("in the window:", draw_window(self._ada.view))

    async def _expect_secret(self, text: str) -> None:
        await self._ada.until(lambda: self._ada.view and self._ada.view.secret_text() == text)
        assert self._ada.view is not None
        self._print_sight("in the window:", draw_window(self._ada.view))
        self._print_elsewhere(f"that is what was put in, byte for byte: {text!r}")

    def _print_action(self, what: str) -> None:
        self._print(f"ada    {what}")

    def _print_sight(self, what: str, picture: Sequence[str] = ()) -> None:
        self._print(f"sees   {what}", picture)

    def _print_elsewhere(self, what: str) -> None:
        self._print(f"…      {what}")

    def _print(self, line: str, picture: Sequence[str] = ()) -> None:
        """Print the requests to Onetime Secret since the last line, then `line` and the picture under it."""
        self._print_requests()
        for one in (line, *(f"       {part}" for part in picture)):
            self._print_line(f"   {one}")

    def _print_requests(self) -> None:
        """Print the requests since the last line. The watcher's polls are left out: their moment varies."""
        for seen in self._requests:
            if self._sharing.is_watched and _is_poll(seen):
                continue
            self._print_line(f"   asked  {seen.method} {seen.route} as {seen.caller} -> {seen.status}")
        self._requests.clear()

    def _print_line(self, line: str) -> None:
        for one in self._world.workspace.people:  # people are printed by their names
            line = line.replace(f"@{one.id}", f"@{one.name}")
        print(line, file=self._out, flush=True)


def _find_row(view: SlackView, label: str) -> str:
    """The block id of the row of buttons in which a screen reader says `label`."""
    rows = (
        block for block in view.blocks for one in block.get("elements", ()) if one.get("accessibility_label") == label
    )
    return str(next(rows)["block_id"])


def _is_poll(seen: RequestRecord) -> bool:
    return seen.method == "GET" and (seen.route.endswith("/recent") or seen.caller == "anonymous")
