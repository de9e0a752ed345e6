"""The rules: how they are read, that one place decides, and which of them each surface falls under."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.errors import CannotStart, NotAllowed, Refused
from bot.features import Registry
from bot.interaction.feature import FieldErrors
from bot.onetime.client import Credentials, Onetime
from bot.onetime.links import Host, Hosts
from bot.person import Person
from bot.policy.decide import NAMES, WHAT, Layers, PolicyDenied, acting, decide
from bot.policy.file import check_hosts, read_file
from bot.policy.rules import COUNTS, RULES, Policy
from bot.secret import MetadataKey, Secret, SecretKey
from bot.sharing.share_spec import ShareSpec, check_policy
from bot.slack.members import Members, is_guest
from bot.slack.workspaces import Workspace
from bot.storage.shares.rows import Recipient

ROOT = Path(__file__).parents[2]
EU, CA = "https://eu.onetimesecret.com", "https://ca.onetimesecret.com"
FORBIDDEN: dict[str, tuple[Any, Any]] = {
    "hosts": ((CA,), EU),
    "max_life": (60, 61),
    "passphrase": (True, False),
    **dict.fromkeys(("channels", "bare_links", "guests", "retrieve", "escrow", "unfurl"), (False, True)),
}
SHARES = {"hosts", "max_life", "passphrase", "channels", "bare_links", "shares_per_hour",
          "workspace_shares_per_hour", "default_host"}  # fmt: skip
OPENS = {"retrieve", "hosts", "escrow", "opens_per_hour", "workspace_opens_per_hour"}
SERVER = {"hosts", "default_host"}  # asks a server, or reads a key without a link
OWN = "works on what is stored here for the person, and asks no server"
BURNS = "burning is always allowed: it only takes a secret away"
LOOKED_AFTER = "what exists on a server can be looked after: only so can it be burned"
SHOWN = "shows again what was opened before the rule, or takes it away"

# Every handler: the rules that it falls under, or why it falls under none. `guests` is about all that need a member.
ASKS_ONLY = "only asks; the form or button that goes on falls under the rules"
SURFACES: dict[str, set[str] | str] = {
    **dict.fromkeys(("command retrieve", "shortcut open_link", "action run_retrieve", "action card_open",
                     "action retrieve_open", "form retrieve_link", "form retrieve", "action share_open_now"), OPENS),
    **dict.fromkeys(("action share_open", "action retrieve_with_passphrase", "action retrieve_try_again"), ASKS_ONLY),
    **dict.fromkeys(("action retrieve_again", "action retrieve_page_back", "action retrieve_page_on",
                     "form retrieve_done", "closed retrieve_done"), SHOWN),
    **dict.fromkeys(("action retrieve_in_browser", "action open_url"), "the browser opens it, and no bot"),
    **dict.fromkeys(("command share", "shortcut share_secret", "action run_share", "command generate",
                     "action run_generate", "form share", "form generate", "message_shortcut make_link",
                     "action request_answer", "action share_again", "action share_change", "action share_more",
                     "action share_options"), SHARES),
    **dict.fromkeys(("command request", "shortcut request_secret", "action run_request", "form request",
                     "action request_decline", "form request_decline", "action request_withdraw"),
                    "asks for a secret; the answer is a share, which falls under the rules"),
    **dict.fromkeys(("action share_burn", "action share_burn_all", "action share_burn_all_ask",
                     "action share_burn_ask", "form share_burn", "form share_burn_all", "action card_burn",
                     "action burn", "action burn_with_passphrase", "command burn", "action run_burn", "form burn",
                     "action tracked_burn", "action tracked_burn_with_passphrase", "action tracked_list_burn"), BURNS),
    **dict.fromkeys(("action share_copy", "action share_link", "action share_passphrase", "action share_remind",
                     "action share_remind_cancel", "form share_remind"), "is about what was shared before the rule"),
    **dict.fromkeys(("action check_link_secret", "action card_check", "command recent", "action run_recent",
                     "action recent_newer", "action recent_older", "action recent_filter", "command connect",
                     "action run_connect", "action connect_open", "form connect", "command link",
                     "event app_home_opened", "action home_recent_filter", "action home_recent_newer",
                     "action home_recent_older"), SERVER),
    **dict.fromkeys(("action check_link_private", "action metadata_details", "action metadata_refresh",
                     "command metadata", "action run_metadata", "action track", "command track", "action run_track",
                     "action tracked_refresh"), LOOKED_AFTER),
    **dict.fromkeys(("action account_default", "action account_disconnect", "command accounts", "action run_accounts",
                     "command disconnect", "action run_disconnect", "action home_tracked_newer",
                     "action home_tracked_older", "command settings", "action run_settings", "form settings",
                     "command tracked", "action run_tracked", "action tracked_newer", "action tracked_older",
                     "action tracked_stop", "action tracked_list_stop", "command untrack", "action run_untrack",
                     "command watch", "action run_watch"), OWN),
    **dict.fromkeys(("action run_help", "action run_start"), "only words"),
    **dict.fromkeys(("message_shortcut check_link",), "asks no server before “Check now”"),
    **dict.fromkeys(("action policy_open", "form policy", "action left_open"), "Slack says afresh who is an admin"),
    "action left_burn": BURNS,
    **dict.fromkeys(("event app_uninstalled", "event tokens_revoked", "event user_change", "action erase_me",
                     "action activity_open", "action activity_newer", "action activity_older"), OWN),
    "function request_secret": "asks for a secret, as a request does",
    "event link_shared": {"unfurl", "hosts"},
}  # fmt: skip


def name_of(key):
    return f"{key[0]} {key[1]}"


def surfaces_with_rule():
    return {name_of(key) for key, one in Registry().handlers.items() if one.rule is not None}


def test_every_rule_that_can_deny_says_which_it_is_and_whose():
    for rule, (value, wanted) in FORBIDDEN.items():
        policy = replace(Policy(), **{rule: value})
        for layers, whose in ((Layers(deployment=policy), "deployment"), (Layers(workspace=policy), "workspace")):
            denial = decide(layers, rule, wanted)

            assert (denial.rule, denial.whose) == (rule, whose)
            assert denial.tell.text.startswith("Your workspace's admins" if whose == "workspace" else "Whoever runs")
            assert dict(denial.tell.values) == {"what": WHAT[rule], "rule": NAMES[rule]}
        assert decide(Layers(), rule, wanted) is None
    assert FORBIDDEN.keys() | set(COUNTS) | {"default_host"} == set(RULES)


def test_the_workspace_can_only_be_stricter():
    layers = Layers(Policy(shares_per_hour=5, guests=False), Policy(shares_per_hour=9, guests=True))

    assert layers.lowest("shares_per_hour", 30) == 5
    assert not layers.allows_guests
    assert not Layers().allows_guests
    assert Layers(workspace=Policy(guests=True)).allows_guests


@pytest.mark.parametrize(
    ("rule", "field"),
    [("hosts", "account"), ("max_life", "ttl"), ("passphrase", "passphrase_mode"), ("channels", "channel"),
     ("bare_links", "whom")],
)  # fmt: skip
def test_a_share_that_a_rule_does_not_allow_is_refused_at_its_field(rule, field):
    spec = ShareSpec(Secret("x"), None, (Recipient(channel="C1"), Recipient()), 61, None, "nobody", None, False,
                     Host(EU), None)  # fmt: skip
    acting.set(Layers(workspace=replace(Policy(), **{rule: FORBIDDEN[rule][0]})))

    with pytest.raises(FieldErrors) as refused:
        check_policy(spec)

    assert list(refused.value.fields) == [field]
    acting.set(Layers())
    check_policy(spec)


async def test_no_call_but_a_burn_reaches_a_server_that_is_not_allowed(monkeypatch):
    onetime, credentials, sent = Onetime(), Credentials(Host(EU)), []

    async def note(request, *_more):
        sent.append(request.operation)
        raise Refused

    monkeypatch.setattr(onetime, "_exchange", note)
    acting.set(Layers(workspace=Policy(hosts=(CA,))))
    calls = [
        lambda: onetime.reveal(credentials, SecretKey("k" * 31)),
        lambda: onetime.secret_status(Host(EU), SecretKey("k" * 31)),
        lambda: onetime.authcheck(credentials),
        lambda: onetime.share(credentials, Secret("x"), ttl=60, passphrase=None),
        lambda: onetime.generate(credentials, ttl=60, passphrase=None),
        lambda: onetime.recent(credentials),
    ]
    for call in calls:
        with pytest.raises(PolicyDenied, match="hosts by workspace"):
            await call()
    assert sent == []

    with pytest.raises(Refused):
        await onetime.burn(credentials, MetadataKey("k" * 31))
    assert sent == ["burn"]
    acting.set(Layers())


def test_what_opens_a_secret_falls_under_the_rule_for_opening():
    wanted = {name for name, rules in SURFACES.items() if rules is OPENS}

    # On a message of a share the window is shown all the same: it has the way by the browser.
    assert surfaces_with_rule() == wanted - {"action share_open_now"}


def test_every_handler_has_its_row():
    assert SURFACES.keys() == {name_of(key) for key in Registry().handlers}


def test_only_what_shows_nothing_is_open_to_guests():
    assert {name_of(key) for key, one in Registry().handlers.items() if not one.needs_member} == {
        "event app_home_opened", "event link_shared", "event app_uninstalled", "event tokens_revoked",
        "event user_change", "function request_secret",
    }  # fmt: skip


# --- guests


GUEST = {"id": "U1", "team_id": "T1", "is_restricted": True}


@pytest.mark.parametrize(
    ("more", "is_one"),
    [({}, True), ({"is_ultra_restricted": True}, True), ({"is_stranger": True}, False), ({"deleted": True}, False),
     ({"team_id": "T2"}, False), ({"id": "U2"}, False), ({"is_bot": True}, False), ({"is_restricted": False}, False)],
)  # fmt: skip
def test_only_active_guests_of_this_very_workspace_can_be_let_in(more, is_one):
    assert is_guest(GUEST | more, Person(None, "T1", "U1"), workspace_of(None, "T1", None)) is is_one


@pytest.mark.parametrize(
    ("team_id", "user", "is_one"),
    [(None, {}, True), (None, {"enterprise_user": {"enterprise_id": "E2"}}, False), ("T1", {}, False)],
)
def test_a_guest_of_another_workspace_is_let_in_only_where_the_organisation_has_the_app(team_id, user, is_one):
    theirs = GUEST | {"team_id": "T2", "enterprise_user": {"enterprise_id": "E1"}} | user

    assert is_guest(theirs, Person("E1", "T2", "U1"), workspace_of(None, team_id, "E1")) is is_one


def workspace_of(slack, team_id, enterprise_id):
    return Workspace(slack, team_id, enterprise_id, bot_id=None, bot_user_id=None)


@pytest.mark.parametrize("rule", [None, False, True])
async def test_guests_are_let_in_by_a_rule_alone(rule):
    async def user(_id):
        return GUEST

    async def ignore(_person, _locale):
        pass

    async def layers(_person):
        return Layers(workspace=Policy(guests=rule))

    async def require(_install_team):
        return workspace_of(SimpleNamespace(user=user), "T1", None)

    workspaces: Any = SimpleNamespace(require=require)
    policies: Any = SimpleNamespace(of=layers)
    members = Members(workspaces, policies, ignore)

    if rule:
        await members.require_member(Person(None, "T1", "U1"), "T1")
        return
    with pytest.raises(NotAllowed) as refused:
        await members.require_member(Person(None, "T1", "U1"), "T1")
    assert refused.value.tell.text.startswith("Your workspace's" if rule is False else "This app is for full")


# --- the file


def test_the_example_is_a_policy_with_every_rule():
    policy = read_file(ROOT / "docs/deploy/policy.toml")

    assert set(policy.as_values()) == set(RULES)
    check_hosts(policy, {one.url for one in Hosts().all})


@pytest.mark.parametrize(
    ("text", "said"),
    [("\nchanels = true", "line 2: chanels is not usable: there is no such rule"),
     ("# x\nchannels = 1", "line 2: channels is not usable: it should be true or false"),
     ('max_life = "7w"', "line 1: max_life"), ("hosts = []", "line 1: hosts"),
     ("shares_per_hour = 0", "line 1: shares_per_hour"), ("channels = tru", "is not TOML: .*line 1")],
)  # fmt: skip
def test_a_file_that_cannot_be_used_stops_the_start_with_line_rule_and_fix(tmp_path, text, said):
    file = tmp_path / "policy.toml"
    file.write_text(text)

    with pytest.raises(CannotStart, match=said):
        read_file(file)


def test_a_server_that_is_not_used_here_stops_the_start():
    with pytest.raises(CannotStart, match=r"hosts names https://x\.example"):
        check_hosts(Policy(hosts=("https://x.example",)), {EU})
