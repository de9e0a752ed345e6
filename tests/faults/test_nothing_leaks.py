"""Canaries for everything that must stay hidden go through every journey, and are found nowhere afterwards."""

import asyncio
import base64
import copy
import json
import sqlite3
from contextlib import closing
from urllib.parse import quote

import pytest

from bot.features import Registry
from bot.interaction.feature import Kind
from bot.sandbox.bot_process import BotProcess
from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.slack import SentPayload, SlackFault, SlackWorkspace
from bot.sandbox.slack.payloads import interaction
from bot.sandbox.world import World
from tests.contract.upgrade.emulators import run_bot
from tests.faults.canaries import BLOCK, Canary, Search, odd_ids
from tests.support.share_window import fill_share, submit_share
from tests.support.waiting import PATIENCE, eventually

API = "/api/v1"


class Scene:
    """A world full of canaries, and somebody who does everything in it."""

    def __init__(self, mode, settings, folder):
        made = Canary.made
        self.email = made("the e-mail address", "mail.{}+x@example.com")
        self.token = made("the API token", "token+/={}")
        self.wrong_token = made("a wrong API token", "wrong+/={}")
        self.passphrase = made("the passphrase", 'pass "{}" & <é>')
        self.guess = made("a wrong passphrase", 'guess "{}" & <é>')
        self.secret = made("the secret", 'secret "{}"\n\t<é> & *b* :key:')
        self.typed = made("what was typed", "hunter2!{}")
        bot, app = made("the bot token", "xoxb-{}"), made("the app token", "xapp-1-{}")
        signing = made("the signing secret", "signing{}")
        workspace = SlackWorkspace(bot_token=bot.text, app_token=app.text, signing_secret=signing.text)
        self.world = World(
            mode=mode, workspace=workspace, settings={"TMPDIR": str(folder), "UNFURL_LINKS": "on", **settings}
        )
        workspace.allow_unfurls("127.0.0.1")
        key = self.world.encryption_key
        self.known = [
            self.email, self.token, self.wrong_token, self.passphrase, self.guess, self.secret, self.typed,
            bot, app, signing, *Canary.whole("the encryption key", key),
            *Canary.whole("the encryption key", base64.urlsafe_b64decode(key + "=").hex()),
        ]  # fmt: skip
        self.search = Search(self.world, self.known, folder)
        self.ada = self.world.workspace.person("U0ADA", "ada")

    # --- what there is

    @property
    def onetime(self):
        return self.world.onetime

    def share(self, *, passphrase=False, text=None, mine=True):
        owner = self.email.text if mine else None
        words = self.passphrase.text if passphrase else None
        return self.onetime.share(owner, text or self.secret.text, passphrase=words)

    def secret_link(self, held):
        return f"{self.onetime.url}/secret/{held.secret_key}"

    def private_link(self, held):
        return f"{self.onetime.url}/private/{held.metadata_key}"

    def quoting(self, status):
        """A host that says everything it was told, and more, in its error."""
        words = " ".join(one.text for one in self.known)
        headers = {"X-Words": json.dumps(words), "Retry-After": "1"}
        return OnetimeFault("answer", status=status, body=json.dumps({"message": words, "value": self.secret.text}).encode(),
                     headers={"content-type": "application/json", **headers})  # fmt: skip

    # --- what ada does

    async def says(self, text, part):
        """Types a command; waits until the answer has `part` in it."""
        seen = len(self.ada.messages)
        await self.ada.command("/ots", text)
        await self.ada.until(lambda: any(part in one.shows for one in self.ada.messages[seen:]))

    async def opens(self, text, submit):
        """Types a command that opens a window with such a button."""
        await self.closes()
        await self.ada.command("/ots", text)
        return await self.window(submit)

    async def closes(self):
        while self.ada.view:
            await self.ada.close()

    async def window(self, submit):
        return await self.ada.until(lambda: self.ada.view and self.ada.view.submit == submit and self.ada.view)

    async def sees(self, part):
        await self.ada.until(lambda: self.ada.view and part in self.ada.view.text)

    async def home_shows(self, *parts):
        await self.ada.until(lambda: self.ada.home and all(one in str(self.ada.home.blocks) for one in parts))

    def block_of(self, action):
        """The first row of buttons in the Home tab that has this one."""
        rows = (
            one for one in self.ada.home.blocks for two in one.get("elements", []) if two.get("action_id") == action
        )
        return next(rows)["block_id"]

    async def shown(self):
        await self.ada.until(lambda: self.ada.view and self.secret.text in self.ada.view.secret_text())

    async def asked(self, held):
        return await self.opens(f"retrieve {self.secret_link(held)}", "Open")

    def by(self, name):
        """The same scene, with somebody else in it."""
        other = copy.copy(self)
        known = {one.name: one for one in self.world.workspace.people}
        other.ada = known.get(name) or self.world.workspace.person(f"U0{name.upper()}", name)
        return other

    async def connects(self, token):
        view = await self.opens("connect", "Connect")
        await self.ada.submit(view, {"username": self.email.text, "token": token.text})
        return view

    async def ended(self, times, start):
        """Wait until so many pieces of work have ended since the output was `start` bytes long."""
        await eventually(lambda: bytes(self.world.bot.output[start:]).count(b'"outcome"') >= times)

    async def falls_silent(self):
        """Wait until the bot writes nothing for a second: then ada has nothing under way that could use up her share."""
        output = self.world.bot.output
        before = -1
        while before != (before := len(output)):  # noqa: ASYNC110 - nothing reports it
            await asyncio.sleep(1)

    async def restart(self, **settings):
        self.search.output += self.world.bot.output
        await self.world.start_bot(**settings)


