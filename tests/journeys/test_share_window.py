"""The window for sharing: three fields, a choice of whom, and options that are folded away."""

import asyncio
import itertools
import json

from bot.sandbox.onetime import OnetimeFault
from tests.journeys.conftest import after_the_lines_so_far, somebody
from tests.support.share_window import choose_whom, fill_share, submit_share, unfold

SHARE_ROUTE = "/api/v1/share"
TEXT = "the secret itself"
HOUR, WEEK = 3_600, 7 * 86_400  # seconds

_numbers = itertools.count(1)


async def window(person, text=""):
    await person.command("/ots", f"share {text}".strip())
    return await person.until(lambda: person.view and person.view.submit == "Share" and person.view)


async def shared(person):
    await person.until(lambda: person.view and person.view.title == "Shared")
    await person.close()


def colleague(world):
    return somebody(world, "ben")


def inputs(view):
    return [block["block_id"] for block in view.blocks if block["type"] == "input"]


def value(view, name):
    (entered,) = view.values[name].values()
    chosen = entered.get("selected_option")
    return chosen["value"] if chosen else entered.get("value")


def ticked(view):
    return {one["value"] for one in view.values["options"]["checked"]["selected_options"]}


async def test_to_share_with_a_person_one_types_the_secret_and_presses_share(world, ada):
    ben = colleague(world)
    view = await window(ada, f"<@{ben.id}|ben>")
    assert inputs(view) == ["text1", "whom", "to", "note"]

    await ada.submit(view, {"text1": TEXT})

    await shared(ada)
    (held,) = world.onetime.everything()
    assert (held.ttl, held.has_passphrase) == (WEEK, False)
    assert len(ben.dm) == 1


async def test_the_choice_of_whom_changes_one_field_and_nothing_else_is_lost(world, ada):
    ben = colleague(world)
    place = world.workspace.channel(f"C0W{next(_numbers):04}", "ops", [ada, world.workspace.bot_user_id])
    view = await window(ada)
    await ada.fill(view, {"text1": TEXT, "to": [ben.id], "note": "for staging"})

    await choose_whom(ada, view, "channel")
    await ada.fill(view, {"channel": place.id})
    await choose_whom(ada, view, "link")
    assert inputs(view) == ["text1", "whom", "note"]
    await choose_whom(ada, view, "channel")
    assert view.values["channel"]["picked"]["selected_conversation"] == place.id
    await choose_whom(ada, view, "people")

    assert view.values["to"]["picked"]["selected_users"] == [ben.id]
    assert (value(view, "text1"), value(view, "note")) == (TEXT, "for staging")
    await ada.submit(view)
    await shared(ada)
    assert len(ben.dm) == 1


async def test_folding_loses_nothing_that_was_chosen_or_typed(world, ada):
    ben = colleague(world)
    view = await window(ada, f"<@{ben.id}>")
    await fill_share(ada, view, {"text1": TEXT, "passphrase": "correct horse", "options": [], "ttl": str(HOUR)})

    await ada.click(view, label="Fewer options")
    await ada.until(lambda: "ttl" not in view.values)

    assert (value(view, "text1"), value(view, "passphrase")) == (TEXT, "correct horse")
    assert "It can be opened for 1 hour. You are not told" in view.text
    await unfold(ada, view)
    assert (value(view, "ttl"), value(view, "passphrase_mode"), ticked(view)) == (str(HOUR), "mine", set())
    await ada.click(view, label="Fewer options")
    await ada.until(lambda: "ttl" not in view.values)
    await ada.submit(view)
    await shared(ada)
    (held,) = world.onetime.everything()
    assert held.ttl == HOUR
    assert world.onetime.open_as_outsider(held.secret_key, "correct horse") == TEXT


