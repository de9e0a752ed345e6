"""Every error code that Slack can answer, by what it is about. The one place that decides what a code means.

    about        what follows
    ──────────   ─────────────────────────────────────────────────────────────────────────────────────────────────────
    recipient    this person or channel takes no message from us: never tried again
    message      this message, view or request cannot be taken as it is: tried again only in simpler words
    workspace    our token, our app or the whole workspace: nothing can be sent there until an operator acts
    now          nothing is wrong with the call: tried again later. It may have had its effect
    unknown      a code that is in no list below: tried again a few times

Sources. Each method's page is https://docs.slack.dev/reference/methods/METHOD, section “Errors”:

    every     on the page of every method, and in https://docs.slack.dev/reference/methods (common errors)
    post      chat.postMessage, chat.postEphemeral
    update    chat.update
    delete    chat.delete
    open      conversations.open
    views     views.open, views.push, views.update, views.publish
    user      users.info
    auth      auth.test
    socket    apps.connections.open
    unfurl    chat.unfurl
    step      functions.completeSuccess, functions.completeError
    sdk       not on a method's page; seen in answers, and named in Slack's guides or in issues of its SDKs
    ours      made by bot/slack for what is no answer of Slack's
"""

from __future__ import annotations

from typing import Final, Literal

About = Literal["recipient", "message", "workspace", "now", "unknown"]

# --- This recipient: the person, or the conversation with them

_RECIPIENT: Final = frozenset({
    "app_access_restricted",  # post: the user does not have permission to use this app
    "cannot_dm_bot",  # sdk: conversations.open with a bot
    "channel_not_found",  # post, update, open
    "invalid_user_combination",  # open: people of other workspaces who share no channel
    "is_archived",  # post
    "messages_tab_disabled",  # post: the app's conversation takes no messages
    "method_not_supported_for_channel_type",  # open
    "not_in_channel",  # post
    "restricted_action",  # post: a preference of the workspace prevents posting there
    "restricted_action_non_threadable_channel",  # post
    "restricted_action_read_only_channel",  # post
    "restricted_action_thread_locked",  # post
    "restricted_action_thread_only_channel",  # post
    "team_not_found",  # post, update: the team of this channel could not be found
    "user_disabled",  # open
    "user_not_found",  # open, user
    "user_not_in_channel",  # post
    "user_not_visible",  # open, user
    "users_not_found",  # sdk: conversations.open
})  # fmt: skip

# --- This message, this view, or the arguments of this call

_MESSAGE: Final = frozenset({
    "as_user_not_supported",  # post, update
    "attachment_payload_limit_exceeded",  # post
    "block_mismatch",  # update
    "blocked_file_type",  # update: this and other codes about files, drafts and cards are here for completeness
    "cannot_find_channel",  # unfurl
    "cannot_find_message",  # unfurl: deleted meanwhile
    "cannot_find_service",  # unfurl: the app may not unfurl in this workspace
    "cannot_parse_attachment",  # unfurl
    "cannot_reply_to_message",  # post
    "cannot_unfurl_message",  # unfurl
    "cannot_unfurl_url",  # unfurl: the link is not in the message, or another app has its domain
    "cant_broadcast_message",  # update
    "cant_delete_message",  # delete: not a message of ours, or deleting is not allowed
    "cant_update_message",  # update: not a message of ours
    "compliance_exports_prevent_deletion",  # delete
    "draft_already_deleted",  # post
    "draft_already_sent",  # post
    "draft_has_conflict",  # post
    "draft_not_found",  # post
    "duplicate_channel_not_found",  # post: about client_msg_id
    "duplicate_external_id",  # views
    "duplicate_message_not_found",  # post: about client_msg_id
    "edit_window_closed",  # update: too old to be edited
    "exchanged_trigger_id",  # views: the trigger was used before
    "execution_not_in_running_state",  # step: it is over already
    "expired_trigger_id",  # views: three seconds are over
    "file_deleted",  # update
    "file_is_deleted",  # update
    "file_not_found",  # update
    "file_share_limit_reached",  # update
    "foreign_url",  # ours: a response_url that is not one of Slack's
    "function_execution_not_found",  # step
    "hash_conflict",  # views: the view was changed since
    "insecure_request",  # socket
    "invalid_arg_name",  # every
    "invalid_arguments",  # sdk: every method
    "invalid_array_arg",  # every
    "invalid_attachments",  # post, update
    "invalid_blocks",  # post, update
    "invalid_blocks_format",  # post, update
    "invalid_charset",  # every
    "invalid_form_data",  # every
    "invalid_json",  # sdk: every method that takes JSON
    "invalid_metadata_format",  # post, update
    "invalid_metadata_schema",  # post, update
    "invalid_post_type",  # every
    "invalid_source",  # unfurl
    "invalid_trigger_id",  # views
    "invalid_unfurl_id",  # unfurl
    "invalid_unfurls_format",  # unfurl
    "is_inactive",  # update: in a frozen, archived or deleted channel
    "json_not_object",  # sdk: every method that takes JSON
    "markdown_text_conflict",  # post, update
    "max_file_sharing_exceeded",  # update
    "message_not_found",  # update: deleted, or never there
    "metadata_must_be_sent_from_app",  # post, update
    "metadata_too_large",  # post, update
    "missing_args",  # socket
    "missing_channel",  # unfurl
    "missing_file_data",  # post
    "missing_post_type",  # every
    "missing_profile_id",  # views
    "missing_source",  # unfurl
    "missing_ts",  # unfurl
    "missing_unfurl_id",  # unfurl
    "missing_unfurls",  # unfurl
    "msg_blocks_too_long",  # post
    "msg_too_long",  # update, post
    "no_dual_broadcast_content_update",  # update
    "no_text",  # post, update
    "not_enabled",  # views: the app has no Home tab
    "not_enough_users",  # open
    "not_found",  # views: the view is not open any more
    "not_implemented",  # views
    "only_one_table_allowed",  # sdk: two table blocks in one message
    "parameter_validation_failed",  # step: the outputs are not those of the manifest
    "posting_to_channel_denied",  # update: files
    "push_limit_reached",  # views: three views are open
    "send_on_behalf_not_allowed",  # post
    "slack_connect_blocked_file_type",  # update
    "slack_connect_canvas_sharing_blocked",  # post, update: what the text links to
    "slack_connect_clip_sharing_blocked",  # update
    "slack_connect_file_link_sharing_blocked",  # post, update
    "slack_connect_file_upload_sharing_blocked",  # update
    "slack_connect_lists_sharing_blocked",  # post
    "too_many_attachments",  # post, update
    "too_many_contact_cards",  # post
    "too_many_users",  # open, user
    "trigger_expired",  # sdk: views
    "unable_to_share_files",  # update
    "update_failed",  # update: “internal update failure”
    "users_list_not_supplied",  # open
    "view_too_large",  # views
})  # fmt: skip

