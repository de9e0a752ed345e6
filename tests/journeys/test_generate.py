"""Generating: a password that is made up here and shown once, or made up by the host and sent without being shown."""

import json
import re

import pytest

from bot.sandbox.onetime import OnetimeFault
from tests.journeys.conftest import somebody
from tests.support.share_window import submit_share

SHOW, SEND = "Show it to me", "Send it, or make a link"

TROUBLES = {
    "no connection": OnetimeFault("drop"),
    "a limit": OnetimeFault("answer", status=404, body=b'{"message":"Rate limit exceeded. Please try again later."}'),
    "a passphrase for all": OnetimeFault(
        "answer", status=404, body=b'{"message":"A passphrase is required for all secrets"}'
    ),
}


async def window(person, text=""):
    await person.command("/ots", f"generate {text}".strip())
    return await person.until(lambda: person.view and person.view.submit == "Generate" and person.view)


async def shown(person):
    return await person.until(
        lambda: person.view and person.view.title == "Your password" and person.view.secret_text()
    )


def posted(world):
    """All that was ever sent as a message."""
    return json.dumps([sent.payload for sent in world.workspace.export() if sent.method.startswith("chat.")])


def routes(world):
    return [call.route for call in world.onetime.calls]


# --- shown


async def test_a_password_that_is_shown_is_made_here_without_any_call(world, ada):
    view = await window(ada)

    await ada.submit(view)

    password = await shown(ada)
    assert len(password) == 20
    assert routes(world) == []
    assert password not in posted(world)
    assert ada.dm == []


async def test_with_an_account_too_no_host_ever_has_what_is_shown(world, connected):
    before = len(world.onetime.calls)

    await connected.submit(await window(connected))

    await shown(connected)
    assert world.onetime.calls[before:] == []


@pytest.mark.parametrize("trouble", [*TROUBLES.values()], ids=[*TROUBLES])
async def test_it_is_shown_whatever_the_host_refuses_or_is_up_to(world, ada, trouble):
    world.onetime.plan("/", trouble, None)

    await ada.submit(await window(ada))

    await shown(ada)


async def test_each_is_another_one(world, ada):
    passwords = set()
    for _ in range(3):
        await ada.submit(await window(ada))
        passwords.add(await shown(ada))
        await ada.close()

    assert len(passwords) == 3


async def test_what_belongs_to_sending_is_only_there_when_it_is_to_be_sent(world, ada):
    view = await window(ada)
    assert view.values.keys() == {"what", "kind", "length_characters"}

    await ada.fill(view, {"what": SEND})

    await ada.until(lambda: {"what", "whom", "to", "note"} == view.values.keys())
    assert world.onetime.calls == []


async def test_a_note_is_not_lost_while_it_is_to_be_shown(world, ada, ben):
    view = await window(ada, f"<@{ben.id}>")
    await ada.fill(view, {"note": "staging & database"})

    await ada.fill(view, {"what": "show"})
    await ada.until(lambda: "note" not in ada.view.values)
    await ada.fill(ada.view, {"what": "send"})
    await ada.until(lambda: "note" in ada.view.values)
    await ada.submit()

    await ben.until(lambda: ben.dm and "staging &" in ben.dm[0].shows.replace("amp;", ""))


async def test_its_kind_and_length_can_be_chosen(world, ada):
    for kind, length, shape in (
        ("words", "6", "[a-z]{5}(-[a-z]{5}){5}"),
        ("digits", "8", "[0-9]{8}"),
        ("characters", "32", ".{32}"),
    ):
        view = await window(ada)
        if kind != "characters":
            await ada.fill(view, {"kind": kind})
            await ada.until(lambda view=view, name=f"length_{kind}": view.values.keys() == {"what", "kind", name})
        await ada.fill(view, {f"length_{kind}": length})

        await ada.submit(view)

        assert re.fullmatch(shape, await shown(ada))
        await ada.close()
    assert routes(world) == []


