"""A workspace full of canaries: in what its people type, in its ids, names and tokens, in every stage of a secret."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from typing import Any

from bot.features import Registry
from bot.interaction.feature import Kind
from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.onetime.store import SecretSnapshot
from bot.sandbox.slack import SlackMessage, SlackView, SlackWorkspace, WorkspaceMember
from bot.sandbox.slack.payloads import channel_payload, interaction, message_payload
from bot.status.buttons import ACTIVITY_OPEN
from tests.faults.canaries import Canary
from tests.support.many_world import ManyWorld
from tests.support.share_window import submit_share
from tests.support.waiting import eventually

DOMAIN = "127.0.0.1"  # of the emulated Onetime Secret
SECRET_CALL = "/api/v1/secret/{key}"
END = 16  # signs of a key or token that are looked for: its beginning may be that of any other


def _id(start: str) -> str:
    return f"{start}{secrets.token_hex(4).upper()}"


class Tenant:
    """Ada and Ben have the same ids in each workspace, Cleo has not. `held` are the secrets that were made here."""

    def __init__(self, name: str, *, is_organisation: bool = False) -> None:
        self.name = name
        self.workspace = SlackWorkspace(team_id=_id("T0"), enterprise_id=_id("E0") if is_organisation else None)
        self.workspace.state.org_install = is_organisation
        self.workspace.allow_unfurls(DOMAIN)
        made = Canary.made
        self.email, self.token = made("an e-mail address", "mail.{}@example.com"), made("an API token", "token{}")
        self.secret, self.passphrase = made("a secret", "secret {}"), made("a passphrase", "pass{}")
        self.guess = made("a wrong passphrase", "guess{}")
        self.note, self.label = made("a note", "note {}"), made("a label", "label {}")
        self.request, self.reason = made("what was asked for", "request {}"), made("a reason", "reason {}")
        self.file = made("the name of a file", "file-{}.txt")
        names = [made("the name of a person", f"{one}{{}}") for one in ("ada", "ben", "cleo")]
        channel = made("the name of a channel", "channel-{}")
        self.typed = [
            self.email, self.token, self.secret, self.passphrase, self.guess, self.note, self.label, self.request,
            self.reason, self.file, channel, *names,
        ]  # fmt: skip
        ids = ("U0ADA", "U0BEN", _id("U0"))
        self.ada, self.ben, self.cleo = (
            self.workspace.person(one, name.text) for one, name in zip(ids, names, strict=True)
        )
        self.ada.person.admin = True
        self.channel = self.workspace.channel(
            _id("C0"), channel.text, [self.ada, self.ben, self.cleo, self.workspace.bot_user_id]
        )
        self.held: list[SecretSnapshot] = []
        self._tokens: set[str] = set()

    @property
    def ids(self) -> list[str]:
        """Those that nobody else has."""
        state = self.workspace.state
        own = [state.team_id, state.enterprise_id, self.cleo.id, self.channel.id]
        return [one for one in own if one is not None]

    def note_tokens(self, world: ManyWorld) -> None:
        """The tokens that the bot has now are canaries from now on, also when they have ended."""
        refresh = {token for token, one in world.platform._refresh.items() if one is self.workspace}
        self._tokens |= self.workspace.bot_tokens | refresh

    def canaries(self) -> Iterator[Canary]:
        """All words and credentials of this workspace."""
        yield from self.typed
        for token in self._tokens:
            yield Canary("a token of Slack", token, token[-END:])
        for held in self.held:
            yield Canary("a secret key", held.secret_key, held.secret_key[-END:])
            yield Canary("a metadata key", held.metadata_key, held.metadata_key[-END:])

    def needles(self, *, ids: bool) -> dict[bytes, str]:
        """What to look for, in any disguise, and what it is."""
        found = {needle: one.name for one in self.canaries() for needle in one.needles()}
        return found | ({one.encode(): f"the id {one}" for one in self.ids} if ids else {})

    def shown(self) -> bytes:
        """Everything that the bot sent to this workspace, by calls and in answers, and what its people see."""
        sent = [one.payload for one in self.workspace.export()]
        answers = [one.answer for one in self.workspace.deliveries]
        sights = [person.sees() for person in self.workspace.people]
        return json.dumps([sent, answers, sights], ensure_ascii=False).encode()

    def buttons(self) -> dict[str, dict[str, Any]]:
        """By its name, the newest button or menu of each kind that has something of this workspace behind it."""
        elements = (one for sent in self.workspace.export() for one in _elements(sent.payload))
        return {one["action_id"]: one for one in elements if str(one.get("value", "")).startswith("ref:")}


def _elements(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "action_id" in node:
            yield node
        for value in node.values():
            yield from _elements(value)
    elif isinstance(node, list):
        for one in node:
            yield from _elements(one)


# --- what a person does


async def opens(person: WorkspaceMember, text: str, submit: str) -> SlackView:
    """Types a command that opens a window with such a button."""
    await closes(person)
    await person.command("/ots", text)
    return await window(person, submit)


async def window(person: WorkspaceMember, submit: str) -> SlackView:
    return await person.until(lambda: person.view if person.view and person.view.submit == submit else None)


async def reads(person: WorkspaceMember, part: str) -> None:
    await person.until(lambda: person.view and part in person.view.text)


async def says(person: WorkspaceMember, text: str, part: str) -> None:
    """Types a command; waits until the answer has `part` in it."""
    seen = len(person.messages)
    await person.command("/ots", text)
    await person.until(lambda: any(part in one.shows for one in person.messages[seen:]))


async def closes(person: WorkspaceMember) -> None:
    while person.view:
        await person.close()


# --- so that everything is kept that can be kept, and waits for something


async def fill(world: ManyWorld, tenant: Tenant) -> None:
    before = {one.metadata_key for one in world.onetime.everything()}
    world.onetime.add_account(tenant.email.text, tenant.token.text)
    await _connects(tenant)
    await _tracks(world, tenant)
    await _shares(tenant)
    await _asks(tenant)
    await _holds(world, tenant)
    await _guesses(world, tenant)
    await _posts_a_link(world, tenant)
    await _makes_a_link(tenant)
    await open_homes(tenant)
    tenant.held = [one for one in world.onetime.everything() if one.metadata_key not in before]
    tenant.note_tokens(world)


async def _connects(tenant: Tenant) -> None:
    view = await opens(tenant.ada, "connect", "Connect")
    await tenant.ada.submit(view, {"username": tenant.email.text, "token": tenant.token.text})
    await reads(tenant.ada, "is connected")
    await closes(tenant.ada)


async def _tracks(world: ManyWorld, tenant: Tenant) -> None:
    """One that nobody opens, and one that somebody does: its notification arrives."""
    ada = tenant.ada
    waits, opened = (world.onetime.share(tenant.email.text, tenant.secret.text) for _ in range(2))
    for held in (waits, opened):
        link = f"{world.onetime.url}/private/{held.metadata_key}"
        await says(ada, f"track {link} {tenant.label.text}", "You will get a message")
    world.onetime.open_as_outsider(opened.secret_key)
    await ada.until(lambda: any("was opened" in one.shows for one in ada.dm))


async def _shares(tenant: Tenant) -> None:
    """With a colleague and in a channel, and nobody opens it: both secrets are held."""
    ada, usual = tenant.ada, {"text1": tenant.secret.text, "note": tenant.note.text}
    apart = {"passphrase": tenant.passphrase.text, "options": ["news", "apart"]}
    await submit_share(ada, await opens(ada, "share", "Share"), {**usual, **apart, "to": [tenant.cleo.id]})
    await tenant.cleo.until(lambda: any(tenant.note.text in one.shows for one in tenant.cleo.dm))
    await submit_share(ada, await opens(ada, "share", "Share"), {**usual, "channel": tenant.channel.id})
    await tenant.ben.until(lambda: any(tenant.note.text in one.shows for one in tenant.ben.messages))
    await closes(ada)


async def _asks(tenant: Tenant) -> None:
    """Ben's request is open; that of Cleo was declined, with a reason."""
    ada = tenant.ada
    await _asks_ada(tenant, tenant.cleo)
    await ada.click(label="Decline…")
    await ada.submit(await window(ada, "Decline"), {"reason": tenant.reason.text})
    await tenant.cleo.until(lambda: any(tenant.reason.text in one.shows for one in tenant.cleo.dm))
    await closes(ada)
    await _asks_ada(tenant, tenant.ben)


