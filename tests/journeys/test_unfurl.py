"""Cards under one-time links that people post, with UNFURL_LINKS on."""

import pytest
import pytest_asyncio

from bot.sandbox.slack import SlackFault
from bot.sandbox.world import World
from bot.storage.sealing.keyring import generate_line
from tests.contract.upgrade.emulators import run_bot
from tests.journeys.conftest import EMAIL, TOKEN, somebody
from tests.journeys.test_check_link import labels
from tests.support.share_window import submit_share
from tests.support.waiting import eventually

DOMAIN = "127.0.0.1"  # of the emulated Onetime Secret


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def unfurling():
    world = World(settings={"UNFURL_LINKS": "on"})
    world.workspace.allow_unfurls(DOMAIN)
    async with world:
        yield world


@pytest.fixture
def world(unfurling):
    unfurling.onetime.forget()
    unfurling.onetime.add_account(EMAIL, TOKEN)
    yield unfurling
    unfurling.workspace.clear_faults()
    unfurling.onetime.clear_faults()


@pytest.fixture
def team(world, ada, ben):
    """A channel without the bot in it."""
    return world.workspace.channel(f"C0{ada.id[2:]}", "team", [ada, ben])


def link_of(world, secret):
    return f"{world.onetime.url}/secret/{secret.secret_key}"


async def post_link(world, person, channel, text="hunter2", **more):
    """Somebody posts a link; returns the secret, and the message when it has its card."""
    secret = world.onetime.share(None, text, **more)
    message = await person.post(f"here it is: <{link_of(world, secret)}>", channel=channel)
    await person.until(lambda: message.attachments)
    return secret, message


async def test_a_posted_link_gets_a_card_and_opens_for_who_clicks_alone(world, ada, ben, team):
    secret, message = await post_link(world, ada, team)

    assert "One-time link on *127.0.0.1" in message.shows
    await ben.click(message, label="Open")
    await ben.until(lambda: ben.view is not None and ben.view.submit == "Open")
    await ben.submit()
    await ben.until(lambda: ben.view is not None and ben.view.secret_text() == "hunter2")

    assert ada.view is None
    await ada.until(lambda: "Its secret was opened" in message.shows)
    assert world.onetime.find_secret(secret.secret_key).state == "received"


# --- burning


def says(person):
    return person.ephemerals[-1].shows if person.ephemerals else ""


async def burn(person, message):
    before = len(person.ephemerals)
    await person.click(message, label="Burn")
    await person.until(lambda: len(person.ephemerals) > before)
    return says(person)


async def track(world, person, secret):
    await person.command("/ots", f"track {world.onetime.url}/private/{secret.metadata_key}")
    await person.until(lambda: any("You will get a message" in one.shows for one in person.ephemerals))


async def connect(world, person):
    await person.command("/ots", "connect")
    await person.until(lambda: person.view is not None and person.view.submit is not None)
    await person.submit(None, {"username": EMAIL, "token": TOKEN})
    await person.until(lambda: "Connected" in person.sees())


async def test_whoever_tracks_the_secret_burns_it_and_the_card_says_so(world, ada, ben, team):
    secret, message = await post_link(world, ada, team)
    await track(world, ben, secret)

    said = await burn(ben, message)

    assert "Burned." in said
    await ada.until(lambda: "Its secret was burned" in message.shows)
    assert world.onetime.find_secret(secret.secret_key).state == "burned"


async def test_a_burn_from_the_status_of_a_secret_ends_its_card_too(world, ada, team):
    secret, message = await post_link(world, ada, team)
    await ada.command("/ots", f"metadata {world.onetime.url}/private/{secret.metadata_key}")
    status = await ada.until(lambda: next((one for one in ada.ephemerals if "Not opened yet" in one.shows), None))

    await ada.click(status, label="Burn")

    await ada.until(lambda: "Its secret was burned" in message.shows)


async def test_whoever_merely_posted_the_link_cannot_burn(world, ada, ben, team):
    secret, message = await post_link(world, ada, team)

    for person in (ada, ben):
        assert "Only the private link of this secret can burn it" in await burn(person, message)
    assert world.onetime.find_secret(secret.secret_key).state == "new"
    assert "Opens once" in message.shows


