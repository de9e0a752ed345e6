"""The wheel has all that the bot needs, and the list of what is installed with it (SBOM) is whole.

The commands are those of docs/development.md, run in a copy of the project.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from packaging.requirements import Requirement

from tests import readme
from tests.readme import ROOT
from tests.support.postgres import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
NOT_PACKED = {"bot/locales/.gitattributes", "migrations/script.py.mako"}  # for git, and for writing a migration


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, in which the commands of the section were run."""
    copy: Path = tmp_path_factory.mktemp("project")
    for name in tracked():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    (copy / ".venv").symlink_to(sys.prefix)
    told = readme.code("sh", readme.section("A release, and what is in it"))[0]
    done = subprocess.run(["bash", "-euc", told], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return copy


@pytest.fixture(scope="module")
def program(project: Path) -> Path:
    return project / "dist" / "env" / "bin" / "ots-bot"


def clean(**settings: str) -> dict[str, str]:
    """An environment in which nothing leads to the checkout, and nothing is set but `settings`."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ} | settings


def run(program: Path, directory: Path, *arguments: str, **settings: str) -> str:
    done = subprocess.run(
        [program, *arguments], cwd=directory, env=clean(**settings), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_has_every_file_of_the_bot(project):
    (wheel,) = (project / "dist").glob("*.whl")

    packed = set(zipfile.ZipFile(wheel).namelist())

    wanted = {name for name in tracked() if name.startswith(("bot/", "migrations/"))}
    assert wanted - packed == NOT_PACKED
    assert any(name.endswith("share/ots-bot/manifest.yml") for name in packed)


def test_the_wheel_has_nothing_but_the_files_of_the_bot(project):
    (wheel,) = (project / "dist").glob("*.whl")

    packed = {
        name for name in zipfile.ZipFile(wheel).namelist() if not re.match(r"ots_bot-[\d.]+\.(dist-info|data)/", name)
    }

    assert packed <= set(tracked())


def test_in_an_empty_folder_the_installed_bot_plays_its_tour(program, tmp_path):
    said = run(program, tmp_path, "sandbox", "--tour")

    assert said.rstrip().endswith("Everything held.")
    assert list(tmp_path.iterdir()) == []


def test_the_installed_bot_speaks_every_language(program, tmp_path):
    asked = (
        "from bot.screen.localization import translate; from bot.screen.pieces import say; import bot;"
        "print(bot.__file__, *(translate(say('That passphrase is not right.'), one) for one in ('de', 'fr')), sep='|')"
    )

    place, german, french = run(program.with_name("python"), tmp_path, "-I", "-c", asked).strip().split("|")

    assert place.startswith(str(program.parents[1]))
    assert len({german, french, "That passphrase is not right."}) == 3


def test_the_installed_bot_prints_the_manifest_and_makes_its_tables(program, tmp_path):
    printed = run(program, tmp_path, "manifest", "--url", "https://bot.example.com")
    run(program, tmp_path, "migrate", DATABASE_URL=f"sqlite:///{tmp_path}/bot.db")

    assert printed == run(Path(sys.executable), ROOT, "-m", "bot", "manifest", "--url", "https://bot.example.com")
    assert [file.name for file in tmp_path.iterdir()] == ["bot.db"]


async def test_the_installed_sandbox_serves_its_page_and_every_file_of_it(program, tmp_path):
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        program, "sandbox", "--no-browser", "--port", str(port), cwd=tmp_path, env=clean(),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        while f":{port}" not in (line := (await process.stdout.readline()).decode()):
            assert line, "the sandbox ended"

        def fetch(path: str) -> bytes:
            with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                read: bytes = answer.read()
                return read

        page = (await asyncio.to_thread(fetch, "/")).decode()
        named = set(re.findall(r'(?:src|href)="(/?[\w./-]+\.(?:js|css|svg))"', page))
        assert named
        for path in named:
            assert await asyncio.to_thread(fetch, f"/{path.lstrip('/')}")
    finally:
        process.terminate()
        await process.communicate()


def test_the_list_of_what_is_installed_has_every_pin_and_nothing_else(project):
    pins: dict[str, str] = {}
    for line in re.findall(r"^([a-z0-9-]+==[^\\\n]+?) \\$", (ROOT / "requirements.txt").read_text(), re.MULTILINE):
        pin = Requirement(line)
        if pin.marker is None or pin.marker.evaluate():
            pins[pin.name] = str(next(iter(pin.specifier)).version)

    listed: Any = json.loads((project / "dist" / "sbom.json").read_text())

    assert listed["bomFormat"] == "CycloneDX"
    assert {one["name"].lower().replace("_", "-"): one["version"] for one in listed["components"]} == pins
    assert listed["metadata"]["component"]["name"] == "ots-bot"
