"""The differences between server versions, as data: one `Version` for each line of releases.

Every value was seen in exchanges recorded from the release named in `release`. No other module of this package
knows the number of a version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

DAY = 86_400  # seconds
BUCKET_SECONDS = 1_200  # length of a bucket of the rate limits; buckets start at multiples of it

LimitedAction = Literal["create", "secret", "metadata", "burn", "status", "wrong passphrase"]


@dataclass(frozen=True, slots=True)
class Lockout:
    """After `after` wrong passphrases for a secret within `within` seconds, it is locked for `lasts` seconds."""

    after: int = 20
    within: float = 600.0  # seconds
    lasts: float = 1_800.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What one server version does differently from the others."""

    name: str
    release: str  # the release that was recorded

    # --- keys
    key_length: int = 62
    shortkey_length: int = 8  # of `secret_shortkey` in the answer to a burn

    # --- accepted requests
    reads_json: bool = True  # a malformed JSON body is then answered by an empty 400
    reads_any_content_type: bool = True  # a text/plain body is read as a form
    drops_nul: bool = False
    takes_length: bool = True  # /generate has the parameter `length`
    ttl_for_none: int = 60  # seconds, for a ttl of 0, below 0, or no number
    ttl_for_too_short: int = 60  # seconds, for a ttl of 1 to 59
    max_ttl: int = 30 * DAY  # seconds
    max_ttl_anonymous: int = 30 * DAY  # seconds
    min_passphrase_length: int = 4  # characters; 0: no minimum
    max_passphrase_length: int = 128  # characters
    max_size: int | None = 10_000  # in `size_unit`; None: no limit
    size_unit: Literal["bytes", "characters"] = "bytes"
    ignores_bad_recipients: bool = False
    create_works: bool = True
    external_ids: bool = True  # the `ur...` id of an account is accepted as a user name

    # --- refusals
    intended_status: bool = True  # refusals have the header X-OTS-Intended-Status
    shrimp: bool = False  # refusals of a form have the field "shrimp"
    short_key_is_no_route: bool = True  # a key below 20 characters gets {"message": "Not Found"}
    unknown_domain: str = "Unknown domain: "
    unknown_domain_has_shrimp: bool = False
    wrong_burn_passphrase: str = "Double check that passphrase"
    wrong_burn_passphrase_has_shrimp: bool = False
    limited: str = "Rate limit exceeded. Please try again later."
    no_database: Literal["message", "message and shrimp", "empty"] = "empty"

    # --- states
    poll_views: bool = False  # the first poll of the metadata turns new into viewed and returns the text, once
    generated_is_viewed: bool = False
    generated_shows_for: float = 60.0  # seconds in which the first poll returns a generated text; 0: never
    says_expired: bool = True
    says_orphaned: bool = True
    keeps_dead_secret_key: bool = False  # the metadata of an expired or orphaned secret has its secret key
    # Seconds that a secret lives after its first preview (in a browser, or by a wrong passphrase), whatever its
    # ttl was: these versions save the previewed secret without its time to live.
    preview_extends_to: int | None = None

    # --- metadata
    custid_is_caller: bool = True  # `custid` in answers about metadata and burns is the caller; else the owner
    new_names: bool = True  # adds identifier, receipt_ttl, metadata_url and more to the old names
    mask: str = "***"  # hides parts of the addresses of recipients

    # --- routes
    receipt_routes: bool = True  # has /receipt/ with its burn, and the burn of /metadata/
    trailing_slash: bool = False
    recent: Literal["newest first", "oldest first", "broken"] = "oldest first"
    recent_window: float | None = 30 * DAY  # seconds; older secrets are not listed
    v2_receipt_recent: bool = True  # has /api/v2/receipt/recent
    v2_secret_status: bool = True  # has /api/v2/secret/KEY/status
    v2_old: bool = False  # numbers are strings, states have the old names, a refusal is 403
    v2_identifier: bool = True
    v2_source: bool = True
    csrf_header: bool = True

    # --- rate limits
    limits: Mapping[LimitedAction, int] = field(default_factory=dict)  # for one caller in one bucket
    limits_accounts: bool = False  # False: only anonymous callers are limited
    lockout: Lockout | None = None


_V026 = Version(
    name="0.26",
    release="0.26.6",
    max_ttl_anonymous=7 * DAY,
    trailing_slash=True,
    limits={"create": 1_000, "secret": 1_000},
    lockout=Lockout(),
)

_V025 = replace(
    _V026,
    name="0.25",
    release="0.25.11",
    max_ttl_anonymous=30 * DAY,
    size_unit="characters",
    poll_views=True,
    generated_is_viewed=True,
    generated_shows_for=0.0,
    preview_extends_to=7 * DAY,
    trailing_slash=False,
    v2_source=False,
    csrf_header=False,
    lockout=None,
)

_V023 = replace(
    _V025,
    name="0.23",
    release="0.23.6",
    key_length=31,
    shortkey_length=6,
    reads_json=False,
    reads_any_content_type=False,
    drops_nul=True,
    max_ttl=7 * DAY,
    max_ttl_anonymous=7 * DAY,
    min_passphrase_length=8,
    max_size=None,
    ignores_bad_recipients=True,
    create_works=False,
    external_ids=False,
    intended_status=False,
    shrimp=True,
    short_key_is_no_route=False,
    unknown_domain_has_shrimp=True,
    wrong_burn_passphrase_has_shrimp=True,
    limited="Cripes! You have been rate limited.",
    no_database="message and shrimp",
    says_orphaned=False,
    preview_extends_to=None,
    custid_is_caller=False,
    new_names=False,
    mask="*****",
    receipt_routes=False,
    recent="broken",
    recent_window=None,
    v2_old=True,
    limits={
        "create": 1_000,
        "secret": 1_000,
        "metadata": 1_000,
        "burn": 10,
        "status": 10_000,
        "wrong passphrase": 5,
    },
    limits_accounts=True,
)

_V018 = replace(
    _V023,
    name="0.18",
    release="0.18.3",
    drops_nul=False,
    takes_length=False,
    ttl_for_none=7 * DAY,
    ttl_for_too_short=300,
    min_passphrase_length=0,
    create_works=True,
    unknown_domain="Domain not found ",
    unknown_domain_has_shrimp=False,
    wrong_burn_passphrase="An unexpected error occurred :[",
    wrong_burn_passphrase_has_shrimp=False,
    no_database="message",
    says_expired=False,
    keeps_dead_secret_key=True,
    recent="newest first",
    v2_receipt_recent=False,
    v2_secret_status=False,
    v2_identifier=False,
    limits={"create": 1_000, "secret": 1_000, "metadata": 1_000, "status": 25, "wrong passphrase": 5},
)

VERSIONS: Mapping[str, Version] = {each.name: each for each in (_V018, _V023, _V025, _V026)}


def find_version(name: str) -> Version:
    """The version called "0.18", "0.23", "0.25" or "0.26". Raises `ValueError` for any other name."""
    try:
        return VERSIONS[name]
    except KeyError:
        raise ValueError(f"no emulated server version {name!r}; there are {', '.join(VERSIONS)}") from None