# --- the journeys


async def connecting(scene):
    view = await scene.connects(scene.wrong_token)
    await scene.ada.until(lambda: view.errors or "did not accept" in view.text)  # at the top if it took too long
    await scene.ada.submit(view, {"username": f"a:{scene.email.text}", "token": scene.token.text})
    scene.onetime.plan(f"{API}/authcheck", OnetimeFault("drop"), None)
    await scene.ada.submit(view, {"username": scene.email.text, "token": scene.token.text})
    await scene.ada.until(lambda: view.errors or "could not be reached" in view.text)
    scene.onetime.clear_faults()
    await scene.ada.close()
    await scene.connects(scene.token)
    await scene.sees("is connected")
    await scene.ada.close()


async def slow_to_connect(scene):
    scene.onetime.plan(f"{API}/authcheck", OnetimeFault("late", seconds=2.3))
    view = await scene.connects(scene.wrong_token)
    await scene.ada.until(lambda: "did not accept" in view.text)
    await scene.ada.close()


async def looking_at_accounts(scene):
    await scene.says("accounts", "Your accounts")
    await scene.says("disconnect", "Which account")


async def looking_at_a_secret(scene):
    for passphrase in (True, False):
        held = scene.share(passphrase=passphrase)
        await scene.says(f"metadata {scene.private_link(held)}", "Not opened yet")
        await scene.ada.click(label="Refresh")
        await scene.ada.until(lambda: "Not opened yet" in scene.ada.ephemerals[-1].shows)
        await scene.says(f"metadata {held.metadata_key}", "Not opened yet")
        await scene.says(f"metadata {scene.secret_link(held)}", "only the person who made the secret has")


async def listing(scene):
    for number in range(12):
        scene.share(passphrase=number % 2 == 0)
    await scene.says("recent", "Page 1 of")
    await scene.ada.click(label="Older")
    await scene.ada.until(lambda: "Page 2 of" in scene.ada.sees())
    await scene.ada.click(label="Newer")
    await scene.ada.until(lambda: "Page 2 of" not in scene.ada.sees())
    await scene.says("recent burned", "burned secret")


async def burning_by_command(scene):
    held = scene.share(passphrase=True)
    view = await scene.opens(f"burn {scene.private_link(held)}", "Burn it")
    await scene.ada.submit(view, {"passphrase": scene.guess.text})
    await scene.ada.until(lambda: view.errors)
    await scene.ada.submit(view, {"passphrase": scene.passphrase.text})
    await scene.sees("Burned")
    await scene.ada.close()
    await scene.ada.command("/ots", f"burn {scene.private_link(held)}")
    await scene.sees("Burned")
    await scene.ada.close()


async def burning_by_button(scene):
    held = scene.share()
    await scene.says(f"metadata {scene.private_link(held)}", "Not opened yet")
    await scene.ada.click(scene.ada.ephemerals[-1], label="Burn")
    await scene.ada.until(lambda: scene.onetime.find_secret(held.metadata_key).state == "burned")
    held = scene.share(passphrase=True)
    await scene.says(f"metadata {scene.private_link(held)}", "Not opened yet")
    await scene.ada.click(scene.ada.ephemerals[-1], label="Burn…")
    view = await scene.window("Burn it")
    await scene.ada.submit(view, {"passphrase": scene.passphrase.text})
    await scene.sees("Burned")
    await scene.ada.close()


async def choosing_what_to_be_told(scene):
    view = await scene.opens("settings", "Save")
    await scene.ada.submit(view, {"news": [], "reminders": []})
    await scene.sees("No message")
    view = await scene.opens("settings", "Save")
    await scene.ada.submit(view, {"news": ["received"], "reminders": ["on"]})
    await scene.sees("is opened")
    await scene.ada.close()


async def opening(scene):
    view = await scene.asked(scene.share(passphrase=True))
    await scene.ada.submit(view)
    await scene.sees("did not open")
    await scene.ada.submit(scene.ada.view, {"passphrase": scene.guess.text})
    await scene.sees("did not open")
    await scene.ada.submit(scene.ada.view, {"passphrase": scene.passphrase.text})
    await scene.shown()
    scene.search.look("showing the secret")
    await scene.ada.close()


async def opening_a_typed_link(scene):
    view = await scene.opens("get", "Next")
    await scene.ada.submit(view, {"link": scene.typed.text})
    await scene.ada.until(lambda: view.errors)
    await scene.ada.submit(view, {"link": scene.secret_link(scene.share(mine=False))})
    await scene.ada.submit(await scene.window("Open"))
    await scene.shown()
    await scene.ada.close()


async def closing_too_early(scene):
    hang = OnetimeFault("hang after")
    scene.onetime.plan(f"{API}/secret/{{key}}", hang)
    await scene.ada.submit(await scene.asked(scene.share()))
    await scene.onetime.wait_for_call(f"{API}/secret/{{key}}")
    told = len(scene.ada.dm)
    await scene.ada.close()
    hang.release()
    message = await scene.ada.until(lambda: scene.ada.dm[told:] and scene.ada.dm[-1])
    scene.search.look("holding the secret")
    await scene.ada.click(message, label="Show again")
    await scene.shown()
    await scene.ada.close()


