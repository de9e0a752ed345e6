"""“Check one-time link” on a message: what each link is, what can be done, and no call before “Check now”."""

import itertools

import pytest

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.slack import SlackFault
from tests.journeys.conftest import EMAIL, somebody

_numbers = itertools.count(1)
KEY = "a" * 62
STATUS = "/api/v2/secret/{key}/status"


@pytest.fixture
def channel(world, ada, ben):
    number = next(_numbers)
    return world.workspace.channel(f"C0CHECK{number}", f"check{number}", [ada, ben, world.workspace.bot_user_id])


def secret_link(world, held):
    return f"{world.onetime.url}/secret/{held.secret_key}"


def private_link(world, held):
    return f"{world.onetime.url}/private/{held.metadata_key}"


def labels(view):
    return [one["text"]["text"] for block in view.blocks if block["type"] == "actions" for one in block["elements"]]


async def checked(person, message):
    """The window that the shortcut opens."""
    await person.message_shortcut("check_link", message)
    return await shows(person, "Nothing was opened", "no one-time link in that message")


async def shows(person, *parts):
    return await person.until(lambda: person.view and any(part in person.view.text for part in parts) and person.view)


def asked(world):
    return [call.route for call in world.onetime.calls if "{key}" in call.route]


KINDS = {
    "a one-time link": (lambda link, private: {"text": f"<{link}>"}, "A *one-time link* on"),
    "a private link": (lambda link, private: {"text": f"<{private}>"}, "A *private link* on"),
    "both": (lambda link, private: {"text": f"{link} {private}"}, "There are 2 links"),
    "in a code block": (lambda link, private: {"text": "", "blocks": rich("rich_text_preformatted", text(link))}, "A *one-time link* on"),
    "behind other words": (
        lambda link, private: {"text": "", "blocks": rich("rich_text_section", {"type": "link", "url": link, "text": "here"})},
        "A *one-time link* on",
    ),
    "in an attachment": (lambda link, private: {"text": "", "attachments": [{"title": "x", "title_link": link}]}, "A *one-time link* on"),
    "in a mail filter's address": (lambda link, private: {"text": f"<https://safe.example/?u={link}>"}, "A *one-time link* on"),
    "on another server": (lambda link, private: {"text": f"https://vault.example.org/secret/{KEY}"}, "not one of the Onetime Secret servers"),
    "on a look-alike": (lambda link, private: {"text": f"https://eu.0netimesecret.com/secret/{KEY}"}, "Careful"),
    "with half a key": (lambda link, private: {"text": "https://eu.onetimesecret.com/secret/abc"}, "too short"),
    "none": (lambda link, private: {"text": "hello"}, "There is no one-time link in that message."),
}  # fmt: skip


def text(value):
    return {"type": "text", "text": value}


def rich(kind, *elements):
    return [{"type": "rich_text", "elements": [{"type": kind, "elements": list(elements)}]}]


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_of_message_is_explained_and_no_server_is_asked(world, ada, ben, channel, kind):
    held = world.onetime.share(None, "of ben")
    make, said = KINDS[kind]
    message = ben.say(channel=channel, **make(secret_link(world, held), private_link(world, held)))

    view = await checked(ada, message)

    assert said in view.text
    assert asked(world) == []
    assert world.onetime.find_secret(held.secret_key).has_plaintext
    assert held.secret_key not in str(view.payload)
    assert held.metadata_key not in str(view.payload)


OLD_KEY = "a" * 31
SERVERS = {
    "https://ca.onetimesecret.com/secret/" + KEY: "onetimesecret.com (Canada)*. It opens a secret",
    "https://nz.onetimesecret.com/secret/" + KEY: "onetimesecret.com (New Zealand)*. It opens a secret",
    "https://uk.onetimesecret.com/secret/" + KEY: "onetimesecret.com (United Kingdom)*. It opens a secret",
    "https://us.onetimesecret.com/secret/" + KEY: "onetimesecret.com (United States)*. It opens a secret",
    "https://eu.onetimesecret.com/secret/" + KEY: "The person who shared it can see on the server that somebody checked.",
    "{here}/secret/" + OLD_KEY: "That server is old, and may not be able to tell.",
    "{here}/private/" + OLD_KEY: "That server is old: the first “Check now” changes the status of the secret there",
    "https://" + "a" * 40 + ".example.org/secret/" + KEY: "Its name is unusual, so it is not shown.",
}  # fmt: skip