async def test_who_presses_share_before_the_window_has_changed_sends_nothing_to_somebody_else(world, ada):
    ben = colleague(world)
    view = await window(ada)
    await ada.fill(view, {"text1": TEXT, "to": [ben.id]})
    view.values["whom"] |= {"share_change": {"type": "static_select", "selected_option": {"value": "channel"}}}

    await ada.submit(view)

    await ada.until(lambda: "Choose a channel" in view.text)
    assert inputs(view) == ["text1", "whom", "channel", "note"]
    assert value(view, "text1") == TEXT
    assert world.onetime.calls == []
    assert ben.dm == []


async def test_a_field_that_is_folded_away_is_folded_out_before_its_error_is_shown_above_it(world, ada):
    ben = colleague(world)
    refusal = OnetimeFault("answer", status=404, body=b'{"message":"A passphrase is required for all secrets"}')
    world.onetime.plan(SHARE_ROUTE, refusal)
    view = await window(ada, f"<@{ben.id}>")

    await ada.submit(view, {"text1": TEXT})

    await ada.until(lambda: "passphrase" in view.values)
    names = [block.get("block_id") for block in view.blocks]
    above = view.blocks[names.index("passphrase") - 1]
    assert "A passphrase is required" in above["text"]["text"]
    await ada.submit(view, {"passphrase": "long enough"})
    await shared(ada)
    assert [one.has_passphrase for one in world.onetime.everything()] == [True]


async def test_what_was_chosen_is_chosen_the_next_time_and_whom_it_was_for_is_not(world, ada):
    place = world.workspace.channel(f"C0W{next(_numbers):04}", "ops", [ada, world.workspace.bot_user_id])
    other = colleague(world)
    chosen = {"passphrase_mode": "generate", "ttl": str(HOUR), "options": []}
    await submit_share(ada, await window(ada), {"text1": TEXT, "channel": place.id, **chosen})
    await shared(ada)

    view = await window(ada)

    assert "It can be opened for 1 hour. A passphrase is generated and shown to you. You are not told" in view.text
    assert inputs(view) == ["text1", "whom", "to", "note"]
    assert view.values["to"]["picked"]["selected_users"] == []
    await unfold(ada, view)
    assert (value(view, "ttl"), value(view, "passphrase_mode"), ticked(view)) == (str(HOUR), "generate", set())
    theirs = await unfold(other, await window(other))
    assert (value(theirs, "ttl"), value(theirs, "passphrase_mode")) == (str(WEEK), "none")


async def test_who_sends_passphrases_separately_does_so_again_but_not_to_nobody(world, ada):
    ben = colleague(world)
    apart = {"passphrase_mode": "generate", "options": ["apart", "news"]}
    await submit_share(ada, await window(ada), {"text1": TEXT, "to": [ben.id], **apart})
    await shared(ada)
    await submit_share(ada, await window(ada), {"text1": TEXT})  # just the link
    view = await ada.until(lambda: ada.view and ada.view.title == "Shared" and ada.view)
    assert view.secret_text()  # a passphrase that is sent to nobody is shown
    await ada.close()

    view = await window(ada, f"<@{ben.id}>")

    assert "A passphrase is generated and sent separately" in view.text


OUTSIDE = "dora.smith@example.com"


async def test_somebody_outside_slack_gets_the_link_from_the_server_itself(world, connected):
    view = await window(connected)
    await choose_whom(connected, view, "link")
    await connected.fill(view, {"text1": TEXT, "mail_address": OUTSIDE})
    await choose_whom(connected, view, "people")
    await choose_whom(connected, view, "link")
    assert value(view, "mail_address") == OUTSIDE  # it was not lost

    await connected.submit(view)

    shown = await connected.until(lambda: connected.view and connected.view.title == "Shared" and connected.view)
    (held,) = world.onetime.everything()
    assert held.recipients == ("do***@e***.com",)
    assert "Onetime Secret sends the link to do***@e***.com" in shown.text.replace("\u200b", "")
    assert OUTSIDE not in connected.sees()


