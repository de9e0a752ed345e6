"""What the audit gets of one act: who, what, where, the row that it is about, and the outcome."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.errors import BotError, LimitReached
from bot.interaction.feature import UNKNOWN_VERB, Handler, Kind, Outcome
from bot.person import Person
from bot.secret import Secret
from bot.slack.payloads import Incoming
from bot.storage.audit.entry import DIRECT, HOME
from bot.storage.audit.journal import Audit
from bot.storage.tables import is_id

# What leaves no trace anywhere. An event is noted if the bot did something.
_WITHOUT_EFFECT = frozenset({Kind.OPTIONS, Kind.CLOSED})


class AuditRecord:
    def __init__(self, audit: Audit, incoming: Incoming, feature: str | None, name: str) -> None:
        self._audit = audit
        self._incoming = incoming
        self._feature = feature or UNKNOWN_VERB
        self._name = name
        self._ref = incoming.ref if is_id(incoming.ref) else None
        self._secret: str | None = None

    def note_row(self, row: object) -> None:
        """The row that the handler was given: its id, and a keyed hash of its key."""
        row_id, host = getattr(row, "id", None), getattr(row, "host", None)
        self._ref = row_id if is_id(row_id) else self._ref
        keys = (getattr(row, name, None) for name in ("key", "metadata_key", "link", "secret_key"))
        key = next((one for one in keys if isinstance(one, Secret) and one), None)
        if key is not None and isinstance(host, str):
            self._secret = self._audit.hash_secret(self._actor, host, key)

    def end(self, handler: Handler[Any] | None, outcome: Outcome, error: BotError | None = None) -> None:
        """Note the outcome, and which rule denied the act if `error` says so. `handler` None: nothing was begun."""
        incoming = self._incoming
        is_event = incoming.kind is Kind.EVENT and outcome is not Outcome.DONE
        is_left_out = handler is not None and (handler.draws_home or not handler.is_audited)
        if is_left_out or incoming.kind in _WITHOUT_EFFECT or is_event:
            return
        self._audit.note(
            self._actor, self._feature, outcome, name=self._name or None, surface=incoming.kind, place=self._place,
            ref=self._ref, secret=self._secret, rule=None if error is None else _rule(error),
        )  # fmt: skip

    @property
    def _actor(self) -> Person:
        """The person, in the workspace that the app is installed in: what a stranger tries is noted there."""
        person = self._incoming.person
        return replace(person, team_id=self._incoming.install_team or person.team_id)

    @property
    def _place(self) -> str | None:
        incoming = self._incoming
        return (
            HOME if incoming.in_home else _place_in(incoming.channel or (incoming.message and incoming.message.channel))
        )


def _place_in(channel: str | None) -> str | None:
    """The channel; DIRECT for a conversation of two people, or of one with the bot."""
    return DIRECT if channel is not None and channel.startswith("D") else channel


def _rule(error: BotError) -> str | None:
    """The rule that refused the act, and of a limit also which one; None for an error that is no refusal of ours."""
    return f"{error.rule}:{error.kind}" if isinstance(error, LimitReached) else error.rule
