"""Waiting for something that another process does without reporting it."""

import asyncio

PATIENCE = 60.0  # seconds: only a broken program needs so many, a busy machine does not; pytest-timeout has 120
BUSY = 8.0  # seconds that a busy machine may take longer than usual; less than any time-out of the bot


async def eventually(hoped, every=0.01):
    """Waits until `hoped()` returns a true value, and returns that value. Raises `TimeoutError`."""
    async with asyncio.timeout(PATIENCE):
        while not (answer := hoped()):  # noqa: ASYNC110 - nothing reports it
            await asyncio.sleep(every)
    return answer
