"""Runs the tree of a built image as a container would, without one: no rights, and a root that cannot be written to.

For machines that can build an image but start no container. It needs root, for namespaces and a chroot.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.sandbox.bot_process import BotProcess, Process
from bot.sandbox.world import World
from tests.readme import DEPLOY

DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
USER = str(re.findall(r"^USER (\d+:\d+)$", DOCKERFILE, re.MULTILINE)[-1])
STORE = str(re.findall(r"^WORKDIR (\S+)$", DOCKERFILE, re.MULTILINE)[-1])
PROGRAM = json.loads(re.findall(r"^ENTRYPOINT (\[.*\])$", DOCKERFILE, re.MULTILINE)[-1])
HEALTH = json.loads(re.findall(r"^ +CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[-1])

# A mount namespace of its own, in which the tree is its own mount and read-only; then the user, without capabilities.
ENTER = f"""
mount --bind "$TREE" "$TREE" && mount -o remount,bind,ro "$TREE"
mount -t tmpfs -o mode=700,uid={USER.partition(":")[0]},gid={USER.partition(":")[2]} store "$TREE{STORE}"
mount -t proc proc "$TREE/proc"
exec setpriv --no-new-privs --bounding-set=-all,+sys_chroot,+setuid,+setgid --inh-caps=-all \
  chroot --userspec={USER} --groups={USER.partition(":")[2]} "$TREE" "$@"
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tree", type=Path, required=True, help="where the file system of the image is")


def run(*, quick: bool, tree: Path) -> bool:
    """Whether the bot of the image starts, serves people, is healthy and cannot write outside its folder."""
    return asyncio.run(_run(tree.resolve(), quick=quick))


async def _run(tree: Path, *, quick: bool) -> bool:
    async def spawn(command: Sequence[str], environment: Mapping[str, str]) -> Process:
        return await asyncio.create_subprocess_exec(
            *_enter(*PROGRAM, "run"), env={**_environment(tree), **environment, "PYTHONPATH": ""},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip

    world = World(settings={"DATABASE_URL": f"sqlite:///{STORE}/bot.db"})
    BotProcess.spawn = staticmethod(spawn)
    async with world:
        checks = {
            "healthy": _inside(tree, *HEALTH, PORT=str(world.bot.port)) == 0,
            "unhealthy where nobody listens": _inside(tree, *HEALTH, PORT="1") != 0,
            "the root cannot be written to": _inside(tree, *_python("")) == 0
            and _inside(tree, *_python("open('/opt/new', 'w')")) != 0,
            "not root, no capabilities": _inside(tree, *_python(_NO_RIGHTS)) == 0,
        }
        if not quick:
            checks["a secret is shared"] = await _share(world)
    for check, held in checks.items():
        print(f"{'yes' if held else 'NO ':<4} {check}")
    return all(checks.values())


_NO_RIGHTS = (
    "import os, re; status = open('/proc/self/status').read();"
    "assert os.getuid() == os.geteuid() != 0 and os.getgroups() in ([], [os.getgid()]);"
    "assert int(re.search(r'CapEff:\\s*(\\w+)', status)[1], 16) == 0 and 'NoNewPrivs:\\t1' in status"
)


def _python(code: str) -> tuple[str, ...]:
    return HEALTH[0], "-c", code


def _enter(*command: str) -> tuple[str, ...]:
    return ("unshare", "--mount", "bash", "-euc", ENTER, "enter", *command)


def _environment(tree: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "TREE": str(tree), "HOST": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"}


def _inside(tree: Path, *command: str, **variables: str) -> int:
    done = subprocess.run(
        _enter(*command), env=_environment(tree) | variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        check=False,
    )  # fmt: skip
    return done.returncode


async def _share(world: World) -> bool:
    ada, ben = world.workspace.person("U0ADA", "ada"), world.workspace.person("U0BEN", "ben")
    await ada.command("/ots", "share")
    await ada.until(lambda: ada.view and ada.view.submit == "Share")
    await ada.submit(None, {"text1": "from a container", "to": [ben.id]})
    await ben.until(lambda: any("one-time secret" in one.shows for one in ben.dm))
    return True