async def a_long_secret(scene):
    text = f"{scene.secret.text}\n" * 6000
    await scene.ada.submit(await scene.asked(scene.share(text=text)))
    await scene.sees("Page 1 of")
    await scene.ada.click(scene.ada.view, label="Next page")
    await scene.sees("Page 2 of")
    scene.search.look("showing a page")
    told = len(scene.ada.dm)
    delivery = await scene.ada.close()
    assert scene.secret.core in json.dumps(delivery.payload)
    await scene.ada.until(lambda: scene.ada.dm[told:])
    await scene.ada.click(scene.ada.dm[-1], label="Show again")
    await scene.shown()
    await scene.ada.submit(scene.ada.view)


async def links_without_a_verb(scene):
    held = scene.share()
    await scene.says(scene.secret_link(held), "opens a one-time secret")
    await scene.says(scene.private_link(held), "Don't send it")
    await scene.says(held.secret_key, "key without its link")
    await scene.says(f"https://evil.example/secret/{held.secret_key}", "evil.example")
    await scene.says(f"https://{scene.typed.text}@evil.example/secret/{held.secret_key}", "")


async def words_that_do_not_belong_there(scene):
    for verb in ("", "password ", "retrieve ", "metadata ", "burn ", "recent ", "connect ", "disconnect ", "help ", "share ",
                 "generate "):  # fmt: skip
        start = len(scene.world.bot.output)
        await scene.ada.command("/ots", f"{verb}{scene.typed.text} {scene.secret.text}")
        await eventually(lambda: b'"event": "command"' in scene.world.bot.output[start:])  # noqa: B023 - awaited right here


async def some_trouble_at_onetime_secret(scene):
    for fault in (scene.quoting(404), scene.quoting(500), OnetimeFault("truncated")):
        await _every_call_meets(scene, fault)


async def all_trouble_at_onetime_secret(scene):
    """Every kind of wrong answer, to every call."""
    json_type = {"content-type": "application/json"}
    for number, fault in enumerate([
        *(scene.quoting(status) for status in (200, 400, 401, 403, 422, 429)),
        *(OnetimeFault("answer", status=404, body=json.dumps({"message": words}).encode(), headers=json_type)
          for words in ("Unknown secret", "Not authorized", "Not Found", "Rate limit exceeded", "")),
        OnetimeFault("answer", status=200, body=b""), OnetimeFault("answer", status=200, body=b"[" * 5000),
        OnetimeFault("html"), OnetimeFault("html", status=404), OnetimeFault("drop"), OnetimeFault("drop after"),
    ]):  # fmt: skip
        await _every_call_meets(scene, fault)
        scene.search.look(f"trouble {number}")


async def _every_call_meets(scene, fault):
    ben, cleo, dora = scene.by("ben"), scene.by("cleo"), scene.by("dora")
    held = scene.share(passphrase=True)
    burn = await ben.opens(f"burn {scene.private_link(scene.share())}", "Burn it")
    view = await cleo.asked(held)
    await cleo.ada.click(view, label="Enter a passphrase")
    await cleo.ada.until(lambda: "passphrase" in view.values)
    form = await dora.opens("connect", "Connect")
    scene.onetime.plan("/api", fault, None)
    start = len(scene.world.bot.output)
    await asyncio.gather(
        scene.ada.command("/ots", f"metadata {scene.private_link(held)}"),
        scene.ada.command("/ots", "recent"),
        scene.ada.command("/ots", f"burn {scene.private_link(held)}"),
        ben.ada.submit(burn),
        cleo.ada.submit(view, {"passphrase": scene.passphrase.text}),
        dora.ada.submit(form, {"username": scene.email.text, "token": scene.token.text}),
    )
    await scene.ended(6, start)
    scene.onetime.clear_faults()


async def trouble_at_slack(scene):
    workspace = scene.world.workspace
    for method, fault in (
        ("views.update", SlackFault.error("not_found")),
        ("views.update", SlackFault.error("invalid_arguments")),
        ("views.update", SlackFault.http(500, "<html>")),
        ("views.open", SlackFault.error("expired_trigger_id")),
        ("views.open", SlackFault.http(502, "<html>")),
        ("views.open", SlackFault.drop()),
        ("response_url", SlackFault.http(500)),
        ("users.info", SlackFault.error("internal_error")),
    ):
        start = len(scene.world.bot.output)
        workspace.plan(method, fault)
        await scene.ada.command("/ots", f"retrieve {scene.secret_link(scene.share())}")
        await scene.ada.command("/ots", f"metadata {scene.private_link(scene.share())}")
        await scene.ended(2, start)
        if scene.ada.view is not None and scene.ada.view.submit == "Open":
            await scene.ada.submit()
            await scene.ended(3, start)
        workspace.clear_faults()


async def answers_of_the_wrong_shape(scene):
    """Slack says ok and nothing else."""
    start = len(scene.world.bot.output)
    scene.world.workspace.plan("views.open", SlackFault.http(200, {"ok": True}))
    await scene.ada.command("/ots", f"retrieve {scene.secret_link(scene.share())}")
    await scene.ended(1, start)
    scene.world.workspace.plan("response_url", SlackFault.http(500), None)
    scene.world.workspace.plan("chat.postMessage", SlackFault.http(200, {"ok": True}), None)
    await scene.ada.command("/ots", f"metadata {scene.private_link(scene.share())}")
    await scene.world.workspace.wait_for_call("chat.postMessage")
    scene.world.workspace.clear_faults()  # else the bot tries for a minute and more
    await scene.ended(2, start)


