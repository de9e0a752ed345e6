"""Sends signed `/ots help` commands as fast as they are answered, in a process of its own.

Takes one `Job` a line on stdin, as JSON, and answers with one `Result` a line on stdout. The requests are made and
signed before the clock runs, each with a trigger_id of its own: the bot takes a repeated one for a replay. It is a
loop over plain sockets, because whatever the client costs would hide differences between the servers.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

COMMAND = {
    "token": "legacy-verification-token",
    "team_domain": "sandbox",
    "channel_id": "D0SANDBOX0",
    "channel_name": "directmessage",
    "user_id": "U0ADA",
    "user_name": "ada",
    "command": "/ots",
    "text": "help",
    "api_app_id": "A0SANDBOX0",
    "is_enterprise_install": "false",
    "response_url": "https://hooks.slack.com/commands/T0SANDBOX0/1/2",
}


@dataclass(frozen=True, slots=True)
class Job:
    port: int
    signing_secret: str
    team_ids: list[str]  # whose commands they are, in turns
    in_flight: int
    count: int  # requests at most
    seconds: float  # at most
    words: bool = True  # whether an answer without words is an error


@dataclass(frozen=True, slots=True)
class Result:
    """`milliseconds` that each answer took; `seconds` from the first request to the last answer."""

    milliseconds: list[float]
    seconds: float


def prepare(job: Job) -> Iterator[bytes]:
    """Whole HTTP requests, signed for now."""
    run = secrets.token_hex(8)
    stamp = str(int(time.time()))
    forms = [urlencode(COMMAND | {"team_id": team_id}) for team_id in job.team_ids]
    secret = job.signing_secret.encode()
    for number in range(job.count):
        body = f"{forms[number % len(forms)]}&trigger_id={run}.{number}".encode()
        signature = hmac.new(secret, b"v0:%b:%b" % (stamp.encode(), body), hashlib.sha256).hexdigest()
        head = (
            f"POST /slack/events HTTP/1.1\r\nHost: 127.0.0.1:{job.port}\r\nUser-Agent: Slackbot 1.0\r\n"
            f"Accept: application/json,*/*\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"X-Slack-Request-Timestamp: {stamp}\r\nX-Slack-Signature: v0={signature}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body


class Connection:
    """One kept-alive connection with at most one request in flight."""

    def __init__(self, port: int, *, words: bool) -> None:
        self._words = words
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self.sent_at = 0.0

    def send(self, request: bytes) -> None:
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Whether the answer is whole. Raises `RuntimeError` for one that is not the 200 of a first delivery."""
        got = self.socket.recv(65_536)
        self._received += got
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not got:
            raise RuntimeError("the server closed the connection")
        if not found or len(body) < _length(head):
            return False
        if not head.startswith(b"HTTP/1.1 200 ") or (self._words and not body):
            raise RuntimeError(f"not acknowledged with words: {head.splitlines()[0]!r}")
        self._received = b""
        return True


def _length(head: bytes) -> int:
    return next(int(line[15:]) for line in head.lower().splitlines() if line.startswith(b"content-length:"))


def run(job: Job) -> Result:
    waiting = iter(list(prepare(job)))
    took: list[float] = []
    with selectors.DefaultSelector() as selector:
        connections = [Connection(job.port, words=job.words) for _ in range(job.in_flight)]
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        started = time.perf_counter()
        busy = sum(_send_next(connection, waiting) for connection in connections)
        while busy:
            for key, _ in selector.select():
                connection = key.data
                if not connection.receive():
                    continue
                now = time.perf_counter()
                took.append((now - connection.sent_at) * 1000)
                if now - started > job.seconds or not _send_next(connection, waiting):
                    busy -= 1
        seconds = time.perf_counter() - started
        for connection in connections:
            connection.socket.close()
    return Result(took, seconds)


def _send_next(connection: Connection, waiting: Iterator[bytes]) -> bool:
    request = next(waiting, None)
    if request is not None:
        connection.send(request)
    return request is not None


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(asdict(run(Job(**json.loads(line))))), flush=True)