async def test_whoevers_account_lists_the_secret_burns_it(world, ada, ben, team):
    secret = world.onetime.share(EMAIL, "hunter2")
    message = await ada.post(link_of(world, secret), channel=team)
    await ada.until(lambda: message.attachments)
    await connect(world, ben)

    assert "Only the private link" in await burn(ada, message)
    assert "Burned." in await burn(ben, message)
    await ada.until(lambda: "Its secret was burned" in message.shows)


@pytest.mark.parametrize("knows", ["tracks it", "has it in the list of the account"])
async def test_a_secret_with_a_passphrase_is_burned_with_it(world, ada, ben, team, knows):
    secret = world.onetime.share(EMAIL, "hunter2", passphrase="correct horse")
    message = await ada.post(link_of(world, secret), channel=team)
    await ada.until(lambda: message.attachments)
    await (track(world, ben, secret) if knows == "tracks it" else connect(world, ben))

    assert "has a passphrase" in await burn(ben, message)
    await ben.click(ben.ephemerals[-1], label="Burn…")
    await ben.until(lambda: ben.view is not None and ben.view.submit == "Burn it")
    await ben.submit(None, {"passphrase": "correct horse"})

    await ada.until(lambda: "Its secret was burned" in message.shows)
    assert world.onetime.find_secret(secret.secret_key).state == "burned"


async def test_burning_with_the_private_link_changes_the_card_too(world, ada, ben, team):
    secret, message = await post_link(world, ada, team)

    await ben.command("/ots", f"burn {world.onetime.url}/private/{secret.metadata_key}")
    await ben.until(lambda: ben.view is not None and ben.view.submit == "Burn it")
    await ben.submit()

    await ada.until(lambda: "Its secret was burned" in message.shows)


async def test_opening_the_pasted_link_changes_the_card_too(world, ada, ben, team):
    secret, message = await post_link(world, ada, team)

    await ben.command("/ots", f"retrieve {link_of(world, secret)}")
    await ben.until(lambda: ben.view is not None and ben.view.submit == "Open")
    await ben.submit()

    await ada.until(lambda: "Its secret was opened" in message.shows)
    assert [one.get("elements") for one in message.attached_blocks] == [None]


# --- checking


async def test_check_says_what_the_link_is_and_asks_no_server(world, ada, ben, team):
    _, message = await post_link(world, ada, team)
    before = len(world.onetime.calls)

    await ben.click(message, label="Check")
    await ben.until(lambda: ben.view is not None and "A *one-time link* on" in ben.view.text)

    assert labels(ben.view)[-1] == "Check now"
    assert len(world.onetime.calls) == before
    assert ada.view is None


# --- what gets no card


def unfurls(world):
    """The calls that Slack took: one that it limited is made again."""
    return sum(one.method == "chat.unfurl" and one.error is None for one in world.workspace.calls)


async def no_call_after(world, person, event):
    """No chat.unfurl for what happened, once something that came after it is done."""
    await event
    before = unfurls(world)
    secret, _ = await post_link(world, person, world.workspace.state.open_dm(person.id))
    assert unfurls(world) == before + 1
    return secret


async def test_a_preview_in_the_composer_is_ignored(world, ada, team):
    await no_call_after(world, ada, ada.compose(f"{world.onetime.url}/secret/{'a' * 62}"))


async def test_another_page_of_the_site_gets_no_card(world, ada, team):
    await no_call_after(world, ada, ada.post(f"{world.onetime.url}/about", channel=team))


async def test_a_private_link_gets_no_card_and_its_poster_is_warned_once(world, ada, team):
    secret = world.onetime.share(None, "hunter2")
    private = f"{world.onetime.url}/private/{secret.metadata_key}"

    message = await ada.post(private, channel=team)
    await ada.until(lambda: any("You posted a *private* link" in one.shows for one in ada.dm))
    again = await ada.post(f"again: {private}", channel=team)
    await no_call_after(world, ada, ada.post("no link", channel=team))

    assert len([one for one in ada.dm if "You posted a" in one.shows]) == 1
    assert message.attachments == again.attachments == []


