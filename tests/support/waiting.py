"""Waiting for what another process does, of which nobody tells."""

import asyncio

PATIENCE = 60.0  # seconds: a busy machine never needs them, a broken program always does; pytest-timeout has 120
BUSY = 8.0  # seconds more than it should take, which a busy machine may take; less than any time-out of the bot


async def eventually(hoped, every=0.01):
    """Waits until `hoped()` is true, and answers what it answered. Raises `TimeoutError`."""
    async with asyncio.timeout(PATIENCE):
        while not (answer := hoped()):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(every)
    return answer
