"""The services of a bot without Slack, on a test database."""

from typing import Any

from bot.interaction.card_queue import CardQueues
from bot.interaction.home_changes import HomeChanges
from bot.interaction.languages import Languages
from bot.interaction.limits import Limits
from bot.interaction.policies import Policies
from bot.interaction.services import Services
from bot.onetime.client import Onetime
from bot.onetime.links import Hosts
from bot.storage.accounts import Accounts
from bot.storage.acts import Acts
from bot.storage.audit.journal import Audit
from bot.storage.audit.store import AuditStore
from bot.storage.button_contexts import ButtonContexts
from bot.storage.engine.database import Database
from bot.storage.executions import Executions
from bot.storage.following_messages import FollowingMessages
from bot.storage.homes import Homes
from bot.storage.installations import Installations
from bot.storage.languages import StoredLanguages
from bot.storage.limits import LimitUses
from bot.storage.link_cards import LinkCards
from bot.storage.link_warnings import LinkWarnings
from bot.storage.message_failures import MessageFailures
from bot.storage.message_slots import MessageSlots
from bot.storage.outdated_messages import OutdatedMessages
from bot.storage.people import PeopleRows
from bot.storage.policies import StoredPolicies
from bot.storage.preferences import Preferences
from bot.storage.requests import Requests
from bot.storage.reveals.guesses import Guesses
from bot.storage.reveals.recovery import InterruptedReveals
from bot.storage.reveals.store import Reveals
from bot.storage.sealing.sealer import Sealer
from bot.storage.share_choices import StoredShareChoices
from bot.storage.shares.deliveries import Deliveries
from bot.storage.shares.recovery import InterruptedShares
from bot.storage.shares.reminders import Reminders
from bot.storage.shares.store import Shares
from bot.storage.tracking.store import Tracking
from bot.storage.workspace_rows import WorkspaceRows


async def no_slack(*_arguments: object) -> Any:
    raise AssertionError("nothing is said in Slack here")


def make_services(db: Database, sealer: Sealer, **given: Any) -> Services:
    """Everything that a handler works with. The arguments in `given` replace the usual parts."""
    usual = {
        "onetime": Onetime(),
        "hosts": Hosts(),
        "accounts": Accounts(db, sealer),
        "button_contexts": ButtonContexts(db, sealer),
        "reveals": Reveals(db, sealer),
        "interrupted_reveals": InterruptedReveals(db, sealer),
        "guesses": Guesses(db, sealer),
        "tracking": Tracking(db, sealer),
        "preferences": Preferences(db),
        "languages": Languages(StoredLanguages(db), no_slack),
        "shares": Shares(db, sealer),
        "deliveries": Deliveries(db, sealer),
        "interrupted_shares": InterruptedShares(db, sealer),
        "reminders": Reminders(db, sealer),
        "following_messages": FollowingMessages(db),
        "share_choices": StoredShareChoices(db),
        "requests": Requests(db, sealer),
        "limits": Limits(LimitUses(db)),
        "acts": Acts(db),
        "audit": Audit(AuditStore(db, sealer), sealer),
        "message_failures": MessageFailures(db),
        "outdated_messages": OutdatedMessages(db),
        "message_slots": MessageSlots(db),
        "send": no_slack,
        "update": no_slack,
        "delete": no_slack,
        "unfurl": no_slack,
        "executions": Executions(db, sealer),
        "permalink": no_slack,
        "complete_step": no_slack,
        "fail_step": no_slack,
        "is_member": no_slack,
        "link_cards": LinkCards(db, sealer),
        "link_warnings": LinkWarnings(db, sealer),
        "people": PeopleRows(db),
        "installations": Installations(db, sealer),
        "workspace_rows": WorkspaceRows(db),
        "still_installed": no_slack,
        "forget_installation": lambda _install_team: None,
        "card_queues": CardQueues(),
        "policies": Policies(StoredPolicies(db)),
        "update_window": no_slack,
        "publish_home": no_slack,
        "homes": Homes(db),
        "home_changes": HomeChanges(),
    }
    return Services(**(usual | given))  # type: ignore[arg-type]
