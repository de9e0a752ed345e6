"""The page's server: who may talk to it, what it tells, what it hides, what its files hold."""

import asyncio
import json
import queue
import re
import tomllib
from types import SimpleNamespace

import aiohttp
import pytest
import pytest_asyncio

from bot.sandbox.main import populate
from bot.sandbox.page import Page, browser, read_manifest
from bot.sandbox.page.feed import MAX_QUEUED_EVENTS
from bot.sandbox.page.masking import mask, mask_text
from bot.sandbox.page.server import STATIC
from bot.sandbox.world import World
from tests.readme import ROOT
from tests.support.waiting import PATIENCE, eventually

KEY = "2w9bzv0lmk4xq7p1d8hs5tyjr3cfgnae6iou"
FILES = sorted(path for path in STATIC.rglob("*") if path.is_file())


@pytest_asyncio.fixture
async def world():
    """Two emulators without a bot, and the page in front of them."""
    whole = World()
    workspace, onetime = whole.workspace, whole.onetime
    await workspace.start()
    await onetime.start()
    ada = workspace.person("U0ADA", "ada")
    channel = workspace.channel("C0TEAM", "team", [ada, workspace.bot_user_id])
    world = SimpleNamespace(workspace=workspace, onetime=onetime, ada=ada, channel=channel)
    world.page = Page(whole, read_manifest(), {"ada@example.com": "a-token"})
    await world.page.start()
    async with aiohttp.ClientSession() as session:
        world.session = session
        yield world
    await world.page.stop()
    await whole.stop()


def own(world, **changed):
    """The headers that a browser sends from the page itself; None leaves one out."""
    headers = {"Origin": world.page.url, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"} | changed
    return {name: value for name, value in headers.items() if value is not None}


async def post(world, path, body, **headers):
    data = body if isinstance(body, str) else json.dumps(body)
    async with world.session.post(world.page.url + path, data=data, headers=own(world, **headers)) as answer:
        return answer.status, await answer.text()


async def control(world, **body):
    status, text = await post(world, "/controls", body)
    assert status == 200, text
    return json.loads(text)


async def events(world, many):
    """The first events of the feed."""
    found = []
    async with world.session.get(world.page.url + "/feed") as answer:
        name = ""
        async for line in answer.content:
            if line.startswith(b"event: "):
                name = line[7:].decode().strip()
            if line.startswith(b"data: "):
                found.append((name, json.loads(line[6:])))
                if len(found) == many:
                    return found
    raise AssertionError("the feed ended")


# --- who may talk to it


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost.evil.example:{port}",
        "[::1]:{port}",
    ],
)
@pytest.mark.parametrize("path", ["/", "/feed", "/static/js/app.js"])
async def test_another_host_name_is_turned_away_whatever_it_asks_for(world, host, path):
    port = world.page.url.rpartition(":")[2]

    async with world.session.get(world.page.url + path, headers={"Host": host.format(port=port)}) as answer:
        assert answer.status == 403
        assert "Nobody" not in await answer.text()


async def test_localhost_is_a_name_of_this_machine(world):
    port = world.page.url.rpartition(":")[2]

    async with world.session.get(world.page.url, headers={"Host": f"localhost:{port}"}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": None}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({}, 200),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/controls", {"do": "move_clock", "seconds": 60}),
        ("/people/U0ADA", {"do": "type", "channel": "C0TEAM", "text": "hi"}),
    ],
    ids=["controls", "acts"],
)
async def test_only_the_page_itself_can_act(world, headers, status, path, body):
    before = world.onetime.now

    answered, _ = await post(world, path, body, **headers)

    assert answered == status
    has_acted = bool(world.ada.messages) or world.onetime.now - before > 30
    assert has_acted == (status == 200)


@pytest.mark.parametrize("path", ["/", "/static/js/app.js", "/static/none", "/nowhere"])
async def test_every_answer_carries_the_policy(world, path):
    async with world.session.get(world.page.url + path) as answer:
        policy = answer.headers["Content-Security-Policy"].split("; ")

        assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} <= set(policy)
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_it_listens_on_loopback_alone(world):
    assert world.page._runner.addresses[0][0] == "127.0.0.1"