async def test_what_a_link_alone_shows_of_its_server_is_said(world, ada, ben, channel):
    for link, said in SERVERS.items():
        view = await checked(ada, ben.say(link.format(here=world.onetime.url), channel=channel))

        assert said in view.text
        await ada.close()
    assert asked(world) == []


async def test_whose_private_link_was_posted_gets_words_through_the_one_who_asked(world, ada, ben, channel):
    held = world.onetime.share(EMAIL, "of ben")
    message = ben.say(private_link(world, held), channel=channel)

    view = await checked(ada, message)

    assert "Everybody who can read that message can burn the secret." in view.text
    assert f"Tell @{ben.id}, for example like this:" in view.text
    assert "The right link has /secret/ in it." in view.secret_text()
    assert labels(view) == ["Check now", "Burn…", "Track"]
    assert [one for one in ben.messages if one.by_bot] == []


async def test_an_own_private_link_comes_with_what_to_do(world, ada, channel):
    view = await checked(ada, ada.say(private_link(world, world.onetime.share(EMAIL, "x")), channel=channel))

    assert "Delete your message, and send the one-time link" in view.text
    assert view.secret_text() == ""


async def test_a_one_time_link_is_opened_in_the_same_window(world, ada, ben, channel):
    held = world.onetime.share(None, "hello from the link")
    view = await checked(ada, ben.say(secret_link(world, held), channel=channel))
    assert labels(view) == ["Open…", "Check now"]
    assert "Only the private link can burn it." in view.text

    await ada.click(view, label="Open…")
    await ada.submit(await ada.until(lambda: ada.view and ada.view.submit == "Open" and ada.view))

    await ada.until(lambda: ada.view and ada.view.secret_text() == "hello from the link")


async def test_a_check_of_a_one_time_link_opens_nothing(world, ada, ben, channel):
    held = world.onetime.share(None, "x", passphrase="a passphrase")
    view = await checked(ada, ben.say(secret_link(world, held), channel=channel))
    assert "On new servers the person who shared it can see that somebody checked." in view.text

    await ada.click(view, label="Check now")

    view = await shows(ada, "It can still be opened")
    assert "Needed to open it" in view.text
    assert asked(world) == [STATUS]
    assert world.onetime.find_secret(held.secret_key).has_plaintext
    assert labels(view) == ["Open…", "Check now"]


async def test_a_check_says_that_a_link_cannot_be_opened_any_more(world, ada, ben, channel):
    held = world.onetime.share(None, "x")
    view = await checked(ada, ben.say(secret_link(world, held), channel=channel))
    world.onetime.open_as_outsider(held.secret_key)

    await ada.click(view, label="Check now")

    await shows(ada, "It cannot be opened any more")


NO_SUCH_CALL = OnetimeFault(
    "answer", status=404, body=b'{"error":"Not Found"}', headers={"content-type": "application/json"}
)


@pytest.mark.parametrize(
    ("fault", "said"),
    [(NO_SUCH_CALL, "There is no way to know"), (OnetimeFault("html"), "could not be reached")],
    ids=["a server without that call", "trouble"],
)  # fmt: skip
async def test_where_the_server_cannot_tell_that_is_said(world, ada, ben, channel, fault, said):
    view = await checked(ada, ben.say(secret_link(world, world.onetime.share(None, "x")), channel=channel))
    world.onetime.plan(STATUS, fault, None)

    await ada.click(view, label="Check now")

    await shows(ada, said)
    assert labels(ada.view) == ["Open…", "Check now"]


@pytest.mark.parametrize("link_of", [secret_link, private_link])
async def test_nothing_is_offered_for_a_secret_that_is_over(world, ada, ben, channel, link_of):
    held = world.onetime.share(EMAIL, "x")
    world.onetime.burn_as_owner(held.metadata_key)
    view = await checked(ada, ben.say(link_of(world, held), channel=channel))

    await ada.click(view, label="Check now")

    await shows(ada, "cannot be opened any more", "Burned before anybody opened it")
    assert labels(ada.view) == []


