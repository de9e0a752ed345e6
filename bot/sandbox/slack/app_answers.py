"""Applies the app's answer to a delivery: what changes in the workspace, and what the person sees."""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack.chat_methods import check_content
from bot.sandbox.slack.model import SlackView
from bot.sandbox.slack.records import AppDelivery, SentPayload, WorkspaceRecords
from bot.sandbox.slack.response_urls import post_answer
from bot.sandbox.slack.state import Refusal, WorkspaceState
from bot.sandbox.slack.view_methods import require_view


def record_answer(records: WorkspaceRecords, delivery: AppDelivery, verdict: str | None = None) -> None:
    """Keep the app's answer, if it has a body, among the payloads that the app sent."""
    if delivery.answer is not None:
        payload = delivery.answer if isinstance(delivery.answer, dict) else {"text": delivery.answer}
        records.sent.append(SentPayload(f"ack {delivery.what}", payload, verdict or delivery.error or "ok"))


def apply_command_answer(state: WorkspaceState, delivery: AppDelivery, user: str, channel: str) -> None:
    """Post the answer to a slash command: an ephemeral message, unless its `response_type` is in_channel."""
    if delivery.ok and delivery.answer is not None:
        answer = delivery.answer if isinstance(delivery.answer, dict) else {"text": str(delivery.answer)}
        try:
            check_content(answer)
        except Refusal:
            delivery.error = "invalid_command_response"
        else:
            posted = post_answer(state, user, channel, answer)
            delivery.shown = posted.shows
    if delivery.error is not None:
        delivery.shown = f'{delivery.payload["command"]} failed with the error "{delivery.error}"'


def apply_submission_answer(state: WorkspaceState, delivery: AppDelivery, view: SlackView) -> None:
    """Do what `response_action` says: close, change or push views. An empty answer closes `view`."""
    if delivery.ok:
        try:
            _apply_response_action(state, view, delivery.answer)
        except Refusal as refusal:
            delivery.error = refusal.code
    if delivery.error is not None:
        delivery.shown = "We had some trouble connecting. Try again?"
    elif view.errors:
        delivery.shown = "\n".join(view.errors.values())


def _apply_response_action(state: WorkspaceState, view: SlackView, answer: Any) -> None:
    action = answer.get("response_action") if isinstance(answer, dict) else None
    match action:
        case None if answer in (None, {}) or (isinstance(answer, dict) and set(answer) == {"text"}):
            state.close([view])
        case "clear":
            state.close(reversed(state.stack(view.user)))
        case "errors":
            _show_errors(state, view, answer.get("errors"))
        case "update" if not view.closed:
            state.update_view(view, require_view(answer.get("view"), "modal"))
        case "push" if not view.closed:
            state.push_over(view.user, require_view(answer.get("view"), "modal"))
        case "update" | "push":
            require_view(answer.get("view"), "modal")
        case _:
            raise Refusal("invalid_response")


def _show_errors(state: WorkspaceState, view: SlackView, errors: Any) -> None:
    """Show errors at input blocks. Slack shows none of them if one names a block that is no input block."""
    inputs = {block.get("block_id") for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        raise Refusal("invalid_errors")
    view.errors = {str(name): str(text) for name, text in errors.items()}
    state.changes.publish("view", view)
