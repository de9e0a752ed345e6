"""How the servers differ, as data: one `Version` for each line of releases that can be chosen.

Every value was seen in exchanges recorded from the release named in `release`, except where a
comment says that it was read in the source. Nothing else in this package knows a version's number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

DAY = 86_400  # seconds
BUCKET = 1_200  # seconds that one count of a rate limit lasts; buckets start at multiples of it

LimitedAction = Literal["create", "secret", "metadata", "burn", "status", "wrong passphrase"]


@dataclass(frozen=True, slots=True)
class Lockout:
    """After so many wrong passphrases for one secret within a time, nothing opens or burns it for a while."""

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

    # --- what it accepts
    reads_json: bool = True  # a body that is no JSON is then a bare 400
    reads_any_content_type: bool = True  # text/plain too is read as a form
    drops_nul: bool = False
    takes_length: bool = True  # generate: the parameter `length`
    ttl_of_nothing: int = 60  # for 0, negative numbers and words; seconds, as the next four
    ttl_of_too_little: int = 60  # for 1 to 59
    ttl_most: int = 30 * DAY
    ttl_most_anonymous: int = 30 * DAY
    passphrase_least: int = 4  # characters; 0 is any
    passphrase_most: int = 128
    size_most: int | None = 10_000
    size_unit: Literal["bytes", "characters"] = "bytes"
    ignores_bad_recipients: bool = False
    create_works: bool = True
    external_ids: bool = True  # an account's `ur...` id is a user name too

    # --- how it says no
    intended_status: bool = True  # adds X-OTS-Intended-Status
    shrimp: bool = False  # adds "shrimp" to errors of a form
    short_key_is_no_route: bool = True  # a key below 20 characters: {"message": "Not Found"}
    unknown_domain: str = "Unknown domain: "
    unknown_domain_has_shrimp: bool = False
    wrong_burn_passphrase: str = "Double check that passphrase"
    wrong_burn_passphrase_has_shrimp: bool = False
    limited: str = "Rate limit exceeded. Please try again later."
    no_database: Literal["message", "message and shrimp", "empty"] = "empty"

    # --- states
    poll_views: bool = False  # the first metadata poll makes new viewed and hands out the text, once
    generated_is_viewed: bool = False
    generated_shows_for: float = 60.0  # seconds that a poll hands out a generated text, once; 0 never
    says_expired: bool = True
    says_orphaned: bool = True
    keeps_dead_secret_key: bool = False  # metadata of an expired or orphaned secret
    # The first look at a secret, in a browser or with a wrong passphrase, gives it this many seconds
    # from then on, whatever ttl it had: the server saves it without a time to live.
    look_prolongs_to: int | None = None

    # --- what it shows
    custid_is_caller: bool = True  # in metadata and burn answers; else the owner
    new_names: bool = True  # identifier, receipt_ttl, metadata_url ... beside the old names
    mask: str = "***"  # in obscured recipients

    # --- routes
    receipt_routes: bool = True  # /receipt/ beside /private/ and /metadata/, and their burns
    trailing_slash: bool = False
    recent: Literal["newest first", "oldest first", "broken"] = "oldest first"
    recent_window: float | None = 30 * DAY  # seconds back, by creation
    v2_receipt_recent: bool = True  # /api/v2/receipt/recent beside /api/v2/private/recent
    v2_old: bool = False  # numbers as strings, the old words, 403
    v2_identifier: bool = True
    v2_source: bool = True
    csrf_header: bool = True

    # --- limits, in 20-minute buckets
    limits: Mapping[LimitedAction, int] = field(default_factory=dict)  # per caller, in one bucket
    limits_accounts: bool = False  # else only anonymous callers
    lockout: Lockout | None = None


_V026 = Version(
    name="0.26",
    release="0.26.6",
    ttl_most_anonymous=7 * DAY,
    trailing_slash=True,
    limits={"create": 1_000, "secret": 1_000},
    lockout=Lockout(),
)

_V025 = replace(
    _V026,
    name="0.25",
    release="0.25.11",
    ttl_most_anonymous=30 * DAY,
    size_unit="characters",
    poll_views=True,
    generated_is_viewed=True,
    generated_shows_for=0.0,
    look_prolongs_to=7 * DAY,
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
    ttl_most=7 * DAY,
    ttl_most_anonymous=7 * DAY,
    passphrase_least=8,
    size_most=None,
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
    look_prolongs_to=None,
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
    ttl_of_nothing=7 * DAY,
    ttl_of_too_little=300,
    passphrase_least=0,
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
    v2_identifier=False,
    limits={"create": 1_000, "secret": 1_000, "metadata": 1_000, "status": 25, "wrong passphrase": 5},
)

VERSIONS: Mapping[str, Version] = {each.name: each for each in (_V018, _V023, _V025, _V026)}


def version_named(name: str) -> Version:
    """The version called "0.18", "0.23", "0.25" or "0.26". Raises `ValueError` for any other name."""
    try:
        return VERSIONS[name]
    except KeyError:
        raise ValueError(f"no emulated server version {name!r}; there are {', '.join(VERSIONS)}") from None
