"""What people had in front of them before the upgrade, and how the tests press it and read the result."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tests.contract.upgrade import fixture
from tests.contract.upgrade.emulators import (
    AppDelivery,
    SecretSnapshot,
    SlackMessage,
    SlackView,
    WorkspaceMember,
    World,
)

pressed: set[tuple[str, str]] = set()  # everything that the tests say they press: its kind and its name


def presses(*names: str, submits: tuple[str, ...] = (), closes: tuple[str, ...] = ()) -> Callable[[Any], Any]:
    """Declares which old buttons, forms and windows a test presses, sends and closes. The test fails if it does not."""
    said = {("action", one) for one in names} | {("form", one) for one in submits} | {("closed", one) for one in closes}
    pressed.update(said)

    def decorate(test: Any) -> Any:
        @functools.wraps(test)
        async def wrapped(old: Old, *arguments: Any, **more: Any) -> None:
            old.pressed.clear()
            await test(old, *arguments, **more)
            assert old.pressed == said

        return wrapped

    return decorate


class Old:
    """The world after the upgrade, and what people had in front of them before it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.pressed: set[tuple[str, str]] = set()

    def told(self, story: str) -> dict[str, Any]:
        """The values of a story: keys, texts, other people."""
        found: dict[str, Any] = fixture.stories()[story]
        return found

    def member(self, user: str) -> WorkspaceMember:
        return next(one for one in self.world.workspace.people if one.id == user)

    def person(self, story: str) -> WorkspaceMember:
        return self.member(self.told(story)["person"])

    def message(self, where: list[str]) -> SlackMessage:
        return next(one for one in self.world.workspace.messages if [one.channel, one.ts] == where)

    def thing(self, story: str) -> Any:
        """The old message or the old window."""
        told = self.told(story)
        return self.world.workspace.state.views[told["view"]] if "view" in told else self.message(told["message"])

    def held(self, key: str) -> SecretSnapshot:
        found = self.world.onetime.find_secret(key)
        assert found is not None
        return found

    async def press(self, story: str, action: str, nth: int = 0) -> AppDelivery:
        """Presses the nth button of that name on the old message or in the old window."""
        person, thing = self.person(story), self.thing(story)
        values = [one.get("value") for one in elements(thing.blocks) if one.get("action_id") == action]
        self.pressed.add(("action", action))
        return self.acknowledged(await person.click(thing, action_id=action, value=values[nth]))

    async def submit(self, story: str, fields: dict[str, Any] | None = None) -> AppDelivery:
        """Sends the old window."""
        view: SlackView = self.thing(story)
        self.pressed.add(("form", view.callback_id))
        return self.acknowledged(await self.person(story).submit(view, fields or {}))

    async def close(self, story: str) -> AppDelivery:
        view: SlackView = self.thing(story)
        self.pressed.add(("closed", view.callback_id))
        return self.acknowledged(await self.person(story).close(view))

    def acknowledged(self, delivery: AppDelivery) -> AppDelivery:
        assert delivery.ok, delivery.error
        return delivery


def elements(blocks: Any) -> list[dict[str, Any]]:
    """Every object in the blocks that a person can press or fill."""
    if isinstance(blocks, list):
        return [found for one in blocks for found in elements(one)]
    if not isinstance(blocks, dict):
        return []
    inner = [found for one in blocks.values() for found in elements(one)]
    return [blocks, *inner] if "action_id" in blocks else inner


def names_on(thing: SlackMessage | SlackView) -> set[str]:
    return {one["action_id"] for one in elements(thing.blocks)}


async def sees(person: WorkspaceMember, *parts: str) -> SlackView:
    """The window on top, as soon as it shows all `parts`."""

    def hoped() -> SlackView | None:
        return person.view if person.view and all(part in person.view.text for part in parts) else None

    return await person.until(hoped)


async def window(person: WorkspaceMember, submit: str) -> SlackView:
    """The window on top, as soon as its submit button has this label."""
    return await person.until(lambda: person.view if person.view and person.view.submit == submit else None)


async def reads(person: WorkspaceMember, thing: SlackMessage, *parts: str) -> None:
    await person.until(lambda: all(part in thing.shows for part in parts))


async def is_told(person: WorkspaceMember, part: str, before: int = 0) -> SlackMessage:
    """The newest message to this person that contains `part`."""

    def hoped() -> SlackMessage | None:
        return next((one for one in reversed(person.messages[before:]) if part in one.shows), None)

    found: SlackMessage = await person.until(hoped)
    return found


async def shows_secret(person: WorkspaceMember, text: str) -> None:
    await person.until(lambda: person.view and person.view.secret_text() == text)