async def test_a_guest_is_not_warned_and_gets_cards(world, ada, ben):
    guest = somebody(world, "guest", guest=True)
    channel = world.workspace.channel(f"C0G{ada.id[2:]}", "guests", [guest, ben])
    private = world.onetime.share(None, "hunter2")
    await guest.post(f"{world.onetime.url}/private/{private.metadata_key}", channel=channel)

    _, message = await post_link(world, guest, channel)

    assert guest.dm == []
    await guest.click(message, label="Open")
    await guest.until(lambda: "only for members" in guest.sees() or guest.ephemerals or guest.view)
    assert guest.view is None or guest.view.submit is None
    await ben.click(message, label="Open")
    await ben.until(lambda: ben.view is not None and ben.view.submit == "Open")


# --- one card


async def test_an_event_that_comes_twice_makes_no_second_card(world, ada, team):
    _, message = await post_link(world, ada, team)
    (event,) = [one for one in world.workspace.deliveries if one.what == "link_shared"][-1:]
    other = {**event.payload, "event_id": "EvANOTHER0"}

    await world.workspace.retry(event)
    await no_call_after(world, ada, world.workspace.deliver("events_api", other))

    assert len(message.attachments) == 1


async def test_a_message_with_several_links_gets_a_card_for_each_in_one_call(world, ada, ben, team):
    several = [world.onetime.share(None, f"text {number}") for number in range(3)]
    before = unfurls(world)

    message = await ada.post(" and ".join(link_of(world, one) for one in several), channel=team)
    await ada.until(lambda: len(message.attachments) == 3)

    assert unfurls(world) == before + 1
    await track(world, ben, several[1])
    blocks = message.attachments[1]["blocks"]
    await ben.click(message, action_id="card_burn", block_id=blocks[-1]["block_id"])
    await ben.until(lambda: "Burned." in says(ben))
    await ada.until(lambda: "Its secret was burned" in message.shows)
    assert message.shows.count("Opens once") == 2


# --- who else, and how else


async def test_a_stranger_gets_a_card_for_a_posted_link_and_cannot_use_it(world, ben):
    stranger = somebody(world, "stranger", stranger=True)
    channel = world.workspace.channel(f"C0S{ben.id[2:]}", "shared", [stranger, ben], shared=True)
    secret, message = await post_link(world, stranger, channel)

    await stranger.click(message, label="Burn")
    await stranger.until(lambda: "for full members of this workspace" in stranger.sees())
    await ben.click(message, label="Open")
    await ben.until(lambda: ben.view is not None and ben.view.submit == "Open")

    assert world.onetime.find_secret(secret.secret_key).state == "new"


async def test_a_card_in_a_thread_works(world, ada, ben, team):
    parent = await ada.post("a thread", channel=team)
    secret = world.onetime.share(None, "hunter2")
    message = await ada.post(link_of(world, secret), channel=team, thread_ts=parent.ts)
    await ada.until(lambda: message.attachments)

    await ben.click(message, label="Open")

    await ben.until(lambda: ben.view is not None and ben.view.submit == "Open")


async def test_a_click_that_is_replayed_burns_nothing_more(world, ada, ben, team):
    secret, message = await post_link(world, ada, team)
    await track(world, ben, secret)
    before = len(ben.ephemerals)
    click = await ben.click(message, label="Burn")
    await ada.until(lambda: "Its secret was burned" in message.shows)
    await ben.until(lambda: len(ben.ephemerals) > before)
    calls, told = len(world.onetime.calls), len(ben.ephemerals)

    await ben.replay(click)
    _, other = await post_link(world, ada, team)  # comes after it

    assert len(world.onetime.calls) == calls
    assert len(ben.ephemerals) == told
    assert "Opens once" in other.shows