async def a_row_that_cannot_be_read(scene):
    """Bytes stand where the code expects a text: an unexpected error in the middle of the work."""
    _run(scene, "UPDATE preferences SET notifications = X'ff'")
    start = len(scene.world.bot.output)
    await scene.ada.command("/ots", f"settings {scene.secret_link(scene.share())}")
    await eventually(lambda: b'"unexpected"' in scene.world.bot.output[start:])  # other work may end meanwhile
    _run(scene, "DELETE FROM preferences")


async def showing_is_refused(scene):
    """The very call that carries the secret fails, until it is given up."""
    hang = OnetimeFault("hang after")
    scene.onetime.plan(f"{API}/secret/{{key}}", hang)
    await scene.ada.submit(await scene.asked(scene.share()))
    await scene.onetime.wait_for_call(f"{API}/secret/{{key}}")
    told = len(scene.ada.dm)
    scene.world.workspace.plan("views.update", SlackFault.error("invalid_arguments"))
    scene.world.workspace.plan("views.update", SlackFault.http(200, "<html>not JSON"))
    scene.world.workspace.plan("views.update", SlackFault.error("not_found"))
    hang.release()
    await scene.ada.until(lambda: scene.ada.dm[told:] or scene.secret.text in scene.ada.view.secret_text())
    scene.world.workspace.clear_faults()


async def forged_and_unknown_payloads(scene):
    """The window that shows the secret comes back to us in payloads, whether we know them or not."""
    state = scene.world.workspace.state
    scene.world.workspace.ack_within = 0.2  # over Socket Mode what nobody knows is not acknowledged
    words = " ".join(one.text for one in scene.known)
    view = {"id": "V0", "type": "modal", "callback_id": "unheard_of", "private_metadata": words, "hash": "1",
            "state": {"values": {"token": {"typed": {"type": "plain_text_input", "value": words}}}},
            "blocks": [{"type": "rich_text", "elements": [{"type": "text", "text": words}]}]}  # fmt: skip
    actions = [{"action_id": words, "block_id": words, "value": words, "action_ts": "1.0"}]
    for kind in ("view_submission", "view_closed", "block_actions", "block_suggestion", "shortcut", "nonsense"):
        for callback in ("unheard_of", "connect", "retrieve", "retrieve_done", "note"):
            more = {"view": view | {"callback_id": callback}, "actions": actions, "value": words}
            payload = interaction(state, scene.ada.person, kind, **more, trigger_id=f"{kind}.{callback}")
            await scene.ada.deliver("interactive", payload)
            if scene.world.mode == "http":
                await scene.ada.deliver("interactive", payload, {"X-Slack-Signature": "v0=" + "a" * 64})
                await scene.ada.deliver("interactive", payload, {"X-Slack-Request-Timestamp": "x"})
                await scene.ada.deliver("interactive", payload, sign=False)
    await scene.ada.deliver("events_api", {"type": "event_callback", "event": {"type": "message", "text": words}})
    if scene.world.mode == "http":
        await scene.ada.deliver("slash_commands", {"payload": words})
    scene.world.workspace.ack_within = PATIENCE
    await scene.falls_silent()


async def a_database_in_trouble(scene):
    """A table is gone: every statement fails, with what is to be stored among its parameters."""
    for table in ("accounts", "button_contexts", "reveals", "preferences"):
        _run(scene, f"ALTER TABLE {table} RENAME TO away")
        start = len(scene.world.bot.output)
        view = await scene.connects(scene.token)
        await scene.ended(2, start)
        commands = (
            f"metadata {scene.private_link(scene.share())}",
            f"retrieve {scene.secret_link(scene.share())}",
            scene.secret_link(scene.share()),
            "settings",
        )
        for number, command in enumerate(commands, 3):  # one by one: many at once may be refused
            await scene.ada.command("/ots", command)
            await scene.ended(number, start)
        assert view is not None
        for verb in (b"metadata", b"retrieve", b"link", b"settings"):  # other work may have ended meanwhile
            await eventually(lambda: b'"verb": "%s"' % verb in scene.world.bot.output[start:])  # noqa: B023 - at once
        _run(scene, f"ALTER TABLE away RENAME TO {table}")


def _run(scene, statement):
    with closing(sqlite3.connect(scene.world.directory / "bot.db")) as connection, connection:
        connection.execute(statement)


async def exporting_the_audit(scene):
    """What it says in clear has nothing of a secret, and all that was done is in it."""
    await asyncio.sleep(1.5)  # it is written once a second
    url, keys = f"sqlite:///{scene.world.directory}/bot.db", f"k1:{scene.world.encryption_key}"
    for form in ("ndjson", "csv"):
        code, said = await run_bot(
            "audit", "export", "--since", "2020-01-01", "--format", form, DATABASE_URL=url, ENCRYPTION_KEYS=keys
        )
        assert code == 0
        assert {word for word in ("burn", "opened", "connect", scene.ada.id) if word not in said} == set()
        scene.search.pages.append(said.encode())


