"""What `fuzz` sends: payloads that Slack sends, with fields that are missing, of a wrong type, huge or hostile."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

from hypothesis import strategies as st

from bot.features import Registry
from bot.interaction.feature import Kind
from bot.sandbox.slack.payloads import command_payload, event_payload, interaction
from bot.sandbox.slack.state import WorkspaceState
from bot.slack.payloads import MAX_FORM_FIELDS
from bot.workflow_step import REQUEST_STEP

Json = dict[str, Any]
PayloadKind = Literal["command", "interaction", "event"]

CANARY = "Canary-9b41f0c7"  # in every text that stands for something secret
TRIGGER, RESPONSE_URL, PERSON = "@trigger@", "@response-url@", "@person@"  # replaced when a payload is sent
MAX_CHANGES = 4  # of one payload
VERBS = [verb.name for verb in Registry().verbs]
REF = "ref:" + "A" * 22

#: texts that break something somewhere: encodings, numbers, markup, quoting, and keys of the wrong shape
HOSTILE_TEXTS = (
    "", " ", "\x00", "\ud800", "\U0001f511", "\u202e\u200b\ufeff", "\r\n ERROR forged", "\x1b[31m", "%s%n%00", "{0.__class__}",
    "' OR 1=1--", "<!channel>", "<@U0ADA>", "<https://evil.example|https://eu.onetimesecret.com/secret/abc>", "&lt;&amp;",
    "../../etc/passwd", "javascript:alert(1)", "http://[::1", "https://", "ref:", REF, "ref:\x00", "None", "null", "NaN",
    "-1", "1e999", "9" * 400, CANARY, "e\u0301" * 500, CANARY * 20_000,
)  # fmt: skip
_DEEP: Any = []
for _ in range(200):
    _DEEP = [_DEEP]
HOSTILE_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**63, 10**300, 1.5, math.inf, math.nan, [], {}, [[]], [None], [{}], {"": None}, _DEEP,
    {"type": "modal"}, {"id": {"id": []}}, ["a"] * 1000, [{"value": 5}], {"value": CANARY}, {"type": ["plain_text_input"]},
)  # fmt: skip


def one_of(values: Sequence[Any]) -> st.SearchStrategy[Any]:
    """A copy of one of the values: later changes may be made inside of it. Hypothesis never has to show a huge one."""
    return st.integers(0, len(values) - 1).map(lambda number: copy.deepcopy(values[number]))


hostile = st.one_of(
    one_of(HOSTILE_TEXTS),
    one_of(HOSTILE_VALUES),
    st.text(max_size=40),
    st.integers(),
    st.floats(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=10),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=6,
    ),
)
_words = st.one_of(
    st.sampled_from(["on", "off", "2", "received", "everything", f"https://eu.onetimesecret.com/secret/{CANARY}"]),
    st.sampled_from(
        ["<@U0BEN>", "<@U0BEN|ben>", "<!subteam^S1|@ops>", "<https://evil.example/secret/abc|x>", "R&amp;D"]
    ),
    one_of(HOSTILE_TEXTS[:-1]),
    st.text(max_size=20),
)
_typed = st.builds(
    lambda verb, words: " ".join([verb, *words]), st.sampled_from([*VERBS, "shrae", ""]), st.lists(_words, max_size=4)
)


@dataclass(frozen=True)
class FuzzRequest:
    """One request before its placeholders are replaced. `is_object`: Slack's form, so it has to be acknowledged."""

    kind: PayloadKind
    name: str  # of the template, for the figures
    body: bytes = field(repr=False)
    content_type: str
    is_object: bool


def templates(
    state: WorkspaceState, recorded: Sequence[tuple[PayloadKind, Json]]
) -> list[tuple[PayloadKind, str, Json]]:
    """One payload for each name that the bot handles, and those that were recorded: with placeholders in them."""
    named = list(_from_registry(state))
    for _, _, payload in named:
        _put_anybody(payload)
    found = [*named, *((kind, _name_of(payload), copy.deepcopy(payload)) for kind, payload in recorded)]
    for _, _, payload in found:
        for name, value in (("trigger_id", TRIGGER), ("response_url", RESPONSE_URL)):
            if name in payload:
                payload[name] = value
    return found


