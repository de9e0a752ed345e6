"""Which conversations the menus of the emulated Slack offer: those that the person sees and the filter lets in."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.slack import CannotDo, SlackWorkspace
from bot.sandbox.slack.pickers import offered
from tests.support.rows import each_row

Json = dict[str, Any]
ALL = {"im", "C0PUBLIC", "C0ELSE", "C0PRIVATE", "C0SHARED", "C0PARTNER"}


@pytest.fixture
def workspace() -> SlackWorkspace:
    workspace = SlackWorkspace()
    ada = workspace.person("U0ADA", "ada")
    eve = workspace.person("U0EVE", "eve", stranger=True)
    workspace.state.open_dm(ada.id)
    workspace.channel("C0PUBLIC", "public", [ada])
    workspace.channel("C0ELSE", "public-too")
    workspace.channel("C0PRIVATE", "private", [ada], private=True)
    workspace.channel("C0HIDDEN", "hidden", private=True)
    workspace.channel("C0SHARED", "shared", [ada], shared=True)
    workspace.channel("C0PARTNER", "partner", [ada, eve])
    workspace.channel("C0OLD", "old", [ada]).archived = True
    return workspace


def menu(kind: str = "conversations_select", **more: Any) -> Json:
    return {"type": kind, "action_id": "a", "placeholder": {"type": "plain_text", "text": "Where"}, **more}


def ids(workspace: SlackWorkspace, definition: Json) -> set[str]:
    found = offered(workspace.state, "U0ADA", definition)
    return {"im" if channel.is_im else channel.id for channel in found}


@each_row(
    ("rules", "left"),
    [
        ({}, ALL),
        ({"include": ["im"]}, {"im"}),
        ({"include": ["private"]}, {"C0PRIVATE"}),
        ({"include": ["public", "private"]}, ALL - {"im"}),
        ({"include": ["mpim"]}, set()),
        ({"exclude_bot_users": True}, ALL - {"im"}),
        ({"exclude_external_shared_channels": True}, ALL - {"C0SHARED", "C0PARTNER"}),
        (
            {"include": ["public"], "exclude_bot_users": True, "exclude_external_shared_channels": True},
            {"C0PUBLIC", "C0ELSE"},
        ),
    ],
)
def test_a_filter_leaves_what_it_names(workspace: SlackWorkspace, rules: Json, left: set[str]) -> None:
    assert ids(workspace, menu(filter=rules)) == left
    assert ids(workspace, menu("multi_conversations_select", filter=rules)) == left


def test_a_menu_of_channels_has_public_ones_only(workspace: SlackWorkspace) -> None:
    assert ids(workspace, menu("channels_select")) == ALL - {"im", "C0PRIVATE"}


@pytest.mark.parametrize("kind", ["conversations_select", "multi_conversations_select"])
async def test_nobody_can_choose_what_is_not_offered(workspace: SlackWorkspace, kind: str) -> None:
    ada = workspace.people[0]
    dm = workspace.state.open_dm(ada.id)
    element = menu(kind, filter={"include": ["public", "private"]})
    block = {"type": "input", "block_id": "b", "label": {"type": "plain_text", "text": "Where"}, "element": element}
    title = {"type": "plain_text", "text": "T"}
    view = workspace.state.open_view(
        workspace.state.new_trigger(ada.id), {"type": "modal", "title": title, "submit": title, "blocks": [block]}
    )
    before = dict(view.values["b"]["a"])

    def choose(channel: str) -> Any:
        return [channel] if kind.startswith("multi") else channel

    for channel in (dm.id, "C0HIDDEN", "C0OLD", "C0NOWHERE", ada.id):
        with pytest.raises(CannotDo):
            await ada.fill(view, {"b": choose(channel)})
        with pytest.raises(CannotDo):
            ada.enter(view, {"b": {"a": choose(channel)}})
        with pytest.raises(CannotDo):
            await ada.click(view, action_id="a", option=choose(channel))

    assert view.values["b"]["a"] == before
    await ada.fill(view, {"b": choose("C0PRIVATE")})
    assert "C0PRIVATE" in str(view.values["b"]["a"])