@pytest.mark.parametrize(
    "body",
    ["{", "[]", '{"do":"nothing"}', '{"do":"type","text":7}', '{"do":"move_clock","seconds":1,"more":2}', "\xff"],
)
@pytest.mark.parametrize("path", ["/controls", "/people/U0ADA"])
async def test_what_it_does_not_understand_it_refuses(world, path, body):
    status, _ = await post(world, path, body)

    assert status == 400


async def test_people_and_secrets_that_do_not_exist_are_not_found(world):
    assert (await post(world, "/people/U0NOBODY", {"do": "home"}))[0] == 404
    assert (await post(world, "/controls", {"do": "links", "id": "none"}))[0] == 404
    async with world.session.get(world.page.url + "/calls/1") as answer:
        assert answer.status == 404


# --- what it tells


async def test_a_page_gets_everything_and_then_what_changes(world):
    world.workspace.state.post(world.channel, {"text": "before"})

    async def speak():
        while not world.page._feed._pages:  # noqa: ASYNC110 - the page joins by HTTP
            await asyncio.sleep(0)
        first = world.workspace.state.post(world.channel, {"text": "after"})
        world.workspace.state.edit(first, {"text": "after that"})

    (first, everything), (second, changes) = (await asyncio.gather(events(world, 2), speak()))[0]

    assert (first, second) == ("everything", "changes")
    assert [one["text"] for one in everything["messages"]] == ["before"]
    assert [one["text"] for one in changes["messages"].values()] == ["after that"]
    assert everything["app"]["commands"][0]["command"] == "/ots"


async def test_a_page_that_reads_nothing_is_ignored_and_the_others_are_not(world):
    feed = world.page._feed
    deaf, fine = feed.join(), feed.join()
    for number in range(MAX_QUEUED_EVENTS + 5):
        world.workspace.state.post(world.channel, {"text": str(number)})
        feed._flush_timer.cancel()
        feed._flush()
        while not fine.empty():
            fine.get_nowait()

    assert deaf.get_nowait() is None
    assert deaf not in feed._pages
    assert fine in feed._pages


async def test_a_secret_that_expires_by_itself_is_told(world):
    world.onetime.share(None, "text", ttl=3600)
    await events(world, 2)  # everything, and that it was made
    pages, before = world.page._feed._pages, set(world.page._feed._pages)

    listening = asyncio.create_task(events(world, 2))
    await eventually(lambda: pages - before)
    world.onetime.move_clock(3600)
    found = await asyncio.wait_for(listening, PATIENCE)

    assert [one["state"] for _, about in found for one in about["secrets"]] == ["new", "expired"]


async def test_what_slack_asks_of_a_form_is_said_at_its_fields_alone(world):
    state = world.workspace.state
    field = {"type": "input", "block_id": "name", "label": {"type": "plain_text", "text": "Name"}}
    text = {"type": "plain_text", "text": "A window"}
    blocks = [field | {"element": {"type": "plain_text_input", "action_id": "it"}}]
    view = state.open_view(
        state.new_trigger(world.ada.id), {"type": "modal", "title": text, "submit": text, "blocks": blocks}
    )

    outcome = await post(world, "/people/U0ADA", {"do": "submit", "view": view.id})

    assert outcome == (200, "{}")
    assert view.errors == {"name": "Please complete this required field."}


async def test_secrets_are_told_without_what_opens_them(world):
    held = world.onetime.share("ada@example.com", "the text of it", passphrase="the passphrase")

    ((_, everything),) = await events(world, 1)

    told = json.dumps(everything)
    assert everything["secrets"][0]["owner"] == "ada@example.com"
    assert not any(part in told for part in (held.secret_key, held.metadata_key, "the text of it", "the passphrase"))


# --- what is beside the workspace


async def test_the_clock_of_onetime_secret_moves_and_secrets_expire_by_it(world):
    held = world.onetime.share(None, "text", ttl=3600)

    await control(world, do="move_clock", seconds=4000)

    assert world.onetime.find_secret(held.secret_key).state == "expired"


