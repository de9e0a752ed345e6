"""Words for what the audit notes: the names of features and of what the bot does by itself, and outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.screen.pieces import Code, Piece, Plain, say_in

ACTS: Final[Mapping[str, Piece]] = {
    "retrieve": say_in("an act", "Open a secret"),
    "share": say_in("an act", "Share a secret"),
    "generate": say_in("an act", "Generate a password"),
    "request": say_in("an act", "Request a secret"),
    "metadata": say_in("an act", "Look at a secret"),
    "burn": say_in("an act", "Burn a secret"),
    "recent": say_in("an act", "List secrets"),
    "track": say_in("an act", "Track a secret"),
    "settings": say_in("an act", "Change settings"),
    "connect": say_in("an act", "Connect an account"),
    "accounts": say_in("an act", "Manage accounts"),
    "link": say_in("an act", "Paste a link"),
    "check_link": say_in("an act", "Check links"),
    "make_link": say_in("an act", "Make a link of a message"),
    "unfurl": say_in("an act", "Post a link"),
    "help": say_in("an act", "Read the help"),
    "home": say_in("an act", "Use the Home tab"),
    "leaving": say_in("an act", "Erase data"),
    "policy": say_in("an act", "Set the policy"),
    "left_people": say_in("an act", "Burn secrets of somebody who left"),
    "activity": say_in("an act", "Look at what I did"),
    "unknown": say_in("an act", "Something that this app does not know"),
    "notification": say_in("an act", "Message from this app"),
    "seen": say_in("an act", "New status of a tracked secret"),
    "erased": say_in("an act", "Erase somebody's data"),
}

OUTCOMES: Final[Mapping[str, Piece]] = {
    "shown": say_in("an outcome", "shown"),
    "done": say_in("an outcome", "done"),
    "partly_done": say_in("an outcome", "partly done"),
    "opened": say_in("an outcome", "opened"),
    "refused": say_in("an outcome", "refused"),
    "nothing_sent": say_in("an outcome", "the server was not reached"),
    "unknown": say_in("an outcome", "outcome not known"),
    "window_closed": say_in("an outcome", "window closed"),
    "unavailable": say_in("an outcome", "not available"),
    "crashed": say_in("an outcome", "failed"),
    "sent": say_in("an outcome", "sent"),
    "dead": say_in("an outcome", "could not be sent"),
    "received": say_in("an outcome", "received"),
    "burned": say_in("an outcome", "burned"),
    "expired": say_in("an outcome", "expired"),
    "orphaned": say_in("an outcome", "lost its account"),
}


def act_words(act: str) -> Piece:
    """What was done. A name of another version of the bot is shown as it is."""
    return ACTS.get(act, Code(Plain(act)))


def outcome_words(outcome: str) -> Piece:
    return OUTCOMES.get(outcome, Code(Plain(outcome)))
