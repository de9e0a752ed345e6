"""The emulated Slack tells the app of links on its domains, and takes cards for them under Slack's rules."""

import aiohttp
import pytest
import pytest_asyncio

from bot.sandbox.slack import SlackWorkspace
from bot.sandbox.slack.rate_limits import LIMITS, TIER_3
from bot.sandbox.slack.unfurls import find_domain, find_links

LINK = "https://eu.example.com/secret/abc"
CARD = {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "a card"}}]}
BUTTON = {"type": "button", "action_id": "press", "text": {"type": "plain_text", "text": "Press"}, "value": "ref:x"}


@pytest_asyncio.fixture
async def workspace():
    made = SlackWorkspace()
    made.allow_unfurls("example.com")
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def ada(workspace):
    return workspace.person("U0ADA", "ada")


@pytest.fixture
def team(workspace, ada):
    return workspace.channel("C0TEAM", "team", [ada])


async def call(workspace, token=None, **args):
    headers = {"Authorization": f"Bearer {token or workspace.bot_token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{workspace.api_url}chat.unfurl", json=args, headers=headers) as answer,
    ):
        return await answer.json()


def events(workspace):
    return [one.payload["event"] for one in workspace.deliveries if one.what == "link_shared"]


# --- which links


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://example.com/a", "example.com"),
        ("https://yet.another.example.com/a", "example.com"),
        ("http://example.com:8080/a", "example.com"),
        ("https://badexample.com/a", None),
        ("https://example.com.evil.example/a", None),
    ],
    ids=["itself", "a subdomain", "any port", "another name", "another domain"],
)
def test_a_domain_covers_its_subdomains_and_all_ports(url, domain):
    assert find_domain(url, ["example.com"]) == domain


def test_links_are_found_marked_and_bare_each_once_without_escapes():
    text = f"<{LINK}|here> and {LINK} and <https://example.com/?a=1&amp;b=2> but not https://elsewhere.example/"

    assert find_links(text, ["example.com"]) == (LINK, "https://example.com/?a=1&b=2")


async def test_the_app_is_told_of_a_posted_link_wherever_it_is_posted(workspace, ada, team):
    message = await ada.post(LINK, channel=team)

    (event,) = events(workspace)
    assert (event["channel"], event["message_ts"], event["user"]) == (team.id, message.ts, ada.id)
    assert event["source"] == "conversations_history"
    assert event["is_bot_user_member"] is False
    assert event["links"] == [{"domain": "example.com", "url": LINK}]


async def test_the_app_is_told_of_a_link_in_the_composer_too(workspace, ada):
    await ada.compose(LINK)

    (event,) = events(workspace)
    assert (event["source"], event["channel"]) == ("composer", "COMPOSER")
    assert workspace.messages == []


async def test_the_app_is_told_of_no_other_text(workspace, ada, team):
    await ada.post("https://elsewhere.example/ and example.com", channel=team)

    assert events(workspace) == []


async def test_without_domains_the_app_is_told_of_nothing(ada):
    plain = SlackWorkspace()
    await plain.start()
    ben = plain.person("U0BEN", "ben")
    await ben.post(LINK, channel=plain.state.open_dm(ben.id))
    await plain.stop()

    assert events(plain) == []


@pytest.mark.parametrize("domains", [["a.example:80"], ["a.example/b"], [f"{letter}.example" for letter in "abcdef"]])
def test_a_manifest_takes_five_domains_without_ports_and_paths(domains):
    with pytest.raises(ValueError, match="at most five"):
        SlackWorkspace().allow_unfurls(*domains)


# --- cards


async def test_a_card_is_attached_and_the_next_one_replaces_it(workspace, ada, team):
    message = await ada.post(LINK, channel=team)
    assert (await call(workspace, channel=team.id, ts=message.ts, unfurls={LINK: CARD}))["ok"]
    assert "a card" in message.shows

    other = {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "another"}}]}
    await call(workspace, channel=team.id, ts=message.ts, unfurls={LINK: other})

    (attached,) = message.attachments
    assert (attached["app_unfurl_url"], attached["is_app_unfurl"], attached["id"]) == (LINK, True, 1)
    assert "a card" not in message.shows
    assert message.edited is None


async def test_a_card_is_attached_by_the_id_of_the_event_too(workspace, ada, team):
    message = await ada.post(LINK, channel=team)
    (event,) = events(workspace)

    await call(workspace, unfurl_id=event["unfurl_id"], source="conversations_history", unfurls={LINK: CARD})

    assert "a card" in message.shows


async def test_a_click_on_a_card_says_which_message_and_which_link(workspace, ada, team):
    message = await ada.post(LINK, channel=team)
    blocks = [{"type": "actions", "elements": [BUTTON]}]
    await call(workspace, channel=team.id, ts=message.ts, unfurls={LINK: {"blocks": blocks}})

    delivery = await ada.click(message, label="Press")

    assert delivery.payload["container"] == {
        "type": "message_attachment", "message_ts": message.ts, "channel_id": team.id, "is_ephemeral": False,
        "attachment_id": 1, "is_app_unfurl": True, "app_unfurl_url": LINK,
    }  # fmt: skip
    assert delivery.payload["app_unfurl"]["blocks"][0]["elements"][0]["action_id"] == "press"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"unfurls": None}, "missing_unfurls"),
        ({"unfurls": [CARD]}, "invalid_unfurls_format"),
        ({"unfurls": {LINK: "a card"}}, "invalid_unfurls_format"),
        ({"unfurls": {"https://eu.example.com/other": CARD}}, "cannot_unfurl_url"),
        ({"unfurls": {LINK: {"blocks": [{"type": "section"}, {"type": "nonsense"}]}}}, "invalid_blocks"),
        ({"channel": None}, "missing_channel"),
        ({"ts": None}, "missing_ts"),
        ({"channel": "C0NOWHERE"}, "cannot_find_channel"),
        ({"ts": "9.000000"}, "cannot_find_message"),
        ({"unfurl_id": "U1-1"}, "missing_source"),
        ({"source": "composer"}, "missing_unfurl_id"),
        ({"unfurl_id": "U1-1", "source": "nowhere"}, "invalid_source"),
        ({"unfurl_id": "U1-1", "source": "composer"}, "invalid_unfurl_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_slack_refuses_is_refused_and_changes_nothing(workspace, ada, team, changed, error):
    message = await ada.post(LINK, channel=team)
    args = {"channel": team.id, "ts": message.ts, "unfurls": {LINK: CARD}} | changed

    answer = await call(workspace, **{name: value for name, value in args.items() if value is not None})

    assert (answer["ok"], answer["error"]) == (False, error)
    assert message.attachments == []


async def test_the_app_needs_the_scope(ada, team, workspace):
    plain = SlackWorkspace()
    await plain.start()
    answer = await call(plain, channel="C1", ts="1.0", unfurls={LINK: CARD})
    await plain.stop()

    assert (answer["error"], answer["needed"]) == ("missing_scope", "links:write")


async def test_slack_takes_fifty_cards_a_minute():
    assert LIMITS["chat.unfurl"] == TIER_3
