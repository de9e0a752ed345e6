"""`python -m bot doctor` names each fault that is planted in a sound installation, with the remedy."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any, NamedTuple

import psycopg
import pytest
from aiohttp import web

from bot.__main__ import main
from bot.doctor import database
from bot.sandbox.slack import SlackFault
from bot.storage.engine.database import migrate
from bot.storage.sealing.keyring import SAMPLE_LINE, generate_line
from tests.contract.upgrade.emulators import run_bot
from tests.faults.test_database_faults import open_folder, unprivileged
from tests.faults.test_hostile_host import certificate
from tests.support.pgbouncer import pooler
from tests.support.postgres import free_port, new_postgres_url, postgres
from tests.support.proxying import Proxy
from tests.support.sound_install import Install, sound_install, write_key

__all__ = ["new_postgres_url", "open_folder", "pooler", "postgres"]


class Fault(NamedTuple):
    plant: Callable[[Install], Awaitable[None] | None]
    check: str
    says: str
    remedy: str
    result: str = "failed"
    others: frozenset[str] = frozenset()  # checks that may fail because of this one


@pytest.fixture
async def install(tmp_path):
    async with sound_install(tmp_path) as sound:
        yield sound


def bad(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in findings if one["result"] in ("failed", "warning")]


async def assert_named(install: Install, fault: Fault) -> list[dict[str, Any]]:
    code, findings = await install.findings()
    found = [one for one in bad(findings) if one["check"] == fault.check and fault.says in one["says"]]
    assert len(found) == 1, bad(findings)
    assert found[0]["result"] == fault.result
    assert fault.remedy in found[0]["remedy"]
    assert {one["check"] for one in bad(findings)} <= {fault.check, *fault.others}
    assert code == (1 if "failed" in {one["result"] for one in findings} else 0)
    assert all(one["remedy"] for one in bad(findings))
    return findings


# --- nothing is wrong


async def test_on_a_sound_installation_nothing_fails_before_and_after_the_first_start(install):
    for start in (False, True):
        if start:
            install.arguments = ["--url", await install.start_bot()]
        code, findings = await install.findings()

        assert (code, bad(findings)) == (0, [])
        assert {one["check"] for one in findings} >= {
            "settings", "keys", "database", "Slack token", "Slack scopes", "clock", "Onetime Secret", "port", "Slack app",
        }  # fmt: skip
    assert any("a bot is running" in one["says"] for one in findings if one["check"] == "database")
    assert any("answers as Slack wants it" in one["says"] for one in findings)


async def test_a_sound_socket_mode_with_cards_and_a_proxy(install):
    install.world.workspace.allow_unfurls("example.com")
    install.settings["SLACK_APP_TOKEN"] = install.world.workspace.app_token
    install.settings["UNFURL_LINKS"] = "on"
    proxy = await install.stack.enter_async_context(Proxy())
    install.settings["HTTPS_PROXY"] = proxy.url

    code, findings = await install.findings()

    assert (code, bad(findings)) == (0, [])
    assert {one["check"] for one in findings} >= {"Socket Mode", "proxy"}
    assert {one.partition(":")[0] for one in proxy.asked} == {"127.0.0.1"}


async def test_the_doctor_writes_no_file_and_no_row(install):
    before = sorted(install.folder.rglob("*"))
    await install.doctor()
    assert sorted(set(install.folder.rglob("*")) - {install.env_file}) == before

    migrate(f"sqlite:///{install.database}")
    await install.doctor()

    with closing(sqlite3.connect(install.database)) as connection:
        assert connection.execute("SELECT count(*) FROM key_checks").fetchone() == (0,)


# --- settings


def misspell(install):
    install.settings["ONETIME_HOST"] = install.settings["ONETIME_HOSTS"]


def let_others_read_the_settings(install):
    install.env_file.touch()
    install.env_file.chmod(0o644)


def set_(name: str, value: str) -> Callable[[Install], None]:
    return lambda install: install.settings.update({name: value})


def leave_out(name: str) -> Callable[[Install], None]:
    def leave(install: Install) -> None:
        del install.settings[name]

    return leave


SETTINGS = {
    "a name that is no setting": Fault(misspell, "settings", "ONETIME_HOST is not a setting", "Rename it to ONETIME_HOSTS", "warning"),
    "a malformed setting": Fault(set_("WATCH_EVERY", "fast"), "settings", "WATCH_EVERY is not usable", "5 or more"),
    "a renamed setting": Fault(set_("ONETIME_MOST_BYTES", "5"), "settings", "is now called ONETIME_MAX_SECRET_BYTES: rename it", "Its values stay"),
    "a line that is no setting": Fault(set_("no setting\nPORT", "3000"), "settings", "is not NAME=value", ""),
    "a settings file for everybody": Fault(let_others_read_the_settings, "settings", "can be read by others", "chmod 600", "warning"),
    "no signing secret": Fault(leave_out("SLACK_SIGNING_SECRET"), "signing secret", "SLACK_SIGNING_SECRET is missing", "“Basic Information”"),
    "a signing secret that is a token": Fault(set_("SLACK_SIGNING_SECRET", "xoxb-1234567890-abcdef"), "signing secret", "is a bot token", "“Signing Secret”"),
    "no token": Fault(leave_out("SLACK_BOT_TOKEN"), "Slack token", "SLACK_BOT_TOKEN is missing", "“OAuth & Permissions”"),
    "a person's token": Fault(set_("SLACK_BOT_TOKEN", "xoxp-1-2"), "Slack token", "is a person's token", "Bot User OAuth Token"),
    "the app's token for the bot's": Fault(set_("SLACK_BOT_TOKEN", "xapp-1-2"), "Slack token", "is an app-level token", "Bot User OAuth Token"),
    "the token of the example": Fault(set_("SLACK_BOT_TOKEN", "xoxb-…"), "Slack token", "the text of the example", "Bot User OAuth Token"),
    "a host that is none": Fault(set_("ONETIME_HOSTS", "https://ots example.com/?x"), "Onetime Secret", "ONETIME_HOSTS", ""),
    "one port for two": Fault(lambda install: install.settings.update(ADMIN_PORT=install.settings["PORT"]), "port", "are both", "Give ADMIN_PORT another"),
}  # fmt: skip


@pytest.mark.parametrize("fault", SETTINGS.values(), ids=list(SETTINGS))
async def test_a_fault_in_the_settings_is_named(install, fault):
    fault.plant(install)

    await assert_named(install, fault)


async def test_all_faults_are_named_at_once(install):
    for one in ("a malformed setting", "no signing secret", "no token", "a name that is no setting"):
        SETTINGS[one].plant(install)
    install.settings["LOG_LEVEL"] = "loud"
    write_key(install, SAMPLE_LINE)

    code, findings = await install.findings()

    assert code == 1
    said = [one["says"] for one in bad(findings)]
    for part in ("WATCH_EVERY", "LOG_LEVEL", "SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN", "ONETIME_HOST ", "the sample"):
        assert len([one for one in said if part in one]) == 1, said


# --- keys and SQLite


def take_away(install):
    install.key_file.unlink()


def let_others_read(install):
    install.key_file.chmod(0o644)


def write(line: str) -> Callable[[Install], None]:
    return lambda install: write_key(install, line)


async def change_the_key(install):
    await install.start_bot()
    await install.world.bot.stop()
    write_key(install, generate_line().reveal())


def put_beside_the_database(install):
    install.key_file.rename(install.database.parent / "keys")
    install.settings["ENCRYPTION_KEYS_FILE"] = str(install.database.parent / "keys")


def migrate_too_far(install):
    migrate(f"sqlite:///{install.database}")
    with closing(sqlite3.connect(install.database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()


def damage(install):
    install.database.write_bytes(b"no database at all" * 100)


FILES = {
    "no key": Fault(leave_out("ENCRYPTION_KEYS_FILE"), "keys", "No encryption key is configured", "keys generate"),
    "no key file": Fault(take_away, "keys", "does not exist", "keys generate"),
    "a key file for everybody": Fault(let_others_read, "keys", "can be read by others", "chmod 600"),
    "the sample key": Fault(write(SAMPLE_LINE), "keys", "is the sample from the documentation", "keys generate"),
    "a short key": Fault(write("k1:c2hvcnQ"), "keys", "is not 32 bytes", "keys generate"),
    "the key beside the database": Fault(put_beside_the_database, "keys", "in the folder of the database", "a folder of its own", "warning"),
    "another key": Fault(change_the_key, "database", "is not the k1 that this database was sealed with", "Restore the right key file"),
    "a newer database": Fault(migrate_too_far, "database", "has schema 9999", "Start the newer version"),
    "a damaged database": Fault(damage, "database", "damaged or no SQLite database", "Restore it from a backup"),
    "no folder": Fault(lambda install: install.database.parent.rmdir(), "database", "does not exist", "install -d -m 700"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FILES.values(), ids=list(FILES))
async def test_a_fault_in_the_files_is_named(install, fault):
    if (planting := fault.plant(install)) is not None:
        await planting

    await assert_named(install, fault)


async def in_this_process(install, monkeypatch, capsys) -> tuple[int, str]:
    for name in install.settings:
        monkeypatch.delenv(name, raising=False)
    install.write_settings()
    code = await asyncio.to_thread(main, ["--env-file", str(install.env_file), "doctor", *install.arguments])
    return code, capsys.readouterr().out


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
async def test_sqlite_on_a_network_file_system_is_named(install, monkeypatch, capsys, kind):
    mounts = install.folder / "mountinfo"
    point = str(install.database.parent).replace(" ", r"\040")
    mounts.write_text(
        f"22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n40 22 0:40 / {point} rw shared:2 - {kind} server:/x rw\n"
    )
    monkeypatch.setattr(database, "MOUNTS", mounts)

    code, said = await in_this_process(install, monkeypatch, capsys)

    assert code == 1
    assert f"{install.database.parent} is on a network file system ({kind})" in said
    assert "Put the database on a disk of this machine, or use PostgreSQL." in said


@pytest.mark.parametrize("what", ["folder", "file"])
async def test_a_read_only_database_is_named(install, open_folder, monkeypatch, capsys, what):
    path = open_folder / "bot.db"
    migrate(f"sqlite:///{path}")
    open_folder.chmod(0o555 if what == "folder" else 0o1777)
    path.chmod(0o444)
    for name, value in (install.settings | {"DATABASE_URL": f"sqlite:///{path}"}).items():
        monkeypatch.setenv(name, value)

    with unprivileged():
        code = await asyncio.to_thread(main, ["doctor", "--json"])

    said = capsys.readouterr().out
    assert code == 1
    assert f"{path if what == 'file' else open_folder} is read-only for the bot" in said
    assert ("Make it belong to the bot's user" if what == "file" else "Give the bot's user write access") in said


# --- Slack


def plan(method: str, fault: SlackFault) -> Callable[[Install], None]:
    def planned(install):
        install.world.workspace.plan(method, fault, None)

    return planned


def lose_a_scope(install):
    install.world.workspace._scopes -= {"im:write"}


def have_one_more(install):
    install.world.workspace._scopes |= {"channels:history"}


def turn_the_clock(seconds: float) -> Callable[[Install], None]:
    """Slack's time is behind, as if this machine's clock were ahead."""

    def turn(install):
        install.world.workspace.state.clock = lambda: time.time() - seconds

    return turn


async def stop_slack(install):
    await install.world.workspace.stop()


def ask_onetime_for_slack(install):
    install.settings["SLACK_API_URL"] = f"{install.world.onetime.url}/api/"


def use_a_bot_token_for_socket_mode(install):
    install.settings["SLACK_APP_TOKEN"] = install.world.workspace.bot_token


def use_another_app_token(install):
    install.settings["SLACK_APP_TOKEN"] = "xapp-1-not-the-one"


def use_cards_without_scopes(install):
    install.settings["UNFURL_LINKS"] = "on"


SLACK = {
    "a revoked token": Fault(plan("auth.test", SlackFault.error("token_revoked")), "Slack token", "token_revoked", "Install the app"),
    "another app's token": Fault(set_("SLACK_BOT_TOKEN", "xoxb-1-2"), "Slack token", "invalid_auth", "Copy the bot token again"),
    "a missing scope": Fault(lose_a_scope, "Slack scopes", "missing: im:write", "“Reinstall to Workspace”"),
    "scopes for cards": Fault(use_cards_without_scopes, "Slack scopes", "missing: links:read, links:write", "Add them"),
    "a scope too much": Fault(have_one_more, "Slack scopes", "not needed: channels:history", "Take it out", "warning"),
    "another server for Slack": Fault(ask_onetime_for_slack, "Slack token", "SLACK_API_URL is not the address", "Take SLACK_API_URL out"),
    "Slack away": Fault(stop_slack, "Slack token", "connection refused", "Check host and port in SLACK_API_URL"),
    "Slack in trouble": Fault(plan("auth.test", SlackFault.http(503, "<html>")), "Slack token", "503", "Try again"),
    "a clock far off": Fault(turn_the_clock(400), "clock", "s ahead of Slack's: requests from Slack are refused", "NTP"),
    "a clock far behind": Fault(turn_the_clock(-400), "clock", "s behind Slack's: requests from Slack are refused", "NTP"),
    "a clock that is off": Fault(turn_the_clock(100), "clock", "s ahead of Slack's", "NTP", "warning"),
    "the bot's token for the app's": Fault(use_a_bot_token_for_socket_mode, "Socket Mode", "is a bot token", "App-Level Token"),
    "another app token": Fault(use_another_app_token, "Socket Mode", "invalid_auth", "“Basic Information”"),
    "an app token without its scope": Fault(
        lambda install: (plan("apps.connections.open", SlackFault.error("missing_scope"))(install),
                         install.settings.update(SLACK_APP_TOKEN=install.world.workspace.app_token))[1],
        "Socket Mode", "missing_scope", "connections:write"),
}  # fmt: skip


@pytest.mark.parametrize("fault", SLACK.values(), ids=list(SLACK))
async def test_a_fault_with_slack_is_named(install, fault):
    if (planting := fault.plant(install)) is not None:
        await planting

    await assert_named(install, fault)


# --- the address where Slack reaches the bot


async def echo(request: web.BaseRequest) -> web.StreamResponse:
    return web.json_response({"challenge": (await request.json())["challenge"]})


def answering(status: int, **more: Any) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, **more)

    return answer


URLS = {
    "a redirect": (answering(301, headers={"Location": "https://www.example.com/"}), "301, a redirect", "Slack follows no redirect"),
    "another server": (answering(200, text="Welcome"), "is another server", "pass /slack/events on to the bot"),
    "no such path": (answering(404), "has nothing there (it answers 404)", "pass /slack/events on"),
    "nothing behind the proxy": (answering(502), "answers 502", "Start the bot"),
    "a wall": (answering(403), "refuses requests (it answers 403)", "Let requests from everywhere"),
    "what takes any signature": (echo, "takes a request with a wrong signature", "pass /slack/events on to the bot"),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "says", "remedy"), URLS.values(), ids=list(URLS))
async def test_what_answers_at_the_url_in_the_place_of_the_bot_is_named(install, answer, says, remedy):
    install.arguments = ["--url", await install.serve(answer)]

    await assert_named(install, Fault(lambda _: None, "request URL", says, remedy))


async def test_a_bot_with_another_signing_secret_is_named(install):
    install.arguments = ["--url", await install.start_bot()]
    install.settings["SLACK_SIGNING_SECRET"] = "0123456789abcdef0123456789abcdef"

    fault = Fault(lambda _: None, "request URL", "refuses this signing secret", "the same SLACK_SIGNING_SECRET")
    await assert_named(install, fault)


async def test_a_url_with_an_untrusted_certificate_or_where_nothing_listens_is_named(install):
    tls = certificate(install.folder, "127.0.0.1")
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    async with server:
        install.arguments = ["--url", f"https://127.0.0.1:{port}"]
        fault = Fault(lambda _: None, "request URL", "untrusted certificate", "Renew the certificate")
        await assert_named(install, fault)

    install.arguments = ["--url", f"https://127.0.0.1:{free_port()}/slack/events"]
    fault = Fault(lambda _: None, "request URL", "connection refused", "Check host and port in --url")
    await assert_named(install, fault)


# --- servers of Onetime Secret, the proxy, ports


@pytest.mark.parametrize(
    ("answer", "says", "remedy"),
    [
        (answering(302, headers={"Location": "https://ots.example.com/api/v1/status"}), "302, a redirect", "Set ONETIME_HOSTS to https://ots.example.com"),
        (answering(404, text="<html>"), "does not answer as Onetime Secret's API v1 does (404", "Check the address in ONETIME_HOSTS"),
        (answering(200, text="<html>"), "does not answer as Onetime Secret's API v1 does (200", "Check the address in ONETIME_HOSTS"),
        (answering(502, text="<html>"), "does not answer as Onetime Secret's API v1 does (502", "its database run"),
    ],
    ids=["a redirect", "no API", "a page", "a proxy"],
)  # fmt: skip
async def test_a_server_that_is_no_onetime_secret_is_named(install, answer, says, remedy):
    install.settings["ONETIME_HOSTS"] += f",{await install.serve(answer)}"

    findings = await assert_named(install, Fault(lambda _: None, "Onetime Secret", says, remedy))
    assert [one["result"] for one in findings if one["check"] == "Onetime Secret"].count("ok") == 1


async def test_a_server_that_is_away_or_has_an_untrusted_certificate_is_named(install):
    tls = certificate(install.folder, "127.0.0.1")
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=tls)
    own = install.settings["ONETIME_HOSTS"]
    async with server:
        install.settings["ONETIME_HOSTS"] = f"{own},https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        fault = Fault(lambda _: None, "Onetime Secret", "untrusted certificate", "Renew the certificate")
        await assert_named(install, fault)

    install.settings["ONETIME_HOSTS"] = f"{own},http://127.0.0.1:{free_port()}"
    fault = Fault(lambda _: None, "Onetime Secret", "connection refused", "Check host and port in ONETIME_HOSTS")
    await assert_named(install, fault)


async def test_a_proxy_that_is_away_is_named_and_its_password_is_not(install):
    install.canaries.append("canary-of-the-proxy")
    install.settings["HTTPS_PROXY"] = f"http://ada:canary-of-the-proxy@127.0.0.1:{free_port()}"

    fault = Fault(
        lambda _: None, "proxy", "connection refused", "Check host and port in HTTPS_PROXY",
        others=frozenset({"Slack token"}),
    )  # fmt: skip
    await assert_named(install, fault)


@pytest.mark.parametrize("setting", ["PORT", "ADMIN_PORT"])
async def test_a_port_in_use_is_named(install, setting):
    with socket.create_server(("127.0.0.1", 0)) as other:
        install.settings[setting] = str(other.getsockname()[1])

        fault = Fault(
            lambda _: None, "port", f"{install.settings[setting]} on 127.0.0.1 is in use", f"set {setting} to"
        )
        await assert_named(install, fault)


async def test_the_text_is_in_columns_and_has_no_colours_where_nobody_looks(install):
    write_key(install, SAMPLE_LINE)

    code, said = await install.doctor()

    lines = said.splitlines()
    assert code == 1
    assert "\x1b" not in said
    assert lines[-1] == "1 failed."
    assert any(line.startswith("failed         keys ") for line in lines)
    assert any(line.strip().startswith("→ Make one with `python -m bot keys generate`.") for line in lines)
    assert (
        len({line.index(word) for line, word in ((one, one.split()[1]) for one in lines if one.startswith("ok "))}) == 1
    )


# --- PostgreSQL


async def test_a_sound_postgresql_has_nothing_wrong_and_its_server_is_named(install, new_postgres_url):
    install.settings["DATABASE_URL"] = new_postgres_url()

    code, findings = await install.findings()

    assert (code, bad(findings)) == (0, [])
    (said,) = (one["says"] for one in findings if one["check"] == "database")
    assert "PostgreSQL " in said
    assert "PgBouncer" not in said


@pytest.mark.parametrize("mode", ["transaction", "session"])
async def test_pgbouncer_is_recognized_with_the_way_it_lends_connections(install, new_postgres_url, pooler, mode):
    install.settings["DATABASE_URL"] = pooler(mode).url(new_postgres_url())

    code, findings = await install.findings()

    assert (code, bad(findings)) == (0, [])
    (said,) = (one["says"] for one in findings if one["check"] == "database")
    assert f"behind PgBouncer with {mode} pooling" in said


async def test_a_pooler_that_takes_no_transactions_is_named(install, new_postgres_url, pooler):
    install.settings["DATABASE_URL"] = pooler("statement").url(new_postgres_url())

    fault = Fault(lambda _: None, "database", "a pooler that takes no transactions", "Set `pool_mode` of PgBouncer")
    await assert_named(install, fault)


@pytest.mark.parametrize(
    ("statement", "says", "remedy"),
    [
        ("DROP TABLE alembic_version", "has no tables", "python -m bot migrate"),
        ("UPDATE alembic_version SET version_num = '0012'", "has schema 0012", "python -m bot migrate"),
        ("UPDATE alembic_version SET version_num = '9999'", "has schema 9999", "Start the newer version"),
        ("ALTER DATABASE {name} SET default_transaction_read_only = on", "takes no writes", "Name the primary server"),
    ],
    ids=["no tables", "older", "newer", "read-only"],
)
async def test_a_fault_of_postgresql_is_named(install, postgres, statement, says, remedy):
    url = postgres.new_database()
    migrate(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.format(name=url.rpartition("/")[2]).encode())
    install.settings["DATABASE_URL"] = url

    await assert_named(install, Fault(lambda _: None, "database", says, remedy))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO key_checks (kid, sealed, created_at, seals_values) VALUES ('before', '', 0, true)",
        (
            "INSERT INTO accounts (id, enterprise_id, team_id, user_id, host, username, token, is_default, created_at)"
            " VALUES ('a', '-', 'T0000001', 'U0000001', 'https://eu.onetimesecret.com', :old, :old, false, 0)"
        ),
    ],
    ids=["as before", "some values"],
)
async def test_an_upgrade_after_which_rotate_has_not_run_is_named(install, new_postgres_url, statement):
    url = install.settings["DATABASE_URL"] = new_postgres_url()
    old = "'O1\\002k1'::bytea"  # sealed by the encryption key itself
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.replace(":old", old).encode())

    remedy = "When every process runs this version, run `python -m bot keys rotate`"
    await assert_named(
        install,
        Fault(lambda _: None, "database", "not everything is encrypted under the data keys", remedy, result="warning"),
    )


async def test_a_postgresql_that_is_away_or_refuses_us_is_named_without_the_password(install, postgres):
    install.canaries.append("canary-of-the-database")
    for port, user, says in (
        (free_port(), "postgres", "connection refused"),
        (postgres.port, "nobody", "there is no such user"),
    ):
        install.settings["DATABASE_URL"] = f"postgresql://{user}:canary-of-the-database@127.0.0.1:{port}/postgres"

        await assert_named(install, Fault(lambda _: None, "database", says, "Check DATABASE_URL"))


# --- the output, and the start


async def test_the_other_failures_are_told_where_a_start_stops(install):
    for one in ("no signing secret", "no token"):
        SETTINGS[one].plant(install)
    write_key(install, SAMPLE_LINE)
    install.write_settings()

    code, said = await run_bot("--env-file", str(install.env_file), "run")

    *others, last = said.splitlines()
    assert code == 78
    assert last.startswith("ots-bot cannot start: SLACK_BOT_TOKEN is missing: ")
    assert [line.partition(": ")[0] for line in others] == ["ots-bot found too"] * 2
    assert "is the sample from the documentation" in others[0]
    assert "SLACK_SIGNING_SECRET is missing" in others[1]


async def test_a_start_that_goes_on_logs_what_fails_and_asks_slack_no_more_than_before(install):
    lose_a_scope(install)
    turn_the_clock(250)(install)

    await install.start_bot()

    lines = [json.loads(line) for line in install.world.bot.output.splitlines() if b'"check_failed"' in line]
    assert [line["kind"] for line in lines] == ["Slack scopes", "clock"]
    assert "missing: im:write" in lines[0]["reason"]
    assert [call.method for call in install.world.workspace.calls] == ["auth.test", "bots.info"]
    assert install.world.onetime.calls == []


async def test_a_sound_start_logs_no_failure(install):
    await install.start_bot()

    assert b"check_failed" not in install.world.bot.output


def test_a_url_that_slack_could_not_call_is_refused(capsys):
    assert main(["doctor", "--url", "http://bot.example.com"]) == 78

    assert "--url has to be the address" in capsys.readouterr().err


def test_at_least_25_faults_are_planted():
    count = len(SETTINGS) + len(FILES) + len(SLACK) + len(URLS)

    assert count >= 25
