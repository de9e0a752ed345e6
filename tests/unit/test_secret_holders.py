"""Every class that holds a secret hides it. The classes are found by their types, so a new one is tested at once."""

import copy
import dataclasses
import enum
import importlib
import inspect
import json
import pickle
import pkgutil
import traceback
import types
import typing
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal
from unittest.mock import NonCallableMock

import msgspec
import pydantic
import pytest

import bot
from bot.secret import HIDDEN, MetadataKey, Secret
from tests.support.rows import each_row

CANARY = "canary-a07e722f"
PLAIN = {str: "text", int: 1, float: 1.0, bool: True, bytes: b"bytes", datetime: datetime(2026, 1, 2, tzinfo=UTC)}


# --- finding them


def own_classes() -> Iterator[type]:
    """All classes of the bot, without those of the emulators, which hold made-up secrets of made-up people."""
    for found in pkgutil.walk_packages(bot.__path__, "bot."):
        if found.name.startswith("bot.sandbox") or found.name.endswith("__main__"):
            continue
        for one in vars(importlib.import_module(found.name)).values():
            if inspect.isclass(one) and one.__module__ == found.name:
                yield one


def hints(one: type) -> dict[str, Any]:
    """The types of the fields and of what the class is made from, as far as the bot itself has written them."""
    found: dict[str, Any] = {}
    for base in reversed([base for base in one.__mro__ if base.__module__.startswith("bot.")]):
        made = vars(base).get("__init__")
        found |= inspect.get_annotations(base, eval_str=True)
        found |= typing.get_type_hints(made) if inspect.isfunction(made) else {}
    return {name: hint for name, hint in found.items() if name != "return"}


def mentions(hint: Any, holders: set[type]) -> bool:
    if inspect.isclass(hint) and (issubclass(hint, Secret) or hint in holders):
        return True
    if typing.get_origin(hint) in (Callable, Literal, type):
        return False
    return any(mentions(part, holders) for part in typing.get_args(hint))


def is_value(one: type) -> bool:
    """Whether it is made of its fields, and shows them."""
    return dataclasses.is_dataclass(one) or issubclass(one, msgspec.Struct | pydantic.BaseModel | tuple)


def holders_among(classes: list[type]) -> set[type]:
    """Those with a secret in a field, and values with a value in a field that holds one."""
    kept = [one for one in classes if not issubclass(one, Secret | BaseException)]
    holders = {one for one in kept if any(mentions(hint, set()) for hint in hints(one).values())}
    while more := {
        one
        for one in kept
        if one not in holders and is_value(one) and any(mentions(hint, holders) for hint in hints(one).values())
    }:
        holders |= more
    return holders


# Classes that hand their secret on to a library, which keeps it.
HANDS_ON = ("SocketConnection",)
CLASSES = [one for one in own_classes() if one.__name__ not in HANDS_ON]
HOLDERS = sorted(holders_among(CLASSES), key=lambda one: one.__qualname__)


# --- making one of each


def value_of(hint: Any) -> Any:  # noqa: PLR0911 - a return for each kind of type
    """Something of this type, with canaries for all secrets in it."""
    kind, parts = typing.get_origin(hint), typing.get_args(hint)
    if kind in (typing.Union, types.UnionType):
        return value_of(next((part for part in parts if mentions(part, set(HOLDERS))), parts[0]))
    if kind is typing.Annotated:
        return value_of(parts[0])
    if kind is Literal:
        return parts[0]
    if kind is dict or getattr(kind, "__name__", "") == "Mapping":
        return {value_of(parts[0]): value_of(parts[1])}
    if kind is not None and parts and kind is not Callable and issubclass(kind, typing.Iterable):
        return (tuple if kind not in (list, set, frozenset) else kind)([value_of(parts[0])])
    if not inspect.isclass(hint):
        return NonCallableMock()
    if issubclass(hint, Secret):
        return hint(CANARY)
    if issubclass(hint, enum.Enum):
        return next(iter(hint))
    if hint in PLAIN:
        return PLAIN[hint]
    return instance_of(hint) if hint in HOLDERS or dataclasses.is_dataclass(hint) else NonCallableMock()


def instance_of(one: type) -> Any:
    known = hints(one)
    if issubclass(one, pydantic.BaseModel):
        return one.model_construct(**{name: value_of(hint) for name, hint in known.items() if name in one.model_fields})
    named = [name for name, each in inspect.signature(one).parameters.items() if each.kind is not each.VAR_KEYWORD]
    return one(**{name: value_of(known[name]) for name in named})


def ways_of_showing(held: Any) -> Iterator[str]:
    yield from (repr(held), str(held), f"{held}", f"{held!r:>80}", repr([held, {"one": held}]))
    yield repr(copy.copy(held))
    if hasattr(held, "__dict__"):
        yield repr(vars(held))
    if dataclasses.is_dataclass(held) and not isinstance(held, type):
        yield repr([getattr(held, each.name) for each in dataclasses.fields(held)])
    if isinstance(held, pydantic.BaseModel):
        yield repr(held.model_dump(warnings=False))
    try:
        raise ValueError(held)
    except ValueError as error:
        yield "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


# --- the tests


def test_the_classes_that_hold_secrets_are_found():
    names = {one.__name__ for one in HOLDERS}

    assert {"Credentials", "Metadata", "Settings", "Account", "Delivery", "Tracked", "Notification"} <= names
    assert not {"Person", "MessageRef", "Host"} & names
    assert {one.__name__ for one in own_classes()} >= set(HANDS_ON)


@each_row("one", HOLDERS, ids=lambda one: one.__qualname__)
def test_no_class_that_holds_a_secret_shows_it(one):
    held = instance_of(one)

    for shown in ways_of_showing(held):
        assert CANARY not in shown


@each_row("one", HOLDERS, ids=lambda one: one.__qualname__)
@each_row("store", [pickle.dumps, json.dumps, msgspec.json.encode], ids=["pickle", "json", "msgspec"])
def test_no_class_that_holds_a_secret_can_be_stored_by_accident(one, store):
    held = instance_of(one)

    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        store(held)


def test_a_class_that_shows_its_secret_would_be_found():
    @dataclasses.dataclass
    class Careless:
        key: MetadataKey
        text: str = ""

        def __post_init__(self) -> None:
            self.text = self.key.reveal()

    assert mentions(MetadataKey | None, set())
    assert mentions(tuple[Careless, ...], {Careless})
    assert any(CANARY in shown for shown in ways_of_showing(Careless(MetadataKey(CANARY))))
    assert not any(CANARY in shown for shown in ways_of_showing(Secret(CANARY)))
    assert HIDDEN in repr(value_of(tuple[Secret, ...]))
