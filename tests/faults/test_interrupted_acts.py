"""Whatever is interrupted gets an answer: windows are taken up again, and acts that got no answer are answered late."""

from __future__ import annotations

import itertools

import pytest

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.slack import SlackFault
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

TEXT = "the text"
OPEN_ACTS = "SELECT count(*) FROM acts WHERE answered_at IS NULL"
LEFT_WINDOWS = f"{OPEN_ACTS} AND \"window\" = 'answered'"
OPEN_SHARE = f"{OPEN_ACTS} AND name = 'share'"

_numbers = itertools.count(1)


@pytest.fixture
def world(crashing):
    return crashing.world


@pytest.fixture
def ada(world):
    number = next(_numbers)
    return world.workspace.person(f"U0ADA{number:05}", f"ada{number}")


async def killed_at(crashing, step, act):
    crashing.kill_at(step)
    await act
    await crashing.says("killed")
    await crashing.is_up_again()


async def test_killed_between_probe_and_claim_the_window_asks_again_and_opens(crashing, world, ada):
    held = world.onetime.share(None, TEXT)
    await ada.command("/ots", f"retrieve {world.onetime.url}/secret/{held.secret_key}")
    await ada.until(lambda: ada.view and ada.view.submit == "Open")

    await killed_at(crashing, "probed", ada.submit())

    await ada.until(lambda: ada.view and "was restarted" in ada.view.text)
    await ada.submit()

    await ada.until(lambda: ada.view.secret_text() == TEXT)
    assert world.onetime.claims_of(held.secret_key) == 1


async def test_a_window_that_shows_a_secret_is_never_covered_by_what_comes_after_a_restart(crashing, world, ada):
    held = world.onetime.share(None, TEXT)
    await ada.command("/ots", f"retrieve {world.onetime.url}/secret/{held.secret_key}")
    await ada.until(lambda: ada.view and ada.view.submit == "Open")

    await killed_at(crashing, "wiped", ada.submit())
    await eventually(lambda: crashing.query(OPEN_ACTS) == [(0,)])

    assert ada.view.secret_text() == TEXT


async def test_a_secret_is_never_covered_by_the_answer_to_what_opened_its_window(crashing, world, ada):
    """The end of the command is recorded a moment after its window came: a kill may come in between."""
    held = world.onetime.share(None, TEXT)
    await ada.command("/ots", f"retrieve {world.onetime.url}/secret/{held.secret_key}")
    await ada.until(lambda: ada.view and ada.view.submit == "Open")
    await without_end(crashing, "command")

    await killed_at(crashing, "wiped", ada.submit())
    await eventually(lambda: crashing.query(OPEN_ACTS) == [(0,)])

    assert ada.view.secret_text() == TEXT


@pytest.mark.parametrize("opened_by", ["command", "action"])
async def test_what_was_typed_since_is_never_covered(crashing, world, ada, opened_by):
    if opened_by == "command":
        await ada.command("/ots", "connect")
    else:
        await ada.command("/ots", "recent")
        await ada.until(lambda: "Connect an account" in ada.sees())
        await ada.click(label="Connect an account")
    await ada.until(lambda: ada.view and ada.view.submit)
    await without_end(crashing, opened_by)
    await ada.submit(fields={"username": "ada@example.com", "token": "wrong"})
    await ada.until(lambda: ada.view.errors)

    await restarted(crashing)
    await eventually(lambda: crashing.query(OPEN_ACTS) == [(0,)])

    assert ada.view.submit == "Connect"
    assert ada.view.values["username"]["typed"]["value"] == "ada@example.com"


async def without_end(crashing, kind):
    """Leave the act of this kind as a kill leaves it that comes before its end is recorded."""
    await eventually(lambda: crashing.query(OPEN_ACTS) == [(0,)])
    crashing.change(f"UPDATE acts SET answered_at = NULL WHERE kind = '{kind}'")


async def test_a_request_that_was_delivered_to_the_process_before_is_not_carried_out_again(crashing, world, ada):
    """A request that is delivered again has its effect once, also in a process that never saw it."""
    ben = world.workspace.person(f"U0BEN{next(_numbers):05}", "ben")
    await ada.command("/ots", f"request <@{ben.id}>")
    await ada.until(lambda: ada.view and ada.view.submit == "Ask")
    first = await ada.submit()
    await ben.until(lambda: ben.dm)
    await eventually(lambda: crashing.query(OPEN_ACTS) == [(0,)])
    crashing.kill_now()
    await crashing.says("killed")
    await crashing.is_up_again()

    again = await world.workspace.deliver(first.kind, first.payload)

    assert again.ok
    await crashing.says("form")
    assert len(ben.dm) == 1
    assert len(ada.dm) == 1


async def test_while_slack_takes_no_answer_the_answer_comes_later(world, ada):
    for method in ("views.open", "response_url", "chat.postMessage"):
        world.workspace.plan(method, SlackFault.http(503), 2)

    await ada.command("/ots", "share")

    await ada.until(lambda: "Slack did not take the answer" in ada.sees())


