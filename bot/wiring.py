"""Builds the process: the only place where concrete parts are chosen and joined. Nothing is created at import."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

import stamina.instrumentation
from aiohttp import web
from yarl import URL

from bot import app_manifest
from bot.doctor.at_start import log_failures
from bot.errors import CannotStart, HostNotAllowed, StorageUnavailable
from bot.features import Registry
from bot.features.home.publisher import HomePublisher
from bot.interaction.card_queue import CardQueues
from bot.interaction.home_changes import HomeChanges
from bot.interaction.languages import Languages
from bot.interaction.limits import Limits
from bot.interaction.lives import Lives
from bot.interaction.policies import Policies
from bot.interaction.services import Services
from bot.logs import Log
from bot.metrics import Metrics
from bot.onetime.client import Onetime
from bot.onetime.links import Hosts, SecretLink, read_posted
from bot.onetime.unfurl_domains import find_domains
from bot.periodic import PeriodicTask
from bot.policy.file import check_hosts, read_file
from bot.proxy import ProxyRule
from bot.readiness import Readiness, ReadinessChecks
from bot.recovery import Recovery
from bot.secret import Secret
from bot.settings import Settings
from bot.sharing.reminders import send_due_reminders
from bot.slack.app import SlackApp, make_app
from bot.slack.background_tasks import BackgroundTasks
from bot.slack.departed import CHECK_INTERVAL, DepartedPeople
from bot.slack.dispatcher import Dispatcher
from bot.slack.http import InstallPage, make_admin_server, make_server
from bot.slack.installing import Installing, InstallOptions
from bot.slack.listen import listen
from bot.slack.many_workspaces import ManyWorkspaces
from bot.slack.members import Members, ask_locale
from bot.slack.messenger import Messenger
from bot.slack.socket import SocketConnection
from bot.slack.web import AppCredentials, SlackClient, is_loopback
from bot.slack.workspaces import OneWorkspace
from bot.storage.accounts import Accounts
from bot.storage.acts import Acts
from bot.storage.audit.journal import Audit
from bot.storage.audit.store import AuditStore
from bot.storage.button_contexts import ButtonContexts
from bot.storage.engine.commands import cannot_start
from bot.storage.engine.database import Database
from bot.storage.engine.location import locate
from bot.storage.engine.migrate import migrate
from bot.storage.executions import Executions
from bot.storage.figures import Figures
from bot.storage.following_messages import FollowingMessages
from bot.storage.homes import Homes
from bot.storage.installations import Installations
from bot.storage.languages import StoredLanguages
from bot.storage.leases import correct_future_times, free_leases
from bot.storage.limits import LimitUses
from bot.storage.link_cards import LinkCards
from bot.storage.link_warnings import LinkWarnings
from bot.storage.message_failures import MessageFailures
from bot.storage.message_slots import MessageSlots
from bot.storage.notifications import Notifications
from bot.storage.oauth_states import OAuthStates
from bot.storage.outdated_messages import OutdatedMessages
from bot.storage.people import PeopleRows
from bot.storage.policies import StoredPolicies
from bot.storage.preferences import Preferences
from bot.storage.readiness import check_database, check_keys_open
from bot.storage.requests import Requests
from bot.storage.reveals.guesses import Guesses
from bot.storage.reveals.memory import RevealMemory
from bot.storage.reveals.recovery import InterruptedReveals
from bot.storage.reveals.store import Reveals
from bot.storage.sealing.changing import rotate
from bot.storage.sealing.key_checks import check_keys
from bot.storage.sealing.key_source import KeySource
from bot.storage.sealing.keyring import KeyRing
from bot.storage.sealing.sealer import Sealer
from bot.storage.share_choices import StoredShareChoices
from bot.storage.shares.deliveries import Deliveries
from bot.storage.shares.recovery import InterruptedShares
from bot.storage.shares.reminders import Reminders
from bot.storage.shares.store import Shares
from bot.storage.tracking.polls import Polls
from bot.storage.tracking.store import Tracking
from bot.storage.workspace_rows import WorkspaceRows
from bot.watch.notifier import Notifier
from bot.watch.single_instance import single_instance_lock
from bot.watch.watcher import Watcher

DRAIN = 8.5  # seconds at shutdown for all tasks; after SIGTERM the process ends within 10
CORRECTION_INTERVAL = 10.0  # seconds between two searches for due times and leases of a clock that was ahead
REMINDERS_INTERVAL = 5.0  # seconds between two looks for reminders that are due
AUDIT_INTERVAL = 3_600.0  # seconds between two searches for entries of the audit that are old enough to be deleted
CUT_OFF = 2.5  # seconds at shutdown for requests that are incomplete or unanswered; aiohttp waits this long twice

log = Log("wiring")


def key_ring(settings: Settings) -> KeyRing | None:
    """The encryption keys from the settings; None if none are set, since keys are never generated here.

    Raises `CannotStart` for a file that cannot be read, keys that are not valid, or two sources at once.
    """
    source = key_source(settings)
    if source.file is not None and source.allow_shared:
        log.warning("key_file_may_be_shared", reason="ALLOW_SHARED_KEY_FILE is set: others may be able to read it")
    return source.read()


def key_source(settings: Settings) -> KeySource:
    """Where the settings say that the encryption keys are."""
    return KeySource(
        file=settings.encryption_keys_file,
        allow_shared=settings.allow_shared_key_file,
        lines=settings.encryption_keys,
        command=settings.encryption_keys_command,
        credentials_directory=settings.credentials_directory,
    )


async def rotate_keys(settings: Settings, batch: int) -> tuple[str, int]:
    """`keys rotate`: what to print, and how many values are left. Raises `CannotStart`."""
    hosts = Hosts(settings.onetime_hosts, settings.onetime_default_host)

    def read_link(link: Secret) -> Secret | None:
        found = read_posted(link, hosts)
        return found.key if isinstance(found, SecretLink) else None

    return await rotate(settings.database_url, key_source(settings).require(), read_link, batch)


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
        raise cannot_start(opened, error) from None
    finally:
        await opened.close()


AnyWorkspaces = OneWorkspace | ManyWorkspaces
MakeWorkspaces = Callable[[Database, Sealer], AnyWorkspaces]


def _workspaces_maker(settings: Settings, slack: SlackClient, tasks: BackgroundTasks) -> MakeWorkspaces:
    """How the places are found where the app is installed: by the one bot token, or in the database."""
    app = _app_credentials(settings)
    if app is None:
        return lambda _db, _sealer: OneWorkspace(slack, settings.slack_app_token)
    return lambda db, sealer: ManyWorkspaces(Installations(db, sealer), slack, app, tasks)


def _app_credentials(settings: Settings) -> AppCredentials | None:
    """What the app is installed with by OAuth; None where it serves one workspace."""
    if settings.slack_client_id is None or settings.slack_client_secret is None:
        return None
    return AppCredentials(settings.slack_client_id, settings.slack_client_secret)


@asynccontextmanager
async def services(
    settings: Settings, hosts: Hosts, make_workspaces: MakeWorkspaces, proxy: ProxyRule, metrics: Metrics | None = None
) -> AsyncIterator[tuple[Services, Messenger, Members, Database, Sealer, AnyWorkspaces]]:
    """The services of the features, the messenger and who is a member, with the open database and its sealer.

    Raises `CannotStart` if the database is not usable, or if its rows were sealed with other keys.
    """
    stamina.instrumentation.set_on_retry_hooks([])  # its default hook logs arguments
    deployment = check_hosts(read_file(settings.policy_file), {one.url for one in hosts.all})
    ring = key_ring(settings)
    metrics = metrics or Metrics()
    onetime = Onetime(proxy=proxy, metrics=metrics)
    memory = RevealMemory()
    async with database(settings) as db:
        try:
            sealer = await check_keys(db, Sealer(ring) if ring else None)
            workspaces = make_workspaces(db, sealer)
            languages = Languages(StoredLanguages(db), partial(ask_locale, workspaces))
            await languages.preload()
            preferences = Preferences(db)
            home_changes = HomeChanges()
            limits = _limits(db, settings)
            policies = Policies(StoredPolicies(db), deployment)
            messenger = Messenger(workspaces, languages.of, preferences.hides_names, home_changes.mark)
            members = Members(workspaces, policies, languages.note)
            audit_store = AuditStore(db, sealer)
            audit = Audit(audit_store if settings.audit_retention_days else None, sealer)
            yield (
                Services(
                    onetime=onetime,
                    hosts=hosts,
                    accounts=Accounts(db, sealer),
                    button_contexts=ButtonContexts(db, sealer),
                    reveals=Reveals(db, sealer, memory=memory),
                    interrupted_reveals=InterruptedReveals(db, sealer, memory=memory),
                    guesses=Guesses(db, sealer),
                    tracking=Tracking(db, sealer),
                    shares=Shares(db, sealer),
                    deliveries=Deliveries(db, sealer),
                    interrupted_shares=InterruptedShares(db, sealer),
                    reminders=Reminders(db, sealer),
                    following_messages=FollowingMessages(db),
                    requests=Requests(db, sealer),
                    limits=limits,
                    acts=Acts(db),
                    audit=audit,
                    message_failures=MessageFailures(db),
                    outdated_messages=OutdatedMessages(db),
                    message_slots=MessageSlots(db),
                    homes=Homes(db),
                    home_changes=home_changes,
                    send=messenger.send,
                    update=messenger.update,
                    delete=messenger.delete,
                    unfurl=messenger.unfurl,
                    update_window=messenger.update_window,
                    publish_home=messenger.publish_home,
                    executions=Executions(db, sealer),
                    permalink=messenger.permalink,
                    complete_step=messenger.complete_step,
                    fail_step=messenger.fail_step,
                    is_member=members.is_member,
                    link_cards=LinkCards(db, sealer),
                    link_warnings=LinkWarnings(db, sealer),
                    people=PeopleRows(db, audit_store),
                    installations=Installations(db, sealer),
                    workspace_rows=WorkspaceRows(db),
                    still_installed=workspaces.still_installed,
                    forget_installation=workspaces.forget,
                    card_queues=CardQueues(count_for_all=limits.count_card_call, note_dropped=metrics.card_dropped),
                    metrics=metrics,
                    policies=policies,
                    unfurl_links=settings.unfurl_links == "on",
                    preferences=preferences,
                    share_choices=StoredShareChoices(db),
                    languages=languages,
                    escrow=settings.reveal_escrow == "on",
                    lives=Lives(settings.share_lives),
                    max_secret_bytes=settings.onetime_max_secret_bytes.default,
                    max_secret_bytes_by_host=secret_sizes(hosts, settings),
                ),
                messenger,
                members,
                db,
                sealer,
                workspaces,
            )
        finally:
            await onetime.aclose()


def secret_sizes(hosts: Hosts, settings: Settings) -> dict[str, int]:
    """Base URL -> bytes, for the hosts that ONETIME_MAX_SECRET_BYTES names. Raises `CannotStart`."""
    sizes: dict[str, int] = {}
    for name, most in settings.onetime_max_secret_bytes.by_host:
        try:
            url = hosts.named(name).url
        except HostNotAllowed:
            raise CannotStart(
                f"ONETIME_MAX_SECRET_BYTES: {name} is not one of the hosts used here. "
                "Add it to ONETIME_HOSTS, or leave it out."
            ) from None
        if url in sizes:
            raise CannotStart("ONETIME_MAX_SECRET_BYTES says two sizes for one host: leave one out.")
        sizes[url] = most
    return sizes


def proxy_rule(settings: Settings, hosts: Hosts) -> ProxyRule:
    """The rule for every outgoing call. Raises `CannotStart`."""
    own = [] if settings.proxy_private_hosts == "on" else [host.url for host in hosts.own]
    rule = ProxyRule(settings.https_proxy, settings.no_proxy, own)
    if rule.host is not None:
        log.info("proxy_used", host=rule.host)
    return rule


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
    workspaces: AnyWorkspaces
    members: Members
    messenger: Messenger
    tasks: BackgroundTasks


@asynccontextmanager
async def assembled(settings: Settings) -> AsyncIterator[Bot]:
    """All parts of a process, with a token that Slack has accepted. Background tasks get `DRAIN` seconds at the end.

    Raises `CannotStart`, also for a host that UNFURL_LINKS cannot serve, and if another process works with the same
    SQLite file: it would take everything that this process has under way for interrupted, and tell people so.
    """
    settings.require_slack()
    hosts = Hosts(settings.onetime_hosts, settings.onetime_default_host)
    if settings.unfurl_links == "on" and not is_loopback(URL(settings.slack_api_url)):
        find_domains(hosts)  # an emulated Slack takes any host
    proxy = proxy_rule(settings, hosts)
    metrics = Metrics()
    slack = SlackClient(settings.slack_bot_token, settings.slack_api_url, proxy, metrics=metrics)
    tasks = BackgroundTasks()
    is_loaded = False
    # What is entered first ends last: another process may begin when this one has closed the database.
    with ExitStack() as single:
        make_workspaces = _workspaces_maker(settings, slack, tasks)
        parts = services(settings, hosts, make_workspaces, proxy, metrics)
        async with parts as (given, messenger, members, db, sealer, workspaces), given.audit.writing():
            try:
                single.enter_context(single_instance_lock(db.where.path))
                await workspaces.load()
                is_loaded = True
                log_failures(settings, db.where.path, slack.scopes, slack.clock_ahead)
                async with _publishing_homes(given, members):
                    yield Bot(settings, db, sealer, given, slack, workspaces, members, messenger, tasks)
            finally:
                count = await tasks.drain()
                if is_loaded:
                    log.info("stopped", count=count)
                await slack.close()


@asynccontextmanager
async def _publishing_homes(services: Services, members: Members) -> AsyncIterator[None]:
    """Keeps the Home tabs of people up to date. What is not drawn at the end is drawn at the next start."""
    publisher = HomePublisher(services, members.require_member, members.may_be_admin)
    publishing = asyncio.create_task(publisher.run())
    try:
        yield
    finally:
        publishing.cancel()
        await asyncio.wait({publishing})


async def serve(settings: Settings, *, watching: bool) -> None:
    """Serve Slack until SIGTERM or SIGINT. With `watching`, the watcher runs in this process too."""
    async with assembled(settings) as bot:
        registry = Registry()
        dispatcher = Dispatcher(
            registry=registry,
            services=bot.services,
            workspaces=bot.workspaces,
            members=bot.members,
            messenger=bot.messenger,
            tasks=bot.tasks,
        )
        app = make_app(dispatcher, bot.slack)
        recovery = Recovery(registry.recoveries, bot.services, registry.resumes)
        async with _listening(bot, app) as mode:
            recovery.start(alone=bot.db.is_sqlite)
            bot.tasks.start(bot.services.card_queues.run())
            async with _watching(bot) if watching else nullcontext():
                log.info("ready", **mode)
                await _wait_for_shutdown()
                bot.services.card_queues.stop()
                bot.tasks.stop_within(DRAIN)
            await recovery.stop()


async def work(settings: Settings) -> None:
    """Run the watcher alone until SIGTERM or SIGINT: any number on PostgreSQL; on SQLite not together with `run`."""
    async with assembled(settings) as bot, _listening_for_admins(bot, Readiness(_checks(bot))), _watching(bot):
        log.info("ready", mode="worker", port=0)
        await _wait_for_shutdown()
        bot.tasks.stop_within(DRAIN)


@asynccontextmanager
async def _watching(bot: Bot) -> AsyncIterator[None]:
    """Runs watcher and notifier side by side. At the end both claim nothing more, and finish what they have claimed."""
    notifications = Notifications(bot.db, bot.sealer)
    watcher = Watcher(bot.services, Polls(bot.db, bot.sealer), bot.settings.watch_every)
    notifier = Notifier(bot.services, notifications)
    if bot.db.is_sqlite:
        await free_leases(bot.db)
    departed = DepartedPeople(bot.workspaces, bot.services.people)
    audit = AuditStore(bot.db, bot.sealer)
    departures = PeriodicTask(departed.check, CHECK_INTERVAL, log, "departed_failed")
    reminders = PeriodicTask(partial(send_due_reminders, bot.services), REMINDERS_INTERVAL, log, "reminders_failed")
    retention = _audit_retention(audit, bot.settings.audit_retention_days)
    parts = (watcher, notifier, reminders, _clock_correction(bot.db), departures, retention)
    for part in parts:
        bot.tasks.start(part.run())
    try:
        yield
    finally:
        for part in parts:
            part.stop()


def _audit_retention(audit: AuditStore, days: int) -> PeriodicTask:
    """Deletes what the audit has kept for long enough."""

    async def purge() -> bool:
        if count := await audit.purge(days):
            log.info("audit_purged", count=count)
        return False

    return PeriodicTask(purge, AUDIT_INTERVAL, log, "audit_not_purged")


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
    settings = bot.settings
    async with AsyncExitStack() as stack:
        socket = None
        if settings.slack_app_token is not None:
            socket = SocketConnection(app, bot.slack, settings.slack_app_token)
            stack.push_async_callback(socket.close)
        readiness = Readiness(_checks(bot, socket))
        server = make_server(
            app if socket is None else None, settings.slack_signing_secret, readiness, _install_pages(bot)
        )
        runner = web.ServerRunner(server, shutdown_timeout=CUT_OFF)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        port = await listen(runner, settings.host, settings.port, setting="PORT")
        await stack.enter_async_context(_listening_for_admins(bot, readiness))
        if socket is not None:
            await socket.start()
        yield {"mode": "http" if socket is None else "socket", "port": port}


def _install_pages(bot: Bot) -> Mapping[str, InstallPage]:
    """The pages by which workspaces install the app; none where it serves one workspace."""
    settings, app = bot.settings, _app_credentials(bot.settings)
    if app is None or not isinstance(bot.workspaces, ManyWorkspaces):
        return {}
    scopes = app_manifest.bot_scopes(unfurl=settings.unfurl_links == "on")
    options = InstallOptions(app=app, scopes=scopes, allowed=frozenset(settings.install_allowed))
    installations = Installations(bot.db, bot.sealer)
    states = OAuthStates(bot.db)
    return Installing(options, bot.slack, settings.slack_api_url, installations, states, bot.workspaces).pages


@asynccontextmanager
async def _listening_for_admins(bot: Bot, readiness: Readiness) -> AsyncIterator[None]:
    """Listens on ADMIN_PORT, if there is one."""
    settings, figures = bot.settings, Figures(bot.db, bot.sealer)

    async def expose() -> bytes:
        return bot.services.metrics.expose(await figures.read())

    if not settings.admin_port:
        yield
        return
    runner = web.ServerRunner(make_admin_server(readiness, expose), shutdown_timeout=CUT_OFF)
    await runner.setup()
    try:
        await listen(runner, settings.admin_host, settings.admin_port, setting="ADMIN_PORT")
        yield
    finally:
        await runner.cleanup()


def _checks(bot: Bot, socket: SocketConnection | None = None) -> ReadinessChecks:
    """What /readyz asks, by the name of the part. Of one workspace the token is what this process needs, too."""

    async def check_token() -> str | None:
        health = bot.slack.health
        return f"Slack refuses the bot token ({health.refused}). {health.fix}" if health.refused else None

    checks: dict[str, Callable[[], Awaitable[str | None]]] = {
        "database": partial(check_database, bot.db, bot.sealer),
        "keys": partial(check_keys_open, bot.db, bot.sealer),
    }
    if not bot.settings.serves_many:
        checks["slack_token"] = check_token
    return checks if socket is None else checks | {"socket_mode": socket.find_failure}


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