def _from_registry(state: WorkspaceState) -> Iterator[tuple[PayloadKind, str, Json]]:
    person = next(one for one in state.people.values() if not one.is_bot)
    channel = state.open_dm(person.id)
    for verb in [*VERBS, ""]:
        yield "command", f"/ots {verb}".strip(), command_payload(state, person, channel, "/ots", verb, "")
    where = {"container": {"type": "message", "message_ts": "1700000000.000100", "channel_id": channel.id}}
    for kind, name in [*Registry().handlers, *((kind, "from_tomorrow") for kind in Kind)]:
        match kind:
            case Kind.ACTION:
                action = {"type": "button", "action_id": name, "block_id": "b", "value": REF, "action_ts": "1.2"}
                fields = {"trigger_id": TRIGGER, "actions": [action], "response_url": RESPONSE_URL, **where}
                yield "interaction", name, interaction(state, person, "block_actions", **fields)
            case Kind.FORM | Kind.CLOSED:
                type_ = "view_submission" if kind is Kind.FORM else "view_closed"
                view = _view(name)
                yield "interaction", f"{type_} {name}", interaction(state, person, type_, trigger_id=TRIGGER, view=view)
            case Kind.SHORTCUT:
                yield (
                    "interaction",
                    "shortcut",
                    interaction(state, person, "shortcut", callback_id=name, trigger_id=TRIGGER),
                )
            case Kind.MESSAGE_SHORTCUT:
                message = {"type": "message", "text": CANARY, "ts": "1700000000.000100", "user": person.id}
                fields = {"callback_id": name, "trigger_id": TRIGGER, "response_url": RESPONSE_URL, "message": message}
                yield (
                    "interaction",
                    "message_action",
                    interaction(state, person, "message_action", channel={"id": channel.id, "name": "x"}, **fields),
                )
            case Kind.OPTIONS:
                yield (
                    "interaction",
                    "block_suggestion",
                    interaction(state, person, "block_suggestion", action_id=name, value=CANARY, view=_view(name)),
                )
            case Kind.EVENT | Kind.FUNCTION:
                yield "event", kind, event_payload(state, _event(kind, person.id))
            case _:
                pass  # commands are above
    for event in ("app_home_opened", "app_uninstalled", "tokens_revoked", "user_change", "link_shared", "message"):
        yield "event", event, event_payload(state, {"type": event, "user": person.id, "channel": channel.id})


def _event(kind: Kind, user: str) -> Json:
    if kind is Kind.EVENT:
        return {"type": "from_tomorrow", "user": user, "text": CANARY}
    return {
        "type": "function_executed",
        "function": {"callback_id": REQUEST_STEP},
        "function_execution_id": "Fx0FUZZ",
        "inputs": {
            "asked": "U0BEN",
            "openers": [user],
            "purpose": CANARY,
            "workflow": CANARY,
            "wait": "1_day",
            "runner": {"id": user, "secret": CANARY},
        },
    }


def _view(name: str) -> Json:
    """A window with a field of every type that the bot reads."""
    elements: Json = {
        "text1": {"type": "plain_text_input", "value": CANARY},
        "host": {"type": "static_select", "selected_option": {"value": "eu.onetimesecret.com"}},
        "whom": {"type": "static_select", "selected_option": {"value": "people"}},
        "passphrase_mode": {"type": "static_select", "selected_option": {"value": "generate"}},
        "options": {"type": "checkboxes", "selected_options": [{"value": "apart"}]},
        "to": {"type": "multi_users_select", "selected_users": ["U0BEN"]},
        "channel": {"type": "conversations_select", "selected_conversation": "C0TEAM"},
    }
    blocks = [{"type": "input", "block_id": block, "element": {"action_id": "a"}} for block in elements]
    values = {block: {"a": element} for block, element in elements.items()}
    return {
        "id": "V0FUZZ", "hash": "1.abc", "type": "modal", "callback_id": name, "private_metadata": REF, "blocks": blocks,
        "state": {"values": values},
    }  # fmt: skip


