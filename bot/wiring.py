"""Builds the process: the only place where concrete parts are chosen and joined. Nothing is created at import."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass

import stamina.instrumentation
from aiohttp import web

from bot.errors import BotError, CannotStart, HostNotAllowed, StorageUnavailable
from bot.features import Registry
from bot.interaction.limits import Limits
from bot.interaction.services import Services
from bot.logs import Log
from bot.onetime.client import Onetime
from bot.onetime.links import Hosts
from bot.periodic import PeriodicTask
from bot.recovery import Recovery
from bot.settings import Settings
from bot.slack.app import SlackApp, make_app
from bot.slack.background_tasks import BackgroundTasks
from bot.slack.connections import backlog
from bot.slack.dispatcher import Dispatcher
from bot.slack.http import ReadinessChecks, make_server
from bot.slack.members import Members
from bot.slack.messenger import Messenger
from bot.slack.socket import SocketModeHandler
from bot.slack.web import SlackClient
from bot.slack.workspace import Workspace
from bot.storage.accounts import Accounts
from bot.storage.button_contexts import ButtonContexts
from bot.storage.engine.database import Database
from bot.storage.engine.location import locate
from bot.storage.engine.migrate import migrate
from bot.storage.leases import correct_future_times, free_leases
from bot.storage.limits import LimitUses
from bot.storage.notifications import Notifications
from bot.storage.preferences import Preferences
from bot.storage.requests import Requests
from bot.storage.reveals.memory import RevealMemory
from bot.storage.reveals.recovery import InterruptedReveals
from bot.storage.reveals.store import Reveals
from bot.storage.sealing.key_checks import check_keys, keys_open
from bot.storage.sealing.keyring import KeyRing
from bot.storage.sealing.sealer import Sealer
from bot.storage.shares.deliveries import Deliveries
from bot.storage.shares.recovery import InterruptedShares
from bot.storage.shares.store import Shares
from bot.storage.tracking.polls import Polls
from bot.storage.tracking.store import Tracking
from bot.watch.notifier import Notifier
from bot.watch.single_instance import single_instance_lock
from bot.watch.watcher import Watcher

DRAIN = 8.5  # seconds at shutdown for all tasks; after SIGTERM the process ends within 10
CORRECTION_INTERVAL = 10.0  # seconds between two searches for due times and leases of a clock that was ahead
CUT_OFF = 2.5  # seconds at shutdown for requests that are incomplete or unanswered; aiohttp waits this long twice

log = Log("wiring")


def key_ring(settings: Settings) -> KeyRing | None:
    """The encryption keys from the settings; None if none are set, since keys are never generated here.

    Raises `CannotStart` for a file that cannot be read or keys that are not valid.
    """
    if settings.encryption_keys_file is not None:
        if settings.allow_shared_key_file:
            log.warning("key_file_may_be_shared", reason="ALLOW_SHARED_KEY_FILE is set: others may be able to read it")
        return KeyRing.load(settings.encryption_keys_file, allow_shared=settings.allow_shared_key_file)
    if settings.encryption_keys is not None:
        return KeyRing.read(settings.encryption_keys)
    return None


def migrate_own(settings: Settings) -> None:
    """Migrate a SQLite database, which belongs to this process alone. `python -m bot migrate` is for PostgreSQL."""
    if locate(settings.database_url).path is not None:
        migrate(settings.database_url)


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The database, open and with current tables. Raises `CannotStart` if it does not answer or needs a migration."""
    opened = Database.open(settings.database_url)
    try:
        if not await opened.is_current():
            raise CannotStart("The database's tables are not current: run `python -m bot migrate` first.")
        yield opened
    except StorageUnavailable as error:
        raise CannotStart(f"The database does not answer ({error}). Check DATABASE_URL.") from None
    finally:
        await opened.close()


