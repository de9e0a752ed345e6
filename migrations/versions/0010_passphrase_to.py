"""A delivery says itself who gets its passphrase, so that its sealed values can be bound to that.

Code from before leaves the column empty; the share says it then.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("passphrase_to", sa.String(16)))
