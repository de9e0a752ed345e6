"""The methods of the Web API about people, the team and the app, and conversations.open."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.sandbox.slack.chat_methods import require_arguments
from bot.sandbox.slack.model import Payload, SlackUser
from bot.sandbox.slack.payloads import TEAM_DOMAIN, TEAM_NAME, enterprise_of
from bot.sandbox.slack.state import Refusal, WorkspaceState


async def auth_test(state: WorkspaceState, args: Payload) -> Payload:
    del args
    answer = {
        "url": f"https://{TEAM_DOMAIN}.slack.com/",
        "team": TEAM_NAME,
        "user": state.bot.name,
        "team_id": state.team_id,
        "user_id": state.bot.id,
        "bot_id": state.bot_id,
        "is_enterprise_install": state.org_install,
    }
    return answer | ({"enterprise_id": state.enterprise_id} if state.enterprise_id else {})


async def users_info(state: WorkspaceState, args: Payload) -> Payload:
    require_arguments(args, "user")
    person = state.people.get(str(args["user"]))
    if person is None:
        raise Refusal("user_not_found")
    return {"user": user_payload(state, person, locale=args.get("include_locale") in (True, "1", "true"))}


def user_payload(state: WorkspaceState, person: SlackUser, *, locale: bool) -> Payload:
    """The user object of users.info. That of a deactivated person has fewer fields."""
    user: Payload = {
        "id": person.id,
        "team_id": person.team_id,
        "name": person.name,
        "deleted": person.deleted,
        "profile": {"real_name": person.name, "display_name": person.name, "team": person.team_id},
        "is_bot": person.is_bot,
        "is_app_user": False,
        "updated": int(state.clock()),
    }
    if person.is_bot:
        user["profile"] |= {"api_app_id": state.app_id, "bot_id": state.bot_id}
    if not person.deleted:
        user |= _active_user_fields(person, state.clock())
    if person.stranger:
        user["is_stranger"] = True
    if locale and not person.stranger:
        user["locale"] = person.locale
    if state.enterprise_id and not person.stranger:
        user["enterprise_user"] = _enterprise_user(state, person)
    return user


def _active_user_fields(person: SlackUser, now: float) -> Payload:
    try:
        moment = datetime.fromtimestamp(now, ZoneInfo(person.tz))
    except (ZoneInfoNotFoundError, ValueError):  # the system has no time zone data
        moment = datetime.fromtimestamp(now, UTC)
    offset = moment.utcoffset()
    return {
        "real_name": person.name,
        "tz": person.tz,
        "tz_label": moment.tzname(),
        "tz_offset": int(offset.total_seconds()) if offset else 0,
        "is_admin": person.admin,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": person.guest or person.ultra_guest,
        "is_ultra_restricted": person.ultra_guest,
        "is_email_confirmed": True,
    }


def _enterprise_user(state: WorkspaceState, person: SlackUser) -> Payload:
    return {
        "id": person.id,
        **{f"enterprise_{name}": value for name, value in (enterprise_of(state) or {}).items()},
        "is_admin": False,
        "is_owner": False,
        "teams": [person.team_id],
    }


async def conversations_open(state: WorkspaceState, args: Payload) -> Payload:
    if args.get("channel"):
        channel = state.find_conversation(str(args["channel"]))
        return _open_answer(args, channel.id, channel.user, known=True)
    require_arguments(args, "users")
    users = [str(one) for one in args["users"]] if isinstance(args["users"], list) else str(args["users"]).split(",")
    if len(users) != 1:
        raise Refusal("too_many_users" if len(users) > 8 else "missing_scope", needed="mpim:write")
    known = state.find_dm(users[0]) is not None
    return _open_answer(args, state.open_dm(users[0]).id, users[0], known=known)


def _open_answer(args: Payload, channel: str, user: str | None, *, known: bool) -> Payload:
    is_verbose = args.get("return_im") in (True, "1", "true")
    conversation: Payload = {"id": channel} | ({"is_im": True, "user": user, "is_open": True} if is_verbose else {})
    return {"channel": conversation} | ({"no_op": True, "already_open": True} if known else {})


async def team_info(state: WorkspaceState, args: Payload) -> Payload:
    if args.get("team") not in (None, "", state.team_id):
        raise Refusal("team_not_found")
    team: Payload = {"id": state.team_id, "name": TEAM_NAME, "domain": TEAM_DOMAIN, "email_domain": "", "icon": {}}
    if (enterprise := enterprise_of(state)) is not None:
        team |= {f"enterprise_{name}": value for name, value in enterprise.items()}
    return {"team": team}


async def bots_info(state: WorkspaceState, args: Payload) -> Payload:
    if args.get("bot") not in (None, "", state.bot_id):
        raise Refusal("bot_not_found")
    bot = {
        "id": state.bot_id,
        "deleted": False,
        "name": state.bot.name,
        "updated": int(state.clock()),
        "app_id": state.app_id,
        "user_id": state.bot.id,
        "icons": {},
    }
    return {"bot": bot}
