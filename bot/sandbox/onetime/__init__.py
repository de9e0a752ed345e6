"""An emulated Onetime Secret: what servers 0.18 to 0.26 show to their clients, over real HTTP on loopback."""

from bot.sandbox.onetime.faults import Fault
from bot.sandbox.onetime.request_log import Seen
from bot.sandbox.onetime.server import OnetimeServer
from bot.sandbox.onetime.store import Held
from bot.sandbox.onetime.versions import VERSIONS

__all__ = ["VERSIONS", "Fault", "Held", "OnetimeServer", "Seen"]