async def pages_for_whoever_watches(scene):
    reader_pages = ("/healthz", "/readyz", f"/{scene.typed.text}", "/slack/events", "/metrics")
    for path in reader_pages:
        reader, writer = await asyncio.open_connection("127.0.0.1", scene.world.bot.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        scene.search.pages.append(await reader.read())
        writer.close()


async def a_host_that_never_answers(scene):
    """Until the deadline of ten seconds."""
    start = len(scene.world.bot.output)
    scene.onetime.plan(API, OnetimeFault("hang"), None)
    await scene.ada.command("/ots", f"metadata {scene.private_link(scene.share())}")
    await scene.ada.submit(await scene.asked(scene.share()))
    await scene.ended(3, start)
    scene.onetime.clear_faults()


async def killed_in_the_middle(scene):
    hang = OnetimeFault("hang after")
    scene.onetime.plan(f"{API}/secret/{{key}}", hang)
    await scene.ada.submit(await scene.asked(scene.share()))
    await scene.onetime.wait_for_call(f"{API}/secret/{{key}}")
    told = len(scene.ada.dm)
    await scene.world.bot.kill()
    hang.release()
    await scene.restart()
    await scene.ada.until(lambda: scene.ada.dm[told:])


async def without_escrow(scene):
    await scene.world.bot.stop()
    await scene.restart(REVEAL_ESCROW="off")
    hang = OnetimeFault("hang after")
    scene.onetime.plan(f"{API}/secret/{{key}}", hang)
    await scene.ada.submit(await scene.asked(scene.share()))
    await scene.onetime.wait_for_call(f"{API}/secret/{{key}}")
    told = len(scene.ada.dm)
    await scene.ada.close()
    hang.release()
    await scene.ada.until(lambda: any("nothing was kept" in one.shows for one in scene.ada.dm[told:]))


async def sharing(scene):
    """Refused at a field, without an answer, then made; a link that is shown, and a burn with a passphrase."""
    ben = scene.by("ben")
    view = await scene.opens("share", "Share")
    words = {"text1": scene.secret.text, "passphrase": scene.guess.text, "options": ["news"]}
    await fill_share(scene.ada, view, {**words, "to": [ben.ada.id], "note": "for the staging host"})
    await submit_share(scene.ada, view, {"passphrase_mode": "generate"})
    await scene.ada.until(lambda: view.errors)
    scene.onetime.plan(f"{API}/share", OnetimeFault("drop after"))
    scene.onetime.plan(f"{API}/share", scene.quoting(500))
    for _ in range(2):
        await submit_share(scene.ada, scene.ada.view, {"passphrase_mode": "mine", "passphrase": scene.passphrase.text})
        await scene.sees("may exist")
    await scene.ada.submit(scene.ada.view)
    await scene.sees("has a message")
    await scene.closes()
    await scene.ada.until(lambda: any("share_burn_ask" in str(one.blocks) for one in scene.ada.dm))
    await scene.ada.click(action_id="share_copy")
    await scene.ada.until(lambda: scene.ada.view and scene.ada.view.secret_text())
    await scene.closes()
    await scene.ada.click(action_id="share_burn_ask")
    await scene.ada.submit(await scene.window("Burn it"), {"passphrase": scene.guess.text})
    await scene.ada.submit(scene.ada.view, {"passphrase": scene.passphrase.text})
    await scene.sees("burned before")
    await scene.closes()
    await submit_share(scene.ada, await scene.opens("share", "Share"), {"text1": scene.secret.text})
    await scene.sees("Anybody who has it")
    scene.search.look("showing the link")
    await scene.closes()
    await scene.ada.until(lambda: any("share_link" in str(one.blocks) for one in scene.ada.dm))
    await scene.ada.click(label="Show the link")
    await scene.sees("Anybody who has it")
    await scene.closes()


async def generating(scene):
    """The password is a secret that nobody knew before."""
    await scene.ada.submit(await scene.opens("generate", "Generate"))
    await scene.ada.until(lambda: scene.ada.view.title == "Your password")
    password = scene.ada.view.secret_text()
    scene.known.append(Canary("the secret", password, password))
    scene.search.look("showing the password")
    await scene.ada.close()
    view = await scene.opens("generate", "Generate")
    sent = {"to": [scene.by("ben").ada.id], "what": "Send it, or make a link"}
    await submit_share(scene.ada, view, sent)
    await scene.sees("has a message")
    await scene.ada.close()


async def asking_a_colleague(scene):
    ben = scene.by("ben")
    asked = len(ben.ada.dm)
    await scene.ada.submit(await scene.opens(f"request <@{ben.ada.id}> a password", "Ask"))
    message = await ben.ada.until(lambda: ben.ada.dm[asked:] and ben.ada.dm[-1])
    await scene.ada.close()
    await ben.closes()
    await ben.ada.click(message, label="Send…")
    words = {"text1": scene.secret.text, "passphrase": scene.passphrase.text}
    await submit_share(ben.ada, await ben.window("Share"), words)
    await ben.sees("has a message")
    await ben.ada.close()
    await scene.ada.until(lambda: any("Answered" in one.shows for one in scene.ada.dm))
    await scene.ada.click(action_id="share_open")
    await scene.ada.submit(await scene.window("Show here"), {"passphrase": scene.guess.text})
    await scene.sees("rong passphrase")
    await scene.ada.submit(scene.ada.view, {"passphrase": scene.passphrase.text})
    await scene.shown()
    scene.search.look("showing what was asked for")
    await scene.ada.close()


async def sharing_just_a_link(scene):
    """With a passphrase that is made up, in a channel's place; shown again, and burned with it."""
    view = await scene.opens("share", "Share")
    await submit_share(scene.ada, view, {"text1": scene.secret.text, "passphrase_mode": "generate"})
    await scene.sees("/secret/")
    passphrase = scene.ada.view.secret_text()
    scene.known.append(Canary("the secret", passphrase, passphrase))
    scene.search.look("showing the link and its passphrase")
    await scene.closes()
    await scene.ada.until(lambda: "Show instructions" in scene.ada.dm[-1].shows)
    card = scene.ada.dm[-1]
    for label, part in (("Show the link", "/secret/"), ("Show instructions", "works once")):
        await scene.ada.click(card, label=label)
        await scene.sees(part)
        scene.search.look(f"pressing {label}")
        await scene.closes()
    await scene.ada.click(card, label="Burn…")
    view = await scene.window("Burn it")
    await scene.ada.submit(view, {"passphrase": scene.guess.text})
    await scene.ada.until(lambda: view.errors)
    await scene.ada.submit(view, {"passphrase": passphrase})
    await scene.ada.until(lambda: "urned" in card.shows)


async def sharing_what_is_refused(scene):
    """Too long; then by a host that quotes everything back; then one that gives no answer."""
    view = await scene.opens("share", "Share")
    await submit_share(
        scene.ada, view, {"text1": scene.secret.text, "passphrase": scene.passphrase.text, "note": "a note"}
    )
    await scene.closes()
    for fault in (scene.quoting(400), scene.quoting(500), OnetimeFault("drop after")):
        scene.onetime.plan(f"{API}/share", fault)
        view = await scene.opens("share", "Share")
        await submit_share(scene.ada, view, {"text1": scene.secret.text, "passphrase": scene.passphrase.text})
        await scene.ada.until(lambda: "Being made" not in scene.ada.view.text)
        await scene.closes()
    scene.onetime.clear_faults()


async def in_the_home_tab(scene):
    """What waits, what is shared, and what the server lists: opened and burned there, with trouble on the way."""
    ben = scene.by("ben")
    view = await ben.opens("share <@U0ADA|ada>", "Share")
    await submit_share(ben.ada, view, {"text1": scene.secret.text, "note": "in home"})
    await scene.ada.until(lambda: "in home" in scene.ada.sees())
    await ben.closes()
    await scene.closes()
    await scene.says(f"track {scene.private_link(scene.share())} tracked in home", "You will get a message")
    scene.onetime.plan(f"{API}/private/recent", scene.quoting(500))
    await scene.ada.open_home()
    await scene.home_shows("in home", "tracked in home")
    scene.world.workspace.plan("views.publish", SlackFault.error("internal_error"))
    await scene.ada.click(scene.ada.home, block_id=scene.block_of("share_open_now"), action_id="share_open_now")
    await scene.shown()
    await scene.closes()
    await scene.ada.open_home()
    await scene.home_shows("tracked in home")
    await scene.ada.click(scene.ada.home, block_id=scene.block_of("tracked_burn"), action_id="tracked_burn")
    await scene.sees("Burned")
    await scene.closes()
    await scene.ada.open_home()
    await scene.home_shows("Burned")
    scene.ada.has_home_open = False


async def opening_in_the_browser(scene):
    """What a colleague shared: its link is in the window of who asks for it, and nowhere else."""
    ben = scene.by("ben")
    await submit_share(ben.ada, await ben.opens(f"share <@{scene.ada.id}>", "Share"), {"text1": scene.secret.text})
    await ben.sees("has a message")
    await ben.closes()
    await scene.closes()
    await scene.ada.click(action_id="share_open")
    await scene.ada.click(await scene.window("Show here"), label="Show the link")
    await scene.sees("This is the link")
    scene.search.look("showing the link")
    await scene.closes()
    await scene.ada.click(action_id="share_open")
    await scene.ada.submit(await scene.window("Show here"))
    await scene.shown()
    await ben.ada.until(lambda: any("opened your one-time secret" in one.shows for one in ben.ada.dm))


async def using_shortcuts(scene):
    """Each shortcut that there is; those of messages on one that has a secret and both its links in it.

    “Make a one-time link” shows in a text field what the message says, so there it is the secret alone.
    """
    held = scene.share()
    text = f"{scene.secret.text} {scene.secret_link(held)} {scene.private_link(held)}"
    for kind, name in sorted(Registry().handlers):
        await scene.closes()
        if kind is Kind.SHORTCUT:
            await scene.ada.shortcut(name)
        elif kind is Kind.MESSAGE_SHORTCUT:
            said = scene.secret.text if name == "make_link" else text
            await scene.ada.message_shortcut(name, scene.ada.say(said))
        else:
            continue
        await scene.ada.until(lambda: scene.ada.view and scene.ada.view.title != "Onetime Secret")
        scene.search.look(f"using {name}")
    await scene.closes()


async def making_a_link(scene):
    """Of a message with the secret in it, which is shared; and of one that no server takes."""
    ben = scene.by("ben")
    channel = scene.world.workspace.channel("C0MAKE", "make", [scene.ada, ben.ada, scene.world.workspace.bot_user_id])
    view = await making(scene, ben.ada.say(scene.secret.text, channel=channel), "Share")
    await scene.ada.click(view, label="More options")
    await scene.ada.until(lambda: "ttl" in view.values)
    await submit_share(scene.ada, view, {"to": [ben.ada.id]})
    await scene.sees("The message with the secret is still there")
    await scene.closes()
    await making(scene, ben.ada.say(scene.secret.text * 1_000, channel=channel), None)
    await scene.closes()


async def making(scene, message, submit):
    await scene.ada.message_shortcut("make_link", message)
    return await scene.ada.until(
        lambda: (
            scene.ada.view
            and scene.ada.view.submit == submit
            and "One moment" not in scene.ada.view.text
            and scene.ada.view
        )
    )


async def posting_links(scene):
    """A card that is checked, burned by the wrong and the right person, and opened; and a private link."""
    ben = scene.by("ben")
    channel = scene.world.workspace.channel("C0LINKS", "links", [scene.ada, ben.ada])
    for label, part in (("Burn", "Its secret was burned"), ("Open", "Its secret was opened")):
        held = scene.share()
        message = await scene.ada.post(f"here: <{scene.secret_link(held)}>", channel=channel)
        await scene.ada.until(lambda: message.attachments)  # noqa: B023 - awaited right here
        await ben.ada.click(message, label="Check")
        await ben.sees("A *one-time link* on")
        await ben.closes()
        told = len(ben.ada.ephemerals)
        await ben.ada.click(message, label="Burn")
        await ben.ada.until(lambda: len(ben.ada.ephemerals) > told)  # noqa: B023 - awaited right here
        await scene.ada.click(message, label=label)
        if label == "Open":
            await scene.ada.submit(await scene.window("Open"))
            await scene.shown()
            scene.search.look("showing the secret of a card")
            await scene.closes()
        await scene.ada.until(lambda: part in message.shows)  # noqa: B023 - awaited right here
    start = len(scene.world.bot.output)
    await scene.ada.post(scene.private_link(scene.share()), channel=channel)
    await scene.ada.compose(scene.secret_link(scene.share()))
    await scene.ended(2, start)


async def letting_go(scene):
    await scene.says("disconnect", "Which account")
    await scene.ada.click(action_id="account_disconnect")
    await scene.ada.until(lambda: "is disconnected" in scene.ada.sees())


async def stopping_and_refusing_to_start(scene):
    """Settings that are wrong in every way that has a secret in it."""
    await scene.world.bot.stop()
    right = scene.world.settings()
    for wrong in (
        {"ENCRYPTION_KEYS": f"k1:{scene.token.text}"},
        {"ENCRYPTION_KEYS": scene.typed.text},
        {"ENCRYPTION_KEYS": f"k2:{base64.urlsafe_b64encode(bytes(range(32))).decode()}"},
        {"SLACK_BOT_TOKEN": f"xoxb-{scene.typed.text}"},
        {"DATABASE_URL": f"nonsense://{scene.typed.text}"},
        {"SLACK_API_URL": f"ftp://{scene.typed.text}"},
    ):
        bot = BotProcess(right | wrong)
        with pytest.raises(RuntimeError):
            await bot.start()
        assert await bot.wait_until_ended() == 78
        scene.search.output += bot.output
    away = {"DATABASE_URL": f"postgresql://bot:{scene.typed.text}@127.0.0.1:1/ots"}
    code, said = await run_bot("migrate", **(right | away))
    assert code == 75
    scene.search.output += said.encode()


JOURNEYS = (
    connecting, looking_at_accounts, looking_at_a_secret, listing, burning_by_command, burning_by_button,
    choosing_what_to_be_told, opening,
    opening_a_typed_link, closing_too_early, a_long_secret, links_without_a_verb, words_that_do_not_belong_there,
    slow_to_connect, some_trouble_at_onetime_secret, trouble_at_slack, answers_of_the_wrong_shape, a_row_that_cannot_be_read,
    showing_is_refused,
    forged_and_unknown_payloads, a_database_in_trouble, pages_for_whoever_watches,
    killed_in_the_middle, without_escrow, sharing, generating, asking_a_colleague, sharing_just_a_link, sharing_what_is_refused, in_the_home_tab,
    opening_in_the_browser, using_shortcuts, making_a_link, posting_links, letting_go,
    exporting_the_audit,
)  # fmt: skip


ALL_JOURNEYS = (
    connecting, all_trouble_at_onetime_secret, a_host_that_never_answers, *JOURNEYS[1:], stopping_and_refusing_to_start,
)  # fmt: skip


async def play(scene, journeys):
    """One after another, with a look everywhere after each."""
    scene.onetime.add_account(scene.email.text, scene.token.text)
    async with scene.world:
        for journey in journeys:
            await journey(scene)
            scene.search.look(journey.__name__)
            await scene.closes()
        scene.search.look_thoroughly()


DEBUG = {"LOG_LEVEL": "debug", "PYTHONASYNCIODEBUG": "1", "PYTHONDEVMODE": "1"}


@pytest.mark.timeout(480)
@pytest.mark.usefixtures("real_starts")
@pytest.mark.parametrize(
    ("mode", "settings", "journeys"),
    [
        pytest.param("http", {"LOG_LEVEL": "info"}, JOURNEYS, id="HTTP, info"),
        pytest.param("http", DEBUG, ALL_JOURNEYS, id="HTTP, debug, what takes long too", marks=pytest.mark.slow),
        pytest.param("socket", DEBUG, JOURNEYS, id="Socket Mode, debug", marks=pytest.mark.slow),
    ],
)
async def test_nothing_that_is_hidden_shows_anywhere(mode, settings, journeys, tmp_path):
    scene = Scene(mode, settings, tmp_path)

    await play(scene, journeys)

    assert scene.search.found == []
    assert list(odd_ids(scene.world.workspace.export())) == []
    assert scene.search.looked_at > 1_000_000
    assert b'"unexpected"' in scene.search.output  # the crash was one


# --- the search itself


@pytest.fixture
def scene(tmp_path):
    """Nothing of it is running."""
    scene = Scene("http", {}, tmp_path)
    scene.world.bot = BotProcess({})
    yield scene
    scene.world._directory.cleanup()


@pytest.mark.parametrize(
    "hide",
    [
        lambda one: one.text,
        lambda one: quote(one.text),
        lambda one: json.dumps({"a": one.text}),
        lambda one: base64.b64encode(f"user@example.com:{one.text}".encode()).decode(),
        lambda one: base64.b64encode(f"ser@example.com:{one.text}".encode()).decode(),
        lambda one: base64.urlsafe_b64encode(f"er@example.com:{one.text}".encode()).decode(),
        lambda one: one.text.encode().hex(),
        lambda one: f"Secret({one.core}…)",
    ],
    ids=["as it is", "in a URL", "in JSON", "base64", "base64 moved by one", "base64 moved by two", "hexadecimal",
         "in part"],
)  # fmt: skip
@pytest.mark.parametrize("where", ["output", "page", "file", "message", "window", "menu"])
def test_the_search_finds_a_canary_wherever_it_is(scene, hide, where, tmp_path):
    hidden = hide(scene.secret)
    preformatted = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": scene.secret.text}]}
    blocks = [{"type": "rich_text", "elements": [preformatted]}]
    match where:
        case "output":
            scene.world.bot.output += hidden.encode()
        case "page":
            scene.search.pages.append(hidden.encode())
        case "file":
            (tmp_path / "deep").mkdir()
            (tmp_path / "deep" / "file-wal").write_bytes(b"\0" + hidden.encode())
        case "message":
            sent(scene, "chat.postMessage", {"text": "", "blocks": [{"type": "section", "text": hidden}]})
        case "window":
            sent(scene, "views.update", {"view": {"type": "modal", "blocks": blocks, "private_metadata": hidden}})
        case "menu":
            sent(scene, "ack view_submission", {"view": {"type": "modal", "blocks": [{"type": "x", "value": hidden}]}})

    scene.search.look_thoroughly()

    assert scene.search.found
    assert all("the secret in" in one for one in scene.search.found)


def sent(scene, method, payload):
    scene.world.workspace.records.sent.append(SentPayload(method, payload, "ok"))


@pytest.mark.parametrize("at", [0, BLOCK - 5, 10 * BLOCK, 20 * BLOCK - 5, 30 * BLOCK - 16])
def test_the_search_finds_a_canary_that_comes_later_into_a_file_that_was_looked_at(scene, at, tmp_path):
    file, core = tmp_path / "file", scene.secret.core.encode()
    content = bytearray(b"-" * 30 * BLOCK)
    file.write_bytes(content)
    scene.search.look("nothing")
    assert scene.search.found == []

    content[at : at + len(core)] = core
    file.write_bytes(content)
    scene.search.look("writing")
    scene.search.look("nothing more")

    assert scene.search.found == [f"the secret in the file {file} after writing"]


def test_the_search_finds_a_new_canary_where_nothing_has_changed(scene):
    scene.world.bot.output += b"words that were there before anybody knew them"
    scene.search.look("nothing")

    scene.known.append(Canary("the secret", "anybody knew", "anybody knew"))
    scene.search.look("knowing")

    assert scene.search.found == ["the secret in the output after knowing"]


def test_the_search_finds_a_canary_of_which_half_was_there_before(scene):
    core = scene.secret.core.encode()
    scene.world.bot.output += b"-" * (BLOCK - 8) + core[:8]
    scene.search.look("the first half")

    scene.world.bot.output += core[8:]
    scene.search.look("the second half")

    assert scene.search.found == ["the secret in the output after the second half"]


def test_the_search_leaves_out_the_window_that_shows_the_secret_and_not_a_message_that_does(scene):
    preformatted = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": scene.secret.text}]}
    blocks = [{"type": "rich_text", "elements": [preformatted]}]

    sent(scene, "views.update", {"view": {"type": "modal", "blocks": blocks}})
    scene.search.look("showing it")
    assert scene.search.found == []

    sent(scene, "chat.postMessage", {"text": "", "blocks": blocks})
    scene.search.look("posting it")
    assert scene.search.found != []


@pytest.mark.parametrize(
    "payload",
    [
        {"view": {"private_metadata": '{"key": 1}'}},
        {"blocks": [{"type": "button", "value": "a" * 31}]},
        {"blocks": [{"type": "button", "value": "ref:" + "a" * 23}]},
        {"blocks": [{"block_id": "b-" + "a" * 31}]},
        {"blocks": [{"action_id": "burn:1"}]},
        {"view": {"callback_id": "burn/abc"}},
    ],
)
def test_the_walk_over_ids_finds_one_that_is_not_opaque(payload):
    assert list(odd_ids([payload])) != []