@pytest.mark.parametrize("method", ["conversations.open", "chat.postMessage"])
async def test_an_answer_of_slack_of_another_shape_ends_no_explanation(crashing, world, ada, method):
    for way in ("views.open", "response_url"):
        world.workspace.plan(way, SlackFault.http(503), 2)
    other = {"ok": True, "channel": "D0", "ts": None, "message": []}
    world.workspace.plan(method, SlackFault("answer", body=other), 1)

    await ada.command("/ots", "share")

    await ada.until(lambda: "Slack did not take" in ada.sees())
    await eventually(lambda: crashing.query(OPEN_ACTS) == [(0,)])


# --- what Slack did not take is shown later


@pytest.mark.slow
@pytest.mark.parametrize("fault", [SlackFault.http(503), SlackFault.rate_limited(5)], ids=["fails", "limits"])
async def test_what_a_command_was_to_show_comes_late(crashing, world, ada, fault):
    held = world.onetime.share(None, TEXT)
    world.workspace.plan("response_url", fault, 2)
    world.workspace.plan("conversations.open", fault, 2)

    await ada.command("/ots", f"metadata {world.onetime.url}/private/{held.metadata_key}")

    await ada.until(lambda: "Not opened yet" in ada.sees())
    assert "Slack did not take" not in ada.sees()
    await eventually(lambda: crashing.query(OPEN_ACTS) == [(0,)])


@pytest.mark.parametrize("code", ["token_revoked", pytest.param("a_code_of_next_year", marks=pytest.mark.slow)])
async def test_what_a_window_was_to_show_comes_as_a_message_and_the_window_ends_later(crashing, world, ada, code):
    held = world.onetime.share(None, TEXT)
    world.onetime.open_as_outsider(held.secret_key)
    await ada.command("/ots", "accounts")  # so that the bot knows who it is
    await ada.until(ada.sees)
    world.workspace.plan("views.update", SlackFault.error(code), None)

    await ada.command("/ots", f"burn {world.onetime.url}/private/{held.metadata_key}")
    await ada.until(lambda: "Too late to burn" in ada.sees())
    assert "Looking at it" in ada.view.text
    await the_window_ends_later(crashing, world, ada)


async def test_a_window_whose_error_was_said_elsewhere_ends_later(crashing, world, ada):
    held = world.onetime.share(None, TEXT)
    world.onetime.plan("/api/v1/private/{key}", OnetimeFault("answer", status=502), None)
    await ada.command("/ots", "accounts")  # so that the bot knows who it is
    await ada.until(ada.sees)
    world.workspace.plan("views.update", SlackFault.error("invalid_auth"), None)

    await ada.command("/ots", f"burn {world.onetime.url}/private/{held.metadata_key}")
    await ada.until(lambda: "could not be reached" in ada.sees())
    await the_window_ends_later(crashing, world, ada)


async def test_the_placeholder_of_a_form_ends_too_when_slack_takes_windows_again(crashing, world, ada):
    hang = OnetimeFault("hang")
    world.onetime.add_account("ada@example.com", "token-of-ada-0123456789")
    world.onetime.plan("/api/v1/authcheck", hang)
    await ada.command("/ots", "connect")
    await ada.until(lambda: ada.view and ada.view.submit == "Connect")
    await ada.submit(fields={"username": "ada@example.com", "token": "token-of-ada-0123456789"})
    await ada.until(lambda: "One moment" in ada.view.text)
    world.workspace.plan("views.update", SlackFault.error("account_inactive"), None)
    hang.release()

    await ada.until(lambda: ada.dm and "127.0.0.1" in ada.dm[-1].shows)
    await the_window_ends_later(crashing, world, ada)


async def test_killed_while_the_host_is_asked_the_window_of_a_command_ends(crashing, world, ada):
    held = world.onetime.share(None, TEXT)
    world.onetime.plan("/api/v1/private/{key}", OnetimeFault("hang"), None)
    await ada.command("/ots", f"burn {world.onetime.url}/private/{held.metadata_key}")
    await ada.until(lambda: ada.view and "Looking at it" in ada.view.text)
    await world.onetime.wait_for_call("/api/v1/private/{key}")

    world.onetime.clear_faults()
    await restarted(crashing)

    await ada.until(lambda: "got no answer" in ada.view.text)
    assert ada.dm == []


async def the_window_ends_later(crashing, world, ada):
    """It is recorded that the window was left; when Slack is well, recovery ends it, and the record goes."""
    await eventually(lambda: crashing.query(LEFT_WINDOWS) == [(1,)])
    world.workspace.clear_faults()
    await restarted(crashing)

    await ada.until(lambda: "came as a message" in ada.view.text)
    await eventually(lambda: crashing.query(LEFT_WINDOWS) == [(0,)])


async def restarted(crashing):
    crashing.kill_now()
    await crashing.says("killed")
    await crashing.is_up_again()


async def test_an_answer_that_slack_never_took_is_made_up_for_after_a_restart(crashing, world, ada):
    for method in ("views.open", "chat.postMessage"):
        world.workspace.plan(method, SlackFault.error("token_revoked"), None)
    world.workspace.plan("response_url", SlackFault.http(404), None)
    since = len(world.bot.output)
    await ada.command("/ots", "share")
    await eventually(
        lambda: b'"reason": "SlackError", "error": "views.open: token_revoked"' in world.bot.output[since:]
    )
    await eventually(lambda: crashing.query(OPEN_SHARE) == [(1,)])
    world.workspace.clear_faults()
    await restarted(crashing)

    message = await ada.until(lambda: ada.dm and ada.dm[-1])

    assert "/ots share" in message.shows
    assert "try again" in message.shows
