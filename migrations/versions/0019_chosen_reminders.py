"""When a reminder to a recipient is due, and which worker is sending it.

Code from before runs on this schema, leaves the columns empty and sends no such reminder.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("remind_at", sa.Double))
    op.add_column("deliveries", sa.Column("reminder_lease_until", sa.Double))
    op.create_index(op.f("ix_deliveries_remind_at"), "deliveries", ["remind_at"])
