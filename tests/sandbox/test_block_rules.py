"""The emulator's Block Kit rules against recorded verdicts of an independent checker.

`block_verdicts.json` holds payloads and what a checker built from the types of Slack's own SDK says of
them: the pointer and the code of every error. The limits are checked here once more at their edges.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.slack import Problem, check_message, check_view
from bot.sandbox.slack.block_schemas import BLOCK, SURFACES
from tests.support.rows import each_row

Json = dict[str, Any]
VERDICTS: list[Json] = json.loads((Path(__file__).parent / "block_verdicts.json").read_text("utf-8"))


def check(kind: str, payload: Json) -> list[Problem]:
    return check_view(payload) if kind in ("modal", "home") else check_message(payload, update=kind == "update")


def of(problems: list[Problem]) -> set[tuple[str, str]]:
    return {(one.pointer, one.code) for one in problems}


@each_row("case", VERDICTS, ids=lambda case: case["name"])
def test_the_verdict_is_the_recorded_one(case: Json) -> None:
    problems = check(case["kind"], case["payload"])

    assert of(problems) == {(pointer, code) for pointer, code in case["errors"]}


def test_the_record_has_both_verdicts_of_every_kind() -> None:
    recorded = {(case["kind"], bool(case["errors"])) for case in VERDICTS}

    assert recorded == {(kind, bad) for kind in ("modal", "home", "message", "update") for bad in (False, True)}


# --- limits at their edges: `most` is taken, one more is not


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def options(count: int) -> list[Json]:
    return [{"text": plain(f"o{number}"), "value": str(number)} for number in range(count)]


def modal(*blocks: Json, **more: Any) -> Json:
    return {"type": "modal", "title": plain("T"), "submit": plain("S"), "blocks": list(blocks), **more}


def section(**more: Any) -> Json:
    return {"type": "section", "text": plain("x"), **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def button(number: int = 0, **more: Any) -> Json:
    return {"type": "button", "action_id": f"b{number}", "text": plain("x"), **more}


def ask(kind: str = "plain_text_input", **more: Any) -> Json:
    return {"type": "input", "label": plain("L"), "element": {"type": kind, "action_id": "a", **more}}


def confirm(**more: Any) -> Json:
    texts = {name: plain("x") for name in ("title", "text", "confirm", "deny")}
    return modal(actions(button(confirm=texts | {name: plain(text) for name, text in more.items()})))


def message(*blocks: Json, **more: Any) -> Json:
    return {"text": "x", "blocks": list(blocks), **more}


def chart(kind: str = "pie", *, title: str = "T", **fields: Any) -> Json:
    return {"type": "data_visualization", "title": title, "chart": {"type": kind, **fields}}


def points(count: int) -> list[Json]:
    return [{"label": str(number), "value": number + 1} for number in range(count)]


def series(count: int, each: int = 2) -> Json:
    names = [{"name": f"s{number}", "data": points(each)} for number in range(count)]
    return {"series": names, "axis_config": {"categories": [str(number) for number in range(each)]}}


def card(**more: Any) -> Json:
    return {"type": "card", "title": plain("x"), **more}


def entity(**more: Any) -> Json:
    return {
        "entity_type": "slack#/entities/task", "entity_payload": {"attributes": {"title": {"text": "T"}}},
        "external_ref": {"id": "1"}, "url": "https://tasks.example/1", **more,
    }  # fmt: skip


LIMITS: dict[str, tuple[int, str, Callable[[int], Json]]] = {
    "title": (24, "/title/text", lambda n: modal(section(), title=plain("x" * n))),
    "submit": (24, "/submit/text", lambda n: modal(section(), submit=plain("x" * n))),
    "close": (24, "/close/text", lambda n: modal(section(), close=plain("x" * n))),
    "private_metadata": (3000, "/private_metadata", lambda n: modal(section(), private_metadata="x" * n)),
    "callback_id": (255, "/callback_id", lambda n: modal(section(), callback_id="x" * n)),
    "external_id": (255, "/external_id", lambda n: modal(section(), external_id="x" * n)),
    "block_id": (255, "/blocks/0/block_id", lambda n: modal(section(block_id="x" * n))),
    "blocks of a modal": (100, "/blocks", lambda n: modal(*[{"type": "divider"}] * n)),
    "blocks of a home tab": (100, "/blocks", lambda n: {"type": "home", "blocks": [{"type": "divider"}] * n}),
    "section text": (3000, "/blocks/0/text/text", lambda n: modal(section(text=plain("x" * n)))),
    "section fields": (10, "/blocks/0/fields", lambda n: modal(section(fields=[plain("x")] * n))),
    "section field": (2000, "/blocks/0/fields/0/text", lambda n: modal(section(fields=[plain("x" * n)]))),
    "header": (150, "/blocks/0/text/text", lambda n: modal({"type": "header", "text": plain("x" * n)})),
    "context": (10, "/blocks/0/elements", lambda n: modal({"type": "context", "elements": [plain("x")] * n})),
    "actions": (25, "/blocks/0/elements", lambda n: modal(actions(*map(button, range(n))))),
    "button text": (75, "/blocks/0/elements/0/text/text", lambda n: modal(actions(button(text=plain("x" * n))))),
    "button value": (2000, "/blocks/0/elements/0/value", lambda n: modal(actions(button(value="x" * n)))),
    "button url": (3000, "/blocks/0/elements/0/url", lambda n: modal(actions(button(url="x" * n)))),
    "action_id": (255, "/blocks/0/elements/0/action_id", lambda n: modal(actions(button(action_id="x" * n)))),
    "accessibility_label": (
        75,
        "/blocks/0/elements/0/accessibility_label",
        lambda n: modal(actions(button(accessibility_label="x" * n))),
    ),
    "confirm title": (100, "/blocks/0/elements/0/confirm/title/text", lambda n: confirm(title="x" * n)),
    "confirm text": (300, "/blocks/0/elements/0/confirm/text/text", lambda n: confirm(text="x" * n)),
    "confirm yes": (30, "/blocks/0/elements/0/confirm/confirm/text", lambda n: confirm(confirm="x" * n)),
    "confirm no": (30, "/blocks/0/elements/0/confirm/deny/text", lambda n: confirm(deny="x" * n)),
    "input label": (2000, "/blocks/0/label/text", lambda n: modal(ask() | {"label": plain("x" * n)})),
    "input hint": (2000, "/blocks/0/hint/text", lambda n: modal(ask() | {"hint": plain("x" * n)})),
    "placeholder": (150, "/blocks/0/element/placeholder/text", lambda n: modal(ask(placeholder=plain("x" * n)))),
    "max_length": (3000, "/blocks/0/element/max_length", lambda n: modal(ask(max_length=n))),
    "initial_value": (3000, "/blocks/0/element/initial_value", lambda n: modal(ask(initial_value="x" * n))),
    "select": (100, "/blocks/0/element/options", lambda n: modal(ask("static_select", options=options(n)))),
    "checkboxes": (10, "/blocks/0/element/options", lambda n: modal(ask("checkboxes", options=options(n)))),
    "radio_buttons": (10, "/blocks/0/element/options", lambda n: modal(ask("radio_buttons", options=options(n)))),
    "overflow": (
        5,
        "/blocks/0/accessory/options",
        lambda n: modal(section(accessory={"type": "overflow", "action_id": "a", "options": options(n)})),
    ),
    "option text": (
        75,
        "/blocks/0/element/options/0/text/text",
        lambda n: modal(ask("static_select", options=[{"text": plain("x" * n), "value": "1"}])),
    ),
    "option value": (
        150,
        "/blocks/0/element/options/0/value",
        lambda n: modal(ask("static_select", options=[{"text": plain("x"), "value": "x" * n}])),
    ),
    "image alt_text": (
        2000,
        "/blocks/0/alt_text",
        lambda n: modal({"type": "image", "image_url": "https://x.example/", "alt_text": "x" * n}),
    ),
    "alert": (200, "/blocks/0/text/text", lambda n: modal({"type": "alert", "text": plain("x" * n)})),
    "blocks of a message": (50, "/blocks", lambda n: {"text": "x", "blocks": [{"type": "divider"}] * n}),
    "attachments": (100, "/attachments", lambda n: {"text": "x", "attachments": [{"text": "x"}] * n}),
    "markdown_text": (12_000, "/markdown_text", lambda n: {"markdown_text": "x" * n}),
    "chart title": (50, "/blocks/0/title", lambda n: message(chart(title="x" * n, segments=points(2)))),
    "pie": (12, "/blocks/0/chart/segments", lambda n: message(chart(segments=points(n)))),
    "series of a chart": (12, "/blocks/0/chart/series", lambda n: message(chart("bar", **series(n)))),
    "points of a series": (20, "/blocks/0/chart/series/0/data", lambda n: message(chart("line", **series(1, n)))),
    "charts of a message": (
        2,
        "/blocks/2",
        lambda n: message(*[chart(segments=points(2)) for _ in range(n)]),
    ),
    "card title": (150, "/blocks/0/title/text", lambda n: message(card(title=plain("x" * n)))),
    "card subtext": (200, "/blocks/0/subtext/text", lambda n: message(card(subtext=plain("x" * n)))),
    "card actions": (3, "/blocks/0/actions", lambda n: message(card(actions=[button(one) for one in range(n)]))),
    "data table": (
        20_000,
        "/blocks/0",
        lambda n: message(
            {
                "type": "data_table",
                "caption": "C",
                "rows": [[{"type": "raw_text", "text": "x" * (n - 1)}], [{"type": "raw_text", "text": "x"}]],
            }
        ),
    ),
    "markdown": (12_000, "/blocks/0/text", lambda n: {"text": "x", "blocks": [{"type": "markdown", "text": "x" * n}]}),
}


@each_row("name", LIMITS)
def test_a_limit_is_exact(name: str) -> None:
    most, pointer, payload = LIMITS[name]

    def verdict(count: int) -> list[Problem]:
        made = payload(count)
        return check(made.get("type", "message"), made)

    assert verdict(most) == []
    assert (pointer, "limit") in of(verdict(most + 1))


@pytest.mark.parametrize("kind", ["checkboxes", "multi_static_select"])
def test_that_none_is_chosen_is_said_by_leaving_it_out(kind: str) -> None:
    """Slack says of an empty list that it “must be one of the provided options”."""
    assert check_view(modal(ask(kind, options=options(2)))) == []

    problems = check_view(modal(ask(kind, options=options(2), initial_options=[])))

    assert of(problems) == {("/blocks/0/element/initial_options", "initial-option")}


def test_a_text_of_an_update_is_shorter_than_that_of_a_message() -> None:
    assert check_message({"text": "x" * 4001}) == []
    assert check_message({"text": "x" * 4000}, update=True) == []
    assert of(check_message({"text": "x" * 4001}, update=True)) == {("/text", "msg_too_long")}


def test_what_slack_takes_all_the_same_is_told_but_not_refused() -> None:
    problems = [*check_message({"text": "<!channel>"}), *check_message({"text": "x" * 40_001})]

    assert [(one.code, one.refused) for one in problems] == [("broadcast", False), ("limit", False)]


def test_a_problem_never_repeats_what_is_in_the_payload() -> None:
    canary = "canary"
    view = modal(section(text=plain(canary * 501), canary2=1), {"type": canary}, ask(min_length=canary))

    problems = check_view(view | {"title": canary})

    assert len(problems) == 5
    assert not any(canary in one.message for one in problems)


def test_every_block_of_a_surface_is_known_and_files_belong_nowhere() -> None:
    placed = frozenset().union(*SURFACES.values())

    assert BLOCK.kinds - placed == {"file"}
    assert placed <= BLOCK.kinds


@each_row("junk", [None, 7, "x", [], {}, [[]], {"type": []}, {"type": {}}, {"options": 3}], ids=repr)
@each_row("where", ["type", "title", "blocks", "block", "element", "options", "text"])
def test_junk_is_refused_and_never_breaks_the_check(where: str, junk: Any) -> None:
    views = {
        "type": modal(section(), type=junk),
        "title": modal(section(), title=junk),
        "blocks": modal() | {"blocks": junk},
        "block": modal(junk),
        "element": modal(section(accessory=junk)),
        "options": modal(ask("static_select", options=junk)),
        "text": modal(section(text=junk)),
    }

    assert check_view(views[where])


# --- blocks of 2026

NEW: dict[str, tuple[Json, set[tuple[str, str]]]] = {
    "a pie": (message(chart(segments=points(3))), set()),
    "bars": (message(chart("bar", **series(2))), set()),
    "an area with labels": (
        message(
            chart("area", **series(1) | {"axis_config": {"categories": ["0", "1"], "x_label": "x", "y_label": "y"}})
        ),
        set(),
    ),
    "a pie with nothing in a slice": (
        message(chart(segments=[{"label": "a", "value": 0}])),
        {("/blocks/0/chart/segments/0/value", "limit")},
    ),
    "two series of one name": (
        message(chart("line", **series(1) | {"series": series(1)["series"] * 2})),
        {("/blocks/0/chart/series/1/name", "duplicate-name")},
    ),
    "a series without a value for a category": (
        message(chart("line", **series(1) | {"axis_config": {"categories": ["0"]}})),
        {("/blocks/0/chart/series/0/data", "categories")},
    ),
    "a chart of no known kind": (message(chart("radar")), {("/blocks/0/chart/type", "wrong-type")}),
    "a chart in a modal": (modal(chart(segments=points(2))), {("/blocks/0/type", "surface")}),
    "a chart in a home tab": (
        {"type": "home", "blocks": [chart(segments=points(2))]},
        {("/blocks/0/type", "surface")},
    ),
    "a card with an icon of Slack's": (message(card(slack_icon={"type": "icon", "name": "rocket"})), set()),
    "a card in a modal": (modal(card(subtext=plain("x"))), set()),
    "an icon that Slack has not": (
        message(card(slack_icon={"type": "icon", "name": "unicorn"})),
        {("/blocks/0/slack_icon/name", "wrong-type")},
    ),
    "two icons": (
        message(
            card(
                slack_icon={"type": "icon", "name": "key"},
                icon={"type": "image", "image_url": "https://x.example/", "alt_text": "x"},
            )
        ),
        {("/blocks/0/slack_icon", "card-icons")},
    ),
    "a card with nothing to see": (
        message({"type": "card", "subtitle": plain("x"), "subtext": plain("y")}),
        {("/blocks/0", "card-empty")},
    ),
    "a Work Object": (message(metadata={"entities": [entity()]}), set()),
    "a Work Object of a link, beside an event": (
        message(
            metadata={
                "event_type": "task_created",
                "event_payload": {"id": "1"},
                "entities": [entity(app_unfurl_url="https://tasks.example/1?a=b")],
            }
        ),
        set(),
    ),
    "a Work Object without a reference": (
        message(metadata={"entities": [{name: value for name, value in entity().items() if name != "external_ref"}]}),
        {("/metadata/entities/0/external_ref", "missing")},
    ),
    "metadata of neither kind": (
        message(metadata={"event_type": "task_created"}),
        {("/metadata/event_payload", "missing")},
    ),
}


@each_row("name", NEW)
def test_the_blocks_of_2026_are_taken_as_slack_documents_them(name: str) -> None:
    payload, problems = NEW[name]

    assert of(check(payload.get("type", "message"), payload)) == problems
