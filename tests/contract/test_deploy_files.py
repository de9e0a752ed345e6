"""The unit and the Dockerfile in docs/deploy: what they take away from the bot, and that they start it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from bot.__main__ import _parser
from bot.settings import Settings
from tests import readme
from tests.readme import DEPLOY, ROOT

UNIT = DEPLOY / "ots-bot.service"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
PROGRAM = "/opt/ots-bot/.venv/bin/python"  # is not on this machine
SYSTEMD = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(SYSTEMD is None, reason="systemd-analyze is not on this machine")


def analyze(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(SYSTEMD), *map(str, arguments)], capture_output=True, text=True, check=False)


@needs_systemd
def test_systemd_understands_every_line_of_the_unit(tmp_path):
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(PROGRAM, "/bin/true"))

    done = analyze("verify", unit)

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
def test_the_exposure_of_the_unit_is_the_one_in_the_document():
    done = analyze("security", "--offline=true", UNIT)

    found = re.search(r"Overall exposure level for ots-bot\.service: ([\d.]+) OK", done.stdout)
    assert found, done.stdout + done.stderr
    (told,) = re.findall(r"exposure level of \*\*([\d.]+)\*\*", readme.section("On a small server with systemd"))
    assert float(found[1]) <= float(told) < 2.0


def test_the_unit_gives_the_key_file_as_a_credential():
    lines = UNIT.read_text().splitlines()

    assert "LoadCredential=encryption.keys:/etc/ots-bot/encryption.keys" in lines
    assert "Environment=ENCRYPTION_KEYS_FILE=%d/encryption.keys ALLOW_SHARED_KEY_FILE=true" in lines
    assert {"encryption_keys_file", "allow_shared_key_file"} <= Settings.model_fields.keys()


# --- the container


def values(instruction: str) -> list[str]:
    lines: list[str] = re.findall(rf"^ *{instruction} (.+)$", DOCKERFILE, re.MULTILINE)
    return lines


def test_the_container_is_not_root_and_names_its_user_by_number():
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", values("USER")[-1])


def test_the_container_starts_what_the_wheel_installs():
    (start,) = map(json.loads, values("ENTRYPOINT"))
    (arguments,) = (json.loads(line) for line in values("CMD") if "python" not in line)
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]

    assert Path(start[0]).name in scripts
    assert _parser().parse_args(arguments).run


def test_what_the_image_is_made_of_is_in_the_project():
    copied = [name for line in values("COPY") if "--from" not in line for name in shlex.split(line)[:-1]]

    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert {"requirements.txt", "manifest.yml", "bot", "migrations"} <= set(copied)


def test_the_build_sees_what_it_copies_and_nothing_else():
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    copied = {name for line in values("COPY") if "--from" not in line for name in shlex.split(line)[:-1]}

    assert lines[1] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == copied
    assert {"**/*.keys", "**/*.env", "**/*.db*"} <= set(lines)


def test_the_health_of_the_container_is_asked_for_where_the_bot_answers():
    (check,) = (json.loads(line) for line in values("CMD") if "python" in line)

    assert "/healthz" in check[-1]
    compile(check[-1], "the health check", "exec")
    assert {"HOST=0.0.0.0", "PORT=3000"} <= set(values("ENV")[0].split())


def test_nothing_in_the_image_is_a_secret():
    assert not re.search(r"TOKEN|SECRET|ENCRYPTION_KEYS=|DATABASE_URL=.*@", DOCKERFILE)
