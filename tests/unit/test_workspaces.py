"""Which payloads are for our app."""

from __future__ import annotations

from typing import Any

import pytest

from bot.errors import SlackError
from bot.secret import Secret
from bot.slack.workspaces import OneWorkspace
from tests.support.rows import each_row


class Slack:
    """What a workspace asks Slack at the start."""

    def __init__(self, app_id: str | SlackError | None) -> None:
        self._app_id = app_id

    async def who_am_i(self) -> dict[str, Any]:
        return {"team_id": "T1", "bot_id": "B1", "user_id": "U1"}

    async def find_app_id(self, _bot_id: str) -> str | None:
        if isinstance(self._app_id, SlackError):
            raise self._app_id
        return self._app_id


NO_SCOPE = SlackError("bots.info", "missing_scope")


@each_row(
    ("said", "app_token", "named", "is_ours"),
    [
        pytest.param("A1", None, "A1", True, id="ours"),
        pytest.param("A1", None, "A2", False, id="another"),
        pytest.param("A1", None, None, True, id="names none"),
        pytest.param("A1", None, 5, True, id="not a name"),
        pytest.param("A1", None, "", True, id="empty"),
        pytest.param(None, None, "A2", True, id="Slack does not say which is ours"),
        pytest.param(NO_SCOPE, None, "A2", True, id="Slack refuses to say"),
        pytest.param(NO_SCOPE, "xapp-1-A1-2-abc", "A1", True, id="ours by the app token"),
        pytest.param(NO_SCOPE, "xapp-1-A1-2-abc", "A2", False, id="another by the app token"),
        pytest.param("A1", "xapp-of-another-form", "A2", False, id="app token of another form"),
        pytest.param("A1", "xapp-1-A3-2-abc", "A3", True, id="either, where the two disagree"),
        pytest.param("A1", "xapp-1-A3-2-abc", "A1", True, id="or the other"),
    ],
)
async def test_which_app_is_ours(said, app_token, named, is_ours):
    slack: Any = Slack(said)
    workspace = OneWorkspace(slack, Secret(app_token) if app_token else None)
    await workspace.load()

    assert workspace.is_our_app(named) is is_ours
