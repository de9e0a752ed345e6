"""Every recorded answer of four real servers, read by the reader of its call.

What is expected is derived here from the observed rules (status and sentence), not by asking the code.
`recorded/*.ndjson` holds one exchange a line; some lines hold only what changed in a series of requests
(`response_changes`) or what mattered of a list (`body_of_interest`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.errors import (
    HostUnavailable,
    NotAuthorized,
    OnetimeError,
    RateLimited,
    Refused,
    SecretGone,
    WrongPassphrase,
)
from bot.onetime import wire
from bot.onetime.wire import GeneratedSecret, Metadata, SecretState, SharedSecret
from bot.secret import Secret
from tests.support.rows import each_row

RECORDED = Path(__file__).parent / "recorded"
VERSIONS = ("v0.18.3", "v0.23.6", "v0.25.11", "v0.26.6")

READERS: dict[str, Callable[..., Any]] = {
    "reveal": wire.read_reveal,
    "metadata": wire.read_metadata,
    "burn": wire.read_burn,
    "recent": wire.read_recent,
    "recent_v2": wire.read_recent_v2,
    "authcheck": wire.read_authcheck,
    "status": wire.read_status,
    "secret_status": wire.read_secret_status,
    "share": wire.read_share,
    "generate": wire.read_generate,
}
CALLS = (  # the first that fits
    ("POST", r"/api/v1/(private|metadata|receipt)/recent", "metadata"),  # there "recent" is taken for a key
    ("GET", r"/api/v1/(private|metadata|receipt)/recent", "recent"),
    ("GET", r"/api/v2/(private|receipt)/recent", "recent_v2"),
    (".*", r"/api/v1/(private|metadata|receipt)/[^/]+/burn", "burn"),
    (".*", r"/api/v1/(private|metadata|receipt)/.*", "metadata"),
    (".*", r"/api/v1/secret/.*", "reveal"),
    ("GET", r"/api/v2/secret/[^/]+/status", "secret_status"),
    (".*", r"/api/v1/(share|create)(\?.*)?", "share"),
    (".*", r"/api/v1/(generate|authcheck|status|nope)", r"\1"),
)
SERIES = {
    "ratelimit-authcheck": "authcheck",
    "ratelimit-burn-own-secrets": "burn",
    "ratelimit-metadata-polls-auth": "metadata",
    "ratelimit-recent-polls-auth": "recent",
    "ratelimit-secret-unknown-anon": "reveal",
    "ratelimit-share-anon": "share",
    "ratelimit-share-auth": "share",
    "ratelimit-wrong-passphrase-same-secret": "reveal",
}
MEANINGS: dict[str, type[OnetimeError]] = {
    "Not authorized": NotAuthorized,
    "Unknown secret": SecretGone,
    "Double check that passphrase": WrongPassphrase,
    "Cripes! You have been rate limited.": RateLimited,
    "Rate limit exceeded. Please try again later.": RateLimited,
    "You did not provide anything to share": Refused,
    "An account is required to send emails.": Refused,
    "Incorrect payload format": Refused,
    "Passphrase must be at least 8 characters long": Refused,
    "Passphrase must be at least 4 characters long": Refused,
    "Unknown domain: other.example.com": Refused,
    "Domain not found other.example.com": Refused,
    "Undeliverable email address: not an address": Refused,
    "Secret value exceeds the maximum size of 10000 bytes": Refused,
    "Secret value exceeds the maximum size of 10000 characters": Refused,
}
STATES = {
    "new": SecretState.NEW,
    "viewed": SecretState.VIEWED,
    "previewed": SecretState.VIEWED,
    "received": SecretState.RECEIVED,
    "revealed": SecretState.RECEIVED,
    "burned": SecretState.BURNED,
    "expired": SecretState.EXPIRED,
    "orphaned": SecretState.ORPHANED,
}
DROPPED = ("value", "secret_value", "secret_key", "secret_identifier")


@dataclass(frozen=True)
class Recorded:
    version: str
    name: str
    call: str
    status: int
    headers: dict[str, str]
    said: Any

    @property
    def body(self) -> bytes:
        return self.said.encode() if isinstance(self.said, str) else json.dumps(self.said).encode()

    def read(self) -> Any:
        return READERS[self.call](self.status, self.headers, self.body)

    def __str__(self) -> str:
        return f"{self.version}-{self.name}"


def lines(version: str) -> list[dict[str, Any]]:
    with (RECORDED / f"{version}.ndjson").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def call_of(method: str, path: str) -> str | None:
    for methods, paths, call in CALLS:
        match = re.fullmatch(paths, path)
        if match and re.fullmatch(methods, method):
            return match.expand(call)
    return None


def exchanges(entry: dict[str, Any]) -> Iterator[Recorded]:
    """The answers in one line of a recording, each for the call whose reader gets it. None for calls never made."""
    version, name = entry["version"], entry["name"]
    for number, change in enumerate(entry.get("response_changes", ())):
        if change["body"] != "(normal body)":
            yield Recorded(
                version, f"{name}-{number}", SERIES[name], change["status"], change["headers"], change["body"]
            )
    if "request" not in entry:
        return
    response, call = entry["response"], call_of(entry["request"]["method"], entry["request"]["path"])
    said = response["body_of_interest"] if "body_of_interest" in response else response["body"]
    if "body_of_interest" in response and response["status"] == 200:
        # Short keys stand for the whole ones, which the recording left out.
        said = [{"metadata_key": key.ljust(31, "0"), **seen} for key, seen in said.items() if seen != "ABSENT"]
    for each in READERS if call == "nope" else (call,):
        if each is not None:
            yield Recorded(version, name, each, response["status"], response["headers"], said)


ALL = [answer for version in VERSIONS for entry in lines(version) for answer in exchanges(entry)]


def meaning(answer: Recorded) -> type[OnetimeError] | None:
    """What it must be read as, by the rules that were observed; None for a success."""
    said = answer.said if isinstance(answer.said, dict) else {}
    if answer.status == 200:
        return None if answer.said != "" else HostUnavailable
    if answer.status in {401, 403}:
        return NotAuthorized  # API v2: 401 since 0.24, 403 before
    if answer.status != 404:
        return HostUnavailable
    return MEANINGS.get(said.get("message", ""), HostUnavailable)


def only(call: str, *, succeeded: bool | None = None) -> list[Any]:
    chosen = [a for a in ALL if a.call == call and (succeeded is None or (meaning(a) is None) == succeeded)]
    return [pytest.param(a, id=str(a)) for a in chosen]


def by_name(version: str, name: str) -> Recorded:
    return next(a for a in ALL if a.version == version and a.name == name and a.call != "recent_v2")


def texts(found: object) -> str:
    """Everything that a result holds, also what it would hide."""
    if isinstance(found, list):
        return " ".join(map(texts, found))
    if isinstance(found, Secret):
        return found.reveal()
    if isinstance(found, Metadata | SharedSecret | GeneratedSecret):
        return " ".join(texts(getattr(found, each.name)) for each in fields(found))
    return repr(found)


def test_the_recordings_are_all_there() -> None:
    counted = {version: len(lines(version)) for version in VERSIONS}

    assert counted == {"v0.18.3": 221, "v0.23.6": 257, "v0.25.11": 242, "v0.26.6": 256}


def test_only_v2_calls_that_the_client_never_makes_are_left_out() -> None:
    left_out = {e["request"]["path"] for v in VERSIONS for e in lines(v) if "request" in e and not list(exchanges(e))}

    assert left_out
    assert all(re.match(r"/api/v2/(?!(private|receipt)/recent$)", path) for path in left_out)


@each_row("answer", [pytest.param(a, id=f"{a}-{a.call}") for a in ALL if meaning(a) is not None])
def test_an_error_is_read_as_what_it_means(answer: Recorded) -> None:
    with pytest.raises(OnetimeError) as caught:
        answer.read()

    error, expected = caught.value, meaning(answer)
    assert expected is not None
    assert isinstance(error, expected)
    assert isinstance(error, HostUnavailable) == (expected is HostUnavailable)
    assert not re.search(r"[0-9a-z]{31}", f"{error} {error!r} {error.tell}")


@each_row("answer", only("reveal", succeeded=True))
def test_a_revealed_secret_is_exactly_what_was_sent(answer: Recorded) -> None:
    secret = answer.read()

    assert secret.reveal() == answer.said["value"]
    assert repr(secret) == "[hidden]"


@each_row("answer", only("metadata", succeeded=True))
def test_metadata_says_what_the_server_said(answer: Recorded) -> None:
    found = answer.read()

    said = answer.said
    assert found.key.reveal() == said["metadata_key"]
    assert found.state is STATES[said["state"]]
    assert found.created == datetime.fromtimestamp(said["created"], UTC)
    assert found.updated == datetime.fromtimestamp(said["updated"], UTC)
    assert (found.received is not None) == (said["state"] == "received")
    assert found.ttl == said["ttl"]
    assert found.secret_ttl == said.get("secret_ttl")
    assert found.passphrase_required is said.get("passphrase_required")
    assert list(found.recipients) == said["recipient"]


@each_row("answer", [*only("recent", succeeded=True), *only("recent_v2", succeeded=True)])
def test_a_list_has_every_secret_once_and_the_newest_first(answer: Recorded) -> None:
    found = answer.read()

    entries = answer.said["records"] if answer.call == "recent_v2" else answer.said
    states = {e.get("metadata_key") or e["key"]: STATES[e["state"]] for e in entries}
    assert {m.key.reveal(): m.state for m in found} == states
    assert len(found) == len(states)
    created = [m.created for m in found if m.created is not None]
    assert created == sorted(created, reverse=True)
    assert not any(m.secret_missing for m in found)
    if answer.call == "recent_v2":
        assert {m.ttl for m in found} == {int(e["secret_ttl"]) for e in entries}
        assert {m.passphrase_required for m in found} == {e["has_passphrase"] for e in entries}


@each_row("answer", [p for call in ("metadata", "recent", "recent_v2", "burn") for p in only(call, succeeded=True)])
def test_what_opens_or_is_the_secret_is_dropped(answer: Recorded) -> None:
    found = answer.read()

    # Of one secret what opens it is kept, as a `SecretKey`: what is tracked is found by it.
    kept = {found.secret_key.reveal()} if answer.call == "metadata" and found.secret_key else set()
    dropped = {v for k, v in pairs(answer.said) if k in DROPPED and isinstance(v, str) and v} - kept
    everything = texts(found if not kept else replace(found, secret_key=None))
    assert not [text for text in dropped if text in everything]
    assert not [text for text in kept if text in repr(found)]


def test_what_opens_a_secret_is_named_until_it_is_opened() -> None:
    named = {found.state for p in only("metadata", succeeded=True) if (found := p.values[0].read()).secret_key}

    assert named <= {SecretState.NEW, SecretState.VIEWED}
    assert named


def pairs(said: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(said, dict):
        yield from said.items()
    for inner in said.values() if isinstance(said, dict) else said if isinstance(said, list) else ():
        yield from pairs(inner)


def test_the_recordings_do_hold_what_must_be_dropped() -> None:
    held = {
        k for call in ("metadata", "recent_v2") for p in only(call, succeeded=True) for k, _ in pairs(p.values[0].said)
    }

    assert held >= set(DROPPED)


@each_row("answer", only("burn", succeeded=True))
def test_a_burn_that_succeeded_says_nothing_more(answer: Recorded) -> None:
    answer.read()

    assert answer.said["state"]["state"] in {"new", "viewed"}  # as stale as on every version


@each_row("answer", only("share", succeeded=True))
def test_a_shared_secret_has_its_keys(answer: Recorded) -> None:
    made = answer.read()

    assert made.secret_key.reveal() == answer.said["secret_key"]
    assert made.metadata_key.reveal() == answer.said["metadata_key"]
    assert made.ttl == answer.said["ttl"]
    assert made.passphrase_required is answer.said["passphrase_required"]
    assert list(made.recipients) == answer.said["recipient"]
    assert answer.said["secret_key"] not in repr(made)


@each_row("answer", only("generate", succeeded=True))
def test_a_generated_secret_has_its_keys_and_its_value(answer: Recorded) -> None:
    made = answer.read()

    assert made.secret_key.reveal() == answer.said["secret_key"]
    assert made.metadata_key.reveal() == answer.said["metadata_key"]
    assert made.value.reveal() == answer.said["value"]
    assert answer.said["value"] not in repr(made)


@each_row("answer", [*only("authcheck", succeeded=True), *only("status", succeeded=True)])
def test_a_server_that_is_well_passes(answer: Recorded) -> None:
    answer.read()


ENDS = {
    "metadata-received": SecretState.RECEIVED,
    "metadata-after-owner-retrieval": SecretState.RECEIVED,
    "metadata-burned": SecretState.BURNED,
    "metadata-after-expiry": SecretState.EXPIRED,
    "metadata-after-expiry-again": SecretState.EXPIRED,
    "orphan-metadata-1": SecretState.ORPHANED,  # not recorded from 0.25
    "orphan-metadata-2": SecretState.ORPHANED,
}


@each_row("answer", [pytest.param(a, id=str(a)) for a in ALL if a.name in ENDS])
def test_the_end_of_a_secret_is_told_alike_on_all_versions(answer: Recorded) -> None:
    found = answer.read()

    seen_at = found.updated
    assert found.state_at(seen_at) is ENDS[answer.name]
    assert found.state_at(seen_at).is_over


@pytest.mark.parametrize("version", [v for v in VERSIONS if v != "v0.23.6"])
def test_a_list_that_still_says_new_is_expired_by_the_clock(version: str) -> None:
    before = by_name(version, "recent-after-expiry-before-metadata-poll").said

    found = wire.read_recent(200, {}, json.dumps([{**e, "created": e["updated"], "ttl": 60} for e in before]).encode())

    assert {m.state for m in found} == {SecretState.NEW}
    after = [m.state_at(m.expires_at) for m in found if m.expires_at]
    assert after == [SecretState.EXPIRED] * 2


@pytest.mark.parametrize(
    "name", ["recent-empty", "recent-after", "recent-metadata-alias", "ratelimit-recent-polls-auth-0"]
)
def test_the_list_that_0_23_has_lost_is_told_from_other_trouble(name: str) -> None:
    with pytest.raises(wire.UnrecognizedAnswer):
        by_name("v0.23.6", name).read()


@each_row("answer", [pytest.param(a, id=f"{a}-{a.call}") for a in ALL if a.status == 404])
def test_a_404_never_means_received(answer: Recorded) -> None:
    with pytest.raises(OnetimeError) as caught:
        answer.read()

    said = answer.said if isinstance(answer.said, dict) else {}
    assert isinstance(caught.value, SecretGone) == (said.get("message") == "Unknown secret")