async def test_a_server_that_ignores_the_address_or_sends_to_another_is_told(world, connected):
    for recipient, said in (([], "ignored the e-mail address"), (["be***@e***.com"], "not the address that you typed")):
        made = world.onetime.share(None, TEXT)
        keys = {"secret_key": made.secret_key, "metadata_key": made.metadata_key, "ttl": 60, "recipient": recipient}
        world.onetime.plan(SHARE_ROUTE, OnetimeFault("answer", status=200, body=json.dumps(keys).encode()))
        view = await window(connected)

        await submit_share(connected, view, {"text1": TEXT, "whom": "link", "mail_address": OUTSIDE})

        await connected.until(lambda said=said: said in connected.view.text)
        await connected.close()


async def test_without_a_usable_answer_nobody_says_that_the_link_was_not_mailed(world, connected):
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("drop after"))
    view = await window(connected)

    await fill_share(connected, view, {"text1": TEXT, "whom": "link", "mail_address": OUTSIDE})
    await connected.submit(view)

    await connected.until(lambda: "the server may have sent the link there" in connected.view.text)
    await connected.until(lambda: connected.dm and "the server may have sent the link there" in connected.dm[0].shows)
    assert "was not sent" not in connected.sees()


async def test_an_address_that_a_server_would_read_in_part_is_refused_at_its_field(world, connected):
    view = await window(connected)
    await fill_share(connected, view, {"text1": TEXT, "whom": "link", "mail_address": "o'neil@example.com"})

    await connected.submit(view)

    assert "takes one e-mail address" in view.errors["mail_address"]
    assert SHARE_ROUTE not in [call.route for call in world.onetime.calls]


async def test_an_address_that_the_server_refuses_is_told_at_its_field_and_is_in_no_log(world, connected):
    said = json.dumps({"message": f"Undeliverable email address: {OUTSIDE}"}).encode()
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("answer", status=404, body=said))
    view = await window(connected)
    await fill_share(connected, view, {"text1": TEXT, "whom": "link", "mail_address": OUTSIDE})

    await connected.submit(view)

    assert "does not send mail to this address" in view.errors["mail_address"]
    await after_the_lines_so_far(world, connected)
    assert OUTSIDE.encode() not in bytes(world.bot.output)


async def test_what_was_said_of_the_mail_is_said_in_a_message_when_the_window_is_gone(world, connected):
    world.onetime.plan(SHARE_ROUTE, OnetimeFault("late", seconds=2.0))
    view = await window(connected)
    await fill_share(connected, view, {"text1": TEXT, "whom": "link", "mail_address": OUTSIDE, "note": "staging"})
    submitting = asyncio.create_task(connected.submit(view))
    await connected.until(lambda: "Being made" in view.text)

    await connected.close()

    await submitting
    await connected.until(
        lambda: any("“staging”: Onetime Secret sends the link to do" in one.shows for one in connected.dm)
    )


async def test_who_disconnects_the_account_while_a_mail_address_is_in_the_window_is_told(world, connected):
    view = await window(connected)
    await fill_share(connected, view, {"text1": TEXT, "whom": "link", "mail_address": OUTSIDE})
    await connected.command("/ots", "disconnect")
    question = await connected.until(lambda: connected.ephemerals and connected.ephemerals[-1])
    await connected.click(question, action_id="account_disconnect")
    await connected.until(lambda: "is disconnected" in connected.sees())

    await connected.submit(view)

    assert "Onetime Secret sends mail only for an account" in view.errors["mail_address"]
    assert SHARE_ROUTE not in [call.route for call in world.onetime.calls]


async def test_without_an_account_no_mail_is_offered(world, ada):
    view = await window(ada)

    await choose_whom(ada, view, "link")

    assert "mail_address" not in view.values


async def test_a_life_that_is_offered_no_more_is_not_chosen(world, ada):
    await submit_share(ada, await window(ada), {"text1": TEXT, "ttl": str(30 * 86_400)})
    await shared(ada)  # the server gave 7 days, so a month is offered no more

    assert "It can be opened for 7 days" in (await window(ada)).text