async def test_whoever_shared_the_link_through_the_bot_burns_it_also_when_it_is_not_tracked_any_more(
    world, ada, ben, team
):
    await ada.command("/ots", "share")
    await ada.until(lambda: ada.view is not None and ada.view.submit == "Share")
    await submit_share(ada, ada.view, {"text1": "hunter2"})
    await ada.until(lambda: ada.view is not None and "/secret/" in ada.view.text)
    (secret,) = world.onetime.everything()
    await ada.close()
    message = await ada.post(link_of(world, secret), channel=team)
    await ada.until(lambda: message.attachments)
    await ada.command("/ots", f"untrack {world.onetime.url}/private/{secret.metadata_key}")
    await ada.until(lambda: ada.ephemerals)

    assert "Only the private link" in await burn(ben, message)
    assert "Burned." in await burn(ada, message)
    await ada.until(lambda: "Its secret was burned" in message.shows)
    await ada.until(lambda: any("urned" in one.shows for one in ada.dm))


async def test_burning_on_the_senders_card_changes_the_card_in_the_channel(world, ada, team):
    await ada.command("/ots", "share")
    await ada.until(lambda: ada.view is not None and ada.view.submit == "Share")
    await submit_share(ada, ada.view, {"text1": "hunter2"})
    await ada.until(lambda: ada.view is not None and "/secret/" in ada.view.text)
    (secret,) = world.onetime.everything()
    await ada.close()
    message = await ada.post(link_of(world, secret), channel=team)
    await ada.until(lambda: message.attachments)

    card = await ada.until(lambda: next((one for one in ada.dm if "What you shared" in one.shows), None))
    await ada.click(card, action_id="share_burn")

    await ada.until(lambda: "Its secret was burned" in message.shows)


# --- Slack takes it later, or never


async def test_a_card_that_slack_takes_later_comes_later(world, ada, team):
    world.workspace.plan("chat.unfurl", SlackFault.rate_limited(1), 2)

    _, message = await post_link(world, ada, team)

    assert len(message.attachments) == 1


async def test_a_card_that_slack_never_takes_is_forgotten(world, ada, team):
    world.workspace.plan("chat.unfurl", SlackFault.error("cannot_unfurl_url"))
    secret = world.onetime.share(None, "hunter2")
    message = await ada.post(link_of(world, secret), channel=team)
    await world.workspace.wait_for_call("chat.unfurl")
    await eventually(lambda: b'"card_refused"' in world.bot.output)
    assert message.attachments == []

    again = {**[one for one in world.workspace.deliveries if one.what == "link_shared"][-1].payload, "event_id": "EvX1"}
    await world.workspace.deliver("events_api", again)

    await ada.until(lambda: message.attachments)


async def test_a_card_whose_change_slack_does_not_take_now_is_changed_by_recovery(world, ada, ben, team):
    secret, message = await post_link(world, ada, team)
    await track(world, ben, secret)
    world.workspace.plan("chat.unfurl", SlackFault.http(503), None)
    await burn(ben, message)
    assert "Opens once" in message.shows
    world.workspace.clear_faults()

    await world.bot.stop()
    await world.start_bot()

    await ada.until(lambda: "Its secret was burned" in message.shows)


# --- off, and refused at the start


async def test_while_it_is_off_nothing_happens(world, ada, team):
    await world.bot.stop()
    await world.start_bot(UNFURL_LINKS="off")
    start = len(world.bot.output)
    private = world.onetime.share(None, "hunter2")

    message = await ada.post(link_of(world, private), channel=team)
    await ada.post(f"{world.onetime.url}/private/{private.metadata_key}", channel=team)
    await eventually(lambda: bytes(world.bot.output[start:]).count(b'"outcome": "refused"') == 2)

    assert message.attachments == []
    assert ada.dm == []
    await world.bot.stop()
    await world.start_bot()


async def test_a_host_that_slack_cannot_tell_of_is_refused_at_the_start_by_its_name(tmp_path):
    code, said = await run_bot(
        "run", UNFURL_LINKS="on", ONETIME_HOSTS="https://ots.example.com:8443", SLACK_BOT_TOKEN="xoxb-1",
        SLACK_SIGNING_SECRET="0123456789abcdef", ENCRYPTION_KEYS=generate_line().reveal(), DATABASE_URL=f"sqlite:///{tmp_path}/bot.db",
    )  # fmt: skip

    assert code == 78
    assert "UNFURL_LINKS: ots.example.com:8443 has a port" in said
