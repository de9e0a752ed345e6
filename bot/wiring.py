"""The only place where concrete parts are chosen and joined. Nothing is made at import."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import stamina.instrumentation
from aiohttp import web

from bot.errors import BotError, CannotStart, StorageTrouble
from bot.feature import Services
from bot.features import Catalogue
from bot.features.retrieve.after_crash import Tidier
from bot.logs import Log
from bot.onetime.client import Onetime
from bot.onetime.links import Hosts
from bot.settings import Settings
from bot.slack.app import make_app
from bot.slack.front import Front
from bot.slack.http import make_server
from bot.slack.jobs import Jobs
from bot.slack.members import Members
from bot.slack.messenger import Messenger
from bot.slack.socket import Socket
from bot.slack.web import Slack
from bot.slack.workspace import Workspace
from bot.storage.accounts import Accounts
from bot.storage.database import Database
from bot.storage.handles import Handles
from bot.storage.key_checks import check_keys
from bot.storage.keyring import KeyRing
from bot.storage.migrate import migrate
from bot.storage.reveals import Reveals
from bot.storage.seal import Sealer
from bot.storage.url import locate

DRAIN = 9.0  # seconds; a SIGTERM ends within 10

log = Log("wiring")


def key_ring(settings: Settings) -> KeyRing:
    """The encryption keys. Raises `CannotStart`: none are ever made up."""
    if settings.encryption_keys_file is not None:
        return KeyRing.load(settings.encryption_keys_file, allow_shared=settings.allow_shared_key_file)
    if settings.encryption_keys is not None:
        return KeyRing.read(settings.encryption_keys)
    raise CannotStart(
        "ENCRYPTION_KEYS_FILE is missing: run `python -m bot keys generate FILE`, keep a copy of the file apart from "
        "the database, and set ENCRYPTION_KEYS_FILE to it."
    )


def migrate_own(settings: Settings) -> None:
    """Bring a SQLite database up to date: it belongs to this one process. PostgreSQL waits for `migrate`."""
    if locate(settings.database_url).path is not None:
        migrate(settings.database_url)


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The database, open and with current tables. Raises `CannotStart`."""
    opened = Database.open(settings.database_url)
    try:
        if not await opened.is_current():
            raise CannotStart("The database's tables are not current: run `python -m bot migrate` first.")
        yield opened
    except StorageTrouble as trouble:
        raise CannotStart(f"The database does not answer ({trouble}). Check DATABASE_URL.") from None
    finally:
        await opened.close()


@asynccontextmanager
async def services(settings: Settings) -> AsyncIterator[tuple[Services, Database]]:
    """What the features work with, on a database whose keys are the right ones. Raises `CannotStart`."""
    stamina.instrumentation.set_on_retry_hooks([])  # its default hook logs arguments
    sealer = Sealer(key_ring(settings))
    onetime = Onetime()
    async with database(settings) as db:
        try:
            await check_keys(db, sealer)
            yield (
                Services(
                    onetime=onetime,
                    hosts=Hosts(settings.onetime_hosts, settings.onetime_default_host),
                    accounts=Accounts(db, sealer),
                    handles=Handles(db, sealer),
                    reveals=Reveals(db, sealer),
                    escrow=settings.reveal_escrow == "on",
                ),
                db,
            )
        finally:
            await onetime.aclose()


async def serve(settings: Settings, ready: asyncio.Event | None = None) -> None:
    """Run the Slack front until SIGTERM or SIGINT; what is being worked on then gets `DRAIN` seconds."""
    settings.needs_slack()
    assert settings.slack_bot_token is not None
    slack = Slack(settings.slack_bot_token, settings.slack_api_url)
    jobs = Jobs()
    async with services(settings) as (given, db):
        try:
            workspace = Workspace(slack, settings.slack_bot_token)
            await workspace.load()
            messenger = Messenger(slack)
            front = Front(Catalogue(), given, slack, workspace, Members(slack), messenger, jobs)
            await _serve(settings, front, slack, workspace, db, given, messenger, ready)
        finally:
            left = await jobs.drain(DRAIN)
            log.info("stopped", count=left)
            await slack.close()


async def _serve(
    settings: Settings,
    front: Front,
    slack: Slack,
    workspace: Workspace,
    db: Database,
    given: Services,
    messenger: Messenger,
    ready: asyncio.Event | None,
) -> None:
    by_socket = settings.slack_app_token is not None
    app = make_app(front, slack, workspace, settings.slack_signing_secret)

    async def database_answers() -> bool:
        return await _holds(db)

    async def slack_is_known() -> bool:
        return workspace.is_known

    server = make_server(None if by_socket else app, {"database": database_answers, "slack": slack_is_known})
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    socket = Socket(app, settings.slack_app_token) if settings.slack_app_token is not None else None
    tidier = Tidier(given, messenger.tell)
    try:
        site = web.TCPSite(runner, settings.host, settings.port)
        await _listen(site, settings)
        if socket is not None:
            await socket.connect_async()  # type: ignore[no-untyped-call]
        tidier.start(alone=db.is_sqlite)
        port = runner.addresses[0][1]
        log.info("ready", mode="socket" if by_socket else "http", port=port)
        if ready is not None:
            ready.set()
        await _told_to_stop()
    finally:
        await tidier.stop()
        if socket is not None:
            await socket.close_async()  # type: ignore[no-untyped-call]
        await runner.cleanup()


async def _listen(site: web.TCPSite, settings: Settings) -> None:
    try:
        await site.start()
    except OSError as error:
        raise CannotStart(f"PORT {settings.port} on {settings.host} cannot be listened on: {error.strerror}.") from None


async def _holds(db: Database) -> bool:
    try:
        return await db.is_current()
    except BotError:
        return False


async def _told_to_stop() -> None:
    """Wait for SIGTERM or SIGINT. A second one ends the process at once."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def first() -> None:
        stop.set()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(one)
            signal.signal(one, signal.SIG_DFL)

    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, first)
    await stop.wait()