async def test_another_kind_has_its_own_usual_length(world, ada):
    view = await window(ada)
    for kind in ("digits", "words"):
        await ada.fill(view, {"kind": kind})
        await ada.until(lambda kind=kind: f"length_{kind}" in view.values)

    await ada.submit(view)

    assert len((await shown(ada)).split("-")) == 5


async def test_who_presses_generate_before_the_window_has_changed_gets_the_kind_that_was_chosen(world, ada):
    view = await window(ada)
    view.values["kind"] |= {"share_change": {"type": "static_select", "selected_option": {"value": "digits"}}}

    await ada.submit(view)

    assert re.fullmatch("[0-9]{6}", await shown(ada))


# --- sent


async def test_it_is_sent_without_being_shown_to_who_made_it(world, ada, ben):
    before = len(world.workspace.export())
    view = await window(ada, f"<@{ben.id}|ben>")

    await ada.submit(view, {"note": "for the new account"})

    message = await ben.until(lambda: ben.dm and ben.dm[-1])
    await ada.until(lambda: ada.view.title == "Shared")
    await ada.until(lambda: ada.dm)
    (held,) = world.onetime.everything()
    sent = str([one.payload for one in world.workspace.export()[before:]])
    assert not any(part in sent for part in (held.secret_key, held.metadata_key))
    await ada.close()
    await ben.click(message, action_id="share_open")
    await ben.submit(await ben.until(lambda: ben.view and ben.view.submit == "Show here" and ben.view))
    password = await ben.until(ben.view.secret_text)
    assert password not in sent
    await ada.until(lambda: any("opened “for the new account”" in one.shows for one in ada.dm))


async def test_each_person_gets_a_password_of_their_own(world, ada, ben):
    cleo = somebody(world, "cleo")
    view = await window(ada, f"<@{ben.id}> <@{cleo.id}>")

    await ada.submit(view)

    await ada.until(lambda: ben.dm and cleo.dm)
    passwords = set()
    for person in (ben, cleo):
        await person.click(person.dm[-1], action_id="share_open")
        await person.submit(await person.until(lambda p=person: p.view and p.view.submit == "Show here" and p.view))
        passwords.add(await person.until(lambda p=person: p.view.secret_text()))
    assert len(passwords) == 2


async def test_a_kind_that_was_chosen_is_made_up_here_a_new_one_for_each_person(world, ada, ben, cleo):
    view = await window(ada, f"<@{ben.id}> <@{cleo.id}>")
    await ada.click(view, label="More options")
    await ada.until(lambda: "kind" in view.values)
    assert "length_words" not in view.values
    await ada.fill(view, {"kind": "words"})
    await ada.until(lambda: "length_words" in view.values)
    await ada.click(view, label="Fewer options")
    await ada.until(lambda: "It is generated here, a new one for each person: 5 words." in view.text)

    await ada.submit(view)

    await ada.until(lambda: ben.dm and cleo.dm)
    assert {route for route in routes(world) if "private" not in route} == {"/api/v1/share"}
    made = [world.onetime.open_as_outsider(one.secret_key) for one in world.onetime.everything()]
    assert [bool(re.fullmatch("[a-z]{5}(-[a-z]{5}){4}", one)) for one in made] == [True, True]
    assert len(set(made)) == 2
    assert not any(one in posted(world) + ada.sees() for one in made)


async def test_what_the_window_had_chosen_for_what_is_shown_is_no_choice_for_what_is_sent(world, ada):
    view = await window(ada)

    await submit_share(ada, view, {"what": SEND})

    await ada.until(lambda: ada.view.title == "Shared")
    assert "/api/v1/generate" in routes(world)


async def test_just_the_link_shows_the_link_and_not_the_password(world, ada):
    view = await window(ada)

    await submit_share(ada, view, {"what": SEND})

    await ada.until(lambda: ada.view.title == "Shared")
    (held,) = world.onetime.everything()
    assert f"/secret/{held.secret_key}" in str(ada.view.payload)
    assert held.state in {"new", "viewed"}


async def test_other_words_behind_it_are_no_use(world, ada):
    await ada.command("/ots", "generate 32 characters")

    await ada.until(lambda: "/ots generate @somebody" in ada.sees())
    assert "32 characters" not in ada.sees()
