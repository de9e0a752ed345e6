"""The bot that the crash sweeps kill: one for a module, which may say its `SETTINGS`."""

import pytest_asyncio

from tests.faults.crashing import Crashing


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(request, tmp_path_factory):
    settings = getattr(request.module, "SETTINGS", {})
    async with Crashing(tmp_path_factory.mktemp("sweep") / "control", **settings) as started:
        yield started
        print(f"\n{request.module.__name__}: {started.kills} kills, {started.repeats} messages came once more")
        assert started.repeats <= started.kills + getattr(request.module, "LOST_ANSWERS", 0)


@pytest_asyncio.fixture(loop_scope="module")
async def crashing(shared):
    yield shared
    shared.all_is_well()
