"""Waiting for something that another process does without reporting it."""

import asyncio
import socket
import time
from contextlib import closing

PATIENCE = 60.0  # seconds: only a broken program needs so many, a busy machine does not; pytest-timeout has 120
BUSY = 8.0  # seconds that a busy machine may take longer than usual; less than any time-out of the bot


async def eventually(hoped, every=0.01):
    """Waits until `hoped()` returns a true value, and returns that value. Raises `TimeoutError`."""
    async with asyncio.timeout(PATIENCE):
        while not (answer := hoped()):  # noqa: ASYNC110 - nothing reports it
            await asyncio.sleep(every)
    return answer


def wait_for_port(port):
    """Waits until something listens there. Raises `ConnectionError`."""
    give_up_at = time.monotonic() + PATIENCE
    while True:
        try:
            with closing(socket.create_connection(("127.0.0.1", port), PATIENCE)):
                return
        except ConnectionError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.02)