async def _asks_ada(tenant: Tenant, asker: WorkspaceMember) -> None:
    ada, before = tenant.ada, len(tenant.ada.dm)
    await asker.submit(await opens(asker, f"request <@{ada.id}|{ada.name}> {tenant.request.text}", "Ask"))
    await ada.until(lambda: any(tenant.request.text in one.shows for one in ada.dm[before:]))
    await asker.until(lambda: any(tenant.request.text in one.shows for one in asker.dm))
    await closes(asker)


async def _holds(world: ManyWorld, tenant: Tenant) -> None:
    """Ada opens a secret and closes the window too early: it is in escrow now."""
    ada, hang = tenant.ada, OnetimeFault("hang after")
    link = f"{world.onetime.url}/secret/{world.onetime.share(None, tenant.secret.text).secret_key}"
    view = await opens(ada, f"retrieve {link}", "Open")
    world.onetime.plan(SECRET_CALL, hang)
    await ada.submit(view)
    await world.onetime.wait_for_call(SECRET_CALL)
    told = len(ada.dm)
    await ada.close()
    hang.release()
    await ada.until(lambda: any("Show again" in one.shows for one in ada.dm[told:]))


async def _guesses(world: ManyWorld, tenant: Tenant) -> None:
    held = world.onetime.share(None, tenant.secret.text, passphrase=tenant.passphrase.text)
    view = await opens(tenant.ada, f"retrieve {world.onetime.url}/secret/{held.secret_key}", "Open")
    await tenant.ada.submit(view)
    await reads(tenant.ada, "did not open")
    await tenant.ada.submit(tenant.ada.view, {"passphrase": tenant.guess.text})
    await reads(tenant.ada, "did not open")
    await closes(tenant.ada)


