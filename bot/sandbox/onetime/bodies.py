"""The JSON bodies of answers about secrets. Their fields depend on the version, the state and the operation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from bot.sandbox.onetime.store import StoredSecret
from bot.sandbox.onetime.versions import DAY, Version

Occasion = Literal["share", "poll", "burn", "recent"]
Body = dict[str, Any]

_V2_STATES = {"viewed": "previewed", "received": "revealed"}  # v2 since 0.24


def obscure(address: str, stars: str) -> str:
    """An e-mail address in the form that metadata shows: `ab***@c***.com`."""
    name, _, domain = address.partition("@")
    return f"{name[:2]}{stars}@{domain[:1]}{stars}.{domain.rpartition('.')[2]}"


def metadata_body(
    version: Version,
    secret: StoredSecret,
    occasion: Occasion,
    *,
    now: float,
    base: str,
    custid: str,
    value: str | None = None,
) -> Body:
    """The metadata of one secret in the form of v1.

    A received secret has no fields about the secret itself. A burned, expired or orphaned one has them, but empty.
    `passphrase_required` is there only while the secret can be opened.
    """
    alive = secret.has_text(now)
    dead_key = secret.secret_key if version.keeps_dead_secret_key and secret.state != "burned" else ""
    secret_key = secret.secret_key if alive or occasion in {"burn", "recent"} else dead_key
    if occasion == "recent" and secret.state not in {"new", "viewed"}:
        secret_key = ""
    seconds = _seconds_left(secret.created + 2 * secret.ttl, now)
    secret_seconds = _seconds_left(secret.text_expires_at, now) if alive and occasion in {"share", "poll"} else None
    url = f"{base}/receipt/{'' if occasion == 'poll' else secret.metadata_key}"
    has_passphrase = bool(secret.passphrase)
    received, new_names = secret.state == "received", version.new_names
    shows_passphrase = alive and occasion in {"share", "poll"}
    rows: list[tuple[str, object, bool]] = [
        ("custid", custid, True),
        ("metadata_key", secret.metadata_key, True),
        ("secret_key", secret_key, not received and occasion != "recent"),
        ("ttl", secret.ttl, True),
        ("metadata_ttl", seconds, True),
        ("secret_ttl", secret_seconds, not received),
        ("metadata_url", url, new_names),
        ("state", secret.state, True),
        ("updated", int(secret.updated), True),
        ("created", int(secret.created), True),
        ("received", int(secret.received or 0), received),
        ("recipient", secret.recipients, True),
        ("share_domain", "", True),
        ("value", value, value is not None),
        ("passphrase_required", has_passphrase, shows_passphrase),
        ("identifier", secret.metadata_key, new_names),
        ("secret_identifier", secret_key, new_names and not received),
        ("has_passphrase", has_passphrase, new_names and shows_passphrase),
        ("recipients", secret.recipients, new_names),
        ("receipt_ttl", seconds, new_names),
        ("receipt_url", url, new_names),
        ("secret_value", value, new_names and value is not None),
    ]
    return {name: value_shown for name, value_shown, is_there in rows if is_there}


def recent_list_body(version: Version, owned: list[StoredSecret], *, now: float, custid: str, account_id: str) -> Body:
    """The v2 list of recent secrets. `owned` has them newest first."""
    records = [_old_record(version, each) if version.v2_old else _record(version, each, account_id) for each in owned]
    over = [record for record in records if record["is_destroyed"]]
    pending = [record for record in records if not record["is_destroyed"]]
    since = int(now) - 30 * DAY
    if version.v2_old:
        when = datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%d %H:%M:%S +0000")
        details: Body = {"type": "list", "since": since, "now": when, "has_items": bool(records)}
        details |= {"received": over, "notreceived": pending}
    else:
        details = {"type": "list", "scope": None, "scope_label": None, "since": since, "now": now}
        details |= {"has_items": bool(records), "revealed_receipts": over, "pending_receipts": pending}
    who = custid if version.v2_old else account_id
    return {"success": True, "custid": who, "count": len(records), "records": records, "details": details}


def _old_record(version: Version, secret: StoredSecret) -> Body:
    """A secret in the list of v2, server versions up to 0.23.

    All numbers are strings. A time that has not come yet is an empty string.
    """
    ttl, twice = str(secret.ttl), str(2 * secret.ttl)
    record = {"identifier": secret.metadata_key} if version.v2_identifier else {}
    return record | {
        "key": secret.metadata_key,
        "custid": secret.owner,
        "state": secret.state,
        "secret_shortkey": secret.secret_key[:6],
        "secret_ttl": ttl,
        "metadata_ttl": twice,
        "lifespan": twice,
        "share_domain": "",
        "created": _seconds_text(secret.created),
        "updated": _seconds_text(secret.updated),
        "shared": "",
        "received": _seconds_text(secret.received),
        "burned": _seconds_text(secret.burned),
        "viewed": _seconds_text(secret.viewed),
        "recipients": ", ".join(secret.recipients),
        "memo": None,
        "shortkey": secret.metadata_key[:8],
        "show_recipients": bool(secret.recipients),
        "is_viewed": secret.state == "viewed",
        "is_received": secret.state == "received",
        "is_burned": secret.state == "burned",
        "is_expired": secret.state == "expired",
        "is_orphaned": secret.state == "orphaned",
        "is_destroyed": _is_destroyed(secret),
        "is_truncated": False,
        "has_passphrase": bool(secret.passphrase),
    }


def _record(version: Version, secret: StoredSecret, account_id: str) -> Body:
    """A secret in the list of v2, server versions from 0.24 on.

    Numbers are numbers, times have fractions, and the states viewed and received have new names.
    """
    previewed, revealed = secret.state == "viewed", secret.state == "received"
    record: Body = {
        "identifier": secret.metadata_key,
        "key": secret.metadata_key,
        "custid": None,
        "owner_id": account_id,
        "state": _V2_STATES.get(secret.state, secret.state),
        "secret_shortid": secret.secret_key[:8],
        "secret_identifier": "" if _is_destroyed(secret) else secret.secret_key,
        "secret_ttl": secret.ttl,
        "metadata_ttl": secret.ttl,
        "receipt_ttl": secret.ttl,
        "lifespan": secret.ttl,
        "share_domain": None,
        "created": float(secret.created),
        "updated": float(secret.updated),
        "shared": None,
        "recipients": ", ".join(secret.recipients),
        "recipient_name": None,
        "memo": None,
        "shortid": secret.metadata_key[:8],
        "show_recipients": bool(secret.recipients),
        "previewed": _whole_seconds(secret.viewed),
        "revealed": _whole_seconds(secret.received),
        "is_previewed": previewed,
        "viewed": _whole_seconds(secret.viewed),
        "received": _whole_seconds(secret.received),
        "burned": _whole_seconds(secret.burned),
        "is_viewed": previewed,
        "is_received": revealed,
        "is_revealed": revealed,
        "is_burned": secret.state == "burned",
        "is_expired": secret.state == "expired",
        "is_orphaned": secret.state == "orphaned",
        "is_destroyed": _is_destroyed(secret),
        "has_passphrase": bool(secret.passphrase),
        "kind": "generate" if secret.generated else "conceal",
    }
    return record | {"source": "standard"} if version.v2_source else record


def secret_status_body(version: Version, secret: StoredSecret, *, now: float) -> Body:
    """What v2 says of a secret that can be opened, without its text."""
    left = _seconds_left(secret.text_expires_at, now)
    record: Body = {"identifier": secret.secret_key, "key": secret.secret_key}
    if version.v2_old:
        record |= {
            "state": secret.state,
            "secret_ttl": str(secret.ttl),
            "lifespan": str(secret.ttl),
            "shortkey": secret.secret_key[:8],
            "has_passphrase": bool(secret.passphrase),
            "verification": False,
            "is_truncated": False,
            "created": _seconds_text(secret.created),
            "updated": _seconds_text(secret.updated),
        }
        return {"record": record, "details": {"realttl": left}}
    previewed = secret.state == "viewed"
    record |= {
        "shortid": secret.secret_key[:8],
        "state": _V2_STATES.get(secret.state, secret.state),
        "lifespan": secret.ttl,
        "secret_ttl": secret.ttl,
        "has_passphrase": bool(secret.passphrase),
        "verification": False,
        "created": float(secret.created),
        "updated": float(secret.updated),
        "is_previewed": previewed,
        "is_revealed": False,
        "is_viewed": previewed,
        "is_received": False,
    }
    return {"record": record, "details": {"current_expiration": left}}


def _is_destroyed(secret: StoredSecret) -> bool:
    return secret.state not in {"new", "viewed"}


def _seconds_left(until: float, now: float) -> int:
    return max(0, round(until - now))


def _whole_seconds(moment: float | None) -> int | None:
    return None if moment is None else int(moment)


def _seconds_text(moment: float | None) -> str:
    return "" if moment is None else str(int(moment))
