"""What answers look like: the fields of a secret's metadata, by version, state and occasion."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from bot.sandbox.onetime.store import StoredSecret
from bot.sandbox.onetime.versions import DAY, Version

Occasion = Literal["share", "poll", "burn", "recent"]
Body = dict[str, Any]

_NEW_WORDS = {"viewed": "previewed", "received": "revealed"}  # v2 since 0.24


def obscured(address: str, stars: str) -> str:
    """An e-mail address as metadata shows it: `ab***@c***.com`."""
    name, _, domain = address.partition("@")
    return f"{name[:2]}{stars}@{domain[:1]}{stars}.{domain.rpartition('.')[2]}"


def metadata(
    version: Version,
    kept: StoredSecret,
    occasion: Occasion,
    *,
    now: float,
    base: str,
    custid: str,
    value: str | None = None,
) -> Body:
    """The metadata of one secret as v1 shows it.

    Received secrets lack the fields about the secret itself; those that are over in another way have
    them empty. `passphrase_required` is there only while the secret can be opened.
    """
    alive = kept.has_text(now)
    dead_key = kept.secret_key if version.keeps_dead_secret_key and kept.state != "burned" else ""
    secret_key = kept.secret_key if alive or occasion in {"burn", "recent"} else dead_key
    if occasion == "recent" and kept.state not in {"new", "viewed"}:
        secret_key = ""
    seconds = _left(kept.created + 2 * kept.ttl, now)
    secret_seconds = _left(kept.dies, now) if alive and occasion in {"share", "poll"} else None
    url = f"{base}/receipt/{'' if occasion == 'poll' else kept.metadata_key}"
    has_passphrase = bool(kept.passphrase)
    received, new_names = kept.state == "received", version.new_names
    shows_passphrase = alive and occasion in {"share", "poll"}
    rows: list[tuple[str, object, bool]] = [
        ("custid", custid, True),
        ("metadata_key", kept.metadata_key, True),
        ("secret_key", secret_key, not received and occasion != "recent"),
        ("ttl", kept.ttl, True),
        ("metadata_ttl", seconds, True),
        ("secret_ttl", secret_seconds, not received),
        ("metadata_url", url, new_names),
        ("state", kept.state, True),
        ("updated", int(kept.updated), True),
        ("created", int(kept.created), True),
        ("received", int(kept.received or 0), received),
        ("recipient", kept.recipients, True),
        ("share_domain", "", True),
        ("value", value, value is not None),
        ("passphrase_required", has_passphrase, shows_passphrase),
        ("identifier", kept.metadata_key, new_names),
        ("secret_identifier", secret_key, new_names and not received),
        ("has_passphrase", has_passphrase, new_names and shows_passphrase),
        ("recipients", kept.recipients, new_names),
        ("receipt_ttl", seconds, new_names),
        ("receipt_url", url, new_names),
        ("secret_value", value, new_names and value is not None),
    ]
    return {name: shown for name, shown, is_there in rows if is_there}


def listing(version: Version, kept: list[StoredSecret], *, now: float, custid: str, account_id: str) -> Body:
    """The v2 list of recent secrets: `kept`, newest first, in the version's own vocabulary."""
    records = [_old_record(version, each) if version.v2_old else _record(version, each, account_id) for each in kept]
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


def _old_record(version: Version, kept: StoredSecret) -> Body:
    """v2 up to 0.23: every number is a string, and a moment that has not come is an empty one."""
    ttl, twice = str(kept.ttl), str(2 * kept.ttl)
    record = {"identifier": kept.metadata_key} if version.v2_identifier else {}
    return record | {
        "key": kept.metadata_key,
        "custid": kept.owner,
        "state": kept.state,
        "secret_shortkey": kept.secret_key[:6],
        "secret_ttl": ttl,
        "metadata_ttl": twice,
        "lifespan": twice,
        "share_domain": "",
        "created": _second(kept.created),
        "updated": _second(kept.updated),
        "shared": "",
        "received": _second(kept.received),
        "burned": _second(kept.burned),
        "viewed": _second(kept.viewed),
        "recipients": ", ".join(kept.recipients),
        "memo": None,
        "shortkey": kept.metadata_key[:8],
        "show_recipients": bool(kept.recipients),
        "is_viewed": kept.state == "viewed",
        "is_received": kept.state == "received",
        "is_burned": kept.state == "burned",
        "is_expired": kept.state == "expired",
        "is_orphaned": kept.state == "orphaned",
        "is_destroyed": _is_destroyed(kept),
        "is_truncated": False,
        "has_passphrase": bool(kept.passphrase),
    }


def _record(version: Version, kept: StoredSecret, account_id: str) -> Body:
    """v2 from 0.24: numbers are numbers, times have fractions, and viewed and received have new words."""
    previewed, revealed = kept.state == "viewed", kept.state == "received"
    record: Body = {
        "identifier": kept.metadata_key,
        "key": kept.metadata_key,
        "custid": None,
        "owner_id": account_id,
        "state": _NEW_WORDS.get(kept.state, kept.state),
        "secret_shortid": kept.secret_key[:8],
        "secret_identifier": "" if _is_destroyed(kept) else kept.secret_key,
        "secret_ttl": kept.ttl,
        "metadata_ttl": kept.ttl,
        "receipt_ttl": kept.ttl,
        "lifespan": kept.ttl,
        "share_domain": None,
        "created": float(kept.created),
        "updated": float(kept.updated),
        "shared": None,
        "recipients": ", ".join(kept.recipients),
        "recipient_name": None,
        "memo": None,
        "shortid": kept.metadata_key[:8],
        "show_recipients": bool(kept.recipients),
        "previewed": _whole(kept.viewed),
        "revealed": _whole(kept.received),
        "is_previewed": previewed,
        "viewed": _whole(kept.viewed),
        "received": _whole(kept.received),
        "burned": _whole(kept.burned),
        "is_viewed": previewed,
        "is_received": revealed,
        "is_revealed": revealed,
        "is_burned": kept.state == "burned",
        "is_expired": kept.state == "expired",
        "is_orphaned": kept.state == "orphaned",
        "is_destroyed": _is_destroyed(kept),
        "has_passphrase": bool(kept.passphrase),
        "kind": "generate" if kept.generated else "conceal",
    }
    return record | {"source": "standard"} if version.v2_source else record


def _is_destroyed(kept: StoredSecret) -> bool:
    return kept.state not in {"new", "viewed"}


def _left(until: float, now: float) -> int:
    return max(0, round(until - now))


def _whole(moment: float | None) -> int | None:
    return None if moment is None else int(moment)


def _second(moment: float | None) -> str:
    return "" if moment is None else str(int(moment))
