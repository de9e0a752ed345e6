"""What a child process of the bot inherits: none of its secrets."""

from __future__ import annotations

import os
import subprocess
import sys

from bot.storage.sealing.keyring import generate_line
from tests.readme import ROOT

# The command line up to where the bot would serve; in its place a child shows what it was given.
SCRIPT = """
import subprocess, sys
import bot.wiring

async def show(_settings, *, watching):
    print(subprocess.run(["env"], capture_output=True, text=True, check=True).stdout, flush=True)

bot.wiring.serve = show
from bot.__main__ import main
sys.exit(main(["run"]))
"""


def test_a_child_process_of_the_bot_gets_none_of_its_secrets(tmp_path):
    secrets = {
        "SLACK_BOT_TOKEN": "xoxb-canary", "SLACK_SIGNING_SECRET": "canary-signing-secret", "SLACK_APP_TOKEN": "xapp-canary",
        "ENCRYPTION_KEYS": generate_line().reveal(), "https_proxy": "http://ada:canary@127.0.0.1:9",
        "DATABASE_URL": f"sqlite:///{tmp_path}/canary.db",
    }  # fmt: skip

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT, env={"PATH": os.environ["PATH"], "PORT": "0", **secrets}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, "PORT=0\n" in done.stdout) == (0, True), done.stderr
    assert not any(name in done.stdout or value in done.stdout for name, value in secrets.items())
