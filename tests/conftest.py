"""What holds for all tests: the bot starts fast, and nobody in the sandbox is in a hurry.

How long the machine takes is no claim of a test, but for the few that say so.
"""

import logging
import os
import sys
from pathlib import Path
from weakref import WeakSet

import pytest
from hypothesis import settings
from xdist.scheduler import WorkStealingScheduling  # type: ignore[import-untyped]

from bot.logs import OUR_LOGGER
from bot.sandbox import bot_process
from bot.sandbox.bot_process import BotProcess
from bot.sandbox.slack.changes import Changes
from bot.sandbox.slack.deliver import ACK_WITHIN, Deliverer
from bot.sandbox.slack.rate_limits import SlackRateLimits
from bot.sandbox.slack.state import TRIGGER_LIVES, WorkspaceState
from tests.support import drawn_screens, every_language, sent_messages
from tests.support.forking import ForkServer
from tests.support.waiting import PATIENCE

# Images of Python often set it. Then each process that a test starts would compile all that it imports anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

USUAL = 120  # seconds; the limit for a test that does not say another
SLOW = 480  # seconds; the least limit of a slow test: four run at once, and each starts many processes
LOG_SHOWN = 4_000  # bytes
_bots: WeakSet[BotProcess] = WeakSet()  #: those of the tests that run, and of worlds that are shared

settings.register_profile("any machine", settings(), deadline=None)  # Hypothesis gives an example 200 ms otherwise
settings.load_profile("any machine")


def pytest_addoption(parser):
    group = parser.getgroup("the look of windows and messages (tests/browser/test_page_layout.py)")
    group.addoption("--sheets", type=Path, help="write contact sheets of all of them into this folder")
    group.addoption(
        "--drawn", type=Path, help="show the screens in this file, which tests/support/drawn_screens.py wrote"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """What may take longer than usual goes first: as the last, it would keep one worker while the other has nothing."""
    items.sort(key=lambda item: not may_take_long(item))
    for item in items:
        if item.get_closest_marker("slow") and limit_of(item) < SLOW:
            item.add_marker(pytest.mark.timeout(SLOW), append=False)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Two for each core: tests wait for processes and clocks for about half of their time."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A module's tests stay together, so that what they share is seldom started on each worker."""
    return WorkStealingScheduling(config, log)


def pytest_runtest_logreport(report):
    """A test that fails is named at once: the end of the run may be minutes away."""
    if report.failed:
        print(f"\nfailed: {report.nodeid}", flush=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that fails shows what its bots logged last. That has no secrets, as test_nothing_leaks.py proves."""
    report = yield
    if report.failed:
        logs = [bytes(one.output[-LOG_SHOWN:]).decode(errors="replace") for one in _bots]
        report.sections += [("Log of a bot", log) for log in logs if log]
    return report


def limit_of(item):
    """In seconds."""
    limit = item.get_closest_marker("timeout")
    return USUAL if limit is None else limit.args[0]


def may_take_long(item):
    return limit_of(item) > USUAL


@pytest.fixture(scope="session")
def cut_texts(tmp_path_factory):
    """The file in which bots that are started fast write what Slack has no room for, in any language."""
    return tmp_path_factory.mktemp("languages") / "cut.txt"


@pytest.fixture(scope="session", autouse=True)
def quick_starts(cut_texts):
    if sys.platform != "linux":
        yield
        return
    server = ForkServer(cut_texts)
    BotProcess.spawn = staticmethod(server.spawn)
    yield
    BotProcess.spawn = staticmethod(bot_process.spawn)
    server.close()


@pytest.fixture
def real_starts(monkeypatch):
    """For tests of the process itself: what it is called, what it imports, how soon it does something."""
    monkeypatch.setattr(BotProcess, "spawn", staticmethod(bot_process.spawn))


@pytest.fixture(scope="session", autouse=True)
def screens_are_kept(tmp_path_factory):
    """What a test draws itself, without a bot, is kept in every language too, if somebody wants to keep it."""
    if drawn_screens.FILE in os.environ:
        drawn_screens.keep()
        every_language.watch_into(tmp_path_factory.mktemp("languages") / "not_looked_at.txt")


@pytest.fixture(autouse=True)
def log_level_is_put_back():
    """A test may run a command in this process, which sets LOG_LEVEL for all tests after it."""
    ours = logging.getLogger(OUR_LOGGER)
    before = ours.level
    yield
    ours.setLevel(before)


@pytest.fixture(scope="session", autouse=True)
def messages_are_looked_at():
    with sent_messages.watched():
        yield


@pytest.fixture(autouse=True)
def no_text_is_cut_in_any_language(cut_texts):
    """Whatever a bot shows in a test has room in Slack in every language, with the longest values."""
    yield
    if cut_texts.exists():
        found = "\n".join(sorted(set(cut_texts.read_text().splitlines())))
        cut_texts.unlink()
        pytest.fail(
            f"Slack has no room for these texts, or a button is read aloud by other words:\n{found}", pytrace=False
        )


@pytest.fixture(autouse=True)
def no_message_makes_slack_act(request):
    """Whatever a test sends, no message unfurls links or makes names live. The emulator's own tests send anything."""
    yield
    found = sent_messages.take()
    assert "sandbox" in request.path.parts or found == []


@pytest.fixture(scope="session", autouse=True)
def patience():
    Changes.patience = Deliverer.ack_within = WorkspaceState.trigger_lives = PATIENCE


@pytest.fixture(scope="session", autouse=True)
def bots_are_known():
    start = BotProcess.start

    async def start_and_note(self):
        _bots.add(self)
        await start(self)

    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(BotProcess, "start", start_and_note)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_rate_limits():
    """Tests do in a second what people do in an hour. Those of Slack's rate limits ask for `slacks_own_limits`."""
    SlackRateLimits.are_on = False


@pytest.fixture
def slacks_own_limits(monkeypatch):
    monkeypatch.setattr(SlackRateLimits, "are_on", True)


@pytest.fixture
def slacks_own_times(monkeypatch):
    """For tests of the emulator: three seconds to acknowledge, and three to use a trigger."""
    monkeypatch.setattr(Deliverer, "ack_within", ACK_WITHIN)
    monkeypatch.setattr(WorkspaceState, "trigger_lives", TRIGGER_LIVES)
