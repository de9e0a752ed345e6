"""The chat.* methods of the Web API."""

from __future__ import annotations

import re
from typing import Any

from bot.sandbox.slack.block_schemas import MESSAGE
from bot.sandbox.slack.model import Payload, SlackChannel, SlackMessage
from bot.sandbox.slack.payloads import message_payload
from bot.sandbox.slack.rules import check_message
from bot.sandbox.slack.schema import Problem
from bot.sandbox.slack.state import Refusal, WorkspaceState

#: codes of problems that are Slack's error codes; all other problems become invalid_blocks, invalid_arguments …
_SLACK_CODES = {
    "no_text",
    "msg_too_long",
    "markdown_text_conflict",
    "only_one_table_allowed",
    "view_too_large",
}


_TS = re.compile(r"[0-9]{10}\.[0-9]{6}")


def check_content(args: Payload, *, update: bool = False) -> None:
    """Raise `Refusal` unless Slack accepts the content of a message. Unknown arguments are ignored, as Slack does."""
    known = {name: args[name] for name in MESSAGE.optional if name in args}
    problems = [one for one in check_message(known, update=update) if one.refused]
    if problems:
        refuse_if(problems, _error_code(problems[0]))


def _error_code(problem: Problem) -> str:
    match problem.pointer.split("/")[1:]:
        case ["blocks"] if problem.code == "wrong-type":
            return "invalid_blocks_format"
        case ["blocks", *_]:
            return "invalid_blocks"
        case ["attachments"] if problem.code == "limit":
            return "too_many_attachments"
        case ["attachments", *_]:
            return "invalid_attachments"
        case ["metadata", *inner]:
            return "invalid_metadata_schema" if inner[:1] == ["entities"] else "invalid_metadata_format"
        case _:
            return "invalid_arguments"


def refuse_if(problems: list[Problem], code: str, prefix: str = "") -> None:
    """Raise `Refusal` if there are problems, with the code of a problem if it is one of Slack's, else with `code`.

    `prefix` is the JSON pointer of the payload in the arguments.
    """
    if not problems:
        return
    for one in problems:
        if one.code in _SLACK_CODES:
            raise Refusal(one.code)
    lines = [f"{one.message} [json-pointer:{prefix}{one.pointer}]" for one in problems]
    extra: dict[str, Any] = {"errors": lines} if code == "invalid_blocks" else {}
    raise Refusal(code, **extra, response_metadata={"messages": [f"[ERROR] {line}" for line in lines]})


def require_arguments(args: Payload, *names: str) -> None:
    """Raise `Refusal` if one of the arguments is missing or empty."""
    missing = [name for name in names if not args.get(name)]
    if missing:
        lines = [f"[ERROR] missing required field: {name}" for name in missing]
        raise Refusal("invalid_arguments", response_metadata={"messages": lines})


def _find_postable_channel(state: WorkspaceState, named: str, *, users_too: bool) -> SlackChannel:
    channel = state.find_conversation(named, users_too=users_too)
    if state.bot.id not in channel.members:
        raise Refusal("not_in_channel")
    if channel.archived:
        raise Refusal("is_archived")
    if channel.read_only:
        raise Refusal("restricted_action")
    if channel.user is not None and state.people[channel.user].deleted:
        raise Refusal("user_disabled")
    return channel


def _check_thread(state: WorkspaceState, channel: SlackChannel, thread_ts: object) -> None:
    """Raise `Refusal` unless a reply can be posted under that message. None and "" stand for no thread.

    Slack takes a `thread_ts` of a message that is not there, and shows the reply to nobody; here it is an error.
    """
    if thread_ts in (None, ""):
        return
    if not isinstance(thread_ts, str) or not _TS.fullmatch(thread_ts):
        raise Refusal("invalid_thread_ts", response_metadata={"messages": ["[ERROR] not a valid thread_ts"]})
    try:
        parent = state.find_message(channel.id, thread_ts)
    except Refusal:
        raise Refusal("thread_not_found") from None
    if parent.thread_ts not in (None, parent.ts):  # a reply has no replies of its own
        raise Refusal("cannot_reply_to_message")


async def post_message(state: WorkspaceState, args: Payload) -> Payload:
    require_arguments(args, "channel")
    channel = _find_postable_channel(state, str(args["channel"]), users_too=True)
    check_content(args)
    _check_thread(state, channel, args.get("thread_ts"))
    message = _find_duplicate(state, channel, args.get("client_msg_id")) or state.post(channel, args)
    return {"channel": channel.id, "ts": message.ts, "message": message_payload(state, message)}


def _find_duplicate(state: WorkspaceState, channel: SlackChannel, client_msg_id: str | None) -> SlackMessage | None:
    """The message that was posted with this client_msg_id before, if the workspace honours such ids."""
    if not client_msg_id or not state.honours_client_msg_id:
        return None
    posted = [one for one in state.messages if one.client_msg_id == client_msg_id and one.channel == channel.id]
    return posted[0] if posted else None


async def post_ephemeral(state: WorkspaceState, args: Payload) -> Payload:
    require_arguments(args, "channel", "user")
    channel = _find_postable_channel(state, str(args["channel"]), users_too=True)
    user = str(args["user"])
    if user not in state.people:
        raise Refusal("user_not_found")
    if user not in channel.members:
        raise Refusal("user_not_in_channel")
    check_content(args)
    _check_thread(state, channel, args.get("thread_ts"))
    return {"message_ts": state.post(channel, args, to=user).ts}


async def update(state: WorkspaceState, args: Payload) -> Payload:
    message = _find_own_message(state, args, "cant_update_message")
    if state.edit_window is not None and state.clock() - float(message.ts) > state.edit_window:
        raise Refusal("edit_window_closed")
    check_content(args, update=True)
    state.edit(message, args)
    shown = message_payload(state, message)
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": shown}


async def delete(state: WorkspaceState, args: Payload) -> Payload:
    message = _find_own_message(state, args, "cant_delete_message")
    state.delete(message)
    return {"channel": message.channel, "ts": message.ts}


def _find_own_message(state: WorkspaceState, args: Payload, otherwise: str) -> SlackMessage:
    require_arguments(args, "channel", "ts")
    message = state.find_message(state.find_conversation(str(args["channel"])).id, str(args["ts"]))
    if not message.by_bot:
        raise Refusal(otherwise)
    return message


async def get_permalink(state: WorkspaceState, args: Payload) -> Payload:
    require_arguments(args, "channel", "message_ts")
    channel = state.find_conversation(str(args["channel"]))
    message = state.find_message(channel.id, str(args["message_ts"]))
    link = f"https://sandbox.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}