async def test_a_check_of_a_private_link_shows_its_status(world, ada, ben, channel):
    held = world.onetime.share(EMAIL, "x")
    view = await checked(ada, ben.say(private_link(world, held), channel=channel))

    await ada.click(view, label="Check now")

    await shows(ada, "Not opened yet")
    assert asked(world) == ["/api/v1/private/{key}"]


async def test_a_private_link_is_burned_from_the_window(world, ada, ben, channel):
    held = world.onetime.share(EMAIL, "x")
    view = await checked(ada, ben.say(private_link(world, held), channel=channel))

    await ada.click(view, label="Burn…")
    await ada.submit(await ada.until(lambda: ada.view and ada.view.submit == "Burn it" and ada.view))

    await shows(ada, "Burned")
    assert world.onetime.find_secret(held.metadata_key).state == "burned"


async def test_what_was_tracked_from_the_window_is_said_over_it_and_known_the_next_time(world, ada, ben, channel):
    held = world.onetime.share(EMAIL, "x")
    message = ben.say(f"{private_link(world, held)} {secret_link(world, held)}", channel=channel)
    await ada.click(await checked(ada, message), label="Track")
    await shows(ada, "You will get a message")
    await ada.close(all_of_them=True)

    view = await checked(ada, message)

    assert labels(view) == ["Check now", "Burn…", "Open…", "Check now", "Burn…"]
    assert "Only the private link can burn it." not in view.text


async def test_who_tracks_a_secret_burns_it_by_the_link_that_was_posted_and_nobody_else_can(world, ada, ben, channel):
    held = world.onetime.share(EMAIL, "x")
    await ada.command("/ots", f"track {private_link(world, held)}")
    await ada.until(lambda: ada.dm)
    message = ben.say(secret_link(world, held), channel=channel)
    assert labels(await checked(ben, message)) == ["Open…", "Check now"]

    await ada.click(await checked(ada, message), label="Burn…")
    await ada.submit(await ada.until(lambda: ada.view and ada.view.submit == "Burn it" and ada.view))

    await shows(ada, "Burned")
    assert world.onetime.find_secret(held.metadata_key).state == "burned"


async def test_many_links_fit_one_window_and_the_rest_is_counted(world, ada, ben, channel):
    links = " ".join(f"{world.onetime.url}/private/{number:02}{'a' * 40}" for number in range(12))
    others = " ".join(f"https://vault{number}.example.org/secret/{KEY}" for number in range(12))

    view = await checked(ada, ben.say(f"{links} {others}", channel=channel))

    assert "There are 24 links" in view.text
    assert "11 more links are not shown." in view.text
    assert len(view.blocks) <= 100


async def test_a_check_replayed_asks_the_server_once(world, ada, ben, channel):
    held = world.onetime.share(None, "x")
    view = await checked(ada, ben.say(secret_link(world, held), channel=channel))
    first = await ada.click(view, label="Check now")
    await shows(ada, "It can still be opened")

    for _ in range(3):
        await ada.replay(first)
    await ada.command("/ots", "help")
    await ada.until(lambda: "All commands" in ada.sees() or "Find your way" in ada.sees())

    assert asked(world) == [STATUS]


async def test_where_nothing_can_be_pushed_the_answer_comes_as_a_message(world, ada, ben, channel):
    held = world.onetime.share(EMAIL, "x")
    view = await checked(ada, ben.say(private_link(world, held), channel=channel))
    world.workspace.plan("views.push", SlackFault.error("push_limit_reached"))

    await ada.click(view, label="Track")

    await ada.until(lambda: any("You will get a message" in one.shows for one in ada.dm))


async def test_a_guest_is_told_in_a_window(world, channel):
    guest = somebody(world, "gina", guest=True)
    channel.members.add(guest.id)

    await guest.message_shortcut("check_link", guest.say("https://eu.onetimesecret.com/secret/" + KEY, channel=channel))

    await shows(guest, "for full members of this workspace")