def _name_of(payload: Json) -> str:
    if "command" in payload:
        return f"/ots {payload['text']}".split("http")[0].strip()
    inner = payload.get("event", payload)
    action = next(iter(payload.get("actions") or [{}]))
    return f"{inner['type']} {(payload.get('view') or {}).get('callback_id') or action.get('action_id', '')}".strip()


def _put_anybody(payload: Json) -> None:
    """Another person each time, except where a payload was recorded: what it is about belongs to that person."""
    person = payload.get("user") or payload.get("event", {}).get("user")
    if "user_id" in payload:
        payload["user_id"] = PERSON
    elif isinstance(person, dict):
        person["id"] = PERSON
    elif person is not None:
        payload["event"]["user"] = PERSON


# --- changes


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield (*path, name)
        if len(path) < 8:  # deeper ones are hostile values
            yield from _paths(one, (*path, name))


@st.composite
def requests(draw: st.DrawFn, known: Sequence[tuple[PayloadKind, str, Json]]) -> FuzzRequest:
    """A request made of one of the `known` payloads."""
    kind, name, payload = draw(one_of(known))
    if kind == "command" and draw(st.booleans()):
        payload["text"] = draw(_typed)
    for _ in range(draw(st.integers(0, MAX_CHANGES))):
        _change(draw, payload)
    body, content_type = _encode(kind, payload)
    if draw(st.integers(0, 19)) == 0:
        return FuzzRequest(kind, name, draw(_broken(body)), content_type, is_object=False)
    return FuzzRequest(kind, name, body, content_type, is_object=body.count(b"&") < MAX_FORM_FIELDS)


def _change(draw: st.DrawFn, payload: Json) -> None:
    paths = list(_paths(payload))
    if not paths:
        return
    *above, last = paths[draw(st.integers(0, len(paths) - 1))]
    holder: Any = payload
    for step in above:
        holder = holder[step]
    match draw(st.sampled_from(["replace", "replace", "remove", "add", "wrap"])):
        case "remove":
            del holder[last]
        case "add" if isinstance(holder, dict):
            holder[draw(st.text(max_size=8))] = draw(hostile)
        case "wrap":
            holder[last] = [holder[last], holder[last]] if draw(st.booleans()) else {"value": holder[last]}
        case _:
            holder[last] = draw(hostile)


@st.composite
def _broken(draw: st.DrawFn, body: bytes) -> bytes:
    """A body that is no payload any more."""
    at = draw(st.integers(0, len(body)))
    others = (
        b"", b"[]", b"5", b"null", b'"x"', b"payload=[]", b"payload=5", b"payload=null", b"&", b"=", b"payload", b"payload=", b"%",
        b"a=%ff%fe", b";;", b"payload=" + b"[" * 100_000, b"[" * 100_000, b'{"type":' * 50_000, body + b"&" + body,
    )  # fmt: skip
    changed = body[:at] + draw(st.binary(max_size=8)) + body[at:]
    broken: bytes = draw(one_of([body[:at], changed, *others]))
    return broken


def _encode(kind: PayloadKind, payload: Mapping[str, Any]) -> tuple[bytes, str]:
    if kind == "event":
        return json.dumps(payload).encode(), "application/json"
    form: Any = payload if kind == "command" else {"payload": json.dumps(payload)}
    body = urlencode(form, doseq=True, errors="surrogatepass").encode()
    return body, "application/x-www-form-urlencoded"


def fill(body: bytes, *, person: str, trigger: str, response_url: str) -> bytes:
    """The body with what is different in each request in the place of the placeholders, also where they are quoted."""
    for placeholder, value in ((PERSON, person), (TRIGGER, trigger), (RESPONSE_URL, response_url)):
        for quoted in (placeholder, placeholder.replace("@", "%40")):
            body = body.replace(quoted.encode(), value.encode())
    return body
