"""Schemas for JSON values: strings with a length, arrays, objects with known fields.

`check` of a schema yields a `Problem` for each part of a value that Slack does not accept. The text of a problem names
fields and numbers, never the value itself, which may be a secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a payload. `pointer` is a JSON pointer into the payload.

    With `refused` False Slack accepts the payload, but it cuts the text, or notifies a whole channel.
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
    """A string of `min_length` to `max_length` characters, or one of `choices`."""

    max_length: int | None = None
    min_length: int = 1
    choices: tuple[str, ...] = ()

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield wrong_type(at, "a string")
        elif self.choices and value not in self.choices:
            yield wrong_type(at, f"one of {', '.join(self.choices)}")
        elif self.max_length is not None and len(value) > self.max_length:
            yield Problem(at, "limit", f"must be less than {self.max_length + 1} characters")
        elif self.max_length is not None and len(value) < self.min_length:
            yield Problem(at, "limit", f"must be more than {self.min_length - 1} characters")


@dataclass(frozen=True, slots=True)
class Boolean:
    def check(self, value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, bool):
            yield wrong_type(at, "a boolean")


@dataclass(frozen=True, slots=True)
class Number:
    """A number from `minimum` to `maximum`; None means no limit."""

    minimum: float | None = None
    maximum: float | None = None

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield wrong_type(at, "a number")
        elif self.minimum is not None and value < self.minimum:
            yield Problem(at, "limit", f"must be at minimum {self.minimum:g}")
        elif self.maximum is not None and value > self.maximum:
            yield Problem(at, "limit", f"must be at maximum {self.maximum:g}")


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
    """An array of `min_items` to `max_items` items."""

    item: Schema
    max_items: int | None = None
    min_items: int = 0

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield wrong_type(at, "an array")
            return
        if self.max_items is not None and len(value) > self.max_items:
            yield Problem(at, "limit", f"no more than {self.max_items} items allowed")
        if len(value) < self.min_items:
            yield Problem(at, "limit", f"no fewer than {self.min_items} items allowed")
        for place, item in enumerate(value):
            yield from self.item.check(item, f"{at}/{place}")


@dataclass(frozen=True, slots=True)
class Object:
    """An object with the fields of `required`, and no others than those of `optional`.

    `kind` is the value of its field `type`, None for an object without that field.
    """

    kind: str | None = None
    required: Mapping[str, Schema] = field(default_factory=dict)
    optional: Mapping[str, Schema] = field(default_factory=dict)

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield wrong_type(at, "an object")
            return
        if self.kind is not None and value.get("type") != self.kind:
            yield Problem(f"{at}/type", "wrong-type", f"unsupported type, must be {self.kind}")
            return
        for name in self.required:
            if name not in value:
                yield Problem(f"{at}/{name}", "missing", f"missing required field: {name}")
        for name, inner in value.items():
            yield from self._field(name, inner, at)

    def _field(self, name: str, value: Any, at: str) -> Iterator[Problem]:
        spec = self.required.get(name) or self.optional.get(name)
        if spec is not None:
            yield from spec.check(value, f"{at}/{name}")
        elif name != "type" or self.kind is None:
            yield Problem(f"{at}/{name}", "unknown-field", "invalid additional property")


class OneOf:
    """An object whose field `type` selects the schema. Of two schemas with one type the better fit counts."""

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
        yield from _fewest_problems([list(one.check(value, at)) for one in candidates])


class Either:
    """An object without the field `type` that fits one of several schemas. The better fit counts."""

    __slots__ = ("_schemas",)

    def __init__(self, *schemas: Schema) -> None:
        self._schemas = schemas

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        yield from _fewest_problems([list(one.check(value, at)) for one in self._schemas])


def _fewest_problems(alternatives: Sequence[list[Problem]]) -> list[Problem]:
    return min(alternatives, key=len)