@asynccontextmanager
async def services(settings: Settings, messenger: Messenger) -> AsyncIterator[tuple[Services, Database, Sealer]]:
    """The services of the features, with the open database and its sealer.

    Raises `CannotStart` if the database is not usable, or if its rows were sealed with other keys.
    """
    stamina.instrumentation.set_on_retry_hooks([])  # its default hook logs arguments
    ring = key_ring(settings)
    onetime = Onetime()
    hosts = Hosts(settings.onetime_hosts, settings.onetime_default_host)
    memory = RevealMemory()
    async with database(settings) as db:
        try:
            sealer = await check_keys(db, Sealer(ring) if ring else None)
            yield (
                Services(
                    onetime=onetime,
                    hosts=hosts,
                    accounts=Accounts(db, sealer),
                    button_contexts=ButtonContexts(db, sealer),
                    reveals=Reveals(db, sealer, memory=memory),
                    interrupted_reveals=InterruptedReveals(db, sealer, memory=memory),
                    tracking=Tracking(db, sealer),
                    shares=Shares(db, sealer),
                    deliveries=Deliveries(db, sealer),
                    interrupted_shares=InterruptedShares(db, sealer),
                    requests=Requests(db, sealer),
                    limits=_limits(db, settings),
                    send=messenger.send,
                    update=messenger.update,
                    preferences=Preferences(db),
                    escrow=settings.reveal_escrow == "on",
                    max_secret_bytes=settings.onetime_max_secret_bytes.default,
                    max_secret_bytes_by_host=_sizes(hosts, settings),
                ),
                db,
                sealer,
            )
        finally:
            await onetime.aclose()


def _sizes(hosts: Hosts, settings: Settings) -> dict[str, int]:
    """Base URL -> bytes, for the hosts that ONETIME_MAX_SECRET_BYTES names. Raises `CannotStart`."""
    try:
        sizes = [(hosts.named(name).url, most) for name, most in settings.onetime_max_secret_bytes.by_host]
    except HostNotAllowed as error:
        raise CannotStart(f"ONETIME_MAX_SECRET_BYTES: {error.tell} Add it to ONETIME_HOSTS, or leave it out.") from None
    if len(dict(sizes)) < len(sizes):
        raise CannotStart("ONETIME_MAX_SECRET_BYTES says two sizes for one host: leave one out.")
    return dict(sizes)


def _limits(db: Database, settings: Settings) -> Limits:
    return Limits(LimitUses(db), shares_per_hour=settings.shares_per_hour, opens_per_hour=settings.opens_per_hour)


@dataclass(frozen=True, slots=True)
class Bot:
    """The parts of a process that serves Slack or watches."""

    settings: Settings
    db: Database
    sealer: Sealer
    services: Services
    slack: SlackClient
    workspace: Workspace
    messenger: Messenger
    tasks: BackgroundTasks


@asynccontextmanager
async def assembled(settings: Settings) -> AsyncIterator[Bot]:
    """All parts of a process, with a token that Slack has accepted. Background tasks get `DRAIN` seconds at the end.

    Raises `CannotStart`.
    """
    settings.require_slack()
    assert settings.slack_bot_token is not None
    slack = SlackClient(settings.slack_bot_token, settings.slack_api_url)
    tasks = BackgroundTasks()
    workspace = Workspace(slack, settings.slack_bot_token)
    messenger = Messenger(workspace)
    async with services(settings, messenger) as (given, db, sealer):
        try:
            await workspace.load()
            yield Bot(settings, db, sealer, given, slack, workspace, messenger, tasks)
        finally:
            log.info("stopped", count=await tasks.drain())
            await slack.close()


