"""A small language for what a JSON value may be: text of some length, lists, objects with known fields.

Each spec walks a value and yields a `Problem` for everything Slack would not take. Messages speak of
fields and numbers, never of the value itself, which may be a secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a payload. `pointer` is a JSON pointer into it.

    `refused` is False where Slack takes the payload all the same (it cuts the text, or notifies a whole
    channel): worth knowing, but the call goes through.
    """

    pointer: str
    code: str
    message: str
    refused: bool = True


class Schema(Protocol):
    def check(self, value: Any, at: str) -> Iterator[Problem]: ...


def wrong_type(at: str, want: str) -> Problem:
    return Problem(at or "/", "wrong-type", f"must be {want}")


@dataclass(frozen=True, slots=True)
class String:
    """A string of `least` to `most` characters, or one of `choices`."""

    most: int | None = None
    least: int = 1
    choices: tuple[str, ...] = ()

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield wrong_type(at, "a string")
        elif self.choices and value not in self.choices:
            yield wrong_type(at, f"one of {', '.join(self.choices)}")
        elif self.most is not None and len(value) > self.most:
            yield Problem(at, "limit", f"must be less than {self.most + 1} characters")
        elif self.most is not None and len(value) < self.least:
            yield Problem(at, "limit", f"must be more than {self.least - 1} characters")


@dataclass(frozen=True, slots=True)
class Boolean:
    def check(self, value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, bool):
            yield wrong_type(at, "a boolean")


@dataclass(frozen=True, slots=True)
class Number:
    """A number, within `least` and `most` where they are given."""

    least: float | None = None
    most: float | None = None

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield wrong_type(at, "a number")
        elif self.least is not None and value < self.least:
            yield Problem(at, "limit", f"must be at least {self.least:g}")
        elif self.most is not None and value > self.most:
            yield Problem(at, "limit", f"must be at most {self.most:g}")


@dataclass(frozen=True, slots=True)
class Anything:
    def check(self, value: Any, at: str) -> Iterator[Problem]:
        del value, at
        return iter(())


@dataclass(frozen=True, slots=True)
class AnyObject:
    def check(self, value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield wrong_type(at, "an object")


@dataclass(frozen=True, slots=True)
class Array:
    """A list of `least` to `most` items."""

    item: Schema
    most: int | None = None
    least: int = 0

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield wrong_type(at, "an array")
            return
        if self.most is not None and len(value) > self.most:
            yield Problem(at, "limit", f"no more than {self.most} items allowed")
        if len(value) < self.least:
            yield Problem(at, "limit", f"no fewer than {self.least} items allowed")
        for place, item in enumerate(value):
            yield from self.item.check(item, f"{at}/{place}")


@dataclass(frozen=True, slots=True)
class Object:
    """An object that has `need`, may have `may`, and nothing else. `kind` is its `type`, if it has one."""

    kind: str | None = None
    need: Mapping[str, Schema] = field(default_factory=dict)
    may: Mapping[str, Schema] = field(default_factory=dict)

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield wrong_type(at, "an object")
            return
        if self.kind is not None and value.get("type") != self.kind:
            yield Problem(f"{at}/type", "wrong-type", f"unsupported type, must be {self.kind}")
            return
        for name in self.need:
            if name not in value:
                yield Problem(f"{at}/{name}", "missing", f"missing required field: {name}")
        for name, inner in value.items():
            yield from self._field(name, inner, at)

    def _field(self, name: str, value: Any, at: str) -> Iterator[Problem]:
        spec = self.need.get(name) or self.may.get(name)
        if spec is not None:
            yield from spec.check(value, f"{at}/{name}")
        elif name != "type" or self.kind is None:
            yield Problem(f"{at}/{name}", "unknown-field", "invalid additional property")


class OneOf:
    """An object whose `type` says which of several it is. Two may share a type: the better fit counts."""

    __slots__ = ("_by_kind",)

    def __init__(self, *members: Object | OneOf) -> None:
        self._by_kind: dict[str, list[Object]] = {}
        for member in members:
            for one in [member] if isinstance(member, Object) else member.members():
                self._by_kind.setdefault(str(one.kind), []).append(one)

    def members(self) -> list[Object]:
        return [one for several in self._by_kind.values() for one in several]

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(self._by_kind)

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield wrong_type(at, "an object")
            return
        kind = value.get("type")
        candidates = self._by_kind.get(kind, []) if isinstance(kind, str) else []
        if not candidates:
            yield Problem(f"{at}/type", "wrong-type", "unsupported type")
            return
        yield from _best([list(one.check(value, at)) for one in candidates])


class Either:
    """An object without `type` that fits one of several shapes: the better fit counts."""

    __slots__ = ("_shapes",)

    def __init__(self, *shapes: Schema) -> None:
        self._shapes = shapes

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        yield from _best([list(one.check(value, at)) for one in self._shapes])


def _best(complaints: Sequence[list[Problem]]) -> list[Problem]:
    return min(complaints, key=len)
