"""What people do in `storm`, and what has to be so afterwards: everything was shown or delivered, or somebody was told."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.sandbox.onetime import OnetimeServer
from bot.sandbox.slack import AppDelivery, CannotDo, SlackMessage, SlackView, SlackWorkspace, WorkspaceMember
from bot.sandbox.slack.changes import WorkspaceChange
from tests.long.storm_faults import Trouble

PATIENCE = 12.0  # seconds that a person waits for something before doing something else
RECOVERS = 1.0  # seconds before a person tries something again
WAITING = re.compile(r"one moment|being made|opening the secret|may be open now, or not", re.IGNORECASE)
LOST = re.compile(
    r"may have been\s+opened|possibly opened|may be open|it is lost|nothing was kept|Show again|is gone|did not open",
    re.IGNORECASE,
)
Ending = Literal["opened", "burned"]
Act = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Shared:
    """A secret that somebody shared. `number` is in its note and its text."""

    number: int
    sender: WorkspaceMember
    recipient: WorkspaceMember
    was_taken: bool  # the bot acknowledged the form; else Slack showed an error


@dataclass(slots=True)
class Opened:
    """A try to open a secret."""

    text: str
    person: WorkspaceMember
    since: float  # monotonic seconds


@dataclass(slots=True)
class TrackedLink:
    """A secret that somebody tracks, and what became of it outside of the bot."""

    number: int
    owner: WorkspaceMember
    ending: Ending


@dataclass
class Storm:
    """The people, what they did, and what they saw."""

    workspace: SlackWorkspace
    onetime: OnetimeServer
    rng: random.Random
    trouble: Trouble
    shared: list[Shared] = field(default_factory=list)
    openings: list[Opened] = field(default_factory=list)
    tracked: list[TrackedLink] = field(default_factory=list)
    did: Counter[str] = field(default_factory=Counter)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _seen: set[tuple[str, str]] = field(default_factory=set)  # (user id, text of a secret that was shown)
    _told_lost: list[tuple[str, float]] = field(default_factory=list)  # (user id, when)
    _keys: dict[str, list[str]] = field(default_factory=dict)  # text -> the secret keys under which it was stored
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.workspace.subscribe(self._see)
        add = self.onetime._store.add

        def added(username: Any, text: str, *args: Any, **options: Any) -> Any:
            secret = add(username, text, *args, **options)
            self._keys.setdefault(text, []).append(secret.secret_key)
            return secret

        self.onetime._store.add = added  # type: ignore[assignment, method-assign]

    def _see(self, change: WorkspaceChange) -> None:
        about = change.about
        if isinstance(about, SlackView):
            if text := about.secret_text():
                self._seen.add((about.user, text))
            if LOST.search(about.text):
                self._told_lost.append((about.user, time.monotonic()))
        elif isinstance(about, SlackMessage) and LOST.search(about.shows):
            user = about.ephemeral_to or self.workspace.state.channels[about.channel].user
            self._told_lost.append((user or "", time.monotonic()))

    # --- doing something

    def acts(self, person: WorkspaceMember, others: list[WorkspaceMember], account: str) -> list[tuple[str, Act]]:
        """What the person may do next, each with its name."""
        return [
            ("share", lambda: self._share(person, self.rng.choice(others))),
            ("share and burn", lambda: self._share(person, self.rng.choice(others), burn=True)),
            ("open a link", lambda: self._open_link(person, account)),
            ("track", lambda: self._track(person, account)),
        ]

    async def live(self, person: WorkspaceMember, others: list[WorkspaceMember], account: str) -> None:
        """Do one thing after another until `stop`."""
        acts = self.acts(person, others, account)
        while not self._stop.is_set():
            name, act = self.rng.choice(acts)
            try:
                await act()
                self.did[name] += 1
            except (TimeoutError, CannotDo):
                self.did[f"{name}: given up"] += 1
                await asyncio.sleep(RECOVERS)
            while person.view is not None:
                await person.close()
            await asyncio.sleep(self.rng.uniform(0.1, 1.0))

    def stop(self) -> None:
        self._stop.set()

    async def _share(self, sender: WorkspaceMember, recipient: WorkspaceMember, *, burn: bool = False) -> None:
        number = next(self._numbers)
        form = await self._form(sender, "share", "Share")
        fields = {"text1": _text(number), "to": [recipient.id], "note": f"note {number}."}
        delivery = await sender.submit(form, fields)
        self.shared.append(Shared(number, sender, recipient, delivery.ok))
        _require(delivery)
        if burn:
            card = await sender.until(lambda: _find(sender, number, "share_burn"), PATIENCE)
            _require(await sender.click(card, action_id="share_burn"))
            return
        asking = await recipient.until(lambda: _find(recipient, number, "share_open"), PATIENCE)
        _require(await recipient.click(asking, action_id="share_open"))
        await self._open(recipient, number)

    async def _open_link(self, person: WorkspaceMember, account: str) -> None:
        number = next(self._numbers)
        held = self.onetime.share(account, _text(number))
        await _command(person, f"retrieve {self.onetime.url}/secret/{held.secret_key}")
        await self._open(person, number)

    async def _open(self, person: WorkspaceMember, number: int) -> None:
        """Press Open in the window that is about to come; then Show again where the bot offers it."""
        await person.until(lambda: person.view if person.view and person.view.submit else None, PATIENCE)
        since = time.monotonic()
        self.openings.append(Opened(_text(number), person, since))
        _require(await person.submit())
        await person.until(lambda: self._has_seen(person, number) or self._was_told(person, since), PATIENCE)
        if not self._has_seen(person, number) and (held := _find_button(person, "retrieve_again")) is not None:
            while person.view is not None:
                await person.close()
            await person.click(held, action_id="retrieve_again")
            await person.until(lambda: self._has_seen(person, number), PATIENCE)

    async def _track(self, owner: WorkspaceMember, account: str) -> None:
        number = next(self._numbers)
        held = self.onetime.share(account, _text(number))
        await _command(owner, f"track {self.onetime.url}/private/{held.metadata_key} label {number}.")
        await owner.until(lambda: any(f"label {number}." in one.shows for one in owner.dm), PATIENCE)
        ending: Ending = self.rng.choice(("opened", "burned"))
        self.tracked.append(TrackedLink(number, owner, ending))
        if ending == "opened":
            self.onetime.open_as_outsider(held.secret_key)
        else:
            self.onetime.burn_as_owner(held.metadata_key)

    async def _form(self, person: WorkspaceMember, command: str, submit: str) -> SlackView:
        await _command(person, command)
        return await person.until(
            lambda: person.view if person.view and person.view.submit == submit else None, PATIENCE
        )

    def _has_seen(self, person: WorkspaceMember, number: int) -> bool:
        return (person.id, _text(number)) in self._seen

    def _was_told(self, person: WorkspaceMember, since: float) -> bool:
        return any(user == person.id and when >= since for user, when in self._told_lost)

    # --- what has to be so

    def problems(self) -> Iterator[str]:
        """What is not as it has to be, now."""
        for one in self.shared:
            if not self._is_accounted_for(one):
                yield f"share {one.number}: neither delivered nor reported"
        for person in self.workspace.people:
            if person.view is not None and WAITING.search(person.view.text):
                yield f"{person.id} looks at a window that only says: {person.view.title}"
        for opening in self.openings:
            if self._claims(opening.text) and not self._is_known(opening):
                yield f"{opening.text}: opened, never shown, and {opening.person.id} was told nothing"
        yield from (f"{text}: opened twice" for text in self._keys if self._claims(text) > 1)
        for link in self.tracked:
            if not (news := self._news(link)):
                yield f"label {link.number} ({link.ending}): not told"
            elif not self.trouble.explains(news):
                yield f"label {link.number} ({link.ending}): told {len(news)} times"

    def _claims(self, text: str) -> int:
        return sum(self.onetime.claims_of(key) for key in self._keys.get(text, []))

    def _is_known(self, opening: Opened) -> bool:
        is_seen = any(text == opening.text for _, text in self._seen)
        return is_seen or self._was_told(opening.person, opening.since)

    def _is_accounted_for(self, one: Shared) -> bool:
        """Whether the recipient has it, or the sender was told: by a card, by Slack's error or by a window."""
        if not one.was_taken or any(_find(person, one.number) for person in (one.sender, one.recipient)):
            return True
        return not self._keys.get(_text(one.number))  # nothing was made, and the window says so

    def _news(self, link: TrackedLink) -> list[SlackMessage]:
        """The messages that tell the ending, alone or among others."""
        words = {"opened": "was opened", "burned": "was burned"}[link.ending]
        about = re.compile(rf"label {link.number}\..*{words}")
        return [one for one in link.owner.dm if one.client_msg_id and not _buttons(one) and about.search(one.shows)]


async def _command(person: WorkspaceMember, text: str) -> None:
    _require(await person.command("/ots", text))


def _require(delivery: AppDelivery) -> None:
    """Raise `CannotDo` where Slack showed an error, as while the bot is down: the person does something else."""
    if not delivery.ok:
        raise CannotDo("Slack showed an error")


def _text(number: int) -> str:
    return f"text {number} of the storm"


def _find(person: WorkspaceMember, number: int, action: str = "") -> SlackMessage | None:
    """The message with the note of that number, and with that button."""
    return next(
        (one for one in person.dm if f"note {number}." in one.shows and (not action or action in _buttons(one))), None
    )


def _find_button(person: WorkspaceMember, action: str) -> SlackMessage | None:
    return next((one for one in reversed(person.dm) if action in _buttons(one)), None)


def _buttons(message: SlackMessage) -> list[str]:
    actions = (block["elements"] for block in message.blocks if block["type"] == "actions")
    return [str(element.get("action_id")) for elements in actions for element in elements]
