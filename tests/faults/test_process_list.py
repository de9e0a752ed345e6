"""What a list of processes shows of the bot: no secret, where the settings are in files."""

import sys
from pathlib import Path

import pytest

from bot.sandbox.bot_process import BotProcess
from bot.sandbox.world import World

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


@pytest.mark.usefixtures("real_starts")
async def test_neither_command_line_nor_environment_nor_a_child_shows_a_secret(tmp_path):
    async with World() as world:
        settings = world.settings()
        hidden = [settings[name] for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "ENCRYPTION_KEYS")]
        await world.bot.stop()
        (tmp_path / "keys").write_text(settings.pop("ENCRYPTION_KEYS") + "\n")
        settings["ENCRYPTION_KEYS_FILE"] = str(tmp_path / "keys")
        (tmp_path / "settings.env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        for file in tmp_path.iterdir():
            file.chmod(0o600)
        world.bot = BotProcess({}, ("-m", "bot", "--env-file", str(tmp_path / "settings.env"), "run"))
        await world.bot.start()
        world.workspace.connect_http(f"http://127.0.0.1:{world.bot.port}/slack/events")
        ada = world.workspace.person("U0ADA", "ada")
        await ada.command("/ots", "accounts")
        await ada.until(lambda: "You have not connected" in ada.sees())

        process = Path(f"/proc/{world.bot.pid}")
        shown = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        children = [child for task in (process / "task").iterdir() for child in (task / "children").read_text().split()]

        assert b"settings.env" in shown  # so that this looks at the right process
        assert not [one for one in hidden if one.rpartition(":")[2].encode() in shown]
        assert children == []
