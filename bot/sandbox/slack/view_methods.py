"""The views.* methods of the Web API."""

from __future__ import annotations

from bot.sandbox.slack.chat_methods import need, refuse_if
from bot.sandbox.slack.model import Payload, SlackView
from bot.sandbox.slack.payloads import view_payload
from bot.sandbox.slack.rules import check_view
from bot.sandbox.slack.schema import Problem
from bot.sandbox.slack.state import Refusal, WorkspaceState


def checked(view: object, kind: str, prefix: str = "/view") -> Payload:
    """The view, if Slack takes it. Raises `Refusal`."""
    if not isinstance(view, dict):
        refuse_if([Problem("", "wrong-type", "must provide an object")], "invalid_arguments", prefix)
        raise Refusal("invalid_arguments")
    problems = [one for one in check_view(view) if one.refused]
    if view.get("type") != kind:
        problems.append(Problem("/type", "wrong-type", f"must be {kind}"))
    refuse_if(problems, "invalid_arguments", prefix)
    return view


def _answer(state: WorkspaceState, view: SlackView) -> Payload:
    return {"view": view_payload(state, view)}


async def open_(state: WorkspaceState, args: Payload) -> Payload:
    need(args, "trigger_id", "view")
    return _answer(state, state.open_view(str(args["trigger_id"]), checked(args["view"], "modal")))


async def push(state: WorkspaceState, args: Payload) -> Payload:
    need(args, "trigger_id", "view")
    return _answer(state, state.push_view(str(args["trigger_id"]), checked(args["view"], "modal")))


async def update(state: WorkspaceState, args: Payload) -> Payload:
    need(args, "view")
    if not args.get("view_id") and not args.get("external_id"):
        need(args, "view_id")
    view = state.open_view_named(args.get("view_id"), args.get("external_id"))
    return _answer(state, state.update_view(view, checked(args["view"], view.type), args.get("hash")))


async def publish(state: WorkspaceState, args: Payload) -> Payload:
    need(args, "user_id", "view")
    return _answer(state, state.publish(str(args["user_id"]), checked(args["view"], "home"), args.get("hash")))
