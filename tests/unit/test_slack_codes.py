"""What a code of Slack is about, and what the calls learn about our token."""

import inspect
import re

from bot import slack_codes
from bot.errors import SlackError, WindowClosed
from bot.slack.token_health import TokenHealth
from bot.slack_codes import About, advise, classify, is_about_one_method
from tests.support.english import english
from tests.support.rows import each_row

# What every code is about, stated here once more: a code that is moved or left out in the bot's own lists shows here.
GROUPS: dict[About, str] = {
    "recipient": """
        app_access_restricted cannot_dm_bot channel_not_found invalid_user_combination is_archived messages_tab_disabled
        method_not_supported_for_channel_type not_in_channel restricted_action restricted_action_non_threadable_channel
        restricted_action_read_only_channel restricted_action_thread_locked restricted_action_thread_only_channel
        team_not_found user_disabled user_not_found user_not_in_channel user_not_visible users_not_found
    """,
    "message": """
        as_user_not_supported attachment_payload_limit_exceeded block_mismatch blocked_file_type cannot_reply_to_message
        cant_broadcast_message cant_delete_message cant_update_message compliance_exports_prevent_deletion
        draft_already_deleted draft_already_sent draft_has_conflict
        draft_not_found duplicate_channel_not_found duplicate_external_id duplicate_message_not_found edit_window_closed
        exchanged_trigger_id expired_trigger_id file_deleted file_is_deleted file_not_found file_share_limit_reached
        foreign_url hash_conflict insecure_request invalid_arg_name invalid_arguments invalid_array_arg
        invalid_attachments invalid_blocks invalid_blocks_format invalid_charset invalid_form_data invalid_json
        invalid_metadata_format invalid_metadata_schema invalid_post_type invalid_trigger_id is_inactive json_not_object
        markdown_text_conflict max_file_sharing_exceeded message_not_found metadata_must_be_sent_from_app
        metadata_too_large missing_args missing_file_data missing_post_type missing_profile_id msg_blocks_too_long
        msg_too_long no_dual_broadcast_content_update no_text not_enabled not_enough_users not_found not_implemented
        only_one_table_allowed posting_to_channel_denied push_limit_reached send_on_behalf_not_allowed
        slack_connect_blocked_file_type slack_connect_canvas_sharing_blocked slack_connect_clip_sharing_blocked
        slack_connect_file_link_sharing_blocked slack_connect_file_upload_sharing_blocked
        slack_connect_lists_sharing_blocked too_many_attachments too_many_contact_cards too_many_users trigger_expired
        unable_to_share_files update_failed users_list_not_supplied view_too_large
        cannot_find_channel cannot_find_message cannot_find_service cannot_parse_attachment cannot_unfurl_message
        cannot_unfurl_url invalid_source invalid_unfurl_id invalid_unfurls_format missing_channel missing_source
        missing_ts missing_unfurl_id missing_unfurls
        execution_not_in_running_state function_execution_not_found parameter_validation_failed
    """,
    "workspace": """
        accesslimited account_inactive app_uninstalled bot_not_found deprecated_endpoint enterprise_is_restricted
        forbidden_team invalid_auth invalid_refresh_token invalid_token is_bot method_deprecated missing_scope
        not_allowed_token_type not_authed org_login_required team_access_not_granted team_added_to_org team_disabled
        team_not_installed token_expired token_revoked two_factor_setup_required unknown_method
    """,
    "now": """
        connection external_channel_migrating fatal_error http_408 http_429 http_500 http_502 http_503 http_504
        internal_error message_limit_exceeded rate_limited ratelimited request_timeout service_unavailable
        streaming_state_conflict unreadable
    """,
    "unknown": """
        a_code_of_next_year access_denied ekm_access_denied http_302 http_404 no_permission
    """,
}
ABOUT = {code: about for about, codes in GROUPS.items() for code in codes.split()}
# Of a workspace that refuses one method with these, other methods may be taken.
OF_ONE_METHOD = [
    "deprecated_endpoint",
    "is_bot",
    "method_deprecated",
    "missing_scope",
    "not_allowed_token_type",
    "unknown_method",
]


