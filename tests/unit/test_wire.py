"""The API's answers beyond those that were recorded: the whole error table, and fields that are nonsense."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import (
    HostUnavailable,
    NotAuthorized,
    NothingDone,
    OnetimeError,
    RateLimited,
    Refused,
    SecretGone,
    WrongPassphrase,
)
from bot.onetime import wire
from bot.onetime.wire import Metadata, SecretState, fingerprint, read_owned, read_owned_v2
from bot.secret import MetadataKey, SecretKey
from tests.support.english import english
from tests.support.rows import each_row

KEY = "3kq7v0p9x2m5n8b1c4z6a7s9d0f2g3h"
OTHER = "9z8y7x6w5v4u3t2s1r0q9p8o7n6m5l4"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
THEN = int(NOW.timestamp())
READERS = {
    "reveal": wire.read_reveal,
    "metadata": wire.read_metadata,
    "burn": wire.read_burn,
    "recent": wire.read_recent,
    "recent of v2": wire.read_recent_v2,
    "owned": wire.read_owned,
    "authcheck": wire.read_authcheck,
    "status": wire.read_status,
    "share": wire.read_share,
    "generate": wire.read_generate,
}
ABOUT_A_SECRET = ("reveal", "metadata", "burn")


def body(said: Any) -> bytes:
    return said if isinstance(said, bytes) else json.dumps(said).encode()


def error(call: str, status: int, said: Any, **headers: str) -> OnetimeError:
    with pytest.raises(OnetimeError) as caught:
        READERS[call](status, {name.replace("_", "-"): text for name, text in headers.items()}, body(said))
    return caught.value


def metadata(**fields: Any) -> Metadata:
    said = {"metadata_key": KEY, "state": "new", "created": THEN, "updated": THEN, "ttl": 3600, "secret_ttl": 3600}
    return wire.read_metadata(200, {}, body({**said, **fields}))


# --- the error table


@each_row("call", READERS)
@each_row("status", [400, 404, 422])
def test_not_authorized_is_in_the_body_or_in_the_status_that_is_meant(call: str, status: int) -> None:
    assert type(error(call, status, {"message": "Not authorized"})) is NotAuthorized
    assert type(error(call, status, {"message": "Pas autorisé"}, x_ots_intended_status="401")) is NotAuthorized
    assert type(error(call, 401, {"error": "Authentication Required"})) is NotAuthorized


@each_row("call", READERS)
@each_row(
    "said",
    [
        {"message": "Cripes! You have been rate limited."},
        {"message": "Rate limit exceeded. Please try again later."},
        {"message": "Rate limit exceeded. Please try again later.", "secret_key": KEY},
    ],
)
def test_a_rate_limit_is_in_the_body(call: str, said: Any) -> None:
    assert type(error(call, 404, said)) is RateLimited


@each_row("call", READERS)
@each_row("said", [b"", b"<html>", {"message": "slow down"}])
def test_429_is_a_rate_limit_whatever_the_body(call: str, said: Any) -> None:
    assert type(error(call, 429, said)) is RateLimited


@pytest.mark.parametrize("call", READERS)
def test_gone_is_said_only_of_a_secret_that_was_asked_for(call: str) -> None:
    for said in ({"message": "Unknown secret"}, {"message": "Secret inconnu", "secret_key": KEY}):
        found = error(call, 404, said)

        assert isinstance(found, SecretGone) == (call in ABOUT_A_SECRET)


@each_row("call", ABOUT_A_SECRET)
@each_row(
    ("status", "said"),
    [
        (404, {"message": "Not Found"}),
        (404, {"error": "Not Found"}),
        (404, {"message": "An unexpected error occurred :[", "secret_key": KEY}),
        (404, {"message": "An error occurred :["}),
        (404, {"message": "We'll be back shortly!"}),
        (404, {"message": None, "secret_key": None}),
        (404, {"message": ["Unknown secret"]}),
        (404, "Unknown secret"),
        (404, b"Unknown secret"),
        (404, b""),
        (404, b'{"message":"Unknown secret"'),
        (400, {"message": "Unknown secret"}),
        (403, {"message": "Unknown secret"}),
        (410, b""),
        (500, {"message": "Unknown secret", "secret_key": KEY}),
        (503, {"message": "Unknown secret", "secret_key": KEY}),
        (200, {"message": "Unknown secret", "secret_key": KEY}),
        (204, b""),
        (302, b""),
    ],
)
def test_nothing_else_means_gone(call: str, status: int, said: Any) -> None:
    if call == "burn" and status == 200:
        return  # there 200 alone means burned

    assert isinstance(error(call, status, said), HostUnavailable)


@each_row("call", READERS)
@each_row("status", [201, 204, 500, 502, 503, 999])
@each_row("message", ["Not authorized", "Unknown secret", "Rate limit exceeded", "A field is wrong"])
def test_what_a_broken_server_says_is_not_believed(call: str, status: int, message: str) -> None:
    assert type(error(call, status, {"message": message, "secret_key": KEY})) is HostUnavailable


@pytest.mark.parametrize("call", READERS)
def test_accounts_switched_off_is_told_as_such(call: str) -> None:
    found = error(call, 404, {"message": "/api/v1/authcheck is not available"})

    assert type(found) is wire.AccountsOff
    assert "accounts" in english(found.tell)


@pytest.mark.parametrize(
    ("said", "headers"),
    [
        ({"message": "Double check that passphrase"}, {}),
        ({"message": "Double check that passphrase", "shrimp": "x" * 50}, {}),
        ({"message": "Überprüfe die Passphrase", "shrimp": "x" * 50}, {}),
        ({"message": "Überprüfe die Passphrase"}, {"x_ots_intended_status": "400"}),
    ],
)
def test_a_wrong_passphrase_for_burning_is_known_in_any_language(said: Any, headers: dict[str, str]) -> None:
    assert type(error("burn", 404, said, **headers)) is WrongPassphrase


@pytest.mark.parametrize(
    ("said", "headers"),
    [
        ({"message": "An unexpected error occurred :["}, {}),
        ({"message": "An unexpected error occurred :[", "shrimp": "x" * 50}, {}),
        ({"message": "An unexpected error occurred :["}, {"x_ots_intended_status": "400"}),
        ({"message": "Quelque chose"}, {}),
        ({"shrimp": "x" * 50}, {}),
    ],
)
def test_a_lockout_or_trouble_is_not_a_wrong_passphrase(said: Any, headers: dict[str, str]) -> None:
    assert isinstance(error("burn", 404, said, **headers), wire.UnrecognizedAnswer)


@pytest.mark.parametrize(
    ("intended", "shrimp", "may_be_locked", "may_be_wrong_passphrase"),
    [
        ("400", {}, True, False),
        ("500", {}, False, False),
        ("", {}, False, True),
        ("", {"shrimp": "x"}, False, False),
        ("400", {"shrimp": "x"}, True, False),
    ],
)
def test_what_an_unexpected_error_may_mean_is_in_its_header_and_its_fields(
    intended: str, shrimp: dict[str, str], may_be_locked: bool, may_be_wrong_passphrase: bool
) -> None:
    said = {"message": "An unexpected error occurred :[", **shrimp}

    found = error("burn", 404, said, x_ots_intended_status=intended)

    assert isinstance(found, wire.UnexpectedError)
    assert found.may_be_locked is may_be_locked
    assert found.may_be_wrong_passphrase is may_be_wrong_passphrase


@pytest.mark.parametrize("status", [405, 411, 413, 414, 417, 421, 431])
def test_what_a_proxy_refuses_is_told_as_that_and_as_too_large_where_it_is(status: int) -> None:
    found = error("share", status, b"<html>")

    assert isinstance(found, NothingDone)
    assert f"HTTP {status}" in english(found.tell)
    assert ("as too large" in english(found.tell)) == (status == 413)
    assert str(found) == f"{status}, refused by a proxy"


def test_an_error_names_its_status_for_the_log() -> None:
    assert str(error("recent", 401, {"message": "Not authorized"})) == "401, not authorized"
    assert str(error("share", 404, {"message": "You did not provide anything to share"})) == "404, a field refused"


@pytest.mark.parametrize("message", ["Cripes! You have been rate limited.", "Rate limit exceeded."])
def test_a_rate_limit_in_the_body_has_the_wait_that_the_host_asks_for(message: str) -> None:
    found = error("reveal", 404, {"message": message}, retry_after="30")

    assert isinstance(found, RateLimited)
    assert found.retry_after == 30.0


@pytest.mark.parametrize("call", ["share", "generate"])
def test_a_refused_field_keeps_the_servers_sentence_and_shows_it_nowhere_else(call: str) -> None:
    found = error(call, 404, {"message": "Unknown domain: canary"})

    assert isinstance(found, Refused)
    assert found.reason == "Unknown domain: canary"
    assert "canary" not in f"{found} {found!r} {english(found.tell)}"


@pytest.mark.parametrize("call", [call for call in READERS if call not in {"share", "generate", "authcheck"}])
def test_a_sentence_that_is_in_no_row_is_trouble(call: str) -> None:
    assert isinstance(error(call, 404, {"message": "Quelque chose"}), HostUnavailable)


@pytest.mark.parametrize("call", ["authcheck", "status"])
@pytest.mark.parametrize("said", [{}, {"status": "degraded"}, {"status": None}, [], b"<html>", {"locale": "en"}])
def test_only_nominal_is_well(call: str, said: Any) -> None:
    assert isinstance(error(call, 200, said), HostUnavailable)


@each_row(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": "30"}, 30.0),
        ({"retry_after": " 30 "}, 30.0),
        ({"retry_after": "0"}, 0.0),
        ({"retry_after": "-5"}, 0.0),
        ({"retry_after": "1000000000"}, 900.0),
        ({"retry_after": "9" * 5000}, 900.0),
        ({"retry_after": "1e9"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "٣٠"}, None),
        ({"retry_after": ""}, None),
        ({"retry_after": format_datetime(NOW + timedelta(seconds=90)), "date": format_datetime(NOW)}, 90.0),
        ({"retry_after": format_datetime(NOW - timedelta(days=1)), "date": format_datetime(NOW)}, 0.0),
        ({"retry_after": "Fri, 31 Dec 9999 23:59:59 GMT"}, 900.0),
        ({"retry_after": "Thu, 26 Nov 2026 20:01:00 +0200", "date": "Thu, 26 Nov 2026 18:00:00 GMT"}, 60.0),
        ({"retry_after": "Thu, 26 Nov 2026 18:01:00 -0000", "date": "Thu, 26 Nov 2026 18:00:00 GMT"}, 60.0),
        ({"retry_after": "Fri, 31 Dec 1999 23:59:59 -0000"}, 0.0),
        ({"retry_after": "Fri, 99 Dec 1999"}, None),
    ],
)
def test_the_wait_that_a_host_asks_for_is_bounded(headers: dict[str, str], seconds: float | None) -> None:
    found = error("recent", 429, b"", **headers)

    assert isinstance(found, RateLimited)
    assert found.retry_after == seconds


@each_row(
    ("location", "fix"),
    [
        ("https://new.example.com/", "set ONETIME_HOSTS to `https://new.example.com`"),
        ("", "write its right address into ONETIME_HOSTS"),
    ],
)
def test_a_redirect_says_that_nothing_was_done_and_where_it_leads(location: str, fix: str) -> None:
    found = error("recent", 301, b"", location=location)

    assert isinstance(found, NothingDone)
    assert fix in english(found.tell)


# --- states and fields


@each_row(
    ("word", "state"),
    [
        ("new", SecretState.NEW),
        ("shared", SecretState.NEW),
        ("viewed", SecretState.VIEWED),
        ("previewed", SecretState.VIEWED),
        ("received", SecretState.RECEIVED),
        ("revealed", SecretState.RECEIVED),
        ("burned", SecretState.BURNED),
        ("expired", SecretState.EXPIRED),
        ("orphaned", SecretState.ORPHANED),
        ("weird", SecretState.UNKNOWN),
        ("", SecretState.UNKNOWN),
        ("RECEIVED", SecretState.UNKNOWN),
        (None, SecretState.UNKNOWN),
        (7, SecretState.UNKNOWN),
        (["received"], SecretState.UNKNOWN),
        ({"state": "received"}, SecretState.UNKNOWN),
    ],
)
def test_each_word_for_a_state_has_one_meaning(word: Any, state: SecretState) -> None:
    assert metadata(state=word).state is state


def test_only_four_states_are_over() -> None:
    over = {state for state in SecretState if state.is_over}

    assert over == {SecretState.RECEIVED, SecretState.BURNED, SecretState.EXPIRED, SecretState.ORPHANED}
    assert not {state for state in SecretState if state.is_over and state.is_open}


@each_row(
    ("sent", "read"),
    [
        *[(3600, 3600), ("3600", 3600), (3600.9, 3600), ("3600.0", 3600), (0, 0), (-1, None), ("-1", None)],
        *[(None, None), ("", None), ("soon", None), (10**12, None), (1e300, None), (True, None), ([3600], None)],
        *[("9" * 400, None), ("nan", None), ("inf", None), ({}, None)],
    ],
)
def test_a_lifetime_is_a_sane_number_or_unknown(sent: Any, read: int | None) -> None:
    assert metadata(ttl=sent).ttl == read


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (THEN, NOW),
        (str(THEN), NOW),
        (THEN + 0.75, NOW),
        (THEN + 10**9, NOW + timedelta(seconds=10**9)),
        (1, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
        (0, None),
        ("", None),
        (-1, None),
        (10**15, None),
        (None, None),
        ("yesterday", None),
    ],
)
def test_a_time_is_aware_and_sane_or_unknown(sent: Any, read: datetime | None) -> None:
    found = metadata(created=sent, updated=sent, received=sent)

    assert (found.created, found.updated, found.received) == (read, read, read)


def test_the_longest_life_from_the_latest_time_does_not_overflow() -> None:
    found = metadata(created=wire.metadata.MAX_EPOCH, ttl=wire.metadata.MAX_SECONDS)

    assert found.expires_at is not None
    assert found.expires_at.year > 3000


@pytest.mark.parametrize("number", [b"1e999", b"9" * 5000, b"NaN", b"-Infinity", b'"\\ud800"', b"[[[[1]]]]"])
def test_one_odd_field_does_not_cost_the_others(number: bytes) -> None:
    said = b'{"metadata_key":"%s","state":"received","ttl":%s,"value":"canary"}' % (KEY.encode(), number)

    found = wire.read_metadata(200, {}, said)

    assert (found.state, found.ttl, found.secret_ttl) == (SecretState.RECEIVED, None, None)


@pytest.mark.parametrize(
    ("recipient", "recipients", "read"),
    [
        ([], [], ()),
        (["da***@e***.com"], ["x"], ("da***@e***.com",)),
        (None, "da***@e***.com, er***@e***.com", ("da***@e***.com", "er***@e***.com")),
        ("", "", ()),
        ([None, 7, " a ", {}], None, ("a",)),
        (["x" * 1000], None, ("x" * 254,)),
        (["x"] * 1000, None, ("x",) * 20),
    ],
)
def test_recipients_are_a_short_list_of_texts(recipient: Any, recipients: Any, read: tuple[str, ...]) -> None:
    assert metadata(recipient=recipient, recipients=recipients).recipients == read


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        ({"passphrase_required": True}, True),
        ({"passphrase_required": False, "has_passphrase": True}, False),
        ({"has_passphrase": True}, True),
        ({"has_passphrase": "true"}, True),
        ({"passphrase_required": 1}, None),
        ({}, None),
    ],
)
def test_whether_a_passphrase_is_needed_may_be_unsaid(fields: Any, read: bool | None) -> None:
    assert metadata(**fields).passphrase_required is read


@pytest.mark.parametrize("key", ["", "short", KEY + "/", KEY + "\n", "x" * 129, None, 7, [KEY]])
def test_metadata_without_a_usable_key_is_trouble(key: Any) -> None:
    assert isinstance(error("metadata", 200, {"metadata_key": key, "state": "new"}), HostUnavailable)


def test_the_key_may_stand_in_the_newer_field() -> None:
    assert metadata(metadata_key="", identifier=OTHER).key.reveal() == OTHER


# --- the state at a time


@pytest.mark.parametrize("state", ["new", "viewed"])
def test_an_open_secret_of_a_list_expires_by_the_clock(state: str) -> None:
    found = replace(metadata(state=state), secret_ttl=None)

    assert found.state_at(NOW + timedelta(seconds=3599)) is found.state
    assert found.state_at(NOW + timedelta(seconds=3600)) is SecretState.EXPIRED


def test_a_secret_that_says_how_long_it_still_lives_is_alive_whatever_it_was_made_for() -> None:
    prolonged = metadata(state="viewed", ttl=60, secret_ttl=604_800)

    assert prolonged.state_at(NOW + timedelta(seconds=90)) is SecretState.VIEWED


@pytest.mark.parametrize("state", ["received", "burned", "orphaned", "expired", "weird"])
def test_any_other_state_stays_whatever_the_clock_says(state: str) -> None:
    found = metadata(state=state)

    assert found.state_at(NOW + timedelta(days=9)) is found.state


@pytest.mark.parametrize("missing", [{"ttl": None}, {"created": None}])
def test_without_a_time_nothing_expires(missing: Any) -> None:
    found = metadata(**missing)

    assert found.expires_at is None
    assert found.state_at(NOW + timedelta(days=999)) is SecretState.NEW


def test_a_missing_secret_is_orphaned_before_its_time_and_expired_at_it() -> None:
    found = metadata(secret_ttl=None)

    assert found.secret_missing
    assert found.state_at(NOW) is SecretState.ORPHANED
    assert found.state_at(NOW + timedelta(seconds=3599)) is SecretState.EXPIRED  # the server's clock may be ahead
    assert found.state_at(NOW + timedelta(seconds=3601)) is SecretState.EXPIRED


def test_a_missing_secret_without_times_is_expired() -> None:
    assert metadata(secret_ttl=None, ttl=None).state_at(NOW) is SecretState.EXPIRED


def test_a_list_never_says_that_a_secret_is_missing() -> None:
    (found,) = wire.read_recent(200, {}, body([{"metadata_key": KEY, "state": "new", "secret_ttl": None}]))

    assert not found.secret_missing
    assert found.state_at(NOW) is SecretState.NEW


# --- lists


def test_a_list_is_sorted_whatever_the_servers_order_and_keeps_it_within_a_second() -> None:
    keys = [f"{number:020d}" for number in range(6)]
    times = [5, 4, 4, 4, 3, None]
    entries = [{"metadata_key": key, "state": "new", "created": at} for key, at in zip(keys, times, strict=True)]

    newest_first = wire.read_recent(200, {}, body(entries))
    oldest_first = wire.read_recent(200, {}, body(entries[::-1]))

    assert [m.key.reveal() for m in newest_first] == keys
    assert [m.key.reveal() for m in oldest_first] == keys


def test_a_list_in_no_order_is_sorted() -> None:
    entries = [{"metadata_key": f"{at:020d}", "state": "new", "created": at} for at in (3, 9, 1, 7)]

    found = wire.read_recent(200, {}, body(entries))

    assert [int(m.key.reveal()) for m in found] == [9, 7, 3, 1]


def test_a_list_leaves_out_what_it_cannot_name() -> None:
    entries = [{"metadata_key": KEY, "state": "burned"}, {"metadata_key": "short"}, {}, 7, None, [], {"state": "new"}]

    found = wire.read_recent(200, {}, body(entries))

    assert [(m.key.reveal(), m.state) for m in found] == [(KEY, SecretState.BURNED)]


@pytest.mark.parametrize("said", [{}, {"records": []}, "x", 7, None, [1, 2], ["a"], [[]]])
def test_what_is_no_list_is_trouble_and_not_an_empty_list(said: Any) -> None:
    found = error("recent", 200, said)

    assert isinstance(found, HostUnavailable)
    assert isinstance(found, wire.UnrecognizedAnswer) is False


@pytest.mark.parametrize("said", [{}, [], {"records": None}, {"records": {}}, {"records": [7]}, {"records": "x"}])
def test_what_is_no_list_of_v2_is_trouble_and_not_an_empty_list(said: Any) -> None:
    assert isinstance(error("recent of v2", 200, said), HostUnavailable)


def test_a_list_of_entries_without_keys_is_a_broken_list() -> None:
    assert type(error("recent", 200, [{"metadata_key": "", "state": "new"}])) is wire.UnrecognizedAnswer


def test_an_empty_list_is_empty() -> None:
    assert wire.read_recent(200, {}, b"[]") == []
    assert wire.read_recent_v2(200, {}, b'{"records":[]}') == []


@pytest.mark.parametrize("odd", [b'"\\ud800"', b"NaN"])
def test_a_list_of_v2_with_an_odd_field_is_read(odd: bytes) -> None:
    said = b'{"count":%s,"records":[{"key":"%s","state":"revealed","memo":%s}]}' % (odd, KEY.encode(), odd)

    (found,) = wire.read_recent_v2(200, {}, said)

    assert (found.key.reveal(), found.state) == (KEY, SecretState.RECEIVED)


# --- what was made


@pytest.mark.parametrize("call", ["share", "generate"])
@pytest.mark.parametrize(
    "said", [{}, {"secret_key": KEY}, {"metadata_key": KEY}, {"secret_key": "", "metadata_key": ""}, [], b""]
)
def test_a_secret_without_both_keys_may_exist_but_is_trouble(call: str, said: Any) -> None:
    assert isinstance(error(call, 200, said), HostUnavailable)


def test_a_generated_secret_without_its_value_is_trouble() -> None:
    assert isinstance(error("generate", 200, {"secret_key": KEY, "metadata_key": OTHER}), HostUnavailable)


@pytest.mark.parametrize("field", ["value", "secret_value"])
def test_the_value_may_stand_in_either_field(field: str) -> None:
    assert wire.read_reveal(200, {}, body({field: "kept"})).reveal() == "kept"
    made = wire.read_generate(200, {}, body({"secret_key": KEY, "metadata_key": OTHER, field: "kept"}))
    assert made.value.reveal() == "kept"


@given(st.text())
def test_a_value_is_exactly_what_was_sent(text: str) -> None:
    for ascii_only in (True, False):
        sent = json.dumps({"value": text, "secret_key": KEY}, ensure_ascii=ascii_only)

        found = wire.read_reveal(200, {}, sent.encode())

        assert found.reveal() == text


# --- nothing escapes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["new", KEY]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["message", "secret_key", "metadata_key", "state", "created", "ttl", "value", "records"])
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(
    status=st.sampled_from([200, 201, 302, 400, 401, 403, 404, 422, 429, 500, 503, 999]),
    said=JSON.map(lambda tree: json.dumps(tree).encode()) | st.binary(max_size=60),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "x-ots-intended-status", "date"]), st.text(max_size=40), max_size=2
    ),
)
def test_no_answer_raises_anything_but_ours(status: int, said: bytes, headers: dict[str, str]) -> None:
    for read in READERS.values():
        try:
            read(status, headers, said)
        except OnetimeError as trouble:
            shown = f"{trouble} {trouble!r} {trouble.tell}"
            assert KEY not in shown


@pytest.mark.parametrize("found", [metadata(), wire.read_reveal(200, {}, b'{"value":"canary"}')])
def test_results_are_not_pickled_and_do_not_show_keys(found: Any) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(found)
    assert KEY not in f"{found} {found!r}"


# --- versions of which no exchange was recorded: from their source

# 0.22: the models of 0.21 to 0.23. 0.24.0: the new models, with states that are not translated yet.
V022 = {"custid": "ada@example.com", "metadata_key": KEY, "secret_key": OTHER, "ttl": 3600, "metadata_ttl": 7200,
        "secret_ttl": 3600, "state": "viewed", "updated": THEN, "created": THEN, "recipient": [], "share_domain": "",
        "passphrase_required": True}  # fmt: skip
V024 = {"custid": "ada@example.com", "metadata_key": KEY, "identifier": KEY, "secret_identifier": OTHER, "ttl": 3600,
        "receipt_ttl": 7200, "secret_ttl": 3600, "state": "previewed", "updated": THEN, "created": THEN,
        "recipients": [], "share_domain": "", "has_passphrase": True, "secret_value": "the text"}  # fmt: skip


@each_row(
    ("fields", "state"),
    [
        (V022, SecretState.VIEWED),
        (V022 | {"state": "received", "received": THEN}, SecretState.RECEIVED),
        (V022 | {"state": "burned", "secret_key": "", "secret_ttl": None}, SecretState.BURNED),
        (V024, SecretState.VIEWED),
        (V024 | {"state": "shared"}, SecretState.NEW),
        (V024 | {"state": "revealed", "received": THEN}, SecretState.RECEIVED),
        (V024 | {"state": "expired", "secret_ttl": None}, SecretState.EXPIRED),
    ],
)
def test_answers_of_versions_that_were_not_recorded_are_read(fields: dict[str, Any], state: SecretState) -> None:
    found = wire.read_metadata(200, {}, body(fields))

    assert (found.state, found.passphrase_required, found.ttl) == (state, True, 3600)
    assert "the text" not in repr(found)


@each_row(
    ("status", "said"),
    [
        (404, {"shrimp": "x" * 50, "message": "An unexpected error occurred :["}),  # 0.21 to 0.23
        (404, {"message": "An unexpected error occurred :["}),
        (200, [{"state": "shared", "created": THEN, "metadata_key": None, "secret_key": None}]),  # 0.24.0
    ],
)
def test_lists_of_versions_that_were_not_recorded_are_asked_of_v2(status: int, said: Any) -> None:
    assert isinstance(error("recent", status, said), wire.UnrecognizedAnswer)


# --- which secrets of an account a secret key names


def owned(*records, read=read_owned, wrap=lambda records: records):
    return read(200, {}, json.dumps(wrap(list(records))).encode())


def listed(metadata, secret):
    return {"metadata_key": metadata, "secret_identifier": secret, "state": "new"}


@each_row("version", ["v1", "v2"])
def test_a_list_that_names_secret_keys_finds_the_private_key_of_one(version):
    records = [listed("m" * 62, "s" * 62), listed("n" * 62, "t" * 62)]
    found = (
        owned(*records)
        if version == "v1"
        else owned(*records, read=read_owned_v2, wrap=lambda records: {"records": records})
    )

    assert found.get(fingerprint(SecretKey("t" * 62))) == MetadataKey("n" * 62)
    assert found.get(fingerprint(SecretKey("u" * 62))) is None


def test_the_secret_keys_of_a_list_are_kept_nowhere():
    found = owned(listed("m" * 62, "canarys" * 8))

    assert b"canarys" not in b"".join(found)
    assert "canarys" not in repr(found)


@each_row("named", ["", None, 7, ["s" * 62], "short", "s" * 200, "s" * 61 + "/"])
def test_what_is_no_key_names_nothing(named):
    assert owned(listed("m" * 62, named)) == {}


def test_a_list_without_names_finds_nothing():
    assert owned({"metadata_key": "m" * 31, "state": "new"}) == {}
    assert owned() == {}


@each_row("read", [read_owned, read_owned_v2], ids=["v1", "v2"])
def test_a_list_that_cannot_be_read_is_an_error_here_too(read):
    with pytest.raises(NotAuthorized):
        read(404, {}, b'{"message":"Not authorized"}')
    with pytest.raises(HostUnavailable):
        read(200, {}, b"{}")
