"""A share that is a later try: which earlier share it replaces on the sender's card, and how many are in doubt.

Code from before runs on this schema: its shares have cards of their own.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("shares", sa.Column("earlier_id", sa.String(22)))
    op.add_column("shares", sa.Column("unknown_tries", sa.Integer, nullable=False, server_default="0"))
    op.create_index("ix_shares_earlier_id", "shares", ["earlier_id"])