@each_row(("code", "about"), list(ABOUT.items()), ids=ABOUT)
def test_every_code_is_about_one_thing(code, about):
    assert classify(code) == about


def test_no_code_is_in_two_groups_and_none_is_known_to_the_bot_alone():
    stated = [code for codes in GROUPS.values() for code in codes.split()]
    quoted = set(re.findall(r'^    "([a-z_]+)",  # \w', inspect.getsource(slack_codes), re.MULTILINE))

    assert sorted(stated) == sorted(set(stated))
    assert len(quoted) > 100
    assert quoted - ABOUT.keys() == set()


def test_which_refusals_are_about_one_method_alone():
    assert [code for code in ABOUT if is_about_one_method(code)] == sorted(OF_ONE_METHOD)


def test_an_error_about_our_token_says_so_to_the_person_and_to_the_operator():
    error = SlackError("chat.postMessage", "token_revoked")

    assert "tell the person who runs it" in english(error.tell)
    assert str(error) == "chat.postMessage: token_revoked"
    assert "install the app" in advise(error.code)


# What the log advises an operator, by a word of it. All other codes get the advice of `invalid_auth`.
ADVICE = {
    "account_inactive": "install the app to the workspace again",
    "app_uninstalled": "install the app to the workspace again",
    "bot_not_found": "install the app to the workspace again",
    "token_revoked": "install the app to the workspace again",
    "accesslimited": "allow the bot's address",
    "enterprise_is_restricted": "not to the organisation",
    "missing_scope": "manifest.yml",
    "org_login_required": "goes on by itself",
    "team_added_to_org": "goes on by itself",
    "team_access_not_granted": "give the app access",
    "team_not_installed": "install the app to this workspace",
    "token_expired": "switch token rotation off",
    "two_factor_setup_required": "two-factor",
}


@each_row("code", GROUPS["workspace"].split())
def test_an_operator_reads_what_to_do_about_a_code_of_the_workspace(code):
    assert ADVICE.get(code, "copy the bot token again") in advise(code)
    assert (advise(code) == advise("invalid_auth")) is (code not in ADVICE)


def test_only_the_recipient_and_the_message_make_an_error_permanent():
    permanent = [code for code in ABOUT if SlackError("chat.postMessage", code).is_permanent]

    assert permanent == [code for code, about in ABOUT.items() if about in ("recipient", "message")]


class _Steps:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_a_refused_token_is_said_once_until_it_is_taken_again(caplog):
    health = TokenHealth(_Steps())

    for _ in range(3):
        health.refuse(SlackError("chat.postMessage", "token_revoked"))

    assert (health.refused, bool(health.fix)) == ("token_revoked", True)
    (line,) = [line for line in caplog.records if line.levelname == "WARNING"]
    assert line.getMessage() == "token_refused"
    assert line.fields == {"error": "chat.postMessage: token_revoked", "reason": advise("token_revoked")}
    health.accept("users.info", health.begin())
    assert (health.refused, health.fix) == (None, None)


def test_a_slower_answer_to_an_earlier_call_does_not_prove_that_the_token_works():
    health = TokenHealth(_Steps())
    began = health.begin()

    health.refuse(SlackError("chat.postMessage", "invalid_auth"))
    health.accept("users.info", began)

    assert health.refused == "invalid_auth"


def test_what_one_method_may_not_do_is_not_disproved_by_another():
    health = TokenHealth(_Steps())
    health.refuse(SlackError("chat.postMessage", "missing_scope"))

    health.accept("users.info", health.begin())
    assert health.refused == "missing_scope"
    health.accept("chat.postMessage", health.begin())
    assert health.refused is None


def test_a_window_that_was_closed_is_no_fault_of_the_workspace():
    assert WindowClosed("views.update", "not_found").about == "message"
