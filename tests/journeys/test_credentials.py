"""An account's credentials go to its own host and to no other, whatever a link names. There are two hosts here."""

import json

import pytest
import pytest_asyncio

from bot.sandbox.onetime import OnetimeFault, OnetimeServer
from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL, TOKEN, connect
from tests.support.share_window import submit_share

TEXT = "the secret itself"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two_hosts():
    """The world, and another allowed host that knows the same account. The person's account is on the world's host."""
    async with OnetimeServer("0.26") as other, World() as world:
        for server in (world.onetime, other):
            server.add_account(EMAIL, TOKEN)
        await world.bot.stop()
        await world.start_bot(ONETIME_HOSTS=f"{world.onetime.url},{other.url}")
        ada = await connect(world.workspace.person("U0ADA", "ada"))
        yield world, other, ada


async def test_a_host_that_moved_is_not_followed_with_the_credentials(two_hosts):
    world, other, ada = two_hosts
    held = world.onetime.share(EMAIL, TEXT)
    before = len(other.calls)
    for status in (301, 307, 308):
        fault = OnetimeFault("answer", status=status, headers={"location": f"{other.url}/api/v1/private/recent"})
        world.onetime.plan("/api/", fault, None)
        await ada.command("/ots", f"metadata {world.onetime.url}/private/{held.metadata_key}")
        await ada.until(lambda: "redirects everything" in ada.sees())
        await ada.command("/ots", "recent")
        await ada.until(lambda: ada.sees().count("redirects everything") > 1)
        world.onetime.clear_faults()

    assert other.calls[before:] == []


async def test_the_token_of_one_host_is_refused_by_another_and_the_first_hears_nothing(two_hosts):
    """The same e-mail address and token on another region: the account there is another one."""
    world, other, _ = two_hosts
    cleo = world.workspace.person("U0CLEO", "cleo")
    other.change_token(EMAIL, "another-token")
    before = len(world.onetime.calls)
    await cleo.command("/ots", f"connect {other.url}")
    view = await cleo.until(lambda: cleo.view and cleo.view.submit == "Connect" and cleo.view)

    await cleo.submit(view, {"username": EMAIL, "token": TOKEN})

    await cleo.until(lambda: "did not accept" in " ".join(view.errors.values()))
    assert other.calls[-1].route == "/api/v1/authcheck"
    assert [call for call in world.onetime.calls[before:] if call.route == "/api/v1/authcheck"] == []
    await cleo.close()
    await cleo.command("/ots", "accounts")
    await cleo.until(lambda: "You have not connected an account" in cleo.sees())
    other.change_token(EMAIL, TOKEN)


@pytest.mark.parametrize("evil", ["javascript:alert(1)", "https://evil.example", "evil.example/../"])
async def test_addresses_in_an_answer_are_never_used(two_hosts, evil):
    world, other, _ = two_hosts
    dora = world.workspace.person(f"U0DORA{len(evil)}", "dora")
    made = other.share(None, TEXT)
    body = {
        "secret_key": made.secret_key, "metadata_key": made.metadata_key, "ttl": 3600, "share_domain": evil,
        "metadata_url": f"{evil}/receipt/", "receipt_url": evil, "secret_url": evil, "share_url": evil,
    }  # fmt: skip
    world.onetime.plan("/api/v1/share", OnetimeFault("answer", status=200, body=json.dumps(body).encode()))
    before = len(world.workspace.export())
    await dora.command("/ots", "share")
    await dora.until(lambda: dora.view and dora.view.submit == "Share")

    await submit_share(dora, dora.view, {"text1": TEXT})

    link = f"{world.onetime.url}/secret/{made.secret_key}"
    await dora.until(lambda: dora.view and link in str(dora.view.payload))
    await dora.until(lambda: dora.dm)
    assert "evil" not in str([one.payload for one in world.workspace.export()[before:]])
    assert "javascript" not in str([one.payload for one in world.workspace.export()[before:]])
