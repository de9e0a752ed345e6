"""Messages that the app posts through a response_url, or in the answer to a slash command.

Source: docs.slack.dev/interactivity/handling-user-interaction#message_responses.
"""

from __future__ import annotations

from bot.sandbox.slack.chat_methods import check_content
from bot.sandbox.slack.model import Payload, SlackMessage
from bot.sandbox.slack.state import WorkspaceState


def answer_response_url(state: WorkspaceState, path: str, payload: Payload) -> None:
    """Post, replace or delete a message. Raises `Refusal` for a bad content, or a used, old or unknown url."""
    url = state.use_response_url(path)
    original = url.message if url.message is not None and not url.message.deleted else None
    if payload.get("delete_original"):
        if original is not None:
            state.delete(original)
        return
    check_content(payload)
    if payload.get("replace_original") and original is not None:
        state.edit(original, payload)  # an ephemeral message stays ephemeral, whatever response_type says
    else:
        post_answer(state, url.user, url.channel, payload)


def post_answer(state: WorkspaceState, user: str, channel: str, payload: Payload) -> SlackMessage:
    """Post a message that only `user` sees, unless its `response_type` is in_channel."""
    only_for = None if payload.get("response_type") == "in_channel" else user
    return state.post(state.channels[channel], payload, to=only_for)