async def serve(settings: Settings, *, watching: bool) -> None:
    """Serve Slack until SIGTERM or SIGINT. With `watching`, the watcher runs in this process too."""
    async with assembled(settings) as bot:
        registry = Registry()
        dispatcher = Dispatcher(
            registry=registry,
            services=bot.services,
            workspace=bot.workspace,
            members=Members(bot.workspace),
            messenger=bot.messenger,
            tasks=bot.tasks,
        )
        app = make_app(dispatcher, bot.slack, bot.workspace)
        recovery = Recovery(registry.recoveries, bot.services)
        async with _listening(bot, app) as mode:
            recovery.start(alone=bot.db.is_sqlite)
            async with _watching(bot) if watching else nullcontext():
                log.info("ready", **mode)
                await _wait_for_shutdown()
                bot.tasks.stop_within(DRAIN)
            await recovery.stop()


async def work(settings: Settings) -> None:
    """Run the watcher alone until SIGTERM or SIGINT: any number on PostgreSQL; on SQLite not together with `run`."""
    async with assembled(settings) as bot, _watching(bot):
        log.info("ready", mode="worker", port=0)
        await _wait_for_shutdown()
        bot.tasks.stop_within(DRAIN)


@asynccontextmanager
async def _watching(bot: Bot) -> AsyncIterator[None]:
    """Runs watcher and notifier side by side. At the end both claim nothing more, and finish what they have claimed."""
    notifications = Notifications(bot.db, bot.sealer)
    watcher = Watcher(bot.services, Polls(bot.db, bot.sealer), bot.settings.watch_every)
    notifier = Notifier(bot.services, notifications)
    with single_instance_lock(bot.db.where.path):
        if bot.db.is_sqlite:
            await free_leases(bot.db)
        parts = (watcher, notifier, _clock_correction(bot.db))
        for part in parts:
            bot.tasks.start(part.run())
        try:
            yield
        finally:
            for part in parts:
                part.stop()


def _clock_correction(db: Database) -> PeriodicTask:
    """Lets nothing wait for the times of a clock that was ahead and was set right."""

    async def correct() -> bool:
        if count := await correct_future_times(db):
            log.warning("future_times_corrected", count=count)
        return False

    return PeriodicTask(correct, CORRECTION_INTERVAL, log, "correction_failed")


@asynccontextmanager
async def _listening(bot: Bot, app: SlackApp) -> AsyncIterator[dict[str, str | int]]:
    """Listens by HTTP, and by Socket Mode if there is an app token. Gives mode and port for the log line "ready"."""
    app_token = bot.settings.slack_app_token
    server = make_server(app if app_token is None else None, bot.settings.slack_signing_secret, _checks(bot))
    runner = web.ServerRunner(server, shutdown_timeout=CUT_OFF)
    await runner.setup()
    socket = SocketModeHandler(app, app_token) if app_token is not None else None
    try:
        await _listen(web.TCPSite(runner, bot.settings.host, bot.settings.port, backlog=backlog()), bot.settings)
        if socket is not None:
            await socket.start()
        yield {"mode": "http" if socket is None else "socket", "port": runner.addresses[0][1]}
    finally:
        if socket is not None:
            await socket.close_async()  # type: ignore[no-untyped-call]
        await runner.cleanup()


def _checks(bot: Bot) -> ReadinessChecks:
    """The checks of /readyz, by name."""

    async def answers(question: Awaitable[bool]) -> bool:
        try:
            return await question
        except BotError:
            return False

    return {
        "database": lambda: answers(_is_there_and_current(bot.db)),
        "keys": lambda: answers(keys_open(bot.db, bot.sealer)),
    }


async def _is_there_and_current(db: Database) -> bool:
    return _is_there(db) and await db.is_current()


def _is_there(db: Database) -> bool:
    """Whether the SQLite file still exists: a deleted file answers while it is open, and all writes to it are lost."""
    return db.where.path is None or db.where.path.is_file()


async def _listen(site: web.TCPSite, settings: Settings) -> None:
    try:
        await site.start()
    except OSError as error:
        raise CannotStart(f"PORT {settings.port} on {settings.host} cannot be listened on: {error.strerror}.") from None


async def _wait_for_shutdown() -> None:
    """Wait for SIGTERM or SIGINT. A second signal ends the process at once."""
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
