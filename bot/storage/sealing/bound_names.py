"""The table and column names that sealed values are bound to. They never change.

The names are part of the associated data of each value (see sealer.py), and a migration has no keys to seal values
again. So a renamed table or column keeps its first name here. Other columns are bound to their current name.
"""

from __future__ import annotations

from typing import Final

ACCOUNTS: Final = "accounts"
AUDIT_ENTRIES: Final = "audit_entries"
AUDIT_KEYS: Final = "audit_keys"
BUTTON_CONTEXTS: Final = "handles"
BUTTON_CONTEXT_DATA: Final = "facts"  # the column `data`
DATA_KEYS: Final = "data_keys"
DELIVERIES: Final = "parcels"
EXECUTIONS: Final = "executions"
INSTALLATIONS: Final = "installations"
LINK_CARDS: Final = "link_cards"
KEY_CHECKS: Final = "key_checks"
REQUESTS: Final = "requests"
REVEALS: Final = "reveals"
SHARES: Final = "shares"
TRACKED: Final = "tracked"