async def _posts_a_link(world: ManyWorld, tenant: Tenant) -> None:
    held = world.onetime.share(tenant.email.text, tenant.secret.text)
    message = await tenant.ada.post(f"<{world.onetime.url}/secret/{held.secret_key}>", channel=tenant.channel)
    await tenant.ada.until(lambda: message.attachments)


async def _makes_a_link(tenant: Tenant) -> None:
    """Of a message with a file, and closes the window that would share it."""
    ada, state = tenant.ada, tenant.workspace.state
    message = ada.say(tenant.secret.text, channel=tenant.channel)
    file = {"id": _id("F0"), "name": tenant.file.text, "title": tenant.file.text, "mimetype": "text/plain"}
    payload = interaction(
        state,
        ada.person,
        "message_action",
        callback_id="make_link",
        trigger_id=state.new_trigger(ada.id),
        action_ts=state.new_ts(),
        message_ts=message.ts,
        channel=channel_payload(tenant.channel),
        message=message_payload(state, message) | {"files": [file]},
        response_url=tenant.workspace.response_url("actions", ada.id, tenant.channel.id),
    )
    await ada.deliver("interactive", payload)
    await window(ada, "Share")
    await closes(ada)


async def open_homes(tenant: Tenant) -> None:
    """What Ada holds, tracks and is asked for stands in hers."""
    for person, parts in ((tenant.ada, (tenant.note, tenant.label, tenant.request)), (tenant.ben, ())):
        await person.open_home()
        await person.until(lambda: person.home and all(one.text in person.home.text for one in parts))  # noqa: B023 - awaited


# --- everything that shows something


async def walk(world: ManyWorld, tenant: Tenant) -> None:
    """All commands, shortcuts and the Home tab with the windows of it, by who has the same id everywhere."""
    ada = tenant.ada
    for verb in Registry().verbs:
        start = len(world.bot.output)
        await ada.command("/ots", verb.name)
        await _ends(world, start)
        await closes(ada)
    link = ada.say(f"{world.onetime.url}/secret/{tenant.held[-1].secret_key}", channel=tenant.channel)
    for kind, name in sorted(Registry().handlers):
        if kind is Kind.SHORTCUT:
            await _uses(ada, name, None)
        if kind is Kind.MESSAGE_SHORTCUT:
            await _uses(ada, name, link)
    for person in tenant.workspace.people:
        await person.open_home()
        await person.until(lambda: person.home)  # noqa: B023 - awaited
    await ada.click(ada.home, action_id=ACTIVITY_OPEN)
    await reads(ada, "never what a secret holds")
    await ada.until(lambda: ada.view and "One moment" not in ada.view.text)
    await closes(ada)


async def _uses(person: WorkspaceMember, name: str, message: SlackMessage | None) -> None:
    await (person.shortcut(name) if message is None else person.message_shortcut(name, message))
    await person.until(lambda: person.view and "One moment" not in person.view.text)
    await closes(person)


async def press(world: ManyWorld, tenant: Tenant, buttons: dict[str, dict[str, Any]]) -> None:
    """Ada presses buttons of another workspace, as if she had them in her own direct message."""
    ada, state = tenant.ada, tenant.workspace.state
    where = state.open_dm(ada.id)
    for name, element in sorted(buttons.items()):
        start = len(world.bot.output)
        used = {"type": element.get("type", "button"), "action_id": name, "block_id": "b", "value": element["value"]}
        payload = interaction(
            state,
            ada.person,
            "block_actions",
            trigger_id=state.new_trigger(ada.id),
            container={"type": "message", "message_ts": "1.0", "channel_id": where.id, "is_ephemeral": False},
            channel=channel_payload(where),
            actions=[used | {"action_ts": state.new_ts()}],
            response_url=tenant.workspace.response_url("actions", ada.id, where.id),
        )
        await ada.deliver("interactive", payload)
        await _ends(world, start)
        await closes(ada)


async def paste(world: ManyWorld, tenant: Tenant, held: Sequence[SecretSnapshot]) -> None:
    """Ada pastes links of another workspace wherever a command takes one, and goes no further than its window."""
    for one in held:
        private, secret = (f"{world.onetime.url}/{kind}" for kind in ("private", "secret"))
        for text in (
            f"metadata {private}/{one.metadata_key}",
            f"burn {private}/{one.metadata_key}",
            f"{private}/{one.metadata_key}",
            f"{secret}/{one.secret_key}",
            f"retrieve {secret}/{one.secret_key}",
            f"track {private}/{one.metadata_key}",
        ):
            start = len(world.bot.output)
            await tenant.ada.command("/ots", text)
            await _ends(world, start)
            await closes(tenant.ada)


async def _ends(world: ManyWorld, start: int) -> None:
    """Wait until something that a person did has ended since the output was `start` bytes long."""
    await eventually(lambda: b'"outcome"' in world.bot.output[start:])