# --- Our token, our app, or the whole workspace

_WORKSPACE: Final = frozenset({
    "accesslimited",  # every: limited on the current network
    "account_inactive",  # every: the token is for a deleted user or workspace
    "app_uninstalled",  # sdk
    "bot_not_found",  # sdk: the app's bot user is gone
    "deprecated_endpoint",  # every
    "enterprise_is_restricted",  # every
    "forbidden_team",  # socket
    "invalid_auth",  # auth, socket, and in practice every method
    "invalid_refresh_token",  # sdk: oauth.v2.access, where the token rotates
    "invalid_token",  # sdk
    "is_bot",  # every: this kind of token cannot call the method
    "method_deprecated",  # every
    "missing_scope",  # every
    "not_allowed_token_type",  # every
    "not_authed",  # every
    "org_login_required",  # every: the workspace migrates to an organisation
    "team_access_not_granted",  # sdk: the organisation's app has no access to this workspace
    "team_added_to_org",  # every: the workspace migrates to an organisation
    "team_disabled",  # sdk
    "team_not_installed",  # ours: the app is not installed in this workspace
    "token_expired",  # every
    "token_revoked",  # every
    "two_factor_setup_required",  # every
    "unknown_method",  # every
})  # fmt: skip

# --- Now: the same call may be taken later

_NOW: Final = frozenset({
    "connection",  # ours: no connection, or it broke before the answer
    "external_channel_migrating",  # update
    "fatal_error",  # every: “it's possible some aspect of the operation succeeded”
    "internal_error",  # auth, socket, and in practice every method: the same
    "message_limit_exceeded",  # post, update: members of this workspace send too many messages
    "rate_limited",  # post
    "ratelimited",  # every
    "request_timeout",  # every: the body did not arrive whole
    "service_unavailable",  # every
    "streaming_state_conflict",  # update
    "unreadable",  # ours: no answer in Slack's form
})  # fmt: skip

# Deliberately in no list, although documented for every method: `access_denied` (“access to a resource specified in the
# request is denied”), `ekm_access_denied` (admins have suspended posting, in this channel or everywhere) and
# `no_permission` (the token lacks a permission, or the app is not in the conversation) do not say whether the recipient
# or the workspace is meant.

_ABOUT: Final[dict[str, About]] = {
    **dict.fromkeys(_RECIPIENT, "recipient"),
    **dict.fromkeys(_MESSAGE, "message"),
    **dict.fromkeys(_WORKSPACE, "workspace"),
    **dict.fromkeys(_NOW, "now"),
}


def classify(code: str) -> About:
    """What this code is about: "now" for each HTTP status that ends by itself, such as a proxy's `http_502`."""
    if code.startswith("http_5") or code in {"http_408", "http_429"}:
        return "now"
    return _ABOUT.get(code, "unknown")


# Codes about the workspace that a method may get while others are taken.
_ONE_METHOD: Final = frozenset({
    "deprecated_endpoint", "is_bot", "method_deprecated", "missing_scope", "not_allowed_token_type", "unknown_method",
})  # fmt: skip


def is_about_one_method(code: str) -> bool:
    """Whether other methods may be taken while one gets this code: then their success proves nothing."""
    return code in _ONE_METHOD


# --- What an operator does about a code that is about the workspace

_REINSTALL = "install the app to the workspace again, and put its new bot token into SLACK_BOT_TOKEN"
_COPY_TOKEN = "copy the bot token again from “OAuth & Permissions” into SLACK_BOT_TOKEN, and restart"
_WAIT = "Slack is moving this workspace; sending goes on by itself when it has finished"

_FIXES: Final = {
    "account_inactive": _REINSTALL,
    "app_uninstalled": _REINSTALL,
    "bot_not_found": _REINSTALL,
    "accesslimited": "Slack does not take calls from this network: allow the bot's address in the workspace",
    "enterprise_is_restricted": "install the app to a workspace, not to the organisation",
    "missing_scope": "the app lacks a scope: compare them with manifest.yml, then install it to the workspace again",
    "org_login_required": _WAIT,
    "team_access_not_granted": "give the app access to this workspace in the organisation's settings",
    "team_added_to_org": _WAIT,
    "team_not_installed": "install the app to this workspace",
    "token_expired": "switch token rotation off for the app, then " + _COPY_TOKEN,
    "token_revoked": _REINSTALL,
    "two_factor_setup_required": "the workspace demands two-factor sign-in from whoever installed the app",
}


def advise(code: str) -> str:
    """What to do about a code that is about the workspace, for a log line."""
    return _FIXES.get(code, _COPY_TOKEN)
