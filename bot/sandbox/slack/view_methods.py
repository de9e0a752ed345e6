"""The views.* methods of the Web API."""

from __future__ import annotations

from bot.sandbox.slack.chat_methods import refuse_if, require_arguments
from bot.sandbox.slack.model import Payload, SlackView, ViewType
from bot.sandbox.slack.payloads import view_payload
from bot.sandbox.slack.rules import check_view
from bot.sandbox.slack.schema import Problem
from bot.sandbox.slack.state import Refusal, WorkspaceState


def require_view(view: object, kind: ViewType, prefix: str = "/view") -> Payload:
    """Return `view` if Slack accepts it as a view of that type. Raises `Refusal` otherwise."""
    if not isinstance(view, dict):
        refuse_if([Problem("", "wrong-type", "must provide an object")], "invalid_arguments", prefix)
        raise Refusal("invalid_arguments")
    problems = [one for one in check_view(view) if one.refused]
    if view.get("type") != kind:
        problems.append(Problem("/type", "wrong-type", f"must be {kind}"))
    refuse_if(problems, "invalid_arguments", prefix)
    return view


def _view_answer(state: WorkspaceState, view: SlackView) -> Payload:
    return {"view": view_payload(state, view)}


async def open_(state: WorkspaceState, args: Payload) -> Payload:
    require_arguments(args, "trigger_id", "view")
    return _view_answer(state, state.open_view(str(args["trigger_id"]), require_view(args["view"], "modal")))


async def push(state: WorkspaceState, args: Payload) -> Payload:
    require_arguments(args, "trigger_id", "view")
    return _view_answer(state, state.push_view(str(args["trigger_id"]), require_view(args["view"], "modal")))


async def update(state: WorkspaceState, args: Payload) -> Payload:
    require_arguments(args, "view")
    if not args.get("view_id") and not args.get("external_id"):
        require_arguments(args, "view_id")
    view = state.find_open_view(args.get("view_id"), args.get("external_id"))
    return _view_answer(state, state.update_view(view, require_view(args["view"], view.type), args.get("hash")))


async def publish(state: WorkspaceState, args: Payload) -> Payload:
    require_arguments(args, "user_id", "view")
    return _view_answer(
        state, state.publish(str(args["user_id"]), require_view(args["view"], "home"), args.get("hash"))
    )