async def test_a_stranger_looks_and_opens_once_with_the_passphrase(world):
    made = await control(world, do="make", text="the text", passphrase="open sesame")

    assert await control(world, do="look", link=made["secret"]) == {"is_there": True, "has_passphrase": True}
    assert await control(world, do="open", link=made["secret"], passphrase="wrong") == {"text": None}
    assert await control(world, do="open", link=made["secret"], passphrase="open sesame") == {"text": "the text"}
    assert await control(world, do="open", link=made["secret"], passphrase="open sesame") == {"text": None}


@pytest.mark.parametrize("link", ["{base}/private/{key}", "https://elsewhere.example/secret/{key}", "{key}", ""])
async def test_a_stranger_opens_nothing_by_another_link(world, link):
    held = world.onetime.share(None, "the text")

    answer = await control(world, do="open", link=link.format(base=world.onetime.url, key=held.secret_key))

    assert answer == {"text": None}
    assert held.has_plaintext


@pytest.mark.parametrize(("mode", "status"), [("failing", 502), ("limited", 429), ("down", None)])
async def test_onetime_secret_can_be_made_to_fail_and_to_work_again(world, mode, status):
    async def ask():
        try:
            async with world.session.get(world.onetime.url + "/api/v1/status") as answer:
                return answer.status
        except aiohttp.ClientError:
            return None

    await control(world, do="onetime", mode=mode)
    assert await ask() == status

    await control(world, do="onetime", mode="fine")
    assert await ask() == 200


@pytest.mark.parametrize(("mode", "status"), [("failing", 503), ("limited", 429), ("down", None)])
async def test_slack_can_be_made_to_fail_and_to_work_again(world, mode, status):
    async def ask():
        try:
            async with world.session.post(world.workspace.api_url + "auth.test") as answer:
                return answer.status
        except aiohttp.ClientError:
            return None

    await control(world, do="slack", mode=mode)
    assert await ask() == status

    await control(world, do="slack", mode="fine")
    assert await ask() == 200


async def test_one_person_or_everybody_reads_slack_in_another_language(world):
    world.workspace.person("U0BEN", "ben")

    await control(world, do="language", language="de")
    await control(world, do="locale", locale="fr-FR", person="U0BEN")

    ((_, everything),) = await events(world, 1)
    assert everything["settings"]["language"] == "de"
    assert {one["name"]: one["locale"] for one in everything["people"]} == {"ada": "de-DE", "ben": "fr-FR"}
    assert (await post(world, "/controls", {"do": "locale", "locale": "fr-FR", "person": "U0NOBODY"}))[0] == 404


async def test_the_colours_of_the_page_can_be_changed(world):
    await control(world, do="theme", theme="paper")

    ((_, everything),) = await events(world, 1)
    assert everything["settings"]["theme"] == "paper"


async def test_a_call_tells_when_it_began_and_people_by_their_names(world):
    await post(world, "/people/U0ADA", {"do": "type", "channel": "C0TEAM", "text": "/ots share @ada in #team"})

    ((_, everything),) = await events(world, 1)
    told = everything["calls"][-1]
    assert told["title"] == "/ots share @ada in #team"
    assert told["began"] <= told["at"]


# --- what it hides


@pytest.mark.parametrize(
    ("shown", "instead"),
    [
        (f"/ots retrieve https://eu.example/secret/{KEY}", "/ots retrieve https://eu.example/secret/2w9b…"),
        (f"{KEY} {KEY}", "2w9b… 2w9b…"),
        ("ada.l+x@example.com", "a***@e***"),
        ("a sentence without any", "a sentence without any"),
    ],
)
def test_keys_and_addresses_are_masked_in_text(shown, instead):
    assert mask_text(shown) == instead


