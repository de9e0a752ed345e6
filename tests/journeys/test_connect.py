"""Connecting an account, and letting it go."""

import pytest

from bot.interaction.limits import CONNECTS_PER_HOUR
from bot.sandbox.onetime import OnetimeFault
from tests.journeys.conftest import EMAIL, SOON, TOKEN, somebody


async def _form(ada, text="connect"):
    delivery = await ada.command("/ots", text)
    assert delivery.ok
    return await ada.until(lambda: ada.view and ada.view.submit == "Connect" and ada.view)


async def test_an_account_is_checked_with_its_host_and_kept(world, ada):
    form = await _form(ada)

    await ada.submit(form, {"username": EMAIL, "token": TOKEN})

    await ada.until(lambda: ada.view and ada.view.title == "Connected")
    assert "default account" in ada.view.text
    assert [call.route for call in world.onetime.calls] == ["/api/v1/authcheck"]


async def test_a_wrong_token_is_said_at_the_field_and_nothing_is_kept(world, ada):
    form = await _form(ada)

    await ada.submit(form, {"username": EMAIL, "token": "not-the-token"})

    assert "did not accept" in form.errors["token"]
    await ada.command("/ots", "accounts")
    await ada.until(lambda: "You have not connected an account" in ada.sees())


async def test_a_server_that_limits_requests_is_said_at_its_field(world, ada):
    limited = b'{"message":"Rate limit exceeded. Please try again later."}'
    world.onetime.plan("/api/v1/authcheck", OnetimeFault("answer", status=404, body=limited))
    form = await _form(ada)

    await ada.submit(form, {"username": EMAIL, "token": TOKEN})

    await ada.until(lambda: "is limiting requests right now" in str(form.errors))
    assert world.onetime.calls[-1].route == "/api/v1/authcheck"


async def test_an_address_with_a_colon_is_refused_before_anything_is_sent(world, ada):
    form = await _form(ada)

    await ada.submit(form, {"username": "ada:x@example.com", "token": TOKEN})

    assert "colon" in form.errors["username"]
    assert not [call for call in world.onetime.calls if call.route == "/api/v1/authcheck"]


async def test_a_host_that_is_down_is_said_at_the_field(world, ada):
    world.onetime.plan("/api/v1/authcheck", OnetimeFault("drop"), None)
    form = await _form(ada)

    await ada.submit(form, {"username": EMAIL, "token": TOKEN})
    await ada.until(lambda: form.errors or "could not be reached" in form.text)

    assert "could not be reached" in " ".join([*form.errors.values(), form.text])


async def test_a_slow_host_never_makes_slack_wait_and_the_form_comes_back_with_the_error(world, ada):
    hang = OnetimeFault("hang")
    world.onetime.plan("/api/v1/authcheck", hang, 1)
    form = await _form(ada)

    delivery = await ada.submit(form, {"username": EMAIL, "token": "not-the-token"})

    assert delivery.ok
    assert delivery.seconds < SOON
    hang.release()
    await ada.until(lambda: "did not accept" in form.text)
    assert form.submit == "Connect"


async def test_connecting_again_replaces_the_token(world, connected):
    world.onetime.change_token(EMAIL, "the-new-token")
    form = await _form(connected)

    await connected.submit(form, {"username": EMAIL, "token": "the-new-token"})
    await connected.until(lambda: connected.view.title == "Connected")
    await connected.close()

    await connected.command("/ots", "recent")
    await connected.until(lambda: "0 secrets" in connected.sees())
    assert "None yet. `/ots share` shares one." in connected.sees()


async def test_a_host_that_is_not_allowed_is_named_and_never_contacted(world, ada):
    await ada.command("/ots", "connect evil.example")

    await ada.until(lambda: "evil.example" in ada.sees())
    assert world.onetime.calls == []


async def test_disconnecting_asks_first_and_erases_the_account(world, connected):
    await connected.command("/ots", "disconnect")
    await connected.until(lambda: "Which account" in connected.sees())

    await connected.click(action_id="account_disconnect")

    await connected.until(lambda: "is disconnected" in connected.sees())
    await connected.command("/ots", "recent")
    await connected.until(lambda: "You have not connected an account" in connected.sees())


async def test_accounts_shows_what_is_connected(world, connected):
    await connected.command("/ots", "accounts")

    await connected.until(lambda: "Your accounts" in connected.sees())
    assert "default" in connected.sees()


async def test_a_host_that_takes_no_accounts_says_so_at_the_field(world, ada):
    world.onetime.auth_enabled = False
    form = await _form(ada)

    await ada.submit(form, {"username": EMAIL, "token": TOKEN})

    assert "does not take accounts" in form.errors["host"]


# --- guessing tokens


async def _tries(world, person, username, token):
    """Tries a token. Returns what the person then reads, at the field or in the window."""
    form = await _form(person)
    await person.submit(form, {"username": username, "token": token})
    ends = ("did not accept", "were not accepted", "could not be reached", "is connected")

    def seen():
        return " ".join([*form.errors.values(), *(view.text for view in person.views)])

    await person.until(lambda: any(end in seen() for end in ends))
    said = seen()
    await person.close(all_of_them=True)
    return said


def _checks(world):
    return sum(call.route == "/api/v1/authcheck" for call in world.onetime.calls)


async def test_a_person_may_not_try_any_number_of_tokens(world, ada, ben):
    said = [await _tries(world, ada, f"guess{number}@example.com", f"wrong-{number}") for number in range(12)]

    assert _checks(world) == CONNECTS_PER_HOUR
    assert "did not accept" in said[CONNECTS_PER_HOUR - 1]
    assert "Please try again in 60 minutes" in said[-1]
    assert "is connected" in await _tries(world, ben, EMAIL, TOKEN)


async def test_an_account_may_not_be_tried_by_any_number_of_people(world):
    for number in range(12):
        name = ["Guessed@example.com", "guessed@example.com"][number % 2]
        await _tries(world, somebody(world, "guesser"), name, f"wrong-{number}")

    assert _checks(world) == CONNECTS_PER_HOUR


@pytest.mark.slow
async def test_what_the_host_did_not_refuse_is_no_try(world, ada):
    for _ in range(CONNECTS_PER_HOUR):
        await _tries(world, ada, EMAIL, TOKEN)
    world.onetime.plan("/api/v1/authcheck", OnetimeFault("drop"), None)
    for _ in range(CONNECTS_PER_HOUR):
        await _tries(world, ada, EMAIL, TOKEN)
    world.onetime.clear_faults()

    assert "is connected" in await _tries(world, ada, EMAIL, TOKEN)
