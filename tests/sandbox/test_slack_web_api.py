"""The emulated Web API, called with Slack's own client: what it enforces, refuses and answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.slack import SlackMessage, SlackView, SlackWorkspace
from bot.sandbox.slack.model import ResponseUrlKind

Json = dict[str, Any]


class Clock:
    def __init__(self) -> None:
        self.at = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def workspace(clock: Clock) -> AsyncIterator[SlackWorkspace]:
    workspace = SlackWorkspace(clock=clock)
    workspace.person("U0ADA", "ada", locale="de-DE")
    workspace.person("U0BEN", "ben")
    await workspace.start()
    yield workspace
    await workspace.stop()


async def refused(awaitable: Awaitable[Any]) -> str:
    with pytest.raises(SlackApiError) as caught:
        await awaitable
    return str(caught.value.response["error"])


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def section(text: str = "Hello") -> Json:
    return {"type": "section", "text": plain(text)}


def modal(*blocks: Json, **more: object) -> Json:
    return {"type": "modal", "callback_id": "form", "title": plain("T"), "blocks": list(blocks) or [section()]} | more


def trigger(workspace: SlackWorkspace, view: SlackView | None = None) -> str:
    return workspace.state.new_trigger("U0ADA", view.id if view else None)


# --- who may call


@pytest.mark.parametrize(
    ("token", "error"),
    [(None, "not_authed"), ("xoxb-wrong", "invalid_auth"), ("xapp-sandbox-app-token", "not_allowed_token_type")],
)
async def test_a_call_needs_the_bot_token(workspace: SlackWorkspace, token: str | None, error: str) -> None:
    assert await refused(AsyncWebClient(token, workspace.api_url, retry_handlers=[]).auth_test()) == error


async def test_the_token_may_stand_in_the_body_and_is_not_kept(workspace: SlackWorkspace) -> None:
    form = {"token": workspace.bot_token, "channel": "U0ADA", "text": "hi"}

    async with (
        aiohttp.ClientSession() as session,
        session.post(workspace.api_url + "chat.postMessage", data=form) as got,
    ):
        assert (await got.json())["ok"] is True

    assert workspace.export()[0].payload == {"channel": "U0ADA", "text": "hi"}


@pytest.mark.parametrize(
    ("method", "scope"),
    [
        ("chat.postMessage", "chat:write"),
        ("chat.update", "chat:write"),
        ("chat.delete", "chat:write"),
        ("chat.postEphemeral", "chat:write"),
        ("conversations.open", "im:write"),
        ("users.info", "users:read"),
        ("bots.info", "users:read"),
        ("team.info", "team:read"),
    ],
)
async def test_a_method_needs_its_scope(method: str, scope: str) -> None:
    workspace = SlackWorkspace(scopes=frozenset({"commands"}))
    await workspace.start()
    client = AsyncWebClient(workspace.bot_token, workspace.api_url, retry_handlers=[])

    with pytest.raises(SlackApiError) as caught:
        await client.api_call(method, json={"channel": "C", "user": "U"})
    await workspace.stop()

    assert caught.value.response["error"] == "missing_scope"
    assert (caught.value.response["needed"], caught.value.response["provided"]) == (scope, "commands")


async def test_an_answer_names_the_scopes_of_the_token_and_the_time_of_the_workspace() -> None:
    workspace = SlackWorkspace(scopes=frozenset({"commands", "chat:write"}), clock=lambda: 100.0)
    await workspace.start()
    client = AsyncWebClient(workspace.bot_token, workspace.api_url, retry_handlers=[])

    answer = await client.auth_test()
    await workspace.stop()

    assert answer.headers["x-oauth-scopes"] == "chat:write,commands"
    assert answer.headers["Date"] == "Thu, 01 Jan 1970 00:01:40 GMT"


async def test_an_unknown_method_is_said_to_be_unknown(client: AsyncWebClient) -> None:
    assert await refused(client.api_call("chat.teleport")) == "unknown_method"


@pytest.mark.parametrize(("body", "error"), [("{", "invalid_json"), ("[1]", "json_not_object")])
async def test_json_that_is_none_is_refused(workspace: SlackWorkspace, body: str, error: str) -> None:
    headers = {"Authorization": f"Bearer {workspace.bot_token}", "Content-Type": "application/json"}

    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(workspace.api_url + "chat.postMessage", data=body) as got,
    ):
        assert (await got.json())["error"] == error


async def test_blocks_may_come_as_json_in_a_form(client: AsyncWebClient, workspace: SlackWorkspace) -> None:
    form = {"channel": "U0ADA", "text": "x", "blocks": json.dumps([section("In a form")]), "unfurl_links": "0"}

    await client.api_call("chat.postMessage", data=form)

    assert workspace.messages[0].shows == "In a form"
    assert workspace.export()[0].payload["unfurl_links"] is False


async def test_connections_are_for_the_app_token(workspace: SlackWorkspace, client: AsyncWebClient) -> None:
    opened = await client.apps_connections_open(app_token=workspace.app_token)

    assert urlsplit(str(opened["url"])).scheme == "ws"
    assert await refused(client.apps_connections_open(app_token="xapp-wrong")) == "invalid_auth"
    assert await refused(client.apps_connections_open(app_token=workspace.bot_token)) == "not_allowed_token_type"


# --- people, team, app


async def test_auth_test_names_the_bot(client: AsyncWebClient, workspace: SlackWorkspace) -> None:
    answer = await client.auth_test()

    assert answer["user_id"] == workspace.bot_user_id
    assert answer["team_id"] == "T0SANDBOX0"
    assert answer["bot_id"].startswith("B")
    assert answer["is_enterprise_install"] is False


async def test_users_info_tells_who_somebody_is(client: AsyncWebClient) -> None:
    user = (await client.users_info(user="U0ADA", include_locale=True))["user"]

    assert (user["name"], user["tz"], user["locale"]) == ("ada", "Europe/Berlin", "de-DE")
    assert not any(user[flag] for flag in ("deleted", "is_bot", "is_restricted", "is_ultra_restricted"))
    assert "is_stranger" not in user


async def test_the_locale_that_a_person_chose_last_is_told(client: AsyncWebClient, workspace: SlackWorkspace) -> None:
    workspace.set_locale("U0ADA", "fr-FR")

    assert (await client.users_info(user="U0ADA", include_locale=True))["user"]["locale"] == "fr-FR"


async def test_the_locale_is_told_only_if_asked_for(client: AsyncWebClient) -> None:
    assert "locale" not in (await client.users_info(user="U0ADA"))["user"]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ({"guest": True}, {"is_restricted": True, "is_ultra_restricted": False}),
        ({"ultra_guest": True}, {"is_restricted": True, "is_ultra_restricted": True}),
        ({"stranger": True}, {"is_stranger": True, "team_id": "T0ELSEWHERE"}),
        ({"deleted": True}, {"deleted": True}),
    ],
    ids=",".join,
)
async def test_guests_strangers_and_the_deactivated_are_told_apart(
    client: AsyncWebClient, workspace: SlackWorkspace, kind: Json, told: Json
) -> None:
    workspace.person("U0X", "x", **kind)

    user = (await client.users_info(user="U0X"))["user"]

    assert {name: user[name] for name in told} == told


async def test_of_the_deactivated_no_zone_is_told(client: AsyncWebClient, workspace: SlackWorkspace) -> None:
    workspace.person("U0X", "x", deleted=True)

    assert not {"tz", "is_restricted"} & set((await client.users_info(user="U0X"))["user"])


async def test_the_bot_is_a_user_too_and_nobody_is_not(client: AsyncWebClient, workspace: SlackWorkspace) -> None:
    assert (await client.users_info(user=workspace.bot_user_id))["user"]["is_bot"] is True
    assert await refused(client.users_info(user="U0NOBODY")) == "user_not_found"


async def test_on_a_grid_users_name_their_enterprise() -> None:
    workspace = SlackWorkspace(enterprise_id="E0GRID", scopes=frozenset({"users:read", "team:read"}))
    workspace.person("W0ADA", "ada")
    await workspace.start()
    client = AsyncWebClient(workspace.bot_token, workspace.api_url, retry_handlers=[])

    user, team, auth = await client.users_info(user="W0ADA"), await client.team_info(), await client.auth_test()
    bot = await client.bots_info(bot="B0SANDBOX0")
    await workspace.stop()

    assert user["user"]["enterprise_user"]["enterprise_id"] == "E0GRID"
    assert team["team"]["enterprise_id"] == auth["enterprise_id"] == "E0GRID"
    assert bot["bot"]["app_id"] == "A0SANDBOX0"


async def test_a_direct_message_opens_once(client: AsyncWebClient) -> None:
    first = await client.conversations_open(users="U0ADA")
    second = await client.conversations_open(users="U0ADA")

    assert first["channel"]["id"][0] == "D"
    assert second["channel"]["id"] == first["channel"]["id"]
    assert second["already_open"] is True


async def test_no_direct_message_opens_with_nobody_or_the_deactivated(
    client: AsyncWebClient, workspace: SlackWorkspace
) -> None:
    workspace.person("U0X", "x", deleted=True)

    assert await refused(client.conversations_open(users="U0NOBODY")) == "user_not_found"
    assert await refused(client.conversations_open(users="U0X")) == "user_disabled"
    assert await refused(client.chat_postMessage(channel="U0X", text="x")) == "user_disabled"


async def test_nothing_is_posted_to_somebody_deactivated_since(client: AsyncWebClient, ada: Any) -> None:
    channel = (await client.chat_postMessage(channel="U0ADA", text="x"))["channel"]
    ada.person.deleted = True

    assert await refused(client.chat_postMessage(channel=channel, text="y")) == "user_disabled"


# --- messages


async def test_a_message_to_a_user_lands_in_the_direct_message(client: AsyncWebClient, ada: Any) -> None:
    answer = await client.chat_postMessage(channel="U0ADA", text="Hello", blocks=[section("Hello")])

    assert answer["channel"][0] == "D"
    assert answer["message"]["bot_id"].startswith("B")
    assert answer["message"]["blocks"][0]["block_id"]
    assert [one.text for one in ada.dm] == ["Hello"]


async def test_nobody_else_sees_a_direct_message(client: AsyncWebClient, workspace: SlackWorkspace) -> None:
    await client.chat_postMessage(channel="U0ADA", text="Hello")

    assert workspace.people[1].sees() == ""


@pytest.mark.parametrize(
    ("kind", "error"), [("archived", "is_archived"), ("read_only", "restricted_action")], ids=["archived", "read only"]
)
async def test_a_channel_may_take_nothing_from_the_bot(
    client: AsyncWebClient, workspace: SlackWorkspace, ada: Any, kind: str, error: str
) -> None:
    channel = workspace.channel("C0WITH", "with", [ada, workspace.bot_user_id])
    setattr(channel, kind, True)

    assert await refused(client.chat_postMessage(channel="C0WITH", text="x")) == error
    assert ada.sees() == ""


async def test_a_bot_has_no_direct_messages(client: AsyncWebClient, workspace: SlackWorkspace) -> None:
    assert await refused(client.conversations_open(users=workspace.bot_user_id)) == "cannot_dm_bot"


async def test_the_bot_posts_only_where_it_is(client: AsyncWebClient, workspace: SlackWorkspace, ada: Any) -> None:
    workspace.channel("C0WITHOUT", "without", [ada])
    workspace.channel("C0WITH", "with", [ada, workspace.bot_user_id])

    await client.chat_postMessage(channel="C0WITH", text="Hello")

    assert await refused(client.chat_postMessage(channel="C0WITHOUT", text="x")) == "not_in_channel"
    assert await refused(client.chat_postMessage(channel="C0NONE", text="x")) == "channel_not_found"
    assert ada.sees() == "Hello"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({}, "no_text"),
        ({"text": ""}, "no_text"),
        ({"text": "x", "blocks": [{"type": "hologram"}]}, "invalid_blocks"),
        ({"text": "x", "blocks": [section()] * 51}, "invalid_blocks"),
        ({"text": "x", "blocks": "not json"}, "invalid_blocks_format"),
        ({"text": "x", "attachments": [{"text": "x"}] * 101}, "too_many_attachments"),
        ({"text": "x", "metadata": {"event_type": "x"}}, "invalid_metadata_format"),
        ({"text": "x", "unfurl_links": "maybe"}, "invalid_arguments"),
        ({"text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
    ],
)
async def test_a_message_that_slack_does_not_take_is_refused(
    client: AsyncWebClient, workspace: SlackWorkspace, content: Json, error: str
) -> None:
    assert await refused(client.api_call("chat.postMessage", json={"channel": "U0ADA", **content})) == error
    assert workspace.messages == []


async def test_invalid_blocks_are_pointed_at_without_being_repeated(client: AsyncWebClient) -> None:
    canary = "canary" * 501

    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="U0ADA", text="x", blocks=[section(canary)])

    line = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    assert caught.value.response["errors"] == [line]
    assert caught.value.response["response_metadata"]["messages"] == [f"[ERROR] {line}"]


async def test_a_long_text_is_cut_not_refused(client: AsyncWebClient, workspace: SlackWorkspace) -> None:
    await client.chat_postMessage(channel="U0ADA", text="x" * 40_001)

    assert len(workspace.messages[0].text) == 40_000


@pytest.mark.parametrize(("honoured", "messages"), [(True, 1), (False, 2)])
async def test_the_same_client_msg_id_is_one_message_where_it_is_honoured(
    client: AsyncWebClient, workspace: SlackWorkspace, honoured: bool, messages: int
) -> None:
    workspace.honours_client_msg_id = honoured
    post: Any = {"channel": "U0ADA", "text": "Hello", "client_msg_id": "5a1ab1e0-0000-4000-8000-000000000000"}

    first = await client.chat_postMessage(**post)
    second = await client.chat_postMessage(**post)

    assert (first["ts"] == second["ts"]) is honoured
    assert len(workspace.messages) == messages


async def test_an_update_replaces_text_and_drops_blocks(client: AsyncWebClient, workspace: SlackWorkspace) -> None:
    posted = await client.chat_postMessage(channel="U0ADA", text="old", blocks=[section("old")])

    await client.chat_update(channel=posted["channel"], ts=posted["ts"], text="new")

    message = workspace.messages[0]
    assert (message.text, message.blocks, message.shows) == ("new", [], "new")
    assert message.edited


async def test_only_ones_own_lasting_messages_can_be_updated(
    client: AsyncWebClient, workspace: SlackWorkspace, ada: Any
) -> None:
    posted = await client.chat_postMessage(channel="U0ADA", text="x")
    channel = posted["channel"]
    hers = ada.say("mine")
    ephemeral = await client.chat_postEphemeral(channel=channel, user="U0ADA", text="x")

    async def update(channel: str, ts: str, text: str = "y") -> str:
        return await refused(client.chat_update(channel=channel, ts=ts, text=text))

    assert await update("U0ADA", posted["ts"]) == "channel_not_found"
    assert await update(channel, "1.000001") == "message_not_found"
    assert await update(channel, ephemeral["message_ts"]) == "message_not_found"
    assert await update(channel, hers.ts) == "cant_update_message"
    assert await update(channel, posted["ts"], "x" * 4001) == "msg_too_long"


async def test_edits_can_be_limited_in_time(client: AsyncWebClient, workspace: SlackWorkspace, clock: Clock) -> None:
    workspace.state.edit_window = 60
    posted = await client.chat_postMessage(channel="U0ADA", text="x")
    clock.at += 61

    update = client.chat_update(channel=posted["channel"], ts=posted["ts"], text="y")
    assert await refused(update) == "edit_window_closed"


async def test_a_deleted_message_is_gone(client: AsyncWebClient, ada: Any) -> None:
    posted = await client.chat_postMessage(channel="U0ADA", text="x")

    await client.chat_delete(channel=posted["channel"], ts=posted["ts"])

    assert ada.dm == []
    assert await refused(client.chat_delete(channel=posted["channel"], ts=posted["ts"])) == "message_not_found"
    assert await refused(client.chat_delete(channel=posted["channel"], ts=ada.say("x").ts)) == "cant_delete_message"


async def test_an_ephemeral_needs_its_reader_in_the_channel(
    client: AsyncWebClient, workspace: SlackWorkspace, ada: Any
) -> None:
    workspace.channel("C0ALL", "all", [ada, workspace.bot_user_id])

    async def post(user: str) -> Any:
        return (await client.chat_postEphemeral(channel="C0ALL", user=user, text="psst")).data

    assert "message_ts" in await post("U0ADA")
    assert await refused(post("U0BEN")) == "user_not_in_channel"
    assert await refused(post("U0NOBODY")) == "user_not_found"
    assert [one.text for one in ada.ephemerals] == ["psst"]


async def test_a_permalink_names_channel_and_message(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="U0ADA", text="x")

    link = await client.chat_getPermalink(channel=posted["channel"], message_ts=posted["ts"])

    assert link["permalink"].endswith(f"/archives/{posted['channel']}/p{posted['ts'].replace('.', '')}")


# --- triggers and views


@pytest.mark.usefixtures("slacks_own_times")
async def test_a_trigger_opens_a_view_within_three_seconds(
    client: AsyncWebClient, workspace: SlackWorkspace, clock: Clock, ada: Any
) -> None:
    number = trigger(workspace)
    clock.at += 3

    answer = await client.views_open(trigger_id=number, view=modal(private_metadata="m"))

    view = answer["view"]
    assert ada.view is not None
    assert view["id"] == view["root_view_id"] == ada.view.id
    assert view["hash"] == ada.view.hash
    assert (view["callback_id"], view["private_metadata"]) == ("form", "m")
    assert view["state"] == {"values": {}}
    assert view["blocks"][0]["block_id"]


@pytest.mark.usefixtures("slacks_own_times")
async def test_a_trigger_expires_after_three_seconds(
    client: AsyncWebClient, workspace: SlackWorkspace, clock: Clock, ada: Any
) -> None:
    number = trigger(workspace)
    clock.at += 3.1

    assert await refused(client.views_open(trigger_id=number, view=modal())) == "expired_trigger_id"
    assert ada.view is None


async def test_a_trigger_works_once(client: AsyncWebClient, workspace: SlackWorkspace) -> None:
    number = trigger(workspace)
    await client.views_open(trigger_id=number, view=modal())

    assert await refused(client.views_open(trigger_id=number, view=modal())) == "exchanged_trigger_id"


async def test_a_view_that_is_refused_does_not_use_up_the_trigger(
    client: AsyncWebClient, workspace: SlackWorkspace
) -> None:
    number = trigger(workspace)

    assert await refused(client.views_open(trigger_id=number, view=modal(title=plain("x" * 25)))) == "invalid_arguments"
    assert (await client.views_open(trigger_id=number, view=modal()))["ok"] is True


async def test_an_invented_trigger_is_invalid(client: AsyncWebClient) -> None:
    assert await refused(client.views_open(trigger_id="1.2.abc", view=modal())) == "invalid_trigger_id"


async def test_three_views_are_the_most(client: AsyncWebClient, workspace: SlackWorkspace, ada: Any) -> None:
    await client.views_open(trigger_id=trigger(workspace), view=modal())
    for _ in range(2):
        await client.views_push(trigger_id=trigger(workspace, ada.view), view=modal())

    fourth = client.views_push(trigger_id=trigger(workspace, ada.view), view=modal())
    assert await refused(fourth) == "push_limit_reached"
    assert len(ada.views) == 3
    assert {one.root_id for one in ada.views} == {ada.views[0].id}


async def test_only_a_trigger_from_a_modal_pushes(client: AsyncWebClient, workspace: SlackWorkspace) -> None:
    await client.views_open(trigger_id=trigger(workspace), view=modal())

    assert await refused(client.views_push(trigger_id=trigger(workspace), view=modal())) == "not_found"


async def test_an_update_needs_the_hash_of_now_if_it_names_one(
    client: AsyncWebClient, workspace: SlackWorkspace, ada: Any
) -> None:
    opened = (await client.views_open(trigger_id=trigger(workspace), view=modal()))["view"]
    updated = await client.views_update(view_id=opened["id"], hash=opened["hash"], view=modal(title=plain("2")))

    late = client.views_update(view_id=opened["id"], hash=opened["hash"], view=modal(title=plain("3")))
    assert await refused(late) == "hash_conflict"
    assert ada.view.title == "2"
    assert updated["view"]["hash"] == ada.view.hash != opened["hash"]


async def test_a_closed_view_cannot_be_updated(client: AsyncWebClient, workspace: SlackWorkspace, ada: Any) -> None:
    opened = (await client.views_open(trigger_id=trigger(workspace), view=modal()))["view"]
    await ada.close()

    assert await refused(client.views_update(view_id=opened["id"], view=modal())) == "not_found"
    assert await refused(client.views_update(view_id="V0NONE", view=modal())) == "not_found"


async def test_a_view_below_the_top_can_be_updated(client: AsyncWebClient, workspace: SlackWorkspace, ada: Any) -> None:
    await client.views_open(trigger_id=trigger(workspace), view=modal())
    await client.views_push(trigger_id=trigger(workspace, ada.view), view=modal())

    await client.views_update(view_id=ada.views[0].id, view=modal(title=plain("Below")))

    assert [one.title for one in ada.views] == ["Below", "T"]


async def test_a_view_can_be_named_by_its_external_id_once(
    client: AsyncWebClient, workspace: SlackWorkspace, ada: Any
) -> None:
    await client.views_open(trigger_id=trigger(workspace), view=modal(external_id="mine"))

    await client.views_update(external_id="mine", view=modal(external_id="mine", title=plain("2")))

    assert ada.view.title == "2"
    again = client.views_push(trigger_id=trigger(workspace, ada.view), view=modal(external_id="mine"))
    assert await refused(again) == "duplicate_external_id"


async def test_what_was_typed_survives_an_update_of_the_same_field(
    client: AsyncWebClient, workspace: SlackWorkspace, ada: Any
) -> None:
    def form(block_id: str) -> Json:
        element = {"type": "plain_text_input", "action_id": "v", "initial_value": "start"}
        field = {"type": "input", "block_id": block_id, "label": plain("L"), "element": element}
        return modal(field, submit=plain("Send"))

    await client.views_open(trigger_id=trigger(workspace), view=form("a"))
    await ada.fill(ada.view, {"a": "typed"})
    await client.views_update(view_id=ada.view.id, view=form("a"))
    assert ada.view.values["a"]["v"]["value"] == "typed"

    await client.views_update(view_id=ada.view.id, view=form("b"))
    assert ada.view.values["b"]["v"]["value"] == "start"


@pytest.mark.parametrize(
    ("view", "pointer"),
    [
        (modal(title=plain("x" * 25)), "/view/title/text"),
        (modal(*[section()] * 101), "/view/blocks"),
        (modal(private_metadata="x" * 3001), "/view/private_metadata"),
        (modal(callback_id="x" * 256), "/view/callback_id"),
        (modal({"type": "markdown", "text": "x"}), "/view/blocks/0/type"),
        ({"type": "home", "blocks": [section()]}, "/view/type"),
    ],
)
async def test_a_view_that_breaks_a_rule_is_refused_and_pointed_at(
    client: AsyncWebClient, workspace: SlackWorkspace, view: Json, pointer: str
) -> None:
    with pytest.raises(SlackApiError) as caught:
        await client.views_open(trigger_id=trigger(workspace), view=view)

    assert caught.value.response["error"] == "invalid_arguments"
    assert f"[json-pointer:{pointer}]" in caught.value.response["response_metadata"]["messages"][0]


async def test_a_view_may_have_250_kilobytes_and_no_more(client: AsyncWebClient, workspace: SlackWorkspace) -> None:
    def view_of(size: int) -> Json:
        view = modal(*({"type": "section", "text": plain("x" * 2900)} for _ in range(84)))
        room = size - len(json.dumps(view, separators=(",", ":")).encode())
        view["blocks"].append({"type": "section", "text": plain("y" * (room - 60))})
        rest = size - len(json.dumps(view, separators=(",", ":")).encode())
        view["blocks"][-1]["text"]["text"] += "y" * rest
        return view

    assert (await client.views_open(trigger_id=trigger(workspace), view=view_of(250_000)))["ok"] is True
    too_large = client.views_open(trigger_id=trigger(workspace), view=view_of(250_001))
    assert await refused(too_large) == "view_too_large"


async def test_a_home_tab_is_published_for_one_person(
    client: AsyncWebClient, workspace: SlackWorkspace, ada: Any
) -> None:
    home = {"type": "home", "blocks": [section("Welcome")]}
    first = (await client.views_publish(user_id="U0ADA", view=home))["view"]
    await client.views_publish(user_id="U0ADA", hash=first["hash"], view=home)

    assert ada.home.text == "Welcome"
    assert workspace.people[1].home is None
    assert await refused(client.views_publish(user_id="U0ADA", hash=first["hash"], view=home)) == "hash_conflict"
    assert await refused(client.views_publish(user_id="U0ADA", view=modal())) == "invalid_arguments"
    assert await refused(client.views_publish(user_id="U0NOBODY", view=home)) == "user_not_found"


# --- response_url


def hook(
    workspace: SlackWorkspace, message: SlackMessage | None = None, kind: ResponseUrlKind = "actions"
) -> AsyncWebhookClient:
    channel = message.channel if message else workspace.state.open_dm("U0ADA").id
    return AsyncWebhookClient(workspace.response_url(kind, "U0ADA", channel, message), retry_handlers=[])


async def test_a_response_url_answers_to_one_person(workspace: SlackWorkspace, ada: Any) -> None:
    answer = await hook(workspace).send(text="Hello")

    assert (answer.status_code, answer.body) == (200, "ok")
    assert [one.text for one in ada.ephemerals] == ["Hello"]


async def test_a_response_url_works_five_times(workspace: SlackWorkspace, ada: Any) -> None:
    url = hook(workspace)
    for _ in range(5):
        await url.send(text="Hello")

    sixth = await url.send(text="Hello")

    assert (sixth.status_code, json.loads(sixth.body)["error"]) == (404, "used_url")
    assert len(ada.ephemerals) == 5


@pytest.mark.parametrize(("minutes", "status"), [(30, 200), (31, 404)])
async def test_a_response_url_works_for_thirty_minutes(
    workspace: SlackWorkspace, clock: Clock, minutes: int, status: int
) -> None:
    url = hook(workspace)
    clock.at += minutes * 60

    answer = await url.send(text="Hello")

    assert answer.status_code == status
    assert ("expired_url" in answer.body) is (status == 404)


async def test_a_response_url_in_channel_is_for_all(workspace: SlackWorkspace, ada: Any) -> None:
    await hook(workspace).send(text="Hello", response_type="in_channel")

    assert [one.text for one in ada.dm] == ["Hello"]


async def test_a_response_url_replaces_or_deletes_the_message(
    client: AsyncWebClient, workspace: SlackWorkspace, ada: Any
) -> None:
    await client.chat_postMessage(channel="U0ADA", text="old")
    message = workspace.messages[0]

    await hook(workspace, message).send(text="new", replace_original=True)
    assert [one.text for one in ada.dm] == ["new"]

    await hook(workspace, message).send(delete_original=True)
    assert ada.messages == []


async def test_an_ephemeral_never_becomes_public(workspace: SlackWorkspace, ada: Any) -> None:
    await hook(workspace).send(text="old")

    await hook(workspace, ada.ephemerals[0]).send(text="new", replace_original=True, response_type="in_channel")

    assert [one.text for one in ada.ephemerals] == ["new"]
    assert ada.dm == []


async def test_a_response_that_slack_does_not_take_is_a_400(workspace: SlackWorkspace, ada: Any) -> None:
    answer = await hook(workspace).send(text="x", blocks=[{"type": "hologram"}])

    assert (answer.status_code, answer.body) == (400, "invalid_blocks")
    assert ada.ephemerals == []


async def test_an_unknown_response_url_is_a_404(workspace: SlackWorkspace) -> None:
    url = workspace.api_url.replace("/api/", "/actions/T0/1/none")

    assert (await AsyncWebhookClient(url, retry_handlers=[]).send(text="x")).status_code == 404


# --- threads


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.postEphemeral"])
@pytest.mark.parametrize(
    ("thread", "code"),
    [
        (lambda _parent, _reply: "0", "invalid_thread_ts"),
        (lambda parent, _reply: parent[:-1] + "x", "invalid_thread_ts"),
        (lambda _parent, _reply: "1500000000.000001", "thread_not_found"),
        (lambda _parent, reply: reply, "cannot_reply_to_message"),
    ],
    ids=["no ts", "letters", "nothing there", "a reply"],
)
async def test_a_reply_needs_a_message_that_is_there(
    client: AsyncWebClient, workspace: SlackWorkspace, method: str, thread: Any, code: str
) -> None:
    workspace.channel("C0TEAM", "team", ["U0ADA", workspace.bot_user_id])
    parent = (await client.chat_postMessage(channel="C0TEAM", text="Hello"))["ts"]
    reply = (await client.chat_postMessage(channel="C0TEAM", text="Hello back", thread_ts=parent))["ts"]
    message = {"channel": "C0TEAM", "user": "U0ADA", "text": "Hello all", "thread_ts": thread(parent, reply)}

    with pytest.raises(SlackApiError, match=code):
        await client.api_call(method, json=message)

    assert [one.thread_ts for one in workspace.messages] == [None, parent]


async def test_a_thread_is_of_its_own_channel(client: AsyncWebClient, workspace: SlackWorkspace) -> None:
    workspace.channel("C0TEAM", "team", ["U0ADA", workspace.bot_user_id])
    parent = (await client.chat_postMessage(channel="U0ADA", text="Hello"))["ts"]

    with pytest.raises(SlackApiError, match="thread_not_found"):
        await client.chat_postMessage(channel="C0TEAM", text="Hello", thread_ts=parent)
