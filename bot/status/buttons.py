"""Names of the actions that buttons lead to, for buttons that more than one package draws.

A name is the button's `action_id` in Slack. Messages that were posted long ago still hold it, so its value never
changes. The handlers are in bot/features, under these same constants.
"""

from __future__ import annotations

from typing import Final

from bot.screen.parts import Button
from bot.screen.pieces import Phrase, say

CONNECT_OPEN: Final = "connect_open"
CONNECT_ACCOUNT: Final = say("Connect an account")

ERASE_ME: Final = "erase_me"  # in the Home tab
POLICY_OPEN: Final = "policy_open"  # in the Home of an admin, as is the next
LEFT_OPEN: Final = "left_open"

# on a pasted link, or a card of metadata; `ref` is a button context
RETRIEVE_OPEN: Final = "retrieve_open"
METADATA_REFRESH: Final = "metadata_refresh"
METADATA_DETAILS: Final = "metadata_details"  # opens a window
TRACK: Final = "track"
BURN: Final = "burn"
BURN_WITH_PASSPHRASE: Final = "burn_with_passphrase"  # asks for the passphrase in a window

# on the card of a tracked secret, or its line in `/ots tracked`; `ref` is the tracked secret
TRACKED_REFRESH: Final = "tracked_refresh"
TRACKED_STOP: Final = "tracked_stop"
TRACKED_BURN: Final = "tracked_burn"
TRACKED_LIST_BURN: Final = "tracked_list_burn"
TRACKED_BURN_WITH_PASSPHRASE: Final = "tracked_burn_with_passphrase"

# on the card under a link that somebody posted; `ref` is the card
CARD_OPEN: Final = "card_open"
CARD_CHECK: Final = "card_check"
CARD_BURN: Final = "card_burn"

ACTIVITY_OPEN: Final = "activity_open"  # opens a window


def activity_button() -> Button:
    """Opens the window with what the audit says of the person."""
    return Button(say("What I did here"), ACTIVITY_OPEN)


def connect_button(label: Phrase = CONNECT_ACCOUNT) -> Button:
    """Opens the window of `/ots connect`."""
    return Button(label, CONNECT_OPEN, style="primary")
