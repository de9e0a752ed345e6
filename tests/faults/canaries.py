"""Texts that must show nowhere, and the search for them: as they are, encoded, or in part."""

from __future__ import annotations

import base64
import copy
import json
import re
import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.sandbox.slack import SentPayload
from bot.sandbox.world import World

BLOCK = 4096  # bytes, as SQLite writes them


@dataclass(frozen=True)
class Canary:
    """`text` as it is used. `core` is the part that no encoding of signs changes, so it is what is looked for."""

    name: str
    text: str
    core: str

    @classmethod
    def made(cls, name: str, shape: str) -> Canary:
        """`shape` has the core where it says {}."""
        core = secrets.token_hex(8)
        return cls(name, shape.format(core), core)

    @classmethod
    def whole(cls, name: str, text: str) -> Iterator[Canary]:
        """A key: its beginning and its end give it away as well."""
        yield cls(name, text, text[:10])
        yield cls(name, text, text[-10:])

    def needles(self) -> set[bytes]:
        core = self.core.encode()
        return {core, core.hex().encode(), core[::-1], *_in_base64(core)}


def _in_base64(core: bytes) -> Iterator[bytes]:
    """What stands in any base64 of any text around the core, such as `user:token`, whatever comes before it."""
    for before in range(3):
        first, end = -(-8 * before // 6), 8 * (before + len(core)) // 6  # signs that hold nothing but the core
        kept = base64.b64encode(b"\0" * before + core)[first:end]
        yield kept
        yield kept.translate(bytes.maketrans(b"+/", b"-_"))


@dataclass(frozen=True)
class Looked:
    """What a place held at the last look, and what it was searched for then."""

    content: bytes = b""
    needles: frozenset[bytes] = frozenset()

    def anew(self, content: bytes, needles: Collection[bytes]) -> Iterator[bytes]:
        """Which of the needles are in what it holds now, less those that were there at the last look already.

        An old needle is searched for only where something has changed: elsewhere it was found then, or is not.
        """
        changed = b"\0".join(_changed(self.content, content, max(map(len, needles), default=0)))
        for needle in needles:
            if needle in (changed if needle in self.needles else content):
                yield needle


def _changed(before: bytes, now: bytes, around: int) -> Iterator[bytes]:
    """The blocks that are not as they were, each with so many bytes around it."""
    for start in range(0, len(now), BLOCK):
        end = start + BLOCK
        if now[start:end] != before[start:end]:
            yield now[max(0, start - around) : end + around]


class Search:
    """Polls through everything that a bot can leave traces in. `found` names a canary and where it was."""

    def __init__(self, world: World, known: list[Canary], *more: Path) -> None:
        self._world = world
        self._known = known
        self._folders = (world.directory, *more)
        self._sent: list[tuple[str, bytes]] = []  # what was sent, less the secret where it is shown
        self._looked = 0  # at how many of these
        self._last: dict[str, Looked] = {}  # by place
        self.output = bytearray()  # of bots that are gone
        self.pages: list[bytes] = []  # answers of the bot's own pages
        self.found: list[str] = []
        self.looked_at = 0  # bytes

    def look(self, step: str) -> None:
        """Everything that is there now, for the canaries as they are."""
        needles = {one.core.encode(): one.name for one in self._canaries()}
        sent = self._payloads()[self._looked :]
        self._looked = len(self._sent)
        for place, content in self._places():
            self.looked_at += len(content)
            found = self._last.get(place, Looked()).anew(content, needles)
            self.found += [f"{needles[needle]} in {place} after {step}" for needle in found]
            self._last[place] = Looked(content, frozenset(needles))
        self._look(needles, sent, step)

    def look_thoroughly(self) -> None:
        """Everything that is there now and all that was ever sent, for the canaries in any disguise."""
        needles = {needle: one.name for one in self._canaries() for needle in one.needles()}
        self._look(needles, [*self._places(), *self._payloads()], "all")

    def _look(self, needles: dict[bytes, str], places: list[tuple[str, bytes]], step: str) -> None:
        for place, content in places:
            self.looked_at += len(content)
            self.found += [f"{name} in {place} after {step}" for needle, name in needles.items() if needle in content]

    def _canaries(self) -> Iterator[Canary]:
        yield from self._known
        for held in self._world.onetime.everything():
            yield from Canary.whole("a secret key", held.secret_key)
            yield from Canary.whole("a metadata key", held.metadata_key)
        for url in self._world.workspace.state.response_urls.values():
            yield from Canary.whole("a response_url", url.path.rsplit("/", 1)[-1])

    def _places(self) -> Iterator[tuple[str, bytes]]:
        yield "the output", bytes(self.output + self._world.bot.output)
        for folder in self._folders:
            for file in folder.rglob("*"):
                if file.is_file():
                    yield f"the file {file}", _read(file)
        if self._world.bot.is_running:
            yield "the command line", _read(Path(f"/proc/{self._world.bot.pid}/cmdline"))
        for number, page in enumerate(self.pages):
            yield f"page {number}", page

    def _payloads(self) -> list[tuple[str, bytes]]:
        for one in self._world.workspace.export()[len(self._sent) :]:
            self._sent.append((f"what was sent by {one.method}", self._without_what_is_shown(one)))
        return self._sent

    def _without_what_is_shown(self, sent: SentPayload) -> bytes:
        """The payload, less the secret's exact text, or its link, where a modal shows it: nowhere else may it be.

        A modal shows it in preformatted text, or in a text field that starts with what a message says.
        """
        payload = copy.deepcopy(sent.payload)
        if sent.method == "chat.unfurl":  # it names the links that stand in the message already
            payload["unfurls"] = list(payload["unfurls"].values())
        view = payload.get("view")
        links = {f"{self._world.onetime.url}/secret/{held.secret_key}" for held in self._world.onetime.everything()}
        for span in _links(view) if isinstance(view, dict) and view.get("type") == "modal" else ():
            span["url"] = "" if span["url"] in links else span["url"]
        for part, name in _shown_texts(view) if isinstance(view, dict) and view.get("type") == "modal" else ():
            for canary in self._known:
                if canary.name == "the secret":
                    part[name] = part[name].replace(canary.text, "").replace(canary.core, "")
        return json.dumps(payload, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _links(view: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The links and the buttons with a link."""
    for block in view["blocks"]:
        if block["type"] == "actions":
            yield from (one for one in block["elements"] if "url" in one)
        if block["type"] == "rich_text":
            for part in block["elements"]:
                yield from (span for span in part["elements"] if span["type"] == "link")


def _shown_texts(view: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Where a modal shows a secret: an object, and the name of its field."""
    for block in view["blocks"]:
        if block["type"] == "input" and TEXT_FIELD.fullmatch(block["block_id"]) and "initial_value" in block["element"]:
            yield block["element"], "initial_value"
        if block["type"] == "rich_text":
            for part in block["elements"]:
                if part["type"] == "rich_text_preformatted":
                    yield from ((span, "text") for span in part["elements"])


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""  # SQLite's -wal and -shm come and go


TEXT_FIELD = re.compile(r"text[0-9]{1,2}")  # of the window for sharing
REF = re.compile(r"ref:[A-Za-z0-9_-]{22}")
NAME = re.compile(r"[a-z_]+")
FIELD = re.compile(r"[a-z_]+[0-9]?")  # one of several fields for one text has a number
CHOICE = re.compile(r"[a-z0-9.:-]+|[a-z_]+:[A-Za-z0-9_-]{22}")  # a host, a word, or an action with an opaque id
SHAPES = {
    "private_metadata": REF,
    "callback_id": NAME,
    "block_id": FIELD,
    "action_id": NAME,
    "external_id": NAME,
}


def odd_ids(node: object) -> Iterator[str]:
    """Every id and value that goes to Slack and comes back, and is not as opaque as it should be."""
    if isinstance(node, dict):
        for name, value in node.items():
            shape = SHAPES.get(name)
            if name == "value":
                shape = REF if node.get("type") == "button" else CHOICE  # of a menu
            if shape is not None and not (isinstance(value, str) and shape.fullmatch(value)):
                yield f"{name} {value!r}"
            yield from odd_ids(value)
    elif isinstance(node, list | tuple):
        for one in node:
            yield from odd_ids(one)
