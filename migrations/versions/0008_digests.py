"""Several notifications in one message, and when each was posted; secrets that the watcher found by itself.

Columns that may be empty or have a default: code from before runs on this schema and leaves them as they are.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notifications", sa.Column("posted_at", sa.Double))
    op.add_column("notifications", sa.Column("digest", sa.String(22)))
    op.add_column("notifications", sa.Column("refusals", sa.Integer, nullable=False, server_default="0"))
    op.create_index("ix_notifications_posted_at", "notifications", ["posted_at"])
    op.add_column("tracked", sa.Column("found", sa.Boolean))
    op.add_column("deliveries", sa.Column("sender_notified_at", sa.Double))
