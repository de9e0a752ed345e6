"""Answers of hosts and proxies that prove that nothing was done, and what the person reads about them."""

import pytest

from bot.sandbox.onetime import OnetimeFault
from tests.journeys.conftest import EMAIL, TOKEN
from tests.support.rows import one_row
from tests.support.share_window import submit_share

MOVED = "https://moved.example.com:8443"
LOCATION = f"{MOVED}/api/v1/secret/canarykey0123456789abcdefghijk?canary=1"


def redirect(status, location=LOCATION):
    return OnetimeFault("answer", status=status, headers={"location": location})


def proxy(status):
    return OnetimeFault("html", status=status, body=b"<html><h1>Request Entity</h1></html>")


REDIRECTS = {str(status): redirect(status) for status in (301, 302, 303, 307, 308)}
PROXIES = {str(status): proxy(status) for status in (405, 413, 414, 431)}


async def share(world, ada):
    await ada.command("/ots", "share")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Share" and ada.view)
    world.onetime.plan("/api/", world.fault, None)
    await submit_share(ada, view, {"text1": "the secret itself"})
    text = await ada.until(lambda: ada.view and "Nothing was made" in ada.view.text and ada.view.text)
    assert ada.view.values["text1"]["typed"]["value"] == "the secret itself"
    return text


async def generate(world, ada):
    await ada.command("/ots", "generate")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Generate" and ada.view)
    world.onetime.plan("/api/", world.fault, None)
    await submit_share(ada, view, {"what": "Send it, or make a link"})
    return await ada.until(lambda: ada.view and "Nothing was made" in ada.view.text and ada.view.text)


async def retrieve(world, ada):
    held = world.onetime.share(None, "text")
    await ada.command("/ots", f"retrieve {world.onetime.url}/secret/{held.secret_key}")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Open" and ada.view)
    world.onetime.plan("/api/", world.fault, None)
    await ada.submit(view)
    text = await ada.until(lambda: ada.view and "Nothing was made" in ada.view.text and ada.view.text)
    assert "may have been opened" not in text
    world.onetime.clear_faults()
    await ada.submit(ada.view)  # it can be opened as soon as the host is right
    await ada.until(lambda: ada.view.secret_text() == "text")
    return text


async def burn(world, ada):
    held = world.onetime.share(None, "text")
    await ada.command("/ots", f"burn {world.onetime.url}/private/{held.metadata_key}")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Burn it" and ada.view)
    world.onetime.plan("/api/", world.fault, None)
    await ada.submit(view)
    text = await ada.until(lambda: ada.view and "Nothing was made, opened or burned" in ada.view.text and ada.view.text)
    assert world.onetime.find_secret(held.metadata_key).has_plaintext
    return text


async def metadata(world, ada):
    held = world.onetime.share(None, "text")
    world.onetime.plan("/api/", world.fault, None)
    before = len(ada.ephemerals)
    await ada.command("/ots", f"metadata {world.onetime.url}/private/{held.metadata_key}")
    return (await ada.until(lambda: ada.ephemerals[before:] and ada.ephemerals[-1])).shows


async def connect(world, ada):
    await ada.command("/ots", "connect")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Connect" and ada.view)
    world.onetime.plan("/api/", world.fault, None)
    await ada.submit(view, {"username": EMAIL, "token": TOKEN})
    return await ada.until(lambda: " ".join(view.errors.values()))


CALLS = (share, generate, retrieve, burn, metadata, connect)


@pytest.mark.parametrize("faults", [REDIRECTS, PROXIES], ids=["redirects", "proxies"])
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
async def test_what_proves_that_nothing_was_done_is_said_so(world, ada, subtests, faults, call):
    for status, world.fault in faults.items():
        with one_row(subtests, status):
            text = await call(world, ada)

            assert "Nothing was made, opened or burned" in text
            assert "canary" not in text
            if faults is REDIRECTS:
                assert "redirects everything to another address" in text
                assert f"set ONETIME_HOSTS to {MOVED}" in text.replace("`", "")
            else:
                assert f"HTTP {status}" in text
        world.onetime.clear_faults()
        await ada.close(all_of_them=True) if ada.view else None
    assert ada.dm == []


@pytest.mark.parametrize(
    "location",
    ["", "/login", "javascript:alert(1)", "https://user@moved.example.com/", "https://a" + "b" * 60 + ".example.com/",
     "https://x|<!channel>.example.com/", "//moved.example.com/", "ftp://moved.example.com/", "https://moved\u202e.example.com/", "https:///x"],
    ids=["none", "a path", "a script", "a user", "as long as a key", "markup", "no scheme", "ftp", "bidi", "no host"],
)  # fmt: skip
async def test_an_address_that_cannot_be_shown_is_left_out(world, ada, location):
    headers = {"location": location.encode("ascii", "ignore").decode()} if location else {}
    world.fault = OnetimeFault("answer", status=301, headers=headers)

    text = await share(world, ada)

    assert "write its right address into ONETIME_HOSTS" in text or "moved.example.com" in text
    assert not [one for one in ("javascript", "user@", "bbbb", "<!channel", "ftp", "login") if one in text]


@pytest.mark.parametrize(
    ("reason", "is_shown"),
    [
        ("This account <!channel> *is suspended*", True),
        (f"{EMAIL} is not welcome", False),
        (f"no token {TOKEN[4:12]} here", False),
    ],
    ids=["a reason", "the address", "part of the token"],
)
async def test_the_reason_why_an_account_is_refused_is_said_at_the_field(world, ada, reason, is_shown):
    body = f'{{"message": "{reason}"}}'.encode()
    world.fault = OnetimeFault("answer", status=404, body=body)

    text = await connect(world, ada)

    assert "Nothing was stored" in text
    assert (reason.replace("<", "‹").replace(">", "›") in text) is is_shown
    assert EMAIL not in text
    assert TOKEN[4:12] not in text
