"""Who has the Home tab open, and which of its pages it shows. An index finds what waits for a recipient.

A new table and a new index: code from before runs on this schema and does not use them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "homes",
        sa.Column("enterprise_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("install_team", sa.String(32)),
        sa.Column("hash", sa.String(64)),
        sa.Column("tracked_page", sa.Integer, nullable=False),
        sa.Column("recent_page", sa.Integer, nullable=False),
        sa.Column("recent_filter", sa.String(16), nullable=False),
        sa.Column("opened_at", sa.Double, nullable=False),
        sa.Column("published_at", sa.Double),
        sa.PrimaryKeyConstraint("enterprise_id", "team_id", "user_id", name=op.f("pk_homes")),
    )
    op.create_index(op.f("ix_homes_opened_at"), "homes", ["opened_at"])
    is_open = sa.text("over_at IS NULL")
    op.create_index(
        "ix_deliveries_waiting", "deliveries", ["recipient_user_id"], postgresql_where=is_open, sqlite_where=is_open
    )
    op.create_index("ix_requests_waiting", "requests", ["asked_id"], postgresql_where=is_open, sqlite_where=is_open)
