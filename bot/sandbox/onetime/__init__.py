"""An emulated Onetime Secret: answers like servers 0.18 to 0.26 do, over real HTTP on loopback."""

from bot.sandbox.onetime.faults import OnetimeFault
from bot.sandbox.onetime.request_log import RequestRecord
from bot.sandbox.onetime.server import OnetimeServer
from bot.sandbox.onetime.store import SecretSnapshot
from bot.sandbox.onetime.versions import VERSIONS

__all__ = ["VERSIONS", "OnetimeFault", "OnetimeServer", "RequestRecord", "SecretSnapshot"]
