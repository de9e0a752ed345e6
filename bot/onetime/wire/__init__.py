"""The v1 API as values: requests to send, answers to read. No I/O happens here.

Source: docs.onetimesecret.com (REST API v1), and answers recorded from servers 0.18 to 0.26, which differ. Almost every
error is a 404, so every `read_*` function reads the body. Each takes the status, the headers (names in lower case, or a
mapping that ignores case) and the whole body, and raises errors of bot/errors.py. Their texts do not quote the body.
"""

from bot.onetime.wire.answers import (
    GeneratedSecret,
    SharedSecret,
    read_authcheck,
    read_burn,
    read_generate,
    read_reveal,
    read_share,
    read_status,
)
from bot.onetime.wire.metadata import (
    Entry,
    Metadata,
    SecretState,
    SecretStatus,
    fingerprint,
    read_entries,
    read_entries_v2,
    read_metadata,
    read_owned,
    read_owned_v2,
    read_recent,
    read_recent_v2,
    read_secret_status,
)
from bot.onetime.wire.recipients import can_be_of, is_address
from bot.onetime.wire.refusals import (
    AccountsOff,
    NotRetryable,
    Redirected,
    RefusedByProxy,
    UnexpectedError,
    UnrecognizedAnswer,
)
from bot.onetime.wire.requests import ApiRequest, basic

__all__ = [
    "AccountsOff",
    "ApiRequest",
    "Entry",
    "GeneratedSecret",
    "Metadata",
    "NotRetryable",
    "Redirected",
    "RefusedByProxy",
    "SecretState",
    "SecretStatus",
    "SharedSecret",
    "UnexpectedError",
    "UnrecognizedAnswer",
    "basic",
    "can_be_of",
    "fingerprint",
    "is_address",
    "read_authcheck",
    "read_burn",
    "read_entries",
    "read_entries_v2",
    "read_generate",
    "read_metadata",
    "read_owned",
    "read_owned_v2",
    "read_recent",
    "read_recent_v2",
    "read_reveal",
    "read_secret_status",
    "read_share",
    "read_status",
]