def test_what_opens_something_is_masked_in_payloads_wherever_it_stands():
    canaries = [f"canary-{number}" for number in range(7)]
    payload = {
        "trigger_id": canaries[0],
        "token": canaries[1],
        "response_url": canaries[2],
        "view": {
            "private_metadata": canaries[3],
            "state": {"values": {"a": {"b": {"type": "plain_text_input", "value": canaries[4]}}}},
            "blocks": [
                {
                    "type": "rich_text",
                    "elements": [{"type": "rich_text_preformatted", "elements": [{"text": canaries[5]}]}],
                },
                {"type": "input", "element": {"initial_value": canaries[6]}},
            ],
        },
        "title": "stays",
    }

    shown = json.dumps(mask(payload))

    assert "canary" not in shown
    assert "stays" in shown


# --- its files


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(STATIC)))
def test_a_file_of_the_page_brings_nothing_from_elsewhere_and_reads_no_text_as_markup(path):
    source = path.read_text()
    code = re.sub(r"/\*.*?\*/|^\s*//.*$", "", source, flags=re.DOTALL | re.MULTILINE)

    parsed = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|\beval\(|new Function"
    assert re.findall(parsed, code) == []
    assert re.findall(r"\bsetHTML|srcdoc|javascript:", code) == []
    assert set(re.findall(r"https?://[\w.]+", code)) <= {"http://www.w3.org"}  # the name of SVG, not an address
    assert "style=" not in code or path.suffix != ".html"


@pytest.mark.parametrize("path", [one for one in FILES if one.suffix == ".js"], ids=lambda path: path.name)
def test_what_a_script_imports_is_there_and_is_used(path):
    source = path.read_text()

    for names, target in re.findall(r'^import (.+?) from "(.+?)";$', source, re.MULTILINE):
        exported = (path.parent / target).read_text()
        for name in re.findall(r"\w+", names.replace("* as", "")):
            assert len(re.findall(rf"\b{name}\b", source)) > 1, f"{name} is not used"
            is_module = "* as" in names
            assert is_module or re.search(
                rf"^export (?:async )?(?:function|const|let) {name}\b", exported, re.MULTILINE
            )


def test_the_page_knows_nothing_of_the_app_it_shows():
    source = "".join(path.read_text() for path in FILES if path.suffix in (".js", ".html"))

    assert "/ots" not in source
    assert not re.findall(r"\b(?:retrieve|metadata|untrack|disconnect)\b", source.replace("private_metadata", ""))


# --- who is in it


async def test_everybody_whom_the_documents_name_is_there_and_no_guest(world):
    populate(world)
    documents = (ROOT / "README.md").read_text() + (ROOT / "docs/using.md").read_text()
    named = set(re.findall(r"/ots [^`|\n]*?@([a-z]+)", documents)) - {"person"}

    members = {one.person.name for one in world.workspace.people if not one.person.guest}
    assert named
    assert named <= members
    assert len(members) < len(world.workspace.people)  # and a guest, whom the bot refuses


# --- manifests and browsers


def test_the_projects_own_manifest_is_read():
    manifest = read_manifest()

    assert manifest.name == "Onetime Secret"
    assert manifest.command("/ots").should_escape
    assert manifest.command("/other") is None


def test_a_manifest_with_little_in_it_is_enough():
    manifest = read_manifest("features: {bot_user: {display_name: Notes}}")

    assert (manifest.name, manifest.commands, manifest.shortcuts) == ("Notes", [], [])


def test_the_manifest_is_found_where_an_installation_puts_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert project["tool"]["setuptools"]["data-files"] == {"share/ots-bot": ["manifest.yml"]}


def test_every_file_of_the_page_is_installed():
    globs = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"][
        "bot.sandbox.page"
    ]
    installed = {path for glob in globs for path in STATIC.parent.glob(glob)}

    assert set(FILES) <= installed


@pytest.mark.parametrize(
    ("environ", "platform", "has"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "darwin", True),
        ({}, "win32", True),
    ],
)
def test_a_browser_is_opened_where_there_is_a_screen(environ, platform, has):
    assert browser.has_browser(environ, platform) is has


def test_opening_a_browser_waits_for_nothing():
    opened: queue.Queue[str] = queue.Queue()

    def opens(url: str) -> bool:
        opened.put(url)
        return True

    browser.show("http://127.0.0.1:1", opens)

    assert opened.get(timeout=PATIENCE) == "http://127.0.0.1:1"
