"""What outlives every example of the model: the loop, the servers, the clock, an empty database. And what goes wrong."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import stamina

from bot.onetime.client import Onetime
from bot.sandbox.onetime import VERSIONS, OnetimeFault, OnetimeServer
from bot.storage.engine.migrate import migrate
from bot.storage.sealing.keyring import KeyRing, generate_line
from bot.storage.sealing.sealer import Sealer
from tests.faults.model_bot import processes
from tests.faults.model_clock import Clock

SOON, LATE = 1.0, 60.0  # real seconds: the deadline of calls to a host that may not answer, and to one that will

HOST_TROUBLE: dict[str, Callable[[], OnetimeFault]] = {
    "502 with HTML": lambda: OnetimeFault("html"),
    "404 with HTML": lambda: OnetimeFault("html", status=404),
    "404 without a body": lambda: OnetimeFault("answer", status=404),
    "404 in another language": lambda: _said(404, b'{"message": "Unbekanntes Geheimnis"}'),
    "404 not authorized": lambda: _said(404, b'{"message": "Not authorized"}'),
    "404 rate limited": lambda: _said(404, b'{"message": "Rate limit exceeded. Please try again later."}'),
    "404 unknown secret": lambda: _said(404, b'{"message": "Unknown secret"}'),
    "429": lambda: OnetimeFault("answer", status=429, headers={"Retry-After": "7"}),
    "200 with an empty object": lambda: _said(200, b"{}"),
    "200 with an empty list": lambda: _said(200, b"[]"),
    "200 with nothing": lambda: _said(200, b""),
    "the connection breaks": lambda: OnetimeFault("drop"),
    "it breaks afterwards": lambda: OnetimeFault("drop after"),
    "half an answer": lambda: OnetimeFault("truncated"),
    "no answer": lambda: OnetimeFault("hang"),
}
ROUTES = ("/api/", "/api/v1/private/recent", "/api/v2/private/recent", "/api/v1/private/{key}")
SLACK_TROUBLE = ("before", "after", "429", "never", "edit window closed")


def _said(status: int, body: bytes) -> OnetimeFault:
    return OnetimeFault("answer", status=status, body=body, headers={"Content-Type": "application/json"})


class Outside:
    """What outlives every example: the loop, the servers, an empty database, the clock."""

    def __init__(self, runner: asyncio.Runner, directory: Path) -> None:
        self.runner = runner
        self.clock = Clock()
        self.sealer = Sealer(KeyRing.read(generate_line("k1")))
        self.empty = directory / "empty.db"
        self._files = (directory / f"{number}.db" for number in count())
        migrate(f"sqlite:///{self.empty}")
        self.onetime = Onetime(tries=2)
        self.servers = {name: OnetimeServer(name, clock=lambda: self.clock.now) for name in VERSIONS}

    def begins(self) -> None:
        """As after a start of everything."""
        self.answers()
        self.onetime._v2_hosts.clear()

    def answers(self) -> None:
        """The host leaves no call without an answer, so a busy machine gets the time that it needs."""
        self.onetime._deadline = LATE

    def may_not_answer(self) -> None:
        """A call may hang: it is given up soon. A busy machine may then give up a call that was carried out."""
        self.onetime._deadline = SOON

    def new_database(self) -> Path:
        return Path(shutil.copy(self.empty, next(self._files)))


@contextmanager
def everything_outside(directory: Path) -> Iterator[Outside]:
    """Running, with all of the bot on the clock."""
    with asyncio.Runner() as runner, stamina.set_testing(True, attempts=2, cap=True):
        outside = Outside(runner, directory)
        for server in outside.servers.values():
            runner.run(server.start())
        with processes(runner.get_loop()), outside.clock.in_the_bot():
            yield outside
        runner.run(outside.onetime.aclose())
        for server in outside.servers.values():
            runner.run(server.stop())
