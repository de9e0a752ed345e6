"""A forked process is like one that was started: its command, its environment, what it writes, how it ends."""

import json
import os
import signal
import sys

import pytest

from tests.support.forking import ForkServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere everything is started for real")

SAYS = """
import json, os, sys
print(json.dumps([sys.argv[1:], dict(os.environ), __name__]), flush=True)
print("beside", file=sys.stderr)
sys.exit(sys.argv[1] == "fails" and 7)
"""
SLEEPS = "import time; print('here', flush=True); time.sleep(3600)"


@pytest.fixture(scope="module")
def server():
    made = ForkServer()
    yield made
    made.close()


@pytest.fixture
def script(tmp_path):
    def write(text):
        (tmp_path / "script.py").write_text(text)
        return str(tmp_path / "script.py")

    return write


async def test_it_has_its_arguments_its_environment_and_its_exit_code(server, script):
    process = await server.spawn([script(SAYS), "fails"], {"ONLY": "this"})

    said, beside = (await process.stdout.read()).splitlines()

    assert json.loads(said) == [["fails"], {"ONLY": "this"}, "__main__"]
    assert beside == b"beside"
    assert await process.wait() == process.returncode == 7


async def test_a_module_is_run_as_by_the_command_line(server):
    process = await server.spawn(["-m", "bot", "keys"], {})

    assert b"usage: ots-bot keys" in await process.stdout.read()
    assert await process.wait() == 2


async def test_two_at_once_end_each_in_its_own_way(server, script):
    path = script(SLEEPS)
    one, other = [await server.spawn([path], {}) for _ in range(2)]
    for process in (one, other):
        assert await process.stdout.readline() == b"here\n"

    one.send_signal(signal.SIGTERM)
    assert await one.wait() == -signal.SIGTERM
    assert other.returncode is None
    other.kill()
    assert await other.wait() == -signal.SIGKILL


async def test_what_is_left_when_the_test_run_ends_is_killed(script):
    server = ForkServer()
    process = await server.spawn([script(SLEEPS)], {})
    await process.stdout.readline()

    server.close()

    assert await process.wait() == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
