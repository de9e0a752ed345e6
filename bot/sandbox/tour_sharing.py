"""The journeys of three people: sharing, asking for a secret, generating one, shortcuts, and posted links."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.sandbox.slack import SlackChannel, SlackMessage, SlackView, WorkspaceMember
from bot.sandbox.terminal import draw_cards, draw_message, draw_window
from bot.sandbox.world import World


class SharingTour:
    """Five journeys for `Tour`. `tell` is called with a line, and a picture to print under the line."""

    SHARED = "the staging password is correct-horse-staple"
    POSTED = "hunter2-in-a-thread"
    LINKED = "the licence of the text editor"
    ANSWERED = "an answer that nobody else reads"

    def __init__(self, world: World, ada: WorkspaceMember, tell: Callable[[str, Sequence[str]], None]) -> None:
        self._world = world
        self._ada = ada
        self._ben = world.workspace.person("U0BEN", "ben")
        self._cleo = world.workspace.person("U0CLEO", "cleo")
        self._print = tell
        self.is_watched = False  # True from the first share on: the watcher polls then
        self.password = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts, passwords and keys that must not be found anywhere after these journeys."""
        keys = (key for one in self._world.onetime.everything() for key in (one.secret_key, one.metadata_key))
        return (self.SHARED, self.ANSWERED, self.POSTED, self.LINKED, self.password, *keys)

    # --- the journeys

    async def share(self) -> None:
        ada, ben, cleo = self._ada, self._ben, self._cleo
        self.is_watched = True
        view = await self._open_window(ada, f"share {_mention(ben)} {_mention(cleo)}", "share @ben @cleo", "Share")
        self._print_action(ada, "types the secret and a note, and presses Share")
        await ada.submit(view, {"text1": self.SHARED, "note": "for the staging host"})
        await self._expect_window(ada, "Shared")
        await ada.close()
        card = await self._wait_for_dm(ada, "0 of 2 opened")
        self._print_sight(ben, "a direct message:", draw_message(await self._wait_for_dm(ben, "for the staging host")))
        await self._open_shared(ben, await self._wait_for_dm(ben, "for the staging host"), self.SHARED)
        self._print_sight(
            ada, "a direct message:", draw_message(await self._wait_for_dm(ada, "opened “for the staging host”"))
        )
        await ada.until(lambda: "1 of 2 opened" in card.shows)
        self._print_sight(ada, "the card of it, changed in place:", draw_message(card))
        self._print_action(ada, "presses Burn for the other")
        await ada.click(card, label="Burn")
        message = await self._wait_for_dm(cleo, "before it was opened")
        self._print_sight(cleo, "the message, changed in place:", draw_message(message))

    async def request(self) -> None:
        ada, cleo = self._ada, self._cleo
        text = f"request {_mention(cleo)} the key of the archive"
        view = await self._open_window(ada, text, "request @cleo the key of the archive", "Ask")
        self._print_action(ada, "presses Ask")
        await ada.submit(view)
        message = await self._wait_for_dm(cleo, "asks you for a secret")
        await ada.until(lambda: ada.view and "was asked" in ada.view.text)
        await ada.close()
        self._print_sight(cleo, "a direct message:", draw_message(message))
        self._print_action(cleo, "presses Send…, types it into the window, and presses Share")
        await cleo.click(message, label="Send…")
        form = await cleo.until(lambda: cleo.view if cleo.view and cleo.view.submit == "Share" else None)
        await cleo.submit(form, {"text1": self.ANSWERED})
        await self._expect_window(cleo, "Shared")
        await cleo.close()
        card = await self._wait_for_dm(ada, "Answered")
        self._print_sight(ada, "the card of the request, changed in place:", draw_message(card))
        await self._open_shared(ada, await self._wait_for_dm(ada, "shares a one-time secret with you"), self.ANSWERED)

    async def generate(self) -> None:
        ada = self._ada
        view = await self._open_window(ada, "generate", "generate", "Generate")
        before = self._posts()
        self._print_action(ada, "presses Generate")
        await ada.submit(view)
        await ada.until(lambda: ada.view and ada.view.title == "Your password")
        assert ada.view is not None
        self.password = ada.view.secret_text()
        hidden = [line.replace(self.password, "•" * len(self.password)) for line in draw_window(ada.view)]
        self._print_sight(ada, "in the window (here as dots):", hidden)
        assert self._posts() == before
        self._print("…      Onetime Secret was not asked, and never had it", ())
        await ada.close()

    async def use_shortcuts(self) -> None:
        """A global shortcut, then both message shortcuts on messages of a channel."""
        ada, ben = self._ada, self._ben
        channel = self._team()
        self._print_action(ada, "uses the shortcut “Open a one-time link”")
        await ada.shortcut("open_link")
        self._print_sight(ada, "a window:", draw_window(await self._wait_for_window(ada, "Next")))
        await ada.close()
        held = self._world.onetime.share(None, "the private link was posted by mistake")
        self._print_action(ben, "posts the private link of a secret in #team")
        posted = ben.say(f"<{self._world.onetime.url}/private/{held.metadata_key}>", channel=channel)
        self._print_action(ada, "uses “Check one-time link” on that message")
        await ada.message_shortcut("check_link", posted)
        view = await ada.until(lambda: ada.view if ada.view and "Check now" in ada.view.text else None)
        self._print_sight(ada, "a window:", draw_window(view))
        await ada.close()
        self._world.workspace.state.delete(posted)
        self._print_action(ben, "is told, and deletes the message")
        question = ben.say("which password was it?", channel=channel)
        self._print_action(ben, "asks for a password in #team, and gets it in the thread")
        answer = ada.say(self.POSTED, channel=channel, thread=question)
        self._print_action(ada, "uses “Make a one-time link” on that message, and presses Share")
        await ada.message_shortcut("make_link", answer)
        view = await self._wait_for_window(ada, "Share")
        self._print_sight(ada, "a window:", draw_window(view))
        await ada.submit(view, {"to": [ben.id]})
        await self._expect_window(ada, "Shared")
        await ada.close()
        self._world.workspace.state.delete(answer)
        self._print_action(ada, "deletes the message")

    async def post_link(self) -> None:
        """A one-time link in a channel gets a card, from which one of its readers opens it."""
        ada, ben = self._ada, self._ben
        held = self._world.onetime.share(None, self.LINKED)
        self._print_action(ada, "makes a one-time link in a browser, and posts it in #team")
        message = await ada.post(f"{self._world.onetime.url}/secret/{held.secret_key}", channel=self._team())
        await ada.until(lambda: message.attachments)
        assert self._world.onetime.posts_of(held.secret_key) == 0
        self._print_sight(ben, "a card under the link:", draw_cards(message))
        self._print_action(ben, "presses Open on the card, and Open in the window")
        await ben.click(message, label="Open")
        await ben.submit(await self._wait_for_window(ben, "Open"))
        await ben.until(lambda: ben.view and ben.view.secret_text() == self.LINKED)
        assert ben.view is not None
        self._print_sight(ben, "in the window:", draw_window(ben.view))
        await ben.close()
        await ada.until(lambda: "opens nothing any more" in str(message.attachments))
        self._print_sight(ada, "the card, changed in place:", draw_cards(message))
        self._world.workspace.state.delete(message)
        self._print_action(ada, "deletes the message")

    def _posts(self) -> int:
        """How often Onetime Secret was asked for something that is no look at what is tracked."""
        return sum(one.method == "POST" for one in self._world.onetime.calls)

    def _team(self) -> SlackChannel:
        """The channel of Ada and Ben, with the app in it."""
        workspace = self._world.workspace
        known = next((one for one in workspace.channels if one.id == "C0TEAM"), None)
        return known or workspace.channel("C0TEAM", "team", [self._ada, self._ben, workspace.bot_user_id])

    # --- the steps of a journey

    async def _open_shared(self, who: WorkspaceMember, message: SlackMessage, text: str) -> None:
        self._print_action(who, "presses Open, and confirms that it works once")
        await who.click(message, label="Open")
        await who.until(lambda: who.view and who.view.secret_text() == text)
        assert who.view is not None
        self._print_sight(who, "in the window:", draw_window(who.view))
        await who.close()

    async def _open_window(self, who: WorkspaceMember, text: str, shown: str, submit: str) -> SlackView:
        self._print_action(who, f"types /ots {shown}")
        delivery = await who.command("/ots", text)
        assert delivery.ok, delivery.error
        view = await self._wait_for_window(who, submit)
        self._print_sight(who, "a window:", draw_window(view))
        return view

    async def _wait_for_window(self, who: WorkspaceMember, submit: str) -> SlackView:
        return await who.until(lambda: who.view if who.view and who.view.submit == submit else None)

    async def _expect_window(self, who: WorkspaceMember, title: str) -> None:
        await who.until(lambda: who.view and who.view.title == title)
        assert who.view is not None
        self._print_sight(who, "in the window:", draw_window(who.view))

    async def _wait_for_dm(self, who: WorkspaceMember, part: str) -> SlackMessage:
        """Wait for a direct message with `part` in it. Returns the newest one."""
        return await who.until(lambda: next((one for one in reversed(who.dm) if part in one.shows), None))

    def _print_action(self, who: WorkspaceMember, what: str) -> None:
        self._print(f"{who.name:<6} {what}", ())

    def _print_sight(self, who: WorkspaceMember, what: str, picture: Sequence[str]) -> None:
        self._print(f"{who.name:<6} sees {what}", picture)


def _mention(person: WorkspaceMember) -> str:
    """A person's name in the form that Slack puts into the text of a command."""
    return f"<@{person.id}|{person.name}>"
