"""A Onetime Secret that costs next to nothing, in a process of its own: `python -m tests.benchmarks.watch.host`.

It answers `recent` and `/private/KEY` like server 0.26 for the accounts and keys that `people.py` makes up, each body
made once but for the times that count down, so that hardly two answers are alike. aiohttp's server would limit what is
measured, hence the bare protocol. `/bench/...` steers it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from functools import cache

from tests.benchmarks.watch import people

AUTHORIZATION = b"authorization: basic "
LIFE = round(people.LIFE.total_seconds())
LEFT = b"7777777"  # in a body that is kept, in place of the seconds that its metadata still lives; nothing else has it


class Answers:
    """What the host says. `delay` is in seconds; `calls` counts all but those that steer."""

    def __init__(self, each: int) -> None:
        self.delay = 0.0
        self.calls = 0
        self._each = each  # secrets to an account
        self._received = 0  # so many accounts had their first secret opened
        self._created = int(time.time())
        self._recent = cache(self._make_recent)
        self._metadata = cache(self._make_metadata)

    def to(self, head: bytes) -> tuple[float, bytes]:
        """Seconds to wait, and the whole answer."""
        path = head[: head.index(b" HTTP/")].partition(b" ")[2]
        if path.startswith(b"/bench/"):
            return 0.0, self._steered(path)
        self.calls += 1
        is_list = path == b"/api/v1/private/recent"
        answer = self._recent(_credentials(head)) if is_list else self._metadata(path.rpartition(b"/")[2])
        left = b"%07d" % (2 * LIFE - round(time.time() - self._created))
        return self.delay, answer.replace(LEFT, left)

    def _steered(self, path: bytes) -> bytes:
        _, _, what, *argument = path.decode().split("/")
        if what == "delay":
            self.delay = float(argument[0])
        if what == "received":
            self._received = int(argument[0])
            self._recent.cache_clear()
            self._metadata.cache_clear()
        return _answer({"calls": self.calls})

    def _make_recent(self, credentials: bytes) -> bytes:
        account = people.account_of(base64.b64decode(credentials).partition(b":")[0].decode())
        return _answer(
            [self._entry(people.key(account, number)) | {"secret_ttl": None} for number in range(self._each)]
        )

    def _make_metadata(self, key: bytes) -> bytes:
        return _answer(self._entry(key.decode()) | {"secret_ttl": LIFE})

    def _entry(self, key: str) -> dict[str, object]:
        account, number = people.numbers_of(key)
        received = number == 0 and account < self._received
        return {
            "custid": "somebody@example.com",
            "metadata_key": key,
            "ttl": LIFE,
            "metadata_ttl": int(LEFT),
            "metadata_url": f"http://127.0.0.1/receipt/{key}",
            "state": "received" if received else "new",
            "updated": self._created,
            "created": self._created,
            **({"received": self._created} if received else {}),
            "recipient": [],
            "share_domain": "",
            "identifier": key,
            "recipients": [],
            "receipt_ttl": int(LEFT),
            "receipt_url": f"http://127.0.0.1/receipt/{key}",
        }


class Connection(asyncio.Protocol):
    """One kept-alive connection. Only GET: a request ends where its head ends."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            delay, answer = self._answers.to(head)
            if delay:
                asyncio.get_running_loop().call_later(delay, self._write, answer)
            else:
                self._write(answer)

    def _write(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


def _credentials(head: bytes) -> bytes:
    start = head.lower().index(AUTHORIZATION) + len(AUTHORIZATION)
    return head[start:].partition(b"\r\n")[0]


def _answer(content: object) -> bytes:
    body = json.dumps(content, separators=(",", ":")).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def serve(each: int) -> None:
    answers = Answers(each)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(answers), "127.0.0.1", 0)
    print(json.dumps({"event": "ready", "port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
