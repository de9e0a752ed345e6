"""On SQLite one process works. A second one does not start, says why, and may start when the first is gone."""

import os

import pytest

from bot.errors import CannotStart
from bot.sandbox.bot_process import BotProcess
from bot.sandbox.world import World
from bot.watch.single_instance import single_instance_lock


def test_one_process_has_the_lock_until_it_gives_it_back(tmp_path):
    database = tmp_path / "bot.db"

    with single_instance_lock(database):
        for _ in range(2):
            with (
                pytest.raises(CannotStart, match=rf"Another process works with the database {database}"),
                single_instance_lock(database),
            ):
                raise AssertionError("two have the lock")

    with single_instance_lock(database):
        pass


def test_each_database_has_its_own_lock_and_postgresql_has_none(tmp_path):
    with single_instance_lock(tmp_path / "one.db"), single_instance_lock(tmp_path / "two.db"):
        assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    with single_instance_lock(None), single_instance_lock(None):
        pass


def test_a_lock_that_cannot_be_opened_is_named(tmp_path):
    with (
        pytest.raises(CannotStart, match=r"none/bot\.db-watch cannot be opened \(No such file or directory\)"),
        single_instance_lock(tmp_path / "none" / "bot.db"),
    ):
        raise AssertionError("it cannot be locked")


def test_the_lock_of_a_process_that_died_is_free(tmp_path):
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        with single_instance_lock(tmp_path / "bot.db"):
            os.write(writes, b"locked")
            os.kill(os.getpid(), 9)
    os.read(reads, 6)
    os.waitpid(child, 0)

    with single_instance_lock(tmp_path / "bot.db"):
        pass
    os.close(reads)
    os.close(writes)


@pytest.mark.parametrize("command", ["run", "web", "worker"])
async def test_a_second_bot_on_the_same_file_does_not_start_and_the_first_goes_on(command):
    async with World() as world:
        second = BotProcess(world.settings(), ("-m", "bot", command))

        with pytest.raises(RuntimeError):
            await second.start()

        assert await second.wait_until_ended() == 78
        said = [line for line in bytes(second.output).decode().splitlines() if not line.startswith("{")]
        assert len(said) == 1
        assert "Another process works" in said[0]
        ada = world.workspace.person("U0ADA", "ada")
        await ada.command("/ots", "accounts")
        await ada.until(lambda: "You have not connected" in ada.sees())

        await world.bot.kill()
        await world.start_bot()
        await ada.command("/ots", "help")
        assert world.bot.is_running
