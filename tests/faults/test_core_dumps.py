"""What a process that dies by a signal leaves behind: no memory in a file, and no values in what it prints."""

import asyncio
import re
import resource
import signal
import sys
from pathlib import Path

import pytest

from bot.sandbox.onetime import OnetimeFault
from bot.sandbox.world import World
from tests.journeys.conftest import EMAIL, TOKEN, connect

CANARY = "canary-in-memory-91c4"

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's"),
    pytest.mark.usefixtures("real_starts"),
]


@pytest.fixture
def core_files_allowed():
    """Whoever starts the bot lets processes write core files, as far as this machine does.

    A shell starts what runs in the background with SIGQUIT ignored, and the bot would inherit that.
    """
    before, action = resource.getrlimit(resource.RLIMIT_CORE), signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)
    signal.signal(signal.SIGQUIT, action)


def core_limits(pid):
    limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
    (found,) = re.findall(r"^Max core file size +(\S+) +(\S+)", limits, re.MULTILINE)
    return found


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGSEGV, signal.SIGABRT], ids=lambda how: how.name)
@pytest.mark.usefixtures("core_files_allowed")
async def test_a_process_that_crashes_leaves_no_memory_and_prints_no_values(how):
    async with World(settings={"PYTHONFAULTHANDLER": "1"}) as world:
        ada = world.workspace.person("U0ADA", "ada")
        world.onetime.add_account(EMAIL, TOKEN)
        await connect(ada)
        world.onetime.plan("/api/v1/secret/{key}", OnetimeFault("hang after"))
        held = world.onetime.share(EMAIL, CANARY, passphrase=CANARY)
        await ada.command("/ots", f"retrieve {world.onetime.url}/secret/{held.secret_key}")
        await ada.until(lambda: ada.view and ada.view.submit == "Open")
        await ada.click(ada.view, label="Enter a passphrase")
        await ada.until(lambda: ada.view and "passphrase" in ada.view.values)
        await ada.submit(ada.view, {"passphrase": CANARY})
        await world.onetime.wait_for_call("/api/v1/secret/{key}")
        assert core_limits(world.bot.pid) == ("0", "0")

        world.bot._process.send_signal(how)
        code = await asyncio.wait_for(world.bot.wait_until_ended(), 30)

        assert code == -how
        assert not list(world.directory.glob("core*"))
        for hidden in (CANARY, TOKEN, EMAIL, held.secret_key, held.metadata_key, world.encryption_key):
            assert hidden.encode() not in world.bot.output
        if how is not signal.SIGQUIT:
            assert b"Fatal Python error" in world.bot.output  # it did print where it was
